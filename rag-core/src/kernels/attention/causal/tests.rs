use half::f16;

use super::*;
use crate::kernels::attention::kv_page::KvRow;

struct Case {
    shape: CacheShape,
    group: usize,
    window: usize,
    cap: f32,
}

fn number(seed: usize) -> f32 {
    let mixed = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    (mixed % 2001) as f32 / 1000.0 - 1.0
}

fn row(kind: usize, layer: usize, position: usize, len: usize) -> Vec<f32> {
    (0..len).map(|at| number(((kind * 7 + layer) * 5003 + position) * 4096 + at)).collect()
}

fn cache(case: &Case, isa: Isa, len: usize) -> Vec<Arc<Page>> {
    let shape = case.shape;
    let width = shape.heads * shape.dim;
    let mut pages: Vec<_> = (0..len.div_ceil(PAGE)).map(|_| Page::new(shape)).collect();
    for position in 0..len {
        for layer in 0..shape.layers {
            let (keys, values) = (row(0, layer, position, width), row(1, layer, position, width));
            pages[position / PAGE].write(
                isa,
                layer,
                position % PAGE,
                KvRow { keys: &keys, values: &values },
            );
        }
    }
    pages.into_iter().map(Arc::new).collect()
}

fn queries(case: &Case, range: std::ops::Range<usize>) -> Vec<f32> {
    let width = case.shape.heads * case.group * case.shape.dim;
    range.flat_map(|position| row(2, 0, position, width)).collect()
}

/// What is left of a head's numbers once they are kept.
fn kept(precision: KvPrecision, head: &[f32]) -> Vec<f64> {
    if precision == KvPrecision::F16 {
        return head.iter().map(|value| f64::from(f16::from_f32(*value).to_f32())).collect();
    }
    let rounded = |block: &[f32]| -> Vec<f64> {
        let largest = block.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        let scale = f16::from_f32(largest / 127.0).to_f32();
        let code = |value: &f32| (value * (1.0 / scale)).round_ties_even().clamp(-127.0, 127.0);
        block.iter().map(|value| f64::from(code(value)) * f64::from(scale)).collect()
    };
    head.chunks(32).flat_map(rounded).collect()
}

/// The textbook in double precision.
fn exact(case: &Case, layer: usize, position: usize) -> Vec<f64> {
    let (dim, heads) = (case.shape.dim, case.shape.heads);
    let precision = case.shape.precision;
    let mut query = queries(case, position..position + 1);
    let mut out = Vec::new();
    for (index, query) in query.chunks_mut(dim).enumerate() {
        if precision == KvPrecision::Q8 {
            kv_q8::hadamard(query);
        }
        let head = index / case.group;
        let seen = (position + 1).saturating_sub(case.window)..position + 1;
        let scores: Vec<f64> = seen
            .clone()
            .map(|at| {
                let keys = row(0, layer, at, heads * dim);
                let mut keys = keys[head * dim..][..dim].to_vec();
                if precision == KvPrecision::Q8 {
                    kv_q8::hadamard(&mut keys);
                }
                let keys = kept(precision, &keys);
                let score: f64 =
                    keys.iter().zip(&*query).map(|(key, query)| key * f64::from(*query)).sum();
                let cap = f64::from(case.cap);
                if cap > 0.0 { cap * (score / cap).tanh() } else { score }
            })
            .collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
        let mut mixed = vec![0.0; dim];
        for (at, score) in seen.zip(scores) {
            let values = row(1, layer, at, heads * dim);
            let values = kept(precision, &values[head * dim..][..dim]);
            for (mixed, value) in mixed.iter_mut().zip(values) {
                *mixed += value * (score - largest).exp() / sum;
            }
        }
        out.extend(mixed);
    }
    out
}

fn cases() -> Vec<Case> {
    KvPrecision::ALL.into_iter().flat_map(cases_of).collect()
}

fn cases_of(precision: KvPrecision) -> Vec<Case> {
    let case = |heads, dim, group, window, cap| Case {
        shape: CacheShape { layers: 2, heads, dim, precision, bias: KeyBias::Within },
        group,
        window,
        cap,
    };
    vec![
        case(2, 64, 7, usize::MAX, 0.0),
        case(3, 16, 3, usize::MAX, 0.0),
        case(1, 256, 4, 50, 0.0),
        case(2, 40, 1, usize::MAX, 2.0),
        case(1, 10, 2, 7, 0.0),
        case(1, 96, 5, 130, 1.0),
    ]
}

#[test]
fn attention_follows_the_formula_at_every_level() {
    for case in cases() {
        for isa in Isa::available() {
            let len = 200;
            let pages = cache(&case, isa, len);
            let first = 120;
            let mut found = queries(&case, first..len);
            let view = KvView {
                pages: &pages,
                layer: 1,
                first,
                group: case.group,
                window: case.window,
                cap: case.cap,
                bias: &[],
            };
            attend(&Pool::new(2), isa, view, &mut found);
            let width = found.len() / (len - first);
            for position in [first, 127, 128, 150, len - 1] {
                let found = &found[(position - first) * width..][..width];
                for (found, exact) in found.iter().zip(exact(&case, 1, position)) {
                    let error = (f64::from(*found) - exact).abs();
                    assert!(error < 2e-5, "{:?} {isa:?} {position}: {found} {exact}", case.shape);
                }
            }
        }
    }
}

#[test]
fn a_query_finds_the_same_bits_in_any_company() {
    for case in cases() {
        for isa in Isa::available() {
            let len = 150;
            let pages = cache(&case, isa, len);
            let run = |threads: usize, range: std::ops::Range<usize>| {
                let mut found = queries(&case, range.clone());
                let view = KvView {
                    pages: &pages,
                    layer: 0,
                    first: range.start,
                    group: case.group,
                    window: case.window,
                    cap: case.cap,
                    bias: &[],
                };
                attend(&Pool::new(threads), isa, view, &mut found);
                found.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let whole = run(1, 0..len);
            for cut in [1, 2, 3, 63, 64, 65, 149] {
                let parts = [run(3, 0..cut), run(2, cut..len)].concat();
                assert!(parts == whole, "{:?} {isa:?} cut at {cut}", case.shape);
            }
            let single: Vec<u32> = (0..len).flat_map(|at| run(8, at..at + 1)).collect();
            assert!(single == whole, "{:?} {isa:?} one by one", case.shape);
        }
    }
}

#[test]
fn mixing_is_a_hadamard_matrix_and_keeps_products() {
    for (dim, size) in [(64, 64), (96, 32), (80, 16), (10, 2), (7, 1)] {
        let (a, b) = (row(0, 0, 1, dim), row(0, 0, 2, dim));
        let sign =
            |i: usize, j: usize| if (i & j).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
        let (mut mixed, mut other) = (a.clone(), b.clone());
        kv_q8::hadamard(&mut mixed);
        kv_q8::hadamard(&mut other);
        for (at, found) in mixed.iter().enumerate() {
            let part = &a[at / size * size..][..size];
            let sum: f32 = (0..).zip(part).map(|(j, value)| sign(at % size, j) * value).sum();
            assert!((found - sum / (size as f32).sqrt()).abs() < 1e-5, "{dim} {at}");
        }
        let product = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        assert!((product(&mixed, &other) - product(&a, &b)).abs() < 1e-4, "{dim}");
    }
}

/// Keys written without a large bias, against the same keys with it.
#[test]
fn a_bias_kept_apart_costs_no_precision() {
    let (dim, heads, len) = (64, 2, 150usize);
    let bias: Vec<f32> = (0..heads * dim).map(|at| 100.0 * number(at + 77)).collect();
    let turns = |position: usize| -> (Vec<f32>, Vec<f32>) {
        let angle = |at: usize| position as f32 * 0.3f32.powi(at as i32 % 7);
        (0..dim / 2).map(|at| (angle(at).cos(), angle(at).sin())).unzip()
    };
    let turned_bias = |position: usize| -> Vec<f32> {
        let (cos, sin) = turns(position);
        let head = |bias: &[f32]| -> Vec<f32> {
            let (a, b) = bias.split_at(dim / 2);
            let first = (0..dim / 2).map(|at| a[at] * cos[at] - b[at] * sin[at]);
            first.chain((0..dim / 2).map(|at| a[at] * sin[at] + b[at] * cos[at])).collect()
        };
        bias.chunks(dim).flat_map(head).collect()
    };
    for isa in Isa::available() {
        let found = |precision, apart: KeyBias| {
            let shape = CacheShape { layers: 1, heads, dim, precision, bias: apart };
            let mut pages: Vec<_> = (0..len.div_ceil(PAGE)).map(|_| Page::new(shape)).collect();
            for position in 0..len {
                let mut keys = row(0, 0, position, heads * dim);
                let (page, slot) = (&mut pages[position / PAGE], position % PAGE);
                if apart == KeyBias::Within {
                    keys.iter_mut().zip(turned_bias(position)).for_each(|(key, bias)| *key += bias);
                } else {
                    let (cos, sin) = turns(position);
                    page.write_angles(slot, &cos, &sin);
                }
                let values = row(1, 0, position, heads * dim);
                page.write(isa, 0, slot, KvRow { keys: &keys, values: &values });
            }
            let page = &pages[0];
            let bytes = 2 * page.halves.len() + page.codes.len() + 4 * page.angles.len();
            assert_eq!(bytes, shape.page_bytes());
            let pages: Vec<_> = pages.into_iter().map(Arc::new).collect();
            let mut queries: Vec<f32> = row(2, 0, 9, heads * dim * 3);
            queries.iter_mut().for_each(|query| *query *= 0.05);
            let bias = if apart == KeyBias::Apart { &bias[..] } else { &[] };
            let (layer, first, group, window) = (0, len - 1, 3, usize::MAX);
            let view = KvView { pages: &pages, layer, first, group, window, bias, cap: 0.0 };
            attend(&Pool::new(2), isa, view, &mut queries);
            queries
        };
        let exact = found(KvPrecision::F16, KeyBias::Within);
        let error = |found: Vec<f32>| {
            let far = found.iter().zip(&exact).map(|(a, b)| (a - b).abs());
            far.fold(0.0, f32::max)
        };
        let apart = error(found(KvPrecision::Q8, KeyBias::Apart));
        let within = error(found(KvPrecision::Q8, KeyBias::Within));
        assert!(apart < 0.02 && within > 2.0 * apart, "{isa:?}: {apart}, {within}");
    }
}

#[test]
fn eight_bits_take_little_more_than_half_the_memory() {
    for (dim, share) in [(64, 0.532), (128, 0.532), (80, 0.54)] {
        let bytes = |precision| {
            let shape = CacheShape { layers: 3, heads: 2, dim, precision, bias: KeyBias::Within };
            let page = Page::new(shape);
            assert_eq!(page.halves.len() * 2 + page.codes.len(), shape.page_bytes());
            shape.page_bytes() as f64
        };
        assert!(bytes(KvPrecision::Q8) <= share * bytes(KvPrecision::F16), "{dim}");
    }
}

#[test]
fn eight_bits_keep_small_and_large_numbers_and_what_is_none() {
    let shape = CacheShape {
        layers: 1,
        heads: 1,
        dim: 64,
        precision: KvPrecision::Q8,
        bias: KeyBias::Within,
    };
    let found = |isa, value: &[f32; 64]| {
        let mut page = Page::new(shape);
        page.write(isa, 0, 0, KvRow { keys: &[0.0; 64], values: value });
        let mut query = vec![0.0; 64];
        let pages = [Arc::new(page)];
        let view = KvView {
            pages: &pages,
            layer: 0,
            first: 0,
            group: 1,
            window: usize::MAX,
            bias: &[],
            cap: 0.0,
        };
        attend(&Pool::new(1), isa, view, &mut query);
        query
    };
    for isa in Isa::available() {
        for size in [0.0f32, 1e-30, 1e-6, 1e-3, 1.0, 300.0] {
            let mut values = [0.0; 64];
            (0..64).for_each(|at| values[at] = number(at) * if at < 32 { size } else { 1.0 });
            for (at, (found, value)) in found(isa, &values).iter().zip(values).enumerate() {
                let step = if at < 32 { size } else { 1.0 } / 127.0;
                // the least scale is that of 16-bit floats
                let most = 0.51 * step + 4e-6;
                assert!((found - value).abs() <= most, "{isa:?} {size}: {found} {value}");
            }
        }
        let mut values = [1.0; 64];
        values[40] = f32::NAN;
        let found = found(isa, &values);
        assert!(found[..32].iter().all(|value| (value - 1.0).abs() < 1e-3));
        assert!(found[32..].iter().all(|value| value.is_nan()), "{isa:?}");
    }
}

#[test]
fn what_is_too_large_for_sixteen_bits_stays_finite() {
    let shape = CacheShape {
        layers: 1,
        heads: 1,
        dim: 16,
        precision: KvPrecision::F16,
        bias: KeyBias::Within,
    };
    for isa in Isa::available() {
        let mut page = Page::new(shape);
        page.write(isa, 0, 0, KvRow { keys: &[1e30; 16], values: &[-1e30; 16] });
        let pages = [Arc::new(page)];
        let mut query = vec![0.0; 16];
        let view = KvView {
            pages: &pages,
            layer: 0,
            first: 0,
            group: 1,
            window: usize::MAX,
            bias: &[],
            cap: 0.0,
        };
        attend(&Pool::new(1), isa, view, &mut query);
        assert!(query.iter().all(|value| *value == -65504.0), "{isa:?} {query:?}");
    }
}
