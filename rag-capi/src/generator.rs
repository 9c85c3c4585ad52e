//! A generator on its own: a prompt to text, without a knowledge base.

use std::ffi::{c_char, c_void};
use std::fmt;
use std::ops::ControlFlow;
use std::ptr;
use std::sync::Arc;

use rag_core::Call;
use rag_core::Result;
use rag_core::generate::{
    Backend, Constraint, Draft, EarlyStopping, GenerateOptions, Generation, Generator,
    GeneratorOptions, KvPrecision, Sampling, StopReason,
};
use rag_core::kernels::Threads;
use rag_core::model::{BuiltInTemplate, Message, Role};

use crate::boundary::{self, Output, Texts, run};
use crate::error::{rag_error, rag_status};
use crate::kb::model_dirs;
use crate::options::{self, Options, choice, or_default};
use crate::progress::{self, Stop, rag_cancel, rag_on_piece, rag_on_progress};
use crate::reentry::Guarded;

/// What a prompt is.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_prompt_kind {
    /// Text to continue as it is.
    RAG_PROMPT_TEXT = 0,
    /// What a person says: it goes through the model's chat template.
    RAG_PROMPT_CHAT = 1,
}

/// Why a generation ended.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_stop_reason {
    /// The model ended its turn.
    RAG_STOP_END_OF_TURN = 0,
    /// A stop string came up.
    RAG_STOP_STRING = 1,
    /// `max_new_tokens` were produced.
    RAG_STOP_MAX_NEW_TOKENS = 2,
    /// The context is full.
    RAG_STOP_CONTEXT_FULL = 3,
    /// The callback asked to stop.
    RAG_STOP_CALLBACK = 4,
}

/// How keys and values are kept.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_kv {
    /// 16-bit floats.
    RAG_KV_F16 = 0,
    /// 8-bit integers with a scale for each 32: half the memory.
    RAG_KV_Q8 = 1,
}

/// How to load a generator. Begin with RAG_GENERATOR_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_generator_options {
    /// sizeof(rag_generator_options); set by RAG_GENERATOR_OPTIONS_INIT.
    pub struct_size: usize,
    /// A folder of models, looked in before the usual places. NULL: none.
    pub model_dir: *const c_char,
    /// A built-in chat template in place of the model's own: "chatml", "completion", "gemma", "llama2", "llama3",
    /// "mistral", "phi3" or "zephyr". NULL: the model's own, else the built-in one that its vocabulary was made for.
    pub template_name: *const c_char,
    /// Threads, the caller's included. 0: as many as the machine runs at once.
    pub threads: usize,
    /// A rag_kv.
    pub kv: i32,
    /// Zero.
    pub reserved: i32,
    /// What runs the network: "auto" for our own decoder, or candle on the CPU for families that it does not run; "candle"
    /// for that alone; "cuda:0" or "metal:0" in builds for them. NULL: "auto".
    pub backend: *const c_char,
}

// SAFETY: repr(C), struct_size first, then only integers and pointers.
unsafe impl Options for rag_generator_options {}

/// How to generate. Begin with RAG_GENERATE_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_generate_options {
    /// sizeof(rag_generate_options); set by RAG_GENERATE_OPTIONS_INIT.
    pub struct_size: usize,
    /// What `prompt` is: a rag_prompt_kind.
    pub prompt_kind: i32,
    /// 1: beam search ends with the first `beams` continuations that end. 0: once none that grows is better.
    pub early_stopping: i32,
    /// A rag_draft.
    pub draft: i32,
    /// Zero.
    pub reserved: i32,
    /// Persona and rules before a RAG_PROMPT_CHAT prompt. NULL: none.
    pub system: *const c_char,
    /// Most tokens to produce. 0: 256.
    pub max_new_tokens: usize,
    /// Seed of the sampler. Same seed, same bytes.
    pub seed: u64,
    /// 0: greedy; otherwise logits are divided by it.
    pub temperature: f32,
    /// Keep the likeliest tokens that sum to this. 0: all.
    pub top_p: f32,
    /// Keep tokens at least this share as likely as the likeliest. 0: all.
    pub min_p: f32,
    /// Keep the tokens about as surprising as the mean until they sum to this. 0: all.
    pub typical_p: f32,
    /// Divides the logits of tokens already seen. 0: 1, off.
    pub repetition_penalty: f32,
    /// Subtracted from the logits of tokens already in the answer.
    pub presence_penalty: f32,
    /// The same, once for each time.
    pub frequency_penalty: f32,
    /// Beam search divides by the length to this power. 0: 1, the mean.
    pub length_penalty: f32,
    /// Keep this many of the likeliest tokens. 0: all.
    pub top_k: usize,
    /// Width of beam search. 0: 1, off.
    pub beams: usize,
    /// Generation ends before any of these, `stop_count` of them.
    pub stop: *const *const c_char,
    /// How many there are.
    pub stop_count: usize,
    /// Tokens whose logits are changed, `logit_bias_count` of them.
    pub logit_bias_ids: *const u32,
    /// What is added to each; -INFINITY forbids a token.
    pub logit_bias_values: *const f32,
    /// How many there are of each.
    pub logit_bias_count: usize,
    /// Gets the text as it is written. NULL: none.
    pub on_piece: rag_on_piece,
    /// Handed to `on_piece`.
    pub user_data: *mut c_void,
    /// Stops the call, within one token. NULL: nothing does.
    pub cancel: *const rag_cancel,
    /// Hold the text to a JSON value that this JSON Schema describes. NULL: not. Of the three, one at most.
    pub json_schema: *const c_char,
    /// Hold the whole text to this regular expression. NULL: not.
    pub regex: *const c_char,
    /// Hold the whole text to this grammar in Lark's notation. NULL: not.
    pub grammar: *const c_char,
    /// Gets reports while the prompt is taken in; false stops the call. NULL: none.
    pub on_progress: rag_on_progress,
    /// Handed to `on_progress`.
    pub progress_user_data: *mut c_void,
}

// SAFETY: repr(C), struct_size first, then only integers, floats, pointers and nullable functions.
unsafe impl Options for rag_generate_options {}

/// A loaded generator. Owned by the caller; free it once with rag_generator_free. Any number of threads may use it; one
/// call generates at a time, others wait.
pub struct rag_generator {
    shared: Arc<Guarded<Generator>>,
    template: *const c_char,
    _texts: Texts,
}

impl fmt::Debug for rag_generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.value().fmt(f)
    }
}

/// What was generated. Owned by the caller; free it once with rag_generation_free. Any number of threads may read it.
pub struct rag_generation {
    generation: Generation,
    text: *const c_char,
    _texts: Texts,
}

impl fmt::Debug for rag_generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.generation.fmt(f)
    }
}

/// Loads the generator `name`: a name in the model cache, a path or a hub id already on this machine, looked up as by
/// rag_kb_open. A path leads to a GGUF file, or to a folder as `transformers` saves it. On success `*generator` is owned
/// by the caller.
///
/// RAG_NOT_FOUND: it is not on this machine. RAG_MODEL: it is damaged or of a kind that this library does not run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generator_open(
    name: *const c_char,
    generator: *mut *mut rag_generator,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let place = Output::required(generator, "generator")?;
            let name = boundary::text(name, "name")?;
            let loaded = load(name, ptr::null())?;
            place.set(|| rag_generator::from(loaded));
            Ok(())
        })
    }
}

/// As rag_generator_open, with options. `options` may be NULL.
///
/// RAG_INVALID_ARGUMENT: an option is unknown, or the template needs tokens that the model does not have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generator_open_with(
    name: *const c_char,
    options: *const rag_generator_options,
    generator: *mut *mut rag_generator,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let place = Output::required(generator, "generator")?;
            let name = boundary::text(name, "name")?;
            let loaded = load(name, options)?;
            place.set(|| rag_generator::from(loaded));
            Ok(())
        })
    }
}

/// # Safety
/// `options` is null or valid, with its fields.
unsafe fn load(name: &str, options: *const rag_generator_options) -> Result<Generator> {
    // SAFETY: passed on to the caller.
    let (given, dirs, template, backend) = unsafe {
        let given = options::read(options)?;
        let template = boundary::optional_text(given.template_name, "template_name")?;
        let backend = boundary::optional_text(given.backend, "backend")?;
        (given, model_dirs(given.model_dir)?, template, backend)
    };
    let load = GeneratorOptions {
        threads: Threads::of(given.threads),
        kv: choice(given.kv, &KvPrecision::ALL, "kv")?,
        template: template.map(BuiltInTemplate::parse).transpose()?,
        backend: Backend::parse(backend.unwrap_or("auto"))?,
        ..GeneratorOptions::default()
    };
    Generator::load_with(&dirs.resolve(name)?, &load)
}

impl From<Generator> for rag_generator {
    fn from(generator: Generator) -> Self {
        let mut texts = Texts::default();
        let template = texts.keep(generator.chat().template().name());
        let shared = Arc::new(Guarded::new(generator, "generator"));
        Self { shared, template, _texts: texts }
    }
}

/// What writes conversations down: "model" for its own template, else the name of a built-in one. Lent until the
/// generator is freed; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generator_template(generator: *const rag_generator) -> *const c_char {
    // SAFETY: null or live, by contract.
    unsafe { generator.as_ref() }.map_or(ptr::null(), |generator| generator.template)
}

/// Bytes that the keys and values of a token take; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generator_kv_bytes_per_token(
    generator: *const rag_generator,
) -> usize {
    // SAFETY: null or live, by contract.
    let generator = unsafe { generator.as_ref() };
    generator.map_or(0, |generator| generator.shared.value().kv_bytes_per_token())
}

/// Tokens it can hold, prompt and answer together; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generator_context_len(generator: *const rag_generator) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { generator.as_ref() }.map_or(0, |generator| generator.shared.value().context_len())
}

/// Continues `prompt`, `size` bytes of UTF-8. No text in it can become a control token. `options` may be NULL. On
/// success `*generation` is owned by the caller.
///
/// RAG_INVALID_ARGUMENT: an empty prompt, an option out of range, or a malformed schema, expression or grammar. RAG_CONTEXT_OVERFLOW: the prompt leaves no room for
/// a token. RAG_CANCELLED: by the flag, within one token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generator_generate(
    generator: *const rag_generator,
    prompt: *const c_char,
    size: usize,
    options: *const rag_generate_options,
    generation: *mut *mut rag_generation,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let place = Output::required(generation, "generation")?;
            let shared = Arc::clone(&boundary::handle(generator, "generator")?.shared);
            boundary::handle(prompt, "prompt")?;
            let prompt = boundary::sized_text(prompt, size, "prompt")?;
            let given = options::read(options)?;
            let wanted = generate_options(&given)?;
            let stop = Stop::default();
            let cancel = stop.joined(progress::token(given.cancel));
            let mut on_progress = |progress: &rag_core::Progress| {
                let data = given.progress_user_data;
                let call = || progress::report(given.on_progress, data, progress);
                if !shared.call_back(call) {
                    stop.request();
                }
            };
            let generator = shared.enter()?;
            let token_ids = token_ids(generator, prompt, &given)?;
            let mut on_piece = |piece: &str| hand_out(&shared, &given, piece);
            let generated = generator.generate_with(
                &token_ids,
                &wanted,
                Call::new().on_piece(&mut on_piece).on_progress(&mut on_progress).cancel(&cancel),
            )?;
            place.set(|| rag_generation::from(generated));
            Ok(())
        })
    }
}

impl From<Generation> for rag_generation {
    fn from(generation: Generation) -> Self {
        let mut texts = Texts::default();
        Self { text: texts.keep(&generation.text), generation, _texts: texts }
    }
}

/// # Safety
/// The pointers in `given` are null or valid.
unsafe fn token_ids(
    generator: &Generator,
    prompt: &str,
    given: &rag_generate_options,
) -> Result<Vec<u32>> {
    let kinds = [rag_prompt_kind::RAG_PROMPT_TEXT, rag_prompt_kind::RAG_PROMPT_CHAT];
    if choice(given.prompt_kind, &kinds, "prompt_kind")? == rag_prompt_kind::RAG_PROMPT_TEXT {
        return generator.chat().encode_prompt(prompt);
    }
    // SAFETY: passed on to the caller.
    let system = unsafe { boundary::optional_text(given.system, "system") }?;
    let turn = |role, content: &str| Message { role, content: content.to_owned() };
    let mut messages = Vec::from_iter(system.map(|system| turn(Role::System, system)));
    messages.push(turn(Role::User, prompt));
    Ok(generator.chat().render(&messages)?.token_ids)
}

/// # Safety
/// The callback may be called with its `user_data`.
unsafe fn hand_out(
    generator: &Guarded<Generator>,
    given: &rag_generate_options,
    piece: &str,
) -> ControlFlow<()> {
    let Some(callback) = given.on_piece else { return ControlFlow::Continue(()) };
    // SAFETY: callable, says the caller; the piece is lent for the call.
    let goes_on = generator
        .call_back(|| unsafe { callback(piece.as_ptr().cast(), piece.len(), given.user_data) });
    if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// # Safety
/// The pointers in `given` are null or valid.
unsafe fn generate_options(given: &rag_generate_options) -> Result<GenerateOptions> {
    let default = GenerateOptions::default();
    // SAFETY: passed on to the caller.
    let (stop, ids, values, constraint) = unsafe {
        (
            boundary::texts(given.stop, given.stop_count, "stop")?,
            boundary::array(given.logit_bias_ids, given.logit_bias_count, "logit_bias_ids")?,
            boundary::array(given.logit_bias_values, given.logit_bias_count, "logit_bias_values")?,
            Constraint::one_of(
                options::owned_text(given.json_schema, "json_schema")?,
                options::owned_text(given.regex, "regex")?,
                options::owned_text(given.grammar, "grammar")?,
            )?,
        )
    };
    Ok(GenerateOptions {
        max_new_tokens: or_default(given.max_new_tokens, default.max_new_tokens),
        sampling: Sampling {
            temperature: given.temperature,
            top_k: given.top_k,
            top_p: or_default(given.top_p, default.sampling.top_p),
            min_p: given.min_p,
            typical_p: or_default(given.typical_p, default.sampling.typical_p),
            repetition_penalty: or_default(
                given.repetition_penalty,
                default.sampling.repetition_penalty,
            ),
            presence_penalty: given.presence_penalty,
            frequency_penalty: given.frequency_penalty,
            logit_bias: ids.iter().copied().zip(values.iter().copied()).collect(),
        },
        beams: or_default(given.beams, default.beams),
        length_penalty: or_default(given.length_penalty, default.length_penalty),
        early_stopping: early_stopping(given.early_stopping)?,
        draft: draft(given.draft)?,
        seed: given.seed,
        stop: stop.into_iter().map(str::to_owned).collect(),
        constraint,
        ..default
    })
}

/// Whether tokens are guessed ahead.
pub(crate) fn draft(number: i32) -> Result<Draft> {
    choice(number, &[Draft::Lookup, Draft::Off], "draft")
}

/// When a beam search ends.
pub(crate) fn early_stopping(number: i32) -> Result<EarlyStopping> {
    choice(number, &[EarlyStopping::Settled, EarlyStopping::First], "early_stopping")
}

/// The text in UTF-8, stop string left out; NULL for NULL.
///
/// Followed by a NUL byte and lent until the generation is freed. `size` may be NULL, else it gets the bytes before the
/// NUL byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generation_text(
    generation: *const rag_generation,
    size: *mut usize,
) -> *const c_char {
    // SAFETY: null or live, by contract.
    let generation = unsafe { generation.as_ref() };
    if !size.is_null() {
        // SAFETY: writable, by contract.
        unsafe { size.write(generation.map_or(0, |generation| generation.generation.text.len())) };
    }
    generation.map_or(ptr::null(), |generation| generation.text)
}

/// Its tokens, lent until the generation is freed; NULL for NULL. `count` may be NULL, else it gets their number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generation_token_ids(
    generation: *const rag_generation,
    count: *mut usize,
) -> *const u32 {
    // SAFETY: null or live, by contract.
    let generation = unsafe { generation.as_ref() };
    let ids = generation.map(|generation| generation.generation.token_ids.as_slice());
    if !count.is_null() {
        // SAFETY: writable, by contract.
        unsafe { count.write(ids.map_or(0, <[u32]>::len)) };
    }
    ids.map_or(ptr::null(), <[u32]>::as_ptr)
}

/// Why it ended; RAG_STOP_END_OF_TURN for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generation_stop_reason(
    generation: *const rag_generation,
) -> rag_stop_reason {
    // SAFETY: null or live, by contract.
    match unsafe { generation.as_ref() }.map(|generation| generation.generation.stop_reason) {
        None | Some(StopReason::EndOfTurn) => rag_stop_reason::RAG_STOP_END_OF_TURN,
        Some(StopReason::StopString) => rag_stop_reason::RAG_STOP_STRING,
        Some(StopReason::MaxNewTokens) => rag_stop_reason::RAG_STOP_MAX_NEW_TOKENS,
        Some(StopReason::ContextFull) => rag_stop_reason::RAG_STOP_CONTEXT_FULL,
        Some(StopReason::Callback) => rag_stop_reason::RAG_STOP_CALLBACK,
    }
}

/// Tokens of the prompt; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generation_prompt_token_count(
    generation: *const rag_generation,
) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { generation.as_ref() }.map_or(0, |generation| generation.generation.prompt_token_count)
}

/// Milliseconds until the first token; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generation_first_token_ms(generation: *const rag_generation) -> f64 {
    // SAFETY: null or live, by contract.
    let generation = unsafe { generation.as_ref() };
    generation
        .map_or(0.0, |generation| generation.generation.time_to_first_token.as_secs_f64() * 1000.0)
}

/// Frees a generation. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generation_free(generation: *mut rag_generation) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(generation) }
}

/// Frees a generator. NULL is allowed and does nothing. No other thread may use the handle during the call or after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generator_free(generator: *mut rag_generator) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(generator) }
}
