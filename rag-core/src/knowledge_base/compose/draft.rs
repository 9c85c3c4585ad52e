//! What a draft is: parts of sentences, each with whose words it is.

use serde::{Deserialize, Serialize};

use crate::cite::{Citation, Conflict, Refuted};
use crate::guard::{Refusal, mask};
use crate::options::compose::DraftKind;
use crate::options::words;
use crate::prompt::DraftWords;
use crate::search::Hit;

use crate::knowledge_base::types::{Masked, NotFoundReason, Outcome, Timings};

words! {
    /// Whose words a sentence of a draft is.
    pub enum Origin("origin") {
        /// A document's: it carries citations that were checked.
        Cited = "cited",
        /// The model's own: no document says so.
        Model = "model",
        /// The task's: a fact of the case as it was given.
        Task = "task",
    }
}

words! {
    /// What a part of a draft is for, in no language.
    pub enum DraftPart("part") {
        /// What the documents say.
        Documents = "documents",
        /// Where they contradict each other.
        Conflicts = "conflicts",
        /// A table of what they say.
        Table = "table",
        /// The same in plain words.
        Explanation = "explanation",
        /// One way to go; what speaks for it and against it follows.
        Option = "option",
        /// What speaks for it.
        For = "for",
        /// What speaks against it.
        Against = "against",
        /// What follows from it.
        Consequences = "consequences",
        /// What is argued.
        Thesis = "thesis",
        /// What supports it.
        Arguments = "arguments",
        /// What can be said against it.
        Objections = "objections",
        /// What remains.
        Conclusion = "conclusion",
        /// The rule, as the documents have it.
        Rule = "rule",
        /// The facts of the case.
        Facts = "facts",
        /// Whether the rule is kept, and why.
        Assessment = "assessment",
    }
}

words! {
    /// Whether a case keeps a rule.
    pub enum DraftVerdict("verdict") {
        /// It does; a document supports the reason.
        Yes = "yes",
        /// It does not; a document supports the reason.
        No = "no",
        /// The documents and the case do not tell, or no document supports the reason given.
        Unclear = "unclear",
    }
}

/// A sentence of a draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftSentence {
    /// Its words, without markers.
    pub text: String,
    /// Whose they are.
    pub origin: Origin,
    /// The citations that support it; empty unless it is [`Origin::Cited`].
    pub markers: Vec<usize>,
    /// What a document says against it, where one does; left out of JSON if none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuted: Option<Refuted>,
}

/// A part of a draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftSection {
    /// What it is for.
    pub part: DraftPart,
    /// The same in the language of the task, with the name of an option.
    pub heading: String,
    /// In order; none where only the heading stands, with what is under it in the parts after.
    pub sentences: Vec<DraftSentence>,
}

/// What `compose` returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionDraft {
    /// What was asked for.
    pub kind: DraftKind,
    /// Whether the documents hold something on the subject; if not, the draft has no parts.
    pub found: bool,
    /// The whole as Markdown: `[1]` behind what a document supports, `[*]` behind what is the
    /// model's own, the task's words in quotation marks.
    pub text: String,
    /// Its parts, in order.
    pub sections: Vec<DraftSection>,
    /// Whether the case keeps the rule, of [`DraftKind::Assess`].
    pub verdict: Option<DraftVerdict>,
    /// What supports the sentences, by marker.
    pub citations: Vec<Citation>,
    /// Documents that give another figure or date for what is cited.
    pub conflicts: Vec<Conflict>,
    /// Headings of the parts that only a generator writes and that are missing without one.
    pub unwritten: Vec<String>,
    /// Why there is nothing.
    pub reason: Option<NotFoundReason>,
    /// How it ended.
    pub outcome: Outcome,
    /// Which guard refused, and why.
    pub refusal: Option<Refusal>,
    /// What was masked, where masking was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked: Option<Masked>,
    /// What was searched, planned from the task.
    pub searches: Vec<String>,
    /// The passages read; left out of JSON if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<Hit>,
    /// Where the time went.
    pub timings: Timings,
}

impl DecisionDraft {
    /// Its sentences, of all parts.
    pub fn sentences(&self) -> impl Iterator<Item = &DraftSentence> {
        self.sections.iter().flat_map(|section| &section.sentences)
    }

    /// A draft without anything in it: what every draft begins as.
    pub(super) fn empty(kind: DraftKind) -> Self {
        Self {
            kind,
            found: false,
            text: String::new(),
            sections: Vec::new(),
            verdict: None,
            citations: Vec::new(),
            conflicts: Vec::new(),
            unwritten: Vec::new(),
            reason: None,
            outcome: Outcome::NotFound,
            refusal: None,
            masked: None,
            searches: Vec::new(),
            hits: Vec::new(),
            timings: Timings::default(),
        }
    }

    /// What a guard leaves of it.
    pub(super) fn refused(self, refusal: Refusal) -> Self {
        let (searches, timings) = (Vec::new(), self.timings);
        let outcome = Outcome::Refused;
        Self { refusal: Some(refusal), outcome, searches, timings, ..Self::empty(self.kind) }
    }

    /// Masks personal data in all that is handed out, but for names of documents and offsets.
    pub(super) fn mask(&mut self) {
        let mut masked = Masked::default();
        for sentence in self.sections.iter_mut().flat_map(|section| &mut section.sentences) {
            let (text, counts) = mask(&sentence.text);
            sentence.text = text;
            masked.answer += counts;
            let refuted = sentence.refuted.iter_mut();
            refuted
                .flat_map(|r| [&mut r.claim, &mut r.detail, &mut r.quote])
                .for_each(mask_in_place);
        }
        self.sections.iter_mut().for_each(|section| mask_in_place(&mut section.heading));
        self.citations.iter_mut().for_each(|citation| mask_in_place(&mut citation.quote));
        let conflicts = self.conflicts.iter_mut();
        conflicts
            .flat_map(|c| [&mut c.stated, &mut c.contrary, &mut c.source.quote])
            .for_each(mask_in_place);
        for hit in &mut self.hits {
            mask_in_place(&mut hit.text);
            hit.title.iter_mut().chain(&mut hit.heading).for_each(mask_in_place);
        }
        self.searches.iter_mut().for_each(mask_in_place);
        self.masked = Some(masked);
    }

    /// Writes [`DecisionDraft::text`] of its parts.
    pub(super) fn write_text(&mut self, words: &DraftWords) {
        let mut text = String::new();
        for section in &self.sections {
            let is_under = matches!(
                section.part,
                DraftPart::For | DraftPart::Against | DraftPart::Consequences
            );
            let marks = if is_under { "###" } else { "##" };
            text.push_str(&format!("{marks} {}\n\n", section.heading));
            match section.part {
                DraftPart::Table => text.push_str(&self.table(section, words)),
                _ if section.sentences.is_empty() => {}
                _ => {
                    let said: Vec<String> = section.sentences.iter().map(marked).collect();
                    text.push_str(&format!("{}\n\n", said.join(" ")));
                }
            }
        }
        if self.sentences().any(|sentence| sentence.origin == Origin::Model) {
            text.push_str(&format!("[*] {}\n\n", words.own));
        }
        if !self.unwritten.is_empty() {
            text.push_str(&format!("({}: {}.)\n\n", words.unwritten, self.unwritten.join(", ")));
        }
        self.text = text.trim_end().to_owned();
    }

    fn table(&self, section: &DraftSection, words: &DraftWords) -> String {
        let mut table = format!("| {} | {} |\n|---|---|\n", words.statement, words.document);
        for sentence in &section.sentences {
            let cited = sentence.markers.first().and_then(|marker| {
                self.citations.iter().find(|citation| citation.marker == *marker)
            });
            let uri = cited.map_or("", |citation| citation.uri.as_str());
            let cell = |text: &str| text.replace('|', "/");
            table.push_str(&format!("| {} | {} |\n", cell(&marked(sentence)), cell(uri)));
        }
        table + "\n"
    }
}

/// A sentence with what tells whose it is, before its closing mark.
fn marked(sentence: &DraftSentence) -> String {
    let text = sentence.text.trim_end();
    let mark: String = match sentence.origin {
        Origin::Cited => sentence.markers.iter().map(|marker| format!(" [{marker}]")).collect(),
        Origin::Model => " [*]".to_owned(),
        Origin::Task => return format!("\u{201c}{text}\u{201d}"),
    };
    let core = text.trim_end_matches(['.', '!', '?', ';', ':', ',', '\u{3002}']).trim_end();
    format!("{core}{mark}{}", text.get(core.len()..).unwrap_or_default().trim_start())
}

fn mask_in_place(text: &mut String) {
    *text = mask(text).0;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(text: &str, origin: Origin, markers: &[usize]) -> DraftSentence {
        DraftSentence { text: text.to_owned(), origin, markers: markers.to_vec(), refuted: None }
    }

    #[test]
    fn the_text_tells_whose_words_each_sentence_is() {
        let mut draft = DecisionDraft::empty(DraftKind::Assess);
        draft.sections = vec![
            DraftSection {
                part: DraftPart::Rule,
                heading: "The rule".to_owned(),
                sentences: vec![sentence("Leave is ten days.", Origin::Cited, &[1, 2])],
            },
            DraftSection {
                part: DraftPart::Facts,
                heading: "The facts".to_owned(),
                sentences: vec![
                    sentence("Ann asks for nine days.", Origin::Task, &[]),
                    sentence("That is less!", Origin::Model, &[]),
                ],
            },
        ];
        draft.unwritten = vec!["Assessment".to_owned()];
        draft.write_text(crate::prompt::draft_words("the rule of leave and of the days"));
        assert_eq!(
            draft.text,
            "## The rule\n\nLeave is ten days [1] [2].\n\n## The facts\n\n\u{201c}Ann asks for nine \
             days.\u{201d} That is less [*]!\n\n[*] The model's own words: no document says so.\n\n\
             (Needs a generator: Assessment.)"
        );
    }

    #[test]
    fn a_masked_draft_holds_no_personal_data() {
        let mut draft = DecisionDraft::empty(DraftKind::Synthesis);
        draft.sections = vec![DraftSection {
            part: DraftPart::Documents,
            heading: "Of jo@site.fr".to_owned(),
            sentences: vec![sentence("Write to jo@site.fr.", Origin::Cited, &[1])],
        }];
        draft.mask();
        draft.write_text(crate::prompt::draft_words(""));
        assert!(!draft.text.contains("jo@site"), "{}", draft.text);
        assert_eq!(draft.masked.map(|masked| masked.answer.total()), Some(1));
    }
}
