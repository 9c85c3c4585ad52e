#!/bin/sh
# Builds the Python wheel into target/wheels with the workspace's release profile and target folder.
# Uses the maturin of the Python that $RAG_PYTHON names (default python3). Prints the wheel's path.
#
# --portable: for any Linux since 2014 (manylinux2014: glibc 2.17), whatever this one is; links by zig, which that Python
# needs as a package (pip install ziglang). Compiles everything anew in a folder of its own.
set -eu
cd "$(dirname "$0")/.."
python=${RAG_PYTHON:-python3}
export PYO3_CONFIG_FILE="$PWD/rag-py/pyo3.config"
if [ "${1-}" = --portable ]; then
    shift
    "$python" -c "import ziglang" || { echo "error: $python -m pip install ziglang" >&2; exit 1; }
    # maturin looks for the program beside its own
    PATH="$(dirname "$("$python" -c 'import sys; print(sys.executable)')"):$PATH"
    set -- --zig --target "$(uname -m)-unknown-linux-gnu" --compatibility manylinux2014 "$@"
fi
rm -rf target/wheels
"$python" -m maturin build --release --locked --manifest-path rag-py/Cargo.toml --out target/wheels "$@" >&2
# editors show what stubs say
"$python" scripts/stub_docs.py target/wheels/*.whl
ls target/wheels/*.whl
