//! The only place with SIMD: matrix tiles, row-wise functions and dot products, each with a portable twin.

pub(crate) mod attend;
pub mod dot;
pub(crate) mod gemm;
pub mod int8;
pub(crate) mod lanes;
pub(crate) mod level;
pub(crate) mod pool;
pub(crate) mod rows;
pub(crate) mod states;
pub(crate) mod tiles;
