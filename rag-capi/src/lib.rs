//! The C interface of rag-core: `include/rag.h` is generated from these files, one per type.
//!
//! Nothing is decided here. A function checks its pointers, calls rag-core, and turns the result
//! into a status, an owned handle or an owned error. No panic crosses into C: see `error::run`.
//! Modules form no circle: handles, callbacks and options lie below the functions that take them.
#![expect(unsafe_code, reason = "pointers from C; every block says why it is sound")]
#![expect(non_camel_case_types, reason = "types and statuses carry their C names")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the doc comment is the C contract; rag.h opens with its rules"
)]

mod answer;
mod boundary;
mod care;
mod chat;
mod compose;
mod documents;
mod encoder;
mod error;
mod functions;
mod generator;
mod guards;
mod handles;
mod hits;
mod info;
mod kb;
mod locations;
mod map;
mod options;
mod own;
mod progress;
mod reentry;
mod report;
mod reranker;
mod tables;
mod version;

#[cfg(test)]
mod fake_engine;

pub use answer::*;
pub use care::*;
pub use chat::*;
pub use compose::*;
pub use documents::*;
pub use encoder::*;
pub use error::*;
pub use functions::*;
pub use generator::*;
pub use guards::*;
pub use handles::*;
pub use hits::*;
pub use info::*;
pub use kb::*;
pub use locations::*;
pub use map::*;
pub use options::*;
pub use own::*;
pub use progress::*;
pub use report::*;
pub use reranker::*;
pub use tables::*;
pub use version::*;
