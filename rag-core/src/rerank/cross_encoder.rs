//! Scores of a cross-encoder (Nogueira and Cho 2019): question and passage are one sequence.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::head::RerankerHead;
use super::pairs::Pairs;
use super::{RerankerInfo, Scores};
use crate::encode::engine::{EncoderEngine, RowHead, Setup};
use crate::encode::network::{Batch, NetworkConfig};
use crate::error::{Error, Result};
use crate::model::formats::safetensors::Tensors;
use crate::model::reranker::cross_encoder::{CrossEncoderFolder, Output};
use crate::progress::CancelToken;

/// A loaded cross-encoder.
pub(super) struct CrossEncoder {
    path: PathBuf,
    pub(super) pairs: Pairs,
    pub(super) engine: EncoderEngine,
    head: RerankerHead,
    output: Output,
}

/// What the network gives for one question.
pub(super) struct Logits {
    pub(super) rows: Vec<f32>,
    truncated: Vec<usize>,
    question_truncated: bool,
}

impl CrossEncoder {
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if weights or tokenizer are damaged, or not what the folder says.
    pub(super) fn load(
        folder: &Path,
        files: &CrossEncoderFolder,
        setup: Setup,
        threads: Option<NonZeroUsize>,
    ) -> Result<(Self, RerankerInfo)> {
        let mut tensors = Tensors::read(&files.weights_path)?;
        let (config, max_tokens) = (&files.config, files.max_tokens);
        let network = NetworkConfig { transformer: config, max_tokens };
        let engine = EncoderEngine::load(&mut tensors, network, vec![files.pooling], setup)?
            .with_threads(threads);
        let head = RerankerHead::load(&mut tensors, files, setup.arithmetic.level)?;
        let output = files.output(head.label_count())?;
        let pairs = Pairs::load(files, engine.vocab_size())?;
        let info = RerankerInfo {
            architecture: config.model_type.clone(),
            layer_count: config.layer_count,
            label_count: head.label_count(),
            output: output.name().to_owned(),
            max_tokens,
            method: "cross-encoder".to_owned(),
            dim: None,
            judges: true,
        };
        Ok((Self { path: folder.to_owned(), pairs, engine, head, output }, info))
    }

    /// # Errors
    /// As [`Reranker::score_with`](super::Reranker::score_with).
    pub(super) fn score(
        &self,
        question: &str,
        passages: &[&str],
        cancel: &CancelToken,
    ) -> Result<Scores> {
        let logits = self.logits(question, passages, cancel)?;
        let rows = logits.rows.chunks_exact(self.head.label_count());
        Ok(Scores {
            scores: rows.map(|row| score(self.output, row)).collect(),
            truncated: logits.truncated,
            question_truncated: logits.question_truncated,
        })
    }

    /// The score from which the model takes a passage for an answer rather than for none: where its
    /// sigmoid is one half.
    pub(super) fn midpoint(&self) -> f32 {
        match self.output {
            Output::Logit => 0.0,
            Output::Sigmoid | Output::Softmax => 0.5,
        }
    }

    pub(super) fn logits(
        &self,
        question: &str,
        passages: &[&str],
        cancel: &CancelToken,
    ) -> Result<Logits> {
        let question = self.pairs.question(question)?;
        let tokens = self.engine.tokenize(passages, cancel, |text| {
            self.pairs.ids(&question, text)?.check(&self.path, self.engine.vocab_size())
        })?;
        let ids: Vec<&[u32]> = tokens.iter().map(|tokens| &tokens.ids[..]).collect();
        let seconds = vec![self.pairs.second(&question); ids.len()];
        let batch = Batch { seconds: &seconds, ..Batch::of(&ids) };
        let run = |pooled: &[f32], out: &mut [f32]| self.head.run(pooled, out);
        let head = RowHead { width: self.head.label_count(), run: &run };
        let rows = self.engine.run(batch, head, cancel)?;
        if let Some(at) = rows.iter().position(|logit| !logit.is_finite()) {
            let passage = at / self.head.label_count();
            let reason = format!("the score of passage {passage} is not finite");
            return Err(Error::model(&self.path, reason));
        }
        let truncated = tokens.iter().enumerate().filter(|(_, tokens)| tokens.truncated);
        Ok(Logits {
            rows,
            truncated: truncated.map(|(row, _)| row).collect(),
            question_truncated: question.truncated,
        })
    }
}

/// One number from the logits of a pair.
fn score(output: Output, logits: &[f32]) -> f32 {
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    match (output, logits) {
        (Output::Softmax, [other, wanted]) => sigmoid(wanted - other),
        (Output::Sigmoid, [logit, ..]) => sigmoid(*logit),
        (_, [logit, ..]) => *logit,
        (_, []) => 0.0,
    }
}
