//! What the decoder runs on: threads and vector instructions.

use std::fmt;
use std::num::NonZero;

use crate::error::{Error, Result};
pub use crate::kernels::attend::KvPrecision;
pub use crate::kernels::lanes::KernelLevel;
use crate::kernels::lanes::Proof;
use crate::kernels::pool::Pool;
use crate::model::BuiltInTemplate;

const MAX_THREADS: usize = 256;

/// What runs a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Backend {
    /// Our own decoder on the CPU; candle-transformers, also on the CPU, for families that it does not run.
    #[default]
    Auto,
    /// candle-transformers on the CPU, for families that it runs here: to compare, or to look for a fault.
    Candle,
    /// candle-transformers on the CUDA device of this number; needs a build with the feature `cuda`.
    Cuda(usize),
    /// candle-transformers on the Metal device of this number; needs a build with the feature `metal`.
    Metal(usize),
}

impl Backend {
    /// Reads `"auto"`, `"candle"`, `"cuda"`, `"cuda:1"`, `"metal"` or `"metal:1"`; `None` for anything else.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let (kind, index) = match name.split_once(':') {
            Some((kind, index)) => (kind, Some(index.parse().ok()?)),
            None => (name, None),
        };
        match (kind, index) {
            ("auto", None) => Some(Self::Auto),
            ("candle", None) => Some(Self::Candle),
            ("cuda", index) => Some(Self::Cuda(index.unwrap_or(0))),
            ("metal", index) => Some(Self::Metal(index.unwrap_or(0))),
            _ => None,
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Candle => f.write_str("candle"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
            Self::Metal(index) => write!(f, "metal:{index}"),
        }
    }
}

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
