//! A page of keys and values: where each number stands, and how it is written.
#![expect(unsafe_code, reason = "vectors into checked slices")]

use super::PAGE;
use super::kv_q8::{Q8Numbers, Round, blocks, hadamard};
use super::scores::F16Numbers;
use crate::kernels::isa::{Isa, LANES, Simd, Work};
use crate::options::words;

words! {
    /// How precisely keys and values are kept.
    #[derive(Default)]
    pub enum KvPrecision("kv") {
        /// 16-bit floats.
        #[default]
        F16 = "f16",
        /// 8-bit integers with a scale for each 32 numbers of a head: 53 % of the memory.
        Q8 = "q8",
    }
}

/// Sizes of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheShape {
    /// Layers.
    pub(crate) layers: usize,
    /// Key heads.
    pub(crate) heads: usize,
    /// Numbers of a head.
    pub(crate) dim: usize,
    /// How they are kept.
    pub(crate) precision: KvPrecision,
    /// Whether keys are kept without their bias, which attention adds again: rounded to 8 bits, a
    /// large bias (Qwen's is a hundred times the rest) would leave little of the rest.
    pub(crate) bias: KeyBias,
}

/// Where the bias of keys is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyBias {
    /// In the keys, or there is none.
    Within,
    /// Apart: pages know the cosines and sines of their positions.
    Apart,
}

impl CacheShape {
    /// Numbers of a value in a page: whole vectors.
    pub(super) fn width(self) -> usize {
        self.dim.next_multiple_of(LANES)
    }

    /// Numbers of one layer and head: keys, then values.
    fn area(self) -> usize {
        PAGE * (self.dim + self.width())
    }

    /// Scales of one layer and head: of keys, then of values.
    fn scale_area(self) -> usize {
        PAGE * (blocks(self.dim) + blocks(self.width()))
    }

    /// Which layer and head of a page, counted through.
    fn number(self, layer: usize, head: usize) -> usize {
        layer * self.heads + head
    }

    /// Bytes of a page.
    pub(crate) fn page_bytes(self) -> usize {
        let areas = self.layers * self.heads;
        let numbers = match self.precision {
            KvPrecision::F16 => 2 * areas * self.area(),
            KvPrecision::Q8 => areas * (self.area() + 2 * self.scale_area()),
        };
        numbers + 4 * self.angles()
    }

    /// Cosines and sines of a page's positions.
    fn angles(self) -> usize {
        if self.bias == KeyBias::Apart { PAGE * self.dim } else { 0 }
    }
}

/// Keys and values of 64 positions, all layers and heads.
///
/// A layer and head's keys stand in groups of sixteen positions, number by number; its values
/// position by position. Their scales, if they have any, stand in the same order.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(super) shape: CacheShape,
    /// The numbers, or their scales.
    pub(super) halves: Vec<u16>,
    /// The numbers rounded, or nothing.
    pub(super) codes: Vec<u8>,
    /// Cosines, then sines of each position, in the order of a head's keys; or nothing.
    pub(super) angles: Vec<f32>,
}

/// Keys and values of one position, as many of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KvRow<'a> {
    pub(crate) keys: &'a [f32],
    pub(crate) values: &'a [f32],
}

impl Page {
    /// A page of zeros.
    pub(crate) fn new(shape: CacheShape) -> Self {
        let areas = shape.layers * shape.heads;
        let (halves, codes) = match shape.precision {
            KvPrecision::F16 => (shape.area(), 0),
            KvPrecision::Q8 => (shape.scale_area(), shape.area()),
        };
        Self {
            shape,
            halves: vec![0; areas * halves],
            codes: vec![0; areas * codes],
            angles: vec![0.0; shape.angles()],
        }
    }

    /// Writes the cosines and sines of a position, one of each per pair.
    pub(crate) fn write_angles(&mut self, slot: usize, cos: &[f32], sin: &[f32]) {
        assert!(slot < PAGE && cos.len() + sin.len() == self.shape.dim);
        let group = &mut self.angles[slot / LANES * LANES * self.shape.dim..];
        let places = group[slot % LANES..].iter_mut().step_by(LANES);
        for (place, turn) in places.zip(cos.iter().chain(sin)) {
            *place = *turn;
        }
    }

    /// The 16-bit keys and values of a layer and head.
    #[inline]
    pub(super) fn halves(&self, layer: usize, head: usize) -> (F16Numbers<'_>, F16Numbers<'_>) {
        let area = self.shape.area();
        let start = self.shape.number(layer, head) * area;
        let (keys, values) = self.halves[start..][..area].split_at(PAGE * self.shape.dim);
        (F16Numbers(keys), F16Numbers(values))
    }

    /// The rounded keys and values of a layer and head.
    #[inline]
    pub(super) fn rounded(&self, layer: usize, head: usize) -> (Q8Numbers<'_>, Q8Numbers<'_>) {
        let shape = self.shape;
        let (number, area, scale_area) =
            (shape.number(layer, head), shape.area(), shape.scale_area());
        let codes = self.codes[number * area..][..area].split_at(PAGE * shape.dim);
        let scales =
            self.halves[number * scale_area..][..scale_area].split_at(PAGE * blocks(shape.dim));
        let [keys, values] = [(codes.0, scales.0), (codes.1, scales.1)]
            .map(|(codes, scales)| Q8Numbers { codes, scales });
        (keys, values)
    }

    /// Writes all heads of one position of one layer; `slot` is the position within the page.
    pub(crate) fn write(&mut self, isa: Isa, layer: usize, slot: usize, row: KvRow<'_>) {
        let (shape, KvRow { keys, values }) = (self.shape, row);
        assert!(layer < shape.layers && slot < PAGE);
        assert!(keys.len() == shape.heads * shape.dim && values.len() == keys.len());
        let heads = keys.chunks_exact(shape.dim).zip(values.chunks_exact(shape.dim));
        for (head, (keys, values)) in heads.enumerate() {
            let number = shape.number(layer, head);
            if shape.precision == KvPrecision::Q8 {
                self.write_rounded(isa, number, slot, KvRow { keys, values });
                continue;
            }
            let area = &mut self.halves[number * shape.area()..][..shape.area()];
            let (key_area, value_area) = area.split_at_mut(PAGE * shape.dim);
            let group = &mut key_area[slot / LANES * LANES * shape.dim..];
            isa.run(Narrow { values: keys, to: group, stride: LANES, first: slot % LANES });
            let row = &mut value_area[slot * shape.width()..];
            isa.run(Narrow { values, to: row, stride: 1, first: 0 });
        }
    }

    fn write_rounded(&mut self, isa: Isa, number: usize, slot: usize, row: KvRow<'_>) {
        let (shape, KvRow { keys, values }) = (self.shape, row);
        let (dim, width) = (shape.dim, shape.width());
        let codes = &mut self.codes[number * shape.area()..][..shape.area()];
        let (key_codes, value_codes) = codes.split_at_mut(PAGE * dim);
        let scales = &mut self.halves[number * shape.scale_area()..][..shape.scale_area()];
        let (key_scales, value_scales) = scales.split_at_mut(PAGE * blocks(dim));
        let group = slot / LANES * LANES;
        let mut keys = keys.to_vec();
        hadamard(&mut keys);
        isa.run(Round {
            values: &keys,
            codes: &mut key_codes[group * dim..],
            stride: LANES,
            first: slot % LANES,
            scales: &mut key_scales[group * blocks(dim)..],
            scale_stride: LANES,
            scale_first: slot % LANES,
        });
        isa.run(Round {
            values,
            codes: &mut value_codes[slot * width..],
            stride: 1,
            first: 0,
            scales: &mut value_scales[slot * blocks(width)..],
            scale_stride: 1,
            scale_first: 0,
        });
    }
}

/// Stores numbers as 16-bit floats at `first`, `first + stride` and so on.
struct Narrow<'a> {
    values: &'a [f32],
    to: &'a mut [u16],
    stride: usize,
    first: usize,
}

impl Work for Narrow<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let places = self.to[self.first..].iter_mut().step_by(self.stride);
        let mut places = places.take(self.values.len());
        for values in self.values.chunks(LANES) {
            let (mut padded, mut halves) = ([0.0; LANES], [0; LANES]);
            padded[..values.len()].copy_from_slice(values);
            // SAFETY: both are sixteen long.
            unsafe { simd.store_half(halves.as_mut_ptr(), simd.load(padded.as_ptr())) };
            for (half, place) in halves.iter().take(values.len()).zip(&mut places) {
                *place = *half;
            }
        }
    }
}
