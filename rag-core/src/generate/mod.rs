//! Prompt tokens to answer tokens: decoder, KV cache, sampling, beam search, stop strings.
//!
//! Runs models of the Llama, Qwen, Mistral, Gemma and Phi-3 families on our own decoder and others
//! on candle's networks, from GGUF files and `transformers` folders. What a prompt says, and how it
//! is cut to the context, is decided before.

mod beam;
mod candle;
mod constraint;
mod decoder;
mod engine;
mod kv;
mod lookup;
mod network;
mod sampling;
mod stop;
mod types;
mod weights;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use self::beam::{Search, Start, likeliest, log_sum_exp};
pub use self::constraint::{CAN_CONSTRAIN, Constraint};
use self::constraint::{ConstraintState, Grammars};
use self::engine::GeneratorEngine;
pub use self::engine::{Backend, GeneratorOptions, KernelLevel, KvPrecision};
use self::lookup::Lookup;
use self::network::{Cache, GeneratorNetwork};
use self::sampling::Sampler;
pub use self::sampling::Sampling;
use self::stop::TextStream;
pub use self::types::{
    Draft, EarlyStopping, GenerateOptions, Generation, StopReason, TokenLogprob,
};
use crate::error::{Error, Result};
use crate::model::ChatModel;
use crate::model::generator::files::GeneratorFiles;
use crate::options::Options;
use crate::progress::{Call, Progress, Stage};

const MAX_ANSWERS: usize = 64;
/// Tokens of a continuation whose probabilities are worked out in one go.
const SCORED_TOGETHER: usize = 64;

/// A loaded generator. One call runs at a time; others wait. Any thread may call.
pub struct Generator {
    path: PathBuf,
    chat: ChatModel,
    network: GeneratorNetwork,
    grammars: Grammars,
    memory: Mutex<Memory>,
}

/// The keys and values of the last prompt.
struct Memory {
    cache: Cache,
    prompt: Vec<u32>,
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generator")
            .field("path", &self.path)
            .field("architecture", &self.architecture())
            .finish_non_exhaustive()
    }
}

impl Generator {
    /// Loads a GGUF file, a folder that holds one, or a folder as `transformers` saves it, with
    /// [`GeneratorOptions::default`].
    ///
    /// The last holds `config.json`, `tokenizer.json` (byte pairs), `tokenizer_config.json`,
    /// perhaps `chat_template.jinja`, and `model.safetensors` or the parts that
    /// `model.safetensors.index.json` names, in f32, f16 or bf16. Weights are read into memory, not
    /// mapped, and kept at the size they have in the file.
    ///
    /// # Errors
    /// [`ErrorCode::Io`](crate::ErrorCode::Io) if the path cannot be read;
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if it is damaged or of a kind we do not run, naming it.
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_with(path, &GeneratorOptions::default())
    }

    /// As [`Generator::load`], with a choice of threads and instructions.
    ///
    /// # Errors
    /// As [`Generator::load`]; [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument)
    /// for options out of range.
    pub fn load_with(path: &Path, options: &GeneratorOptions) -> Result<Self> {
        let engine = GeneratorEngine::new(options)?;
        catch_unwind(AssertUnwindSafe(|| Self::load_files(path, engine, options))).unwrap_or_else(
            |_| Err(Error::model(path, "the loader gave up on it, the file is probably damaged")),
        )
    }

    fn load_files(
        path: &Path,
        engine: GeneratorEngine,
        options: &GeneratorOptions,
    ) -> Result<Self> {
        let files = GeneratorFiles::open(path)?;
        let chat = match &files {
            GeneratorFiles::Gguf(gguf) => ChatModel::from_gguf(gguf, options.template)?,
            GeneratorFiles::Folder(folder) => ChatModel::from_folder(folder, options.template)?,
        };
        let network = GeneratorNetwork::load(&files, chat.vocabulary_len(), engine, options)?;
        let memory = Mutex::new(Memory { cache: network.new_cache(), prompt: Vec::new() });
        let grammars = Grammars::default();
        Ok(Self { path: files.path().to_owned(), chat, network, grammars, memory })
    }

    /// What runs it: [`Backend::Auto`] for our own decoder.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.network.backend()
    }

    /// The vector instructions it runs with; `None` if candle chooses them.
    #[must_use]
    pub fn kernel_level(&self) -> Option<KernelLevel> {
        self.network.engine().map(|engine| engine.isa.level())
    }

    /// Threads it runs on, the caller's included; `None` if candle chooses them.
    #[must_use]
    pub fn thread_count(&self) -> Option<usize> {
        self.network.engine().map(|engine| engine.pool.thread_count())
    }

    /// How it keeps keys and values; `None` if candle keeps them as it computes them.
    #[must_use]
    pub fn kv_precision(&self) -> Option<KvPrecision> {
        self.network.engine().map(|engine| engine.kv)
    }

    /// Bytes that the keys and values of a token take, in memory that grows by 64 tokens at a time.
    #[must_use]
    pub fn kv_bytes_per_token(&self) -> usize {
        self.network.kv_bytes_per_token()
    }

    /// The file or folder it was loaded from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The network's family as GGUF names it, such as `"qwen2"`.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        self.network.architecture()
    }

    /// A hash that tells this model from others: BLAKE3 over all that stands beside the weights and
    /// the ends of each, in hex.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.network.fingerprint()
    }

    /// Tokenizer and chat template.
    #[must_use]
    pub fn chat(&self) -> &ChatModel {
        &self.chat
    }

    /// Tokens it can hold, prompt and answer together.
    #[must_use]
    pub fn context_len(&self) -> usize {
        self.network.context_len()
    }

    /// Continues `prompt_ids` with [`GenerateOptions::default`]; see [`Generator::generate_with`].
    ///
    /// # Errors
    /// As [`Generator::generate_with`].
    pub fn generate(&self, prompt_ids: &[u32]) -> Result<Generation> {
        self.generate_with(prompt_ids, &GenerateOptions::default(), Call::new())
    }

    /// Continues `prompt_ids`. [`Call::on_piece`] gets each piece of text as it is certain (never
    /// half a character, never the beginning of a stop string) and may end the generation.
    /// [`Call::on_progress`] is told how much of the prompt is taken in: at the start, where what
    /// was in memory counts as done, and after every 512 tokens or what candle takes together.
    ///
    /// Same prompt, options and seed give the same bytes, whatever ran before and on any number of
    /// threads.
    ///
    /// # Errors
    /// ContextOverflow if the prompt leaves no room for a token; Cancelled within one token, or one
    /// layer of a part of the prompt; InvalidArgument for an empty prompt, ids outside the
    /// vocabulary, or options out of range; Model if the weights give no numbers.
    pub fn generate_with(
        &self,
        prompt_ids: &[u32],
        options: &GenerateOptions,
        mut call: Call<'_>,
    ) -> Result<Generation> {
        options.validate()?;
        self.check_prompt(prompt_ids)?;
        let biased: Vec<u32> = options.sampling.logit_bias.iter().map(|(id, _)| *id).collect();
        self.chat.check_ids(&biased)?;
        let start = |constraint| self.grammars.start(self.chat.vocabulary(), constraint);
        let held = options.constraint.as_ref().map(start).transpose()?;
        let mut memory = self.memory();
        let started = Instant::now();
        let (logits, reused) = self.prefill(&mut memory, prompt_ids, &mut call)?;
        let prefill = started.elapsed();
        let room = self.context_len() - prompt_ids.len();
        let mut run = Run {
            generator: self,
            cache: &mut memory.cache,
            options,
            limit: options.max_new_tokens.min(room),
            stream: TextStream::new(&options.stop),
            call: call.lend(),
            held,
            text: String::new(),
            token_ids: Vec::new(),
            logprobs: Vec::new(),
            drafted_token_count: 0,
            accepted_token_count: 0,
            first_token: None,
        };
        let stop_reason =
            if options.beams > 1 { run.search(logits)? } else { run.sample(prompt_ids, logits)? };
        let full = stop_reason == StopReason::MaxNewTokens && options.max_new_tokens > room;
        let time_to_first_token =
            run.first_token.map_or(prefill, |instant| instant.duration_since(started));
        let generation = Generation {
            text: run.text,
            token_ids: run.token_ids,
            logprobs: run.logprobs,
            prompt_token_count: prompt_ids.len(),
            reused_token_count: reused,
            stop_reason: if full { StopReason::ContextFull } else { stop_reason },
            prefill,
            drafted_token_count: run.drafted_token_count,
            accepted_token_count: run.accepted_token_count,
            decode: started.elapsed().saturating_sub(time_to_first_token),
            time_to_first_token,
        };
        // The answer stays in memory too: it begins the prompt of the next turn.
        memory.prompt.extend(&generation.token_ids);
        let held = memory.cache.len();
        memory.prompt.truncate(held);
        Ok(generation)
    }

    /// Several answers to one prompt: the first with `options.seed`, the next with the seed after
    /// it, and so on. The prompt is taken in once, and the pieces of each follow those of the one
    /// before. Greedy answers are all the same: give a temperature.
    ///
    /// # Errors
    /// As [`Generator::generate_with`]; InvalidArgument if `count` is 0 or over 64.
    pub fn generate_many(
        &self,
        prompt_ids: &[u32],
        count: usize,
        options: &GenerateOptions,
        mut call: Call<'_>,
    ) -> Result<Vec<Generation>> {
        if count == 0 || count > MAX_ANSWERS {
            return Err(Error::invalid("count", format!("{count} is outside 1 to {MAX_ANSWERS}")));
        }
        (0..count as u64)
            .map(|index| {
                let seed = options.seed.wrapping_add(index);
                let options = GenerateOptions { seed, ..options.clone() };
                self.generate_with(prompt_ids, &options, call.lend())
            })
            .collect()
    }

    /// The logits after `prompt_ids`, one per token of the vocabulary, as the network gives them.
    ///
    /// # Errors
    /// As [`Generator::generate`].
    pub fn logits(&self, prompt_ids: &[u32]) -> Result<Vec<f32>> {
        self.logits_with(prompt_ids, Call::new())
    }

    /// As [`Generator::logits`], with reports of the prompt and a token that stops it.
    ///
    /// # Errors
    /// As [`Generator::generate`]; Cancelled.
    pub fn logits_with(&self, prompt_ids: &[u32], mut call: Call<'_>) -> Result<Vec<f32>> {
        self.check_prompt(prompt_ids)?;
        Ok(self.prefill(&mut self.memory(), prompt_ids, &mut call)?.0)
    }

    /// The natural logarithm of the probability that `continuation_ids` follow `prompt_ids`.
    ///
    /// # Errors
    /// As [`Generator::generate`].
    pub fn log_probability(&self, prompt_ids: &[u32], continuation_ids: &[u32]) -> Result<f64> {
        self.log_probability_with(prompt_ids, continuation_ids, Call::new())
    }

    /// As [`Generator::log_probability`], with reports of the prompt and a token that stops it.
    ///
    /// # Errors
    /// As [`Generator::generate`]; Cancelled.
    pub fn log_probability_with(
        &self,
        prompt_ids: &[u32],
        continuation_ids: &[u32],
        mut call: Call<'_>,
    ) -> Result<f64> {
        self.chat.check_ids(continuation_ids)?;
        let all: Vec<u32> = prompt_ids.iter().chain(continuation_ids).copied().collect();
        self.check_prompt(prompt_ids)?;
        self.check_room(&all)?;
        let mut memory = self.memory();
        let (mut logits, _) = self.prefill(&mut memory, prompt_ids, &mut call)?;
        let mut sum = 0.0;
        for (index, ids) in continuation_ids.chunks(SCORED_TOGETHER).enumerate() {
            if index > 0 {
                logits = logits.split_off(logits.len() - self.chat.vocabulary_len());
            }
            // the last token's successor is nobody's
            let known = &ids[..ids.len()
                - usize::from((index + 1) * SCORED_TOGETHER >= continuation_ids.len())];
            if !known.is_empty() {
                logits.extend(self.network.forward(
                    known,
                    &mut memory.cache,
                    known.len(),
                    call.token(),
                )?);
            }
            for (id, logits) in ids.iter().zip(logits.chunks(self.chat.vocabulary_len())) {
                sum += f64::from(logits[*id as usize]) - log_sum_exp(logits);
            }
        }
        if sum.is_nan() { Err(self.no_numbers()) } else { Ok(sum) }
    }

    fn check_prompt(&self, prompt_ids: &[u32]) -> Result<()> {
        if prompt_ids.is_empty() {
            return Err(Error::invalid("prompt_ids", "the prompt is empty"));
        }
        self.chat.check_ids(prompt_ids)?;
        self.check_room(prompt_ids)
    }

    fn check_room(&self, ids: &[u32]) -> Result<()> {
        let context_len = self.context_len();
        if ids.len() >= context_len {
            return Err(Error::ContextOverflow { needed_tokens: ids.len() + 1, context_len });
        }
        Ok(())
    }

    /// The memory, for this call alone. A call that panicked may have left anything: then it is
    /// emptied.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        let poisoned = self.memory.is_poisoned();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if poisoned {
            memory.cache.truncate(0);
            memory.prompt.clear();
            self.memory.clear_poison();
        }
        memory
    }

    /// Runs the part of the prompt that is not in memory; returns the logits after it and how much
    /// was.
    ///
    /// The last token is never taken from memory: somebody must give the logits.
    fn prefill(
        &self,
        memory: &mut Memory,
        prompt_ids: &[u32],
        call: &mut Call<'_>,
    ) -> Result<(Vec<f32>, usize)> {
        let started = Instant::now();
        let cancel = call.token().clone();
        let mut report = |done: usize| {
            call.report(&Progress {
                stage: Stage::Prefill,
                done,
                total: Some(prompt_ids.len()),
                passage_count: 0,
                path: None,
                done_bytes: 0,
                total_bytes: 0,
                elapsed: started.elapsed(),
            });
        };
        let common =
            memory.prompt.iter().zip(prompt_ids).take_while(|(old, new)| old == new).count();
        let common = if self.network.is_free_to_cut() { common } else { 0 };
        let reused = common.min(prompt_ids.len() - 1);
        memory.cache.truncate(reused);
        memory.prompt.truncate(reused);
        report(reused);
        let mut logits = Vec::new();
        for part in prompt_ids[reused..].chunks(self.network.prompt_step()) {
            logits = self.network.forward(part, &mut memory.cache, 1, &cancel)?;
            // should the next part fail, this one stays
            memory.prompt.extend(part);
            report(memory.prompt.len());
        }
        Ok((logits, reused))
    }

    fn no_numbers(&self) -> Error {
        Error::model(&self.path, "the weights give logits that are not numbers")
    }
}

/// One generation under way.
struct Run<'a> {
    generator: &'a Generator,
    cache: &'a mut Cache,
    options: &'a GenerateOptions,
    limit: usize,
    stream: TextStream<'a>,
    call: Call<'a>,
    /// Where the text stands in the form it is held to.
    held: Option<ConstraintState>,
    text: String,
    token_ids: Vec<u32>,
    logprobs: Vec<TokenLogprob>,
    drafted_token_count: usize,
    accepted_token_count: usize,
    first_token: Option<Instant>,
}

impl Run<'_> {
    /// Token by token. Tokens that were guessed right need no pass of their own; the sampler sees
    /// the same logits either way, so guessing changes no byte.
    fn sample(&mut self, prompt_ids: &[u32], mut logits: Vec<f32>) -> Result<StopReason> {
        let vocabulary = self.generator.chat.vocabulary();
        let mut sampler =
            Sampler::new(&self.options.sampling, self.options.seed, prompt_ids, vocabulary.len());
        let guesses =
            self.options.draft == Draft::Lookup && self.generator.network.is_free_to_cut();
        let mut lookup = guesses.then(Lookup::new);
        let mut history = prompt_ids.to_vec();
        let mut guessed: Vec<u32> = Vec::new();
        let mut row = 0;
        loop {
            let logits_here = &mut logits[row * vocabulary.len()..][..vocabulary.len()];
            let before = self.options.logprobs.map(|count| (count, logits_here.to_vec()));
            if let Some(held) = &mut self.held {
                held.mask(logits_here)?;
            }
            let id = sampler.next(logits_here).ok_or_else(|| self.no_token())?;
            self.first_token.get_or_insert_with(Instant::now);
            self.call.token().check()?;
            if vocabulary.end_ids().contains(&id) {
                self.cache.truncate(history.len());
                return self.finish(StopReason::EndOfTurn);
            }
            self.logprobs.extend(before.map(|(count, logits)| token_logprob(&logits, id, count)));
            let is_complete = self.advance(id)?;
            let flow = self.push(id);
            // What is in the cache beyond was guessed.
            let known = history.len();
            history.push(id);
            let reason = match flow {
                ControlFlow::Break(reason) => Some(reason),
                ControlFlow::Continue(()) if is_complete => {
                    Some(self.finish(StopReason::EndOfTurn)?)
                }
                ControlFlow::Continue(()) if self.token_ids.len() == self.limit => {
                    Some(self.finish(StopReason::MaxNewTokens)?)
                }
                ControlFlow::Continue(()) => None,
            };
            if let Some(reason) = reason {
                self.cache.truncate(known);
                return Ok(reason);
            }
            if guessed.get(row) == Some(&id) {
                self.accepted_token_count += 1;
                row += 1;
                continue;
            }
            self.cache.truncate(known);
            if let Some(lookup) = &mut lookup {
                lookup.learn(guessed.len(), row);
                guessed = lookup.guess(&history, self.limit - self.token_ids.len() - 1);
            }
            self.drafted_token_count += guessed.len();
            let ids: Vec<u32> = std::iter::once(id).chain(guessed.iter().copied()).collect();
            logits =
                self.generator.network.forward(&ids, self.cache, ids.len(), self.call.token())?;
            row = 0;
        }
    }

    /// Beam search, then the best continuation as if it had come token by token.
    fn search(&mut self, mut logits: Vec<f32>) -> Result<StopReason> {
        let vocabulary = self.generator.chat.vocabulary();
        if let Some(held) = &mut self.held {
            held.mask(&mut logits)?;
        }
        if sampling::argmax(&logits).is_none() {
            return Err(self.no_token());
        }
        let stops = |ids: &[u32]| {
            let mut stream = TextStream::new(&self.options.stop);
            ids.iter().any(|id| stream.push(vocabulary.token_bytes(*id)).stopped)
        };
        let search = Search {
            width: self.options.beams,
            max_new_tokens: self.limit,
            end_ids: vocabulary.end_ids(),
            stops: &stops,
            length_penalty: f64::from(self.options.length_penalty),
            early_stopping: self.options.early_stopping,
        };
        let start = Start { cache: self.cache, logits, held: self.held.take() };
        let best = search.run(&self.generator.network, start, self.call.token())?;
        self.first_token = Some(Instant::now());
        for id in best.token_ids {
            if let ControlFlow::Break(reason) = self.push(id) {
                return Ok(reason);
            }
        }
        self.finish(if best.ended { StopReason::EndOfTurn } else { StopReason::MaxNewTokens })
    }

    /// Goes on in the form it is held to; whether nothing but the end can follow.
    fn advance(&mut self, id: u32) -> Result<bool> {
        let Some(held) = &mut self.held else { return Ok(false) };
        held.push(id)?;
        Ok(held.is_complete())
    }

    /// Why no token could be chosen.
    fn no_token(&self) -> Error {
        if self.held.is_some() && !self.options.sampling.logit_bias.is_empty() {
            let reason = "it forbids every token that the constraint allows";
            return Error::invalid("logit_bias", reason);
        }
        self.generator.no_numbers()
    }

    /// Adds a token and hands out the text that is certain.
    fn push(&mut self, id: u32) -> ControlFlow<StopReason> {
        self.token_ids.push(id);
        let piece = self.stream.push(self.generator.chat.vocabulary().token_bytes(id));
        let flow = self.hand_out(&piece.text);
        if piece.stopped {
            return ControlFlow::Break(StopReason::StopString);
        }
        if flow.is_break() {
            ControlFlow::Break(StopReason::Callback)
        } else {
            ControlFlow::Continue(())
        }
    }

    fn finish(&mut self, reason: StopReason) -> Result<StopReason> {
        let rest = std::mem::replace(&mut self.stream, TextStream::new(&[])).finish();
        let _ = self.hand_out(&rest);
        Ok(reason)
    }

    fn hand_out(&mut self, piece: &str) -> ControlFlow<()> {
        if piece.is_empty() {
            return ControlFlow::Continue(());
        }
        self.text.push_str(piece);
        self.call.piece(piece)
    }
}

fn token_logprob(logits: &[f32], token_id: u32, count: usize) -> TokenLogprob {
    let logprob = (f64::from(logits[token_id as usize]) - log_sum_exp(logits)) as f32;
    let likeliest = likeliest(logits, count).into_iter().map(|(id, log)| (id, log as f32));
    TokenLogprob { token_id, logprob, likeliest: likeliest.collect() }
}
