//! Keyword arguments to core options. What is not given, or `None`, keeps the core's default.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rag_core::document::{ReadOptions, Recognizer};
use rag_core::encode::{EncoderOptions, Precision};
use rag_core::generate::{
    Backend, Constraint, Draft, EarlyStopping, GenerateOptions, GeneratorOptions, KvPrecision,
};
use rag_core::guard::{Guards, Mask, Rules};
use rag_core::kernels::{KernelLevel, Threads};
use rag_core::model::{BuiltInTemplate, Message, ModelDirs, Role};
use rag_core::prompt::{Example, Fence, Order};
use rag_core::rerank::RerankerOptions;
use rag_core::search::{Context, Fusion, Mode, SearchOptions};
use rag_core::store::{Filter, IndexMode};
use rag_core::walk::Hidden;
use rag_core::{
    Abstain, AskOptions, Error, Explain, Missing, OwnWriter, Plan, Rewrite, SyncOptions, Writer,
};

use crate::error::to_py;
use crate::recognizer::Callable;
use crate::writer;

/// Keyword arguments as Python hands them over.
pub(crate) type Keywords<'a, 'py> = &'a Bound<'py, PyDict>;

/// Where models are looked up: the variables of this process.
pub(crate) fn model_dirs() -> ModelDirs {
    ModelDirs::from_variables(|name| std::env::var_os(name))
}

/// A model's name or path as text.
pub(crate) fn model_name(
    py: Python<'_>,
    argument: &'static str,
    name: PathBuf,
) -> PyResult<String> {
    name.into_os_string()
        .into_string()
        .map_err(|_| to_py(py, &Error::invalid(argument, "it is not valid UTF-8")))
}

/// The options of `search`.
pub(crate) fn search_options(keywords: Option<Keywords<'_, '_>>) -> PyResult<SearchOptions> {
    let mut options = SearchOptions::default();
    each("search", keywords, |key, value| set_search(&mut options, key, value))?;
    Ok(options)
}

/// The options of `sync`.
pub(crate) fn sync_options(keywords: Option<Keywords<'_, '_>>) -> PyResult<SyncOptions> {
    let mut options = SyncOptions::default();
    let (mut keeps, mut removes) = (false, false);
    each("sync", keywords, |key, value| {
        match key {
            "dry_run" => options.plan = if value.extract()? { Plan::DryRun } else { Plan::Apply },
            "keep_missing" | "force" => {
                let set = if key == "force" { &mut removes } else { &mut keeps };
                *set = value.extract()?;
                options.missing = missing(value.py(), keeps, removes)?;
            }
            "max_tokens" => options.max_tokens = Some(value.extract()?),
            "min_tokens" => options.min_tokens = value.extract()?,
            "overlap_tokens" => options.overlap_tokens = value.extract()?,
            "max_file_bytes" => options.walk.max_file_bytes = value.extract()?,
            "max_read_seconds" => {
                let limit = ReadOptions::for_seconds(value.extract()?);
                let limit = limit.map_err(|error| to_py(value.py(), &error))?;
                options.read.time_limit = limit.time_limit;
            }
            "recognizer" => options.read.recognizer = Some(recognizer(value)?),
            "hidden" => {
                options.walk.hidden = if value.extract()? { Hidden::List } else { Hidden::Skip };
            }
            "include" => options.walk.include = value.extract()?,
            "exclude" => options.walk.exclude = value.extract()?,
            "hnsw_m" => options.graph.m = value.extract()?,
            "hnsw_ef_construction" => options.graph.ef_construction = value.extract()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(options)
}

/// What `keep_missing` and `force` mean together.
fn missing(py: Python<'_>, keeps: bool, removes: bool) -> PyResult<Missing> {
    match (keeps, removes) {
        (true, true) => Err(to_py(py, &Error::invalid("force", "not together with keep_missing"))),
        (true, false) => Ok(Missing::Keep),
        (false, true) => Ok(Missing::Remove),
        (false, false) => Ok(Missing::Guard),
    }
}

/// The options of `ask` and `chat`.
pub(crate) fn ask_options(
    method: &str,
    keywords: Option<Keywords<'_, '_>>,
) -> PyResult<AskOptions> {
    ask_options_over(method, AskOptions::default(), keywords)
}

/// As [`ask_options`], with other defaults.
pub(crate) fn ask_options_over(
    method: &str,
    mut options: AskOptions,
    keywords: Option<Keywords<'_, '_>>,
) -> PyResult<AskOptions> {
    // `top_k` counts passages here: the search takes it before the sampling could.
    each(method, keywords, |key, value| {
        Ok(set_search(&mut options.search, key, value)?
            || set_generate(&mut options.generate, key, value)?
            || set_ask(&mut options, key, value)?
            || set_guards(&mut options.guards, key, value)?)
    })?;
    Ok(options)
}

/// The options of `generate`.
pub(crate) fn generate_options(keywords: Option<Keywords<'_, '_>>) -> PyResult<GenerateOptions> {
    let mut options = GenerateOptions::default();
    let (mut json_schema, mut regex, mut grammar) = (None, None, None);
    each("generate", keywords, |key, value| {
        match key {
            "json_schema" => json_schema = Some(json(value)?),
            "regex" => regex = Some(value.extract()?),
            "grammar" => grammar = Some(value.extract()?),
            _ => return set_generate(&mut options, key, value),
        }
        Ok(true)
    })?;
    if let Some(keywords) = keywords {
        options.constraint = Constraint::one_of(json_schema, regex, grammar)
            .map_err(|error| to_py(keywords.py(), &error))?;
    }
    Ok(options)
}

/// JSON as text, or anything that Python can write as JSON.
fn json(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_instance_of::<PyString>() {
        return value.extract();
    }
    value.py().import("json")?.call_method1("dumps", (value,))?.extract()
}

/// The options of `Generator`.
pub(crate) fn load_options(keywords: Option<Keywords<'_, '_>>) -> PyResult<GeneratorOptions> {
    let mut options = GeneratorOptions::default();
    each("Generator", keywords, |key, value| {
        match key {
            "kv" => {
                let known = KvPrecision::ALL.map(|kv| (kv.name(), kv));
                options.kv = choice("kv", value, &known)?;
            }
            "template" => {
                let known = BuiltInTemplate::ALL.map(|template| (template.name(), template));
                options.template = Some(choice("template", value, &known)?);
            }
            "threads" => options.threads = Threads::of(value.extract()?),
            "level" => options.level = level(value)?,
            "backend" => options.backend = backend(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(options)
}

fn backend(value: &Bound<'_, PyAny>) -> PyResult<Backend> {
    let name: String = value.extract()?;
    Backend::parse(&name).map_err(|error| to_py(value.py(), &error))
}

/// The options of `Encoder`.
pub(crate) fn encoder_options(keywords: Option<Keywords<'_, '_>>) -> PyResult<EncoderOptions> {
    let mut options = EncoderOptions::default();
    each("Encoder", keywords, |key, value| {
        match key {
            "precision" => options.precision = precision(value)?,
            "level" => options.level = level(value)?,
            "threads" => options.threads = Threads::of(above_zero(value, "threads")?.get()),
            "truncate_dim" => options.truncate_dim = Some(above_zero(value, "truncate_dim")?),
            "backend" => options.backend = backend(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(options)
}

fn above_zero(value: &Bound<'_, PyAny>, argument: &'static str) -> PyResult<NonZeroUsize> {
    let number: usize = value.extract()?;
    let refused = || to_py(value.py(), &Error::invalid(argument, "0, but it must be above 0"));
    NonZeroUsize::new(number).ok_or_else(refused)
}

pub(crate) fn reranker_options(keywords: Option<Keywords<'_, '_>>) -> PyResult<RerankerOptions> {
    let mut options = RerankerOptions::default();
    each("Reranker", keywords, |key, value| {
        match key {
            "precision" => options.precision = precision(value)?,
            "level" => options.level = level(value)?,
            "threads" => options.threads = Threads::of(above_zero(value, "threads")?.get()),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(options)
}

/// A callable that reads pictures.
pub(crate) fn recognizer(value: &Bound<'_, PyAny>) -> PyResult<Arc<dyn Recognizer>> {
    if !value.is_callable() {
        return Err(PyTypeError::new_err("recognizer must be callable"));
    }
    Ok(Arc::new(Callable(value.clone().unbind())))
}

/// Gives each argument that is not `None` to `set`, which says whether it knows it.
fn each(
    method: &str,
    keywords: Option<Keywords<'_, '_>>,
    mut set: impl FnMut(&str, &Bound<'_, PyAny>) -> PyResult<bool>,
) -> PyResult<()> {
    for (key, value) in keywords.into_iter().flatten() {
        let key: String = key.extract()?;
        if !value.is_none() && !set(&key, &value)? {
            let text = format!("{method}() got an unexpected keyword argument '{key}'");
            return Err(PyTypeError::new_err(text));
        }
    }
    Ok(())
}

fn set_search(options: &mut SearchOptions, key: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    match key {
        "top_k" => options.top_k = value.extract()?,
        "mode" => options.mode = mode(value)?,
        "index" => options.index = index(value)?,
        "ef_search" => options.ef_search = Some(value.extract()?),
        "filter" => options.filter = Some(filter(value)?),
        "fusion" => options.fusion = parsed(value, Fusion::parse)?,
        "diversity" => options.diversity = Some(value.extract()?),
        "context" => options.context = context(value)?,
        "rerank" => options.rerank = Some(value.extract()?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn set_generate(
    options: &mut GenerateOptions,
    key: &str,
    value: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    match key {
        "max_new_tokens" => options.max_new_tokens = value.extract()?,
        "temperature" => options.sampling.temperature = value.extract()?,
        "top_k" => options.sampling.top_k = value.extract()?,
        "top_p" => options.sampling.top_p = value.extract()?,
        "min_p" => options.sampling.min_p = value.extract()?,
        "typical_p" => options.sampling.typical_p = value.extract()?,
        "repetition_penalty" => options.sampling.repetition_penalty = value.extract()?,
        "presence_penalty" => options.sampling.presence_penalty = value.extract()?,
        "frequency_penalty" => options.sampling.frequency_penalty = value.extract()?,
        "logit_bias" => {
            let biases: BTreeMap<u32, f32> = value.extract()?;
            options.sampling.logit_bias = biases.into_iter().collect();
        }
        "beams" => options.beams = value.extract()?,
        "length_penalty" => options.length_penalty = value.extract()?,
        "early_stopping" => {
            let first: bool = value.extract()?;
            options.early_stopping =
                if first { EarlyStopping::First } else { EarlyStopping::Settled };
        }
        "draft" => options.draft = if value.extract()? { Draft::Lookup } else { Draft::Off },
        "logprobs" => options.logprobs = Some(value.extract()?),
        "seed" => options.seed = value.extract()?,
        "stop" => options.stop = value.extract()?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn set_ask(options: &mut AskOptions, key: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    match key {
        "system" => options.system = Some(value.extract()?),
        "history" => options.history = messages(value)?,
        "abstain" => options.abstain = abstain(value)?,
        "extract" => {
            let extract: bool = value.extract()?;
            options.writer = if extract { Writer::Passages } else { Writer::Generator };
        }
        "writer" if value.is_callable() => {
            let callable = value.clone().unbind();
            let own = OwnWriter::streaming(move |turns, on_piece| {
                writer::write(&callable, turns, on_piece)
            });
            options.writer = Writer::Own(own);
        }
        "writer" => return Err(PyTypeError::new_err("writer must be callable")),
        "fence" => options.fence = if value.extract()? { Fence::Marked } else { Fence::Numbered },
        "order" => options.order = parsed(value, Order::parse)?,
        "examples" => options.examples = Some(examples(value)?),
        "rewrite" => options.rewrite = parsed(value, Rewrite::parse)?,
        "sentences" => options.sentences = Some(value.extract()?),
        "explain" => options.explain = if value.extract()? { Explain::Trace } else { Explain::Off },
        _ => return Ok(false),
    }
    Ok(true)
}

/// Dicts with passages, question and answer.
fn examples(value: &Bound<'_, PyAny>) -> PyResult<Vec<Example>> {
    let mut examples = Vec::new();
    for example in value.try_iter()? {
        let example = example?;
        examples.push(Example {
            passages: example.get_item("passages")?.extract()?,
            question: example.get_item("question")?.extract()?,
            answer: example.get_item("answer")?.extract()?,
        });
    }
    Ok(examples)
}

fn set_guards(guards: &mut Guards, key: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    match key {
        "max_question_chars" => guards.max_question_chars = value.extract()?,
        "deny" => guards.deny = rules(value)?,
        "allow" => guards.allow = rules(value)?,
        "deny_answer" => guards.deny_answer = rules(value)?,
        "topics" => guards.topics.allowed = value.extract()?,
        "off_topics" => guards.topics.denied = value.extract()?,
        "topic_min" => guards.topics.min_allowed = value.extract()?,
        "off_topic_max" => guards.topics.max_denied = value.extract()?,
        "mask" => guards.mask = mask(value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn rules(value: &Bound<'_, PyAny>) -> PyResult<Rules> {
    let patterns: Vec<String> = value.extract()?;
    Rules::parse(&patterns).map_err(|error| to_py(value.py(), &error))
}

/// True for both, False for neither, or the side by its name.
fn mask(value: &Bound<'_, PyAny>) -> PyResult<Mask> {
    match value.extract() {
        Ok(true) => Ok(Mask::Both),
        Ok(false) => Ok(Mask::Off),
        Err(_) => choice("mask", value, &Mask::ALL.map(|mask| (mask.name(), mask))),
    }
}

/// Messages from a list of `{"role": ..., "content": ...}`.
pub(crate) fn messages(value: &Bound<'_, PyAny>) -> PyResult<Vec<Message>> {
    value.try_iter()?.map(|turn| message(&turn?)).collect()
}

fn message(turn: &Bound<'_, PyAny>) -> PyResult<Message> {
    Ok(Message {
        role: role(&turn.get_item("role")?)?,
        content: turn.get_item("content")?.extract()?,
    })
}

fn role(value: &Bound<'_, PyAny>) -> PyResult<Role> {
    let known = [("system", Role::System), ("user", Role::User), ("assistant", Role::Assistant)];
    choice("role", value, &known)
}

fn precision(value: &Bound<'_, PyAny>) -> PyResult<Precision> {
    let known = [Precision::Auto, Precision::F32, Precision::Bf16, Precision::Int8];
    choice("precision", value, &known.map(|precision| (precision.name(), precision)))
}

/// A level by its name; `"best"` leaves the choice to the core.
fn level(value: &Bound<'_, PyAny>) -> PyResult<Option<KernelLevel>> {
    let named = KernelLevel::ALL.map(|level| (level.name(), Some(level)));
    choice("level", value, &[&[("best", None)], &named[..]].concat())
}

fn mode(value: &Bound<'_, PyAny>) -> PyResult<Mode> {
    let known = [("dense", Mode::Dense), ("lexical", Mode::Lexical), ("hybrid", Mode::Hybrid)];
    choice("mode", value, &known)
}

fn index(value: &Bound<'_, PyAny>) -> PyResult<IndexMode> {
    let known = [("auto", IndexMode::Auto), ("flat", IndexMode::Flat), ("hnsw", IndexMode::Hnsw)];
    choice("index", value, &known)
}

/// A filter from its text form.
fn filter(value: &Bound<'_, PyAny>) -> PyResult<Filter> {
    parsed(value, Filter::parse)
}

/// `"none"`, `"section"`, or a number of neighbours.
fn context(value: &Bound<'_, PyAny>) -> PyResult<Context> {
    match value.extract::<usize>() {
        Ok(count) => Ok(Context::Neighbours(count)),
        Err(_) => parsed(value, Context::parse),
    }
}

/// What the core reads from its text form.
fn parsed<T>(
    value: &Bound<'_, PyAny>,
    parse: impl FnOnce(&str) -> Result<T, Error>,
) -> PyResult<T> {
    let text: String = value.extract()?;
    parse(&text).map_err(|error| to_py(value.py(), &error))
}

/// `"calibrated"`, `"never"`, or the cosine below which the answer is not found.
fn abstain(value: &Bound<'_, PyAny>) -> PyResult<Abstain> {
    match value.extract() {
        Ok(cosine) => Ok(Abstain::Below(cosine)),
        Err(_) => {
            let known = [("calibrated", Abstain::Calibrated), ("never", Abstain::Never)];
            choice("abstain", value, &known)
        }
    }
}

/// The value that a word stands for.
fn choice<T: Copy>(
    argument: &'static str,
    value: &Bound<'_, PyAny>,
    known: &[(&str, T)],
) -> PyResult<T> {
    let word: String = value.extract()?;
    if let Some((_, meaning)) = known.iter().find(|(name, _)| *name == word) {
        return Ok(*meaning);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let reason = format!("{word:?} is not one of {}", names.join(", "));
    Err(to_py(value.py(), &Error::invalid(argument, reason)))
}
