//! Which of candle's networks runs which files, and how each is called.
//!
//! Only those that give the logits of `transformers` in our tests are here: a network that reads a
//! configuration and passes over half of it would answer, and wrongly.

use candle_core::quantized::gguf_file;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models;
use serde_json::json;

use super::settings::{self, MAX_CONTEXT_LEN, Settings};
use crate::error::{Error, Result};
use crate::files::PlainFile;
use crate::model::formats::gguf::Gguf;
use crate::model::generator::files::GeneratorFiles;
use crate::model::generator::folder::GeneratorFolder;

type Outcome<T> = candle_core::Result<T>;

/// A network that takes in tokens and remembers them.
pub(super) trait CandleStep: Send {
    /// Takes in `ids`, `[1, count]`, the first of which stands at `position`; the logits after the
    /// last.
    fn step(&mut self, ids: &Tensor, position: usize) -> Outcome<Tensor>;

    /// Forgets all it took in.
    fn reset(&mut self) -> Outcome<()>;
}

/// A network, loaded.
pub(super) struct Built {
    pub(super) step: Box<dyn CandleStep>,
    pub(super) architecture: &'static str,
    pub(super) context_len: usize,
    pub(super) kv_bytes_per_token: usize,
    /// Whether it takes in several tokens at once after others.
    pub(super) resumes: bool,
}

/// How a network takes in tokens.
type Forward<M> = fn(&mut M, &Tensor, usize) -> Outcome<Tensor>;

/// A network of which a copy is kept that has taken in nothing. Copies share their weights.
struct Copied<M> {
    model: M,
    empty: M,
    forward: Forward<M>,
}

impl<M: Clone + Send> CandleStep for Copied<M> {
    fn step(&mut self, ids: &Tensor, position: usize) -> Outcome<Tensor> {
        (self.forward)(&mut self.model, ids, position)
    }

    fn reset(&mut self) -> Outcome<()> {
        self.model = self.empty.clone();
        Ok(())
    }
}

fn copied<M: Clone + Send + 'static>(model: M, forward: Forward<M>) -> Box<dyn CandleStep> {
    Box::new(Copied { empty: model.clone(), model, forward })
}

/// StableLM, which cannot be copied, made again from the same weights.
struct StableLm {
    model: models::stable_lm::Model,
    config: models::stable_lm::Config,
    weights: VarBuilder<'static>,
}

impl CandleStep for StableLm {
    fn step(&mut self, ids: &Tensor, position: usize) -> Outcome<Tensor> {
        self.model.forward(ids, position)
    }

    fn reset(&mut self) -> Outcome<()> {
        self.model = models::stable_lm::Model::new(&self.config, self.weights.clone())?;
        Ok(())
    }
}

/// A family of `transformers` folders.
struct CandleFamily {
    /// `model_type` of the configuration.
    name: &'static str,
    /// Whether our own decoder runs it too.
    is_ours: bool,
    /// Whether it takes in several tokens at once after others.
    resumes: bool,
    /// Whether it reads `rope_scaling`.
    scales_positions: bool,
    /// Whether it mixes f32 with what its weights are in, so that these must be f32 on a GPU too.
    needs_f32: bool,
    embedding: &'static str,
    build: fn(Settings<'_>, VarBuilder<'static>) -> Result<Box<dyn CandleStep>>,
}

const EMBEDDING: &str = "model.embed_tokens.weight";

const FALCON: CandleFamily = CandleFamily {
    name: "falcon",
    is_ours: false,
    resumes: false,
    scales_positions: false,
    needs_f32: false,
    embedding: "transformer.word_embeddings.weight",
    build: falcon,
};
const OLMO: CandleFamily =
    CandleFamily { name: "olmo", resumes: true, embedding: EMBEDDING, build: olmo, ..FALCON };

const FAMILIES: &[CandleFamily] = &[
    FALCON,
    CandleFamily { name: "glm4", build: glm4, ..OLMO },
    CandleFamily { name: "helium", build: helium, ..OLMO },
    CandleFamily { name: "mixtral", needs_f32: true, build: mixtral, ..OLMO },
    OLMO,
    CandleFamily { name: "olmo2", build: olmo2, ..OLMO },
    CandleFamily { name: "phi", resumes: false, needs_f32: true, build: phi, ..OLMO },
    CandleFamily { name: "qwen2_moe", build: qwen2_moe, ..OLMO },
    CandleFamily { name: "qwen3_moe", build: qwen3_moe, ..OLMO },
    CandleFamily { name: "stablelm", build: stable_lm, ..OLMO },
    CandleFamily { name: "starcoder2", build: starcoder2, ..OLMO },
    CandleFamily { name: "llama", is_ours: true, scales_positions: true, build: llama, ..OLMO },
    CandleFamily { name: "mistral", is_ours: true, build: mistral, ..OLMO },
    CandleFamily { name: "qwen2", is_ours: true, build: qwen2, ..OLMO },
    CandleFamily { name: "qwen3", is_ours: true, build: qwen3, ..OLMO },
    CandleFamily { name: "gemma", is_ours: true, build: gemma, ..OLMO },
];

/// GGUF architectures that candle runs for us and the longest context it has tables for. Our own
/// decoder runs them all: these are for GPUs.
const GGUF_FAMILIES: &[(&str, usize)] =
    &[("llama", models::quantized_llama::MAX_SEQ_LEN), ("qwen2", MAX_CONTEXT_LEN)];

/// Whether these files are of a family that our own decoder does not run and candle does.
pub(super) fn only_candle_runs(files: &GeneratorFiles) -> bool {
    match files {
        GeneratorFiles::Gguf(_) => false,
        GeneratorFiles::Folder(folder) => family(folder).is_some_and(|family| !family.is_ours),
    }
}

/// The network of these files.
///
/// # Errors
/// Model, naming what is missing, contradictory or not run; Io.
pub(super) fn build(files: &GeneratorFiles, device: &Device) -> Result<Built> {
    match files {
        GeneratorFiles::Gguf(gguf) => of_gguf(gguf, device),
        GeneratorFiles::Folder(folder) => of_folder(folder, device),
    }
}

/// Names of the families that candle runs and our own decoder does not, for errors.
pub(in crate::generate) fn names() -> String {
    let names = FAMILIES.iter().filter(|family| !family.is_ours).map(|family| family.name);
    names.collect::<Vec<_>>().join(", ")
}

fn family(folder: &GeneratorFolder) -> Option<&'static CandleFamily> {
    FAMILIES.iter().find(|family| family.name == folder.architecture())
}

fn of_folder(folder: &GeneratorFolder, device: &Device) -> Result<Built> {
    let family = family(folder).ok_or_else(|| {
        let known: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
        let (found, known) = (folder.architecture(), known.join(", "));
        folder.bad(format!("candle does not run model_type {found:?} here, it does {known}"))
    })?;
    let settings = Settings::read(folder, family.scales_positions)?;
    settings.check_sizes(family.embedding)?;
    if cfg!(feature = "cuda") && device.is_cpu() && family.name == "qwen3_moe" {
        let reason = "candle runs qwen3_moe on a GPU alone in builds with the feature `cuda`";
        return Err(folder.bad(reason.to_owned()));
    }
    let dtype = if family.needs_f32 { DType::F32 } else { settings::dtype(device) };
    let weights = settings.weights(device, family.embedding, dtype)?;
    Ok(Built {
        context_len: settings.context_len,
        kv_bytes_per_token: settings.kv_numbers_per_token() * dtype.size_in_bytes(),
        architecture: family.name,
        resumes: family.resumes,
        step: (family.build)(settings, weights)?,
    })
}

/// Names a network's own error.
trait OrBad<T> {
    fn or_bad(self, settings: &Settings<'_>) -> Result<T>;
}

impl<T> OrBad<T> for Outcome<T> {
    fn or_bad(self, settings: &Settings<'_>) -> Result<T> {
        self.map_err(|cause| settings.failed(cause))
    }
}

macro_rules! families {
    ($($name:ident: $module:ident::$model:ident($($flag:expr)?), $adapt:expr;)*) => {$(
        fn $name(settings: Settings<'_>, weights: VarBuilder<'static>) -> Result<Box<dyn CandleStep>> {
            let adapt: fn(Settings<'_>) -> Result<Settings<'_>> = $adapt;
            let settings = adapt(settings)?;
            let config: models::$module::Config = settings.parse()?;
            let model = models::$module::$model::new($($flag,)? &config, weights).or_bad(&settings)?;
            Ok(copied(model, |model, ids, position| model.forward(ids, position)))
        }
    )*};
}

families! {
    glm4: glm4_new::ModelForCausalLM(), as_it_is;
    helium: helium::Model(), as_it_is;
    mixtral: mixtral::Model(), as_it_is;
    olmo: olmo::Model(), as_it_is;
    olmo2: olmo2::Model(), as_it_is;
    qwen2_moe: qwen2_moe::Model(), every_layer_has_experts;
    qwen3_moe: qwen3_moe::ModelForCausalLM(), every_layer_has_experts;
    starcoder2: starcoder2::Model(), as_it_is;
    mistral: mistral::Model(), as_it_is;
    qwen2: qwen2::ModelForCausalLM(), as_it_is;
    qwen3: qwen3::ModelForCausalLM(), as_it_is;
    gemma: gemma::Model(false), as_it_is;
}

fn as_it_is(settings: Settings<'_>) -> Result<Settings<'_>> {
    Ok(settings)
}

/// candle knows no exceptions from the rule which layers have experts.
fn every_layer_has_experts(settings: Settings<'_>) -> Result<Settings<'_>> {
    if settings.has_entries("mlp_only_layers") {
        return Err(settings.bad("mlp_only_layers is not supported"));
    }
    // its newer name
    let settings = match settings.count("num_local_experts") {
        Some(count) => settings.or("num_experts", json!(count)),
        None => settings,
    };
    Ok(settings.or("decoder_sparse_step", json!(1)).or("norm_topk_prob", json!(false)))
}

fn falcon(settings: Settings<'_>, weights: VarBuilder<'static>) -> Result<Box<dyn CandleStep>> {
    if settings.is("alibi") || settings.is("new_decoder_architecture") {
        return Err(settings.bad("alibi and new_decoder_architecture are not supported"));
    }
    let heads = if settings.is("multi_query") { 1 } else { heads_of(&settings) };
    let settings = settings.or("n_head_kv", json!(heads));
    let config: models::falcon::Config = settings.parse()?;
    let model = models::falcon::Falcon::load(weights, config).or_bad(&settings)?;
    Ok(copied(model, |model, ids, _| model.forward(ids)))
}

fn heads_of(settings: &Settings<'_>) -> usize {
    settings.count("num_attention_heads").unwrap_or(1)
}

fn phi(settings: Settings<'_>, weights: VarBuilder<'static>) -> Result<Box<dyn CandleStep>> {
    let settings = settings.or("qk_layernorm", json!(false));
    let config: models::phi::Config = settings.parse()?;
    let model = models::phi::Model::new(&config, weights).or_bad(&settings)?;
    Ok(copied(model, |model, ids, _| model.forward(ids)))
}

fn stable_lm(settings: Settings<'_>, weights: VarBuilder<'static>) -> Result<Box<dyn CandleStep>> {
    if settings.is("use_parallel_residual") || settings.is("qk_layernorm") {
        return Err(settings.bad("use_parallel_residual and qk_layernorm are not supported"));
    }
    let config: models::stable_lm::Config = settings.parse()?;
    let model = models::stable_lm::Model::new(&config, weights.clone()).or_bad(&settings)?;
    Ok(Box::new(StableLm { model, config, weights }))
}

fn llama(settings: Settings<'_>, weights: VarBuilder<'static>) -> Result<Box<dyn CandleStep>> {
    use models::llama::{Cache, Llama, LlamaConfig};
    let config: LlamaConfig = settings.parse()?;
    let config = config.into_config(false);
    let (dtype, device) = (weights.dtype(), weights.device().clone());
    let model = Llama::load(weights, &config).or_bad(&settings)?;
    let cache = Cache::new(true, dtype, &config, &device).or_bad(&settings)?;
    Ok(copied((model, cache), |(model, cache), ids, position| model.forward(ids, position, cache)))
}

fn of_gguf(gguf: &Gguf, device: &Device) -> Result<Built> {
    let name = gguf.text("general.architecture").unwrap_or_default();
    let known = GGUF_FAMILIES.iter().find(|(known, ..)| *known == name);
    let &(architecture, most) = known.ok_or_else(|| {
        let known: Vec<_> = GGUF_FAMILIES.iter().map(|(name, ..)| *name).collect();
        gguf.bad(format!(
            "candle does not run architecture {name:?} here, it does {}",
            known.join(", ")
        ))
    })?;
    if matches!(gguf.count(&format!("{architecture}.expert_count")), Ok(Some(count)) if count > 0) {
        return Err(gguf.bad("mixtures of experts in GGUF are not supported: use safetensors"));
    }
    let count = |key: &str| gguf.count(&format!("{architecture}.{key}"));
    let context_len = count("context_length")?.unwrap_or(most).min(most);
    let heads = count("attention.head_count")?.unwrap_or(1).max(1);
    let width = count("attention.key_length")?;
    let width = width.unwrap_or(count("embedding_length")?.unwrap_or(0) / heads);
    let kv_heads = count("attention.head_count_kv")?.unwrap_or(heads);
    let layers = count("block_count")?.unwrap_or(0);
    Ok(Built {
        step: quantised(gguf, architecture, device)?,
        architecture,
        context_len,
        kv_bytes_per_token: 2 * layers * kv_heads * width * settings::dtype(device).size_in_bytes(),
        resumes: false,
    })
}

fn quantised(gguf: &Gguf, architecture: &str, device: &Device) -> Result<Box<dyn CandleStep>> {
    let mut file = PlainFile::open(gguf.path()).map_err(|source| Error::io(gguf.path(), source))?;
    let bad = |cause| super::bad(gguf.path(), cause);
    let content = gguf_file::Content::read(&mut file).map_err(bad)?;
    Ok(match architecture {
        "qwen2" => {
            let made = models::quantized_qwen2::ModelWeights::from_gguf(content, &mut file, device);
            Box::new(Qwen2(made.map_err(bad)?))
        }
        _ => {
            let made = models::quantized_llama::ModelWeights::from_gguf(content, &mut file, device);
            copied(made.map_err(bad)?, |model, ids, position| model.forward(ids, position))
        }
    })
}

/// Qwen2 from GGUF, which cannot be copied but empties its cache.
struct Qwen2(models::quantized_qwen2::ModelWeights);

impl CandleStep for Qwen2 {
    fn step(&mut self, ids: &Tensor, position: usize) -> Outcome<Tensor> {
        self.0.forward(ids, position)
    }

    fn reset(&mut self) -> Outcome<()> {
        self.0.clear_kv_cache();
        Ok(())
    }
}
