//! Texts to unit vectors, without a knowledge base.

use std::ffi::c_char;
use std::ptr;

use rag_core::encode::{Encoder, EncoderOptions};
use rag_core::model::Backend;
use rag_core::{Error, Result};

use crate::boundary::{self, Output, run};
use crate::error::{rag_error, rag_status};
use crate::kb::model_dirs;
use crate::options::{self, Options, choice, rag_text_role};
use crate::progress::{self, rag_cancel};

/// A sentence encoder. Owned by the caller; free it once with rag_encoder_free. Any number of threads may use it.
#[derive(Debug)]
pub struct rag_encoder {
    encoder: Encoder,
}

/// How to load an encoder. Begin with RAG_ENCODER_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_encoder_options {
    /// sizeof(rag_encoder_options); set by RAG_ENCODER_OPTIONS_INIT.
    pub struct_size: usize,
    /// A folder of models, looked in before the usual places. NULL: none.
    pub model_dir: *const c_char,
    /// What runs the network: "auto" for our own kernels, "candle" for candle on the CPU; "cuda:0" or "metal:0" in builds
    /// for them. NULL: "auto".
    pub backend: *const c_char,
}

// SAFETY: repr(C), struct_size first, then only pointers.
unsafe impl Options for rag_encoder_options {}

/// Loads the encoder `name`: a name in the model cache, a path or a hub id already on this machine, looked up as by
/// rag_kb_open. On success `*encoder` is owned by the caller.
///
/// RAG_NOT_FOUND: it is not on this machine. RAG_MODEL: it is damaged or of a kind that this library does not run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_open(
    name: *const c_char,
    encoder: *mut *mut rag_encoder,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let place = Output::required(encoder, "encoder")?;
            let encoder = load(boundary::text(name, "name")?, ptr::null())?;
            place.set(|| rag_encoder { encoder });
            Ok(())
        })
    }
}

/// As rag_encoder_open, with options; `options` may be NULL.
///
/// RAG_INVALID_ARGUMENT: the backend's device is not there, or candle does not run the family.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_open_with(
    name: *const c_char,
    options: *const rag_encoder_options,
    encoder: *mut *mut rag_encoder,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let place = Output::required(encoder, "encoder")?;
            let encoder = load(boundary::text(name, "name")?, options)?;
            place.set(|| rag_encoder { encoder });
            Ok(())
        })
    }
}

/// # Safety
/// `options` is null or valid, with its fields.
unsafe fn load(name: &str, options: *const rag_encoder_options) -> Result<Encoder> {
    // SAFETY: passed on to the caller.
    let (dirs, backend) = unsafe {
        let given = options::read(options)?;
        (model_dirs(given.model_dir)?, boundary::optional_text(given.backend, "backend")?)
    };
    let backend = Backend::from_name(backend.unwrap_or("auto")).ok_or_else(|| {
        Error::invalid("backend", "it is not auto, candle, cuda, cuda:N, metal or metal:N")
    })?;
    let options = EncoderOptions { backend, ..EncoderOptions::default() };
    Encoder::load_with(&dirs.resolve(name)?, name, &options)
}

/// Length of its vectors; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_dim(encoder: *const rag_encoder) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { encoder.as_ref() }.map_or(0, |encoder| encoder.encoder.identity().dim)
}

/// Encodes `count` NUL-terminated texts into `vectors`, one unit row of rag_encoder_dim floats for each.
///
/// `role` is a rag_text_role. `vectors` must have room for `vector_floats` floats, exactly `count` rows. A text longer
/// than the encoder takes is encoded by its beginning. `cancel` may be NULL. On failure `vectors` is unchanged.
///
/// RAG_INVALID_ARGUMENT: `vector_floats` is not `count` rows. RAG_CANCELLED: between batches.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_encode(
    encoder: *const rag_encoder,
    role: i32,
    texts: *const *const c_char,
    count: usize,
    vectors: *mut f32,
    vector_floats: usize,
    cancel: *const rag_cancel,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let encoder = &boundary::handle(encoder, "encoder")?.encoder;
            let roles = [rag_text_role::RAG_TEXT_PASSAGE, rag_text_role::RAG_TEXT_QUERY];
            let role = choice(role, &roles, "role")?;
            let texts = boundary::texts(texts, count, "texts")?;
            let rows = boundary::array_mut(vectors, vector_floats, "vectors")?;
            check_room(vector_floats, count, encoder.identity().dim)?;
            let cancel = progress::token(cancel);
            let encoded = match role {
                rag_text_role::RAG_TEXT_PASSAGE => encoder.encode_passages(&texts, &cancel)?,
                rag_text_role::RAG_TEXT_QUERY => encoder.encode_queries(&texts, &cancel)?,
            };
            if encoded.data.len() != rows.len() {
                return Err(Error::internal("the encoder gave another number of vectors"));
            }
            rows.copy_from_slice(&encoded.data);
            Ok(())
        })
    }
}

fn check_room(floats: usize, count: usize, dim: usize) -> Result<()> {
    if count.checked_mul(dim) == Some(floats) {
        return Ok(());
    }
    let reason = format!("{floats}, but {count} texts need {count} rows of {dim}");
    Err(Error::invalid("vector_floats", reason))
}

/// Frees an encoder. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_free(encoder: *mut rag_encoder) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(encoder) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_must_be_exact() {
        assert!(check_room(768, 2, 384).is_ok());
        assert!(check_room(767, 2, 384).is_err());
        assert!(check_room(0, usize::MAX, 384).is_err());
    }
}
