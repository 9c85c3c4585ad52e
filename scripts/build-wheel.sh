#!/bin/sh
# Builds the Python wheel into target/wheels with the workspace's release profile and target folder.
# Uses the maturin of the Python that $RAG_PYTHON names (default python3). Prints the wheel's path.
set -eu
cd "$(dirname "$0")/.."
export PYO3_CONFIG_FILE="$PWD/rag-py/pyo3.config"
rm -rf target/wheels
"${RAG_PYTHON:-python3}" -m maturin build --release --locked --manifest-path rag-py/Cargo.toml \
    --out target/wheels "$@" >&2
ls target/wheels/*.whl
