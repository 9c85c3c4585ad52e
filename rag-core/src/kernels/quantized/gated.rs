//! The first half of a gated feed-forward layer in one go: two products, the gate, rounding.
//!
//! A task works out 32 columns of both products, which is one block of the rounded result, so that
//! the wide rows between the products are never written.
#![expect(unsafe_code, reason = "vectors into checked slices, and blocks of rows for each task")]

use super::product::{Input, Scratch, run_len};
use super::rows::{BlockParams, QuantizedRows, round_block};
use super::{BLOCK, Isa, LANES, Matrix, Simd, Work};
use crate::kernels::elementwise::activation::Activation;
use crate::kernels::elementwise::gated;
use crate::kernels::isa::each;
use crate::kernels::pool::Pool;

/// Tiles of a block.
const TILES: usize = BLOCK / LANES;

/// Two matrices of the same shape, and what the first's product goes through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GatedPair<'a> {
    /// `[out, in]`, quantised; `out` is a whole number of blocks.
    pub(crate) gate: &'a Matrix,
    /// The same shape, quantised.
    pub(crate) up: &'a Matrix,
    /// Its function.
    pub(crate) by: Activation,
}

impl GatedPair<'_> {
    /// Whether [`multiply_gated`] takes these matrices.
    pub(crate) fn is_fit(&self) -> bool {
        let (gate, up) = (self.gate, self.up);
        gate.kind.is_quantised()
            && up.kind.is_quantised()
            && (gate.rows, gate.columns) == (up.rows, up.columns)
            && gate.rows.is_multiple_of(BLOCK)
    }
}

/// What to do with the products of the input with both matrices.
pub(crate) struct GatedTarget<'a> {
    /// The matrices.
    pub(crate) pair: GatedPair<'a>,
    /// As many columns as they have rows.
    pub(crate) out: &'a mut QuantizedRows,
}

/// `out = round(f(gate x) * (up x))` for each row `x` of the input.
pub(crate) fn multiply_gated(pool: &Pool, isa: Isa, input: Input<'_>, target: GatedTarget<'_>) {
    let GatedTarget { pair, out } = target;
    assert!(pair.is_fit() && out.columns == pair.gate.rows && out.rows == input.rows);
    input.check(pair.gate);
    input.check(pair.up);
    let blocks = out.columns / BLOCK;
    let run = run_len(blocks, input.rows, pool);
    let out =
        Out { columns: out.columns, codes: out.codes.as_mut_ptr(), facts: out.facts.as_mut_ptr() };
    pool.run_with(blocks.div_ceil(run), GatedScratch::default, |work, task| {
        for block in task * run..blocks.min((task + 1) * run) {
            for (index, sums) in work.sums.iter_mut().enumerate() {
                let matrix = if index < TILES { pair.gate } else { pair.up };
                input.sums(isa, matrix, block * TILES + index % TILES, &mut work.scratch);
                std::mem::swap(&mut work.scratch.sums, sums);
            }
            let [first_gate, second_gate, first_up, second_up] = &work.sums;
            isa.run(Finish {
                gates: [&first_gate[..input.rows], &second_gate[..input.rows]],
                ups: [&first_up[..input.rows], &second_up[..input.rows]],
                by: pair.by,
                block,
                out: &out,
            });
        }
    });
}

/// What a thread keeps: the sums of both tiles of both matrices.
#[derive(Default)]
struct GatedScratch {
    scratch: Scratch,
    sums: [Vec<[f32; LANES]>; 2 * TILES],
}

/// Rows whose blocks several tasks write, each its own.
struct Out {
    columns: usize,
    codes: *mut i8,
    facts: *mut BlockParams,
}

// SAFETY: tasks write disjoint blocks, see `multiply_gated`.
unsafe impl Sync for Out {}

/// Gates and rounds one block of all rows.
struct Finish<'a> {
    gates: [&'a [[f32; LANES]]; TILES],
    ups: [&'a [[f32; LANES]]; TILES],
    by: Activation,
    block: usize,
    out: &'a Out,
}

impl Work for Finish<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { gates, ups, by, block, out } = self;
        let blocks = out.columns / BLOCK;
        let sums = gates[0].iter().zip(gates[1]).zip(ups[0].iter().zip(ups[1]));
        for (row, ((first_gate, second_gate), (first_up, second_up))) in sums.enumerate() {
            // SAFETY: each is sixteen long; `out` has as many rows as there are sums and `block` is
            // one of its blocks (asserted by `multiply_gated`), which is this task's alone.
            unsafe {
                let gates = [simd.load(first_gate.as_ptr()), simd.load(second_gate.as_ptr())];
                let ups = [simd.load(first_up.as_ptr()), simd.load(second_up.as_ptr())];
                let values = each!(TILES, tile => gated(simd, by, gates[tile], ups[tile]));
                let codes = out.codes.add(row * out.columns + block * BLOCK);
                let facts = &mut *out.facts.add(row * blocks + block);
                round_block(simd, values, codes, facts);
            }
        }
    }
}
