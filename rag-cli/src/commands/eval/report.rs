//! One page of an evaluation: what was measured, and the cases where it went wrong.
//!
//! It holds no script and loads nothing. Whatever comes from questions, documents and models is
//! escaped by the template.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use rag_core::Answer;

use super::Report;
use super::answers::{AnswerMetrics, Case, Wrong, normalise, without_markers};
use super::measured::Measured;
use crate::beir::Collection;

/// Questions whose documents were found worst that are named.
const WORST: usize = 20;
/// Passages that are shown of a case, and letters of each.
const SHOWN: usize = 3;
const SHOWN_CHARS: usize = 400;

const STYLE: &str = include_str!("report.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page.
pub(super) fn page(report: &Report, collection: &Collection, cases: &[Case]) -> String {
    let encoder = report.encoder.as_deref().unwrap_or("words only");
    let answers = report.metrics.answers.as_ref();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "Evaluation: " (encoder) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "Evaluation" }
                    p.soft {
                        (report.query_count) " questions, " (report.document_count) " documents, "
                        (encoder) ", rag " (env!("CARGO_PKG_VERSION"))
                    }
                    (finding(&report.settings))
                    @if let Some(answers) = answers { (answering(answers, report.answered_count)) }
                    (wrong(cases, Wrong::Other, "Answers without a gold answer"))
                    (wrong(cases, Wrong::Refused, "Questions that were refused"))
                    (wrong(cases, Wrong::Invented, "Answered with the documents taken out"))
                    (worst(report.settings.first(), collection))
                }
            }
        }
    };
    page.into_string()
}

fn finding(settings: &[Measured]) -> Markup {
    let names = settings.first().map(|first| first.metrics.named());
    html! {
        h2 { "Finding" }
        div.scroll {
            table {
                tr {
                    th { "setting" }
                    @for (name, _) in names.iter().flatten() { th { (name) } }
                    th { "ms, median" }
                    th { "ms, 95th" }
                }
                @for measured in settings {
                    tr {
                        td { (measured.setting) }
                        @for (name, value) in measured.metrics.named() {
                            @let [low, high] = measured.intervals.get(name).copied().unwrap_or_default();
                            td.number { (figure(value)) br; small { (figure(low)) " to " (figure(high)) } }
                        }
                        td.number { (format!("{:.2}", measured.p50_ms)) }
                        td.number { (format!("{:.2}", measured.p95_ms)) }
                    }
                }
            }
        }
        (bars(settings))
        @for measured in settings {
            @if let Some(comparison) = &measured.against_first {
                @let [low, high] = comparison.interval;
                p {
                    (measured.setting) " against the first: nDCG@10 "
                    (format!("{:+.3}, 95 % from {low:+.3} to {high:+.3}; ", comparison.difference))
                    (comparison.better_count) " questions better, " (comparison.worse_count) " worse"
                }
            }
        }
    }
}

/// nDCG@10 of each setting with its interval.
fn bars(settings: &[Measured]) -> Markup {
    let (left, width, row) = (150.0, 480.0, 28.0);
    let height = row * settings.len() as f64 + 24.0;
    let x = |value: f64| left + width * value.clamp(0.0, 1.0);
    html! {
        svg viewBox=(format!("0 0 {} {height}", left + width + 60.0)) role="img"
            aria-label="nDCG@10 of each setting with its 95 % interval" {
            @for (place, measured) in settings.iter().enumerate() {
                @let y = row * place as f64 + 4.0;
                @let value = measured.metrics.named()[0].1;
                @let [low, high] = measured.intervals.get("ndcg@10").copied().unwrap_or_default();
                text x="0" y=(y + 14.0) { (measured.setting) }
                rect.bar x=(left) y=(y) width=(x(value) - left) height="18" {}
                line.whisker x1=(x(low)) x2=(x(high)) y1=(y + 9.0) y2=(y + 9.0) {}
                text x=(left + width + 8.0) y=(y + 14.0) { (figure(value)) }
            }
            text x=(left) y=(height - 4.0) { "nDCG@10, 0 to 1, with its 95 % interval" }
        }
    }
}

fn answering(answers: &AnswerMetrics, count: usize) -> Markup {
    let rows: [(&str, f64); 9] = [
        ("contain a gold answer", answers.containment),
        ("are a gold answer", answers.exact_match),
        ("overlap with it, F1 of words", answers.f1),
        ("got an answer", answers.found),
        ("answered in the words of a passage", answers.quoted),
        ("had a relevant passage before them", answers.shown),
        ("of right answers: citations in a relevant document", answers.citation_precision),
        ("of right answers: with a citation in a relevant document", answers.citation_recall),
        ("of citations: stand in their source", answers.citations_verified),
    ];
    html! {
        h2 { "Answers" }
        p.soft { (count) " questions; " (format!("{:.0} ms", answers.p50_ms)) " at the median" }
        div.scroll {
            table {
                @for (name, value) in rows { tr { td { (name) } td.number { (figure(value)) } } }
                @if let Some(refused) = answers.unanswerable_refused {
                    tr { td { "refused once their documents were gone" } td.number { (figure(refused)) } }
                }
            }
        }
        (curve(&answers.coverage_curve))
    }
}

/// What each threshold would refuse: of the questions that have an answer, and of the others.
fn curve(points: &[[f64; 3]]) -> Markup {
    let (side, left, top) = (280.0, 40.0, 8.0);
    let place = |point: &[f64; 3]| (left + side * point[1], top + side * (1.0 - point[2]));
    let line: Vec<String> = points
        .iter()
        .map(|point| {
            let (x, y) = place(point);
            format!("{x:.1},{y:.1}")
        })
        .collect();
    html! {
        @if !points.is_empty() {
            svg viewBox=(format!("0 0 {} {}", left + side + 80.0, top + side + 44.0)) width="400" role="img"
                aria-label="share refused of the unanswerable over the answerable, by threshold" {
                line.axis x1=(left) x2=(left) y1=(top) y2=(top + side) {}
                line.axis x1=(left) x2=(left + side) y1=(top + side) y2=(top + side) {}
                polyline.curve points=(line.join(" ")) {}
                @for point in points {
                    @let (x, y) = place(point);
                    circle.dot cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="3" {
                        title { (format!("threshold {:.2}: {:.2} and {:.2}", point[0], point[1], point[2])) }
                    }
                }
                text x="0" y=(top + 10.0) { "1" }
                text x="0" y=(top + side) { "0" }
                text x=(left) y=(top + side + 18.0) { "0 \u{2192} 1: refused of the answerable" }
                text x=(left) y=(top + side + 36.0) { "upwards: refused of the others; a dot each threshold" }
            }
        }
    }
}

fn wrong(cases: &[Case], kind: Wrong, title: &str) -> Markup {
    let cases: Vec<&Case> = cases.iter().filter(|case| case.wrong == kind).collect();
    html! {
        @if !cases.is_empty() {
            h2 { (title) ": " (cases.len()) }
            @for case in cases { (one(case)) }
        }
    }
}

fn one(case: &Case) -> Markup {
    let answer = &case.answer;
    html! {
        details {
            summary { (case.question) }
            dl {
                dt { "wanted" } dd { (case.gold.join(" \u{2014} ")) }
                dt { "answered" }
                dd { @match reason(answer) { Some(reason) => span.bad { (reason) }, None => (answer.text) } }
                @if let Some(trace) = &answer.trace {
                    @if normalise(&trace.raw_text) != normalise(&without_markers(&answer.text)) {
                        dt { "written first" } dd { (trace.raw_text) }
                    }
                    @for claim in &trace.unsupported { dt { "unsupported" } dd { (claim) } }
                    @if let (Some(best), Some(floor)) = (trace.best, trace.floor) {
                        dt { "best cosine" } dd { (format!("{best:.3}, needed {floor:.3}")) }
                    }
                    @if let (Some(coverage), Some(needed)) = (trace.coverage, trace.min_coverage) {
                        dt { "words covered" } dd { (format!("{coverage:.2}, needed {needed:.2}")) }
                    }
                    @if let (Some(best), Some(needed)) = (trace.relevance, trace.min_relevance) {
                        dt { "reranker" } dd { (format!("{best:.2}, needed {needed:.2}")) }
                    }
                    @for (place, hit) in trace.hits.iter().enumerate().take(SHOWN) {
                        dt { "passage " (place + 1) }
                        dd {
                            @if case.relevant.contains(&hit.uri) { "(relevant) " }
                            (hit.uri) ": " (shortened(&hit.text))
                        }
                    }
                }
            }
        }
    }
}

/// Why there is no answer.
fn reason(answer: &Answer) -> Option<String> {
    (!answer.found).then(|| answer.reason_text().unwrap_or_else(|| "nothing".to_owned()))
}

fn worst(first: Option<&Measured>, collection: &Collection) -> Markup {
    let mut found: Vec<(f64, &str)> = first
        .iter()
        .flat_map(|first| &first.queries)
        .zip(&collection.queries)
        .map(|(metrics, query)| (metrics.ndcg_at_10, query.text.as_str()))
        .filter(|(value, _)| *value < 1.0)
        .collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.truncate(WORST);
    html! {
        @if !found.is_empty() {
            h2 { "Questions whose documents were found worst" }
            div.scroll {
                table {
                    tr { th { "nDCG@10" } th { "question" } }
                    @for (value, question) in found { tr { td.number { (figure(value)) } td { (question) } } }
                }
            }
        }
    }
}

fn figure(value: f64) -> String {
    format!("{value:.3}")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}
