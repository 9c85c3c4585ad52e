//! Options of a summary.

use super::ask::AskOptions;
use super::options;
use super::search::SearchOptions;

options! {
    /// How to summarise.
    #[derive(Debug, Clone)]
    pub struct SummarizeOptions("summarize") {
        /// Most sentences.
        max_sentences: usize = 5, range(1.0, 50.0), unit("sentences");
    }
    parts {
        /// How passages are found, written about, guarded and explained, as for an answer. `search`, `rewrite` and `history` only count
        /// for a question, for which 10 passages are found by default; `sentences`, `candidates`, `fence`, `order` and `examples` do not count.
        ask: AskOptions = AskOptions {
            search: SearchOptions { top_k: 10, ..SearchOptions::default() },
            ..AskOptions::default()
        }, renames(&[]);
    }
    check(|_| Ok(()))
}
