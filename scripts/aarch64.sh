#!/usr/bin/env bash
# The kernels, the encoder and the decoder on AArch64 under emulation: builds for it and runs their tests with qemu.
# About a quarter of an hour on two cores; not part of `./run test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
need_tools qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
rustup target add aarch64-unknown-linux-gnu
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
cargo test --release --locked --target aarch64-unknown-linux-gnu -p rag-core --lib -- kernels:: generate::decoder encode::
