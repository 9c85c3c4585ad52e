//! What a question says besides columns and values: figures to compare with, and words of the
//! title.

use std::collections::BTreeSet;

use super::asked::{Stems, pieces};
use super::understood::{BoundFigure, Understood, Use, ValueFound, is_figure, is_year};
use super::vocabulary::NUMBERS;
use crate::fold::fold;
use crate::table::ColumnKind;
use crate::table::day::{DayOrder, day};
use crate::words::Language;

impl Understood<'_> {
    /// Figures that are no values of cells.
    pub(super) fn take_bounds(&mut self) {
        for at in 0..self.asked.tokens.len() {
            let Some(token) = self.asked.tokens.get(at).filter(|_| self.is_free(at, at + 1)) else {
                continue;
            };
            let number = NUMBERS.iter().position(|words| words.contains(&token.folded.as_str()));
            let is_article = matches!(token.folded.as_str(), "un" | "une" | "one");
            let text = match number {
                Some(place) if !is_article => (place + 1).to_string(),
                _ if is_figure(&token.folded) => token.text.clone(),
                _ => continue,
            };
            self.bounds.push(BoundFigure { at, text });
            self.take(at, at + 1, Use::Bound);
            // the unit of a figure
            let units = [
                "%", "$", "\u{20ac}", "\u{a3}", "percent", "euro", "euros", "dollar", "dollars",
                "chf",
            ];
            let is_unit = |word: &str| {
                let own = self.table.info.columns.iter().filter_map(|column| column.unit.as_ref());
                units.contains(&word) || own.map(|unit| fold(unit)).any(|unit| unit == word)
            };
            for beside in [at.wrapping_sub(1), at + 1] {
                let is_unit =
                    self.asked.tokens.get(beside).is_some_and(|token| is_unit(&token.folded));
                if is_unit && self.is_free(beside, beside + 1) {
                    self.take(beside, beside + 1, Use::Bound);
                }
            }
        }
    }

    /// Days in the question, as values of the one column of days.
    pub(super) fn take_days(&mut self) {
        let count = self.table.info.columns.len();
        let mut days = (0..count).filter(|at| self.kind(*at) == ColumnKind::Date);
        let (Some(column), None) = (days.next(), days.next()) else { return };
        for start in 0..self.asked.tokens.len() {
            let Some((end, value)) = self.day_at(start) else { continue };
            if self.is_free(start, end) {
                self.take(start, end, Use::Value);
                self.values.push(vec![ValueFound { start, end, column, value, is_exact: true }]);
            }
        }
    }

    /// Where a day ends that begins at a word, and the day as sheets write it: in three words, of
    /// which one may be the name of a month. `03/05/2024` is one in French alone.
    fn day_at(&self, start: usize) -> Option<(usize, String)> {
        let mut parts: Vec<&str> = Vec::new();
        let mut end = start;
        while parts.len() < 3 {
            let token = self.asked.tokens.get(end)?;
            let digits = token.folded.trim_end_matches(char::is_alphabetic);
            let is_ordinal =
                matches!(token.folded.get(digits.len()..), Some("st" | "nd" | "rd" | "th" | "er"));
            match token.folded.as_str() {
                "of" if parts.len() == 1 => {}
                _ if is_ordinal => parts.push(digits),
                word => parts.push(word),
            }
            end += 1;
        }
        let text = parts.join("-");
        let [first, second] =
            [DayOrder::DayFirst, DayOrder::MonthFirst].map(|order| day(&text, order));
        let is_french = || {
            let words: Vec<&str> =
                self.asked.tokens.iter().map(|token| token.text.as_str()).collect();
            Language::of(&words.join(" ")) == Language::French
        };
        let day = match (first, second) {
            (Some(first), Some(second)) if first != second => Some(first).filter(|_| is_french()),
            (first, second) => first.or(second),
        }?;
        Some((end, format!("{:04}-{:02}-{:02}", day / 10_000, day / 100 % 100, day % 100)))
    }

    /// Whether the question is about another year than the one that stands over the table.
    pub(super) fn is_of_another_year(&self) -> bool {
        let own = years(pieces(&self.table.caption).into_iter());
        let asked = years(self.asked.tokens.iter().map(|token| token.folded.as_str()));
        !own.is_empty() && !asked.is_empty() && !own.iter().any(|year| asked.contains(year))
    }

    pub(super) fn note_title(&mut self, stems: &Stems) {
        let title = stems.keys_of(self.table.info.title.as_deref().unwrap_or_default());
        let holds = |column: &Vec<String>| {
            !column.is_empty() && column.iter().all(|key| title.contains(key))
        };
        self.title_names_a_column = self.column_keys.iter().any(holds);
    }

    /// Words that stand in the title one behind the other, and its figures, are no conditions.
    pub(super) fn take_title(&mut self) {
        let title = self.table.info.title.as_deref().unwrap_or_default();
        let title = [title, &self.table.caption];
        let title: Vec<String> = title.into_iter().flat_map(pieces).map(fold).collect();
        let count = self.asked.tokens.len();
        for start in 0..count {
            let run = |at: &usize| {
                let same =
                    |(token, word): (&super::asked::AskedWord, &String)| token.folded == *word;
                let here = self.asked.tokens.get(start..).unwrap_or_default();
                let there = title.get(*at..).unwrap_or_default();
                here.iter().zip(there).take_while(|pair| same(*pair)).count()
            };
            let longest = (0..title.len()).map(|at| run(&at)).max().unwrap_or(0);
            let is_figure =
                self.asked.tokens.get(start).is_some_and(|token| is_figure(&token.folded));
            let end = start + longest;
            let has_more = longest > 1 || (longest == 1 && is_figure);
            if has_more && self.is_free(start, end) {
                self.take(start, end, Use::Subject);
            }
        }
    }

    /// Words of the title and the name of the document say which table is meant.
    pub(super) fn take_subject(&mut self, stems: &Stems) {
        let info = &self.table.info;
        let stem = info.uri.rsplit(['/', '\\', ':']).next().unwrap_or_default();
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        let mut keys: BTreeSet<String> = BTreeSet::new();
        for text in [info.title.as_deref().unwrap_or_default(), stem, &self.table.about] {
            keys.extend(pieces(text).into_iter().map(|word| stems.key(&fold(word))));
        }
        let said: BTreeSet<&str> = self
            .asked
            .tokens
            .iter()
            .filter(|token| token.is_telling && keys.contains(&token.key))
            .map(|token| token.key.as_str())
            .collect();
        self.subject_words = said.len();
        for at in 0..self.asked.tokens.len() {
            let is_subject =
                self.asked.tokens.get(at).is_some_and(|token| keys.contains(&token.key));
            if is_subject && self.is_free(at, at + 1) {
                self.take(at, at + 1, Use::Subject);
            }
        }
    }
}

fn years<'w>(words: impl Iterator<Item = &'w str>) -> Vec<&'w str> {
    words.filter(|word| is_year(word)).collect()
}
