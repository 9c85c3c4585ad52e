//! Gives the shared library its soname and keeps every symbol but `rag_*` out of its interface.

use std::env;
use std::path::PathBuf;

/// The number in librag.so.N; RAG_ABI_VERSION in src/version.rs and scripts/install-c.sh say the same.
const ABI_VERSION: u32 = 0;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=rag.map");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        let map = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("rag.map");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,librag.so.{ABI_VERSION}");
        println!("cargo:rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
        println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={}", map.display());
    }
}
