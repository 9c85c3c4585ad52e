//! Arguments that several commands share, and what they mean to the library.

use std::path::PathBuf;

use clap::ValueEnum;
use rag_core::generate::{
    Backend, Draft, EarlyStopping, GenerateOptions, GeneratorOptions, KvPrecision, Sampling,
};
use rag_core::model::{BuiltInTemplate, ModelDirs};
use rag_core::search::{Context, Fusion, Mode, SearchOptions};
use rag_core::store::{Access, Filter, IndexMode};
use rag_core::{Abstain, KnowledgeBase, OpenOptions, Result, Trust, files};

/// Where models are looked for: the documented variables and cache folders.
pub(crate) fn model_dirs() -> ModelDirs {
    ModelDirs::from_variables(|name| std::env::var_os(name))
}

/// The knowledge base and its encoder.
#[derive(Debug, clap::Args)]
pub(crate) struct KnowledgeBaseArgs {
    /// The knowledge base file
    #[arg(value_name = "KB")]
    pub(crate) path: PathBuf,
    /// Encoder by name, path or hub id [default: the one the file was built with, else e5-small]
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) encoder: Option<String>,
    /// For a file of somebody else's: follow nothing that it says of places outside of it; its sources are not verified
    #[arg(long)]
    pub(crate) untrusted: bool,
}

/// `--untrusted` of commands that look at nothing but the file, whoever made it.
#[derive(Debug, clap::Args)]
pub(crate) struct UntrustedArg {
    /// For a file of somebody else's: nothing outside of it is looked at; this command never does
    #[arg(long)]
    untrusted: bool,
}

/// How what is removed or replaced goes.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct RemovalArgs {
    /// Write zeros over what is removed or replaced, and empty the log after it; `rag remove --purge` leaves nothing at all
    #[arg(long)]
    pub(crate) secure_delete: bool,
}

impl KnowledgeBaseArgs {
    pub(crate) fn trust(&self) -> Trust {
        if self.untrusted { Trust::Untrusted } else { Trust::Trusted }
    }

    /// Opens the file to write to it, or makes it.
    pub(crate) fn open_to_write(&self, removal: RemovalArgs) -> Result<KnowledgeBase> {
        self.open_with(Access::Create, None, None, removal.secure_delete)
    }

    /// Opens an existing file to search it.
    pub(crate) fn open_to_search(&self, search: &SearchArgs) -> Result<KnowledgeBase> {
        self.open_with(Access::ReadOnly, None, Some(search), false)
    }

    /// Opens an existing file for questions. What an answer measures on the way is kept if the file can be written.
    pub(crate) fn open_to_ask(
        &self,
        llm: Option<&str>,
        search: &SearchArgs,
    ) -> Result<KnowledgeBase> {
        let writable = files::may_write(&self.path);
        let access = if writable { Access::ReadWrite } else { Access::ReadOnly };
        self.open_with(access, llm, Some(search), false)
    }

    fn open_with(
        &self,
        access: Access,
        llm: Option<&str>,
        search: Option<&SearchArgs>,
        secure_delete: bool,
    ) -> Result<KnowledgeBase> {
        let options = OpenOptions {
            encoder: self.encoder.clone(),
            loaded_encoder: None,
            llm: llm.map(str::to_owned),
            model_dirs: model_dirs(),
            access,
            reranker: search.and_then(|search| search.rerank.reranker.clone()),
            also: search.map(|search| search.also.clone()).unwrap_or_default(),
            secure_delete,
            trust: self.trust(),
        };
        KnowledgeBase::open(&self.path, &options)
    }
}

/// Which legs answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArg {
    /// Vectors only
    Dense,
    /// Words only
    Lexical,
    /// Both, fused as --fusion says
    Hybrid,
}

impl ModeArg {
    pub(crate) fn name(self) -> &'static str {
        match self {
            ModeArg::Dense => "dense",
            ModeArg::Lexical => "lexical",
            ModeArg::Hybrid => "hybrid",
        }
    }
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Dense => Mode::Dense,
            ModeArg::Lexical => Mode::Lexical,
            ModeArg::Hybrid => Mode::Hybrid,
        }
    }
}

/// How vectors are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IndexArg {
    /// Exact below 100,000 passages, HNSW above
    Auto,
    /// Always exact
    Flat,
    /// HNSW wherever a graph exists
    Hnsw,
}

impl From<IndexArg> for IndexMode {
    fn from(index: IndexArg) -> Self {
        match index {
            IndexArg::Auto => IndexMode::Auto,
            IndexArg::Flat => IndexMode::Flat,
            IndexArg::Hnsw => IndexMode::Hnsw,
        }
    }
}

/// How passages are found.
#[derive(Debug, clap::Args)]
pub(crate) struct SearchArgs {
    /// Which legs answer
    #[arg(long, value_enum, default_value_t = ModeArg::Hybrid)]
    mode: ModeArg,
    /// How vectors are searched
    #[arg(long, value_enum, default_value_t = IndexArg::Auto)]
    index: IndexArg,
    /// Candidates explored in the graph, where one is walked
    #[arg(long, value_name = "N")]
    ef_search: Option<usize>,
    /// Only documents that pass, such as "kind = pdf AND year >= 2020 AND NOT path glob 'drafts/*'"
    #[arg(long, value_name = "FILTER", value_parser = parse_filter)]
    filter: Option<Filter>,
    /// How both legs become one order: a weighted mean of scores, convex[:WEIGHT OF THE VECTORS], or by ranks, rrf[:K]
    #[arg(long, value_name = "FUSION", value_parser = parse_fusion, default_value = "convex")]
    fusion: Fusion,
    /// How much a hit must differ from those before it, from 0 to 1
    #[arg(long, value_name = "D")]
    diversity: Option<f32>,
    /// What comes with each hit: so many passages before and after it, or the section around it
    #[arg(long, value_name = "N|section", value_parser = parse_context, default_value = "none")]
    context: Context,
    /// Search this knowledge base too, as if both were one file; may be given more than once
    #[arg(long, value_name = "KB")]
    also: Vec<PathBuf>,
    #[command(flatten)]
    rerank: RerankArgs,
}

/// What sorts the best hits anew.
#[derive(Debug, clap::Args)]
pub(crate) struct RerankArgs {
    /// Sort the best hits anew with this cross-encoder, by name, path or hub id
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) reranker: Option<String>,
    /// How many hits it sorts [default: 30]
    #[arg(long, value_name = "N", requires = "reranker")]
    pub(crate) rerank: Option<usize>,
}

/// Reads how two legs are fused.
pub(crate) fn parse_fusion(text: &str) -> std::result::Result<Fusion, String> {
    Fusion::parse(text).map_err(|error| error.line())
}

fn parse_context(text: &str) -> std::result::Result<Context, String> {
    Context::parse(text).map_err(|error| error.line())
}

/// Reads a filter.
pub(crate) fn parse_filter(text: &str) -> std::result::Result<Filter, String> {
    Filter::parse(text).map_err(|error| error.line())
}

impl SearchArgs {
    pub(crate) fn options(&self, top_k: usize) -> SearchOptions {
        SearchOptions {
            top_k,
            mode: self.mode.into(),
            index: self.index.into(),
            ef_search: self.ef_search,
            filter: self.filter.clone(),
            fusion: self.fusion,
            diversity: self.diversity,
            context: self.context,
            rerank: self.rerank.rerank,
        }
    }
}

/// How text is generated.
#[derive(Debug, clap::Args)]
pub(crate) struct GenerateArgs {
    /// Most tokens to produce
    #[arg(long, value_name = "N", default_value_t = 256)]
    max_new_tokens: usize,
    /// 0 always takes the likeliest token
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    temperature: f32,
    /// Sample from the k likeliest tokens; 0 keeps all
    #[arg(long, value_name = "K", default_value_t = 0)]
    top_k: usize,
    /// Sample from the likeliest tokens that sum to this probability
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    top_p: f32,
    /// Sample from tokens at least this share as likely as the likeliest
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    min_p: f32,
    /// Sample from the tokens about as surprising as the mean, until they sum to this probability
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    typical_p: f32,
    /// Divides the logits of tokens already seen; 1 is off
    #[arg(long, value_name = "R", default_value_t = 1.0)]
    repetition_penalty: f32,
    /// Subtracted from the logits of tokens already in the answer
    #[arg(long, value_name = "R", default_value_t = 0.0, allow_hyphen_values = true)]
    presence_penalty: f32,
    /// Subtracted from the logits of tokens already in the answer, once for each time
    #[arg(long, value_name = "R", default_value_t = 0.0, allow_hyphen_values = true)]
    frequency_penalty: f32,
    /// Adds to the logit of a token, as ID=BIAS; may be given more than once; -inf forbids it
    #[arg(long, value_name = "ID=BIAS", value_parser = parse_bias)]
    logit_bias: Vec<(u32, f32)>,
    /// Width of beam search; 1 samples
    #[arg(long, value_name = "N", default_value_t = 1)]
    beams: usize,
    /// Beam search divides by the length to this power
    #[arg(long, value_name = "R", default_value_t = 1.0, allow_hyphen_values = true)]
    length_penalty: f32,
    /// Beam search ends with the first continuations that end
    #[arg(long)]
    early_stopping: bool,
    /// Do not guess tokens ahead: slower, and not a byte different
    #[arg(long)]
    no_draft: bool,
    /// Same seed, same bytes
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// End before this text; may be given more than once
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
}

impl GenerateArgs {
    pub(crate) fn options(&self) -> GenerateOptions {
        GenerateOptions {
            max_new_tokens: self.max_new_tokens,
            sampling: Sampling {
                temperature: self.temperature,
                top_k: self.top_k,
                top_p: self.top_p,
                min_p: self.min_p,
                typical_p: self.typical_p,
                repetition_penalty: self.repetition_penalty,
                presence_penalty: self.presence_penalty,
                frequency_penalty: self.frequency_penalty,
                logit_bias: self.logit_bias.clone(),
            },
            beams: self.beams,
            length_penalty: self.length_penalty,
            early_stopping: if self.early_stopping {
                EarlyStopping::First
            } else {
                EarlyStopping::Settled
            },
            logprobs: None,
            draft: if self.no_draft { Draft::Off } else { Draft::Lookup },
            seed: self.seed,
            stop: self.stop.clone(),
            constraint: None,
        }
    }
}

/// How a generator is loaded.
#[derive(Debug, clap::Args)]
pub(crate) struct LoadArgs {
    /// How keys and values are kept; q8 takes half the memory
    #[arg(long, value_name = "f16|q8", value_parser = parse_kv, default_value = "f16")]
    pub(crate) kv: KvPrecision,
    /// A built-in chat template in place of the model's own: chatml, completion, gemma, llama2, llama3, mistral, phi3 or
    /// zephyr
    #[arg(long, value_name = "NAME", value_parser = parse_template)]
    template: Option<BuiltInTemplate>,
    /// What runs the network: our own decoder, else candle (auto), candle alone, or candle on a GPU
    #[arg(long, value_name = "auto|candle|cuda[:N]|metal[:N]", value_parser = parse_backend, default_value_t)]
    backend: Backend,
}

impl LoadArgs {
    pub(crate) fn options(&self) -> GeneratorOptions {
        GeneratorOptions {
            kv: self.kv,
            template: self.template,
            backend: self.backend,
            ..GeneratorOptions::default()
        }
    }
}

/// Reads what runs a network.
pub(crate) fn parse_backend(name: &str) -> std::result::Result<Backend, String> {
    Backend::parse(name).map_err(|error| error.reason())
}

/// Reads how keys and values are kept.
pub(crate) fn parse_kv(name: &str) -> std::result::Result<KvPrecision, String> {
    KvPrecision::parse(name).map_err(|error| error.reason())
}

fn parse_template(name: &str) -> std::result::Result<BuiltInTemplate, String> {
    BuiltInTemplate::parse(name).map_err(|error| error.reason())
}

/// Reads a token and what is added to its logit, such as `11=-2.5`.
fn parse_bias(text: &str) -> std::result::Result<(u32, f32), String> {
    text.split_once('=')
        .and_then(|(id, bias)| Some((id.trim().parse().ok()?, bias.trim().parse().ok()?)))
        .ok_or_else(|| "expected a token id, = and a number, such as 11=-2.5".to_owned())
}

/// Reads `calibrated`, `never` or a cosine.
pub(crate) fn parse_abstain(text: &str) -> std::result::Result<Abstain, String> {
    match text {
        "calibrated" => Ok(Abstain::Calibrated),
        "never" => Ok(Abstain::Never),
        _ => match text.parse::<f32>() {
            Ok(floor) if (-1.0..=1.0).contains(&floor) => Ok(Abstain::Below(floor)),
            _ => Err("expected calibrated, never, or a cosine from -1 to 1".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_cosines() {
        assert_eq!(parse_abstain("never"), Ok(Abstain::Never));
        assert_eq!(parse_abstain("0.5"), Ok(Abstain::Below(0.5)));
        assert!(parse_abstain("1.5").is_err());
        assert!(parse_abstain("NaN").is_err());
    }

    #[test]
    fn a_bias_is_a_token_and_a_number() {
        assert_eq!(parse_bias("11=-2.5"), Ok((11, -2.5)));
        assert_eq!(parse_bias("0=-inf"), Ok((0, f32::NEG_INFINITY)));
        assert!(parse_bias("eleven=1").is_err());
        assert!(parse_bias("11").is_err());
    }
}
