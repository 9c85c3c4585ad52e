//! Arguments that say what the generator is shown, and what they mean to the library.

use std::path::Path;

use rag_core::files;
use rag_core::prompt::{Example, Fence, Order};
use rag_core::{AskOptions, Error, Result, Rewrite};

/// What the generator is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct PromptArgs {
    /// Show the generator only so many sentences of each passage, those around the one that answers best
    #[arg(long, value_name = "N")]
    sentences: Option<usize>,
    /// Fence each passage with a word that none can know, so that what it says does not pass for an instruction
    #[arg(long)]
    fence: bool,
    /// In what order passages are shown: best-last, best-first, or document
    #[arg(long, value_name = "ORDER", value_parser = parse_order, default_value = "best-last")]
    order: Order,
    /// Worked examples in place of ours: a JSON file with a list of {"passages": [...], "question": "...", "answer": "..."}, or none
    #[arg(long, value_name = "FILE.json|none")]
    examples: Option<String>,
    /// What the generator writes for the search: standalone (a follow-up that stands alone), variants[:COUNT] (other wordings,
    /// searched too), or hypothetical (a passage that might answer)
    #[arg(long, value_name = "REWRITE", value_parser = parse_rewrite, default_value = "none")]
    rewrite: Rewrite,
}

fn parse_order(text: &str) -> std::result::Result<Order, String> {
    Order::parse(text).map_err(|error| error.line())
}

fn parse_rewrite(text: &str) -> std::result::Result<Rewrite, String> {
    Rewrite::parse(text).map_err(|error| error.line())
}

impl PromptArgs {
    /// `options` with what these arguments say.
    ///
    /// # Errors
    /// Io if the file of examples cannot be read; InvalidArgument if it holds something else.
    pub(crate) fn apply(&self, options: AskOptions) -> Result<AskOptions> {
        Ok(AskOptions {
            sentences: self.sentences,
            fence: if self.fence { Fence::Marked } else { Fence::Numbered },
            order: self.order,
            examples: self.examples.as_deref().map(read_examples).transpose()?,
            rewrite: self.rewrite,
            ..options
        })
    }
}

fn read_examples(path: &str) -> Result<Vec<Example>> {
    if path == "none" {
        return Ok(Vec::new());
    }
    let text = files::read(Path::new(path)).map_err(|source| Error::io(Path::new(path), source))?;
    serde_json::from_slice(&text)
        .map_err(|source| Error::invalid("examples", format!("{path}: {source}")))
}
