#!/usr/bin/env bash
# Every check, one shell function per leg: `scripts/test.sh [LEG...]`, all legs without arguments.
# Each leg's output goes to the screen and to target/test-logs/LEG.log; the last line is the total.
# Models come from the cache (fetched when missing); collections beside the checkout are used when they are there.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh

LEGS=(format lint docs rules licences features rust levels c python frameworks options scenarios demo)

# What hangs is a failure: no leg's program may run for longer than this.
limited() { timeout --kill-after=10 40m "$@"; }

leg_format() { cargo fmt --all --check; }
leg_lint() { cargo clippy --release --locked --workspace --all-targets -- -D warnings; }
leg_docs() {
  RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps && python3 scripts/public_api.py --check && ./run site
}
leg_rules() { python3 scripts/check_rules.py && python3 scripts/parity.py --check && python3 scripts/abi.py --check && python3 scripts/options.py --check; }
leg_licences() { python3 scripts/check_licences.py; }
leg_features() {
  cargo check --release --locked -p rag-cli --features hub &&
    cargo check --release --locked -p rag-core --all-targets --features unstable &&
    limited cargo test --release --locked -p rag-core --features code,parquet --lib document:: &&
    limited cargo test --release --locked -p rag-core --features code,parquet --test code --test parquet
}
leg_rust() { limited cargo test --release --locked --workspace --no-fail-fast; }
# The encoder's tests once more at each level that this CPU has.
leg_levels() {
  local level
  for level in avx512 avx2 neon portable; do
    echo "RAG_TEST_LEVEL=$level"
    RAG_TEST_LEVEL=$level limited cargo test --release --locked --workspace --test encoder || return
  done
}
leg_c() { limited tests/c/run.sh; }

leg_python() {
  scripts/build-wheel.sh &&
    $VENV/bin/pip install -q --force-reinstall --no-deps target/wheels/rag_py-*.whl &&
    limited $VENV/bin/python -m pytest -q tests/python &&
    limited env RAG_PYTHON=$VENV/bin/python scripts/fresh-venv.sh &&
    $VENV/bin/python -m mypy.stubtest rag_py --ignore-missing-stub --mypy-config-file rag-py/pyproject.toml \
      --allowlist tests/python/stubtest.txt --ignore-unused-allowlist &&
    $VENV/bin/python -m mypy --strict --config-file rag-py/pyproject.toml tests/python/typed_usage.py &&
    $VENV/bin/basedpyright -p rag-py/pyproject.toml --pythonpath $VENV/bin/python
}

# The wheel beside LangChain, LlamaIndex and Haystack, in an environment of its own: their tests and ours over what we have for them.
leg_frameworks() {
  local venv=target/frameworks-venv held=tests/python/integrations/requirements.txt wheel
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "SKIP frameworks: they need Python 3.10, this is $(python3 --version)"; return 0; }
  [ -x $venv/bin/pip ] || python3 -m venv $venv || return
  wheel=$(scripts/build-wheel.sh) &&
    $venv/bin/pip install -q --disable-pip-version-check -r $held "$wheel[langchain,llama-index,haystack]" &&
    $venv/bin/pip install -q --disable-pip-version-check --force-reinstall --no-deps "$wheel" &&
    limited env HAYSTACK_TELEMETRY_ENABLED=False $venv/bin/python -m pytest -q -W ignore tests/python/integrations &&
    $venv/bin/python -m mypy --config-file rag-py/pyproject.toml rag-py/python/rag_py
}

# An option of `ask`, added by one entry in a copy of the tree, is there on every surface.
leg_options() { limited $VENV/bin/python tests/options/add_one.py; }
leg_scenarios() { limited python3 tests/scenarios/compare.py target/transcripts; }
leg_demo() { limited ./run demo && echo "demo: 1 passed, 0 failed"; }

prepare() {
  need_tools cmake pkg-config g++ libc6-dbg valgrind
  $VENV/bin/pip install -q --disable-pip-version-check "maturin==1.16.*" "numpy>=1.24" "pytest>=8,<10" "mypy>=1.10,<3" "basedpyright>=1.30,<2"
  build_all && fetch_models minilm e5-small qwen2.5-0.5b smollm2 gemma3-270m ms-marco-minilm
  export RAG_TEST_MODELS="${RAG_TEST_MODELS:-$($RAG model list --json | python3 scripts/models_dir.py)}"
  export RAG_SHARED="${RAG_SHARED:-$PWD/../shared}"
  export RAG_TRANSCRIPTS="$PWD/target/transcripts"
  [ -d "$RAG_SHARED/data" ] || echo "SKIP legs on shared collections: there is no $RAG_SHARED/data"
}

main() {
  [ "${1-}" = --list ] && { printf '%s\n' "${LEGS[@]}"; return; }
  [ $# -gt 0 ] && LEGS=("$@")
  mkdir -p target/test-logs target/transcripts
  prepare || fail "the tools or models could not be prepared"
  local leg started codes=()
  for leg in "${LEGS[@]}"; do
    declare -F "leg_$leg" >/dev/null || fail "no leg $leg; ./run legs lists them"
    say "leg $leg"
    started=$SECONDS
    "leg_$leg" 2>&1 </dev/null | tee "target/test-logs/$leg.log"
    codes+=("$leg=${PIPESTATUS[0]}=$((SECONDS - started))")
  done
  python3 scripts/total.py "${codes[@]}"
}

main "$@"
