//! Diagrams (SmartArt; ECMA-376 part 1, 21.4): the text of their shapes, outer ones first.

use std::collections::HashMap;

use super::drawing_paragraphs;
use super::here::Here;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::vocabulary::{BlockKind, UnreadKind, unread};
use crate::error::Result;

/// Shapes inside shapes.
const MAX_DEPTH: usize = 64;

/// A shape of a diagram, or something that only holds it in place.
struct Point {
    id: String,
    /// Whether it stands for the whole diagram.
    is_root: bool,
    paragraphs: Vec<String>,
}

/// Adds the diagram whose data are the part `name`; one without text is noted.
pub(super) fn add(here: &mut Here<'_, '_>, name: &str) -> Result<()> {
    let Here { package, source, draft, location } = here;
    let Some(text) = package.text(name)? else {
        unread::note(UnreadKind::Diagram, 1);
        return Ok(());
    };
    let mut model = DiagramModel::read(&mut Xml::new(source.path, name, &text))?;
    let shown = model.in_order();
    if shown.is_empty() {
        unread::note(UnreadKind::Diagram, 1);
    }
    for paragraph in shown {
        draft.block(BlockKind::ListItem, &paragraph, location);
    }
    Ok(())
}

#[derive(Default)]
struct DiagramModel {
    points: Vec<Point>,
    /// What stands inside each shape: its place among them, and its id.
    inside: HashMap<String, Vec<(u32, String)>>,
}

impl DiagramModel {
    fn read(xml: &mut Xml<'_>) -> Result<Self> {
        let mut model = Self::default();
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "pt" => {
                    let kind = tag.attribute("type").unwrap_or_else(|| "node".to_owned());
                    let id = tag.attribute("modelId").unwrap_or_default();
                    let paragraphs = point_text(xml)?;
                    // Presentation points repeat the data, transitions are arrows and may have
                    // text.
                    if kind != "pres" {
                        model.points.push(Point { id, is_root: kind == "doc", paragraphs });
                    }
                    Visit::Done
                }
                "cxn" => {
                    let kind = tag.attribute("type");
                    let ids = tag.attribute("srcId").zip(tag.attribute("destId"));
                    if let Some((from, to)) = ids.filter(|_| kind.is_none_or(|k| k == "parOf")) {
                        let order = tag.number("srcOrd").unwrap_or(u32::MAX);
                        model.inside.entry(from).or_default().push((order, to));
                    }
                    Visit::Skip
                }
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})?;
        model.inside.values_mut().for_each(|inner| inner.sort_by_key(|(order, _)| *order));
        Ok(model)
    }

    /// The texts, each shape before those inside it; shapes that hang on nothing come last.
    fn in_order(&mut self) -> Vec<String> {
        let roots = self.points.iter().filter(|point| point.is_root);
        let roots: Vec<String> = roots.map(|point| point.id.clone()).collect();
        let mut left: HashMap<String, Vec<String>> = HashMap::new();
        for point in &mut self.points {
            left.entry(point.id.clone()).or_default().append(&mut point.paragraphs);
        }
        let mut shown = Vec::new();
        roots.iter().for_each(|root| self.descend(root, 0, &mut left, &mut shown));
        for point in &self.points {
            self.descend(&point.id, 0, &mut left, &mut shown);
        }
        shown
    }

    fn descend(
        &self,
        id: &str,
        depth: usize,
        left: &mut HashMap<String, Vec<String>>,
        shown: &mut Vec<String>,
    ) {
        // A shape that was shown is not shown again, so a circle ends.
        let Some(paragraphs) = left.remove(id).filter(|_| depth < MAX_DEPTH) else { return };
        shown.extend(paragraphs);
        for (_, inner) in self.inside.get(id).into_iter().flatten() {
            self.descend(inner, depth + 1, left, shown);
        }
    }
}

fn point_text(xml: &mut Xml<'_>) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "t" => {
                texts.extend(drawing_paragraphs(xml)?.into_iter().map(|p| p.text));
                Visit::Done
            }
            _ => Visit::Skip,
        })
    };
    xml.each(child, |_| {})?;
    Ok(texts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    fn point(id: &str, kind: &str, text: &str) -> String {
        format!(
            "<dgm:pt modelId='{id}' type='{kind}'><dgm:prSet/><dgm:t><a:p><a:r><a:t>{text}</a:t>\
             </a:r></a:p></dgm:t></dgm:pt>"
        )
    }

    #[test]
    fn shapes_stand_before_those_inside_them_and_none_is_lost() {
        let points: String = [("0", "doc", ""), ("1", "node", "Second"), ("2", "node", "First")]
            .into_iter()
            .chain([("3", "node", "Under second"), ("4", "pres", "no"), ("5", "node", "Alone")])
            .map(|(id, kind, text)| point(id, kind, text))
            .collect();
        let xml = format!(
            "<dgm:dataModel>{points}<dgm:cxn srcId='0' destId='1' srcOrd='1'/>\
             <dgm:cxn srcId='0' destId='2' srcOrd='0'/><dgm:cxn srcId='1' destId='3' srcOrd='0'/>\
             <dgm:cxn srcId='3' destId='1' srcOrd='0'/><dgm:cxn type='presOf' srcId='5' destId='2'/>\
             </dgm:dataModel>"
        );
        let mut model = DiagramModel::read(&mut Xml::new(Path::new("a"), "a", &xml)).unwrap();
        assert_eq!(model.in_order(), ["First", "Second", "Under second", "Alone"]);
    }
}
