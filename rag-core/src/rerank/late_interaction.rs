//! Scores of late interaction (Khattab and Zaharia 2020): question and passage are read apart, then
//! each token of the question takes the passage's token nearest to it, and their cosines are added
//! up.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::marked::{MarkedQuestion, MarkedTexts};
use super::{RerankerInfo, Scores};
use crate::encode::engine::{EncoderEngine, Setup, StateHead};
use crate::encode::head::Dense;
use crate::encode::network::{Batch, NetworkConfig};
use crate::error::{Error, Result};
use crate::kernels::elementwise::norm::normalize;
use crate::kernels::gemm::PostOp;
use crate::kernels::gemm::linear::{Arithmetic, Inputs, Linear, NumberFormat, Product};
use crate::kernels::isa::Isa;
use crate::model::encoder::DenseFolder;
use crate::model::formats::safetensors::Tensors;
use crate::model::reranker::late_interaction::{LateInteractionFolder, ProjectionPlace};
use crate::progress::CancelToken;

/// A loaded model of late interaction.
pub(super) struct LateInteraction {
    path: PathBuf,
    pub(super) texts: MarkedTexts,
    pub(super) engine: EncoderEngine,
    projection: Projection,
}

impl LateInteraction {
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if weights or tokenizer are damaged, or not what the folder says.
    pub(super) fn load(
        folder: &Path,
        files: &LateInteractionFolder,
        setup: Setup,
        threads: Option<NonZeroUsize>,
    ) -> Result<(Self, RerankerInfo)> {
        let mut tensors = Tensors::read(&files.weights_path)?;
        let config = &files.config;
        let max_tokens = files.question.max_tokens.max(files.passage.max_tokens);
        let network = NetworkConfig { transformer: config, max_tokens };
        let engine =
            EncoderEngine::load(&mut tensors, network, Vec::new(), setup)?.with_threads(threads);
        let level = setup.arithmetic.level.vectors();
        let projection = Projection::load(&mut tensors, files, level)?;
        let texts = MarkedTexts::load(files, engine.vocab_size())?;
        let info = RerankerInfo {
            architecture: config.model_type.clone(),
            layer_count: config.layer_count,
            label_count: 0,
            output: "maxsim".to_owned(),
            max_tokens: files.passage.max_tokens,
            method: "late-interaction".to_owned(),
            dim: Some(projection.dim),
            judges: false,
        };
        Ok((Self { path: folder.to_owned(), texts, engine, projection }, info))
    }

    /// # Errors
    /// As [`Reranker::score_with`](super::Reranker::score_with).
    pub(super) fn score(
        &self,
        question: &str,
        passages: &[&str],
        cancel: &CancelToken,
    ) -> Result<Scores> {
        let MarkedQuestion { tokens: asked, key_count } = self.texts.question(question)?;
        let asked = asked.check(&self.path, self.engine.vocab_size())?;
        let vectors = self.question_vectors(&asked.ids, key_count, cancel)?;
        let tokens = self.engine.tokenize(passages, cancel, |text| {
            self.texts.passage(text)?.check(&self.path, self.engine.vocab_size())
        })?;
        let ids: Vec<&[u32]> = tokens.iter().map(|tokens| &tokens.ids[..]).collect();
        let run = |ids: &[u32], states: &[f32], score: &mut [f32]| {
            score.fill(self.max_sim(&vectors, ids, states));
        };
        let head = StateHead { width: 1, run: &run };
        let scores = self.engine.run_states(Batch::of(&ids), head, cancel)?;
        if let Some(passage) = scores.iter().position(|score| !score.is_finite()) {
            let reason = format!("the score of passage {passage} is not finite");
            return Err(Error::model(&self.path, reason));
        }
        let truncated = tokens.iter().enumerate().filter(|(_, tokens)| tokens.truncated);
        Ok(Scores {
            scores,
            truncated: truncated.map(|(row, _)| row).collect(),
            question_truncated: asked.truncated,
        })
    }

    /// The vectors of a question's tokens as a layer that multiplies those of a passage with them.
    fn question_vectors(
        &self,
        ids: &[u32],
        key_count: usize,
        cancel: &CancelToken,
    ) -> Result<Linear> {
        let (sequences, key_counts) = ([ids], [key_count]);
        let batch = Batch { key_counts: &key_counts, ..Batch::of(&sequences) };
        let dim = self.projection.dim;
        let run = |_: &[u32], states: &[f32], out: &mut [f32]| {
            out.copy_from_slice(&self.projection.run(states));
        };
        let head = StateHead { width: ids.len() * dim, run: &run };
        let vectors = self.engine.run_states(batch, head, cancel)?;
        Ok(Linear::new(self.projection.arithmetic, &vectors, dim, vec![0.0; ids.len()]))
    }

    /// The sum over the question's tokens of their greatest cosine with a token of the passage.
    fn max_sim(&self, question: &Linear, ids: &[u32], states: &[f32]) -> f32 {
        let vectors = self.projection.run(states);
        let mut cosines = vec![0.0; ids.len() * question.width()];
        let product = Product { lhs: &vectors, post_op: PostOp::None, out: &mut cosines };
        question.run(product, None, &mut Inputs::default());
        let mut greatest = vec![-1.0_f32; question.width()];
        for (id, cosines) in ids.iter().zip(cosines.chunks_exact(question.width())) {
            if self.texts.skips(*id) {
                continue;
            }
            for (greatest, cosine) in greatest.iter_mut().zip(cosines) {
                // a NaN stays, to be found later
                if cosine > greatest || cosine.is_nan() {
                    *greatest = *cosine;
                }
            }
        }
        greatest.iter().sum()
    }
}

/// Layers from a token's state to its vector, of unit length. Always f32.
struct Projection {
    arithmetic: Arithmetic,
    layers: Vec<Dense>,
    dim: usize,
}

impl Projection {
    fn load(tensors: &mut Tensors, files: &LateInteractionFolder, level: Isa) -> Result<Self> {
        let layers = match &files.projection {
            ProjectionPlace::Beside { dim } => {
                let rows = tensors.shape("linear.weight").and_then(|shape| shape.first().copied());
                let beside = DenseFolder {
                    weights_path: files.weights_path.clone(),
                    in_features: files.config.hidden_size,
                    // one that is missing is named by the taking of it
                    out_features: dim.or(rows).filter(|dim| *dim > 0).unwrap_or(1),
                    has_bias: false,
                    has_tanh: false,
                };
                vec![Dense::load(&beside, tensors, level)?]
            }
            ProjectionPlace::Folders(folders) => {
                let load = |folder: &DenseFolder| {
                    Dense::load(folder, &mut Tensors::read(&folder.weights_path)?, level)
                };
                folders.iter().map(load).collect::<Result<_>>()?
            }
        };
        let dim = layers.last().map_or(files.config.hidden_size, Dense::width);
        let arithmetic = Arithmetic { level, format: NumberFormat::F32 };
        Ok(Self { arithmetic, layers, dim })
    }

    /// Unit rows from rows of states.
    fn run(&self, states: &[f32]) -> Vec<f32> {
        let mut inputs = Inputs::default();
        let mut rows = states.to_vec();
        for layer in &self.layers {
            rows = layer.run(&rows, &mut inputs);
        }
        rows.chunks_exact_mut(self.dim).for_each(normalize);
        rows
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
