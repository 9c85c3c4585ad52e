//! Several drafts of one answer, each written from another of the passages found: a model that is
//! shown the wrong one is less sure of what it says. The surest one that a passage supports is
//! taken.

use crate::error::Result;
use crate::progress::Call;
use crate::search;

use super::draft::{Drafted, SHORT_SENTENCES, View};
use super::run::{Retrieved, Run};
use super::types::Answer;

impl Run<'_> {
    /// The best of [`AskOptions::candidates`](super::AskOptions::candidates) drafts, as an answer,
    /// and whether it may be one.
    pub(super) fn best_draft(&mut self, retrieved: &Retrieved) -> Result<(Answer, Drafted, bool)> {
        let mut best: Option<(Answer, Drafted, bool)> = None;
        for view in self.views(retrieved)? {
            let cancel = self.cancel.clone();
            let draft = self.draft(retrieved, view, Call::new().cancel(&cancel), None)?;
            let answer = self.cite(retrieved, &draft.written)?;
            let is_fit = self.is_fit(retrieved, &draft, &answer);
            let is_better = best.as_ref().is_none_or(|(_, held, held_fits)| {
                is_fit && (!held_fits || draft.sureness.logprob > held.sureness.logprob)
            });
            if is_better {
                best = Some((answer, draft, is_fit));
            }
        }
        best.ok_or_else(|| crate::Error::internal("no draft was written"))
    }

    /// What the drafts are written from. Where a few words are asked for, the sentences around the
    /// best one of each passage, the best passage first; else all passages, then each alone.
    fn views(&self, retrieved: &Retrieved) -> Result<Vec<View>> {
        let hits = &retrieved.hits;
        let cited = || Some(hits.clone());
        let mut views = Vec::with_capacity(self.options.candidates);
        if self.is_focused() {
            let ranked = self.ranked(retrieved)?;
            let focused = search::focus_on(ranked, hits, SHORT_SENTENCES);
            let mut seen = Vec::new();
            for sentence in ranked {
                if !seen.contains(&sentence.hit) {
                    seen.push(sentence.hit);
                    views.push(View { told: vec![focused[sentence.hit].clone()], cited: cited() });
                }
            }
        } else {
            views.push(View { told: self.shown(retrieved)?, cited: None });
            views.extend(hits.iter().map(|hit| View { told: vec![hit.clone()], cited: cited() }));
        }
        if views.is_empty() {
            views.push(View { told: self.shown(retrieved)?, cited: cited() });
        }
        views.truncate(self.options.candidates);
        Ok(views)
    }
}
