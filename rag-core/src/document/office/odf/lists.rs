//! Numbers of lists and headings of an OpenDocument (ISO/IEC 26300-1, 16.31).

use std::collections::HashMap;

use super::styles::{LEVELS, OdfListLevel};
use crate::document::office::ooxml::numeral;

/// How far one list has counted, level by level.
type Counts = [u32; LEVELS];

/// The lists of a document.
#[derive(Default)]
pub(super) struct Lists {
    /// The lists that are open, outermost first: one for each level.
    open: Vec<OpenList>,
    /// The counts of lists that are over, by their ids and styles.
    ended: HashMap<String, Counts>,
    headings: Counts,
}

struct OpenList {
    style: String,
    id: Option<String>,
    counts: Counts,
}

impl Lists {
    /// A list begins, inside the one that is open or as one of its own.
    pub(super) fn begin(
        &mut self,
        style: Option<String>,
        id: Option<String>,
        goes_on: Option<&str>,
    ) {
        let outer = self.open.last();
        let style = style.or_else(|| outer.map(|list| list.style.clone())).unwrap_or_default();
        let counts = match outer {
            Some(outer) => outer.counts,
            None => goes_on
                .and_then(|list| {
                    self.ended.get(if list.is_empty() { style.as_str() } else { list })
                })
                .copied()
                .unwrap_or_default(),
        };
        self.open.push(OpenList { style, id, counts });
    }

    pub(super) fn end(&mut self) {
        let Some(list) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(outer) => outer.counts = list.counts,
            None => {
                self.ended.extend(list.id.map(|id| (id, list.counts)));
                self.ended.insert(list.style, list.counts);
            }
        }
    }

    /// The style of the list that is open, and the level of its items, from 0.
    pub(super) fn here(&self) -> Option<(&str, usize)> {
        let list = self.open.last()?;
        Some((&list.style, self.open.len() - 1))
    }

    /// Counts an item; gives what stands before it, nothing for a bullet.
    pub(super) fn next(
        &mut self,
        levels: Option<&[OdfListLevel]>,
        start: Option<u32>,
    ) -> Option<String> {
        let depth = self.open.len().checked_sub(1)?.min(LEVELS - 1);
        let counts = &mut self.open.last_mut()?.counts;
        count(counts, levels?, depth, start)
    }

    /// Counts a heading of `level`, from 1; gives its number, if headings have any.
    pub(super) fn heading(&mut self, levels: &[OdfListLevel], level: u8) -> Option<String> {
        let depth = usize::from(level).checked_sub(1)?.min(LEVELS - 1);
        count(&mut self.headings, levels, depth, None)
    }
}

fn count(
    counts: &mut Counts,
    levels: &[OdfListLevel],
    depth: usize,
    start: Option<u32>,
) -> Option<String> {
    let level = levels.get(depth)?;
    let before = level.start.saturating_sub(1);
    let place = counts.get_mut(depth)?;
    *place = start.unwrap_or_else(|| (*place).max(before).saturating_add(1));
    counts.iter_mut().skip(depth + 1).for_each(|count| *count = 0);
    if level.format.is_empty() {
        return None;
    }
    let first = (depth + 1).saturating_sub(level.shown.max(1));
    let numbers: Vec<String> = (first..=depth)
        .filter_map(|index| {
            let (count, level) = (*counts.get(index)?, levels.get(index)?);
            // A level that no item has counted yet stands at its start.
            let count = if count == 0 { level.start } else { count };
            (!level.format.is_empty()).then(|| numeral(count, word(&level.format)))
        })
        .collect();
    Some(format!("{}{}{}", level.prefix, numbers.join("."), level.suffix))
}

/// The numeral as Office Open XML calls it.
fn word(format: &str) -> &'static str {
    match format {
        "a" => "lowerLetter",
        "A" => "upperLetter",
        "i" => "lowerRoman",
        "I" => "upperRoman",
        _ => "decimal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_count_by_level_and_go_on_where_they_say_so() {
        let level = |format: &str, shown| OdfListLevel {
            format: format.to_owned(),
            suffix: ".".to_owned(),
            shown,
            ..OdfListLevel::default()
        };
        let levels = vec![level("1", 1), level("a", 2)];
        let mut lists = Lists::default();
        let mut labels = Vec::new();
        lists.begin(Some("L1".to_owned()), None, None);
        labels.extend(lists.next(Some(&levels), None));
        labels.extend(lists.next(Some(&levels), None));
        lists.begin(None, None, None);
        labels.extend(lists.next(Some(&levels), None));
        labels.extend(lists.next(Some(&levels), None));
        lists.end();
        labels.extend(lists.next(Some(&levels), None));
        lists.end();
        lists.begin(Some("L1".to_owned()), None, Some(""));
        labels.extend(lists.next(Some(&levels), None));
        labels.extend(lists.next(Some(&levels), Some(9)));
        lists.end();
        lists.begin(Some("L1".to_owned()), None, None);
        labels.extend(lists.next(Some(&levels), None));
        assert_eq!(labels, ["1.", "2.", "2.a.", "2.b.", "3.", "4.", "9.", "1."]);
        assert_eq!(lists.heading(&levels, 1).as_deref(), Some("1."));
        assert_eq!(lists.heading(&[OdfListLevel::default()], 1), None);
    }
}
