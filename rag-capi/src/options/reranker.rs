//! How to load a reranker.

use std::ffi::c_char;

use rag_core::Result;
use rag_core::encode::Precision;
use rag_core::kernels::Threads;
use rag_core::rerank::RerankerOptions;

use super::encoder::level;
use super::given::{Options, choice, set_all};
use crate::handles::rag_setting;

/// How to load a reranker. Begin with RAG_RERANKER_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_reranker_options {
    /// sizeof(rag_reranker_options); set by RAG_RERANKER_OPTIONS_INIT.
    pub struct_size: usize,
    /// A folder of models, looked in before the usual places. NULL: none.
    pub model_dir: *const c_char,
    /// Instructions: "amx", "avx512", "avx2", "neon" or "portable". NULL: the best that the CPU
    /// has.
    pub level: *const c_char,
    /// Most threads of a call. 0: as many as the machine runs at once.
    pub threads: usize,
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
unsafe impl Options for rag_reranker_options {
    const NAME: &'static str = "rag_reranker_options";
}

impl rag_reranker_options {
    /// What rag-core is asked for: what is given, laid over `options`.
    ///
    /// # Safety
    /// The texts are null or NUL-terminated.
    pub(crate) unsafe fn over(&self, mut options: RerankerOptions) -> Result<RerankerOptions> {
        // SAFETY: passed on to the caller.
        options.level = unsafe { level(self.level) }?;
        options.precision = choice(self.precision, &Precision::ALL, "precision")?;
        options.threads = Threads::of(self.threads);
        // SAFETY: passed on to the caller.
        unsafe { set_all(&mut options, self.settings, self.setting_count) }?;
        Ok(options)
    }
}
