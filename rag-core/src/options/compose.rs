//! Options of a draft.

use super::ask::AskOptions;
use super::generate::{GenerateOptions, Sampling};
use super::options;
use super::search::SearchOptions;
use super::words;

words! {
    /// What a draft is to be.
    #[derive(Default)]
    pub enum DraftKind("kind") {
        /// What the documents say, each thing once.
        #[default]
        Synthesis = "synthesis",
        /// Three ways to go, each with what speaks for it, against it, and what follows.
        Scenarios = "scenarios",
        /// A thesis, arguments, objections, a conclusion.
        Argument = "argument",
        /// A rule as the documents have it, the facts of the case, and whether it is kept.
        Assess = "assess",
        /// What the documents say, and the same explained.
        Explain = "explain",
        /// A table of what the documents say, each row with its document.
        Table = "table",
    }
}

options! {
    /// How to write a draft.
    #[derive(Debug, Clone)]
    pub struct ComposeOptions("compose") {
        /// What the draft is to be: what the documents say (synthesis, explain, table), or what follows from it for a decision
        /// (scenarios, argument, assess), which a generator writes.
        kind: DraftKind = DraftKind::Synthesis;
        /// Most sentences of each part of the draft.
        max_sentences: usize = 5, range(1.0, 20.0), unit("sentences");
    }
    parts {
        /// How passages are found, written about and guarded, as for an answer; `top_k` counts for each of several searches.
        /// `explain`, `sentences`, `candidates`, `fence`, `order`, `examples`, `rewrite`, `tables` and `history` do not count.
        ask: AskOptions = AskOptions {
            search: SearchOptions { top_k: 6, ..SearchOptions::default() },
            generate: GenerateOptions {
                // small models repeat themselves where they are to say several things on one subject
                sampling: Sampling { repetition_penalty: 1.1, ..Sampling::default() },
                ..GenerateOptions::default()
            },
            ..AskOptions::default()
        }, renames(&[]);
    }
    check(|_| Ok(()))
}
