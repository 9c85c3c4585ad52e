# Shared by ./run and scripts/test.sh: tools, builds and models. Source it from the repository root.

RAG=target/release/rag
VENV=.venv

say() { printf '\n== %s ==\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# need_tools [PACKAGE...]: the Rust toolchain, a C compiler, Python with venv, and these Debian packages
need_tools() {
  command -v cargo >/dev/null || [ ! -r "$HOME/.cargo/env" ] || . "$HOME/.cargo/env"
  command -v cargo >/dev/null || fail "cargo is not on PATH: install Rust with rustup"
  local package missing=()
  for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
  command -v cc >/dev/null || missing+=(build-essential)
  command -v python3 >/dev/null || missing+=(python3)
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    local as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
  fi
  [ -x $VENV/bin/pip ] || { rm -rf $VENV; python3 -m venv $VENV; }
  export RAG_PYTHON="$PWD/$VENV/bin/python"
}

# The whole workspace at once: one set of features, so that no dependency is built twice.
build_all() {
  say "building (a few minutes the first time)"
  cargo build --release --locked --workspace
}

fetch_models() {
  local name
  for name in "$@"; do
    $RAG model fetch "$name" || fail "cannot fetch $name: see above; run this again, nothing half-written is kept"
  done
}
