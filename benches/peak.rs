//! The most 8-bit products that this CPU makes in a second: the bound of a prompt on quantised
//! weights.
//!
//! ```sh
//! cargo run --release -p rag-core --example bench_peak -- 2    # threads
//! ```
//!
//! Each thread multiplies registers that nothing waits for (`vpdpbusd`, AVX-512 VNNI): no memory,
//! no unpacking, no scales, all of which a network needs, so no kernel reaches it.
#![allow(clippy::print_stdout, unsafe_code)]

#[cfg(target_arch = "x86_64")]
use std::time::Instant;

/// Products of one instruction: 16 sums of four.
#[cfg(target_arch = "x86_64")]
const PRODUCTS: usize = 64;
/// Sums under way at once, more than an instruction takes cycles.
#[cfg(target_arch = "x86_64")]
const SUMS: usize = 16;
#[cfg(target_arch = "x86_64")]
const ROUNDS: usize = 50_000_000;

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
fn multiply(rounds: usize) -> i32 {
    use std::arch::x86_64::{
        _mm512_add_epi32, _mm512_dpbusd_epi32, _mm512_reduce_add_epi32, _mm512_set1_epi32,
        _mm512_setzero_si512,
    };
    let (a, b) = (_mm512_set1_epi32(0x0101_0101), _mm512_set1_epi32(0x0102_0301));
    let mut sums = [_mm512_setzero_si512(); SUMS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_dpbusd_epi32(*sum, a, b);
        }
    }
    let all = sums.into_iter().fold(_mm512_setzero_si512(), |all, sum| _mm512_add_epi32(all, sum));
    _mm512_reduce_add_epi32(all)
}

#[cfg(target_arch = "x86_64")]
fn main() {
    if !(is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")) {
        return println!("this CPU has no AVX-512 VNNI");
    }
    let threads: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            // SAFETY: the CPU has both, asked above.
            scope.spawn(|| std::hint::black_box(unsafe { multiply(ROUNDS) }));
        }
    });
    let products = (threads.max(1) * ROUNDS * SUMS * PRODUCTS) as f64;
    let rate = products / started.elapsed().as_secs_f64() / 1e9;
    println!("{threads} threads: {rate:.0} thousand million 8-bit products a second");
}

#[cfg(not(target_arch = "x86_64"))]
fn main() {
    println!("measured on x86-64 alone");
}
