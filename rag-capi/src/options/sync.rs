//! How to mirror a folder and add a text.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use rag_core::document::ReadOptions;
use rag_core::walk::Hidden;
use rag_core::{AddOptions, Missing, Plan, Result, SyncOptions};

use super::given::{Options, choice, or_default, owned_texts, set_all};
use crate::handles::{Shared, rag_setting};
use crate::own::{self, rag_on_recognize};
use crate::progress::{rag_cancel, rag_on_progress};

/// Whether a sync writes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_plan {
    /// Read, encode and write.
    RAG_PLAN_APPLY = 0,
    /// Count what would be done and write nothing.
    RAG_PLAN_DRY_RUN = 1,
}

/// What a sync does with documents whose file is missing.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_missing {
    /// Removes them; but keeps those of a folder if they are all of its documents and no other file
    /// is there, or more than half of ten or more, and those of a folder that is there and empty if
    /// they are ten or more: an unmounted share looks just so.
    RAG_MISSING_GUARD = 0,
    /// Removes them all.
    RAG_MISSING_REMOVE = 1,
    /// Keeps them all.
    RAG_MISSING_KEEP = 2,
}

/// What to do with files and folders whose name starts with a dot.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_hidden {
    /// Leave them out, silently.
    RAG_HIDDEN_SKIP = 0,
    /// Take them like any other.
    RAG_HIDDEN_LIST = 1,
}

/// When to build the vector index.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_seal {
    /// If the unsealed tail or the deleted part has grown large.
    RAG_SEAL_IF_NEEDED = 0,
    /// Now, with an HNSW graph, whatever the size.
    RAG_SEAL_NOW = 1,
}

/// How to mirror a folder. Begin with RAG_SYNC_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_sync_options {
    /// sizeof(rag_sync_options); set by RAG_SYNC_OPTIONS_INIT.
    pub struct_size: usize,
    /// Larger files are skipped with a reason. 0: 64 MiB.
    pub max_file_bytes: u64,
    /// Most tokens of a passage. 0: 200, or what the encoder takes if that is less.
    pub max_tokens: usize,
    /// A rag_plan.
    pub plan: i32,
    /// A rag_hidden.
    pub hidden: i32,
    /// Gets reports. NULL: none.
    pub on_progress: rag_on_progress,
    /// Handed to `on_progress`.
    pub user_data: *mut c_void,
    /// Stops the call. NULL: nothing does.
    pub cancel: *const rag_cancel,
    /// Neighbours kept per node above layer 0 of the graph, twice as many on layer 0, where one is
    /// built at the end (above 100,000 passages), 2 to 64. 0: 16.
    pub hnsw_m: usize,
    /// Candidates explored per insertion into it, 1 to 10,000. 0: 200.
    pub hnsw_ef_construction: usize,
    /// A section with fewer tokens shares its passages with the sections after it. 0: none does.
    pub min_tokens: usize,
    /// Tokens of the end of a passage that the next one of the same section repeats.
    pub overlap_tokens: usize,
    /// A file that takes longer to read, the time of `on_recognize` not counted, is skipped with a
    /// reason. 0: 60.
    pub max_read_seconds: f64,
    /// Only files that match one of these globs, in the syntax of .gitignore and relative to the
    /// folder. NULL: all.
    pub include: *const *const c_char,
    /// How many.
    pub include_count: usize,
    /// No files or folders that match one of these globs.
    pub exclude: *const *const c_char,
    /// How many.
    pub exclude_count: usize,
    /// Reads the text of pictures and scanned pages; files skipped before for want of one are tried
    /// again. NULL: pictures are skipped, and so is what has nothing but scanned pages.
    pub on_recognize: rag_on_recognize,
    /// Handed to `on_recognize`.
    pub recognize_user_data: *mut c_void,
    /// A rag_missing.
    pub missing: i32,
    /// Zero: the struct ends at a multiple of its largest field.
    pub reserved: i32,
    /// Options by their names in docs/options.md, `setting_count` of them, set after the fields;
    /// among them those that have no field here.
    pub settings: *const rag_setting,
    /// How many.
    pub setting_count: usize,
}

/// How to add a text. Begin with RAG_ADD_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_add_options {
    /// sizeof(rag_add_options); set by RAG_ADD_OPTIONS_INIT.
    pub struct_size: usize,
    /// Names of metadata, `metadata_count` of them.
    pub metadata_keys: *const *const c_char,
    /// Their values, in the same order.
    pub metadata_values: *const *const c_char,
    /// How many there are of each.
    pub metadata_count: usize,
    /// Stops the call. NULL: nothing does.
    pub cancel: *const rag_cancel,
    /// Options by their names in docs/options.md, `setting_count` of them, set after the fields;
    /// among them those that have no field here.
    pub settings: *const rag_setting,
    /// How many.
    pub setting_count: usize,
}

// SAFETY: repr(C), struct_size first, then only integers, floats, pointers and nullable functions.
unsafe impl Options for rag_sync_options {
    const NAME: &'static str = "rag_sync_options";
}

// SAFETY: repr(C), struct_size first, then only integers and pointers.
unsafe impl Options for rag_add_options {
    const NAME: &'static str = "rag_add_options";
}

impl rag_sync_options {
    /// What rag-core is asked for: what is given, laid over `options`.
    ///
    /// # Safety
    /// The pointers are null or valid, and `on_recognize` callable as long as the result lives.
    pub(crate) unsafe fn over(
        &self,
        kb: &Arc<Shared>,
        mut options: SyncOptions,
    ) -> Result<SyncOptions> {
        let (walk, graph) = (&mut options.walk, &mut options.graph);
        options.read = read_options(self.max_read_seconds)?;
        // SAFETY: passed on to the caller.
        unsafe {
            walk.include = owned_texts(self.include, self.include_count, "include")?;
            walk.exclude = owned_texts(self.exclude, self.exclude_count, "exclude")?;
            options.read.recognizer =
                own::recognizer(kb, self.on_recognize, self.recognize_user_data);
        }
        walk.max_file_bytes = or_default(self.max_file_bytes, walk.max_file_bytes);
        walk.hidden = choice(self.hidden, &[Hidden::Skip, Hidden::List], "hidden")?;
        graph.m = or_default(self.hnsw_m, graph.m);
        graph.ef_construction = or_default(self.hnsw_ef_construction, graph.ef_construction);
        options.plan = choice(self.plan, &[Plan::Apply, Plan::DryRun], "plan")?;
        options.missing = choice(self.missing, &Missing::ALL, "missing")?;
        let split = &mut options.split;
        split.max_tokens = or_default(self.max_tokens, split.max_tokens);
        split.min_tokens = self.min_tokens;
        split.overlap_tokens = self.overlap_tokens;
        // SAFETY: passed on to the caller.
        unsafe { set_all(&mut options, self.settings, self.setting_count) }?;
        Ok(options)
    }
}

impl rag_add_options {
    /// What rag-core is asked for: what is given, laid over `options`.
    ///
    /// # Safety
    /// The pointers are null or valid.
    pub(crate) unsafe fn over(&self, mut options: AddOptions) -> Result<AddOptions> {
        // SAFETY: passed on to the caller.
        let (keys, values) = unsafe {
            (
                owned_texts(self.metadata_keys, self.metadata_count, "metadata_keys")?,
                owned_texts(self.metadata_values, self.metadata_count, "metadata_values")?,
            )
        };
        options.metadata = keys.into_iter().zip(values).collect();
        // SAFETY: passed on to the caller.
        unsafe { set_all(&mut options, self.settings, self.setting_count) }?;
        Ok(options)
    }
}

/// How long a file may be read; 0 is the default.
pub(crate) fn read_options(max_read_seconds: f64) -> Result<ReadOptions> {
    match max_read_seconds {
        0.0 => Ok(ReadOptions::default()),
        seconds => ReadOptions::for_seconds(seconds),
    }
}
