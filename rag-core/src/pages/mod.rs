//! How an answer came about, and where passages lie, each as one HTML page that needs nothing else.
//!
//! A page holds no script and loads nothing; its policy forbids both. All that comes from
//! documents, questions and models goes through [`AnswerPage::text`], which leaves no character
//! that HTML gives a meaning.

mod bars;
mod map;
mod page;
mod passages;

use std::collections::BTreeMap;

use crate::cite::Status;
use crate::guard::Refusal;
use crate::knowledge_base::{Answer, NotFoundReason, Outcome, ToldBy, ToldKind, Trace};
use crate::search::Hit;
use crate::visible;

use page::AnswerPage;

impl Answer {
    /// How the answer came about, as one self-contained HTML page, light and dark: question,
    /// outcome, the answer with its markers linked to the cited spans, passages with their ranks,
    /// what the prompt and the time were spent on, and the prompt itself.
    ///
    /// Ask with [`Explain::Trace`](crate::Explain::Trace): without a trace there is no question, no
    /// prompt and no budget to show.
    #[must_use]
    pub fn explain_html(&self) -> String {
        let mut page = AnswerPage::titled("An answer explained");
        self.head(&mut page);
        self.answer_section(&mut page);
        passages::write(self, &mut page);
        if let Some(trace) = &self.trace {
            bars::budget(trace, &mut page);
        }
        bars::timings(&self.timings, &mut page);
        if let Some(trace) = &self.trace {
            facts(self, trace, &mut page);
            fold("Prompt", &trace.prompt, &mut page);
            fold("What the model wrote", &trace.raw_text, &mut page);
        }
        page.finish()
    }

    /// The answer with its citations as a piece of HTML without styles, for a notebook or a page of
    /// the caller's; every text in it is escaped.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut page = AnswerPage::piece();
        page.open("p", "rag-answer");
        match self.reason_text() {
            Some(reason) => page.element("em", "", &reason),
            None => page.text(&self.text),
        }
        page.close("p");
        page.open("ol", "rag-citations");
        for citation in &self.citations {
            page.open("li", "");
            page.element("q", "", &citation.quote);
            let page_number =
                citation.page.map(|page| format!(", page {page}")).unwrap_or_default();
            page.text(&format!(
                " {}:{}-{}{page_number}",
                visible::name(&citation.uri),
                citation.start,
                citation.end
            ));
            note(citation.status, &mut page);
            page.close("li");
        }
        for told in &self.told_by {
            page.open("li", "");
            told_by(told, &mut page);
            page.close("li");
        }
        page.close("ol");
        page.into_text()
    }

    /// How many citations do not stand in their source, with the reason, as in `1 source changed`;
    /// empty if all do.
    #[must_use]
    pub fn source_notes(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for note in self.citations.iter().filter_map(|citation| citation.status.note()) {
            *counts.entry(note).or_default() += 1;
        }
        let notes: Vec<String> =
            counts.into_iter().map(|(note, count)| format!("{count} {note}")).collect();
        notes.join("; ")
    }

    /// Why there is no answer, in words; `None` if there is one.
    #[must_use]
    pub fn reason_text(&self) -> Option<String> {
        match (self.outcome, self.reason, &self.refusal) {
            (Outcome::Refused, _, Some(refusal)) => Some(refusal.text()),
            (Outcome::NotFound, Some(reason), _) => Some(reason.text().to_owned()),
            _ => None,
        }
    }

    /// What became of a passage that was found: cited, in the prompt, left out, or why none was
    /// used.
    #[must_use]
    pub fn fate(&self, hit: &Hit) -> String {
        let cited = self
            .citations
            .iter()
            .filter(|cited| (cited.store, cited.passage_id) == (hit.store, hit.passage_id));
        let markers: Vec<String> = cited.map(|cited| format!("[{}]", cited.marker)).collect();
        if self.left_out(hit) {
            "left out: no room".to_owned()
        } else if self.found && !markers.is_empty() {
            format!("cited as {}", markers.join(" "))
        } else if self.timings.prompt_token_count > 0 {
            "in the prompt".to_owned()
        } else if self.reason == Some(NotFoundReason::BelowFloor) {
            "below the floor".to_owned()
        } else {
            "not used".to_owned()
        }
    }

    fn left_out(&self, hit: &Hit) -> bool {
        let shown = |other: &Hit| (other.store, other.passage_id) == (hit.store, hit.passage_id);
        self.left_out.contains(&hit.passage_id) && !self.hits.iter().any(shown)
    }

    fn head(&self, page: &mut AnswerPage) {
        let question = self.trace.as_ref().map_or("", |trace| trace.question.as_str());
        page.open("header", "");
        page.element("h1", "", if question.is_empty() { "An answer explained" } else { question });
        let (class, word) = match self.outcome {
            Outcome::Answered => ("good", "answered"),
            Outcome::NotFound => ("none", "not found"),
            Outcome::Refused => ("bad", "refused"),
        };
        page.open("p", "");
        page.element("span", &format!("badge {class}"), word);
        if let Some(reason) = self.reason_text() {
            page.text(" ");
            page.text(&reason);
        }
        page.close("p");
        page.close("header");
    }

    fn answer_section(&self, page: &mut AnswerPage) {
        if !self.text.is_empty() {
            page.section("Answer");
            page.open("p", "answer");
            self.linked(page);
            page.close("p");
            for told in &self.told_by {
                page.open("p", "");
                told_by(told, page);
                page.close("p");
            }
            page.close("section");
        }
        let unsupported = self.trace.as_ref().map_or(&[][..], |trace| &trace.unsupported);
        if !unsupported.is_empty() {
            page.section("Claims that no passage supports");
            page.open("ul", "unsupported");
            unsupported.iter().for_each(|claim| self.refused_claim(claim, page));
            page.close("ul");
            page.close("section");
        }
        self.conflict_section(page);
    }

    /// A claim, and what a passage says instead.
    fn refused_claim(&self, claim: &str, page: &mut AnswerPage) {
        let refuted = self.trace.as_ref().map_or(&[][..], |trace| &trace.refuted);
        page.open("li", "");
        page.text(claim);
        if let Some(refuted) = refuted.iter().find(|refuted| refuted.claim == claim) {
            page.text(&format!(" ({}: \u{201c}{}\u{201d})", refuted.detail, refuted.quote));
        }
        page.close("li");
    }

    fn conflict_section(&self, page: &mut AnswerPage) {
        if self.conflicts.is_empty() {
            return;
        }
        page.section("Documents that disagree");
        page.open("ul", "unsupported");
        for conflict in &self.conflicts {
            let source = &conflict.source;
            let text = format!(
                "[{}] says {}, {} says {}: \u{201c}{}\u{201d}",
                conflict.marker, conflict.stated, source.uri, conflict.contrary, source.quote
            );
            page.element("li", "", &text);
        }
        page.close("ul");
        page.close("section");
    }

    /// The text, each marker a link to what it cites.
    fn linked(&self, page: &mut AnswerPage) {
        let mut rest = self.text.as_str();
        while let Some((before, marker, after)) = next_marker(rest) {
            page.text(before);
            if self.citations.iter().any(|citation| citation.marker == marker) {
                page.link(&format!("cited-{marker}"), &format!("[{marker}]"));
            } else {
                page.text(&format!("[{marker}]"));
            }
            rest = after;
        }
        page.text(rest);
    }
}

impl NotFoundReason {
    /// The reason in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            NotFoundReason::Empty => "there are no passages to answer from",
            NotFoundReason::BelowFloor => "no passage is close to the question",
            NotFoundReason::Unsupported => "the passages do not support an answer",
            NotFoundReason::Uncovered => "no passage holds enough of the question's words",
        }
    }
}

impl Refusal {
    /// The guard and its reason in words.
    fn text(&self) -> String {
        format!("by the guard {}: {}", self.guard.name(), self.reason)
    }
}

impl ToldKind {
    /// Where what was told is from, in words: `from the persona`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            ToldKind::Persona => "from the persona",
            ToldKind::Conversation => "from this conversation",
        }
    }
}

/// Words of the persona or the user, and whose they are.
fn told_by(told: &ToldBy, page: &mut AnswerPage) {
    page.element("q", "", &told.quote);
    page.text(&format!(" ({})", told.kind.text()));
}

/// The text before the first `[n]`, its number, and the text after it.
fn next_marker(text: &str) -> Option<(&str, usize, &str)> {
    text.match_indices('[').find_map(|(open, _)| {
        let inside = text.get(open + 1..)?;
        let (digits, after) = inside.split_once(']')?;
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| is_number)?;
        Some((text.get(..open)?, number, after))
    })
}

fn facts(answer: &Answer, trace: &Trace, page: &mut AnswerPage) {
    page.section("Figures");
    page.open("dl", "");
    let cosine =
        |value: Option<f32>| value.map_or("none".to_owned(), |value| format!("{value:.4}"));
    page.fact("Best cosine", &cosine(trace.best));
    page.fact("Floor", &cosine(trace.floor));
    page.fact("Question covered", &cosine(trace.coverage));
    page.fact("Cover needed", &cosine(trace.min_coverage));
    if trace.relevance.is_some() {
        page.fact("Reranker\u{2019}s best", &cosine(trace.relevance));
        page.fact("Reranker\u{2019}s needed", &cosine(trace.min_relevance));
    }
    page.fact("Seed", &trace.seed.to_string());
    page.fact("Tokens of the prompt", &answer.timings.prompt_token_count.to_string());
    page.fact("of these kept from before", &trace.reused_token_count.to_string());
    page.fact("Tokens of the answer", &answer.timings.answer_token_count.to_string());
    let drafted = format!("{} of {}", trace.accepted_token_count, trace.drafted_token_count);
    page.fact("guessed ahead and right", &drafted);
    if let Some(masked) = &answer.masked {
        page.fact("Masked in the question", &masked.question.total().to_string());
        page.fact("Masked in the answer", &masked.answer.total().to_string());
    }
    page.close("dl");
    page.close("section");
}

/// What is to be known of a citation's source.
fn note(status: Status, page: &mut AnswerPage) {
    if let Some(note) = status.note() {
        page.text(" ");
        page.element("strong", "source", note);
    }
}

/// A text that is shown on request.
fn fold(title: &str, text: &str, page: &mut AnswerPage) {
    if text.is_empty() {
        return;
    }
    page.open("details", "");
    page.element("summary", "", title);
    page.element("pre", "", text);
    page.close("details");
}

#[cfg(test)]
mod tests;
