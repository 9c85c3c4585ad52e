//! Token ids to what a head makes of their states, pooled or not: batches, threads and the network.
//!
//! Owns who works on which sequence. What a row comes out as depends on its sequence alone.

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::thread;

use crate::error::{Error, Result};
use crate::kernels::KernelLevel;
use crate::kernels::gemm::linear::{Arithmetic, NumberFormat};
use crate::kernels::isa::Isa;
use crate::kernels::pool::Pool;
use crate::model::Backend;
use crate::model::encoder::Pooling;
use crate::model::formats::safetensors::Tensors;
use crate::progress::CancelToken;

use super::candle::CandleEncoder;
use super::network::{Batch, EncoderNetwork, EncoderScratch, NetworkConfig, pool};
use super::parallel::{batches, run_parallel};
use super::{EncoderOptions, Precision};
use crate::model::tokenizer::text::TokenIds;

/// Tokens of one batch: enough rows to fill the kernels, few enough to stay in the second-level
/// cache.
const BATCH_TOKENS: usize = 384;
/// Fewer tokens than this are not worth a thread.
const MIN_BATCH_TOKENS: usize = 96;
/// Texts that a thread tokenises before it takes others.
const TEXTS: usize = 16;

/// What an encoder runs with.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) arithmetic: Arithmetic,
    pub(crate) backend: Backend,
}

/// What makes rows of a result from rows of pooled states.
#[derive(Clone, Copy)]
pub(crate) struct RowHead<'a> {
    /// Numbers of a row of the result.
    pub(crate) width: usize,
    pub(crate) run: &'a (dyn Fn(&[f32], &mut [f32]) + Sync),
}

/// What makes rows of states: the tokens of a text, its states, and where the result goes.
type RunRows<'a> = dyn Fn(&[u32], &[f32], &mut [f32]) + Sync + 'a;

/// What makes rows of a result from the states of all tokens of a sequence.
#[derive(Clone, Copy)]
pub(crate) struct StateHead<'a> {
    /// Numbers of a row of the result.
    pub(crate) width: usize,
    /// Is given the ids of a sequence, their states and its row.
    pub(crate) run: &'a RunRows<'a>,
}

impl Setup {
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if this CPU does not have the level asked for,
    /// or candle's networks do not take a precision.
    pub(crate) fn new(options: &EncoderOptions) -> Result<Self> {
        let level = Isa::of(options.level).ok_or_else(|| {
            let wanted = options.level.map_or("any", KernelLevel::name);
            Error::invalid("level", format!("this CPU does not have {wanted}"))
        })?;
        let backend = options.backend;
        let format = match (backend, options.precision) {
            (Backend::Auto, precision) => precision.format(level),
            (_, Precision::Auto | Precision::F32) => NumberFormat::F32,
            (_, other) => {
                let reason = format!("{}, but candle's networks run in f32", other.name());
                return Err(Error::invalid("precision", reason));
            }
        };
        let level = if format == NumberFormat::F32 { level.vectors() } else { level };
        Ok(Self { arithmetic: Arithmetic { level, format }, backend })
    }
}

/// Who runs the network.
enum Runs {
    Ours(Box<EncoderNetwork>),
    Candle(Box<CandleEncoder>),
}

/// A network with its threads. Any number of callers may use it at once.
pub(crate) struct EncoderEngine {
    network: Runs,
    poolings: Vec<Pooling>,
    thread_count: usize,
    pool: OnceLock<Pool>,
}

impl EncoderEngine {
    /// Takes the weights out of `tensors`.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming a tensor that is missing or shaped otherwise, or a family
    /// that candle does not run; [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument)
    /// for a device that is not there.
    pub(crate) fn load(
        tensors: &mut Tensors,
        config: NetworkConfig<'_>,
        poolings: Vec<Pooling>,
        setup: Setup,
    ) -> Result<Self> {
        let network = match setup.backend {
            Backend::Auto => {
                Runs::Ours(Box::new(EncoderNetwork::load(tensors, config, setup.arithmetic)?))
            }
            other => Runs::Candle(Box::new(CandleEncoder::load(tensors, config, other)?)),
        };
        Ok(Self { network, poolings, thread_count: cpu_count(), pool: OnceLock::new() })
    }

    /// The same on at most so many threads; `None` for one per CPU.
    pub(crate) fn with_threads(mut self, thread_count: Option<NonZeroUsize>) -> Self {
        self.thread_count = thread_count.map_or_else(cpu_count, NonZeroUsize::get);
        self.pool = OnceLock::new();
        self
    }

    pub(crate) fn thread_count(&self) -> usize {
        self.thread_count
    }

    /// Rows of the word table; every token id must be below it.
    pub(crate) fn vocab_size(&self) -> usize {
        match &self.network {
            Runs::Ours(network) => network.vocab_size(),
            Runs::Candle(network) => network.vocab_size(),
        }
    }

    /// Most tokens of a sequence.
    pub(crate) fn max_tokens(&self) -> usize {
        match &self.network {
            Runs::Ours(network) => network.max_tokens(),
            Runs::Candle(network) => network.max_tokens(),
        }
    }

    /// Length of a pooled row.
    pub(crate) fn pooled_dim(&self) -> usize {
        let hidden = match &self.network {
            Runs::Ours(network) => network.hidden(),
            Runs::Candle(network) => network.hidden(),
        };
        hidden * self.poolings.len()
    }

    /// Tokenises texts on all threads.
    ///
    /// # Errors
    /// Those of `ids`; [`ErrorCode::Cancelled`](crate::ErrorCode::Cancelled).
    pub(crate) fn tokenize<T: Sync>(
        &self,
        texts: &[T],
        cancel: &CancelToken,
        ids: impl Fn(&T) -> Result<TokenIds> + Sync,
    ) -> Result<Vec<TokenIds>> {
        let mut tokens = vec![TokenIds { ids: Vec::new(), truncated: false }; texts.len()];
        let work = texts.chunks(TEXTS).zip(tokens.chunks_mut(TEXTS)).collect();
        run_parallel(
            self.thread_count,
            work,
            || (),
            |(), (texts, tokens)| {
                cancel.check()?;
                for (text, tokens) in texts.iter().zip(tokens) {
                    *tokens = ids(text)?;
                }
                Ok(())
            },
        )?;
        Ok(tokens)
    }

    /// Runs sequences of checked ids and gives the pooled rows of each batch, with their rows in
    /// the result, to `head`.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`](crate::ErrorCode::Cancelled) between batches;
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if candle fails.
    pub(crate) fn run(
        &self,
        all: Batch<'_>,
        head: RowHead<'_>,
        cancel: &CancelToken,
    ) -> Result<Vec<f32>> {
        let network = match &self.network {
            Runs::Ours(network) => network,
            Runs::Candle(network) => {
                let pooled = network.pooled(all, &self.poolings, cancel)?;
                let mut data = vec![0.0; all.sequences.len() * head.width];
                (head.run)(&pooled, &mut data);
                return Ok(data);
            }
        };
        let mut data = vec![0.0; all.sequences.len() * head.width];
        self.run_ours(network, (all, &mut data), cancel, |batch, states, out| {
            let mut pooled = vec![0.0; batch.sequences.len() * self.pooled_dim()];
            let rows = pooled.chunks_exact_mut(self.pooled_dim());
            for ((_, states), row) in sequences(batch, states, network.hidden()).zip(rows) {
                let parts = row.chunks_exact_mut(network.hidden());
                self.poolings.iter().zip(parts).for_each(|(by, part)| pool(*by, states, part));
            }
            (head.run)(&pooled, out);
        })?;
        Ok(data)
    }

    /// Runs sequences of checked ids and gives the states of each, with its row in the result, to
    /// `head`.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`](crate::ErrorCode::Cancelled) between batches;
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) where candle runs the
    /// network, whose states stay on its device.
    pub(crate) fn run_states(
        &self,
        all: Batch<'_>,
        head: StateHead<'_>,
        cancel: &CancelToken,
    ) -> Result<Vec<f32>> {
        let Runs::Ours(network) = &self.network else {
            return Err(Error::invalid("backend", "candle gives no states of tokens here"));
        };
        let mut data = vec![0.0; all.sequences.len() * head.width];
        self.run_ours(network, (all, &mut data), cancel, |batch, states, out| {
            let rows = out.chunks_exact_mut(head.width);
            for ((ids, states), row) in sequences(batch, states, network.hidden()).zip(rows) {
                (head.run)(ids, states, row);
            }
        })?;
        Ok(data)
    }

    /// Gives the states of each batch, with its rows of `data`, to `finish`.
    fn run_ours(
        &self,
        network: &EncoderNetwork,
        (all, data): (Batch<'_>, &mut [f32]),
        cancel: &CancelToken,
        finish: impl Fn(Batch<'_>, &[f32], &mut [f32]) + Sync,
    ) -> Result<()> {
        let width = data.len().checked_div(all.sequences.len()).unwrap_or(0);
        let (mut rest, mut left) = (data, all);
        let mut work = Vec::new();
        for sequences in batches(all.sequences, MIN_BATCH_TOKENS, BATCH_TOKENS, self.thread_count) {
            let (out, others) = rest.split_at_mut(sequences.len() * width);
            let (batch, later) = left.split_at(sequences.len());
            work.push((batch, out));
            (rest, left) = (others, later);
        }
        let threads = (work.len() == 1).then(|| self.threads());
        run_parallel(self.thread_count, work, EncoderScratch::default, |scratch, (batch, out)| {
            cancel.check()?;
            finish(batch, network.forward(batch, threads, scratch), out);
            Ok(())
        })
    }

    /// Threads that share one batch, started by the first.
    fn threads(&self) -> &Pool {
        self.pool.get_or_init(|| Pool::new(self.thread_count))
    }
}

/// The ids of each sequence with the states of its tokens.
fn sequences<'a>(
    batch: Batch<'a>,
    states: &'a [f32],
    hidden: usize,
) -> impl Iterator<Item = (&'a [u32], &'a [f32])> {
    batch.sequences.iter().scan(states, move |rest, ids| {
        let (own, after) = rest.split_at_checked(ids.len() * hidden)?;
        *rest = after;
        Some((*ids, own))
    })
}

fn cpu_count() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
