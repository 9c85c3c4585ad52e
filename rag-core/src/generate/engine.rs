//! What the decoder runs on: threads and vector instructions.

use crate::error::{Error, Result};
pub use crate::kernels::KvPrecision;
pub use crate::kernels::isa::KernelLevel;
use crate::kernels::isa::Proof;
use crate::kernels::pool::Pool;
pub use crate::model::Backend;
use crate::options::Options;
pub use crate::options::generator::GeneratorOptions;

/// What the arithmetic runs on.
#[derive(Debug)]
pub(super) struct GeneratorEngine {
    /// The threads.
    pub(super) pool: Pool,
    /// The instructions.
    pub(super) proof: Proof,
    /// How keys and values are kept.
    pub(super) kv: KvPrecision,
}

impl GeneratorEngine {
    /// # Errors
    /// InvalidArgument for more threads than allowed, or a level that this CPU does not run.
    pub(super) fn new(options: &GeneratorOptions) -> Result<Self> {
        options.validate()?;
        let proof = match options.level {
            None => Proof::detect(),
            Some(level) => level.proof().ok_or_else(|| {
                Error::invalid("level", format!("this CPU does not run {}", level.name()))
            })?,
        };
        Ok(Self { pool: Pool::new(options.threads.count()), proof, kv: options.kv })
    }
}
