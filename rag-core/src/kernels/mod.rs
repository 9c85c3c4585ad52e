//! The only place with SIMD: matrix tiles, row-wise functions and dot products, each with a portable twin.

pub(crate) mod activation;
#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
pub(crate) mod attend;
pub(crate) mod bidirectional;
pub(crate) mod convert;
#[cfg(feature = "unstable")]
pub mod dot;
#[cfg(not(feature = "unstable"))]
#[allow(dead_code, unreachable_pub, reason = "public where `unstable` shows it")]
pub(crate) mod dot;
pub(crate) mod gemm;
#[cfg(feature = "unstable")]
pub mod int8;
#[cfg(not(feature = "unstable"))]
#[allow(dead_code, unreachable_pub, reason = "public where `unstable` shows it")]
pub(crate) mod int8;
pub(crate) mod lanes;
pub(crate) mod level;
pub(crate) mod linear;
pub(crate) mod pool;
pub(crate) mod rows;
pub(crate) mod states;
pub(crate) mod threads;
pub(crate) mod tiles;
pub(crate) mod turn;
pub(crate) mod vectors;
pub(crate) mod words;

pub use self::attend::KvPrecision;
pub use self::lanes::KernelLevel;
pub use self::threads::Threads;
