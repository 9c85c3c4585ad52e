//! The Python face of rag-core: the private module `rag_py._native`, re-exported by the package
//! `rag_py`.
//!
//! A method here converts its arguments, calls the core with the interpreter free, and maps the
//! error. Rules, defaults and decisions live in rag-core.

mod arguments;
mod chat;
mod cli;
mod dict;
mod encoder;
mod error;
mod functions;
mod generator;
mod interrupt;
mod knowledge_base;
mod log;
mod options;
mod pickle;
mod process;
mod progress;
mod recognizer;
mod reranker;
mod stream;
mod types;
mod value;
mod writer;

#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use crate::chat::Chat;
    #[pymodule_export]
    use crate::cli::cli;
    #[pymodule_export]
    use crate::encoder::{EncodeStream, Encoder};
    #[pymodule_export]
    use crate::error::error_classes;
    #[pymodule_export]
    use crate::functions::{mask, read};
    #[pymodule_export]
    use crate::generator::Generator;
    #[pymodule_export]
    use crate::knowledge_base::KnowledgeBase;
    #[pymodule_export]
    use crate::reranker::Reranker;
    #[pymodule_export]
    use crate::stream::{AnswerStream, GenerationStream};
    #[pymodule_export]
    use crate::types::{
        Answer, Citation, Document, Draft, Generation, Hit, Location, Passage, PassageMap,
        Progress, Retraction, Skipped, SyncReport, Table, Unread, restore,
    };

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name Python expects")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
