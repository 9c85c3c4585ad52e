//! How to load a generator.

use std::ffi::c_char;

use rag_core::Result;
use rag_core::generate::{GeneratorOptions, KvPrecision};
use rag_core::kernels::Threads;
use rag_core::model::BuiltInTemplate;

use super::encoder::{backend, level};
use super::given::{Options, choice, parsed, set_all};
use crate::handles::rag_setting;

/// How keys and values are kept.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_kv {
    /// 16-bit floats.
    RAG_KV_F16 = 0,
    /// 8-bit integers with a scale for each 32 numbers of a head: 53 % of the memory.
    RAG_KV_Q8 = 1,
}

/// How to load a generator. Begin with RAG_GENERATOR_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_generator_options {
    /// sizeof(rag_generator_options); set by RAG_GENERATOR_OPTIONS_INIT.
    pub struct_size: usize,
    /// A folder of models, looked in before the usual places. NULL: none.
    pub model_dir: *const c_char,
    /// A built-in chat template in place of the model's own: "chatml", "completion", "gemma",
    /// "llama2", "llama3", "mistral", "phi3" or "zephyr". NULL: the model's own, else the built-in
    /// one that its vocabulary was made for.
    pub template_name: *const c_char,
    /// Threads, the caller's included, to 256; candle's networks choose their own. 0: as many as
    /// the machine runs at once.
    pub threads: usize,
    /// A rag_kv.
    pub kv: i32,
    /// Zero: `backend` stands at a multiple of its size.
    pub reserved: i32,
    /// What runs the network: "auto" for our own decoder, or candle on the CPU for families that it
    /// does not run; "candle" for that alone; "cuda:0" or "metal:0" in builds for them. NULL:
    /// "auto".
    pub backend: *const c_char,
    /// Instructions: "amx", "avx512", "avx2", "neon" or "portable". NULL: the best that the CPU
    /// has.
    pub level: *const c_char,
    /// Options by their names in docs/options.md, `setting_count` of them, set after the fields;
    /// among them those that have no field here.
    pub settings: *const rag_setting,
    /// How many.
    pub setting_count: usize,
}

// SAFETY: repr(C), struct_size first, then only integers and pointers.
unsafe impl Options for rag_generator_options {
    const NAME: &'static str = "rag_generator_options";
}

impl rag_generator_options {
    /// What rag-core is asked for: what is given, laid over `options`.
    ///
    /// # Safety
    /// The texts are null or NUL-terminated.
    pub(crate) unsafe fn over(&self, mut options: GeneratorOptions) -> Result<GeneratorOptions> {
        // SAFETY: passed on to the caller.
        unsafe {
            options.backend = backend(self.backend)?;
            options.level = level(self.level)?;
            options.template = parsed(self.template_name, "template_name", BuiltInTemplate::parse)?;
        }
        options.threads = Threads::of(self.threads);
        options.kv = choice(self.kv, &KvPrecision::ALL, "kv")?;
        // SAFETY: passed on to the caller.
        unsafe { set_all(&mut options, self.settings, self.setting_count) }?;
        Ok(options)
    }
}
