//! The only place with SIMD: dot products over f32 and int8, each with a scalar twin.
