//! What other files name in their arguments and options.

use std::ffi::c_char;
use std::fmt;
use std::sync::Arc;

use rag_core::encode::Encoder;
use rag_core::{KnowledgeBase, Result};

use crate::boundary::{self, Texts};
use crate::reentry::Guarded;

/// One knowledge base: the file, its encoder and, once asked, its generator. Any number of threads
/// may use it at once; writers queue. After a fork, open a new one in the child.
#[derive(Debug)]
pub struct rag_kb {
    pub(crate) shared: Arc<Shared>,
}

/// What the handles over one knowledge base share.
pub(crate) type Shared = Guarded<KnowledgeBase>;

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("path", &self.value().path()).finish_non_exhaustive()
    }
}

const _: () = {
    const fn for_many_threads<T: Send + Sync>() {}
    for_many_threads::<rag_kb>();
};

/// The knowledge base behind a handle, kept alive for the call even if a callback closes the
/// handle.
///
/// # Safety
/// `kb` is null or a live handle.
pub(crate) unsafe fn shared(kb: *const rag_kb) -> Result<Arc<Shared>> {
    // SAFETY: passed on to the caller.
    Ok(Arc::clone(&unsafe { boundary::handle(kb, "kb") }?.shared))
}

/// An option by its name. Any options struct takes some.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_setting {
    /// Its name in docs/options.md, such as "top_k".
    pub name: *const c_char,
    /// Its value, written as for the shell: "3", "true", "dense". What takes a list takes a setting
    /// for each item.
    pub value: *const c_char,
}

/// A sentence encoder. Owned by the caller; free it once with rag_encoder_free. Any number of
/// threads may use it.
pub struct rag_encoder {
    pub(crate) encoder: Arc<Encoder>,
    pub(crate) fingerprint: *const c_char,
    pub(crate) level: *const c_char,
    _texts: Texts,
}

impl fmt::Debug for rag_encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encoder.fmt(f)
    }
}

impl From<Encoder> for rag_encoder {
    fn from(encoder: Encoder) -> Self {
        let mut texts = Texts::default();
        let fingerprint = texts.keep(&encoder.identity().fingerprint);
        let level = texts.keep(encoder.level_name());
        Self { encoder: Arc::new(encoder), fingerprint, level, _texts: texts }
    }
}
