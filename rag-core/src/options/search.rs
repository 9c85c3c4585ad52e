//! Options of a search.

use std::fmt;

use super::{form, options, words};
use crate::error::{Error, Result};
use crate::search::{Boost, Fusion, Recency};
use crate::store::{Filter, IndexMode};

words! {
    /// Which legs answer.
    #[derive(Default)]
    pub enum Mode("mode") {
        /// Both, fused as [`SearchOptions::fusion`] says; score is the fused one.
        #[default]
        Hybrid = "hybrid",
        /// Vectors only; score is the cosine.
        Dense = "dense",
        /// Words only; score is BM25.
        Lexical = "lexical",
    }
}

words! {
    /// What becomes of passages that say the same in the same words.
    pub enum Duplicates("duplicates") {
        /// The best of them is a hit, which names the others.
        Fold = "fold",
        /// Each is a hit.
        Keep = "keep",
        /// As fold, also of passages that differ by a word or two that is no figure, name or "not".
        Near = "near",
    }
}

words! {
    /// Whether marks in what is searched for are read.
    #[derive(Default)]
    pub enum Syntax("syntax") {
        /// `"a phrase"`, `-word`, `title:word`, `file:*.pdf` and `OR` say what must or must not be
        /// there.
        #[default]
        Marks = "marks",
        /// All is text.
        Plain = "plain",
    }
}

/// What comes with each hit, as hits of their own that stand beside it in the order of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Context {
    /// Nothing.
    #[default]
    None,
    /// So many passages before and after it, of the same document.
    Neighbours(usize),
    /// The passages around it under the same heading, eight on each side at most.
    Section,
}

/// Most passages on each side of a hit that may come with it.
const MAX_NEIGHBOURS: usize = 100;

impl Context {
    /// Reads `none`, `section`, or a number of neighbours.
    ///
    /// # Errors
    /// InvalidArgument for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let context = match (text, text.parse()) {
            ("none", _) => Self::None,
            ("section", _) => Self::Section,
            (_, Ok(count)) => Self::Neighbours(count),
            _ => return Err(Self::refused(&format!("{text:?}"))),
        };
        context.validate().map(|()| context)
    }

    fn validate(self) -> Result<()> {
        match self {
            Self::Neighbours(count) if count > MAX_NEIGHBOURS => {
                Err(Self::refused(&count.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn refused(given: &str) -> Error {
        let reason = format!("{given} is not none, section, or a number up to {MAX_NEIGHBOURS}");
        Error::invalid("context", reason)
    }
}

/// As [`Context::parse`] reads it.
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Section => f.write_str("section"),
            Self::Neighbours(count) => write!(f, "{count}"),
        }
    }
}

form!(Context, "context", "none, section, or a number of passages up to 100");
form!(Fusion, "fusion", "convex[:WEIGHT] or rrf[:K]");
form!(Recency, "recency", "DAYS or DAYS:KEY, such as 180");
form!(Boost, "boost", "FILTER ^ WEIGHT, such as \"kind = pdf ^ 2\"");

options! {
    /// How to search.
    #[derive(Debug, Clone)]
    pub struct SearchOptions("search") {
        /// Most hits returned.
        top_k: usize = 5, range(1.0, 10_000.0), unit("passages");
        /// Which legs answer: vectors, words, or both.
        mode: Mode = Mode::Hybrid;
        /// How vectors are searched: auto scans up to 100,000 passages and walks the graph above, flat always scans, hnsw walks
        /// the graph wherever there is one.
        index: IndexMode = IndexMode::Auto;
        /// Candidates explored in the graph, where one is walked.
        ef_search: Option<usize> = None, range(1.0, 1_000_000.0), unit("passages"), unset("128");
        /// Only passages of documents that pass this filter.
        filter: Option<Filter> = None, unset("all documents");
        /// How vectors and words become one order: convex is a mean of scores with this weight for vectors, rrf goes by ranks.
        fusion: Fusion = Fusion::default();
        /// How much a hit must differ from those before it: maximal marginal relevance (Carbonell and Goldstein 1998).
        diversity: Option<f32> = None, range(0.0, 1.0), unset("not at all");
        /// What comes with each hit: nothing, so many passages before and after it, or the section around it.
        context: Context = Context::None;
        /// What becomes of passages with the same words, as in copies of a file: fold makes them one hit that names the others, keep
        /// leaves each a hit, near folds those too that differ by a word or two but by no figure, name or negation.
        duplicates: Option<Duplicates> = None, unset("keep where passages are searched, fold where something is written from them");
        /// Whether a search reads the marks "a phrase", -word, title:word, file:*.pdf and OR; a question that is answered is plain
        /// text always.
        syntax: Syntax = Syntax::Marks;
        /// How fast documents age: after so many days one counts half, by the date that it says, or its file, or by the date under KEY of
        /// its metadata.
        recency: Option<Recency> = None, unset("age does not matter");
        /// Documents that count more, or less: each a filter and by what the scores of its documents are multiplied.
        boosts: Vec<Boost> = Vec::new(), singular("boost");
        /// How many of the best hits the reranker sorts anew; 0 for none.
        rerank: Option<usize> = None, unit("passages"), unset("30 if there is a reranker");
    }
    check(Self::check)
}

impl SearchOptions {
    fn check(&self) -> Result<()> {
        self.context.validate()?;
        self.recency.as_ref().map_or(Ok(()), Recency::validate)?;
        self.boosts.iter().try_for_each(Boost::validate)?;
        self.fusion.validate()
    }
}
