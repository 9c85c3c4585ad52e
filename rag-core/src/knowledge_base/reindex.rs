//! Encodes the passages of a file again, from what the file holds.

use std::time::Instant;

use crate::encode::Encoder;
use crate::error::Result;
use crate::passage::{EncoderInput, EncoderText};
use crate::progress::{Call, CancelToken, Progress, Stage};
use crate::store::PassageRow;

use super::types::{Plan, ReindexReport};
use super::{KnowledgeBase, encoding};

/// Passages of a transaction, at least: each makes all who have the file open read its vectors
/// anew, and a kill costs no more.
const PASSAGES: usize = 256;
/// Transactions of a reindex, about.
const TRANSACTIONS: usize = 100;
/// Passages that are looked at, and those of them that are encoded, to measure how long it takes.
const LOOKED_AT: usize = 1024;
const MEASURED: usize = 32;

impl KnowledgeBase {
    /// Encodes the passages again that were encoded without the titles of their documents, as
    /// [`KnowledgeBase::reindex_with`].
    ///
    /// # Errors
    /// As [`KnowledgeBase::reindex_with`].
    pub fn reindex(&self) -> Result<ReindexReport> {
        self.reindex_with(Plan::Apply, Call::new())
    }

    /// Encodes the passages again that were encoded without the titles of their documents; no file
    /// is read but the knowledge base. Nothing is done to one whose passages were all encoded with
    /// them. [`Call::on_progress`] is told of passages.
    ///
    /// New passages are encoded with titles from the beginning on. Passages keep their ids, their
    /// text and their places; only vectors are replaced, at least 256 in a transaction. Others may
    /// search and write meanwhile: vectors with and without titles are of one encoder and may be
    /// compared, so that a search then is a little of both, and reads the vectors anew after each
    /// transaction. A kill or cancel loses nothing that was written, and the next call goes on
    /// there. The vector index is built at the end.
    ///
    /// # Errors
    /// NotFound, Model or ModelMismatch for the encoder; Cancelled; DiskFull; Store and Busy.
    pub fn reindex_with(&self, plan: Plan, mut call: Call<'_>) -> Result<ReindexReport> {
        let encoder = self.encoder()?;
        match plan {
            Plan::DryRun => self.reindex_estimate(encoder, call.token()),
            Plan::Apply => self.encode_again(encoder, &mut call),
        }
    }

    fn encode_again(&self, encoder: &Encoder, call: &mut Call<'_>) -> Result<ReindexReport> {
        let started = Instant::now();
        let mut report = ReindexReport::default();
        if !self.store.begin_reindex()? {
            return Ok(report);
        }
        self.forget_floor()?;
        let total = self.store.outdated_count()?;
        let limit = PASSAGES.max(total / TRANSACTIONS);
        loop {
            let passages = self.store.outdated(limit)?;
            let Some(last) = passages.last() else { break };
            let (ids, texts) = outdated_texts(encoder, &passages)?;
            let vectors = encoding::encode(encoder, &texts, call.token())?;
            self.store.put_vectors(last.id, &ids, &vectors)?;
            report.passage_count += passages.len();
            report.encoded += ids.len();
            call.report(&Progress {
                stage: Stage::Index,
                done: report.passage_count,
                total: Some(total.max(report.passage_count)),
                passage_count: report.encoded,
                path: None,
                done_bytes: 0,
                total_bytes: 0,
                elapsed: started.elapsed(),
            });
        }
        self.forget_floor()?;
        self.store.end_reindex(call.token())?;
        self.store.scrub()?;
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    /// What a reindex would do, and how long it would take: the time of some passages, for all.
    fn reindex_estimate(&self, encoder: &Encoder, cancel: &CancelToken) -> Result<ReindexReport> {
        let encoded = self.store.info()?.reindex_count;
        let passage_count = self.store.outdated_count()?;
        let (_, mut texts) = outdated_texts(encoder, &self.store.outdated(LOOKED_AT)?)?;
        let step = texts.len().div_ceil(MEASURED).max(1);
        texts = texts.into_iter().step_by(step).collect();
        // the first text of an encoder also starts its threads
        encoding::encode(encoder, texts.get(..1).unwrap_or_default(), cancel)?;
        let started = Instant::now();
        encoding::encode(encoder, &texts, cancel)?;
        let each = started.elapsed().as_secs_f64() / texts.len().max(1) as f64;
        Ok(ReindexReport { passage_count, encoded, seconds: each * encoded as f64 })
    }
}

/// Those of `passages` of which the encoder reads something else with a title, and what.
fn outdated_texts(encoder: &Encoder, passages: &[PassageRow]) -> Result<(Vec<i64>, Vec<String>)> {
    let limit = encoder.passage_budget_tokens();
    let (mut ids, mut texts) = (Vec::new(), Vec::new());
    for PassageRow { id, title, heading, text, .. } in passages {
        let of = |input| EncoderText::of(input, title.as_deref(), heading.as_deref(), text);
        let with_title = of(EncoderInput::Title).fitted(encoder, limit)?;
        if with_title != of(EncoderInput::Heading).whole() {
            ids.push(*id);
            texts.push(with_title);
        }
    }
    Ok((ids, texts))
}
