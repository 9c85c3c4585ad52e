//! An embedded retrieval-augmented generation engine: one library, one SQLite file, two models in
//! process.
//!
//! Point a [`KnowledgeBase`] at a folder with [`KnowledgeBase::sync`], then
//! [`KnowledgeBase::search`] it or
//! [`KnowledgeBase::ask`] it. An answer carries citations: byte spans that the engine itself verified.
//!
//! ```no_run
//! use rag_core::{AskOptions, Call, CancelToken, KnowledgeBase, OpenOptions};
//!
//! # fn main() -> rag_core::Result<()> {
//! let kb = KnowledgeBase::open("kb.rag", &OpenOptions::default())?;
//! kb.sync("docs")?;
//! let answer = kb.ask("When was the laboratory founded?")?;
//! println!("{}", answer.text);
//!
//! // as each call that lasts, with options and a [`Call`]: who listens, and what stops it
//! let stop = CancelToken::new();
//! let brief = AskOptions { sentences: Some(2), ..AskOptions::default() };
//! kb.ask_with("And who founded it?", &brief, Call::new().cancel(&stop))?;
//! # Ok(())
//! # }
//! ```
//!
//! Modules stand in the order data flows; a module uses only those above it: walk, read
//! ([`document`]), split ([`passage`]), encode, store and index, [`table`], [`guard`], search,
//! [`rerank`],
//! augment ([`prompt`]),
//! [`generate`], [`cite`]. The facade, [`KnowledgeBase`], alone knows all of them.
//!
//! What a program needs is public. What only our own measurements need, the vector index by itself
//! among it, is behind the feature `unstable`, whose names may change in any version.
//! `docs/public_api.txt` lists what is public without it.
//!
//! The library never prints, never exits, opens no socket, reads no environment variable and keeps
//! no global state but the register of [`files`] it has open. It sets no signal: where a limit on
//! the size of files is in force, a program ignores SIGXFSZ to have a write beyond it fail with an
//! error instead of ending the process.

pub mod error;
pub mod options;

pub mod progress;

pub mod visible;

mod fold;

pub mod kernels;

pub mod files;

pub mod walk;

pub mod document;

mod dates;

pub mod passage;

pub mod model;

pub mod encode;

#[cfg(feature = "unstable")]
pub mod index;
#[cfg(not(feature = "unstable"))]
#[allow(dead_code, unreachable_pub, reason = "public where `unstable` shows it")]
mod index;

pub mod store;

mod marks;

mod words;

pub mod table;

pub mod guard;

pub mod search;

pub mod rerank;

pub mod prompt;

pub mod generate;

pub mod cite;

mod knowledge_base;

mod pages;

pub use error::{Error, ErrorCode, Result, Unreadable};
pub use progress::{Call, CancelToken, Progress, Retraction, Stage};

pub use knowledge_base::{
    Abstain, AddOptions, Answer, AskOptions, Budget, Chat, ComposeOptions, Conversation,
    DecisionDraft, DraftKind, DraftPart, DraftSection, DraftSentence, DraftVerdict, Effort,
    Explain, KnowledgeBase, MapPoint, MapQuestion, Masked, Missing, NO_LLM, NotFoundReason,
    OpenOptions, Origin, Outcome, OwnWriter, PartlyRead, PassageMap, Plan, ReindexReport, Rewrite,
    Stream, Subject, SummarizeOptions, SyncOptions, SyncReport, Tables, Timings, ToldBy, ToldKind,
    Trace, Trust, Writer, text_uri,
};
