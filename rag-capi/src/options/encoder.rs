//! How to load an encoder.

use std::ffi::c_char;
use std::num::NonZeroUsize;

use rag_core::Result;
use rag_core::encode::{EncoderOptions, Precision};
use rag_core::kernels::{KernelLevel, Threads};
use rag_core::model::Backend;

use super::given::{Options, choice, parsed, set_all};
use crate::handles::rag_setting;

/// The numbers that an encoder or a reranker multiplies. Vectors of different precisions are close,
/// not equal.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_precision {
    /// bf16 where the CPU multiplies it (AMX or AVX512-BF16), else f32.
    RAG_PRECISION_AUTO = 0,
    /// f32 throughout.
    RAG_PRECISION_F32 = 1,
    /// Weights, inputs and attention rounded to bf16, sums in f32. Slow on a CPU without
    /// AVX512-BF16.
    RAG_PRECISION_BF16 = 2,
    /// Weights rounded to int8 for each output, inputs for each token; attention in bf16 where the
    /// CPU multiplies it. Such vectors are not compared with others: the fingerprint differs.
    RAG_PRECISION_INT8 = 3,
}

/// What texts are to an encoder; many put another prefix before each.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_text_role {
    /// Texts to be found.
    RAG_TEXT_PASSAGE = 0,
    /// Questions.
    RAG_TEXT_QUERY = 1,
}

/// How to load an encoder. Begin with RAG_ENCODER_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_encoder_options {
    /// sizeof(rag_encoder_options); set by RAG_ENCODER_OPTIONS_INIT.
    pub struct_size: usize,
    /// A folder of models, looked in before the usual places. NULL: none.
    pub model_dir: *const c_char,
    /// What runs the network: "auto" for our own kernels, "candle" for candle on the CPU; "cuda:0"
    /// or "metal:0" in builds for them. NULL: "auto".
    pub backend: *const c_char,
    /// Instructions of our own kernels: "amx", "avx512", "avx2", "neon" or "portable". NULL: the
    /// best that the CPU has.
    pub level: *const c_char,
    /// Most threads of a call. 0: as many as the machine runs at once.
    pub threads: usize,
    /// Keep the first so many floats of each vector, scaled to length 1 again, for models trained
    /// so. 0: all.
    pub truncate_dim: usize,
    /// A rag_precision.
    pub precision: i32,
    /// Zero: the struct ends at a multiple of its largest field.
    pub reserved: i32,
    /// Options by their names in docs/options.md, `setting_count` of them, set after the fields;
    /// among them those that have no field here.
    pub settings: *const rag_setting,
    /// How many.
    pub setting_count: usize,
}

// SAFETY: repr(C), struct_size first, then only pointers and integers.
unsafe impl Options for rag_encoder_options {
    const NAME: &'static str = "rag_encoder_options";
}

impl rag_encoder_options {
    /// What rag-core is asked for: what is given, laid over `options`.
    ///
    /// # Safety
    /// The texts are null or NUL-terminated.
    pub(crate) unsafe fn over(&self, mut options: EncoderOptions) -> Result<EncoderOptions> {
        // SAFETY: passed on to the caller.
        unsafe {
            options.backend = backend(self.backend)?;
            options.level = level(self.level)?;
        }
        options.precision = choice(self.precision, &Precision::ALL, "precision")?;
        options.threads = Threads::of(self.threads);
        options.truncate_dim = NonZeroUsize::new(self.truncate_dim);
        // SAFETY: passed on to the caller.
        unsafe { set_all(&mut options, self.settings, self.setting_count) }?;
        Ok(options)
    }
}

/// The backend of this name; the default for null.
///
/// # Safety
/// `name` is null or NUL-terminated.
pub(super) unsafe fn backend(name: *const c_char) -> Result<Backend> {
    // SAFETY: passed on to the caller.
    Ok(unsafe { parsed(name, "backend", Backend::parse) }?.unwrap_or_default())
}

/// The instructions of this name; none for null.
///
/// # Safety
/// As [`backend`].
pub(super) unsafe fn level(name: *const c_char) -> Result<Option<KernelLevel>> {
    // SAFETY: passed on to the caller.
    unsafe { parsed(name, "level", KernelLevel::parse) }
}
