//! Why a hit was found, as far as words tell: which words of the question stand in which of its
//! parts.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Hit;
use crate::store::subject::name_words;
use crate::words::{Word, keys, written};

/// A part of a hit that holds words of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matched {
    /// `title`, `name`, `heading` or `text`.
    pub field: &'static str,
    /// Its words that the question has too, in any form, as they are written there, each once.
    pub words: Vec<String>,
}

/// The parts of `hit` that hold words of `question`; none for a hit that was found by its meaning
/// alone. Function words do not count.
#[must_use]
pub fn matched(question: &str, hit: &Hit) -> Vec<Matched> {
    let asked = keys(question);
    let name = name_words(&hit.uri);
    let parts = [
        ("title", hit.title.as_deref().unwrap_or_default()),
        ("name", name.as_str()),
        ("heading", hit.heading.as_deref().unwrap_or_default()),
        ("text", hit.text.as_str()),
    ];
    let held = |(field, text)| {
        let mut met = BTreeSet::new();
        let (words, places) = written(text);
        let mut is_asked = |word: &Word| asked.contains(&word.key) && met.insert(word.key.clone());
        let words = words.iter().zip(places).filter(|pair| is_asked(pair.0));
        let words: Vec<String> = words.map(|(_, place)| place.to_owned()).collect();
        (!words.is_empty()).then_some(Matched { field, words })
    };
    parts.into_iter().filter_map(held).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_by_the_part_they_stand_in() {
        let hit = Hit {
            uri: "/docs/buoy-manual.pdf".to_owned(),
            title: Some("Servicing buoys".to_owned()),
            text: "Each buoy is serviced twice in 1,200 days; a BUOY that drifts is recovered."
                .to_owned(),
            ..Hit::default()
        };
        let found = matched("When are buoys serviced?", &hit);
        let found: Vec<(&str, Vec<&str>)> = found
            .iter()
            .map(|part| (part.field, part.words.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(
            found,
            [
                ("title", vec!["Servicing", "buoys"]),
                ("name", vec!["buoy"]),
                ("text", vec!["buoy", "serviced"]),
            ]
        );
        // a number is its digits
        assert_eq!(matched("1200", &hit)[0].words, ["1,200"]);
        assert!(matched("Who?", &hit).is_empty());
    }
}
