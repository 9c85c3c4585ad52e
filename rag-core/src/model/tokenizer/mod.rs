//! Text to tokens: `text` for encoders and rerankers, `vocabulary` for generators.

pub(crate) mod patterns;
pub(crate) mod text;
mod unigram;
pub(crate) mod vocabulary;
