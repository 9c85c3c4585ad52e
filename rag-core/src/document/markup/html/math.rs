//! Formulas in MathML on one line: powers as superscripts, fractions with a slash.

use crate::document::vocabulary::{UnreadKind, unread};
use crate::document::writing::script::{self, Script};

/// A formula that is open.
#[derive(Default)]
pub(in crate::document) struct MathFormula {
    /// The open elements, each with what its children read so far.
    open: Vec<(Vec<u8>, Vec<String>)>,
    /// Elements open inside an annotation, which says the formula again.
    annotations: usize,
    bytes: usize,
    /// Bytes of the input it came from.
    pub(in crate::document) source: std::ops::Range<usize>,
}

/// Bytes of one formula, and elements inside each other; what is more is left out.
const MAX_BYTES: usize = 16 << 10;
const MAX_DEPTH: usize = 256;

impl MathFormula {
    pub(in crate::document) fn begin(&mut self, name: &[u8], self_closing: bool) {
        if self.annotations > 0 || name.starts_with(b"annotation") {
            self.annotations += usize::from(!self_closing);
        } else if self_closing {
            self.add(String::new());
        } else if self.open.len() < MAX_DEPTH {
            self.open.push((name.to_vec(), Vec::new()));
        }
    }

    /// Ends the innermost element `name`.
    pub(in crate::document) fn end(&mut self, name: &[u8]) {
        if self.annotations > 0 {
            self.annotations -= 1;
            return;
        }
        let Some(index) = self.open.iter().rposition(|(open, _)| open == name) else { return };
        for _ in index..self.open.len() {
            let Some((name, children)) = self.open.pop() else { return };
            self.add(shown(&name, &children));
        }
    }

    pub(in crate::document) fn text(&mut self, text: &str, source: std::ops::Range<usize>) {
        if self.annotations > 0 || text.trim().is_empty() {
            return;
        }
        if self.bytes > MAX_BYTES {
            return unread::note(UnreadKind::BeyondLimit, 1);
        }
        self.bytes += text.len();
        if self.source.is_empty() {
            self.source = source.clone();
        }
        self.source.end = self.source.end.max(source.end);
        self.add(super::one_line(text));
    }

    fn add(&mut self, child: String) {
        match self.open.last_mut() {
            Some((_, children)) => children.push(child),
            None => self.open.push((Vec::new(), vec![child])),
        }
    }

    /// The whole formula.
    pub(in crate::document) fn finish(mut self) -> String {
        while self.open.len() > 1 {
            let Some((name, children)) = self.open.pop() else { break };
            self.add(shown(&name, &children));
        }
        self.open.pop().map(|(name, children)| shown(&name, &children)).unwrap_or_default()
    }
}

fn shown(name: &[u8], children: &[String]) -> String {
    let child = |index: usize| children.get(index).map(String::as_str).unwrap_or_default();
    let raised = |index| script::formula(Script::Superscript, child(index));
    let lowered = |index| script::formula(Script::Subscript, child(index));
    match name {
        b"msup" | b"mover" => format!("{}{}", child(0), raised(1)),
        b"msub" | b"munder" => format!("{}{}", child(0), lowered(1)),
        b"msubsup" | b"munderover" => format!("{}{}{}", child(0), lowered(1), raised(2)),
        b"mfrac" => format!("{}/{}", grouped(child(0)), grouped(child(1))),
        b"msqrt" => format!("\u{221a}{}", grouped(&children.concat())),
        b"mroot" => format!("{}\u{221a}{}", raised(1), grouped(child(0))),
        b"mfenced" => format!("({})", children.join(", ")),
        b"mtr" => format!("{}; ", children.join(" ")),
        b"mo" => spaced(&children.concat()),
        _ => children.concat(),
    }
}

/// Relations stand between blanks, other signs touch what they bind.
fn spaced(sign: &str) -> String {
    let is_relation =
        ["=", "<", ">", "\u{2264}", "\u{2265}", "\u{2248}", "\u{2260}", "\u{2192}"].contains(&sign);
    if is_relation { format!(" {sign} ") } else { sign.to_owned() }
}

fn grouped(operand: &str) -> String {
    let operand = operand.trim();
    let is_one = operand.chars().all(char::is_alphanumeric);
    if is_one { operand.to_owned() } else { format!("({operand})") }
}
