//! Attention of every token of a sequence to every other, or to the first ones, in f32 or with bf16
//! factors.
//!
//! One sequence and one head at a time: keys and values are packed once, then some queries at a
//! time meet all keys, so that their scores stay in the first-level cache. Vaswani et al. 2017,
//! section 3.2.

use crate::kernels::Heads;
use crate::kernels::elementwise::softmax::softmax_numerators;
use crate::kernels::gemm::Packed;
use crate::kernels::gemm::dispatch::Dispatch;
use crate::kernels::gemm::microkernel::{
    Bf16, F32, Job, Lhs, MAX_COLUMNS, MAX_ROWS, MicroKernel, Rhs, Tile, Words,
};
use crate::kernels::gemm::quantize::{bf16_pair, bf16_row, pair_count};
use crate::kernels::isa::{Isa, LANES, Simd};
use crate::kernels::pool::{Pieces, Pool};

/// Buffers of attention, kept from call to call.
#[derive(Debug, Default)]
pub(crate) struct AttentionScratch {
    f32: Buffers<f32>,
    bf16: Buffers<u32>,
    /// Heads of each thread.
    parts: Vec<f32>,
}

/// One head's factors, and what is worked out from them.
#[derive(Debug, Default)]
struct Buffers<W> {
    keys: Packed<W>,
    values: Packed<W>,
    /// A row of keys, then the queries of one head.
    queries: Vec<W>,
    scores: Vec<f32>,
    /// Softmax numerators.
    weights: Vec<W>,
}

/// One sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sequence<'a> {
    pub(crate) heads: Heads,
    pub(crate) distances: Option<&'a Distances>,
    /// Three times the numbers of all heads a token: queries already divided by the root of the
    /// head's size, keys, values.
    pub(crate) qkv: &'a [f32],
    /// How many of the first tokens are attended to; all of them where it is their number.
    pub(crate) key_count: usize,
}

impl Sequence<'_> {
    fn len(&self) -> usize {
        self.qkv.len() / (3 * self.heads.hidden())
    }
}

/// Numbers added to scores by the distance from query to key, before the softmax.
///
/// Serves linear biases (Press et al. 2022), relative position buckets (Raffel et al. 2020) and
/// windows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Distances {
    /// Sequences have at most this many tokens.
    pub(crate) reach: usize,
    /// For each head, or once for all, `2 * reach - 1` numbers; number `reach - 1 + key - query` is
    /// for that pair.
    pub(crate) values: Vec<f32>,
}

impl Distances {
    /// The numbers for the keys 0 to `len` of one query.
    #[inline(always)]
    fn of(&self, head: usize, query: usize, len: usize) -> &[f32] {
        let row = 2 * self.reach - 1;
        // one row serves all heads if it is the only one
        let start = (head * row) % self.values.len();
        &self.values[start + self.reach - 1 - query..][..len]
    }
}

/// A kind of number that attention can multiply.
trait Factor: Words {
    /// Numbers in a word.
    const GROUP: usize;

    /// Numbers side by side in words.
    fn row(row: &[f32], words: &mut [Self::Word]);

    /// One word of two rows' numbers; `second` is not looked at where a word holds one.
    fn join(first: f32, second: f32) -> Self::Word;
}

impl Factor for F32 {
    const GROUP: usize = 1;

    #[inline(always)]
    fn row(row: &[f32], words: &mut [f32]) {
        words[..row.len()].copy_from_slice(row);
    }

    #[inline(always)]
    fn join(first: f32, _: f32) -> f32 {
        first
    }
}

impl Factor for Bf16 {
    const GROUP: usize = 2;

    #[inline(always)]
    fn row(row: &[f32], words: &mut [u32]) {
        bf16_row(row, &mut words[..pair_count(row.len())]);
    }

    #[inline(always)]
    fn join(first: f32, second: f32) -> u32 {
        bf16_pair(first, second)
    }
}

/// One head of one sequence.
#[derive(Clone, Copy)]
struct Head<'a> {
    qkv: &'a [f32],
    index: usize,
    dim: usize,
    hidden: usize,
    len: usize,
    key_count: usize,
    distances: Option<&'a Distances>,
}

impl<'a> Head<'a> {
    /// Queries (part 0), keys (1) or values (2) of a token.
    #[inline(always)]
    fn part(self, part: usize, token: usize) -> &'a [f32] {
        &self.qkv[(3 * token + part) * self.hidden + self.index * self.dim..][..self.dim]
    }
}

/// Some queries of one head.
#[derive(Clone, Copy)]
struct QueryBlock<'a> {
    head: Head<'a>,
    /// The first one's token.
    first: usize,
    count: usize,
}

/// Where results go: rows that lie `stride` apart.
struct OutRows<'a> {
    values: &'a mut [f32],
    stride: usize,
}

/// Heads of one sequence from `first` on, as many as rows of the output have room for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeadSpan<'a> {
    sequence: Sequence<'a>,
    first: usize,
}

/// Bidirectional attention of some heads of one sequence; `out` has one row a token.
struct AttendAll<'a, W> {
    span: HeadSpan<'a>,
    buffers: &'a mut Buffers<W>,
    out: &'a mut [f32],
}

impl<K: Factor> Job<K> for AttendAll<'_, K::Word> {
    #[inline(always)]
    fn run<S: Simd, M: MicroKernel<K>>(self, simd: S, kernel: M) {
        let Self { span: HeadSpan { sequence, first }, buffers, out } = self;
        let Sequence { heads, distances, qkv, key_count } = sequence;
        let (hidden, len) = (heads.hidden(), sequence.len());
        let width = out.len() / len.max(1);
        buffers.scores.resize(M::ROWS * len.next_multiple_of(MAX_COLUMNS), 0.0);
        for (index, column) in (first..).zip((0..width).step_by(heads.dim)) {
            let head = Head { qkv, index, dim: heads.dim, hidden, len, key_count, distances };
            pack_head::<M, K>(head, buffers);
            for token in (0..len).step_by(M::ROWS) {
                let queries = QueryBlock { head, first: token, count: M::ROWS.min(len - token) };
                let out = OutRows { values: &mut out[token * width + column..], stride: width };
                attend::<S, M, K>((simd, kernel), queries, buffers, out);
            }
        }
    }
}

#[inline(always)]
fn pack_head<M: MicroKernel<K>, K: Factor>(head: Head<'_>, buffers: &mut Buffers<K::Word>) {
    let Buffers { keys, values, queries: words, .. } = buffers;
    let depth = head.dim.div_ceil(K::GROUP);
    let panels = head.dim.div_ceil(M::COLUMNS);
    words.resize(head.len.next_multiple_of(M::ROWS_READ) * depth, K::Word::default());
    keys.reset(M::COLUMNS, depth, head.key_count);
    for (token, words) in words.chunks_exact_mut(depth).enumerate().take(head.len) {
        if token < head.key_count {
            K::row(head.part(1, token), words);
            keys.set_column(M::COLUMNS, token, words.iter().copied());
        }
        K::row(head.part(0, token), words);
    }
    let filled = head.key_count.div_ceil(K::GROUP);
    values.reset(M::COLUMNS, filled.next_multiple_of(M::STEPS), head.dim);
    for (row, panel) in
        (filled..values.depth).flat_map(|row| (0..panels).map(move |panel| (row, panel)))
    {
        values.row_mut(M::COLUMNS, row, panel).fill(K::Word::default());
    }
    for row in 0..filled {
        let first = head.part(2, row * K::GROUP);
        let second = (row * K::GROUP + K::GROUP - 1 < head.key_count)
            .then(|| head.part(2, row * K::GROUP + K::GROUP - 1));
        for panel in 0..panels {
            let start = panel * M::COLUMNS;
            let count = M::COLUMNS.min(head.dim - start);
            let place = &mut values.row_mut(M::COLUMNS, row, panel)[..count];
            let first = &first[start..start + count];
            let second = second.map_or(&ZEROS[..count], |second| &second[start..start + count]);
            join_all::<K>(first, second, place);
        }
    }
}

const ZEROS: [f32; MAX_COLUMNS] = [0.0; MAX_COLUMNS];

/// [`Factor::join`] of two rows; loops of a known length become vectors.
#[inline(always)]
fn join_all<K: Factor>(first: &[f32], second: &[f32], words: &mut [K::Word]) {
    let (first, first_end) = first.as_chunks::<LANES>();
    let (second, second_end) = second.as_chunks::<LANES>();
    let (words, words_end) = words.as_chunks_mut::<LANES>();
    for ((words, first), second) in words.iter_mut().zip(first).zip(second) {
        let mut joined = [K::Word::default(); LANES];
        for i in 0..LANES {
            joined[i] = K::join(first[i], second[i]);
        }
        *words = joined;
    }
    for ((word, first), second) in words_end.iter_mut().zip(first_end).zip(second_end) {
        *word = K::join(*first, *second);
    }
}

/// Attention of up to `M::ROWS` queries over all keys of their head.
#[inline(always)]
fn attend<S: Simd, M: MicroKernel<K>, K: Factor>(
    (simd, kernel): (S, M),
    block: QueryBlock<'_>,
    buffers: &mut Buffers<K::Word>,
    out: OutRows<'_>,
) {
    let QueryBlock { head, first, count: rows } = block;
    let Buffers { keys, values, queries, scores, weights } = buffers;
    let (depth, len) = (keys.depth, head.key_count);
    // whole panels, so that no number of a row is turned on its own
    let padded = len.next_multiple_of(M::COLUMNS);
    let mut tile: Tile = [0.0; MAX_ROWS * MAX_COLUMNS];
    let lhs = Lhs { words: &queries[first * depth..], stride: depth, rows };
    for (panel, words) in keys.data.chunks_exact(depth * M::COLUMNS).enumerate() {
        kernel.sums(lhs, Rhs { words, depth }, &mut tile);
        let column = panel * M::COLUMNS;
        let rows = scores.chunks_exact_mut(padded).zip(tile.chunks_exact(M::COLUMNS)).take(rows);
        for (scores, sums) in rows {
            scores[column..column + M::COLUMNS].copy_from_slice(sums);
        }
    }
    let mut scales = [0.0; MAX_ROWS];
    let stride = padded.div_ceil(K::GROUP);
    weights.resize(M::ROWS * stride, K::Word::default());
    for (r, row) in scores.chunks_exact_mut(padded).enumerate().take(rows) {
        if let Some(distances) = head.distances {
            let added = distances.of(head.index, first + r, len);
            row.iter_mut().zip(added).for_each(|(score, added)| *score += added);
        }
        scales[r] = softmax_numerators(simd, row, len);
        K::row(row, &mut weights[r * stride..][..stride]);
    }
    let lhs = Lhs { words: &weights[..], stride, rows };
    for (panel, words) in values.data.chunks_exact(values.depth * M::COLUMNS).enumerate() {
        kernel.sums(lhs, Rhs { words, depth: values.depth }, &mut tile);
        let column = panel * M::COLUMNS;
        let count = M::COLUMNS.min(head.dim - column);
        for (r, sums) in tile.chunks_exact(M::COLUMNS).take(rows).enumerate() {
            let out = &mut out.values[r * out.stride + column..][..count];
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum * scales[r]);
        }
    }
}

/// How attention is worked out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attention {
    pub(crate) level: Isa,
    /// With factors rounded to bf16.
    pub(crate) in_bf16: bool,
}

impl Attention {
    /// Attention of all heads of one sequence; with a pool, its threads share the heads.
    pub(crate) fn run(
        self,
        sequence: Sequence<'_>,
        pool: Option<&Pool>,
        scratch: &mut AttentionScratch,
        out: &mut [f32],
    ) {
        let Heads { count, dim } = sequence.heads;
        let Some(pool) = pool.filter(|pool| pool.thread_count() > 1 && count > 1) else {
            return self.heads(HeadSpan { sequence, first: 0 }, scratch, out);
        };
        let len = sequence.len();
        let share = count.div_ceil(pool.thread_count());
        let mut parts = std::mem::take(&mut scratch.parts);
        parts.resize(out.len(), 0.0);
        let pieces = Pieces::new(&mut parts, len * share * dim);
        pool.run_with(pieces.count(), AttentionScratch::default, |scratch, index| {
            let span = HeadSpan { sequence, first: index * share };
            self.heads(span, scratch, pieces.take(index));
        });
        for (index, block) in parts.chunks(len * share * dim).enumerate() {
            let wide = block.len() / len;
            let rows = out.chunks_exact_mut(count * dim).zip(block.chunks_exact(wide));
            rows.for_each(|(out, row)| out[index * share * dim..][..wide].copy_from_slice(row));
        }
        scratch.parts = parts;
    }

    fn heads(self, span: HeadSpan<'_>, scratch: &mut AttentionScratch, out: &mut [f32]) {
        if self.in_bf16 {
            Bf16::run(self.level, AttendAll { span, buffers: &mut scratch.bf16, out });
        } else {
            F32::run(self.level, AttendAll { span, buffers: &mut scratch.f32, out });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in [-1, 1) from a small generator (xorshift, Marsaglia 2003).
    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed | 1;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    /// The definition, number by number.
    fn expected(sequence: Sequence<'_>) -> Vec<f32> {
        let Sequence { heads, distances, qkv, key_count } = sequence;
        let (dim, hidden, len) = (heads.dim, heads.hidden(), sequence.len());
        let part = |token: usize, part: usize, head: usize| {
            &qkv[(3 * token + part) * hidden + head * dim..][..dim]
        };
        let mut out = vec![0.0; len * hidden];
        for (head, token) in (0..2).flat_map(|head| (0..len).map(move |token| (head, token))) {
            let added = distances.map(|distances| distances.of(head, token, len));
            let score = |other: usize| {
                let pairs = part(token, 0, head).iter().zip(part(other, 1, head));
                pairs.map(|(a, b)| a * b).sum::<f32>() + added.map_or(0.0, |added| added[other])
            };
            let weights: Vec<f32> = (0..key_count).map(|other| score(other).exp()).collect();
            let total: f32 = weights.iter().sum();
            for e in 0..dim {
                let values = (0..key_count).map(|other| weights[other] * part(other, 2, head)[e]);
                out[token * hidden + head * dim + e] = values.sum::<f32>() / total;
            }
        }
        out
    }

    #[test]
    fn attention_equals_the_definition_at_every_length() {
        let window =
            |at: usize| if at.abs_diff(79) > 20 { f32::NEG_INFINITY } else { at as f32 / 99.0 };
        let distances =
            Distances { reach: 80, values: (0..2 * 159).map(|at| window(at % 159)).collect() };
        let pool = Pool::new(2);
        let levels = Isa::available().into_iter();
        for (level, dim) in levels.flat_map(|level| [(level, 21), (level, 32)]) {
            let heads = Heads { count: 2, dim };
            let [exact, rounded] = [false, true].map(|in_bf16| Attention { level, in_bf16 });
            let mut scratch = AttentionScratch::default();
            for len in [70, 1, 2, 7, 12, 13, 31, 32, 33, 62, 63, 64, 65] {
                let qkv = numbers(len * 3 * heads.hidden(), len as u64);
                let some = [None, Some(&distances)].map(|distances| (distances, len));
                // a window reaches 20 tokens
                let few = (len < 20).then_some((Some(&distances), len.div_ceil(3)));
                for (distances, key_count) in some.into_iter().chain(few).chain([(None, 1)]) {
                    let sequence = Sequence { heads, distances, qkv: &qkv, key_count };
                    let want = expected(sequence);
                    let mut out = vec![0.0; len * heads.hidden()];
                    exact.run(sequence, None, &mut scratch, &mut out);
                    for (got, want) in out.iter().zip(&want) {
                        assert!((got - want).abs() < 1e-5, "{level:?} {len}: {got} {want}");
                    }
                    let mut shared = vec![0.0; len * heads.hidden()];
                    exact.run(sequence, Some(&pool), &mut scratch, &mut shared);
                    assert_eq!(shared, out, "{level:?} {len}");
                    rounded.run(sequence, None, &mut scratch, &mut out);
                    for (got, want) in out.iter().zip(&want) {
                        assert!((got - want).abs() < 0.015, "{level:?} {len}: {got} {want}");
                    }
                    rounded.run(sequence, Some(&pool), &mut scratch, &mut shared);
                    assert_eq!(shared, out, "{level:?} {len}");
                }
            }
        }
    }
}
