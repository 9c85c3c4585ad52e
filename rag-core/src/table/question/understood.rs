//! What the words of a question say about one table: its columns, values of its cells, figures to
//! compare with, and what is to be worked out.

use std::collections::BTreeSet;

use super::Hint;
use super::asked::{Asked, Stems, pieces};
use super::vocabulary::{ADJECTIVES, DAYS, PRICE, Sense, phrases_of};
use crate::fold::fold;
use crate::table::{ColumnKind, DataTable};

/// Words of a cell that is looked for in a question.
const MAX_VALUE_WORDS: usize = 10;

/// Cells that are compared with a question.
const MAX_CELLS: usize = 4 << 20;

/// What a word of the question was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Open,
    Value,
    Column,
    Phrase,
    Bound,
    Subject,
}

/// A value of cells that the question names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValueFound {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) column: usize,
    pub(super) value: String,
    /// Word for word, not only by stems.
    pub(super) is_exact: bool,
}

/// Columns that the question names: one, or several that it does not tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnFound {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) columns: Vec<usize>,
    /// Whether the whole name was said.
    pub(super) is_whole: bool,
}

/// A phrase with its sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PhraseFound {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) sense: Sense,
    /// The column that an adjective is about.
    pub(super) column: Option<usize>,
}

/// A figure that cells are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BoundFigure {
    pub(super) at: usize,
    pub(super) text: String,
}

/// Where a word may be of a column or of the title, what it is taken for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadingOrder {
    ColumnsFirst,
    TitleFirst,
}

/// How a question is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'h> {
    pub(super) order: ReadingOrder,
    /// What words were found to mean that name no column.
    pub(super) hints: &'h [&'h Hint],
}

/// All of it.
pub(super) struct Understood<'a> {
    pub(super) asked: &'a Asked,
    pub(super) table: &'a DataTable,
    pub(super) uses: Vec<Use>,
    pub(super) values: Vec<Vec<ValueFound>>,
    pub(super) columns: Vec<ColumnFound>,
    pub(super) phrases: Vec<PhraseFound>,
    pub(super) bounds: Vec<BoundFigure>,
    /// Telling words that the table's title and its document have too.
    pub(super) subject_words: usize,
    /// Whether the title holds the name of a column: it is then no word for rows.
    pub(super) title_names_a_column: bool,
    /// How literally columns are named: whole names in their own words count most.
    pub(super) literal: usize,
    pub(super) column_keys: Vec<Vec<String>>,
    /// All words that may name a column, before any was taken.
    candidates: Vec<ColumnFound>,
}

impl<'a> Understood<'a> {
    pub(super) fn new(asked: &'a Asked, table: &'a DataTable, stems: &Stems, way: Way<'_>) -> Self {
        let names = table.info.columns.iter().map(|column| &column.name);
        let column_keys = names.map(|name| stems.keys_of(name)).collect();
        let mut reading = Self {
            asked,
            table,
            uses: vec![Use::Open; asked.tokens.len()],
            values: Vec::new(),
            columns: Vec::new(),
            phrases: Vec::new(),
            bounds: Vec::new(),
            subject_words: 0,
            title_names_a_column: false,
            literal: 0,
            column_keys,
            candidates: Vec::new(),
        };
        let names = reading.names();
        reading.candidates.clone_from(&names);
        reading.note_title(stems);
        if way.order == ReadingOrder::TitleFirst {
            reading.take_title();
        }
        let long = |name: &&ColumnFound| name.end - name.start > 1 && name.is_whole;
        reading.take_columns(names.iter().filter(long).cloned().collect());
        reading.take_days();
        reading.take_values(stems);
        let names = reading.names();
        let whole = names.iter().filter(|name| name.is_whole).cloned().collect();
        reading.take_columns(whole);
        reading.take_title();
        reading.take_phrases();
        let names = reading.names();
        reading.take_columns(names);
        reading.take_hints(way.hints);
        reading.take_adjectives();
        reading.take_bounds();
        reading.take_subject(stems);
        reading.literal = reading.columns.iter().map(|name| reading.literally(name, stems)).sum();
        reading
    }

    /// The telling words that say nothing about the table.
    pub(super) fn open(&self) -> Vec<usize> {
        let tokens = self.asked.tokens.iter().enumerate();
        let open = |(at, token): &(usize, &super::asked::AskedWord)| {
            self.uses.get(*at) == Some(&Use::Open) && token.is_telling
        };
        tokens.filter(open).map(|(at, _)| at).collect()
    }

    /// Two for a whole name in its own words, one for a part of it, none for a synonym.
    fn literally(&self, name: &ColumnFound, stems: &Stems) -> usize {
        let words = self.asked.tokens.get(name.start..name.end).unwrap_or_default();
        let is_literal = name.columns.iter().any(|column| {
            let own =
                self.table.info.columns.get(*column).map(|column| stems.stems_of(&column.name));
            let own = own.unwrap_or_default();
            words.iter().filter(|token| token.is_telling).all(|token| own.contains(&token.stem))
        });
        usize::from(is_literal) * (1 + usize::from(name.is_whole))
    }

    pub(super) fn has(&self, sense: Sense) -> bool {
        self.phrases.iter().any(|phrase| phrase.sense == sense)
    }

    pub(super) fn kind(&self, column: usize) -> ColumnKind {
        self.table.info.columns.get(column).map_or(ColumnKind::Text, |column| column.kind)
    }

    pub(super) fn is_free(&self, start: usize, end: usize) -> bool {
        (start..end).all(|at| self.uses.get(at) == Some(&Use::Open))
    }

    pub(super) fn take(&mut self, start: usize, end: usize, used: Use) {
        for at in start..end {
            if let Some(place) = self.uses.get_mut(at) {
                *place = used;
            }
        }
    }

    /// Names of columns in the words that are free, the longest first.
    fn names(&self) -> Vec<ColumnFound> {
        let mut names = Vec::new();
        for start in 0..self.asked.tokens.len() {
            for end in start + 1..=(start + 6).min(self.asked.tokens.len()) {
                if self.is_free(start, end) {
                    names.extend(self.named(start, end));
                }
            }
        }
        names.sort_by_key(|name| (!name.is_whole, std::cmp::Reverse(name.end - name.start)));
        names
    }

    /// The columns that these words name, all of them telling at both ends.
    fn named(&self, start: usize, end: usize) -> Option<ColumnFound> {
        let words = self.asked.tokens.get(start..end)?;
        let ends = [words.first()?, words.last()?];
        // a single letter is a name only where it is all of it
        if ends.iter().any(|token| !token.is_telling) {
            return self.named_as_written(start, end);
        }
        let keys: BTreeSet<&str> =
            words.iter().filter(|token| token.is_telling).map(|token| token.key.as_str()).collect();
        let holds =
            |column: &&Vec<String>| keys.iter().all(|key| column.iter().any(|own| own == key));
        let found: Vec<usize> = (0..self.column_keys.len())
            .filter(|at| self.column_keys.get(*at).as_ref().is_some_and(holds))
            .collect();
        let whole: Vec<usize> = found
            .iter()
            .copied()
            .filter(|at| self.column_keys.get(*at).is_some_and(|column| column.len() == keys.len()))
            .collect();
        let is_whole = !whole.is_empty();
        let columns = if is_whole { whole } else { found };
        (!columns.is_empty()).then_some(ColumnFound { start, end, columns, is_whole })
    }

    /// Names that are made of small words: written as the column is.
    fn named_as_written(&self, start: usize, end: usize) -> Option<ColumnFound> {
        let words = self.asked.tokens.get(start..end)?;
        let written: Vec<&str> = words.iter().map(|token| token.text.as_str()).collect();
        let written = written.join(" ");
        let columns = self.table.info.columns.iter().enumerate();
        let columns: Vec<usize> =
            columns.filter(|(_, column)| column.name == written).map(|(at, _)| at).collect();
        let is_long = written.chars().count() > 1 || written.chars().all(char::is_uppercase);
        (!columns.is_empty() && is_long && start > 0).then_some(ColumnFound {
            start,
            end,
            columns,
            is_whole: true,
        })
    }

    /// Takes words for the columns that they were found to mean.
    fn take_hints(&mut self, hints: &[&Hint]) {
        for hint in hints {
            let at = self.asked.tokens.iter().position(|token| token.text == hint.word);
            let column =
                self.table.info.columns.iter().position(|column| column.name == hint.column);
            if let (Some(start), Some(column)) = (at, column) {
                let (end, columns) = (start + 1, vec![column]);
                self.take_columns(vec![ColumnFound { start, end, columns, is_whole: true }]);
            }
        }
    }

    fn take_columns(&mut self, names: Vec<ColumnFound>) {
        for name in names {
            if self.is_free(name.start, name.end) {
                self.take(name.start, name.end, Use::Column);
                self.columns.push(name);
            }
        }
        self.columns.sort_by_key(|name| name.start);
    }

    /// Takes values of cells, the longest first; all that stand at one place are kept.
    fn take_values(&mut self, stems: &Stems) {
        let mut found = self.values_in_cells(stems);
        found.sort_by_key(|value| {
            (std::cmp::Reverse(value.end - value.start), !value.is_exact, value.column)
        });
        while let Some(first) = found.first().cloned() {
            let (here, others): (Vec<ValueFound>, Vec<ValueFound>) = found
                .into_iter()
                .partition(|value| (value.start, value.end) == (first.start, first.end));
            found = others;
            if !self.is_free(first.start, first.end) {
                continue;
            }
            let exact: Vec<ValueFound> = here.iter().filter(|v| v.is_exact).cloned().collect();
            let here = if exact.is_empty() { here } else { exact };
            self.take(first.start, first.end, Use::Value);
            self.values.push(here);
        }
        self.values.sort_by_key(|values| values.first().map_or(0, |value| value.start));
    }

    fn values_in_cells(&self, stems: &Stems) -> Vec<ValueFound> {
        let mut found: Vec<ValueFound> = Vec::new();
        let mut met: BTreeSet<(usize, String)> = BTreeSet::new();
        let width = self.table.info.columns.len();
        let first_words: BTreeSet<&str> = self
            .asked
            .tokens
            .iter()
            .flat_map(|token| [token.folded.as_str(), token.stem.as_str()])
            .collect();
        let shortest = first_words.iter().map(|word| word.len()).min().unwrap_or(0);
        for column in (0..width).take(MAX_CELLS / self.table.row_count().max(1)) {
            for row in 0..self.table.row_count() {
                let cell = self.table.cell(row, column);
                if cell.len() < shortest || cell.len() > 120 {
                    continue;
                }
                let folded = fold(cell);
                let first = folded.split(|c: char| !c.is_alphanumeric()).find(|w| !w.is_empty());
                // forms of a word begin alike
                let begins = |first: &str| {
                    first_words
                        .iter()
                        .any(|word| first.starts_with(word) || word.starts_with(first))
                };
                if !first.is_some_and(begins) || !met.insert((column, folded.clone())) {
                    continue;
                }
                found.extend(self.value_at(column, cell, &folded, stems));
            }
        }
        found
    }

    /// Where the question says a value.
    fn value_at(&self, column: usize, cell: &str, folded: &str, stems: &Stems) -> Vec<ValueFound> {
        // what stands in brackets behind a value explains it, or is the mark of a note
        let bare =
            [" (", "["].iter().filter_map(|mark| folded.find(mark)).filter(|at| *at > 0).min();
        let bare = bare.map_or(folded, |at| folded.get(..at).unwrap_or(folded));
        let words: Vec<&str> = pieces(bare);
        if words.is_empty() || words.len() > MAX_VALUE_WORDS {
            return Vec::new();
        }
        let stemmed: Vec<String> = words.iter().map(|word| stems.stem(word)).collect();
        let mut found = Vec::new();
        for start in 0..=self.asked.tokens.len().saturating_sub(words.len()) {
            let end = start + words.len();
            let Some(here) = self.asked.tokens.get(start..end) else { continue };
            let is_exact = here.iter().zip(&words).all(|(token, word)| token.folded == *word);
            let is_alike = here.iter().zip(&stemmed).all(|(token, stem)| token.stem == *stem);
            if (is_exact || is_alike) && self.may_be_value(column, start, end, cell) {
                found.push(ValueFound { start, end, column, value: cell.to_owned(), is_exact });
            }
        }
        found
    }

    /// Whether words of a question that are those of a cell may mean it: small words and numbers
    /// also stand there for other reasons.
    fn may_be_value(&self, column: usize, start: usize, end: usize, cell: &str) -> bool {
        let Some(words) = self.asked.tokens.get(start..end) else { return false };
        if !self.is_free(start, end) {
            return false;
        }
        let is_number = words.iter().all(|token| is_figure(&token.folded));
        if is_number && self.is_bounded(start) {
            return false;
        }
        let beside = self.is_beside(column, start, end);
        if self.kind(column).is_number() {
            return beside || (words.len() == 1 && self.is_years(column));
        }
        if words.iter().any(|token| token.is_telling && token.folded.chars().count() > 1) {
            // a number among words needs its column
            return !words.iter().all(|token| token.folded.bytes().all(|b| b.is_ascii_digit()))
                || beside;
        }
        let written = words.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
        beside && written == cell
    }

    /// Whether a column is of years.
    pub(super) fn is_years(&self, column: usize) -> bool {
        self.column_keys.get(column).is_some_and(|keys| keys.iter().any(|key| key == "year"))
    }

    /// Whether a figure is one to compare with: `more than`, `since` or `between` stands before it.
    fn is_bounded(&self, start: usize) -> bool {
        let small = |at: usize| {
            self.asked
                .tokens
                .get(at)
                .is_some_and(|token| !token.is_telling || token.folded == "and")
        };
        let ends_here = |end: usize| {
            phrases_of(compares).any(|(_, phrase)| {
                let count = phrase.split(' ').count();
                let begin = end.checked_sub(count);
                begin.is_some_and(|begin| self.asked.phrase_at(begin, phrase).is_some())
            })
        };
        let mut at = start;
        loop {
            if ends_here(at) {
                return true;
            }
            match at.checked_sub(1) {
                Some(before) if small(before) => at = before,
                Some(before) => {
                    let word = self.asked.tokens.get(before);
                    let is_figure = word.is_some_and(|token| is_figure(&token.folded));
                    return is_figure && before + 1 < start && self.is_bounded(before);
                }
                None => return false,
            }
        }
    }

    /// Whether the name of a column stands right before or behind, small words between left out:
    /// the longest name that stands there.
    fn is_beside(&self, column: usize, start: usize, end: usize) -> bool {
        let small = |at: usize| self.asked.tokens.get(at).is_some_and(|token| !token.is_telling);
        let mut before = start;
        while before > 0 && small(before - 1) {
            before -= 1;
        }
        let mut behind = end;
        while small(behind) {
            behind += 1;
        }
        let longest = |here: &dyn Fn(&&ColumnFound) -> bool| {
            self.candidates
                .iter()
                .filter(here)
                .max_by_key(|name| (name.end - name.start, name.is_whole))
        };
        let names = [
            longest(&|name| name.end == before || name.end == start),
            longest(&|name| name.start == behind || name.start == end),
        ];
        names.into_iter().flatten().any(|name| name.columns.contains(&column))
    }

    fn take_phrases(&mut self) {
        let mut at = 0;
        while at < self.asked.tokens.len() {
            let found = phrases_of(|_| true)
                .filter_map(|(sense, phrase)| Some((self.asked.phrase_at(at, phrase)?, sense)))
                .filter(|(count, _)| self.is_free(at, at + count))
                .max_by_key(|(count, _)| *count);
            let Some((count, sense)) = found else {
                at += 1;
                continue;
            };
            let is_bound = compares(sense);
            // such words compare only where a figure follows
            let follows = self.asked.tokens.get(at + count..).unwrap_or_default();
            let is_figure = follows.iter().take(2).any(|token| is_figure(&token.folded));
            if is_bound && !is_figure {
                at += 1;
                continue;
            }
            self.phrases.push(PhraseFound { start: at, end: at + count, sense, column: None });
            self.take(at, at + count, Use::Phrase);
            at += count;
        }
    }

    /// Adjectives that name no column but mean one, where there is just one that they may mean.
    fn take_adjectives(&mut self) {
        for at in 0..self.asked.tokens.len() {
            for (phrase, sense, keys) in ADJECTIVES {
                let columns: Vec<usize> = (0..self.column_keys.len())
                    .filter(|column| {
                        self.kind(*column).is_number() && self.is_called(*column, keys)
                    })
                    .collect();
                self.take_adjective(at, phrase, *sense, &columns);
            }
            for (phrase, sense) in DAYS {
                let is_day = |column: &usize| self.kind(*column) == ColumnKind::Date;
                let columns: Vec<usize> = (0..self.column_keys.len()).filter(is_day).collect();
                self.take_adjective(at, phrase, *sense, &columns);
            }
        }
    }

    fn take_adjective(&mut self, at: usize, phrase: &str, sense: Sense, columns: &[usize]) {
        let [column] = columns else { return };
        let Some(count) = self.asked.phrase_at(at, phrase) else { return };
        let is_said = self.columns.iter().any(|name| self.kind_of(name).is_number());
        if is_said || !self.is_open_or_sense(at, at + count) {
            return;
        }
        self.phrases.retain(|old| old.end <= at || old.start >= at + count);
        self.phrases.push(PhraseFound { start: at, end: at + count, sense, column: Some(*column) });
        self.take(at, at + count, Use::Phrase);
    }

    fn kind_of(&self, name: &ColumnFound) -> ColumnKind {
        name.columns.first().map_or(ColumnKind::Text, |column| self.kind(*column))
    }

    fn is_open_or_sense(&self, start: usize, end: usize) -> bool {
        let is_superlative = |at: usize| {
            self.phrases.iter().any(|phrase| {
                (phrase.start..phrase.end).contains(&at)
                    && matches!(phrase.sense, Sense::Greatest | Sense::Least | Sense::Filler)
                    && phrase.column.is_none()
            })
        };
        (start..end).all(|at| self.uses.get(at) == Some(&Use::Open) || is_superlative(at))
    }

    fn is_called(&self, column: usize, keys: &[&str]) -> bool {
        let own = self.column_keys.get(column);
        own.is_some_and(|own| {
            own.iter().any(|key| {
                keys.iter().any(|wanted| {
                    key.starts_with(wanted.get(..4).unwrap_or(wanted))
                        && wanted.starts_with(key.get(..4).unwrap_or(key))
                })
            })
        })
    }

    /// The columns of prices.
    pub(super) fn prices(&self) -> Vec<usize> {
        let is_price =
            |column: &usize| self.kind(*column).is_number() && self.is_called(*column, PRICE);
        (0..self.column_keys.len()).filter(is_price).collect()
    }
}

impl BoundFigure {
    /// Whether it may be a year of our time.
    pub(super) fn is_year(&self) -> bool {
        is_year(&self.text)
    }
}

pub(super) fn is_year(word: &str) -> bool {
    word.len() == 4 && word.parse().is_ok_and(|year: u16| (1500..=2100).contains(&year))
}

/// Whether a phrase compares with the figure that follows.
pub(super) fn compares(sense: Sense) -> bool {
    matches!(
        sense,
        Sense::Above
            | Sense::AtLeast
            | Sense::Below
            | Sense::AtMost
            | Sense::Between
            | Sense::After
            | Sense::Since
            | Sense::Before
            | Sense::Until
    )
}

/// Whether a word is a figure.
pub(super) fn is_figure(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
}
