//! Options structs as C fills them in, one file each: what C sees, and how it is laid over the
//! core's defaults.

mod ask;
mod encoder;
mod generate;
mod generator;
mod given;
mod guards;
mod open;
mod reranker;
mod search;
mod sync;

pub use ask::*;
pub use encoder::*;
pub use generate::*;
pub use generator::*;
pub(crate) use given::{choice, model_dirs, or_default, owned_text, read};
pub use guards::*;
pub use open::*;
pub use reranker::*;
pub(crate) use search::filter;
pub use search::*;
pub(crate) use sync::read_options;
pub use sync::*;

#[cfg(test)]
mod tests;
