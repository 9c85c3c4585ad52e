//! Options of loading a reranker.

use super::encoder::Precision;
use super::options;
use crate::kernels::{KernelLevel, Threads};

options! {
    /// How a reranker is loaded.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RerankerOptions("reranker") {
        /// The numbers it multiplies: auto is bf16 where the CPU multiplies it, else f32.
        precision: Precision = Precision::Auto;
        /// Vector instructions.
        level: Option<KernelLevel> = None, unset("the best that this CPU has"), unset_word("best");
        /// Most threads of a call.
        threads: Threads = Threads::default(), range(1.0, 256.0), unit("threads"), unset("one per CPU");
    }
    check(|_| Ok(()))
}
