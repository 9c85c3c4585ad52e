//! candle-transformers' networks under the same weights: for GPUs, and to compare ours with.
//!
//! Owns how our families stand under candle's names, and its padded batches. BERT, RoBERTa,
//! XLM-RoBERTa, CamemBERT and DistilBERT all run as candle's BERT, with the position rows that they
//! use: its own networks for the others count positions by padding ids, or mask and activate
//! otherwise than their models. ModernBERT and Nomic are its own.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{bert, modernbert, nomic_bert};

use crate::error::{Error, Result};
use crate::kernels::elementwise::activation::Activation;
use crate::model::Backend;
use crate::model::encoder::Pooling;
use crate::model::encoder::architecture::{Positions, Rotary, TransformerConfig};
use crate::model::encoder::family::{EncoderFamily, EncoderLayout};
use crate::model::formats::safetensors::Tensors;
use crate::progress::CancelToken;

use super::network::{Batch, NetworkConfig, pool};
use super::weights::WeightSource;

type Outcome<T> = candle_core::Result<T>;

/// Tokens of one padded batch on a GPU, and on the CPU.
const GPU_TOKENS: usize = 1 << 15;
const CPU_TOKENS: usize = 1 << 10;

/// A network of candle's, loaded. Any number of threads may use it at once.
pub(super) struct CandleEncoder {
    path: PathBuf,
    model: Model,
    device: Device,
    hidden: usize,
    vocab_size: usize,
    max_tokens: usize,
}

enum Model {
    Bert(bert::BertModel),
    Modern(modernbert::ModernBert),
    Nomic(nomic_bert::NomicBertModel),
}

fn failed(path: &Path, cause: candle_core::Error) -> Error {
    Error::model_cause(path, "candle cannot run its network", cause)
}

impl CandleEncoder {
    /// Takes the weights out of `tensors`.
    ///
    /// # Errors
    /// Model naming a tensor that is missing or shaped otherwise, or a family that candle does not
    /// run; InvalidArgument for a device that is not there.
    pub(super) fn load(
        tensors: &mut Tensors,
        network: NetworkConfig<'_>,
        backend: Backend,
    ) -> Result<Self> {
        let NetworkConfig { transformer: config, max_tokens } = network;
        let device = backend.device()?;
        let path = tensors.path().to_owned();
        let source = WeightSource::new(tensors, config);
        let to = match config.family {
            EncoderFamily::Bert | EncoderFamily::DistilBert => EncoderFamily::Bert.layout(),
            EncoderFamily::ModernBert | EncoderFamily::NomicBert => source.names,
            _ => {
                let reason = format!(
                    "{backend}, but candle does not run {} here: it does bert, roberta, xlm-roberta, camembert, \
                     distilbert, modernbert and nomic_bert",
                    config.model_type
                );
                return Err(Error::invalid("backend", reason));
            }
        };
        let prefix = if config.family == EncoderFamily::ModernBert { "model." } else { "" };
        let mut renamed =
            Renamed { source, to, prefix, path: &path, device: &device, tensors: HashMap::new() };
        renamed.all()?;
        let weights = VarBuilder::from_tensors(renamed.tensors, DType::F32, &device);
        let model = model(network, weights, backend)?.map_err(|cause| failed(&path, cause))?;
        let (hidden, vocab_size) = (config.hidden_size, config.vocab_size);
        Ok(Self { path, model, device, hidden, vocab_size, max_tokens })
    }

    pub(super) fn hidden(&self) -> usize {
        self.hidden
    }

    pub(super) fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The pooled states of sequences of checked ids, one row each in their order, as
    /// [`EncoderNetwork::forward`](super::network::Network::forward) makes them.
    ///
    /// Sequences of like length are padded to the longest of them. A row depends on the batch
    /// around it by rounding alone.
    ///
    /// # Errors
    /// Cancelled between batches; Model if candle fails.
    pub(super) fn pooled(
        &self,
        all: Batch<'_>,
        poolings: &[Pooling],
        cancel: &CancelToken,
    ) -> Result<Vec<f32>> {
        let width = self.hidden * poolings.len();
        let mut pooled = vec![0.0; all.sequences.len() * width];
        let length = |row: usize| all.sequences.get(row).map_or(0, |ids| ids.len());
        let mut order: Vec<usize> = (0..all.sequences.len()).collect();
        order.sort_by_key(|&row| (Reverse(length(row)), row));
        let most = if self.device.is_cpu() { CPU_TOKENS } else { GPU_TOKENS };
        let mut rest = &order[..];
        while let Some(&longest) = rest.first() {
            cancel.check()?;
            let count = (most / length(longest).max(1)).clamp(1, rest.len());
            let (rows, later) = rest.split_at(count);
            let states =
                self.states(all, rows, poolings).map_err(|cause| failed(&self.path, cause))?;
            for (row, states) in rows.iter().zip(states) {
                let out = &mut pooled[row * width..][..width];
                for (pooling, part) in poolings.iter().zip(out.chunks_exact_mut(self.hidden)) {
                    // a pooled state is the mean of itself
                    let pooling =
                        if states.len() == self.hidden { Pooling::Mean } else { *pooling };
                    pool(pooling, &states, part);
                }
            }
            rest = later;
        }
        Ok(pooled)
    }

    /// The states of each of `rows`, `[length, hidden]`; one state where it was pooled on the
    /// device.
    fn states(
        &self,
        all: Batch<'_>,
        rows: &[usize],
        poolings: &[Pooling],
    ) -> Outcome<Vec<Vec<f32>>> {
        let sequences: Vec<&[u32]> = rows.iter().map(|&row| all.sequences[row]).collect();
        let longest = sequences.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let (mut ids, mut types, mut mask) = (Vec::new(), Vec::new(), Vec::new());
        for (row, sequence) in rows.iter().zip(&sequences) {
            let (len, second) = (sequence.len(), all.second(*row));
            ids.extend_from_slice(sequence);
            ids.resize(ids.len() + longest - len, 0);
            types.extend((0..longest).map(|at| u32::from(at >= second && at < len)));
            mask.extend((0..longest).map(|at| u32::from(at < len)));
        }
        let shape = (sequences.len(), longest);
        let tensor = |values| Tensor::from_vec(values, shape, &self.device);
        let (ids, types, mask) = (tensor(ids)?, tensor(types)?, tensor(mask)?);
        let states = match &self.model {
            Model::Bert(model) => model.forward(&ids, &types, Some(&mask))?,
            Model::Modern(model) => model.forward(&ids, &mask)?,
            Model::Nomic(model) => model.forward(&ids, Some(&types), Some(&mask))?,
        };
        let pooled = match poolings {
            [Pooling::Cls] => Some(states.narrow(1, 0, 1)?.squeeze(1)?),
            [Pooling::Mean] => {
                let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
                let sum = states.broadcast_mul(&mask)?.sum(1)?;
                Some(sum.broadcast_div(&mask.sum(1)?)?)
            }
            _ => None,
        };
        if let Some(pooled) = pooled {
            return pooled.to_vec2();
        }
        let flat: Vec<f32> = states.flatten_all()?.to_vec1()?;
        let padded = flat.chunks_exact(longest * self.hidden);
        Ok(padded
            .zip(&sequences)
            .map(|(all, ids)| all[..ids.len() * self.hidden].to_vec())
            .collect())
    }
}

/// Weights under the names that candle knows them by.
struct Renamed<'a> {
    source: WeightSource<'a>,
    to: &'static EncoderLayout,
    prefix: &'static str,
    path: &'a Path,
    device: &'a Device,
    tensors: HashMap<String, Tensor>,
}

impl Renamed<'_> {
    fn put(&mut self, name: &str, values: Vec<f32>, shape: &[usize]) -> Result<()> {
        let tensor = Tensor::from_vec(values, shape, self.device)
            .map_err(|cause| failed(self.path, cause))?;
        self.tensors.insert(format!("{}{name}", self.prefix), tensor);
        Ok(())
    }

    fn norm(&mut self, from: &str, to: &str) -> Result<()> {
        let norm = self.source.norm(from)?;
        let shape = [norm.weight.len()];
        self.put(&format!("{to}.weight"), norm.weight, &shape)?;
        match self.source.names.norms_first {
            true => Ok(()),
            false => self.put(&format!("{to}.bias"), norm.bias, &shape),
        }
    }

    fn linear(&mut self, from: &str, to: &str, shape: [usize; 2], bias: bool) -> Result<()> {
        let (weight, biases) = self.source.rows(from, shape, bias)?;
        self.put(&format!("{to}.weight"), weight, &shape)?;
        match bias {
            true => self.put(&format!("{to}.bias"), biases, &shape[..1]),
            false => Ok(()),
        }
    }

    fn all(&mut self) -> Result<()> {
        let (config, names) = (self.source.config, self.source.names);
        let shape = [config.vocab_size, config.hidden_size];
        let words = self.source.values(names.words, &shape)?;
        self.put(self.to.words, words, &shape)?;
        self.tables()?;
        self.norm(names.input_norm, self.to.input_norm)?;
        (0..config.layer_count).try_for_each(|index| self.layer(index))?;
        if self.source.names.norms_first {
            self.norm("final_norm", "final_norm")?;
        }
        Ok(())
    }

    /// Positions from the first used one on, and types.
    fn tables(&mut self) -> Result<()> {
        let (config, names) = (self.source.config, self.source.names);
        let hidden = config.hidden_size;
        if let Positions::Table { first } = config.positions {
            let shape = [config.position_count, hidden];
            let mut rows = self.source.values(names.positions, &shape)?;
            rows.drain(..first * hidden);
            self.put(self.to.positions, rows, &[config.position_count - first, hidden])?;
        }
        let shape = [type_count(config), hidden];
        match (config.type_count, config.family) {
            (0, EncoderFamily::ModernBert | EncoderFamily::NomicBert) => Ok(()),
            (0, _) => self.put(self.to.types, vec![0.0; hidden], &shape),
            _ => {
                let types = self.source.values(names.types, &shape)?;
                self.put(self.to.types, types, &shape)
            }
        }
    }

    fn layer(&mut self, index: usize) -> Result<()> {
        let (config, names, to) = (self.source.config, self.source.names, self.to);
        let hidden = config.hidden_size;
        let old = |part: &str| format!("{}.{index}.{part}", names.layer);
        let new = |part: &str| format!("{}.{index}.{part}", to.layer);
        let bias = names.has_biases;
        let rows = 3 * hidden / names.qkv.len();
        for (from, to) in names.qkv.iter().zip(to.qkv) {
            self.linear(&old(from), &new(to), [rows, hidden], bias)?;
        }
        let out = [hidden, hidden];
        self.linear(&old(names.attention_out), &new(to.attention_out), out, bias)?;
        // ModernBERT's first layer takes the normed embeddings as they are
        let norm = old(names.attention_norm);
        if self.source.has(&format!("{norm}.weight")) || !names.norms_first || index > 0 {
            self.norm(&norm, &new(to.attention_norm))?;
        }
        let wide = config.intermediate_size * if names.is_gated { 2 } else { 1 };
        for (from, to) in names.up.iter().zip(to.up) {
            let shape = [wide / names.up.len(), hidden];
            self.linear(&old(from), &new(to), shape, names.has_up_bias)?;
        }
        let down = [hidden, config.intermediate_size];
        self.linear(&old(names.down), &new(to.down), down, bias)?;
        self.norm(&old(names.out_norm), &new(to.out_norm))
    }
}

/// Rows of the table of types, at least the one that candle asks for.
fn type_count(config: &TransformerConfig) -> usize {
    config.type_count.max(1)
}

fn model(
    network: NetworkConfig<'_>,
    weights: VarBuilder<'static>,
    backend: Backend,
) -> Result<Outcome<Model>> {
    let config = network.transformer;
    Ok(match (config.family, config.positions) {
        (EncoderFamily::ModernBert, Positions::Rotary { global, local, window, global_every }) => {
            only(config, &[Activation::Gelu], backend)?;
            let config = modern(network, (global, local), window, global_every);
            modernbert::ModernBert::load(weights, &config).map(Model::Modern)
        }
        (EncoderFamily::NomicBert, Positions::Rotary { global, .. }) => {
            only(config, &[Activation::Silu], backend)?;
            let config = nomic(network, global);
            nomic_bert::NomicBertModel::load(weights, &config).map(Model::Nomic)
        }
        _ => {
            let known = [Activation::Gelu, Activation::GeluTanh, Activation::Relu];
            only(config, &known, backend)?;
            bert::BertModel::load(weights, &bert_config(config)).map(Model::Bert)
        }
    })
}

fn only(config: &TransformerConfig, known: &[Activation], backend: Backend) -> Result<()> {
    if known.contains(&config.activation) {
        return Ok(());
    }
    let (family, activation) = (&config.model_type, config.activation);
    let reason = format!("{backend}, but candle runs no {family} with {activation:?}");
    Err(Error::invalid("backend", reason))
}

fn bert_config(config: &TransformerConfig) -> bert::Config {
    bert::Config {
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        num_hidden_layers: config.layer_count,
        num_attention_heads: config.head_count,
        intermediate_size: config.intermediate_size,
        hidden_act: match config.activation {
            Activation::Relu => bert::HiddenAct::Relu,
            Activation::GeluTanh => bert::HiddenAct::GeluApproximate,
            Activation::Gelu | Activation::Silu => bert::HiddenAct::Gelu,
        },
        max_position_embeddings: config.position_count - config.first_position(),
        type_vocab_size: type_count(config),
        layer_norm_eps: f64::from(config.layer_norm_eps),
        model_type: None,
        ..bert::Config::default()
    }
}

fn modern(
    NetworkConfig { transformer: config, max_tokens }: NetworkConfig<'_>,
    (global, local): (Rotary, Rotary),
    window: usize,
    global_every: usize,
) -> modernbert::Config {
    modernbert::Config {
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        num_hidden_layers: config.layer_count,
        num_attention_heads: config.head_count,
        intermediate_size: config.intermediate_size,
        max_position_embeddings: max_tokens,
        layer_norm_eps: f64::from(config.layer_norm_eps),
        pad_token_id: 0,
        global_attn_every_n_layers: global_every,
        global_rope_theta: f64::from(global.theta),
        local_attention: 2 * window,
        local_rope_theta: f64::from(local.theta),
        classifier_config: None,
    }
}

fn nomic(network: NetworkConfig<'_>, rotary: Rotary) -> nomic_bert::Config {
    let NetworkConfig { transformer: config, max_tokens } = network;
    nomic_bert::Config {
        vocab_size: config.vocab_size,
        n_embd: config.hidden_size,
        n_head: config.head_count,
        n_layer: config.layer_count,
        n_inner: config.intermediate_size,
        n_positions: max_tokens,
        type_vocab_size: config.type_count,
        layer_norm_epsilon: f64::from(config.layer_norm_eps),
        rotary_emb_base: f64::from(rotary.theta),
        model_type: None,
        ..nomic_bert::Config::default()
    }
}
