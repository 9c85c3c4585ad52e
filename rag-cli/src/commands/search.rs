//! `rag search KB QUESTION`: the passages nearest to a question.

use rag_core::search::{Hit, Matched, SearchQuery, matched};
use rag_core::{KnowledgeBase, Trust};
use serde::Serialize;

use super::options::{KnowledgeBaseArgs, OpenArg, QuestionArg, ReachArgs, Searching, check_keys};
use crate::console::{Console, name, one_line, shorten};
use crate::failure::{Exit, Failure, Outcome};
use crate::options::{Config, Holding, OptionArgs};
use crate::place::{self, Place};

/// Characters of a passage shown to people.
const SHOWN_CHARS: usize = 240;

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  rag search kb.rag \"how is the gauge read\"\n",
    "  rag search kb.rag '\"salt marsh\" title:survey -draft' -k 10\n",
    "  rag search kb.rag \"prices\" --filter \"kind = pdf AND year >= 2024\" --recency 180\n",
    "  rag search kb.rag \"gauge\" --open           opens the first file found",
);

/// Find the passages that answer a question best; exit code 3 if there is none, but not with --json
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) knowledge_base: KnowledgeBaseArgs,
    #[command(flatten)]
    question: QuestionArg,
    #[command(flatten)]
    pub(super) search: OptionArgs<Searching>,
    #[command(flatten)]
    reach: ReachArgs,
    /// Also say by which words each passage was found, and where they stand: title, name, heading
    /// or text
    #[arg(long)]
    why: bool,
    #[command(flatten)]
    open: OpenArg,
}

#[derive(Debug, Serialize)]
struct Hits {
    hits: Vec<ToldHit>,
}

#[derive(Debug, Serialize)]
struct ToldHit {
    #[serde(flatten)]
    hit: Hit,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched: Option<Vec<Matched>>,
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        self.knowledge_base.show(held)?;
        self.reach.show(held)?;
        held.add(&self.search)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    let options = args.search.options(config)?;
    args.reach.check(&args.search, config)?;
    args.open.check(&args.knowledge_base)?;
    let knowledge_base = args.knowledge_base.open_to_search(&args.reach, config)?;
    console.notices(&knowledge_base.notices());
    check_keys(&knowledge_base, options.filter.as_ref())?;
    let job = console.job();
    let question = args.question.text();
    let hits = knowledge_base.search_with(&question, &options, job.call())?;
    let query = SearchQuery::of(&question, options.syntax);
    let why = |hit: &Hit| args.why.then(|| matched(&query.text, hit));
    // a program reads the list; what it got of an empty one was always 0
    let is_nothing = hits.is_empty() && !console.is_json();
    let exit = if is_nothing { Exit::NotFound } else { Exit::Done };
    let is_trusted = args.knowledge_base.options(config)?.trust == Trust::Trusted;
    let found_at = |hit: &Hit| Place::of_hit(hit, is_trusted);
    let opened = args.open.chosen(hits.iter().map(found_at));
    if console.is_json() {
        let told = |hit| ToldHit { matched: why(&hit), hit };
        console.json(&Hits { hits: hits.into_iter().map(told).collect() })?;
    } else {
        let places: Vec<Place> = hits.iter().map(found_at).collect();
        for (index, hit) in hits.iter().enumerate() {
            print_hit(index + 1, hit, &places[index], &knowledge_base, console)?;
            if let Some(parts) = why(hit) {
                console.line(format_args!("    {}", told(&parts)))?;
            }
        }
        if hits.is_empty() {
            console.note(format_args!("no passage found"));
        }
    }
    if let Some(found) = opened? {
        found.open()?;
    }
    Ok(exit)
}

/// Rank, score, place and heading on one line, the beginning of the passage below.
fn print_hit(
    rank: usize,
    hit: &Hit,
    place: &Place,
    knowledge_base: &KnowledgeBase,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let other = other_file(knowledge_base, hit.store);
    let heading = hit.heading.as_deref().map(|h| format!("  {}", one_line(h))).unwrap_or_default();
    let (before, after) = (format!("{rank:>2}. {:.4}  ", hit.score), format!("{other}{heading}"));
    place.print(&before, &after, console)?;
    console.line(format_args!("    {}", shorten(&hit.text, SHOWN_CHARS)))?;
    if let Some(newer) = &hit.newer {
        console.line(format_args!("    an older version: see {}", place::shown(newer)))?;
    }
    for copy in hit.copies.iter().take(SHOWN_COPIES) {
        let other = other_file(knowledge_base, copy.store);
        console.line(format_args!("    the same in {}{other}", place::shown(&copy.uri)))?;
    }
    match hit.copies.len().saturating_sub(SHOWN_COPIES) {
        0 => Ok(()),
        more => console.line(format_args!("    and in {more} more")),
    }
}

/// The parts with their words on one line.
fn told(parts: &[Matched]) -> String {
    let part = |part: &Matched| format!("{} ({})", part.field, part.words.join(", "));
    match parts {
        [] => "found by its meaning alone".to_owned(),
        parts => format!("found by {}", parts.iter().map(part).collect::<Vec<_>>().join(", ")),
    }
}

/// Most copies that are named below a hit.
const SHOWN_COPIES: usize = 5;

/// ` in FILE` for what another file than the one asked holds.
pub(crate) fn other_file(knowledge_base: &KnowledgeBase, store: usize) -> String {
    let path = store.checked_sub(1).and_then(|place| knowledge_base.also().get(place).copied());
    path.map(|path| format!(" in {}", name(&path.to_string_lossy()))).unwrap_or_default()
}
