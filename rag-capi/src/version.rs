//! Which library this is.

use std::ffi::c_char;

/// Major version of this header.
pub const RAG_VERSION_MAJOR: u32 = 0;
/// Minor version of this header.
pub const RAG_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const RAG_VERSION_PATCH: u32 = 0;
/// Binary interface of this header: the number in librag.so.N. Programs built against one number
/// run with every library that has the same.
pub const RAG_ABI_VERSION: u32 = 0;

/// The version of the library in use, such as "0.1.0"; compare with RAG_VERSION_MAJOR and its like,
/// which are those of the header. A constant: never NULL, valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn rag_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The binary interface of the library in use; equal to RAG_ABI_VERSION unless another library was
/// loaded.
#[unsafe(no_mangle)]
pub extern "C" fn rag_abi_version() -> u32 {
    RAG_ABI_VERSION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_package() {
        let numbers = format!("{RAG_VERSION_MAJOR}.{RAG_VERSION_MINOR}.{RAG_VERSION_PATCH}");
        assert_eq!(numbers, env!("CARGO_PKG_VERSION"));
    }
}
