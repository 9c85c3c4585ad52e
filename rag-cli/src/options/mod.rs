//! Options in the shell: arguments that are made of the core's tables, variables, and `rag.toml`.
//!
//! What an option takes, its default and what it says stand in the core. A command says in a
//! [`Spelling`] which options it takes and what is written otherwise than their names.

mod argument;
mod config;
mod file;
mod held;
mod origin;
mod variables;

use std::fmt::Debug;
use std::marker::PhantomData;
use std::path::Path;

use clap::{ArgMatches, Command};
use rag_core::options::{Entry, Kind, Options, Value};
use rag_core::{Error, Result, files};

pub(crate) use config::{Config, Source};
pub(crate) use held::{Held, Holding};
pub(crate) use origin::Origin;

/// Names of options, each with a value.
pub(crate) type Given = Vec<(&'static str, Value)>;

/// Which options a command takes as arguments, and what is written otherwise than their names.
pub(crate) trait Spelling: Debug + Clone + 'static {
    /// What the arguments set.
    type Options: Options;
    /// The only ones it takes; all if there are none here.
    const ONLY: &'static [&'static str] = &[];
    /// It takes these too: those that are declared with one of these groups.
    const GROUPS: &'static [&'static str] = &[];
    /// Those that are no arguments; a file or a variable may set them.
    const LEFT_OUT: &'static [&'static str] = &[];
    /// Long names; an empty one for none.
    const LONG: &'static [(&'static str, &'static str)] = &[];
    /// Letters.
    const SHORT: &'static [(&'static str, char)] = &[];
    /// What a name alone, without `=VALUE`, means.
    const ALONE: &'static [(&'static str, &'static str)] = &[];
    /// Those whose argument names a file that holds the value, with the name of the argument.
    const FILES: &'static [(&'static str, &'static str)] = &[];
    /// Those of which only one may be given.
    const EITHER: &'static [&'static [&'static str]] = &[];

    /// Whether the option is an argument.
    fn takes(entry: &Entry) -> bool {
        let is_meant = Self::ONLY.is_empty()
            || Self::ONLY.contains(&entry.name)
            || Self::GROUPS.contains(&entry.field.group);
        is_meant && !Self::LEFT_OUT.contains(&entry.name)
    }
}

/// The arguments that set options.
#[derive(Debug, Clone)]
pub(crate) struct OptionArgs<S: Spelling> {
    given: Given,
    spelling: PhantomData<fn() -> S>,
}

impl<S: Spelling> OptionArgs<S> {
    /// Whether an argument sets the option.
    pub(crate) fn gives(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| *given == name)
    }

    /// What the arguments say; values that stand in files are read.
    ///
    /// # Errors
    /// Io or InvalidArgument for such a file.
    pub(crate) fn given(&self) -> Result<Given> {
        let read = |(name, value): &(&'static str, Value)| {
            let is_file = S::FILES.iter().any(|(option, _)| option == name);
            let value = if is_file { read_value(name, value)? } else { value.clone() };
            Ok((*name, value))
        };
        self.given.iter().map(read).collect()
    }

    /// The options: what arguments say, else variables, else the file, else the defaults.
    ///
    /// # Errors
    /// InvalidArgument for values that exclude each other.
    pub(crate) fn options(&self, config: &Config) -> Result<S::Options> {
        let mut options = S::Options::default();
        let takes = |entry: &Entry| S::ONLY.is_empty() || S::takes(entry);
        config.apply(&self.given()?, takes, &mut options)?;
        Ok(options)
    }
}

/// The value that stands in a file: lists as JSON, other values as text. `none` is an empty list.
fn read_value(name: &'static str, value: &Value) -> Result<Value> {
    let path = value.as_text().unwrap_or_default();
    let read = || files::read_text(Path::new(path)).map_err(|source| Error::io(path, source));
    match name {
        "examples" if path == "none" => Ok(Value::List(Vec::new())),
        "examples" => {
            let json = serde_json::from_str(&read()?)
                .map_err(|source| Error::invalid(name, format!("{path}: {source}")))?;
            Ok(Value::from_json(&json))
        }
        _ => read().map(Value::Written),
    }
}

impl<S: Spelling> clap::Args for OptionArgs<S> {
    fn augment_args(command: Command) -> Command {
        command.args(argument::arguments::<S>())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Spelling> clap::FromArgMatches for OptionArgs<S> {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        Ok(Self { given: argument::given::<S>(matches), spelling: PhantomData })
    }

    fn update_from_arg_matches(
        &mut self,
        matches: &ArgMatches,
    ) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Whether only a program can give it.
pub(crate) fn is_code(entry: &Entry) -> bool {
    matches!(entry.field.kind, Kind::Code(_))
}

/// What holds where nothing is said, for a person.
pub(crate) fn default_of(entry: &Entry) -> String {
    match (&entry.default, entry.field.unset) {
        (Value::Unset, Some(words)) => words.to_owned(),
        (value, _) => shown(value),
    }
}

/// A value for a person: texts without quotes.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Written(text) => text.clone(),
        Value::Unset => "none".to_owned(),
        Value::List(values) if values.is_empty() => "none".to_owned(),
        Value::Map(pairs) if pairs.is_empty() => "none".to_owned(),
        value => value.to_string(),
    }
}
