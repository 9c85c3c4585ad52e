//! What is computed from a table: rows chosen, grouped, counted or added up, sorted.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{DataTable, TableColumn};
use crate::options::words;
use crate::words::Language;

words! {
    /// What is worked out of many cells.
    pub enum TableFunction("function") {
        /// How many rows there are.
        Count = "count",
        /// How many different values a column has.
        Distinct = "count_distinct",
        /// The sum.
        Sum = "sum",
        /// The arithmetic mean.
        Mean = "mean",
        /// The least value.
        Min = "min",
        /// The greatest value.
        Max = "max",
    }
}

words! {
    /// How a cell is compared.
    pub enum TableTest("test") {
        /// It is one of the values, whatever its case and accents.
        Is = "is",
        /// It is more than the value.
        Above = "above",
        /// It is the value or more.
        AtLeast = "at_least",
        /// It is less than the value.
        Below = "below",
        /// It is the value or less.
        AtMost = "at_most",
    }
}

/// Which rows count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFilter {
    /// The column that is looked at.
    pub column: String,
    /// How.
    pub test: TableTest,
    /// What its cells are compared with, as written in cells; several only for [`TableTest::Is`].
    pub values: Vec<String>,
}

/// What is worked out of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableAggregate {
    /// How.
    pub function: TableFunction,
    /// Of which column; none to count rows.
    pub column: Option<String>,
}

/// In what order rows, or groups by their figure, come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSort {
    /// By which column.
    pub column: String,
    /// The greatest first.
    pub descending: bool,
}

/// What is asked of a table. The engine computes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TablePlan {
    /// The columns that are shown of each row.
    pub select: Vec<String>,
    /// All of these must hold of a row.
    pub filters: Vec<TableFilter>,
    /// One figure for each value of this column.
    pub group: Option<String>,
    /// What is worked out; nothing if rows are looked up.
    pub aggregate: Option<TableAggregate>,
    /// The order of rows.
    pub sort: Option<TableSort>,
    /// So many rows or groups at most; rows equal to the last of them come too.
    pub limit: Option<usize>,
}

/// What was computed from a table for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableAnswer {
    /// The table.
    pub id: String,
    /// Its document.
    pub uri: String,
    /// Its title.
    pub title: Option<String>,
    /// What was computed.
    pub plan: TablePlan,
    /// The same in words.
    pub words: String,
    /// What came out.
    pub figure: String,
    /// Rows that it came from.
    pub row_count: usize,
}

impl TablePlan {
    /// The plan in words: `sum of Amount where City is Lyon`.
    pub(crate) fn words(&self, language: Language) -> String {
        let mut words = match &self.aggregate {
            Some(aggregate) => aggregate.words(language),
            None => self.select.join(", "),
        };
        for (place, filter) in self.filters.iter().enumerate() {
            let joint = match place {
                0 => language.pick("where", "o\u{f9}"),
                _ => language.pick("and", "et"),
            };
            // writing to a string cannot fail
            let _ = write!(words, " {joint} {}", filter.words(language));
        }
        if let Some(group) = &self.group {
            let _ = write!(words, " {} {group}", language.pick("for each", "pour chaque"));
        }
        if let Some(sort) = &self.sort {
            let order = match sort.descending {
                true => language.pick("greatest first", "en ordre d\u{e9}croissant"),
                false => language.pick("least first", "en ordre croissant"),
            };
            let _ = write!(words, ", {} {} {order}", language.pick("by", "par"), sort.column);
        }
        if let Some(limit) = self.limit {
            let _ = write!(words, ", {} {limit}", language.pick("first", "premiers :"));
        }
        words
    }
}

impl TableAggregate {
    fn words(&self, language: Language) -> String {
        let column = self.column.as_deref().unwrap_or_default();
        let function = match self.function {
            TableFunction::Count => {
                return language.pick("number of rows", "nombre de lignes").to_owned();
            }
            TableFunction::Distinct => language.pick("number of different", "nombre de valeurs de"),
            TableFunction::Sum => language.pick("sum of", "somme de"),
            TableFunction::Mean => language.pick("mean of", "moyenne de"),
            TableFunction::Min => language.pick("least", "minimum de"),
            TableFunction::Max => language.pick("greatest", "maximum de"),
        };
        format!("{function} {column}")
    }
}

impl TableFilter {
    fn words(&self, language: Language) -> String {
        let test = match self.test {
            TableTest::Is => language.pick("is", "est"),
            TableTest::Above => language.pick("is over", "d\u{e9}passe"),
            TableTest::AtLeast => language.pick("is at least", "est au moins"),
            TableTest::Below => language.pick("is under", "est sous"),
            TableTest::AtMost => language.pick("is at most", "est au plus"),
        };
        let values = self.values.join(language.pick(" or ", " ou "));
        format!("{} {test} {values}", self.column)
    }
}

/// The columns that a plan reads of a row, in the order of the table.
pub(crate) fn columns_of(table: &DataTable, plan: &TablePlan) -> Vec<usize> {
    let aggregated = plan.aggregate.iter().filter_map(|aggregate| aggregate.column.as_ref());
    let named: Vec<&String> = plan
        .select
        .iter()
        .chain(plan.filters.iter().map(|filter| &filter.column))
        .chain(&plan.group)
        .chain(aggregated)
        .chain(plan.sort.iter().map(|sort| &sort.column))
        .collect();
    let columns = table.info.columns.iter().enumerate();
    let is_read = |column: &TableColumn| named.is_empty() || named.contains(&&column.name);
    columns.filter(|(_, column)| is_read(column)).map(|(at, _)| at).collect()
}

/// A plan with what it was computed from, in words, for under the figure.
pub(crate) fn told(table: &DataTable, found: &Told<'_>, language: Language) -> String {
    let Told { plan, row_count, cited_count } = *found;
    let words = plan.words(language);
    let file = table.info.uri.rsplit(['/', '\\']).next().unwrap_or_default();
    let title = table.info.title.as_deref().unwrap_or(file);
    let (rows, of, cited) = match language {
        Language::English => {
            let rows = if row_count == 1 { "row" } else { "rows" };
            let title =
                if title.is_empty() { String::new() } else { format!(" \u{201c}{title}\u{201d}") };
            (rows, format!("of the table{title}"), "the first are cited")
        }
        Language::French => {
            let rows = if row_count == 1 { "ligne" } else { "lignes" };
            let title =
                if title.is_empty() { String::new() } else { format!(" \u{ab} {title} \u{bb}") };
            (rows, format!("du tableau{title}"), "les premi\u{e8}res sont cit\u{e9}es")
        }
    };
    let cited = if cited_count < row_count { format!(", {cited}") } else { String::new() };
    format!("({words}; {row_count} {rows} {of}{cited})")
}

/// What [`told`] tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) plan: &'a TablePlan,
    /// Rows that the figure came from.
    pub(crate) row_count: usize,
    /// How many of them are cited.
    pub(crate) cited_count: usize,
}
