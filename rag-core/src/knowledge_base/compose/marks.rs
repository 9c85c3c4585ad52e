//! Whose words a sentence of a draft is, by the checks that citations of answers go through.

use crate::cite::{self, Citation, Conflict, Meaning};
use crate::error::Result;
use crate::search::Hit;

use super::draft::{DraftSentence, Origin};
use super::material::{Material, Vectors};
use super::plan::one_line;
use crate::knowledge_base::KnowledgeBase;
use crate::progress::CancelToken;

/// The citations of a draft as it is written.
pub(super) struct Marks<'a> {
    /// What the draft is about: its words prove little, for they come back in every sentence.
    subject: &'a str,
    hits: &'a [Hit],
    vectors: &'a Vectors<'a>,
    meaning: Option<f32>,
    pub(super) citations: Vec<Citation>,
    pub(super) conflicts: Vec<Conflict>,
}

impl<'a> Marks<'a> {
    pub(super) fn new(subject: &'a str, material: &'a Material, vectors: &'a Vectors<'a>) -> Self {
        let (hits, meaning) = (material.hits.as_slice(), material.meaning);
        Self { subject, hits, vectors, meaning, citations: Vec::new(), conflicts: Vec::new() }
    }

    /// A sentence with the citations that support it, or as the model's own.
    pub(super) fn mark(&mut self, text: &str) -> Result<DraftSentence> {
        let cosines = |claim: &str, texts: &[&str]| self.vectors.cosines(claim, texts);
        let meaning = self.meaning.map(|floor| Meaning { cosines: &cosines, floor });
        let cited = cite::cite(self.subject, text, self.hits, meaning.as_ref())?;
        // a sentence that the splitter takes for two is the documents' only if both are
        let is_cited = cited.unsupported.is_empty() && !cited.citations.is_empty();
        let mut sentence = DraftSentence {
            text: text.to_owned(),
            origin: if is_cited { Origin::Cited } else { Origin::Model },
            markers: Vec::new(),
            refuted: cited.refuted.into_iter().next(),
        };
        if is_cited {
            let old = cited.citations;
            let markers: Vec<usize> = old.iter().map(|citation| self.marker(citation)).collect();
            for mut conflict in cited.conflicts {
                let place = old.iter().position(|citation| citation.marker == conflict.marker);
                conflict.marker = place.map_or(0, |place| markers[place]);
                self.note(conflict);
            }
            sentence.markers = markers;
        }
        Ok(sentence)
    }

    /// A sentence of the documents; `None` if the checks do not find it there.
    pub(super) fn quoted(&mut self, text: &str) -> Result<Option<DraftSentence>> {
        let sentence = self.mark(text)?;
        Ok((sentence.origin == Origin::Cited).then_some(sentence))
    }

    /// Both sides of every contradiction between documents, each cited.
    pub(super) fn contradictions(&mut self) -> Result<Vec<DraftSentence>> {
        let mut sentences: Vec<DraftSentence> = Vec::new();
        for conflict in self.conflicts.clone() {
            let cited = self.citations.iter().find(|citation| citation.marker == conflict.marker);
            let sides = [cited.map(|cited| cited.quote.clone()), Some(conflict.source.quote)];
            for side in sides.into_iter().flatten() {
                let side = one_line(&cite::without_markers(&side));
                let is_said = sentences.iter().any(|sentence| sentence.text == side);
                if !is_said && let Some(sentence) = self.quoted(&side)? {
                    sentences.push(sentence);
                }
            }
        }
        Ok(sentences)
    }

    /// Where each citation stands in its file, and whether it still does.
    pub(super) fn verify(&mut self, base: &KnowledgeBase, cancel: &CancelToken) -> Result<()> {
        let mut verifier = base.verifier(cancel);
        let sources = self.conflicts.iter_mut().map(|conflict| &mut conflict.source);
        for citation in self.citations.iter_mut().chain(sources) {
            base.fill(citation)?;
            citation.status = verifier.status(citation)?;
        }
        Ok(())
    }

    /// The marker of a span: its old one if it was cited before.
    fn marker(&mut self, citation: &Citation) -> usize {
        let place = |c: &Citation| (c.store, c.passage_id, c.start, c.end);
        if let Some(old) = self.citations.iter().find(|old| place(old) == place(citation)) {
            return old.marker;
        }
        let marker = self.citations.len() + 1;
        self.citations.push(Citation { marker, ..citation.clone() });
        marker
    }

    /// Keeps a contradiction, whichever side it was found from.
    fn note(&mut self, conflict: Conflict) {
        let quote_of = |conflict: &Conflict| {
            let cited = self.citations.iter().find(|cited| cited.marker == conflict.marker);
            cited.map(|cited| cited.quote.clone()).unwrap_or_default()
        };
        let pair = |conflict: &Conflict| {
            let mut pair = [quote_of(conflict), conflict.source.quote.clone()];
            pair.sort();
            pair
        };
        let new = pair(&conflict);
        if !self.conflicts.iter().any(|old| pair(old) == new) {
            self.conflicts.push(conflict);
        }
    }
}
