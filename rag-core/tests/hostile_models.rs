//! Damaged and hostile generator files: whatever is in them costs an error, never the process, the
//! time or the memory.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "hostile_models/mutations.rs"]
mod mutations;

#[path = "hostile_models/refusals.rs"]
mod refusals;

use std::alloc::System;
use std::path::{Path, PathBuf};

use cap::Cap;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/generator").join(name)
}
