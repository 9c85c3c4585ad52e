//! `rag config`: the options there are, and what holds for each.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use rag_core::options::{Entry, Kind, Range, Table, tables};
use serde::Serialize;
use serde_json::Value as Json;

use crate::console::{Console, one_line};
use crate::failure::{Exit, Failure, Outcome};
use crate::options::{Config, Held, Origin, default_of, is_code, shown as shown_value};

/// Show the options of all commands and calls, or what holds for each
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every option of every call and loader: what it takes, its default, and what it says
    List,
    /// The value of every option and where it comes from: the default, a line of rag.toml, or a
    /// variable
    Show {
        /// The knowledge base beside which rag.toml is looked for
        #[arg(value_name = "KB")]
        path: Option<PathBuf>,
        /// For a file of somebody else's: the rag.toml beside it is not read
        #[arg(long)]
        untrusted: bool,
    },
}

impl Args {
    /// The path beside which options may stand.
    pub(crate) fn beside(&self) -> Option<&Path> {
        match &self.what {
            What::Show { path, untrusted: false } => path.as_deref(),
            _ => None,
        }
    }

    /// Whether it says what options there are, whatever they are set to.
    pub(crate) fn needs_no_config(&self) -> bool {
        matches!(self.what, What::List)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    match &args.what {
        What::List => list(console)?,
        What::Show { .. } => show(every(config), console)?,
    }
    Ok(Exit::Done)
}

/// The value of an option as JSON shows it.
#[derive(Debug, Serialize)]
struct Shown {
    name: &'static str,
    value: Json,
    /// `default`, `file`, `variable` or `argument`.
    from: &'static str,
    /// The file and its line, or the variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
}

impl Shown {
    fn new(Held { entry, value, origin }: &Held) -> Self {
        let (file, line, variable) = match origin {
            Origin::File(path, line) => (Some(path.display().to_string()), Some(*line), None),
            Origin::Variable(name) => (None, None, Some(name.clone())),
            Origin::Default | Origin::Argument => (None, None, None),
        };
        let (name, value, from) = (entry.name, value.to_json(), origin.name());
        Self { name, value, from, file, line, variable }
    }
}

/// What holds for every option, whatever the command.
fn every(config: &Config) -> Vec<(&'static str, Vec<Held>)> {
    let held = |group: &str, entry: Entry| {
        let found = config.find(group, &entry);
        let (value, origin) = found.unwrap_or((&entry.default, &Origin::Default));
        Held { value: value.clone(), origin: origin.clone(), entry }
    };
    let of = |Table { group, entries, .. }: Table| {
        let entries = entries.into_iter().filter(|entry| !is_code(entry));
        (group, entries.map(|entry| held(group, entry)).collect())
    };
    tables().into_iter().map(of).collect()
}

/// Prints what holds for options.
pub(super) fn show(
    groups: Vec<(&'static str, Vec<Held>)>,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut shown = serde_json::Map::new();
    for (group, held) in groups {
        if console.is_json() {
            let options: Vec<Shown> = held.iter().map(Shown::new).collect();
            shown.insert(group.to_owned(), json(&options)?);
            continue;
        }
        for Held { entry, value, origin } in &held {
            let is_default = *origin == Origin::Default;
            let text = if is_default { default_of(entry) } else { shown_value(value) };
            let text = one_line(&text);
            console.line(format_args!("{group}.{} = {text}  ({origin})", entry.name))?;
        }
    }
    if console.is_json() { console.json(&shown) } else { Ok(()) }
}

fn json(value: &impl Serialize) -> Result<Json, Failure> {
    Ok(serde_json::to_value(value).map_err(std::io::Error::from)?)
}

/// An option as JSON shows it.
#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    /// Its name among the options it is declared with.
    declared: &'static str,
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
            declared: field.name,
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
            code: is_code(entry),
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
                Ok((table.group.to_owned(), json(&options)?))
            })
            .collect::<Result<_, Failure>>()?;
        return console.json(&listed);
    }
    for Table { group, entries, .. } in &tables {
        for entry in entries {
            let takes = entry.field.takes();
            let default = default_of(entry);
            console.line(format_args!("{group}.{}: {takes} [default: {default}]", entry.name))?;
            console.line(format_args!("    {}", entry.field.doc.trim()))?;
        }
    }
    Ok(())
}
