#!/usr/bin/env bash
# The unit tests of the C library under Miri, which watches every pointer that crosses the boundary, with a fake engine
# behind it (rag-capi/src/fake_engine.rs): Miri runs no SQLite and no kernels. Needs rustup; takes the nightly toolchain.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rustup toolchain install nightly --profile minimal --component miri,rust-src
MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-strict-provenance" cargo +nightly miri test --locked -p rag-capi --lib
