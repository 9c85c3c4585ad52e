//! Hits to better hits: question and passage read together by a cross-encoder (Nogueira and Cho
//! 2019), or each alone by a model of late interaction, whose tokens meet afterwards (Khattab and
//! Zaharia 2020).
//!
//! Owns the way from a pair of texts to a score: tokens of both ([`pairs`], [`marked`]), the
//! encoder's own forward pass, what is made of its states ([`head`], [`late_interaction`]). What a
//! model folder says is read in [`crate::model`].

mod cross_encoder;
mod head;
mod late_interaction;
mod marked;
mod pairs;

use std::path::Path;

use serde::Serialize;

use crate::encode::EncoderOptions;
use crate::encode::engine::Setup;
use crate::error::Result;
use crate::model::reranker::RerankerFolder;
use crate::progress::Call;
use crate::search::Hit;

pub use crate::options::reranker::RerankerOptions;
use cross_encoder::CrossEncoder;
use late_interaction::LateInteraction;

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
    /// Logits of a pair, 1 or 2; 0 for late interaction, which has none.
    pub label_count: usize,
    /// What they become: `"logit"`, `"sigmoid"` or `"softmax"`; `"maxsim"` for late interaction.
    pub output: String,
    /// Most tokens of a question and a passage together, special tokens included; for late
    /// interaction those of a passage.
    pub max_tokens: usize,
    /// `"cross-encoder"` or `"late-interaction"`.
    pub method: String,
    /// Length of a token's vector, in late interaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dim: Option<usize>,
    /// Whether a score tells by itself if a passage answers, so that `ask` may refuse by it. Sums
    /// of late interaction sort passages and tell no more.
    pub judges: bool,
}

/// Scores of passages for one question, in the order of the passages.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Higher is better; from 0 to 1, or any number where the model gives its logit as it is; in
    /// late interaction a sum of cosines, at most one for each token of the question.
    pub scores: Vec<f32>,
    /// Passages longer than the model takes, a cross-encoder beside the question; only their
    /// beginnings were read.
    pub truncated: Vec<usize>,
    /// Whether only the beginning of the question was read; see [`Reranker::score`].
    pub question_truncated: bool,
}

/// A loaded reranker: a cross-encoder, or a model of late interaction. Any number of threads may
/// use it at once.
///
/// A score depends on its question and passage alone: not on the passages beside it, their order,
/// or the number of threads.
pub struct Reranker {
    scorer: Scorer,
    info: RerankerInfo,
}

/// What scores.
enum Scorer {
    CrossEncoder(Box<CrossEncoder>),
    LateInteraction(Box<LateInteraction>),
}

impl std::fmt::Debug for Reranker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reranker").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Reranker {
    /// Loads the folder of a `...ForSequenceClassification` as `transformers` saves it, or of a
    /// model of late interaction as Stanford's ColBERT, PyLate or sentence-transformers saves it;
    /// the folder tells which.
    ///
    /// Families of cross-encoders: BERT, RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT, ModernBERT
    /// and GTE. One label gives its sigmoid, or the logit as it is where sentence-transformers'
    /// settings in the folder name `Identity`; two labels give the share of the second (softmax).
    /// Texts are joined as `tokenizer.json` says; truncation and padding inside it are ignored, and
    /// a pair has as many tokens as `tokenizer_config.json` and the positions allow.
    ///
    /// Late interaction runs every family that [`Encoder::load`](crate::encode::Encoder::load)
    /// does. Markers, lengths, the mask tokens that fill a question up and the tokens of passages
    /// that do not count are the folder's own. A score is the sum over the question's tokens of
    /// their greatest cosine with a token of the passage (Khattab and Zaharia 2020, section 3.3).
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
        let threads = threads.asked();
        let (scorer, info) = match RerankerFolder::read(folder)? {
            RerankerFolder::CrossEncoder(files) => {
                let (model, info) = CrossEncoder::load(folder, &files, setup, threads)?;
                (Scorer::CrossEncoder(Box::new(model)), info)
            }
            RerankerFolder::LateInteraction(files) => {
                let (model, info) = LateInteraction::load(folder, &files, setup, threads)?;
                (Scorer::LateInteraction(Box::new(model)), info)
            }
        };
        Ok(Self { scorer, info })
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
    /// A pair that is too long for a cross-encoder loses the end of its passage. The question stays
    /// whole unless it would leave less than a quarter of the model's tokens to passages; then it
    /// too is cut, to what leaves them that, and
    /// [`Scores::question_truncated`] says so. In late interaction each has a length of its own.
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
        let passages: Vec<&str> = passages.iter().map(AsRef::as_ref).collect();
        match &self.scorer {
            Scorer::CrossEncoder(model) => model.score(question, &passages, call.token()),
            Scorer::LateInteraction(model) => model.score(question, &passages, call.token()),
        }
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

    /// The score from which the model takes a passage for an answer rather than for none; `None`
    /// for one whose scores only sort, as those of late interaction do.
    pub(crate) fn midpoint(&self) -> Option<f32> {
        match &self.scorer {
            Scorer::CrossEncoder(model) => Some(model.midpoint()),
            Scorer::LateInteraction(_) => None,
        }
    }

    /// Whether it reads many languages, by the size of its vocabulary.
    pub(crate) fn is_multilingual(&self) -> bool {
        let engine = match &self.scorer {
            Scorer::CrossEncoder(model) => &model.engine,
            Scorer::LateInteraction(model) => &model.engine,
        };
        engine.vocab_size() >= MANY_LANGUAGES
    }
}

/// What the encoder read of a hit's passage.
fn text(hit: &Hit) -> String {
    match &hit.heading {
        Some(heading) => format!("{heading}\n{}", hit.text),
        None => hit.text.clone(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
