//! A follow-up over a table: "And for a child?" asks what the question before asked, of another
//! value, column or figure.

use std::ops::Range;

use super::asked::{Asked, AskedWord, Stems};
use super::understood::{ReadingOrder, Understood, ValueFound, Way};
use super::vocabulary::Sense;
use crate::table::DataTable;

/// The question before with what a follow-up names in the place of its own; nothing if they do not
/// fit together over any of `tables`, or over several in different ways. Words that are no value as
/// they stand ("a child", where the cell says "Child under 12") take the place of the only value.
pub(crate) fn carried_on(before: &str, follow_up: &str, tables: &[&DataTable]) -> Option<String> {
    let stems = Stems::new();
    let (before, follow_up) = (Asked::new(before, &stems), Asked::new(follow_up, &stems));
    let mut found: Vec<String> = Vec::new();
    for table in tables {
        let way = Way { order: ReadingOrder::ColumnsFirst, hints: &[] };
        let first = Understood::new(&before, table, &stems, way);
        let then = Understood::new(&follow_up, table, &stems, way);
        let is_understood = first.open().is_empty() && before.may_ask_a_table();
        if let Some((place, new)) = is_understood.then(|| exchanged(&first, &then)).flatten() {
            let kept = |range: Range<usize>| before.tokens.get(range).unwrap_or_default().iter();
            let (head, tail) = (kept(0..place.start), kept(place.end..before.tokens.len()));
            let new = follow_up.tokens.get(new).unwrap_or_default().iter();
            let words: Vec<&str> =
                head.chain(new).chain(tail).map(|word: &AskedWord| word.text.as_str()).collect();
            found.push(words.join(" "));
        }
    }
    found.dedup();
    found.pop().filter(|_| found.is_empty())
}

/// Which words of the first question give way to which of the follow-up, if it names one thing.
fn exchanged(
    first: &Understood<'_>,
    then: &Understood<'_>,
) -> Option<(Range<usize>, Range<usize>)> {
    let open = then.open();
    // it may say again how figures are compared, nothing else
    let asks_anew = || {
        let is_said = |sense: Sense| sense == Sense::Filler || first.has(sense);
        !then.phrases.iter().all(|phrase| is_said(phrase.sense))
    };
    let named = (then.values.as_slice(), then.columns.as_slice(), then.bounds.as_slice());
    match named {
        _ if asks_anew() => None,
        ([], [], []) => {
            let (start, end) = (*open.first()?, *open.last()? + 1);
            let old = only(first.values.iter())?.first()?;
            (end - start == open.len()).then_some((old.start..old.end, start..end))
        }
        _ if !open.is_empty() => None,
        ([new], [], []) => {
            let of_its_column = |old: &&Vec<_>| fits(old, new);
            let old = only(first.values.iter().filter(of_its_column))?.first()?;
            let new = new.first()?;
            Some((old.start..old.end, new.start..new.end))
        }
        ([], [new], []) => {
            let old = only(first.columns.iter())?;
            Some((old.start..old.end, new.start..new.end))
        }
        ([], [], [new]) => {
            let old = only(first.bounds.iter())?;
            Some((old.at..old.at + 1, new.at..new.at + 1))
        }
        _ => None,
    }
}

/// Whether two places of questions may name values of one column.
fn fits(old: &[ValueFound], new: &[ValueFound]) -> bool {
    old.iter().any(|old| new.iter().any(|new| old.column == new.column))
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}
