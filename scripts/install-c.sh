#!/usr/bin/env bash
# Builds the C library and installs it: headers, shared and static library, pkg-config and CMake files.
#
#   scripts/install-c.sh PREFIX               install under PREFIX (an absolute path, such as /usr/local)
#   scripts/install-c.sh --uninstall PREFIX   remove what that installed
#
# RAG_PROFILE chooses the cargo profile: release (default) or dist (slower to build, faster and smaller).
# DESTDIR, if set, is put before PREFIX while copying, for packagers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ABI_VERSION=0 # RAG_ABI_VERSION of include/rag.h
PROFILE=${RAG_PROFILE:-release}
TARGET=${CARGO_TARGET_DIR:-target}/$PROFILE

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Where each file goes, below PREFIX.
FILES=(
  include/rag.h include/rag.hpp
  lib/librag.so lib/librag.so.$ABI_VERSION lib/librag.a
  lib/pkgconfig/rag.pc
  lib/cmake/rag/ragConfig.cmake lib/cmake/rag/ragConfigVersion.cmake
)

define() { sed -n "s/^#define $1 //p" include/rag.h; }

uninstall() {
  local file
  for file in "${FILES[@]}"; do rm -f "$1/$file"; done
  rmdir "$1/lib/cmake/rag" "$1/lib/cmake" "$1/lib/pkgconfig" "$1/lib" "$1/include" "$1" 2>/dev/null || true
}

# The whole workspace, since cargo chooses the features of what we depend on for all that is built at once: alone, the library
# would have candle built a second time.
build() { cargo build --profile "$PROFILE" --locked --workspace --lib >&2 || fail "the library does not build"; }

# The system libraries that a program linked with librag.a needs, as -lNAME words: those of Rust's own, for all else is in it.
static_libs() {
  local folder
  folder=$(mktemp -d)
  : >"$folder/none.rs"
  rustc --crate-type staticlib --print native-static-libs --out-dir "$folder" "$folder/none.rs" 2>&1 |
    sed -n 's/^note: native-static-libs: //p'
  rm -r "$folder"
}

# link_shared TO STATIC_LIBS: the shared library, from the static one. Cargo makes one too, but gives its symbols no version.
link_shared() {
  local versions hardened=relro,-z,now libc
  versions=$(mktemp)
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || echo "glibc 0")
  # a megabyte less; what is built so needs glibc 2.36
  [ "$(printf '%s\n' "${libc#glibc }" 2.36 | sort -V | head -n 1)" = 2.36 ] && hardened+=,-z,pack-relative-relocs
  echo "RAG_$ABI_VERSION { global: rag_*; local: *; };" >"$versions"
  # shellcheck disable=SC2086 # the libraries are words
  "${CC:-cc}" -shared -o "$1" "-Wl,-soname,librag.so.$ABI_VERSION,--version-script,$versions" -Wl,--gc-sections "-Wl,-z,$hardened" \
    "-Wl,--whole-archive,$TARGET/librag.a,--no-whole-archive" -Wl,--as-needed $2
  rm -f "$versions"
}

# link_static TO: the static library as one object in which only rag_* is seen from outside. Cargo's own shows all that is in it,
# and does not link into a program with its own SQLite, zlib or another library written in Rust.
link_static() {
  local object
  object=$(mktemp -d)/rag.o
  "${LD:-ld}" -r --whole-archive "$TARGET/librag.a" -o "$object"
  # without what is for debuggers and for linking with LTO
  "${OBJCOPY:-objcopy}" --wildcard --keep-global-symbol='rag_*' --strip-debug --remove-section='.llvmbc' \
    --remove-section='.llvmcmd' "$object"
  rm -f "$1"
  "${AR:-ar}" rcs "$1" "$object"
  rm -r "$(dirname "$object")"
}

# fill TEMPLATE TO STATIC_LIBS
fill() {
  local major minor patch
  major=$(define RAG_VERSION_MAJOR) minor=$(define RAG_VERSION_MINOR) patch=$(define RAG_VERSION_PATCH)
  sed -e "s/@VERSION@/$major.$minor.$patch/; s/@VERSION_MAJOR_MINOR@/$major.$minor/" \
    -e "s/@ABI_VERSION@/$ABI_VERSION/; s/@PC_STATIC_LIBS@/$3/; s/@CMAKE_STATIC_LIBS@/${3// /;}/" "$1" >"$2"
  chmod 644 "$2"
}

install_all() {
  local root=$1 static_libs
  build
  static_libs=$(static_libs)
  [ -n "$static_libs" ] || fail "rustc did not say which libraries the static library needs"
  mkdir -p "$root"/{include,lib/pkgconfig,lib/cmake/rag}
  install -m 644 include/rag.h include/rag.hpp "$root/include/"
  link_shared "$root/lib/librag.so.$ABI_VERSION" "$static_libs"
  chmod 755 "$root/lib/librag.so.$ABI_VERSION"
  ln -sf "librag.so.$ABI_VERSION" "$root/lib/librag.so"
  link_static "$root/lib/librag.a"
  chmod 644 "$root/lib/librag.a"
  strip --strip-unneeded "$root/lib/librag.so.$ABI_VERSION"
  fill cmake/rag.pc.in "$root/lib/pkgconfig/rag.pc" "$static_libs"
  fill cmake/ragConfig.cmake.in "$root/lib/cmake/rag/ragConfig.cmake" "$static_libs"
  fill cmake/ragConfigVersion.cmake.in "$root/lib/cmake/rag/ragConfigVersion.cmake" "$static_libs"
}

case "${1-}" in
  --uninstall) [ $# = 2 ] || fail "usage: $0 --uninstall PREFIX"; uninstall "${DESTDIR-}$2" ;;
  /*)
    [ "$(define RAG_ABI_VERSION)" = "$ABI_VERSION" ] || fail "RAG_ABI_VERSION in include/rag.h is not $ABI_VERSION"
    install_all "${DESTDIR-}$1"
    echo "installed under ${DESTDIR-}$1; run ldconfig if the linker looks there" ;;
  *) fail "usage: $0 [--uninstall] PREFIX, an absolute path" ;;
esac
