//! Unit vectors as int8 codes, one scale per vector, in one block of memory.
//!
//! A code costs `dim + 4` bytes. The cosine of two codes is off by about
//! `sqrt((s1^2 + s2^2) / 12)` for scales `s1` and `s2`, which is what [`Codes::margin`] builds on.

use crate::kernels::dot::int8::{Kernel, Query};

/// Rows scored together in a scan.
const BLOCK: usize = 256;
/// Standard deviations of rounding noise beyond which a score is taken to be safe.
const SIGMAS: f32 = 6.0;

/// Int8 codes of many vectors.
#[derive(Debug, Clone, Default)]
pub struct Codes {
    dim: usize,
    scales: Vec<f32>,
    largest_scale: f32,
    data: Vec<i8>,
    kernel: Kernel,
}

/// The code of one vector.
#[derive(Debug, Clone)]
pub struct Code {
    scale: f32,
    sum: i32,
    data: Vec<i8>,
}

impl Code {
    /// Rounds `vector` to 255 steps of its largest component. All zeros for a vector of zeros.
    #[must_use]
    pub fn new(vector: &[f32]) -> Self {
        let mut data = Vec::with_capacity(vector.len());
        let scale = quantise(vector, &mut data);
        Self { scale, sum: sum(&data), data }
    }
}

fn sum(codes: &[i8]) -> i32 {
    codes.iter().map(|&code| i32::from(code)).sum()
}

fn quantise(vector: &[f32], data: &mut Vec<i8>) -> f32 {
    let largest = vector.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    let scale = largest / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    // a float to int cast saturates, and NaN gives 0: no input can leave the range
    data.extend(vector.iter().map(|x| (x * inverse).round() as i8));
    scale
}

impl Codes {
    /// No codes yet, of vectors of length `dim`.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        Self { dim, ..Self::default() }
    }

    /// Codes as they were stored; `None` if the lengths disagree or a scale is not a finite
    /// positive number.
    #[must_use]
    pub fn from_parts(dim: usize, scales: Vec<f32>, data: Vec<i8>) -> Option<Self> {
        let fits = scales.len().checked_mul(dim) == Some(data.len());
        let sound = scales.iter().all(|scale| scale.is_finite() && *scale >= 0.0);
        let largest_scale = scales.iter().fold(0f32, |largest, scale| largest.max(*scale));
        let kernel = Kernel::detect();
        (fits && sound).then_some(Self { dim, scales, largest_scale, data, kernel })
    }

    /// Adds a vector; it must be `dim` long.
    pub fn push(&mut self, vector: &[f32]) {
        debug_assert_eq!(vector.len(), self.dim, "vectors of one index have one length");
        let scale = quantise(vector, &mut self.data);
        self.scales.push(scale);
        self.largest_scale = self.largest_scale.max(scale);
    }

    /// The code at `position`, ready to be compared with others.
    #[must_use]
    pub fn code(&self, position: u32) -> Option<Code> {
        let at = position as usize;
        let row = self.data.get(at * self.dim..(at + 1) * self.dim)?;
        Some(Code { scale: *self.scales.get(at)?, sum: sum(row), data: row.to_vec() })
    }

    /// Number of vectors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// Length of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The scales, one per vector.
    #[must_use]
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The codes, row after row.
    #[must_use]
    pub fn data(&self) -> &[i8] {
        &self.data
    }

    /// Approximate cosine of `query` and the vector at `position`; lowest for a position out of
    /// range.
    #[must_use]
    pub fn score(&self, query: &Code, position: u32) -> f32 {
        if position as usize >= self.len() {
            return f32::NEG_INFINITY;
        }
        let mut scores = [0.0];
        self.scores(query, &[position], &mut scores);
        scores[0]
    }

    /// Approximate cosines of `query` and the vectors at `positions`, into the first places of
    /// `scores`.
    ///
    /// # Panics
    /// If a position is out of range, there are more than 256, or fewer places than positions.
    pub fn scores(&self, query: &Code, positions: &[u32], scores: &mut [f32]) {
        let known = Query::with_sum(&query.data, query.sum);
        self.scores_of(known, query.scale, positions, scores);
    }

    /// As [`Codes::scores`] for the vector at `position`, whose codes add up to `sum`.
    pub(super) fn scores_between(
        &self,
        position: u32,
        sum: i32,
        positions: &[u32],
        scores: &mut [f32],
    ) {
        let at = position as usize;
        let row = &self.data[at * self.dim..(at + 1) * self.dim];
        self.scores_of(Query::with_sum(row, sum), self.scales[at], positions, scores);
    }

    fn scores_of(&self, query: Query<'_>, scale: f32, positions: &[u32], scores: &mut [f32]) {
        let mut sums = [0i32; BLOCK];
        let sums = &mut sums[..positions.len()];
        self.kernel.gather(query, &self.data, positions, sums);
        for ((score, sum), position) in scores.iter_mut().zip(sums).zip(positions) {
            *score = *sum as f32 * scale * self.scales[*position as usize];
        }
    }

    /// The sum of each vector's codes.
    pub(super) fn sums(&self) -> Vec<i32> {
        match self.dim {
            0 => vec![0; self.len()],
            dim => self.data.chunks_exact(dim).map(sum).collect(),
        }
    }

    /// Calls `each` with every position and its approximate cosine, in order.
    pub fn for_each(&self, query: &Code, mut each: impl FnMut(u32, f32)) {
        let mut sums = [0i32; BLOCK];
        let known = Query::with_sum(&query.data, query.sum);
        let blocks = self.data.chunks(BLOCK * self.dim.max(1)).zip(self.scales.chunks(BLOCK));
        for (block, (rows, scales)) in blocks.enumerate() {
            self.kernel.rows(known, rows, &mut sums);
            for (row, (sum, scale)) in sums.iter().zip(scales).enumerate() {
                each((block * BLOCK + row) as u32, *sum as f32 * query.scale * scale);
            }
        }
    }

    /// How far an approximate cosine may be from the true one, but for odds of one in a billion.
    #[must_use]
    pub fn margin(&self, query: &Code) -> f32 {
        let largest = self.largest_scale;
        SIGMAS * ((largest * largest + query.scale * query.scale) / 12.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_the_cosine_within_the_margin() {
        let unit = |angle: f32| vec![angle.cos(), angle.sin()];
        let mut codes = Codes::new(2);
        for step in 0..628 {
            codes.push(&unit(step as f32 / 100.0));
        }
        let query = Code::new(&unit(0.7));
        let margin = codes.margin(&query);
        let mut seen = 0;
        codes.for_each(&query, |position, score| {
            let truth = (position as f32 / 100.0 - 0.7).cos();
            assert!((score - truth).abs() <= margin, "{score} {truth}");
            assert_eq!(score, codes.score(&query, position));
            seen += 1;
        });
        assert_eq!(seen, 628);
    }

    #[test]
    fn parts_that_disagree_are_refused() {
        assert!(Codes::from_parts(2, vec![1.0], vec![1, 2]).is_some());
        assert!(Codes::from_parts(2, vec![1.0], vec![1]).is_none());
        assert!(Codes::from_parts(2, vec![f32::NAN], vec![1, 2]).is_none());
        assert!(Codes::from_parts(usize::MAX, vec![1.0, 1.0], vec![1, 2]).is_none());
    }
}
