//! What was understood of a question, put together as a plan; several plans where it can be read in
//! several ways.

use super::asked::AskedWord;
use super::understood::{BoundFigure, ColumnFound, PhraseFound, Understood, ValueFound, compares};
use super::vocabulary::Sense;
use crate::table::ColumnKind;
use crate::table::plan::{
    TableAggregate, TableFilter, TableFunction, TablePlan, TableSort, TableTest,
};

/// The plans that the question may mean; nothing if it means none.
pub(super) fn plans(understood: &Understood<'_>) -> Vec<TablePlan> {
    let choices = match understood.values.iter().map(Vec::len).try_fold(1_usize, usize::checked_mul)
    {
        Some(count) if count <= super::MAX_READINGS => count,
        _ => return Vec::new(),
    };
    let all = (0..choices).map(|choice| Build::new(understood, choice).plan());
    all.collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// One way to read a question.
struct Build<'a> {
    understood: &'a Understood<'a>,
    /// The value that is meant at each place.
    values: Vec<&'a ValueFound>,
    filters: Vec<TableFilter>,
    /// Columns that are named for what they hold, not to say what a value is.
    wanted: Vec<&'a ColumnFound>,
}

impl<'a> Build<'a> {
    fn new(understood: &'a Understood<'a>, choice: usize) -> Self {
        let mut rest = choice;
        let mut values = Vec::new();
        for here in &understood.values {
            values.extend(here.get(rest % here.len().max(1)));
            rest /= here.len().max(1);
        }
        Self { understood, values, filters: Vec::new(), wanted: Vec::new() }
    }

    fn name(&self, column: usize) -> String {
        let columns = &self.understood.table.info.columns;
        columns.get(column).map_or(String::new(), |column| column.name.clone())
    }

    fn plan(mut self) -> Option<TablePlan> {
        self.wanted = self.understood.columns.iter().collect();
        self.filter_values()?;
        let group = self.take_group()?;
        self.drop_labels();
        self.filter_bounds()?;
        self.tell_apart();
        // a name that may be two columns is none
        if self.wanted.iter().any(|name| name.columns.len() != 1) {
            return None;
        }
        let mut plan = self.what()?;
        plan.filters = self.filters;
        plan.group = group;
        let is_list = plan.group.is_some() && plan.aggregate.is_none();
        let is_whole = plan.filters.is_empty() && plan.aggregate.is_none() && plan.sort.is_none();
        (!is_list && !is_whole && !says_itself(&plan)).then_some(plan)
    }

    /// Names that may be several columns are the one of them that another word names: `the sales of
    /// the second quarter` where each quarter has a column of sales.
    fn tell_apart(&mut self) {
        let sure: Vec<usize> = self
            .wanted
            .iter()
            .filter_map(|name| name.columns.first().filter(|_| name.columns.len() == 1).copied())
            .collect();
        let is_told = |name: &&ColumnFound| {
            name.columns.len() > 1
                && name.columns.iter().filter(|column| sure.contains(column)).count() == 1
        };
        self.wanted.retain(|name| !is_told(name));
    }

    /// Values of one column are alternatives, of several all hold.
    fn filter_values(&mut self) -> Option<()> {
        for value in &self.values {
            let column = self.name(value.column);
            let same = self.filters.iter_mut().find(|filter| filter.column == column);
            match same {
                Some(filter) if filter.values.contains(&value.value) => {}
                Some(filter) => filter.values.push(value.value.clone()),
                None => {
                    let values = vec![value.value.clone()];
                    self.filters.push(TableFilter { column, test: TableTest::Is, values });
                }
            }
        }
        Some(())
    }

    /// The column behind `by` or `for each`; `None` if there is the word and no column.
    fn take_group(&mut self) -> Option<Option<String>> {
        let Some(each) = self.phrase(Sense::Each) else { return Some(None) };
        let follows = |name: &&&ColumnFound| self.is_next(each.end, name.start);
        let place = self.wanted.iter().position(|name| follows(&name))?;
        let name = self.wanted.remove(place);
        let [column] = name.columns.as_slice() else { return None };
        Some(Some(self.name(*column)))
    }

    /// Whether only small words stand between two places.
    fn is_next(&self, from: usize, to: usize) -> bool {
        let between = self.understood.asked.tokens.get(from..to);
        between.is_some_and(|words| words.iter().all(|token: &AskedWord| !token.is_telling))
    }

    fn phrase(&self, sense: Sense) -> Option<&'a PhraseFound> {
        self.understood.phrases.iter().find(|phrase| phrase.sense == sense)
    }

    /// Figures with what compares them; each must have a column.
    fn filter_bounds(&mut self) -> Option<()> {
        let bounds = &self.understood.bounds;
        let mut at = 0;
        while let Some(bound) = bounds.get(at) {
            let mut phrases = self.understood.phrases.iter().rev();
            let phrase = phrases.find(|phrase| {
                compares(phrase.sense)
                    && phrase.end <= bound.at
                    && self.is_next(phrase.end, bound.at)
            });
            let Some(phrase) = phrase else {
                // the first figure of a list is no filter
                if self.is_limit(bound) {
                    at += 1;
                    continue;
                }
                self.filter_figure(bound)?;
                at += 1;
                continue;
            };
            if self.is_limit(bound) {
                at += 1;
                continue;
            }
            let next = bounds.get(at + 1);
            let is_range = next.is_some_and(|next| self.is_near(bound.at + 1, next.at));
            match phrase.sense {
                Sense::Between | Sense::Since if is_range || phrase.sense == Sense::Between => {
                    let upper = next?;
                    let column = self.compared(phrase, upper.at, upper)?;
                    self.add(column, TableTest::AtLeast, bound);
                    self.add(column, TableTest::AtMost, upper);
                    at += 1;
                }
                sense => {
                    let test = test(sense)?;
                    let column = self.compared(phrase, bound.at, bound)?;
                    self.add(column, test, bound);
                }
            }
            at += 1;
        }
        Some(())
    }

    fn is_limit(&self, bound: &BoundFigure) -> bool {
        let beside = |phrase: &PhraseFound| {
            matches!(phrase.sense, Sense::Top | Sense::Greatest | Sense::Least)
                && (self.is_next(phrase.end, bound.at) || phrase.start == bound.at + 1)
        };
        self.understood.phrases.iter().any(beside)
    }

    /// A figure without a comparison is that of the column right before or behind it, or a year.
    fn filter_figure(&mut self, bound: &BoundFigure) -> Option<()> {
        let is_year = bound.is_year();
        let beside = self.wanted.iter().position(|name| {
            let before = self.is_next(name.end, bound.at) && name.end <= bound.at;
            let column = name.columns.first().copied().unwrap_or_default();
            (before || self.is_next(bound.at + 1, name.start))
                && name.columns.len() == 1
                && self.understood.kind(column).is_number()
        });
        if let Some(place) = beside {
            let column = self.wanted.remove(place).columns.first().copied()?;
            self.add(column, TableTest::Is, bound);
            return Some(());
        }
        let day = self.day_column().filter(|_| is_year)?;
        self.wanted.retain(|name| name.columns != [day]);
        self.year(day, &bound.text);
        Some(())
    }

    /// The one column of days.
    fn day_column(&self) -> Option<usize> {
        let count = self.understood.table.info.columns.len();
        let mut days = (0..count).filter(|at| self.understood.kind(*at) == ColumnKind::Date);
        days.next().filter(|_| days.next().is_none())
    }

    fn year(&mut self, column: usize, year: &str) {
        let column = self.name(column);
        let filter = |test, day: &str| TableFilter {
            column: column.clone(),
            test,
            values: vec![format!("{year}-{day}")],
        };
        self.filters.push(filter(TableTest::AtLeast, "01-01"));
        self.filters.push(filter(TableTest::AtMost, "12-31"));
    }

    /// The column that a figure is compared with: named right behind it, or right before the
    /// phrase, or the only one of numbers that is named; for years that of years or days.
    fn compared(&mut self, phrase: &PhraseFound, at: usize, bound: &BoundFigure) -> Option<usize> {
        let is_year = bound.is_year();
        let of_time =
            matches!(phrase.sense, Sense::After | Sense::Since | Sense::Before | Sense::Until);
        let is_range = phrase.sense == Sense::Between && self.time_column().is_some();
        if of_time && !is_year {
            return None;
        }
        if is_year && (of_time || is_range) {
            let column = self.time_column()?;
            self.wanted.retain(|name| name.columns != [column]);
            return Some(column);
        }
        let number = |name: &ColumnFound| {
            let column = name.columns.first().copied().filter(|_| name.columns.len() == 1);
            column.filter(|column| self.understood.kind(*column).is_number())
        };
        let before = self.wanted.iter().rposition(|name| {
            number(name).is_some_and(|column| !self.understood.is_years(column))
                && name.end <= phrase.start
                && self.is_near(name.end, phrase.start)
        });
        // what stands behind `and` belongs to the next figure
        let behind = self.wanted.iter().position(|name| {
            number(name).is_some() && name.start > at && self.is_of(at + 1, name.start)
        });
        if before.is_some() && behind.is_some() {
            return None;
        }
        let place = before.or(behind);
        let place = place.or_else(|| {
            let mut all = (0..self.wanted.len())
                .filter(|place| self.wanted.get(*place).is_some_and(|name| number(name).is_some()));
            all.next().filter(|_| all.next().is_none())
        })?;
        let column = self.wanted.get(place).and_then(|name| number(name))?;
        self.wanted.remove(place);
        Some(column)
    }

    /// Whether nothing but `of` and the like stands between a figure and a name.
    fn is_of(&self, from: usize, to: usize) -> bool {
        let joins = ["and", "or", "et", "ou", "with", "avec", "for", "pour"];
        let words = self.understood.asked.tokens.get(from..to).unwrap_or_default();
        words.iter().all(|token| !token.is_telling && !joins.contains(&token.folded.as_str()))
    }

    /// Whether only words that ask nothing stand between two places.
    fn is_near(&self, from: usize, to: usize) -> bool {
        use super::understood::Use;
        let words = self.understood.uses.get(from..to).unwrap_or_default();
        let telling = self.understood.asked.tokens.get(from..to).unwrap_or_default();
        words.iter().zip(telling).all(|(used, token)| *used == Use::Phrase || !token.is_telling)
    }

    /// The one column of days, or of years.
    fn time_column(&self) -> Option<usize> {
        let count = self.understood.table.info.columns.len();
        let years = (0..count).filter(|at| self.understood.is_years(*at));
        let days = self.day_column();
        let mut all = years.chain(days);
        all.next().filter(|_| all.next().is_none())
    }

    fn add(&mut self, column: usize, test: TableTest, bound: &BoundFigure) {
        let is_day = self.understood.kind(column) == ColumnKind::Date;
        let value = match (is_day, test) {
            (false, _) => bound.text.clone(),
            (true, TableTest::Above | TableTest::AtMost) => format!("{}-12-31", bound.text),
            (true, _) => format!("{}-01-01", bound.text),
        };
        self.filters.push(TableFilter { column: self.name(column), test, values: vec![value] });
    }

    /// Names of columns that only say what a value is: right before it, or of its own column.
    fn drop_labels(&mut self) {
        let values = self.values.clone();
        let is_label = |name: &ColumnFound| {
            values.iter().any(|value| {
                let own = name.columns.contains(&value.column);
                let before = name.end <= value.start && self.is_next(name.end, value.start);
                let behind = value.end <= name.start && self.is_next(value.end, name.start);
                (own && (before || behind)) || (before && value.start == name.end && !name.is_whole)
            })
        };
        let kept: Vec<&ColumnFound> =
            self.wanted.iter().copied().filter(|name| !is_label(name)).collect();
        self.wanted = kept;
    }

    /// The columns wanted, each once.
    fn columns(&self, is_right: impl Fn(ColumnKind) -> bool) -> Vec<usize> {
        let mut columns: Vec<usize> = Vec::new();
        for name in &self.wanted {
            let column = name.columns.first().copied().unwrap_or_default();
            if is_right(self.understood.kind(column)) && !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    /// What is looked up or worked out.
    fn what(&self) -> Option<TablePlan> {
        let has = |sense| self.understood.has(sense);
        if has(Sense::Blocker) {
            return None;
        }
        let extreme = has(Sense::Greatest) || has(Sense::Least);
        let counts = self.counted().is_some();
        match (has(Sense::Mean), extreme) {
            (false, false) if has(Sense::Top) => None,
            (false, false) if has(Sense::Count) => self.count(),
            (false, false) if has(Sense::Sum) => self.of_numbers(TableFunction::Sum),
            (false, false) => self.lookup(),
            (true, true) => None,
            (true, false) if counts || has(Sense::Sum) => None,
            (true, false) => self.of_numbers(TableFunction::Mean),
            (false, true) if counts => None,
            (false, true) => self.extreme(),
        }
    }

    /// The phrase that counts: `the number of` before the name of figures is a part of that name.
    fn counted(&self) -> Option<&'a PhraseFound> {
        let phrases = self.understood.phrases.iter();
        let tokens = &self.understood.asked.tokens;
        let is_part = |phrase: &PhraseFound| {
            let words = tokens.get(phrase.start..phrase.end).unwrap_or_default();
            let says =
                words.iter().any(|token| matches!(token.folded.as_str(), "number" | "nombre"));
            says && self.wanted.iter().any(|name| {
                name.start >= phrase.end
                    && self.is_next(phrase.end, name.start)
                    && name.columns.iter().all(|column| self.understood.kind(*column).is_number())
            })
        };
        phrases.filter(|phrase| phrase.sense == Sense::Count).find(|phrase| !is_part(phrase))
    }

    /// Whether a name is what is asked for: `which year`.
    fn is_asked(&self, name: &ColumnFound) -> bool {
        let before = name.start.checked_sub(1).and_then(|at| self.understood.asked.tokens.get(at));
        let words = ["which", "what", "quel", "quelle", "quels", "quelles"];
        before.is_some_and(|token| words.contains(&token.folded.as_str()))
    }

    /// The columns of figures that are worked with: years are so only where nothing else is.
    fn numbers(&self) -> Vec<usize> {
        let mut numbers = self.columns(ColumnKind::is_number);
        if numbers.len() > 1 {
            numbers.retain(|column| !self.understood.is_years(*column));
        }
        numbers
    }

    /// A sum or a mean of the one column of numbers that is named.
    fn of_numbers(&self, function: TableFunction) -> Option<TablePlan> {
        let numbers = self.numbers();
        let mut others = self.columns(|kind| !kind.is_number());
        // `the stock of all products` is that of all rows
        others.retain(|column| !self.is_name_of_rows(*column));
        let ([column], true) = (numbers.as_slice(), others.is_empty()) else {
            return None;
        };
        let column = Some(self.name(*column));
        let aggregate = Some(TableAggregate { function, column });
        Some(TablePlan { aggregate, ..TablePlan::default() })
    }

    /// The greatest or least of a column, and the names of its rows where they are asked for.
    fn extreme(&self) -> Option<TablePlan> {
        let is_greatest = self.understood.has(Sense::Greatest);
        if is_greatest && self.understood.has(Sense::Least) {
            return None;
        }
        let phrases = &self.understood.phrases;
        let meant = phrases.iter().find_map(|phrase| phrase.column);
        let asked: Vec<usize> = self
            .wanted
            .iter()
            .filter(|name| self.is_asked(name))
            .filter_map(|name| name.columns.first().copied())
            .collect();
        let mut values = self.numbers();
        if values.len() > 1 {
            values.retain(|value| !asked.contains(value));
        }
        if values.is_empty() {
            values = self.columns(|kind| kind == ColumnKind::Date);
        }
        let column = match (meant, values.as_slice()) {
            (Some(column), []) => column,
            (Some(column), [value]) if column == *value => column,
            (None, [column]) => *column,
            _ => return None,
        };
        let mut labels: Vec<usize> = self.columns(|kind| !kind.is_number());
        labels.extend(
            asked.iter().filter(|label| !labels.contains(label)).copied().collect::<Vec<_>>(),
        );
        labels.retain(|label| *label != column);
        let is_years = |column: &usize| self.understood.is_years(*column);
        if labels.is_empty() {
            labels = self.columns(ColumnKind::is_number).into_iter().filter(is_years).collect();
            labels.retain(|label| *label != column);
        }
        if labels.is_empty() && self.understood.has(Sense::Who) {
            labels.extend(self.label());
        }
        // an adjective asks for what is so: `the cheapest item`
        if labels.is_empty() && meant.is_some() && values.is_empty() {
            return None;
        }
        let limit = self.understood.bounds.iter().find(|bound| self.is_limit(bound));
        let select: Vec<String> = labels.iter().map(|label| self.name(*label)).collect();
        if let Some(limit) = limit {
            let limit = limit.text.parse().ok().filter(|limit| (1..=10).contains(limit))?;
            let sort = Some(TableSort { column: self.name(column), descending: is_greatest });
            let mut select = select;
            if select.is_empty() {
                select.push(self.name(self.label()?));
            }
            select.push(self.name(column));
            return Some(TablePlan { select, sort, limit: Some(limit), ..TablePlan::default() });
        }
        let function = if is_greatest { TableFunction::Max } else { TableFunction::Min };
        let aggregate = Some(TableAggregate { function, column: Some(self.name(column)) });
        Some(TablePlan { select, aggregate, ..TablePlan::default() })
    }

    /// The first column of words: what its rows are called.
    fn label(&self) -> Option<usize> {
        let count = self.understood.table.info.columns.len();
        (0..count).find(|column| self.understood.kind(*column) == ColumnKind::Text)
    }

    /// How many: rows, different values, or the figure of a column of that name.
    fn count(&self) -> Option<TablePlan> {
        let counted = self.phrase(Sense::Count)?;
        let mut numbers = self.columns(ColumnKind::is_number);
        // `how many years`
        let years = self.wanted.iter().find(|name| {
            name.start >= counted.end
                && self.is_next(counted.end, name.start)
                && name.columns.iter().all(|column| self.understood.is_years(*column))
        });
        let years = years.and_then(|name| name.columns.first().copied());
        if let Some(years) = years.filter(|years| self.is_name_of_rows(*years)) {
            numbers.retain(|column| *column != years);
            let is_all = numbers.is_empty() && self.columns(|kind| !kind.is_number()).is_empty();
            let aggregate = Some(TableAggregate { function: TableFunction::Count, column: None });
            return is_all.then(|| TablePlan { aggregate, ..TablePlan::default() });
        }
        let others = self.columns(|kind| !kind.is_number());
        let aggregate = |function, column: Option<usize>| {
            let column = column.map(|column| self.name(column));
            let aggregate = Some(TableAggregate { function, column });
            Some(TablePlan { aggregate, ..TablePlan::default() })
        };
        if let ([column], []) = (numbers.as_slice(), others.as_slice()) {
            // so many are no money
            if self.understood.kind(*column) == ColumnKind::Currency {
                return None;
            }
            // a count that is written in a cell
            if self.understood.has(Sense::Sum) {
                return aggregate(TableFunction::Sum, Some(*column));
            }
            let plan = TablePlan { select: vec![self.name(*column)], ..TablePlan::default() };
            return (!self.filters.is_empty()).then_some(plan);
        }
        if !numbers.is_empty() {
            return None;
        }
        match others.as_slice() {
            [] => {
                let names_rows = self.understood.has(Sense::Rows) || self.counts_subject(counted);
                names_rows.then(|| aggregate(TableFunction::Count, None)).flatten()
            }
            [column] if self.understood.has(Sense::Different) => {
                aggregate(TableFunction::Distinct, Some(*column))
            }
            [column] if self.is_name_of_rows(*column) => aggregate(TableFunction::Count, None),
            _ => None,
        }
    }

    /// Whether what is counted is what the title of the table says.
    fn counts_subject(&self, counted: &PhraseFound) -> bool {
        use super::understood::Use;
        let uses = self.understood.uses.get(counted.end..).unwrap_or_default();
        let tokens = self.understood.asked.tokens.get(counted.end..).unwrap_or_default();
        let first = uses.iter().zip(tokens).find(|(_, token)| token.is_telling);
        !self.understood.title_names_a_column
            && first.is_some_and(|(used, _)| *used == Use::Subject)
    }

    /// Whether each row has another value in a column.
    fn is_name_of_rows(&self, column: usize) -> bool {
        let table = self.understood.table;
        let mut met = std::collections::HashSet::new();
        (0..table.row_count()).all(|row| {
            let cell = table.cell(row, column);
            !cell.is_empty() && met.insert(cell)
        })
    }

    /// What a field holds whose name the question says.
    fn field(&self) -> Option<usize> {
        let [name, held] = self.understood.table.fields?;
        let is_name = |value: &&ValueFound| value.column == name;
        (self.values.len() == 1 && self.values.iter().all(is_name)).then_some(held)
    }

    /// The cells of rows that are named.
    fn lookup(&self) -> Option<TablePlan> {
        if self.filters.is_empty() || self.understood.has(Sense::Different) {
            return None;
        }
        let mut columns = self.columns(|_| true);
        if columns.is_empty() {
            columns.extend(self.field());
        }
        if columns.is_empty() && self.understood.has(Sense::When) {
            columns.extend(self.day_column());
        }
        if columns.is_empty() && self.understood.has(Sense::HowMuch) {
            let prices = self.understood.prices();
            let [price] = prices.as_slice() else { return None };
            columns.push(*price);
        }
        if columns.is_empty() && self.understood.has(Sense::Who) {
            columns.extend(self.label());
        }
        let select: Vec<String> = columns.iter().map(|column| self.name(*column)).collect();
        (!select.is_empty()).then(|| TablePlan { select, ..TablePlan::default() })
    }
}

/// Whether rows are asked for what they were chosen by.
fn says_itself(plan: &TablePlan) -> bool {
    let is_given = |column: &String| {
        plan.filters.iter().any(|filter| filter.column == *column && filter.test == TableTest::Is)
    };
    plan.aggregate.is_none() && plan.sort.is_none() && plan.select.iter().all(is_given)
}

/// How a phrase compares.
fn test(sense: Sense) -> Option<TableTest> {
    Some(match sense {
        Sense::Above | Sense::After => TableTest::Above,
        Sense::AtLeast | Sense::Since => TableTest::AtLeast,
        Sense::Below | Sense::Before => TableTest::Below,
        Sense::AtMost | Sense::Until => TableTest::AtMost,
        _ => return None,
    })
}
