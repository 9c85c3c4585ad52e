//! Every option, declared once: its name, type, default, range and one line of documentation.
//!
//! [`options!`] makes of a declaration the struct that Rust fills in, its `Default`, [`Options::validate`], [`Options::set`]
//! by name, and the [table](Options::table) from which Python's keywords, the shell's arguments, `rag.toml` and
//! `docs/options.md` are made. C's structs are written out by hand, for their layout is a promise; the table is what they are
//! held against.
//!
//! This module is the machinery and knows no option. Each file below it declares the options of one room and stands where that
//! room stands: `options/search.rs` belongs to `search`. `tables.rs` lists them all.

mod choose;
mod declare;
mod enums;
mod field;
mod read;
mod value;

pub mod add;
pub mod ask;
pub mod compose;
pub mod encoder;
mod filter;
pub mod generate;
pub mod generator;
pub mod guards;
pub mod index;
pub mod open;
pub mod read_file;
pub mod reranker;
pub mod search;
pub mod split;
pub mod summarize;
pub mod sync;
pub mod tables;
pub mod walk;

pub(crate) use choose::{Forms, form, switch};
pub(crate) use declare::options;
pub use declare::{Entry, Options};
pub(crate) use enums::words;
pub use field::{Field, Kind, Range};
pub use read::OptionValue;
pub use tables::{Table, tables};
pub use value::{Fault, Value};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
