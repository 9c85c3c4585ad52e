//! What a generator's files say: a GGUF file, or a folder of `transformers`.

pub(crate) mod config;
pub(crate) mod files;
pub(crate) mod folder;
mod summary;

pub use self::summary::{GeneratorSummary, inspect, is_generator};
