//! Options of loading a generator.

use super::options;
use crate::kernels::{KernelLevel, KvPrecision, Threads};
use crate::model::{Backend, BuiltInTemplate};

options! {
    /// How a generator is loaded. Threads change no byte of what it says, levels the last bits of a logit at most.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct GeneratorOptions("generator") {
        /// What runs it: our own decoder, else candle (auto), candle alone, or candle on a GPU.
        backend: Backend = Backend::Auto;
        /// Threads, the caller's included; candle's networks choose their own.
        threads: Threads = Threads::default(), range(1.0, 256.0), unit("threads"), unset("one per CPU");
        /// Vector instructions.
        level: Option<KernelLevel> = None, unset("the best that this CPU has"), unset_word("best");
        /// How keys and values are kept; q8 takes half the memory.
        kv: KvPrecision = KvPrecision::F16;
        /// A built-in chat template in place of the model's own.
        template: Option<BuiltInTemplate> = None,
            unset("the model's own, else the built-in one that its vocabulary was made for");
    }
    check(|_| Ok(()))
}
