//! How to open a knowledge base.

use std::ffi::c_char;
use std::path::PathBuf;
use std::sync::Arc;

use rag_core::store::Access;
use rag_core::{Error, OpenOptions, Result, Trust};

use super::given::{self, Options, choice, model_dirs, owned_text, owned_texts, set_all};
use super::{rag_encoder_options, rag_generator_options, rag_reranker_options};
use crate::handles::{rag_encoder, rag_setting};

/// Whether a knowledge base may be created and written.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_access {
    /// Read and write; create the file if it does not exist.
    RAG_ACCESS_CREATE = 0,
    /// Read and write; the file must exist.
    RAG_ACCESS_READ_WRITE = 1,
    /// Read only; the file must exist.
    RAG_ACCESS_READ_ONLY = 2,
}

/// Whether what a knowledge base says of places outside of it is followed. Either way only regular
/// files are opened by the paths of documents, and an encoder that the file names by a path is
/// opened only if that path leads into the model folders or was named by somebody on this machine
/// before.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_trust {
    /// Citations are verified in the files that were indexed.
    RAG_TRUST_TRUSTED = 0,
    /// For a file of somebody else's. Nothing outside of it is touched on its word: every citation
    /// of a file is RAG_CITATION_UNVERIFIED, `also` must be empty, and a name in the file is a name
    /// in the model folders, never a path.
    RAG_TRUST_UNTRUSTED = 1,
}

/// How to open a knowledge base. Begin with RAG_OPEN_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_open_options {
    /// sizeof(rag_open_options); set by RAG_OPEN_OPTIONS_INIT.
    pub struct_size: usize,
    /// Encoder: a name in the model cache, a path or a hub id already on this machine. NULL: the
    /// one the file was built with, else "e5-small".
    pub encoder: *const c_char,
    /// Generator, likewise; loaded at the first answer. "none": answers are the best sentences.
    /// NULL: "qwen2.5-0.5b".
    pub llm: *const c_char,
    /// A folder of models, looked in before the usual places. NULL: none.
    pub model_dir: *const c_char,
    /// Reranker, likewise: a cross-encoder or a model of late interaction, which sorts the best
    /// hits anew; loaded at the first search. NULL: none.
    pub reranker: *const c_char,
    /// Further knowledge bases that are searched with this one as if all were one file, each by the
    /// same encoder and only read.
    pub also: *const *const c_char,
    /// How many.
    pub also_count: usize,
    /// An encoder that is loaded already, or is the caller's own, in place of `encoder`, which is
    /// then NULL. It may be freed once the file is open. NULL: none.
    pub loaded_encoder: *const rag_encoder,
    /// Write zeros over what is removed or replaced, and empty the log at the end of each call that
    /// does so; rag_kb_purge leaves nothing at all. Each such call then rewrites the full-text
    /// index. Zero: what is removed is marked as free.
    pub secure_delete: i32,
    /// A rag_access.
    pub access: i32,
    /// A rag_trust.
    pub trust: i32,
    /// Zero: the struct ends at a multiple of its largest field.
    pub reserved: i32,
    /// How the encoder is loaded, if it is not given loaded; its `model_dir` must be NULL. NULL:
    /// the defaults.
    pub encoder_options: *const rag_encoder_options,
    /// How the generator is loaded; its `model_dir` must be NULL. NULL: the defaults.
    pub generator_options: *const rag_generator_options,
    /// How the reranker is loaded; its `model_dir` must be NULL. NULL: the defaults.
    pub reranker_options: *const rag_reranker_options,
    /// Options by their names in docs/options.md, `setting_count` of them, set after the fields;
    /// among them those that have no field here.
    pub settings: *const rag_setting,
    /// How many.
    pub setting_count: usize,
}

// SAFETY: repr(C), struct_size first, then only integers and pointers.
unsafe impl Options for rag_open_options {
    const NAME: &'static str = "rag_open_options";
}

impl rag_open_options {
    /// What rag-core is asked for.
    ///
    /// # Safety
    /// The pointers are null or valid.
    pub(crate) unsafe fn over(&self, mut options: OpenOptions) -> Result<OpenOptions> {
        // SAFETY: passed on to the caller.
        let also = unsafe {
            options.encoder = owned_text(self.encoder, "encoder")?;
            options.loaded_encoder =
                self.loaded_encoder.as_ref().map(|given| Arc::clone(&given.encoder));
            options.llm = owned_text(self.llm, "llm")?;
            options.model_dirs = model_dirs(self.model_dir)?;
            options.reranker = owned_text(self.reranker, "reranker")?;
            owned_texts(self.also, self.also_count, "also")?
        };
        options.also = also.into_iter().map(PathBuf::from).collect();
        options.access = choice(self.access, &Access::ALL, "access")?;
        options.secure_delete = self.secure_delete != 0;
        options.trust = choice(self.trust, &[Trust::Trusted, Trust::Untrusted], "trust")?;
        // SAFETY: passed on to the caller.
        unsafe {
            self.lay_over_parts(&mut options)?;
            set_all(&mut options, self.settings, self.setting_count)?;
        }
        Ok(options)
    }

    /// The options that the loader of each model has.
    ///
    /// # Safety
    /// As [`Self::over`].
    unsafe fn lay_over_parts(&self, options: &mut OpenOptions) -> Result<()> {
        // SAFETY: passed on to the caller.
        let (encoder, generator, reranker) = unsafe {
            (
                given::read(self.encoder_options)?,
                given::read(self.generator_options)?,
                given::read(self.reranker_options)?,
            )
        };
        for (part, model_dir) in [
            ("encoder_options", encoder.model_dir),
            ("generator_options", generator.model_dir),
            ("reranker_options", reranker.model_dir),
        ] {
            if !model_dir.is_null() {
                let reason = "its model_dir must be NULL: it belongs in rag_open_options";
                return Err(Error::invalid(part, reason));
            }
        }
        // SAFETY: passed on to the caller.
        unsafe {
            options.encoder_options = encoder.over(options.encoder_options.clone())?;
            options.generator_options = generator.over(options.generator_options.clone())?;
            options.reranker_options = reranker.over(options.reranker_options.clone())?;
        }
        Ok(())
    }
}
