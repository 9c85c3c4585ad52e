//! Whose words a sentence of a draft is, by the checks that citations of answers go through.

use crate::cite::{self, Citation, Conflict, Evidence};
use crate::error::Result;
use crate::search::Hit;

use super::draft::{DraftSentence, Origin};
use super::material::Material;
use super::plan::one_line;
use super::quality;
use crate::knowledge_base::KnowledgeBase;
use crate::progress::CancelToken;

/// The share of a sentence's words that a document must hold.
const MIN_SUPPORT: f32 = 0.9;
/// Fewest words of a sentence that can be told from chance.
const MIN_WORDS: usize = 3;

/// The citations of a draft as it is written.
pub(super) struct DraftMarks<'a> {
    hits: &'a [Hit],
    pub(super) citations: Vec<Citation>,
    pub(super) conflicts: Vec<Conflict>,
}

impl<'a> DraftMarks<'a> {
    pub(super) fn new(material: &'a Material) -> Self {
        Self { hits: &material.hits, citations: Vec::new(), conflicts: Vec::new() }
    }

    /// A sentence with the citations that support it, or as the model's own.
    ///
    /// More is asked of it than of an answer: an answer is read as one to its question, and a
    /// sentence that shares half of its words with a document may still say what nobody said. Nor
    /// does meaning count, for on one subject every sentence is near. What is lost is marked as the
    /// model's, which is true of it.
    pub(super) fn mark(&mut self, text: &str) -> Result<DraftSentence> {
        let cited = cite::cite("", text, self.hits, None)?;
        let is_sure = |citation: &Citation| match citation.evidence {
            Evidence::Quote | Evidence::Near => true,
            Evidence::Words => citation.support >= MIN_SUPPORT,
            Evidence::Meaning => false,
        };
        // a sentence that the splitter takes for two is the documents' only if both are
        let is_cited = quality::word_count(text) >= MIN_WORDS
            && cited.unsupported.is_empty()
            && !cited.citations.is_empty()
            && cited.citations.iter().all(is_sure);
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
