//! Texts to unit vectors, without a knowledge base.

use std::ffi::{c_char, c_void};
use std::path::Path;
use std::ptr;

use rag_core::encode::{Encoder, EncoderOptions, OwnEncoder, Precision, TextEncoder, TextRole};
use rag_core::{Call, Error, Result};

use crate::boundary::{self, Output, UserData};
use crate::error::{rag_error, rag_status, run};
use crate::handles::rag_encoder;
use crate::options::{self, choice, model_dirs, rag_encoder_options, rag_precision, rag_text_role};
use crate::progress::{self, rag_cancel};

/// Loads the encoder `name`: a name in the model cache, a path or a hub id already on this machine,
/// looked up as by rag_kb_open. On success `*encoder` is owned by the caller.
///
/// RAG_NOT_FOUND: it is not on this machine. RAG_MODEL: it is damaged or of a kind that this
/// library does not run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_open(
    name: *const c_char,
    encoder: *mut *mut rag_encoder,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: passed on; null options are all defaults.
    unsafe { rag_encoder_open_with(name, ptr::null(), encoder, error) }
}

/// As rag_encoder_open, with options; `options` may be NULL.
///
/// RAG_INVALID_ARGUMENT: this CPU does not have the level asked for, the backend's device is not
/// there, or candle does not run the family or the precision.
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
            place.set(|| encoder.into());
            Ok(())
        })
    }
}

/// # Safety
/// `options` is null or valid, with its fields.
unsafe fn load(name: &str, options: *const rag_encoder_options) -> Result<Encoder> {
    // SAFETY: passed on to the caller.
    let (dirs, options) = unsafe {
        let given = options::read(options)?;
        (model_dirs(given.model_dir)?, given.over(EncoderOptions::default())?)
    };
    Encoder::load_with(&dirs.resolve(name)?, name, &options)
}

/// Turns `count` texts into `count` rows of floats in `rows`, one row of the encoder's length for
/// each, of any length but zero: they are scaled to 1. `role` is a rag_text_role. Text `i` is
/// `sizes[i]` bytes of UTF-8 at `texts[i]`, not NUL-terminated; there are 64 at most. All are
/// borrowed for the callback, `rows` is zero before. Return false if it cannot: the call that
/// needed the vectors ends with RAG_MODEL. Several threads may call it at once, also threads of the
/// library's. It must not throw, not longjmp, and not use a knowledge base that was opened with it.
pub type rag_on_encode = Option<
    unsafe extern "C" fn(
        role: i32,
        texts: *const *const c_char,
        sizes: *const usize,
        count: usize,
        rows: *mut f32,
        user_data: *mut c_void,
    ) -> bool,
>;

/// A callback of C's behind the core's encoders.
struct Callback {
    name: String,
    dim: usize,
    on_encode: unsafe extern "C" fn(
        i32,
        *const *const c_char,
        *const usize,
        usize,
        *mut f32,
        *mut c_void,
    ) -> bool,
    user_data: UserData,
}

impl TextEncoder for Callback {
    fn encode(&self, role: TextRole, texts: &[&str]) -> Result<Vec<f32>> {
        let role = match role {
            TextRole::Passage => rag_text_role::RAG_TEXT_PASSAGE,
            TextRole::Query => rag_text_role::RAG_TEXT_QUERY,
        };
        let pointers: Vec<_> = texts.iter().map(|text| text.as_ptr().cast::<c_char>()).collect();
        let sizes: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        let mut rows = vec![0.0; texts.len().saturating_mul(self.dim)];
        // SAFETY: arrays of `count` elements, and rows of `count * dim` floats, alive for the call;
        // the callback is the caller's, by its contract.
        let done = unsafe {
            (self.on_encode)(
                role as i32,
                pointers.as_ptr(),
                sizes.as_ptr(),
                texts.len(),
                rows.as_mut_ptr(),
                self.user_data.get(),
            )
        };
        if done {
            return Ok(rows);
        }
        Err(Error::model(Path::new(&self.name), "its callback returned false"))
    }
}

/// Makes an encoder of the caller's own, which `on_encode` runs. Pass it in
/// rag_open_options.loaded_encoder each time the file is opened: the file keeps `name` alone. On
/// success `*encoder` is owned by the caller; `user_data` must live until every knowledge base that
/// was opened with it is closed, and every chat freed.
///
/// `name` stands for the vectors: a file is only searched by an encoder of the name, `dim` and
/// `max_tokens` it was built with. `dim` is the length of a vector, 1 to 4096; `max_tokens` the
/// most words of a passage, 64 or more, 0 for 200. `user_data` may be NULL.
///
/// RAG_INVALID_ARGUMENT: an empty name, or a number out of range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_own(
    name: *const c_char,
    dim: usize,
    max_tokens: usize,
    on_encode: rag_on_encode,
    user_data: *mut c_void,
    encoder: *mut *mut rag_encoder,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let place = Output::required(encoder, "encoder")?;
            let name = boundary::text(name, "name")?.to_owned();
            let on_encode =
                on_encode.ok_or_else(|| Error::invalid("on_encode", "must not be NULL"))?;
            let max_tokens = options::or_default(max_tokens, 200);
            let user_data = UserData(user_data);
            let callback = Callback { name: name.clone(), dim, on_encode, user_data };
            let encoder = Encoder::own(OwnEncoder { name, dim, max_tokens }, Box::new(callback))?;
            place.set(|| encoder.into());
            Ok(())
        })
    }
}

/// Length of its vectors; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_dim(encoder: *const rag_encoder) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { encoder.as_ref() }.map_or(0, |encoder| encoder.encoder.identity().dim)
}

/// Most tokens of a text, special tokens and prefix included; the rest of a longer one is left out.
/// 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_max_tokens(encoder: *const rag_encoder) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { encoder.as_ref() }.map_or(0, |encoder| encoder.encoder.identity().max_tokens)
}

/// What makes vectors comparable: encoders with the same fingerprint may stand in for each other.
/// Lent until the encoder is freed; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_fingerprint(encoder: *const rag_encoder) -> *const c_char {
    // SAFETY: null or live, by contract.
    unsafe { encoder.as_ref() }.map_or(ptr::null(), |encoder| encoder.fingerprint)
}

/// The numbers it multiplies, never RAG_PRECISION_AUTO; that for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_precision(encoder: *const rag_encoder) -> rag_precision {
    // SAFETY: null or live, by contract.
    match unsafe { encoder.as_ref() }.map(|encoder| encoder.encoder.precision()) {
        Some(Precision::F32) => rag_precision::RAG_PRECISION_F32,
        Some(Precision::Bf16) => rag_precision::RAG_PRECISION_BF16,
        Some(Precision::Int8) => rag_precision::RAG_PRECISION_INT8,
        _ => rag_precision::RAG_PRECISION_AUTO,
    }
}

/// The instructions it runs, as in rag_encoder_options; "candle" where candle chooses, "own" for
/// one of the caller's own. Lent until the encoder is freed; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_level(encoder: *const rag_encoder) -> *const c_char {
    // SAFETY: null or live, by contract.
    unsafe { encoder.as_ref() }.map_or(ptr::null(), |encoder| encoder.level)
}

/// Counts the tokens of `text`, without special tokens and prefix, into `*count`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_encoder_token_count(
    encoder: *const rag_encoder,
    text: *const c_char,
    count: *mut usize,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let encoder = &boundary::handle(encoder, "encoder")?.encoder;
            let text = boundary::text(text, "text")?;
            let place = boundary::array_mut(count, 1, "count")?;
            place.fill(encoder.token_count(text)?);
            Ok(())
        })
    }
}

/// Encodes `count` NUL-terminated texts into `vectors`, one unit row of rag_encoder_dim floats for
/// each.
///
/// `role` is a rag_text_role. `vectors` must have room for `vector_floats` floats, exactly `count`
/// rows. A text longer than the encoder takes is encoded by its beginning. `cancel` may be NULL. On
/// failure `vectors` is unchanged.
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
                rag_text_role::RAG_TEXT_PASSAGE => {
                    encoder.encode_passages_with(&texts, Call::new().cancel(&cancel))?
                }
                rag_text_role::RAG_TEXT_QUERY => {
                    encoder.encode_queries_with(&texts, Call::new().cancel(&cancel))?
                }
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
