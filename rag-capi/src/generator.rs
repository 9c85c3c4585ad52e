//! A generator on its own: a prompt to text, without a knowledge base.

use std::ffi::c_char;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use rag_core::generate::{
    GenerateOptions, Generation, Generator, GeneratorOptions, StopReason, TokenLogprob,
};
use rag_core::model::{Message, Role};
use rag_core::{Call, Result};

use crate::boundary::{self, Output, Texts};
use crate::error::{rag_error, rag_status, run};
use crate::options::{
    self, choice, model_dirs, rag_generate_options, rag_generator_options, rag_prompt_kind,
};
use crate::progress::{self, Pieces, Stop};
use crate::reentry::Guarded;

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

/// A loaded generator. Owned by the caller; free it once with rag_generator_free. Any number of
/// threads may use it; one call generates at a time, others wait.
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

/// What was generated. Owned by the caller; free it once with rag_generation_free. Any number of
/// threads may read it.
pub struct rag_generation {
    generation: Generation,
    text: *const c_char,
    logprobs: Vec<rag_token_logprob>,
    _texts: Texts,
    _likeliest: Vec<Likeliest>,
}

/// A token with the logarithms of the probabilities the model gave. Lent by
/// rag_generation_logprob_at until the generation is freed; later versions may append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_token_logprob {
    /// The token.
    pub token_id: u32,
    /// Its natural log-probability.
    pub logprob: f32,
    /// The likeliest tokens in its place, likeliest first.
    pub likeliest_ids: *const u32,
    /// Their natural log-probabilities.
    pub likeliest_logprobs: *const f32,
    /// How many there are of each.
    pub likeliest_count: usize,
}

/// What a [`rag_token_logprob`] points to.
struct Likeliest {
    ids: Box<[u32]>,
    logprobs: Box<[f32]>,
}

impl From<&TokenLogprob> for Likeliest {
    fn from(token: &TokenLogprob) -> Self {
        let (ids, logprobs): (Vec<u32>, Vec<f32>) = token.likeliest.iter().copied().unzip();
        Self { ids: ids.into(), logprobs: logprobs.into() }
    }
}

impl Likeliest {
    fn view(&self, token: &TokenLogprob) -> rag_token_logprob {
        rag_token_logprob {
            token_id: token.token_id,
            logprob: token.logprob,
            likeliest_ids: self.ids.as_ptr(),
            likeliest_logprobs: self.logprobs.as_ptr(),
            likeliest_count: self.ids.len(),
        }
    }
}

impl fmt::Debug for rag_generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.generation.fmt(f)
    }
}

/// Loads the generator `name`: a name in the model cache, a path or a hub id already on this
/// machine, looked up as by rag_kb_open. A path leads to a GGUF file, or to a folder as
/// `transformers` saves it. On success `*generator` is owned by the caller.
///
/// RAG_NOT_FOUND: it is not on this machine. RAG_MODEL: it is damaged or of a kind that this
/// library does not run.
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
/// RAG_INVALID_ARGUMENT: an option is unknown, or the template needs tokens that the model does not
/// have.
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
    let (dirs, load) = unsafe {
        let given = options::read(options)?;
        (model_dirs(given.model_dir)?, given.over(GeneratorOptions::default())?)
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

/// What writes conversations down: "model" for its own template, else the name of a built-in one.
/// Lent until the generator is freed; NULL for NULL.
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

/// Continues `prompt`, `size` bytes of UTF-8. No text in it can become a control token. `options`
/// may be NULL. On success `*generation` is owned by the caller.
///
/// RAG_INVALID_ARGUMENT: an empty prompt, an option out of range, or a malformed schema, expression
/// or grammar. RAG_CONTEXT_OVERFLOW: the prompt leaves no room for a token. RAG_CANCELLED: by the
/// flag, within one token.
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
            let mut wanted = GenerateOptions::default();
            given.lay_over(&mut wanted)?;
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
            let pieces = Pieces::new(given.on_piece, given.user_data);
            let mut on_piece = |piece: &str| pieces.hand_out(&shared, piece);
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
        let likeliest: Vec<Likeliest> = generation.logprobs.iter().map(Likeliest::from).collect();
        let tokens = likeliest.iter().zip(&generation.logprobs);
        Self {
            text: texts.keep(&generation.text),
            logprobs: tokens.map(|(likeliest, token)| likeliest.view(token)).collect(),
            generation,
            _texts: texts,
            _likeliest: likeliest,
        }
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

/// The text in UTF-8, stop string left out; NULL for NULL.
///
/// Followed by a NUL byte and lent until the generation is freed. `size` may be NULL, else it gets
/// the bytes before the NUL byte.
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

/// Its tokens, lent until the generation is freed; NULL for NULL. `count` may be NULL, else it gets
/// their number.
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

/// The log-probabilities of the token at `index`, from 0, in the order of rag_generation_token_ids,
/// lent until the generation is freed; NULL beyond the last, for NULL, and if `logprobs` of the
/// options did not ask for them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generation_logprob_at(
    generation: *const rag_generation,
    index: usize,
) -> *const rag_token_logprob {
    // SAFETY: null or live, by contract.
    let generation = unsafe { generation.as_ref() };
    let logprob = generation.and_then(|generation| generation.logprobs.get(index));
    logprob.map_or(ptr::null(), ptr::from_ref)
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

/// Frees a generator. NULL is allowed and does nothing. No other thread may use the handle during
/// the call or after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_generator_free(generator: *mut rag_generator) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(generator) }
}
