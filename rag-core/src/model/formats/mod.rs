//! The formats in which weights lie on disk, read without trust.

pub(in crate::model) mod files;
pub(crate) mod gguf;
pub(crate) mod safetensors;
pub(crate) mod tensors;
