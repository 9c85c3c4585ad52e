//! A map of passages as one HTML page.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::page::AnswerPage;
use crate::knowledge_base::{MapPoint, PassageMap};
use crate::visible;

/// The drawing, in units of its own.
const WIDTH: f32 = 1000.0;
const HEIGHT: f32 = 680.0;
const MARGIN: f32 = 24.0;

/// Numbers of the colours in the style sheet that documents get, the one with most passages first,
/// and the one of all others.
const COLOURS: [usize; 6] = [2, 5, 4, 3, 7, 1];
const OTHERS: usize = 6;

impl PassageMap {
    /// The map as one self-contained HTML page, light and dark, without a script: a point for each
    /// passage in the colour of its document, whose text shows under the pointer, and the questions
    /// among them.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut page = AnswerPage::titled("A map of passages");
        page.element("h1", "", "Passages by meaning");
        page.element("p", "uri", &self.summary());
        let colours = self.colours();
        let colour = |uri: &str| colours.get(uri).copied().unwrap_or(OTHERS);
        let frame = Frame::around(self);
        page.open_drawing(WIDTH, HEIGHT, "Each passage as a point; near ones say like things");
        for point in &self.points {
            page.point(frame.place(point.x, point.y), colour(&point.uri), &label(point));
        }
        for question in &self.questions {
            page.flag(frame.place(question.x, question.y), WIDTH, &question.text);
        }
        page.close("svg");
        page.open("ul", "keys");
        for (uri, count) in self.most() {
            page.key(colour(uri), &format!("{} ({count})", visible::name(uri)));
        }
        let named: usize = self.most().iter().map(|(_, count)| count).sum();
        if named < self.points.len() {
            page.key(OTHERS, &format!("other documents ({})", self.points.len() - named));
        }
        page.close("ul");
        page.finish()
    }

    fn summary(&self) -> String {
        let [first, second] = self.shares.map(|share| share * 100.0);
        let of = match self.points.len() {
            all if all == self.passage_count => format!("{all} passages"),
            some => format!("{some} of {} passages, spread over the file", self.passage_count),
        };
        format!(
            "{of}. The two directions hold {first:.0} % and {second:.0} % of what tells them apart: \
             what lies together is mostly alike, what lies apart differs."
        )
    }

    /// The documents with most points and how many each has, by number, then name.
    fn most(&self) -> Vec<(&str, usize)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for point in &self.points {
            *counts.entry(&point.uri).or_default() += 1;
        }
        let mut most: Vec<(&str, usize)> = counts.into_iter().collect();
        most.sort_by_key(|(_, count)| Reverse(*count));
        most.truncate(COLOURS.len());
        most
    }

    fn colours(&self) -> BTreeMap<&str, usize> {
        self.most().iter().zip(COLOURS).map(|((uri, _), colour)| (*uri, colour)).collect()
    }
}

/// What shows under the pointer.
fn label(point: &MapPoint) -> String {
    let page = point.page.map(|page| format!(", page {page}")).unwrap_or_default();
    let title = point.title.as_ref().map(|title| format!("{title}\n")).unwrap_or_default();
    format!("{}{page}\n{title}{}", visible::name(&point.uri), point.text)
}

/// The part of the plane that is drawn.
struct Frame {
    low: [f32; 2],
    scale: f32,
}

impl Frame {
    /// All points and questions, both directions at one scale.
    fn around(map: &PassageMap) -> Self {
        let points = map.points.iter().map(|point| [point.x, point.y]);
        let all: Vec<[f32; 2]> =
            points.chain(map.questions.iter().map(|question| [question.x, question.y])).collect();
        let ends = |axis: usize| {
            let values = all.iter().map(|place| place[axis]);
            let (low, high) = values
                .fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(value), high.max(value)));
            if low <= high { (low, high) } else { (0.0, 0.0) }
        };
        let ((left, right), (bottom, top)) = (ends(0), ends(1));
        let fit = |low: f32, high: f32, room: f32| (room - 2.0 * MARGIN) / (high - low).max(1e-6);
        let scale = fit(left, right, WIDTH).min(fit(bottom, top, HEIGHT));
        let middle = |low: f32, high: f32, room: f32| (low + high) / 2.0 - room / 2.0 / scale;
        Self { low: [middle(left, right, WIDTH), middle(bottom, top, HEIGHT)], scale }
    }

    /// From the left and from the top.
    fn place(&self, x: f32, y: f32) -> [f32; 2] {
        [(x - self.low[0]) * self.scale, HEIGHT - (y - self.low[1]) * self.scale]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge_base::MapQuestion;

    fn point(uri: &str, x: f32, y: f32) -> MapPoint {
        let (uri, text) = (uri.to_owned(), "<b>bold</b> & \"said\"".to_owned());
        MapPoint { passage_id: 1, uri, title: None, page: Some(3), text, x, y }
    }

    fn map(points: Vec<MapPoint>) -> PassageMap {
        let passage_count = points.len();
        let question = MapQuestion { text: "<script>?".to_owned(), x: 0.5, y: 0.1 };
        PassageMap { points, questions: vec![question], passage_count, shares: [0.5, 0.25] }
    }

    #[test]
    fn every_passage_is_drawn_and_no_text_is_markup() {
        let map =
            map(vec![point("a.md", -1.0, 0.0), point("a.md", 1.0, 0.2), point("b", 0.0, 0.0)]);
        let page = map.to_html();
        assert_eq!(page.matches("<circle").count(), 3);
        assert!(page.contains("&lt;script&gt;?") && !page.contains("<script>"));
        assert!(page.contains("&lt;b&gt;bold&lt;/b&gt; &amp; &quot;said&quot;"));
        assert!(page.contains("a.md (2)") && page.contains("3 passages. The two"), "{page}");
    }

    #[test]
    fn all_places_lie_in_the_drawing() {
        for points in [vec![], vec![point("a", 7.0, -2.0); 3], vec![point("a", -9.0, 3.0)]] {
            let map = map(points);
            let frame = Frame::around(&map);
            for point in &map.points {
                let [x, y] = frame.place(point.x, point.y);
                assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y), "{x} {y}");
            }
        }
    }

    #[test]
    fn documents_beyond_the_colours_share_one() {
        let many: Vec<MapPoint> = (0..9).map(|n| point(&format!("d{n}"), n as f32, 0.0)).collect();
        assert!(map(many).to_html().contains("other documents (3)"));
    }
}
