//! Networks that our own decoder does not run, and GPUs: candle-transformers, behind what
//! [`super::network`] asks.
//!
//! candle's networks own their cache and can neither shorten nor share it. So a cache here is the
//! list of passes that made it: a network that has taken in others starts again and takes in these,
//! one by one. Passes are cut the same way each time, so that the same prompt gives the same bits.

mod families;
mod settings;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use candle_core::{Device, Tensor};

pub(super) use self::families::names;
use self::families::{Built, CandleStep};
use crate::error::{Error, Result};
use crate::generate::engine::{Backend, GeneratorOptions};
use crate::kernels::KvPrecision;
use crate::model::generator::files::GeneratorFiles;
use crate::progress::CancelToken;

/// Tokens of a prompt that go through the network together where it can go on from a cache with
/// several.
const SPAN: usize = 64;

/// A network of candle-transformers with its weights.
pub(super) struct CandleDecoder {
    path: PathBuf,
    device: Device,
    backend: Backend,
    context_len: usize,
    vocabulary_len: usize,
    kv_bytes_per_token: usize,
    fingerprint: String,
    architecture: &'static str,
    /// Tokens of a prompt that go through together.
    span: usize,
    state: Mutex<State>,
}

/// The network and what it has taken in.
struct State {
    step: Box<dyn CandleStep>,
    passes: Vec<Vec<u32>>,
    /// Whether `passes` is not what the network has taken in, because a pass failed.
    is_lost: bool,
}

/// What a network has taken in, pass by pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Passes(Vec<Vec<u32>>);

impl Passes {
    /// Tokens taken in.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Forgets all but the first `len` tokens.
    pub(super) fn truncate(&mut self, len: usize) {
        let mut left = len;
        for pass in &mut self.0 {
            pass.truncate(left);
            left -= pass.len();
        }
        self.0.retain(|pass| !pass.is_empty());
    }
}

/// Whether a network of candle's is to run these files.
pub(super) fn is_wanted(files: &GeneratorFiles, backend: Backend) -> bool {
    backend != Backend::Auto || families::only_candle_runs(files)
}

impl CandleDecoder {
    /// Loads the weights; `vocabulary_len` is the tokenizer's.
    ///
    /// # Errors
    /// Model if the files are damaged or of a family that candle does not run for us, naming those
    /// it does; InvalidArgument for a device that is not there, or options that only our own
    /// decoder takes.
    pub(super) fn load(
        files: &GeneratorFiles,
        vocabulary_len: usize,
        options: &GeneratorOptions,
    ) -> Result<Self> {
        if options.kv != KvPrecision::default() {
            let reason = "networks run by candle keep keys and values as they are computed";
            return Err(Error::invalid("kv", reason));
        }
        let device = options.backend.device()?;
        let Built { step, architecture, context_len, kv_bytes_per_token, resumes } =
            families::build(files, &device)?;
        Ok(Self {
            path: files.path().to_owned(),
            kv_bytes_per_token,
            device,
            backend: match options.backend {
                Backend::Auto => Backend::Candle,
                other => other,
            },
            context_len,
            vocabulary_len,
            fingerprint: files.fingerprint()?,
            architecture,
            span: if resumes { SPAN } else { usize::MAX },
            state: Mutex::new(State { step, passes: Vec::new(), is_lost: false }),
        })
    }

    pub(super) fn backend(&self) -> Backend {
        self.backend
    }

    /// Tokens of a prompt that go through together.
    pub(super) fn span(&self) -> usize {
        self.span
    }

    pub(super) fn architecture(&self) -> &'static str {
        self.architecture
    }

    pub(super) fn context_len(&self) -> usize {
        self.context_len
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn kv_bytes_per_token(&self) -> usize {
        self.kv_bytes_per_token
    }

    /// Takes in `ids` after what `cache` holds and returns the logits that follow each of the last
    /// `last` of them, `[last, vocabulary]`. When it fails `cache` holds what was taken in before.
    ///
    /// # Errors
    /// Cancelled within one pass; Model if the network fails, or gives other logits than one for
    /// each token.
    pub(super) fn forward(
        &self,
        ids: &[u32],
        cache: &mut Passes,
        last: usize,
        cancel: &CancelToken,
    ) -> Result<Vec<f32>> {
        let mut state = self.state();
        if state.is_lost || state.passes != cache.0 {
            state.is_lost = true;
            state.step.reset().map_err(|cause| self.failed(cause))?;
            state.passes.clear();
            state.is_lost = false;
            for pass in &cache.0 {
                cancel.check()?;
                self.pass(&mut state, pass)?;
            }
        }
        // logits come from the end of a pass alone
        let (together, apart) = ids.split_at((ids.len() + 1).saturating_sub(last.max(1)));
        let mut logits = Vec::new();
        for pass in together.chunks(self.span).chain(apart.chunks(1)) {
            cancel.check()?;
            logits.push(self.pass(&mut state, pass)?);
            cache.0.push(pass.to_vec());
        }
        Ok(logits.split_off(logits.len().saturating_sub(last)).concat())
    }

    fn pass(&self, state: &mut State, ids: &[u32]) -> Result<Vec<f32>> {
        let position = state.passes.iter().map(Vec::len).sum();
        state.is_lost = true;
        let run = || -> candle_core::Result<Vec<f32>> {
            let input = Tensor::new(ids, &self.device)?.unsqueeze(0)?;
            let logits = state.step.step(&input, position)?;
            logits.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1()
        };
        // a network may rely on what its files only claim
        let logits = catch_unwind(AssertUnwindSafe(run))
            .map_err(|_| Error::model(&self.path, "its network gave up, it is probably damaged"))?
            .map_err(|cause| self.failed(cause))?;
        if logits.len() != self.vocabulary_len {
            let (found, wanted) = (logits.len(), self.vocabulary_len);
            let reason = format!("the network gives {found} logits for {wanted} tokens");
            return Err(Error::model(&self.path, reason));
        }
        state.passes.push(ids.to_vec());
        state.is_lost = false;
        Ok(logits)
    }

    /// The network, for this call alone. After a panic it starts again.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, cause: candle_core::Error) -> Error {
        bad(&self.path, cause)
    }
}

fn bad(path: &Path, cause: candle_core::Error) -> Error {
    Error::model_cause(path, "candle cannot run its network", cause)
}

#[cfg(test)]
mod tests;
