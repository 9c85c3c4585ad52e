//! How an answer came about, for people: a table on standard output, or a page.

use std::path::Path;

use rag_core::search::Hit;
use rag_core::{Answer, Budget, KnowledgeBase, Timings, Trace};

use super::search::other_file;
use crate::console::{Console, one_line, shorten, visible};
use crate::failure::Failure;
use crate::place::Place;
use crate::written;

/// Characters of a place, and of a passage, shown in a table.
const PLACE_CHARS: usize = 44;
const SHOWN_CHARS: usize = 96;

/// Writes the page of an answer to `path`, whole or not at all.
pub(crate) fn write_page(
    answer: &Answer,
    path: &Path,
    knowledge_base: &KnowledgeBase,
) -> Result<(), Failure> {
    let page = answer.explain_html();
    Ok(written::replace(path, page.as_bytes(), knowledge_base.path())?)
}

/// Passages, thresholds, budget, time, and what the model was told and said.
pub(crate) fn print(
    answer: &Answer,
    knowledge_base: &KnowledgeBase,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let Some(trace) = &answer.trace else { return Ok(()) };
    for written in &trace.rewritten {
        console.line(format_args!("\nSearched: {}", one_line(written)))?;
    }
    if !trace.hits.is_empty() {
        console.line(format_args!("\nPassages"))?;
        console.line(format_args!(
            "{:>3}  {:>7}  {:>7}  {:>7}  {:>6}  {:<22}  place",
            "#", "fused", "cosine", "meaning", "words", "became"
        ))?;
        for (index, hit) in trace.hits.iter().enumerate() {
            print_hit(index + 1, hit, answer, knowledge_base, console)?;
        }
    }
    let cosine =
        |value: Option<f32>| value.map_or("none".to_owned(), |value| format!("{value:.4}"));
    console.line(format_args!(
        "\nBest cosine {}, floor {}, coverage {}, needed {}, seed {}",
        cosine(trace.best),
        cosine(trace.floor),
        cosine(trace.coverage),
        cosine(trace.min_coverage),
        trace.seed
    ))?;
    if trace.relevance.is_some() {
        let (best, needed) = (cosine(trace.relevance), cosine(trace.min_relevance));
        console.line(format_args!("Reranker's best {best}, needed {needed}"))?;
    }
    for claim in &trace.unsupported {
        console.line(format_args!("Unsupported: {}", one_line(claim)))?;
        let refuted = trace.refuted.iter().find(|refuted| refuted.claim == *claim);
        if let Some(refuted) = refuted {
            let quote = shorten(&refuted.quote, SHOWN_CHARS);
            let detail = one_line(&refuted.detail);
            console.line(format_args!("  {detail}: {quote}"))?;
        }
    }
    if let Some(budget) = &trace.budget {
        print_budget(budget, trace, console)?;
    }
    print_timings(&answer.timings, console)?;
    if !trace.prompt.is_empty() {
        console.line(format_args!("\nPrompt\n{}", visible(&trace.prompt)))?;
        console.line(format_args!("\nModel\n{}", visible(&trace.raw_text)))?;
    }
    Ok(())
}

fn print_hit(
    number: usize,
    hit: &Hit,
    answer: &Answer,
    knowledge_base: &KnowledgeBase,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let rank = |rank: Option<usize>| or_none(rank.map(|rank| format!("#{rank}")));
    let other = other_file(knowledge_base, hit.store);
    let place = Place::of_hit(hit, false).to_string() + &other;
    let skipped = place.chars().count().saturating_sub(PLACE_CHARS);
    let place: String = place.chars().skip(skipped).collect();
    console.line(format_args!(
        "{number:>3}  {:>7.4}  {:>7}  {:>7}  {:>6}  {:<22}  {place}",
        hit.score,
        or_none(hit.cosine.map(|cosine| format!("{cosine:.4}"))),
        rank(hit.ranks.dense),
        rank(hit.ranks.lexical),
        answer.fate(hit),
    ))?;
    console.line(format_args!("     {}", shorten(&hit.text, SHOWN_CHARS)))
}

fn print_budget(budget: &Budget, trace: &Trace, console: &mut Console<'_>) -> Result<(), Failure> {
    console.line(format_args!("\nContext of {} tokens", budget.context_len))?;
    for (name, tokens) in [
        ("persona and rules", budget.system_tokens),
        ("worked examples", budget.example_tokens),
        ("earlier turns", budget.history_tokens),
        ("passages", budget.passage_tokens),
        ("question", budget.question_tokens),
        ("instruction and template", budget.frame_tokens),
        ("prompt", budget.prompt_tokens),
        ("of these kept from before", trace.reused_token_count),
        ("kept free for the answer", budget.answer_tokens),
        ("room left", budget.left_tokens),
    ] {
        console.line(format_args!("  {name:<26} {tokens:>7}"))?;
    }
    Ok(())
}

fn print_timings(timings: &Timings, console: &mut Console<'_>) -> Result<(), Failure> {
    console.line(format_args!("\nTime in milliseconds"))?;
    for (name, milliseconds) in [
        ("loading", timings.load_ms),
        ("search", timings.search_ms),
        ("reading the prompt", timings.prefill_ms),
        ("writing the answer", timings.decode_ms),
        ("until the first token", timings.first_token_ms),
        ("in all", timings.total_ms),
    ] {
        console.line(format_args!("  {name:<26} {milliseconds:>7.0}"))?;
    }
    Ok(())
}
