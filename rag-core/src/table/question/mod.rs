//! From a question to a plan, without a generator: every telling word of the question must be the
//! name of a column, a value of a cell, a figure, the title of the table, or a word that asks. A
//! question of which a word is left over is about something else, and gets no plan.

mod about;
mod asked;
mod build;
mod follow_up;
mod understood;
mod vocabulary;

use super::DataTable;
use super::compute::{Computed, compute};
use super::plan::TablePlan;
use crate::fold::fold;
use crate::progress::CancelToken;

use asked::{Asked, Stems};
use understood::{ReadingOrder, Understood, Way};
use vocabulary::{ADJECTIVES, DAYS, Sense, phrases_of};

pub(crate) use follow_up::carried_on;

/// Readings of one question over one table that are tried.
const MAX_READINGS: usize = 16;

/// A plan that says all that the question says, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// Which of the tables.
    pub(crate) table: usize,
    pub(crate) plan: TablePlan,
    pub(crate) computed: Computed,
    /// How much of the question is in the very words of the table.
    subject: usize,
}

/// The plan for `question` over the one of `tables` that it is about; nothing if there is none, or
/// if there are several that come to different figures.
pub(crate) fn plan(question: &str, tables: &[&DataTable], cancel: &CancelToken) -> Option<Planned> {
    plan_with(question, tables, &[], cancel)
}

/// A word of a question that was found to mean a column whose name is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    /// Which of the tables.
    pub(crate) table: usize,
    /// As the question writes it.
    pub(crate) word: String,
    /// The name of the column.
    pub(crate) column: String,
}

/// Words of a question that say nothing about a table as it is, but might mean a column.
#[derive(Debug, Clone)]
pub(crate) struct WordGap {
    /// Which of the tables.
    pub(crate) table: usize,
    /// As the question writes them.
    pub(crate) words: Vec<String>,
    /// The columns that the question does not name.
    pub(crate) columns: Vec<String>,
    /// Whether it names one.
    pub(crate) names_a_column: bool,
}

/// Words left over that may be asked about.
const MAX_GAPS: usize = 2;

/// The tables that a question says all but a word or two about, those it says most about first.
pub(crate) fn gaps(question: &str, tables: &[&DataTable]) -> Vec<WordGap> {
    let stems = Stems::new();
    let asked = Asked::new(question, &stems);
    if !asked.may_ask_a_table() {
        return Vec::new();
    }
    let mut gaps: Vec<(usize, WordGap)> = Vec::new();
    for (table, data) in tables.iter().enumerate() {
        let way = Way { order: ReadingOrder::ColumnsFirst, hints: &[] };
        let understood = Understood::new(&asked, data, &stems, way);
        let open = understood.open();
        let is_about = !understood.values.is_empty() || !understood.columns.is_empty();
        if !(1..=MAX_GAPS).contains(&open.len()) || !is_about || understood.has(Sense::Blocker) {
            continue;
        }
        let word = |at: &usize| asked.tokens.get(*at).map(|token| token.text.clone());
        let is_named =
            |column: usize| understood.columns.iter().any(|name| name.columns == [column]);
        let columns = data.info.columns.iter().enumerate();
        let columns =
            columns.filter(|(at, _)| !is_named(*at)).map(|(_, column)| column.name.clone());
        let gap = WordGap {
            table,
            words: open.iter().filter_map(word).collect(),
            columns: columns.collect(),
            names_a_column: !understood.columns.is_empty(),
        };
        gaps.push((open.len(), gap));
    }
    gaps.sort_by_key(|gap| gap.0);
    gaps.into_iter().map(|gap| gap.1).collect()
}

/// As [`plan`], with what words were found to mean.
pub(crate) fn plan_with(
    question: &str,
    tables: &[&DataTable],
    hints: &[Hint],
    cancel: &CancelToken,
) -> Option<Planned> {
    let stems = Stems::new();
    let asked = Asked::new(question, &stems);
    if !asked.may_ask_a_table() {
        return None;
    }
    let in_months = asked.in_months(&stems);
    let mut found: Vec<Planned> = Vec::new();
    for (place, table) in tables.iter().enumerate() {
        let own: Vec<&Hint> = hints.iter().filter(|hint| hint.table == place).collect();
        let read = |asked: &Asked| -> Vec<Planned> {
            // without words of the title both orders read alike
            let orders: &[ReadingOrder] = match asked.says_two_of(table.info.title.as_deref()) {
                true => &[ReadingOrder::ColumnsFirst, ReadingOrder::TitleFirst],
                false => &[ReadingOrder::ColumnsFirst],
            };
            let understood = |order: &ReadingOrder| {
                Understood::new(asked, table, &stems, Way { order: *order, hints: &own })
            };
            let all = orders.iter().map(understood);
            all.filter_map(|understood| planned(&understood, place, table, cancel)).collect()
        };
        let mut here = read(&asked);
        if here.is_empty() {
            here = in_months.as_ref().map(read).unwrap_or_default();
        }
        // two orders of reading must not come to two figures
        let is_one = here.windows(2).all(|pair| pair[0].computed.figure == pair[1].computed.figure);
        found.extend(here.into_iter().next().filter(|_| is_one));
    }
    let best = found.iter().map(|planned| planned.subject).max()?;
    found.retain(|planned| planned.subject == best);
    let is_one = found.windows(2).all(|pair| pair[0].computed.figure == pair[1].computed.figure);
    found.into_iter().next().filter(|_| is_one)
}

/// Whether a question asks for what many rows come to: how many, a sum, a mean, the greatest.
pub(crate) fn asks_for_a_figure(question: &str) -> bool {
    let asked = Asked::new(question, &Stems::new());
    let is_figure = |sense: Sense| {
        matches!(
            sense,
            Sense::Count
                | Sense::Sum
                | Sense::Mean
                | Sense::Greatest
                | Sense::Least
                | Sense::Different
        )
    };
    let adjectives = ADJECTIVES.iter().map(|adjective| adjective.0);
    let days = DAYS.iter().map(|day| day.0);
    asked.says(phrases_of(is_figure).map(|phrase| phrase.1).chain(adjectives).chain(days))
}

/// Those of `uris` whose file a question for rows of a table says by its name, without its ending.
pub(crate) fn files_named<'a>(question: &str, uris: &[&'a str]) -> Vec<&'a str> {
    let asked = Asked::new(question, &Stems::new());
    let is_named = |uri: &&&str| {
        let name = uri.rsplit(['/', '\\', ':']).next().unwrap_or_default();
        let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let words = asked::pieces(name).into_iter().map(fold).collect::<Vec<_>>().join(" ");
        !words.is_empty() && asked.says(std::iter::once(words.as_str()))
    };
    uris.iter().filter(is_named).copied().collect()
}

/// Whether a question speaks of a table and its rows.
pub(crate) fn asks_for_rows(question: &str) -> bool {
    let asked = Asked::new(question, &Stems::new());
    let rows = phrases_of(|sense| sense == Sense::Rows).map(|phrase| phrase.1);
    asked.says(rows.chain(["table", "tableau", "file", "fichier"]))
}

/// The plan over one table as it was understood, if all that can be meant comes to one figure.
fn planned(
    understood: &Understood<'_>,
    place: usize,
    table: &DataTable,
    cancel: &CancelToken,
) -> Option<Planned> {
    if !understood.open().is_empty() || understood.is_of_another_year() {
        return None;
    }
    let plans = build::plans(understood);
    if plans.is_empty() || plans.len() > MAX_READINGS {
        return None;
    }
    let computed: Result<Vec<Computed>, String> =
        plans.iter().map(|plan| compute(table, plan, cancel)).collect();
    let computed = computed.ok()?;
    let is_one = computed.windows(2).all(|pair| pair[0].figure == pair[1].figure);
    let (plan, computed) = (plans.into_iter().next()?, computed.into_iter().next()?);
    let subject = understood.subject_words + understood.literal;
    is_one.then_some(Planned { table: place, plan, computed, subject })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
