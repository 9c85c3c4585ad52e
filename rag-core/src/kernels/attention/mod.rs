//! Attention: of an encoder's tokens to each other, and of a decoder's to those before them.

pub(crate) mod bidirectional;
pub(crate) mod causal;
pub(crate) mod kv_page;
mod kv_q8;
mod scores;

/// Positions of a page of keys and values.
pub(crate) const PAGE: usize = 64;
