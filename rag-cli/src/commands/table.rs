//! `rag table KB [ID]`: the tables of the documents, or the rows of one.

use std::path::PathBuf;

use rag_core::store::Filter;
use rag_core::table::{DataTable, TableColumn, TableInfo};
use rag_core::{KnowledgeBase, OpenOptions};
use serde::Serialize;

use super::options::{UntrustedArg, parse_filter};
use crate::console::{Console, name, one_line, shorten};
use crate::failure::{Exit, Outcome};

/// Characters of a cell that are shown.
const CELL_CHARS: usize = 40;

/// List the tables of the documents, or show the rows of one; no model is loaded
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The knowledge base file
    #[arg(value_name = "KB")]
    path: PathBuf,
    /// The table to show, by its id from the list
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    _untrusted: UntrustedArg,
    /// Only tables of documents that pass, such as "kind = xlsx AND path glob '*/fees/*'"
    #[arg(long, value_name = "FILTER", value_parser = parse_filter, conflicts_with = "id")]
    filter: Option<Filter>,
}

#[derive(Debug, Serialize)]
struct Tables {
    tables: Vec<TableInfo>,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let knowledge_base = KnowledgeBase::open(&args.path, &OpenOptions::read_only())?;
    console.notices(&knowledge_base.notices());
    let Some(id) = &args.id else {
        return list(knowledge_base.tables(args.filter.as_ref())?, console);
    };
    let table = knowledge_base.table(id)?;
    match console.is_json() {
        true => console.json(&table)?,
        false => show(&table, console)?,
    }
    Ok(Exit::Done)
}

fn list(tables: Vec<TableInfo>, console: &mut Console<'_>) -> Outcome {
    if console.is_json() {
        console.json(&Tables { tables })?;
        return Ok(Exit::Done);
    }
    for table in &tables {
        describe(table, console)?;
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        console.line(format_args!("         {}", shorten(&one_line(&columns.join(", ")), 100)))?;
    }
    Ok(Exit::Done)
}

/// Id, rows, title and document on one line.
fn describe(table: &TableInfo, console: &mut Console<'_>) -> Result<(), crate::failure::Failure> {
    let title = shorten(&one_line(table.title.as_deref().unwrap_or("(no title)")), 60);
    let (id, rows, uri) = (&table.id, table.row_count, name(&table.uri));
    console.line(format_args!("{id:>7}  {rows} rows  {title}  {uri}"))
}

fn show(table: &DataTable, console: &mut Console<'_>) -> Result<(), crate::failure::Failure> {
    describe(&table.info, console)?;
    for column in &table.info.columns {
        console.line(format_args!("         {}", column_line(column)))?;
    }
    for note in &table.info.notes {
        console.line(format_args!("         note: {}", one_line(note)))?;
    }
    for row in 0..table.row_count() {
        let cells: Vec<String> =
            table.row(row).map(|cell| shorten(&one_line(cell), CELL_CHARS)).collect();
        console.line(format_args!("{}", cells.join(" | ")))?;
    }
    Ok(())
}

/// A column in words: `price (currency, EUR)`.
fn column_line(column: &TableColumn) -> String {
    let unit = column.unit.as_ref().map_or(String::new(), |unit| format!(", {unit}"));
    let note = column.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
    one_line(&format!("{} ({}{unit}){note}", column.name, column.kind.name()))
}
