//! Formulas (ECMA-376 part 1, 22.1) as one line, in the notation of TeX where characters do not
//! suffice.

use crate::document::markup::xml::{Node, Xml};
use crate::error::Result;

/// Adds the formula that was just begun to `text`.
pub(super) fn add(xml: &mut Xml<'_>, text: &mut String) -> Result<()> {
    let mut formula = String::new();
    read(xml, &mut formula)?;
    let formula = formula.trim();
    if !formula.is_empty() {
        // A formula touches no word.
        if text.ends_with(char::is_alphanumeric) {
            text.push(' ');
        }
        text.push_str(formula);
        text.push(' ');
    }
    Ok(())
}

/// Reads up to the end of the element that was begun. The depth of elements is capped.
fn read(xml: &mut Xml<'_>, out: &mut String) -> Result<()> {
    loop {
        let tag = match xml.next()? {
            None | Some(Node::End) => return Ok(()),
            Some(Node::Text(_)) => continue,
            Some(Node::Start(tag)) => tag,
        };
        match tag.name() {
            "t" => out.push_str(&xml.text()?),
            "rPr" | "ctrlPr" | "fPr" | "sSupPr" | "sSubPr" | "sSubSupPr" | "radPr" | "funcPr"
            | "limLowPr" | "limUppPr" | "accPr" | "barPr" | "eqArrPr" | "mPr" | "groupChrPr"
            | "boxPr" | "borderBoxPr" | "phantPr" | "sPrePr" => xml.skip()?,
            "f" => parts(xml, out, |p| format!("\\frac{{{}}}{{{}}}", p.get("num"), p.get("den")))?,
            "sSup" => parts(xml, out, |p| format!("{}^{{{}}}", p.get("e"), p.get("sup")))?,
            "sSub" => parts(xml, out, |p| format!("{}_{{{}}}", p.get("e"), p.get("sub")))?,
            "sSubSup" => parts(xml, out, |p| {
                format!("{}_{{{}}}^{{{}}}", p.get("e"), p.get("sub"), p.get("sup"))
            })?,
            "rad" => parts(xml, out, |p| match p.get("deg") {
                "" => format!("\\sqrt{{{}}}", p.get("e")),
                degree => format!("\\sqrt[{degree}]{{{}}}", p.get("e")),
            })?,
            "limLow" => parts(xml, out, |p| format!("{}_{{{}}}", p.get("e"), p.get("lim")))?,
            "limUpp" => parts(xml, out, |p| format!("{}^{{{}}}", p.get("e"), p.get("lim")))?,
            "func" => parts(xml, out, |p| format!("{} {}", p.get("fName"), p.get("e")))?,
            "nary" => parts(xml, out, |p| {
                let sign = if p.get("chr").is_empty() { "\u{222b}" } else { p.get("chr") };
                format!("{sign}_{{{}}}^{{{}}} {}", p.get("sub"), p.get("sup"), p.get("e"))
            })?,
            "d" => parts(xml, out, |p| {
                let or = |value: &str, default| {
                    if value.is_empty() { default } else { value.to_owned() }
                };
                let (open, close) = (p.get("begChr"), p.get("endChr"));
                format!("{}{}{}", or(open, "(".into()), p.all("e", ", "), or(close, ")".into()))
            })?,
            "mr" | "eqArr" => parts(xml, out, |p| format!("{} ", p.all("e", " ")))?,
            _ => read(xml, out)?,
        }
    }
}

/// The operands of a formula, by their names.
#[derive(Default)]
struct MathParts(Vec<(String, String)>);

impl MathParts {
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    fn all(&self, name: &str, between: &str) -> String {
        let values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        values.collect::<Vec<_>>().join(between)
    }
}

/// Reads the operands of the element that was begun and adds what `shape` makes of them.
fn parts(xml: &mut Xml<'_>, out: &mut String, shape: impl Fn(&MathParts) -> String) -> Result<()> {
    let mut parts = MathParts::default();
    loop {
        let tag = match xml.next()? {
            None | Some(Node::End) => break,
            Some(Node::Text(_)) => continue,
            Some(Node::Start(tag)) => tag,
        };
        let name = tag.name().to_owned();
        if matches!(name.as_str(), "naryPr" | "dPr") {
            properties(xml, &mut parts)?;
            continue;
        }
        let mut operand = String::new();
        read(xml, &mut operand)?;
        parts.0.push((name, operand.trim().to_owned()));
    }
    out.push_str(&shape(&parts));
    Ok(())
}

/// The characters that a sum, integral or bracket is drawn with.
fn properties(xml: &mut Xml<'_>, parts: &mut MathParts) -> Result<()> {
    loop {
        match xml.next()? {
            None | Some(Node::End) => return Ok(()),
            Some(Node::Text(_)) => {}
            Some(Node::Start(tag)) => {
                let sign = tag.attribute("val").unwrap_or_default();
                parts.0.push((tag.name().to_owned(), sign));
                xml.skip()?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    #[test]
    fn powers_and_fractions_keep_their_shape() {
        let xml = "<oMath><r><t>A=\u{3c0}</t></r><sSup><e><r><t>r</t></r></e><sup><r><t>2</t></r></sup></sSup>\
            <f><num><r><t>a</t></r></num><den><rad><deg/><e><r><t>b</t></r></e></rad></den></f></oMath>";
        let mut reader = Xml::new(Path::new("a"), "a", xml);
        reader.next().unwrap();
        let mut text = "Area".to_owned();
        add(&mut reader, &mut text).unwrap();
        assert_eq!(text, "Area A=\u{3c0}r^{2}\\frac{a}{\\sqrt{b}} ");
    }
}
