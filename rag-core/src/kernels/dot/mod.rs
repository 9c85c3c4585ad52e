//! Dot products of stored vectors: exact in f32, and of int8 codes.

mod f32;
pub mod int8;

pub use self::f32::dot_f32;
