//! What the decoder runs on: threads and vector instructions.

use crate::error::{Error, Result};
pub use crate::kernels::KvPrecision;
use crate::kernels::isa::Isa;
pub use crate::kernels::isa::KernelLevel;
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
    pub(super) isa: Isa,
    /// How keys and values are kept.
    pub(super) kv: KvPrecision,
}

impl GeneratorEngine {
    /// # Errors
    /// InvalidArgument for more threads than allowed, or a level that this CPU does not run.
    pub(super) fn new(options: &GeneratorOptions) -> Result<Self> {
        options.validate()?;
        let isa = Isa::of(options.level).ok_or_else(|| {
            let wanted = options.level.map_or("any", KernelLevel::name);
            Error::invalid("level", format!("this CPU does not run {wanted}"))
        })?;
        Ok(Self { pool: Pool::new(options.threads.count()), isa: isa.vectors(), kv: options.kv })
    }
}
