//! `rag config`: the options there are.

use clap::Subcommand;
use rag_core::options::{Entry, Kind, Range, Table, Value, tables};
use serde::Serialize;
use serde_json::Value as Json;

use crate::console::Console;
use crate::failure::{Exit, Failure, Outcome};

/// Show the options of all commands and calls
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every option of every call and loader: what it takes, its default, and what it says
    List,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    match &args.what {
        What::List => list(console)?,
    }
    Ok(Exit::Done)
}

/// An option as JSON shows it.
#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    /// The options it is declared with.
    group: &'static str,
    #[serde(flatten)]
    takes: Takes,
    /// Null where `unset` says it in words.
    default: Json,
    unset: Option<&'static str>,
    /// A word that stands for "not set".
    unset_word: Option<&'static str>,
    unit: Option<&'static str>,
    least: Option<Json>,
    most: Option<Json>,
    /// Whether `least` itself is out.
    above: bool,
    doc: &'static str,
    /// Its name where each value of a list is given by itself.
    singular: Option<&'static str>,
    /// Whether only a program can give it.
    code: bool,
}

/// What an option, or each value of a list, takes.
#[derive(Debug, Serialize)]
struct Takes {
    kind: &'static str,
    words: Option<&'static [&'static str]>,
    syntax: Option<&'static str>,
    item: Option<Box<Takes>>,
}

impl Takes {
    fn new(kind: Kind) -> Self {
        let takes = Self { kind: kind.name(), words: None, syntax: None, item: None };
        match kind {
            Kind::Word(words) => Self { words: Some(words), ..takes },
            // as it is written, or what it is
            Kind::Form { syntax, .. } | Kind::Code(syntax) => {
                Self { syntax: Some(syntax), ..takes }
            }
            Kind::List(kind) => Self { item: Some(Box::new(Self::new(*kind))), ..takes },
            _ => takes,
        }
    }
}

impl Listed {
    fn new(entry: &Entry) -> Self {
        let field = &entry.field;
        let is_whole = field.kind == Kind::Integer;
        let bound = |number: fn(Range) -> f64| {
            let bound = field.range.map(number).filter(|bound| bound.is_finite());
            bound.map(|bound| if is_whole { Json::from(bound as i64) } else { Json::from(bound) })
        };
        Self {
            name: entry.name,
            group: field.group,
            takes: Takes::new(field.kind),
            default: entry.default.to_json(),
            unset: field.unset,
            unset_word: field.unset_word,
            unit: field.unit,
            least: bound(|range| range.least),
            most: bound(|range| range.most),
            above: field.range.is_some_and(|range| range.is_above),
            doc: field.doc.trim(),
            singular: field.singular,
            code: matches!(field.kind, Kind::Code(_)),
        }
    }
}

fn list(console: &mut Console<'_>) -> Result<(), Failure> {
    let tables = tables();
    if console.is_json() {
        let listed: serde_json::Map<String, Json> = tables
            .iter()
            .map(|table| {
                let options: Vec<Listed> = table.entries.iter().map(Listed::new).collect();
                Ok((table.group.to_owned(), serde_json::to_value(options)?))
            })
            .collect::<Result<_, serde_json::Error>>()
            .map_err(std::io::Error::from)?;
        return console.json(&listed);
    }
    for Table { group, entries } in &tables {
        for entry in entries {
            let takes = entry.field.takes();
            let default = default_of(entry);
            console.line(format_args!("{group}.{}: {takes} [default: {default}]", entry.name))?;
            console.line(format_args!("    {}", entry.field.doc.trim()))?;
        }
    }
    Ok(())
}

/// What holds where nothing is said, for a person.
fn default_of(entry: &Entry) -> String {
    match (&entry.default, entry.field.unset) {
        (Value::Unset, Some(words)) => words.to_owned(),
        (Value::Text(text), _) => text.clone(),
        (Value::Unset, None) => "none".to_owned(),
        (Value::List(values), _) if values.is_empty() => "none".to_owned(),
        (value, _) => value.to_string(),
    }
}
