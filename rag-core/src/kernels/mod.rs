//! The only place with SIMD: products, attention and functions of rows, each with a portable twin.
//!
//! `isa` asks the CPU and gives each instruction set one set of vector operations; everything else
//! is written once over those and compiled for each of them.

pub(crate) mod attention;
#[cfg(feature = "unstable")]
pub mod dot;
#[cfg(not(feature = "unstable"))]
#[allow(dead_code, unreachable_pub, reason = "public where `unstable` shows it")]
pub(crate) mod dot;
pub(crate) mod elementwise;
pub(crate) mod gemm;
pub(crate) mod isa;
pub(crate) mod pool;
pub(crate) mod quantized;
pub(crate) mod threads;

pub use self::attention::kv_page::KvPrecision;
pub use self::isa::KernelLevel;
pub use self::threads::Threads;

/// How a token's numbers are divided among the heads of attention.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    /// Number of heads.
    pub(crate) count: usize,
    /// Numbers of one head.
    pub(crate) dim: usize,
}

impl Heads {
    /// Numbers of all heads.
    pub(crate) fn hidden(self) -> usize {
        self.count * self.dim
    }
}
