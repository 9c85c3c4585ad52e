//! How options are read: size first, zero means default, fields only appended.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::slice;

use rag_core::model::ModelDirs;
use rag_core::options::{self, Value};
use rag_core::{Error, Result};

use crate::boundary;
use crate::handles::rag_setting;

/// An options struct.
///
/// # Safety
/// `repr(C)`, its first field is `struct_size: usize`, and it is valid when all its bytes are zero.
pub(crate) unsafe trait Options: Copy {
    /// Its name in C.
    const NAME: &'static str;
}

/// No options struct of any version is larger; beyond it `struct_size` was not set.
pub(super) const MAX_STRUCT_BYTES: usize = 4096;

/// RAG_ZERO of the header: zero where zero in a field would be its default.
const ZERO: f32 = f32::MIN_POSITIVE;

/// Copies options of this or another version. What an older caller does not have is default; what a
/// newer one has must be default.
///
/// # Safety
/// `pointer` is null or valid for reads of a `usize`, and of as many bytes as that says.
pub(crate) unsafe fn read<T: Options>(pointer: *const T) -> Result<T> {
    let mut options = MaybeUninit::<T>::zeroed();
    if !pointer.is_null() {
        // SAFETY: not null; readable, says the caller.
        let given = unsafe { given_bytes(pointer) }?;
        let (known, newer) = given.split_at(given.len().min(size_of::<T>()));
        if newer.iter().any(|byte| *byte != 0) {
            let name = T::NAME;
            let reason =
                format!("{name} sets a field that this version of the library does not know");
            return Err(Error::invalid("options", reason));
        }
        // SAFETY: `known` is no longer than T and cannot overlap a local.
        unsafe { options.as_mut_ptr().cast::<u8>().copy_from(known.as_ptr(), known.len()) };
    }
    // SAFETY: all zero is valid for `Options`; the bytes over it are those of a T that the caller
    // filled in.
    Ok(unsafe { options.assume_init() })
}

/// # Safety
/// As [`read`], and not null.
unsafe fn given_bytes<'a, T: Options>(pointer: *const T) -> Result<&'a [u8]> {
    if !pointer.is_aligned() {
        return Err(Error::invalid("options", format!("{} is not aligned for its type", T::NAME)));
    }
    // SAFETY: readable, says the caller; aligned, as T begins with a usize.
    let size = unsafe { pointer.cast::<usize>().read() };
    let plausible = (size_of::<usize>()..=MAX_STRUCT_BYTES).contains(&size);
    if !plausible || !size.is_multiple_of(align_of::<usize>()) {
        let (name, begin) = (T::NAME, T::NAME.to_uppercase());
        let reason = format!("struct_size of {name} is {size}: begin with {begin}_INIT");
        return Err(Error::invalid("options", reason));
    }
    // SAFETY: `size` bytes are readable, says the caller.
    Ok(unsafe { slice::from_raw_parts(pointer.cast::<u8>(), size) })
}

/// The choice with this number.
pub(crate) fn choice<T: Clone>(number: i32, choices: &[T], argument: &'static str) -> Result<T> {
    usize::try_from(number).ok().and_then(|index| choices.get(index)).cloned().ok_or_else(|| {
        Error::invalid(argument, format!("{number} is not one of 0 to {}", choices.len() - 1))
    })
}

/// `value`, or the default if it is zero.
pub(crate) fn or_default<T: Default + PartialEq>(value: T, default: T) -> T {
    if value == T::default() { default } else { value }
}

/// As [`or_default`], where zero has a meaning of its own: RAG_ZERO stands for it.
pub(super) fn or_default_of_any(value: f32, default: f32) -> f32 {
    if value == ZERO { 0.0 } else { or_default(value, default) }
}

/// A count, or none if it is zero.
pub(super) fn some(count: usize) -> Option<usize> {
    Some(count).filter(|count| *count > 0)
}

/// A text field that may be null.
///
/// # Safety
/// `pointer` is null or NUL-terminated.
pub(crate) unsafe fn owned_text(
    pointer: *const c_char,
    argument: &'static str,
) -> Result<Option<String>> {
    // SAFETY: passed on to the caller.
    Ok(unsafe { boundary::optional_text(pointer, argument) }?.map(str::to_owned))
}

/// The texts of an array.
///
/// # Safety
/// As [`boundary::texts`].
pub(super) unsafe fn owned_texts(
    pointer: *const *const c_char,
    count: usize,
    argument: &'static str,
) -> Result<Vec<String>> {
    // SAFETY: passed on to the caller.
    let texts = unsafe { boundary::texts(pointer, count, argument) }?;
    Ok(texts.into_iter().map(str::to_owned).collect())
}

/// What a text says, which may be null.
///
/// # Safety
/// `pointer` is null or NUL-terminated.
pub(super) unsafe fn parsed<T>(
    pointer: *const c_char,
    argument: &'static str,
    parse: impl FnOnce(&str) -> Result<T>,
) -> Result<Option<T>> {
    // SAFETY: passed on to the caller.
    unsafe { boundary::optional_text(pointer, argument) }?.map(parse).transpose()
}

/// Sets options by their names; several settings of one name are a list.
///
/// # Safety
/// `settings` is null or valid for reads of `count` elements, whose texts are null or
/// NUL-terminated.
pub(super) unsafe fn set_all(
    options: &mut impl options::Options,
    settings: *const rag_setting,
    count: usize,
) -> Result<()> {
    let mut named: Vec<(&str, Vec<Value>)> = Vec::new();
    // SAFETY: passed on to the caller.
    for setting in unsafe { boundary::array(settings, count, "settings") }? {
        // SAFETY: passed on to the caller.
        let (name, value) = unsafe {
            (boundary::text(setting.name, "settings")?, boundary::text(setting.value, "settings")?)
        };
        let value = Value::Written(value.to_owned());
        match named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => named.push((name, vec![value])),
        }
    }
    options.set_all(named.into_iter().map(|(name, mut values)| {
        let several = values.len() > 1;
        let value = if several { Value::List(values) } else { values.remove(0) };
        (name, value)
    }))
}

/// Where models are looked for.
///
/// # Safety
/// `model_dir` is null or NUL-terminated.
pub(crate) unsafe fn model_dirs(model_dir: *const c_char) -> Result<ModelDirs> {
    let mut dirs = ModelDirs::from_variables(|name| std::env::var_os(name));
    // SAFETY: passed on to the caller.
    if let Some(first) = unsafe { boundary::optional_text(model_dir, "model_dir") }? {
        dirs.model_dirs.insert(0, PathBuf::from(first));
    }
    Ok(dirs)
}
