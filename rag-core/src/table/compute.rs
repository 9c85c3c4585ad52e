//! Plans are computed by SQLite, in memory: only the columns that a plan names are put there, as
//! whole numbers, days or folded words, so that sums are exact. Once they are in, the connection
//! can do nothing but read them, and stops at a limit of time.

use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};

use super::columns::{CellReading, is_nothing};
use super::plan::{TableFunction, TablePlan, TableTest};
use super::{ColumnKind, DataTable};
use crate::fold::fold;
use crate::progress::CancelToken;

/// How long one plan may take, its rows put into memory included.
const TIME: Duration = Duration::from_secs(10);

/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 10_000;

/// Rows and groups that come out at most.
const MAX_LINES: usize = 10;

/// Rows that are told by number.
const MAX_TOLD: usize = 100;

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Computed {
    /// For people: one figure, or a line for each row or group.
    pub(crate) figure: String,
    /// The first rows that it came from.
    pub(crate) rows: Vec<usize>,
    /// How many there were.
    pub(crate) row_count: usize,
}

/// Computes `plan`; why it cannot, if so.
pub(crate) fn compute(
    table: &DataTable,
    plan: &TablePlan,
    cancel: &CancelToken,
) -> Result<Computed, String> {
    let query = Query::new(table, plan)?;
    let until = Instant::now() + TIME;
    let mut connection = query.loaded(until, cancel).map_err(told)?;
    restrict(&mut connection, until, cancel).map_err(told)?;
    query.run(&connection)
}

fn told(error: rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::OperationInterrupted) => "it takes too long".to_owned(),
        _ => format!("it cannot be computed: {error}"),
    }
}

/// From here on the connection reads its one table and works out aggregates; it does nothing else.
fn restrict(
    connection: &mut Connection,
    until: Instant,
    cancel: &CancelToken,
) -> rusqlite::Result<()> {
    let cancel = cancel.clone();
    connection
        .progress_handler(STEPS, Some(move || Instant::now() > until || cancel.is_cancelled()))?;
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select | AuthAction::Read { .. } => Authorization::Allow,
        AuthAction::Function { function_name: "count" | "sum" | "min" | "max" } => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }))
}

/// A plan whose columns are places.
struct Query<'a> {
    table: &'a DataTable,
    plan: &'a TablePlan,
    /// The columns that it needs, in the order of the SQL table.
    needed: Vec<usize>,
    select: Vec<usize>,
}

impl<'a> Query<'a> {
    fn new(table: &'a DataTable, plan: &'a TablePlan) -> Result<Self, String> {
        let mut query = Self { table, plan, needed: Vec::new(), select: Vec::new() };
        if let Some(flaw) = table.flaw() {
            let is_lookup = plan.aggregate.is_none() && plan.sort.is_none();
            if table.is_ragged || !is_lookup {
                return Err(flaw.to_owned());
            }
        }
        for column in &plan.select {
            let place = query.place(column)?;
            query.select.push(place);
        }
        for filter in &plan.filters {
            query.need(&filter.column)?;
            if filter.test != TableTest::Is && filter.values.len() != 1 {
                return Err(format!("{} is compared with one value", filter.column));
            }
        }
        if let Some(group) = &plan.group {
            query.need(group)?;
        }
        if let Some(sort) = &plan.sort {
            let place = query.need(&sort.column)?;
            query.check_number(place, true)?;
        }
        query.check_aggregate()?;
        Ok(query)
    }

    fn check_aggregate(&mut self) -> Result<(), String> {
        use TableFunction::{Count, Distinct, Max, Mean, Min, Sum};
        let Some(aggregate) = &self.plan.aggregate else { return Ok(()) };
        let place = aggregate.column.as_ref().map(|column| self.need(column)).transpose()?;
        match (aggregate.function, place) {
            (Count, None) if self.table.has_sections => {
                Err("some of its rows are headings".to_owned())
            }
            (Count, None) => Ok(()),
            (Distinct, Some(_)) => Ok(()),
            (Min | Max, Some(place)) => self.check_number(place, true),
            (Sum | Mean, Some(place)) => self.check_number(place, false),
            _ => Err(format!("{} has another number of columns", aggregate.function.name())),
        }
    }

    /// The place of a column.
    fn place(&self, name: &str) -> Result<usize, String> {
        let columns = &self.table.info.columns;
        let place = columns.iter().position(|column| column.name == name);
        place.ok_or_else(|| format!("there is no column {name:?}"))
    }

    fn need(&mut self, name: &str) -> Result<usize, String> {
        let place = self.place(name)?;
        if !self.needed.contains(&place) {
            self.needed.push(place);
        }
        Ok(place)
    }

    fn check_number(&self, place: usize, may_be_day: bool) -> Result<(), String> {
        let Some(column) = self.table.info.columns.get(place) else { return Ok(()) };
        if column.kind.is_number() || (may_be_day && column.kind == ColumnKind::Date) {
            return Ok(());
        }
        let note = column.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
        Err(format!("the column {:?} is no numbers{note}", column.name))
    }

    /// The SQL name of a column.
    fn sql(&self, name: &str) -> Result<String, String> {
        let place = self.place(name)?;
        let at = self.needed.iter().position(|needed| *needed == place);
        Ok(format!("c{}", at.ok_or("a column is missing")?))
    }

    fn loaded(&self, until: Instant, cancel: &CancelToken) -> rusqlite::Result<Connection> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch("PRAGMA journal_mode=OFF; PRAGMA temp_store=MEMORY")?;
        let names: String = (0..self.needed.len()).map(|at| format!(", c{at}")).collect();
        connection.execute_batch(&format!("CREATE TABLE t(row INTEGER PRIMARY KEY{names})"))?;
        let marks = ", ?".repeat(self.needed.len());
        let transaction = connection.transaction()?;
        let mut insert = transaction.prepare(&format!("INSERT INTO t VALUES(?{marks})"))?;
        for row in 0..self.table.row_count() {
            if row % 4096 == 0 && (Instant::now() > until || cancel.is_cancelled()) {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT);
                return Err(rusqlite::Error::SqliteFailure(code, None));
            }
            let number = SqlValue::Integer(i64::try_from(row).unwrap_or(i64::MAX));
            let cells = self.needed.iter().map(|column| self.value(row, *column));
            insert.execute(params_from_iter(std::iter::once(number).chain(cells)))?;
        }
        drop(insert);
        transaction.commit()?;
        Ok(connection)
    }

    fn value(&self, row: usize, column: usize) -> SqlValue {
        let cell = self.table.cell(row, column);
        match self.table.reading(column) {
            _ if is_nothing(cell) => SqlValue::Null,
            Some(reading) => reading.value(cell).map_or(SqlValue::Null, SqlValue::Integer),
            None => SqlValue::Text(folded(cell)),
        }
    }

    /// The condition of all filters, and what its marks stand for.
    fn condition(&self) -> Result<(String, Vec<SqlValue>), String> {
        let (mut parts, mut values) = (Vec::new(), Vec::new());
        for filter in &self.plan.filters {
            let column = self.sql(&filter.column)?;
            let reading = self.table.reading(self.place(&filter.column)?);
            for value in &filter.values {
                values.push(match reading {
                    Some(reading) => {
                        let number = reading.value(value).or_else(|| reading.bound(value));
                        SqlValue::Integer(
                            number.ok_or_else(|| {
                                format!("{value:?} is no value of {}", filter.column)
                            })?,
                        )
                    }
                    None if filter.test == TableTest::Is => SqlValue::Text(folded(value)),
                    None => return Err(format!("the words of {} are not compared", filter.column)),
                });
            }
            let sign = match filter.test {
                TableTest::Is => {
                    parts.push(format!(
                        "{column} IN ({})",
                        vec!["?"; filter.values.len()].join(", ")
                    ));
                    continue;
                }
                TableTest::Above => ">",
                TableTest::AtLeast => ">=",
                TableTest::Below => "<",
                TableTest::AtMost => "<=",
            };
            parts.push(format!("{column} {sign} ?"));
        }
        let condition = if parts.is_empty() { "1".to_owned() } else { parts.join(" AND ") };
        Ok((condition, values))
    }

    fn run(&self, connection: &Connection) -> Result<Computed, String> {
        match (&self.plan.aggregate, &self.plan.group) {
            (Some(_), Some(group)) => self.groups(connection, group),
            (Some(_), None) => self.figure(connection),
            (None, _) => self.rows(connection),
        }
    }

    /// The rows in question, with a further condition.
    fn chosen(&self, connection: &Connection, more: &str) -> Result<(Vec<usize>, usize), String> {
        let (condition, values) = self.condition()?;
        let count = format!("SELECT count(*) FROM t WHERE {condition}{more}");
        let sql = format!(
            "SELECT row, ({count}) FROM t WHERE {condition}{more} ORDER BY row LIMIT {MAX_TOLD}"
        );
        let twice: Vec<SqlValue> = values.iter().chain(&values).cloned().collect();
        let mut statement = connection.prepare(&sql).map_err(told)?;
        let found = statement
            .query_map(params_from_iter(twice), |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(told)?;
        let count = found.first().map_or(0, |first| first.1);
        let rows = found.into_iter().map(|(row, _)| usize::try_from(row).unwrap_or(0)).collect();
        Ok((rows, usize::try_from(count).unwrap_or(0)))
    }

    fn figure(&self, connection: &Connection) -> Result<Computed, String> {
        use TableFunction::{Count, Distinct, Max, Mean, Min, Sum};
        let Some(aggregate) = &self.plan.aggregate else { return Err("nothing to compute".into()) };
        let Some(column) = &aggregate.column else {
            let (rows, row_count) = self.chosen(connection, "")?;
            return Ok(Computed { figure: row_count.to_string(), rows, row_count });
        };
        let (name, place) = (self.sql(column)?, self.place(column)?);
        let (condition, values) = self.condition()?;
        let sql = format!(
            "SELECT {}, count({name}) FROM t WHERE {condition}",
            expression(aggregate.function, &name)
        );
        let row: (Option<i64>, i64) = connection
            .query_row(&sql, params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(told)?;
        let (Some(value), count) = row else { return Err("no row has a value".into()) };
        if count == 0 {
            return Err("no row has a value".into());
        }
        let figure = match (aggregate.function, self.table.reading(place)) {
            (Count | Distinct, _) => value.to_string(),
            (Mean, Some(reading)) => self.with_unit(place, &mean(reading, value, count)),
            (Min | Max, Some(_)) if self.is_day(place) => self.day_of(connection, &name, value)?,
            (Sum | Min | Max, Some(reading)) => {
                self.with_unit(place, &reading.written(i128::from(value), reading.scale()))
            }
            _ => return Err("nothing to compute".into()),
        };
        let more = match aggregate.function {
            Min | Max => format!(" AND {name} = {value}"),
            _ => format!(" AND {name} IS NOT NULL"),
        };
        let (rows, row_count) = self.chosen(connection, &more)?;
        let figure = match aggregate.function {
            Min | Max if !self.select.is_empty() => self.labelled(&rows, &figure),
            _ => figure,
        };
        Ok(Computed { figure, rows, row_count })
    }

    fn is_day(&self, place: usize) -> bool {
        self.table.info.columns.get(place).is_some_and(|column| column.kind == ColumnKind::Date)
    }

    /// A day as the first cell that holds it writes it.
    fn day_of(&self, connection: &Connection, name: &str, value: i64) -> Result<String, String> {
        let (rows, _) = self.chosen(connection, &format!(" AND {name} = {value}"))?;
        let place = self.plan.aggregate.as_ref().and_then(|a| a.column.as_ref());
        let place = place.map(|column| self.place(column)).transpose()?.unwrap_or_default();
        Ok(rows.first().map_or(String::new(), |row| self.table.cell(*row, place).to_owned()))
    }

    /// A figure with the unit that the column's cells, or its name, have.
    fn with_unit(&self, place: usize, figure: &str) -> String {
        let unit = self.table.info.columns.get(place).and_then(|column| column.unit.as_deref());
        match unit {
            Some(unit) if matches!(unit, "$" | "\u{a3}" | "\u{a5}") => format!("{unit}{figure}"),
            Some(unit) => format!("{figure} {unit}"),
            None => figure.to_owned(),
        }
    }

    /// What the rows of an extreme are called, before its figure.
    fn labelled(&self, rows: &[usize], figure: &str) -> String {
        let label = |row: &usize| {
            let cells = self.select.iter().map(|column| self.table.shown(*row, *column));
            cells.collect::<Vec<_>>().join(", ")
        };
        let labels: Vec<String> = rows.iter().take(MAX_LINES).map(label).collect();
        format!("{}: {figure}", labels.join("; "))
    }

    /// A line for each value of the column that is grouped by.
    fn groups(&self, connection: &Connection, group: &str) -> Result<Computed, String> {
        let Some(aggregate) = &self.plan.aggregate else { return Err("nothing to compute".into()) };
        let (by, by_place) = (self.sql(group)?, self.place(group)?);
        let (condition, values) = self.condition()?;
        let place = aggregate.column.as_ref().map(|column| self.place(column)).transpose()?;
        let name = aggregate.column.as_ref().map(|column| self.sql(column)).transpose()?;
        let what = match &name {
            Some(name) => expression(aggregate.function, name),
            None => "count(*)".to_owned(),
        };
        let counted = name.as_ref().map_or("count(*)".to_owned(), |name| format!("count({name})"));
        let sql = format!(
            "SELECT min(row), {what}, {counted} FROM t WHERE {condition} GROUP BY {by} ORDER BY min(row) LIMIT {}",
            MAX_LINES + 1
        );
        let mut statement = connection.prepare(&sql).map_err(told)?;
        let lines = statement
            .query_map(params_from_iter(values), |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, i64>(2)?))
            })
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(told)?;
        if lines.len() > MAX_LINES {
            return Err("there are too many groups".into());
        }
        let line = |(row, value, count): &(i64, Option<i64>, i64)| {
            let label = self.table.cell(usize::try_from(*row).unwrap_or(0), by_place);
            let reading = place.and_then(|place| self.table.reading(place));
            let value = value.unwrap_or_default();
            let figure = match (aggregate.function, reading, place) {
                (TableFunction::Mean, Some(reading), Some(place)) if *count > 0 => {
                    self.with_unit(place, &mean(reading, value, *count))
                }
                (
                    TableFunction::Sum | TableFunction::Min | TableFunction::Max,
                    Some(reading),
                    Some(place),
                ) => self.with_unit(place, &reading.written(i128::from(value), reading.scale())),
                _ => value.to_string(),
            };
            format!("{label}: {figure}")
        };
        let figure = lines.iter().map(line).collect::<Vec<_>>().join("\n");
        let (rows, row_count) = self.chosen(connection, "")?;
        match row_count {
            0 => Err("no row has a value".into()),
            _ => Ok(Computed { figure, rows, row_count }),
        }
    }

    /// The rows themselves, sorted and cut, each with the cells that are shown.
    fn rows(&self, connection: &Connection) -> Result<Computed, String> {
        let (rows, row_count) = match &self.plan.sort {
            None => self.chosen(connection, "")?,
            Some(sort) => {
                let name = self.sql(&sort.column)?;
                let (condition, values) = self.condition()?;
                let order = if sort.descending { "DESC" } else { "ASC" };
                let sql = format!(
                    "SELECT row, {name} FROM t WHERE {condition} AND {name} IS NOT NULL ORDER BY {name} {order}, row LIMIT {MAX_TOLD}"
                );
                let mut statement = connection.prepare(&sql).map_err(told)?;
                let found = statement
                    .query_map(params_from_iter(values), |row| {
                        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
                    })
                    .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
                    .map_err(told)?;
                let last = self.plan.limit.and_then(|limit| found.get(limit.checked_sub(1)?));
                let last = last.map(|last| last.1);
                let kept = |(place, (_, value)): &(usize, &(i64, i64))| {
                    self.plan.limit.is_none_or(|limit| *place < limit) || last == Some(*value)
                };
                let rows: Vec<usize> = found
                    .iter()
                    .enumerate()
                    .filter(kept)
                    .map(|(_, (row, _))| usize::try_from(*row).unwrap_or(0))
                    .collect();
                let count = rows.len();
                (rows, count)
            }
        };
        if row_count == 0 {
            return Err("no row is like that".into());
        }
        if row_count > MAX_LINES {
            return Err(format!("{row_count} rows are like that"));
        }
        Ok(Computed { figure: self.lines(&rows), rows, row_count })
    }

    /// A line of a row after what the row is called, where that is not in it.
    fn named(&self, row: usize, line: &str) -> String {
        let columns = self.table.info.columns.iter();
        let label = columns.clone().position(|column| column.kind == ColumnKind::Text);
        match label.filter(|label| !self.select.contains(label)) {
            Some(label) => format!("{}: {line}", self.table.cell(row, label)),
            None => line.to_owned(),
        }
    }

    /// One value if all rows have the same, else a line for each, its label first.
    fn lines(&self, rows: &[usize]) -> String {
        let shown = |row: &usize| {
            let cells = self.select.iter().map(|column| self.table.shown(*row, *column));
            cells.collect::<Vec<_>>().join(", ")
        };
        let lines: Vec<String> = rows.iter().map(shown).collect();
        match lines.first() {
            Some(first) if lines.iter().all(|line| line == first) => first.clone(),
            _ => {
                let named = rows.iter().zip(&lines).map(|(row, line)| self.named(*row, line));
                named.collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// What SQLite works out; the mean is the sum, divided exactly later.
fn expression(function: TableFunction, column: &str) -> String {
    match function {
        TableFunction::Count => format!("count({column})"),
        TableFunction::Distinct => format!("count(DISTINCT {column})"),
        TableFunction::Sum | TableFunction::Mean => format!("sum({column})"),
        TableFunction::Min => format!("min({column})"),
        TableFunction::Max => format!("max({column})"),
    }
}

/// Decimals of a mean beyond those of the values.
const MEAN_DECIMALS: u32 = 2;

/// A mean, rounded half away from zero, without zeros at its end.
fn mean(reading: &CellReading, sum: i64, count: i64) -> String {
    let (mut scale, count) = (reading.scale() + MEAN_DECIMALS, i128::from(count.max(1)));
    let tenfold = i128::from(sum) * 10_i128.pow(MEAN_DECIMALS);
    let half = count / 2 * tenfold.signum();
    let mut mantissa = (tenfold + half) / count;
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    reading.written(mantissa, scale)
}

/// Words as they are compared: folded, white space alike.
pub(super) fn folded(text: &str) -> String {
    fold(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
