//! What the decoder runs on: threads and vector instructions.

use std::num::NonZero;

use crate::error::{Error, Result};
pub use crate::kernels::attend::KvPrecision;
pub use crate::kernels::lanes::KernelLevel;
use crate::kernels::lanes::Proof;
use crate::kernels::pool::Pool;
pub use crate::model::Backend;
use crate::model::BuiltInTemplate;

const MAX_THREADS: usize = 256;

/// How to load a generator. Threads change no byte of what it says, levels the last bits of a logit at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// What runs it. Default [`Backend::Auto`].
    pub backend: Backend,
    /// Threads, the caller's included, up to 256; candle's networks choose their own. 0 for as many as the machine runs at once. Default 0.
    pub threads: usize,
    /// Vector instructions; `None` for the best this CPU has. Default `None`.
    pub level: Option<KernelLevel>,
    /// How keys and values are kept. Default [`KvPrecision::F16`].
    pub kv: KvPrecision,
    /// A built-in chat template in place of the model's own. Default `None`: the model's own, else the built-in one that
    /// its vocabulary was made for.
    pub template: Option<BuiltInTemplate>,
}

/// What the arithmetic runs on.
#[derive(Debug)]
pub(super) struct Engine {
    /// The threads.
    pub(super) pool: Pool,
    /// The instructions.
    pub(super) proof: Proof,
    /// How keys and values are kept.
    pub(super) kv: KvPrecision,
}

impl Engine {
    /// # Errors
    /// InvalidArgument for more threads than allowed, or a level that this CPU does not run.
    pub(super) fn new(options: &LoadOptions) -> Result<Self> {
        if options.threads > MAX_THREADS {
            let reason = format!("{} is outside 0 to {MAX_THREADS}", options.threads);
            return Err(Error::invalid("threads", reason));
        }
        let proof = match options.level {
            None => Proof::detect(),
            Some(level) => level.proof().ok_or_else(|| {
                Error::invalid("level", format!("this CPU does not run {}", level.name()))
            })?,
        };
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        };
        Ok(Self { pool: Pool::new(threads.min(MAX_THREADS)), proof, kv: options.kv })
    }
}
