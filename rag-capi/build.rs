//! Gives the shared library its soname and keeps every symbol but `rag_*` out of its interface.

use std::env;

/// The number in librag.so.N; RAG_ABI_VERSION in src/version.rs and scripts/install-c.sh say the
/// same.
const ABI_VERSION: u32 = 0;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,librag.so.{ABI_VERSION}");
        // hnsw_rs exports C functions. A version script of ours would not do: rustc passes one, and
        // GNU ld takes no second.
        println!("cargo:rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
    }
}
