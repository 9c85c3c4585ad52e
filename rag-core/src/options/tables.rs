//! Every table of options, for what lists them all: documentation, Python's types, configuration files. It knows all rooms and
//! stands where the facade stands.

use super::add::AddOptions;
use super::ask::AskOptions;
use super::compose::ComposeOptions;
use super::encoder::EncoderOptions;
use super::generate::GenerateOptions;
use super::generator::GeneratorOptions;
use super::guards::Guards;
use super::open::OpenOptions;
use super::reranker::RerankerOptions;
use super::search::SearchOptions;
use super::summarize::SummarizeOptions;
use super::sync::SyncOptions;
use super::{Entry, Fault, Options, Value};

/// What a struct of options accepts, its parts included.
#[derive(Debug, Clone)]
pub struct Table {
    /// What the options are called, such as `"ask"`.
    pub group: &'static str,
    /// Its options, in the order of declaration; [`Field::group`](super::Field::group) says of each where it is declared.
    pub entries: Vec<Entry>,
    /// Reads a value as the option of this name takes it, and gives it in its own type, or what is wrong with it.
    pub read: fn(&str, Value) -> Result<Value, Fault>,
}

/// Every struct that a call or a loader takes, those of calls first.
#[must_use]
pub fn tables() -> Vec<Table> {
    fn table<O: Options>() -> Table {
        Table { group: O::GROUP, entries: O::table(), read: read::<O> }
    }
    vec![
        table::<SearchOptions>(),
        table::<AskOptions>(),
        table::<GenerateOptions>(),
        table::<Guards>(),
        table::<SummarizeOptions>(),
        table::<ComposeOptions>(),
        table::<SyncOptions>(),
        table::<AddOptions>(),
        table::<OpenOptions>(),
        table::<EncoderOptions>(),
        table::<GeneratorOptions>(),
        table::<RerankerOptions>(),
    ]
}

fn read<O: Options>(name: &str, value: Value) -> Result<Value, Fault> {
    let mut options = O::default();
    options.set(name, value)?;
    Ok(options.get(name).unwrap_or(Value::Unset))
}
