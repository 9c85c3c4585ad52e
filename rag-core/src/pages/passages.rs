//! The passages of an answer: ranks, what became of each, and the cited spans.

use std::ops::Range;

use crate::cite::{Citation, Status};
use crate::search::Hit;
use crate::visible;

use super::note;
use super::page::AnswerPage;
use crate::knowledge_base::Answer;

/// A row for each passage found, and below it the text of those that were shown to the model.
pub(super) fn write(answer: &Answer, page: &mut AnswerPage) {
    let hits = answer.trace.as_ref().map_or(&answer.hits, |trace| &trace.hits);
    if hits.is_empty() {
        return;
    }
    page.section("Passages");
    page.open("div", "scroll");
    page.open("table", "");
    page.open("tr", "");
    for name in ["", "Fused", "Cosine", "By meaning", "By words", "Place", "What became of it"] {
        page.element("th", "", name);
    }
    page.close("tr");
    for (index, hit) in hits.iter().enumerate() {
        row(index + 1, hit, answer, page);
    }
    page.close("table");
    page.close("div");
    hits.iter().enumerate().for_each(|(index, hit)| passage(index + 1, hit, answer, page));
    page.close("section");
}

fn row(number: usize, hit: &Hit, answer: &Answer, page: &mut AnswerPage) {
    let rank = |rank: Option<usize>| rank.map_or("-".to_owned(), |rank| format!("#{rank}"));
    page.open("tr", "");
    page.element("td", "", &number.to_string());
    page.element("td", "number", &format!("{:.4}", hit.score));
    let cosine = hit.cosine.map_or("-".to_owned(), |cosine| format!("{cosine:.4}"));
    page.element("td", "number", &cosine);
    page.element("td", "number", &rank(hit.ranks.dense));
    page.element("td", "number", &rank(hit.ranks.lexical));
    page.element("td", "place", &place(hit));
    let class = if answer.timings.prompt_token_count == 0 || answer.left_out(hit) {
        "left"
    } else {
        "kept"
    };
    page.element("td", class, &answer.fate(hit));
    page.close("tr");
}

fn place(hit: &Hit) -> String {
    let name = visible::name(hit.uri.rsplit(['/', '\\']).next().unwrap_or(&hit.uri));
    match &hit.place {
        Some(place) => format!("{name}, {place}"),
        None => format!("{name}, bytes {}-{}", hit.start, hit.end),
    }
}

fn passage(number: usize, hit: &Hit, answer: &Answer, page: &mut AnswerPage) {
    page.open("article", "");
    page.open("h3", "");
    page.text(&format!("{number}. {}", place(hit)));
    if let Some(heading) = &hit.heading {
        page.element("span", "heading", heading);
    }
    page.close("h3");
    page.open("p", "passage");
    let mut written = 0;
    for (range, marker) in cited_spans(hit, &answer.citations) {
        let start = range.start.max(written);
        page.text(hit.text.get(written..start).unwrap_or_default());
        page.open_mark(&format!("cited-{marker}"));
        page.element("b", "", &format!("[{marker}]"));
        page.text(hit.text.get(start..range.end).unwrap_or_default());
        page.close("mark");
        written = range.end.max(written);
    }
    page.text(hit.text.get(written..).unwrap_or_default());
    page.close("p");
    page.open("p", "uri");
    page.text(&visible::name(&hit.uri));
    let cited = answer.citations.iter().find(|cited| {
        (cited.store, &cited.uri) == (hit.store, &hit.uri) && cited.status != Status::Ok
    });
    if let Some(cited) = cited {
        note(cited.status, page);
    }
    page.close("p");
    page.close("article");
}

/// Where the citations of a passage stand in its text, in order.
fn cited_spans(hit: &Hit, citations: &[Citation]) -> Vec<(Range<usize>, usize)> {
    let mut spans: Vec<(Range<usize>, usize)> = citations
        .iter()
        .filter(|cited| (cited.store, cited.passage_id) == (hit.store, hit.passage_id))
        .filter_map(|citation| Some((span(hit, citation)?, citation.marker)))
        .collect();
    spans.sort_by_key(|(range, marker)| (range.start, range.end, *marker));
    spans
}

/// By its offsets, or by its words if masking has moved them.
fn span(hit: &Hit, citation: &Citation) -> Option<Range<usize>> {
    let range = citation.start.checked_sub(hit.start)?..citation.end.checked_sub(hit.start)?;
    if hit.text.get(range.clone()) == Some(citation.quote.as_str()) {
        return Some(range);
    }
    let start = hit.text.find(&citation.quote)?;
    Some(start..start + citation.quote.len())
}
