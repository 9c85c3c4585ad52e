//! One argument for each option.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches};
use rag_core::options::{Entry, Fault, Field, Kind, Options, Range, Value};

use super::{Given, Spelling, default_of, is_code};

/// The arguments of a command's options.
pub(super) fn arguments<S: Spelling>() -> Vec<Arg> {
    entries::<S>().iter().flat_map(argument::<S>).collect()
}

/// What was given of them.
pub(super) fn given<S: Spelling>(matches: &ArgMatches) -> Given {
    let is_file = |entry: &Entry| S::FILES.iter().any(|(option, _)| *option == entry.name);
    let value = |entry: &Entry| Some((entry.name, given_value(entry, is_file(entry), matches)?));
    entries::<S>().iter().filter_map(value).collect()
}

fn entries<S: Spelling>() -> Vec<Entry> {
    let mut entries = S::Options::table();
    entries.retain(|entry| !is_code(entry) && S::takes(entry));
    entries
}

fn given_value(entry: &Entry, is_file: bool, matches: &ArgMatches) -> Option<Value> {
    if let Value::Flag(default) = entry.default {
        let (shown, hidden) = (matches.get_flag(entry.name), matches.get_flag(&other(entry)));
        return (shown || hidden).then_some(Value::Flag(shown != default));
    }
    let mut values = matches.get_many::<Value>(entry.name)?.cloned();
    match entry.field.kind {
        kind if is_map(kind) => {
            let pairs = values.filter_map(|value| match value {
                Value::Map(pairs) => Some(pairs),
                _ => None,
            });
            Some(Value::Map(pairs.flatten().collect()))
        }
        kind if is_list(kind) && !is_file => Some(Value::List(values.collect())),
        _ => values.next_back(),
    }
}

/// Names with texts.
fn is_map(kind: Kind) -> bool {
    matches!(kind, Kind::Form { name: "metadata", .. })
}

/// The flag that means the opposite; shown nowhere, for what a file sets.
fn other(entry: &Entry) -> String {
    format!("{}/other", entry.name)
}

fn argument<S: Spelling>(entry: &Entry) -> Vec<Arg> {
    if let Value::Flag(default) = entry.default {
        return flags::<S>(entry, default);
    }
    let Some(arg) = named::<S>(entry) else { return Vec::new() };
    let file = S::FILES.iter().find(|(option, _)| *option == entry.name);
    let is_several = file.is_none() && (is_map(entry.field.kind) || is_list(entry.field.kind));
    let reader = Reader {
        name: entry.name,
        kind: entry.field.kind,
        range: entry.field.range,
        is_file: file.is_some(),
        set: |name, value| S::Options::default().set(name, value),
    };
    let arg = arg
        .help(help(entry, is_several, file.is_some()))
        .value_name(file.map_or_else(|| value_name(&entry.field), |file| file.1.into()))
        .action(if is_several { ArgAction::Append } else { ArgAction::Set })
        .allow_negative_numbers(true)
        .value_parser(reader)
        .hide_short_help(!is_everyday(entry));
    vec![match S::ALONE.iter().find(|(option, _)| *option == entry.name) {
        Some((_, meant)) => arg.num_args(0..=1).require_equals(true).default_missing_value(*meant),
        None => arg,
    }]
}

fn flags<S: Spelling>(entry: &Entry, default: bool) -> Vec<Arg> {
    let Some(arg) = named::<S>(entry) else { return Vec::new() };
    let name = hyphens(entry.name);
    let no = format!("no-{name}");
    let (shown, hidden) = if default { (no, name) } else { (name, no) };
    let doc = sentence(entry);
    let doc = if default { format!("Do not {}", lower(&doc)) } else { doc };
    let shown = arg
        .long(shown)
        .help(doc)
        .action(ArgAction::SetTrue)
        .overrides_with(other(entry))
        .hide_short_help(!is_everyday(entry));
    let hidden = Arg::new(other(entry)).long(hidden).action(ArgAction::SetTrue).hide(true);
    vec![shown, hidden.overrides_with(entry.name)]
}

/// An argument with its names, its heading and what it excludes; none if it has no name.
fn named<S: Spelling>(entry: &Entry) -> Option<Arg> {
    let spelled = S::LONG.iter().find(|(option, _)| *option == entry.name);
    let default = || hyphens(entry.field.singular.unwrap_or(entry.name));
    let long = spelled.map_or_else(default, |(_, long)| (*long).to_owned());
    let short = S::SHORT.iter().find(|(option, _)| *option == entry.name).map(|pair| pair.1);
    let mut arg = Arg::new(entry.name).help_heading(heading(entry.field.group));
    if !long.is_empty() {
        arg = arg.long(long.clone());
    }
    if let Some(short) = short {
        arg = arg.short(short);
    }
    let either =
        S::EITHER.iter().filter(|names| names.contains(&entry.name)).copied().flatten().copied();
    let arg = arg.conflicts_with_all(either.filter(|name| *name != entry.name));
    (short.is_some() || !long.is_empty()).then_some(arg)
}

fn heading(group: &str) -> Option<&'static str> {
    match group {
        "search" => Some("Search"),
        "generate" => Some("Generation"),
        "guards" => Some("Guards"),
        "encoder" | "generator" | "reranker" => Some("Models"),
        _ => None,
    }
}

/// Whether `-h` shows the option too; `--help` shows all. How models are loaded, how tokens are
/// chosen and how legs are fused is seldom said.
fn is_everyday(entry: &Entry) -> bool {
    const EVERYDAY: &[(&str, &[&str])] = &[
        ("search", &["top_k", "mode", "filter", "context", "duplicates", "recency", "boosts"]),
        ("generate", &["max_new_tokens", "temperature", "seed", "json_schema"]),
        ("guards", &["deny", "mask"]),
        (
            "ask",
            &["system", "abstain", "effort", "candidates", "answer_length", "extract", "rewrite"],
        ),
    ];
    let group = EVERYDAY.iter().find(|(group, _)| *group == entry.field.group);
    let is_named = group.is_none_or(|(_, names)| {
        names.iter().any(|name| [entry.name, entry.field.name].contains(name))
    });
    is_named && entry.name != entry.field.full_name
}

fn hyphens(name: &str) -> String {
    name.replace('_', "-")
}

fn is_list(kind: Kind) -> bool {
    matches!(kind, Kind::List(_))
}

/// What the option says, its range and its default.
fn help(entry: &Entry, is_several: bool, is_file: bool) -> String {
    let field = &entry.field;
    let mut help = sentence(entry);
    let item = if let Kind::List(item) = field.kind { *item } else { field.kind };
    match item {
        Kind::Form { syntax, .. } if is_file => {
            help += &format!("; the file is a list, each {syntax}")
        }
        Kind::Form { syntax, .. } => help += &format!(" ({syntax})"),
        _ => {}
    }
    if is_several {
        help += "; may be given more than once";
    } else {
        help += &format!(" [default: {}]", default_of(entry));
    }
    match (field.range, field.unit) {
        (Some(range), Some(unit)) => help + &format!(" [{range} {unit}]"),
        (Some(range), None) => help + &format!(" [{range}]"),
        (None, Some(unit)) => help + &format!(" [{unit}]"),
        (None, None) => help,
    }
}

/// What the option says, as help texts end: without a full stop.
fn sentence(entry: &Entry) -> String {
    let doc = entry.field.doc.trim();
    doc.strip_suffix('.').unwrap_or(doc).to_owned()
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn value_name(field: &Field) -> String {
    kind_name(field.name, field.kind)
}

fn kind_name(name: &str, kind: Kind) -> String {
    match kind {
        // models
        Kind::Text if ["encoder", "llm", "reranker"].contains(&name) => "NAME|PATH".to_owned(),
        Kind::Integer => "N".to_owned(),
        Kind::Number => "NUMBER".to_owned(),
        Kind::Text => "TEXT".to_owned(),
        Kind::Path => "PATH".to_owned(),
        Kind::Form { name: "rule", .. } => "REGEX".to_owned(),
        Kind::Form { name: "metadata", .. } => "KEY=VALUE".to_owned(),
        Kind::Form { syntax, .. } if !syntax.contains(' ') => syntax.to_owned(),
        Kind::List(kind) => kind_name(name, *kind),
        _ => name.to_uppercase(),
    }
}

/// Reads a value as its option takes it, so that one of another kind is a mistake of usage. A
/// number out of range is an error of the engine, as on every surface: it is told with its code
/// when the options are put together.
#[derive(Debug, Clone)]
struct Reader {
    name: &'static str,
    kind: Kind,
    range: Option<Range>,
    /// Whether the argument names a file that is read later.
    is_file: bool,
    set: fn(&str, Value) -> Result<(), Fault>,
}

impl Reader {
    /// Whether it is a number of the right kind, but out of range.
    fn is_outside(&self, value: &Value) -> bool {
        let number = value.as_text().and_then(|text| text.trim().parse::<f64>().ok());
        let (Some(range), Some(number)) = (self.range, number) else { return false };
        let is_whole = number >= 0.0 && number.fract() == 0.0;
        let is_low = if range.is_above { number <= range.least } else { number < range.least };
        (is_low || number > range.most) && (self.kind != Kind::Integer || is_whole)
    }

    fn read(&self, text: String) -> Result<Value, String> {
        let value = match text.split_once('=') {
            _ if !is_map(self.kind) => Value::Written(text),
            Some((key, value)) if !key.is_empty() => Value::Map(vec![(key.into(), value.into())]),
            _ => return Err("expected KEY=VALUE".to_owned()),
        };
        if !self.is_file && !self.is_outside(&value) {
            let set = (self.set)(self.name, value.clone());
            set.map_err(|fault| fault.into_error(self.name).reason())?;
        }
        Ok(value)
    }
}

impl TypedValueParser for Reader {
    type Value = Value;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Value, clap::Error> {
        let reader = self.clone();
        let read = move |text: String| reader.read(text);
        StringValueParser::new().try_map(read).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        match self.kind {
            Kind::Word(words) => Some(Box::new(words.iter().map(|word| PossibleValue::new(*word)))),
            _ => None,
        }
    }
}
