//! From a pooled state to logits: a dense layer, a function, perhaps a norm, and the labels. Always
//! f32.

use crate::error::{Error, Result};
use crate::kernels::elementwise::activation::Activation;
use crate::kernels::elementwise::norm::LayerNorm;
use crate::kernels::gemm::PostOp;
use crate::kernels::gemm::linear::{Arithmetic, Inputs, Linear, NumberFormat, Product};
use crate::kernels::isa::Isa;
use crate::model::formats::safetensors::Tensors;
use crate::model::reranker::cross_encoder::{CrossEncoderFolder, HeadKind};

/// The layers after pooling.
pub(super) struct RerankerHead {
    level: Isa,
    dense: Linear,
    post_op: PostOp,
    has_tanh: bool,
    norm: Option<Norm>,
    /// Rows of the last layer with their biases.
    labels: Vec<(Vec<f32>, f32)>,
}

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

/// Where a dense layer inside the transformer may stand.
const PREFIXES: [&str; 4] = ["bert.", "gte.", "new.", ""];

impl RerankerHead {
    /// Takes the head out of the weights.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming a tensor that is missing or shaped otherwise.
    pub(super) fn load(
        tensors: &mut Tensors,
        files: &CrossEncoderFolder,
        level: Isa,
    ) -> Result<Self> {
        let hidden = files.config.hidden_size;
        let (dense, post_op, classifier) = match files.head {
            HeadKind::Pooler => {
                let prefix = PREFIXES
                    .into_iter()
                    .find(|prefix| tensors.contains(&format!("{prefix}pooler.dense.weight")));
                let name = format!("{}pooler.dense", prefix.unwrap_or_default());
                (name, PostOp::None, "classifier")
            }
            HeadKind::Classifier => {
                ("classifier.dense".to_owned(), PostOp::None, "classifier.out_proj")
            }
            HeadKind::PreClassifier => {
                let relu = PostOp::Activation(Activation::Relu);
                ("pre_classifier".to_owned(), relu, "classifier")
            }
            HeadKind::Normed { activation, .. } => {
                ("head.dense".to_owned(), PostOp::Activation(activation), "classifier")
            }
        };
        let weight = tensors.take_f32(&format!("{dense}.weight"), &[hidden, hidden])?;
        let bias = match files.head {
            HeadKind::Normed { has_bias: false, .. } => vec![0.0; hidden],
            _ => tensors.take_f32(&format!("{dense}.bias"), &[hidden])?,
        };
        Ok(Self {
            level,
            dense: Linear::new(
                Arithmetic { level, format: NumberFormat::F32 },
                &weight,
                hidden,
                bias,
            ),
            post_op,
            has_tanh: matches!(files.head, HeadKind::Pooler | HeadKind::Classifier),
            norm: norm(tensors, files)?,
            labels: labels(tensors, classifier, files)?,
        })
    }

    /// Logits of a pair.
    pub(super) fn label_count(&self) -> usize {
        self.labels.len()
    }

    /// Turns pooled rows into rows of logits.
    pub(super) fn run(&self, pooled: &[f32], out: &mut [f32]) {
        let hidden = self.dense.width();
        let mut inputs = Inputs::default();
        let mut state = vec![0.0; hidden];
        let rows = out.chunks_exact_mut(self.labels.len());
        for (pooled, logits) in pooled.chunks_exact(hidden).zip(rows) {
            let product = Product { lhs: pooled, post_op: self.post_op, out: &mut state };
            self.dense.run(product, None, &mut inputs);
            if self.has_tanh {
                state.iter_mut().for_each(|value| *value = value.tanh());
            }
            if let Some(Norm { weight, bias, eps }) = &self.norm {
                self.level.run(LayerNorm { rows: &mut state, weight, bias, epsilon: *eps });
            }
            for ((weight, bias), logit) in self.labels.iter().zip(logits) {
                let product = |(a, b): (&f32, &f32)| f64::from(*a) * f64::from(*b);
                let sum: f64 = state.iter().zip(weight).map(product).sum();
                *logit = (sum + f64::from(*bias)) as f32;
            }
        }
    }
}

fn norm(tensors: &mut Tensors, files: &CrossEncoderFolder) -> Result<Option<Norm>> {
    if !matches!(files.head, HeadKind::Normed { .. }) {
        return Ok(None);
    }
    let hidden = files.config.hidden_size;
    let weight = tensors.take_f32("head.norm.weight", &[hidden])?;
    Ok(Some(Norm { weight, bias: vec![0.0; hidden], eps: files.config.layer_norm_eps }))
}

/// One row for each label; the weights say how many there are.
fn labels(
    tensors: &mut Tensors,
    name: &str,
    files: &CrossEncoderFolder,
) -> Result<Vec<(Vec<f32>, f32)>> {
    let hidden = files.config.hidden_size;
    let weight = format!("{name}.weight");
    let count = match tensors.shape(&weight) {
        Some([count @ 1..=64, _]) => *count,
        Some(shape) => {
            let reason =
                format!("tensor {weight} has shape {shape:?}, expected labels by {hidden}");
            return Err(Error::model(&files.weights_path, reason));
        }
        // named by the taking of it
        None => 1,
    };
    let rows = tensors.take_f32(&weight, &[count, hidden])?;
    let biases = tensors.take_f32(&format!("{name}.bias"), &[count])?;
    Ok(rows.chunks_exact(hidden).map(<[f32]>::to_vec).zip(biases).collect())
}
