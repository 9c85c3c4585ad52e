//! Hits to better hits: question and passage read together by a cross-encoder (Nogueira and Cho
//! 2019).
//!
//! Owns the way from a pair of texts to a score: tokens of both ([`pairs`]), the encoder's own
//! forward pass, the head ([`head`]). What a model folder says is read in [`crate::model`].

mod head;
mod pairs;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::encode::EncoderOptions;
use crate::encode::engine::{EncoderEngine, RowHead, Setup};
use crate::encode::network::{Batch, NetworkConfig};
use crate::error::{Error, Result};
use crate::model::formats::safetensors::Tensors;
use crate::model::reranker::{Output, RerankerFolder};
use crate::progress::{Call, CancelToken};
use crate::search::Hit;

pub use crate::options::reranker::RerankerOptions;
use head::RerankerHead;
use pairs::Pairs;

/// Hits that are reranked where nothing else is said.
pub const DEFAULT_COUNT: usize = 30;

/// Tokens from which a vocabulary is one of many languages: those of one have 30,000 to 50,000,
/// XLM-RoBERTa's 250,000.
const MANY_LANGUAGES: usize = 100_000;

/// What a model folder says of its reranker, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RerankerInfo {
    /// The transformer's family, such as `"xlm-roberta"`.
    pub architecture: String,
    /// Transformer layers.
    pub layer_count: usize,
    /// Logits of a pair, 1 or 2.
    pub label_count: usize,
    /// What they become: `"logit"`, `"sigmoid"` or `"softmax"`.
    pub output: String,
    /// Most tokens of a question and a passage together, special tokens included.
    pub max_tokens: usize,
}

/// Scores of passages for one question, in the order of the passages.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Higher is better; from 0 to 1, or any number where the model gives its logit as it is.
    pub scores: Vec<f32>,
    /// Passages longer than the model takes beside the question; only their beginnings were read.
    pub truncated: Vec<usize>,
    /// Whether only the beginning of the question was read; see [`Reranker::score`].
    pub question_truncated: bool,
}

/// A loaded cross-encoder. Any number of threads may use it at once.
///
/// A score depends on its question and passage alone: not on the passages beside it, their order,
/// or the number of threads.
pub struct Reranker {
    path: PathBuf,
    pairs: Pairs,
    engine: EncoderEngine,
    head: RerankerHead,
    output: Output,
    info: RerankerInfo,
}

impl std::fmt::Debug for Reranker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reranker").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Reranker {
    /// Loads the folder of a `...ForSequenceClassification` as `transformers` saves it.
    ///
    /// Families: BERT, RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT, ModernBERT and GTE. One label
    /// gives its sigmoid, or the logit as it is where sentence-transformers' settings in the folder
    /// name `Identity`; two labels give the share of the second (softmax). Texts are joined as
    /// `tokenizer.json` says; truncation and padding inside it are ignored, and a pair has as many
    /// tokens as `tokenizer_config.json` and the positions allow.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if a file is missing, damaged or of a kind we do not run, such as
    /// an encoder.
    pub fn load(folder: &Path) -> Result<Self> {
        Self::load_with(folder, &RerankerOptions::default())
    }

    /// Loads a folder as [`Reranker::load`] does, with options.
    ///
    /// # Errors
    /// As [`Reranker::load`]; [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if
    /// this CPU does not have the level asked for.
    pub fn load_with(folder: &Path, options: &RerankerOptions) -> Result<Self> {
        let RerankerOptions { precision, level, threads } = *options;
        let setup = Setup::new(&EncoderOptions { precision, level, ..EncoderOptions::default() })?;
        let files = RerankerFolder::read(folder)?;
        let mut tensors = Tensors::read(&files.weights_path)?;
        let (config, max_tokens) = (&files.config, files.max_tokens);
        let network = NetworkConfig { transformer: config, max_tokens };
        let engine = EncoderEngine::load(&mut tensors, network, vec![files.pooling], setup)?
            .with_threads(threads.asked());
        let head = RerankerHead::load(&mut tensors, &files, setup.arithmetic.level)?;
        let output = files.output(head.label_count())?;
        let pairs = Pairs::load(&files, engine.vocab_size())?;
        let info = RerankerInfo {
            architecture: config.model_type.clone(),
            layer_count: config.layer_count,
            label_count: head.label_count(),
            output: output.name().to_owned(),
            max_tokens,
        };
        Ok(Self { path: folder.to_owned(), pairs, engine, head, output, info })
    }

    /// Loads a folder in full and says what is in it.
    ///
    /// # Errors
    /// As [`Reranker::load`].
    pub fn inspect(folder: &Path) -> Result<RerankerInfo> {
        Ok(Self::load(folder)?.info)
    }

    /// What the folder says.
    #[must_use]
    pub fn info(&self) -> &RerankerInfo {
        &self.info
    }

    /// How well each passage answers `question`.
    ///
    /// A pair that is too long loses the end of its passage. The question stays whole unless it
    /// would leave less than a quarter of the model's tokens to passages; then it too is cut, to
    /// what leaves them that, and
    /// [`Scores::question_truncated`] says so.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if a score is not finite.
    pub fn score<S: AsRef<str>>(&self, question: &str, passages: &[S]) -> Result<Scores> {
        self.score_with(question, passages, Call::new())
    }

    /// As [`Reranker::score`], until it is cancelled.
    ///
    /// # Errors
    /// As [`Reranker::score`]; [`ErrorCode::Cancelled`](crate::ErrorCode::Cancelled) between
    /// batches.
    pub fn score_with<S: AsRef<str>>(
        &self,
        question: &str,
        passages: &[S],
        call: Call<'_>,
    ) -> Result<Scores> {
        let logits = self.logits(question, passages, call.token())?;
        let scores = logits.rows.chunks_exact(self.head.label_count());
        Ok(Scores {
            scores: scores.map(|row| score(self.output, row)).collect(),
            truncated: logits.truncated,
            question_truncated: logits.question_truncated,
        })
    }

    /// Sorts the first `count` hits by their scores for `question`; those after them keep their
    /// places. The score of a hit that was sorted is the reranker's, and its rank stands in its
    /// ranks. Equal scores keep their order.
    ///
    /// A passage is read as the encoder read it, with its headings before it.
    ///
    /// # Errors
    /// As [`Reranker::score`].
    pub fn rerank(&self, question: &str, hits: &mut [Hit], count: usize) -> Result<()> {
        self.rerank_with(question, hits, count, Call::new())
    }

    /// As [`Reranker::rerank`], until it is cancelled.
    ///
    /// # Errors
    /// As [`Reranker::score_with`].
    pub fn rerank_with(
        &self,
        question: &str,
        hits: &mut [Hit],
        count: usize,
        call: Call<'_>,
    ) -> Result<()> {
        let count = count.min(hits.len());
        let Some(first) = hits.get_mut(..count) else { return Ok(()) };
        let texts: Vec<String> = first.iter().map(text).collect();
        let scores = self.score_with(question, &texts, call)?.scores;
        first.iter_mut().zip(scores).for_each(|(hit, score)| hit.score = score);
        first.sort_by(|a, b| b.score.total_cmp(&a.score));
        for (rank, hit) in (1..).zip(first) {
            hit.ranks.rerank = Some(rank);
        }
        Ok(())
    }

    /// The score from which the model takes a passage for an answer rather than for none: where its
    /// sigmoid is one half.
    pub(crate) fn midpoint(&self) -> f32 {
        match self.output {
            Output::Logit => 0.0,
            Output::Sigmoid | Output::Softmax => 0.5,
        }
    }

    /// Whether it reads many languages, by the size of its vocabulary.
    pub(crate) fn is_multilingual(&self) -> bool {
        self.engine.vocab_size() >= MANY_LANGUAGES
    }

    fn logits<S: AsRef<str>>(
        &self,
        question: &str,
        passages: &[S],
        cancel: &CancelToken,
    ) -> Result<Logits> {
        let question = self.pairs.question(question)?;
        let texts: Vec<&str> = passages.iter().map(AsRef::as_ref).collect();
        let tokens = self.engine.tokenize(&texts, cancel, |text| {
            self.pairs.ids(&question, text)?.check(&self.path, self.engine.vocab_size())
        })?;
        let ids: Vec<&[u32]> = tokens.iter().map(|tokens| &tokens.ids[..]).collect();
        let seconds = vec![self.pairs.second(&question); ids.len()];
        let batch = Batch { sequences: &ids, seconds: &seconds };
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

/// What the network gives for one question.
struct Logits {
    rows: Vec<f32>,
    truncated: Vec<usize>,
    question_truncated: bool,
}

/// What the encoder read of a hit's passage.
fn text(hit: &Hit) -> String {
    match &hit.heading {
        Some(heading) => format!("{heading}\n{}", hit.text),
        None => hit.text.clone(),
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
