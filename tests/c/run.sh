#!/usr/bin/env bash
# Checks the C library as its users get it: installs it under a temporary prefix, then compiles and runs everything
# against that, through pkg-config and CMake, shared and static. Ends with "N passed, N failed".
#
# RAG_TEST_MODELS: folder of models (default ~/.cache/rag/models); without them what needs them is skipped, or fails
# with RAG_REQUIRE_MODELS=1. RAG_TRANSCRIPTS: where the transcripts of the scenarios go.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

missing=()
for tool in cc c++ cmake pkg-config valgrind nm readelf python3; do
  command -v $tool >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "error: tests/c/run.sh needs ${missing[*]}: apt-get install build-essential cmake pkg-config valgrind python3" >&2
  exit 1
fi

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
ROOT=$PWD
PREFIX=$WORK/prefix
TRANSCRIPTS=${RAG_TRANSCRIPTS:-$PWD/target/transcripts}
export RAG_TEST_MODELS=${RAG_TEST_MODELS:-$HOME/.cache/rag/models}
export PKG_CONFIG_PATH=$PREFIX/lib/pkgconfig
WARNINGS=(-Wall -Wextra -Wpedantic -Werror -O1 -g)
passed=0 failed=0

# step NAME COMMAND...: one check; its output is shown if it fails
step() {
  local name=$1
  shift
  if "$@" >"$WORK/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok $name"
  else
    failed=$((failed + 1))
    echo "FAIL $name"
    sed 's/^/  | /' "$WORK/log"
  fi
  grep -h '^SKIP' "$WORK/log" || true
}

have() { [ -e "$RAG_TEST_MODELS/$1" ] || { echo "SKIP no model $RAG_TEST_MODELS/$1"; [ "${RAG_REQUIRE_MODELS-}" = 1 ]; }; }

fresh() { mktemp -d "$WORK/$1.XXXX"; }

exported() { nm -D --defined-only "$PREFIX/lib/librag.so" | awk '$2 != "A" {print $3}' | sort; }
declared() { sed -nE 's/^[a-z].*[ *](rag_[a-z_0-9]+)\(.*/\1/p' "$PREFIX/include/rag.h" | grep -v '^rag_on_' | sort; }
only_declared_symbols() { diff <(declared | sed 's/$/@@RAG_0/') <(exported); }
# what librag.a shows a program that links it
shown() { nm --defined-only --extern-only "$PREFIX/lib/librag.a" 2>/dev/null | awk 'NF == 3 {print $3}' | sort; }
static_shows_only_declared_symbols() { diff <(declared) <(shown); }
# The dist profile makes 20 MB of it: see docs/benchmarks.md.
is_small() { [ "$(stat -c %s "$PREFIX/lib/librag.so.0")" -lt 25000000 ] || { ls -l "$PREFIX/lib"; return 1; }; }
soname_is_right() { readelf -d "$PREFIX/lib/librag.so" | grep -q 'SONAME.*\[librag.so.0\]'; }

# compile LANGUAGE SOURCE PROGRAM: with pkg-config, against the shared library
compile() {
  local compiler=(cc -std=c11)
  [ "$1" = c++ ] && compiler=(c++ -std=c++17)
  # shellcheck disable=SC2046 # pkg-config prints words
  "${compiler[@]}" "${WARNINGS[@]}" "$2" -o "$WORK/$3" $(pkg-config --cflags --libs rag) -pthread -lm \
    "-Wl,-rpath,$PREFIX/lib"
}

# compile_checked LANGUAGE SOURCE PROGRAM: the same with the address, leak and undefined-behaviour sanitizers
compile_checked() { WARNINGS+=(-fsanitize=address,undefined -fno-sanitize-recover=all) && compile "$@"; }
checked() { ASAN_OPTIONS=detect_leaks=1:halt_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 "$@"; }

# The headers alone, under warnings that their users may have on.
strict() {
  local strict=(-Wall -Wextra -Wpedantic -Werror -Wconversion -Wshadow -fsyntax-only)
  cc -std=c11 "${strict[@]}" -Wstrict-prototypes -x c "$PREFIX/include/rag.h" &&
    c++ -std=c++17 "${strict[@]}" -Wold-style-cast -x c++ "$PREFIX/include/rag.hpp" &&
    c++ -std=c++17 "${strict[@]}" -Wold-style-cast -fno-exceptions -x c++ "$PREFIX/include/rag.hpp" &&
    c++ -std=c++20 "${strict[@]}" -Wold-style-cast -DRAG_EXPECTED -x c++ "$PREFIX/include/rag.hpp" &&
    c++ -std=c++20 "${strict[@]}" -Wold-style-cast -x c++ "$PREFIX/include/rag.hpp"
}

cmake_build() {
  cmake -S examples -B "$WORK/cmake-$1" -DCMAKE_PREFIX_PATH="$PREFIX" -DRAG_TARGET="rag::$1" \
    -DCMAKE_C_FLAGS=-Werror -DCMAKE_CXX_FLAGS=-Werror && cmake --build "$WORK/cmake-$1"
}
needs_no_shared_library() { ! readelf -d "$1" | grep -q 'NEEDED.*librag'; }

# The words that an example prints must hold all of these: prints COMMAND... -- WORDS...
prints() {
  local command=() word
  while [ "$1" != -- ]; do command+=("$1"); shift; done
  shift
  (cd "$(fresh example)" && RAG_MODELS=$RAG_TEST_MODELS "${command[@]}") >"$WORK/printed" 2>&1 || { cat "$WORK/printed"; return 1; }
  cat "$WORK/printed"
  for word in "$@"; do grep -qF -- "$word" "$WORK/printed" || { echo "no '$word' in this"; return 1; }; done
}

snippet_cites() {
  local folder
  folder=$(fresh snippet)
  mkdir "$folder/docs"
  echo "The laboratory was founded in 1995 in Tours." >"$folder/docs/lab.txt"
  (cd "$folder" && "$WORK/snippet" "$RAG_TEST_MODELS/minilm" "$RAG_TEST_MODELS/qwen2.5-0.5b") | grep -F 1995
}

# The program in the comment that the header begins with, as printed; models lie where the library looks for them.
first_program() {
  local folder
  folder=$(fresh first)
  mkdir -p "$folder/docs" "$folder/.cache/rag"
  ln -s "$RAG_TEST_MODELS" "$folder/.cache/rag/models"
  echo "The laboratory was founded in 1995 in Tours." >"$folder/docs/lab.txt"
  sed -nE '/^ \* First program/,/^ \* Contents/ s/^ \*     //p' "$PREFIX/include/rag.h" >"$WORK/first.c"
  [ "$(wc -l <"$WORK/first.c")" -lt 30 ] || { echo "thirty lines or more"; return 1; }
  compile c "$WORK/first.c" first && (cd "$folder" && env -u RAG_MODELS -u RAG_CACHE -u XDG_CACHE_HOME HOME="$folder" "$WORK/first") | tee "$WORK/first.out" &&
    grep -qF 1995 "$WORK/first.out" && grep -q '^\[1\] .*lab.txt$' "$WORK/first.out"
}

scenario() {
  local name code=0
  name=$(basename "$1" .json)
  python3 tests/scenarios/to_lines.py "$1" >"$WORK/lines" || return 1
  "$WORK/scenario" "$(fresh scenario)" <"$WORK/lines" >"$WORK/scenario.out" || code=1
  cat "$WORK/scenario.out"
  grep $'^T\t' "$WORK/scenario.out" >"$TRANSCRIPTS/c-$name.txt"
  return $code
}

refusals() {
  local code=0
  python3 tests/scenarios/to_lines.py tests/scenarios/options.json >"$WORK/lines" || return 1
  "$WORK/refusals" "$(fresh refusals)" <"$WORK/lines" >"$WORK/refusals.out" || code=1
  cat "$WORK/refusals.out"
  grep $'^T\t' "$WORK/refusals.out" >"$TRANSCRIPTS/cpp-options.txt"
  return $code
}

SENTENCES=$'The bridge was opened in 1987.\nSoup is served at noon.\nIn 1987 the crossing was inaugurated.'
similar_lines() { printf '%s\n' "$SENTENCES" | "$WORK/$1/similar" "$RAG_TEST_MODELS/minilm"; }
QUESTIONS=$'When was the laboratory founded?\n/new\nWhat does code E21 mean?'
chat_lines() { printf '%s\n' "$QUESTIONS" | "$WORK/chat_cpp" "$ROOT/examples/corpus"; }

# A program with its own SQLite, zlib and Rust runtime, or what passes for them, linked with librag.a: it keeps its own, and so do we.
own_sqlite() {
  local libraries
  libraries=$(pkg-config --libs --static rag | tr ' ' '\n' | grep -v '^-lrag$' | tr '\n' ' ')
  # shellcheck disable=SC2046,SC2086 # pkg-config prints words
  cc -std=c11 -Wall -Wextra -Werror "tests/data/cases/22-static/app.c" $(pkg-config --cflags rag) "$PREFIX/lib/librag.a" $libraries \
    -o "$WORK/own_sqlite" && (cd "$(fresh own_sqlite)" && "$WORK/own_sqlite" "$RAG_TEST_MODELS/minilm")
}

uninstall_leaves_nothing() { scripts/install-c.sh --uninstall "$PREFIX" && [ ! -e "$PREFIX" ]; }

step "install" scripts/install-c.sh "$PREFIX"
[ $failed = 0 ] || { echo "$passed passed, $failed failed"; exit 1; }

step "the library exports what rag.h declares, with its version, and nothing else" only_declared_symbols
step "librag.a shows what rag.h declares, and nothing else" static_shows_only_declared_symbols
step "soname" soname_is_right
step "the library has less than 25 MB" is_small
step "the headers under strict warnings" strict
for source in examples/c/*.c tests/c/*.c; do step "compile $source" compile c "$source" "$(basename "$source" .c)"; done
for source in examples/cpp/*.cpp; do step "compile $source" compile c++ "$source" "$(basename "$source" .cpp)_cpp"; done
step "compile tests/c/test_hpp.cpp" compile c++ tests/c/test_hpp.cpp test_hpp
step "compile tests/c/refusals.cpp" compile c++ tests/c/refusals.cpp refusals
step "options written in place, in C++20" eval 'c++ -std=c++20 "${WARNINGS[@]}" -I "$PREFIX/include" -fsyntax-only tests/c/designated.cpp'
step "compile tests/c/test_expected.cpp, without exceptions" eval '(WARNINGS+=(-fno-exceptions) && compile c++ tests/c/test_expected.cpp test_expected)'
python3 tests/c/null_calls.py "$PREFIX/include/rag.h" >"$WORK/null_calls.c" || failed=$((failed + 1))
step "compile the calls with NULL" compile c "$WORK/null_calls.c" null_calls
step "CMake, shared" cmake_build rag
step "CMake, static" cmake_build rag_static
step "a program linked with rag::rag_static needs no librag.so" needs_no_shared_library "$WORK/cmake-rag_static/laboratory"

MEMCHECK=(valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9)
# some of these calls write files beside them
within() { (cd "$1" && shift && "$@"); }
step "every function with NULL, under valgrind" within "$(fresh null)" "${MEMCHECK[@]}" "$WORK/null_calls"
step "test_api, under valgrind" "${MEMCHECK[@]}" "$WORK/test_api" "$(fresh api)"
step "test_kb" "$WORK/test_kb" "$(fresh kb)"
step "test_own" "$WORK/test_own" "$(fresh own)"
step "test_generator" "$WORK/test_generator"
step "test_hpp" "$WORK/test_hpp" "$(fresh hpp)"
step "test_expected, under valgrind" "${MEMCHECK[@]}" "$WORK/test_expected" "$(fresh expected)"
python3 scripts/page_program.py docs/c.md c >"$WORK/page.c" && python3 scripts/page_program.py docs/c.md cpp >"$WORK/page.cpp" || failed=$((failed + 1))
for language in c cpp; do
  step "compile the $language of docs/c.md" compile "${language/pp/++}" "$WORK/page.$language" page_$language
  if have minilm; then step "the $language of docs/c.md" prints "$WORK/page_$language" "$RAG_TEST_MODELS/minilm" -- bridge "in 1871 [1]" "stone bridge"; fi
done
for test in "c tests/c/test_api.c api" "c tests/c/test_kb.c kb" "c tests/c/test_own.c own" "c tests/c/test_generator.c generator" \
  "c++ tests/c/test_hpp.cpp hpp" "c $WORK/null_calls.c null"; do
  read -r language source name <<<"$test"
  # in a subshell, which keeps the flags to itself
  step "compile $name with sanitizers" eval "(compile_checked $language $source checked_$name)"
  arguments=("$(fresh "$name")")
  [ "$name" = null ] && arguments=("$RAG_TEST_MODELS/minilm" "${arguments[@]}")
  [ "$name" = generator ] && arguments=()
  place=$ROOT # where the test of generators finds its models
  [ "$name" = null ] && place=$(fresh checked)
  step "$name under ASan, LSan and UBSan" within "$place" checked "$WORK/checked_$name" "${arguments[@]}"
done
if have minilm; then
  step "every argument with NULL" within "$(fresh null)" "$WORK/null_calls" "$RAG_TEST_MODELS/minilm" "$(fresh folder)"
fi
if have minilm; then step "librag.a in a program with its own SQLite" own_sqlite; fi
if have minilm && have qwen2.5-0.5b; then step "the snippet of the README" snippet_cites; fi
if have minilm; then
  for build in . cmake-rag cmake-rag_static; do
    step "similar in C ($build)" prints similar_lines $build -- "opened in 1987.  |  In 1987 the crossing"
  done
fi
if have e5-small && have qwen2.5-0.5b; then
  step "the first program of the header, as printed" first_program
  for build in . cmake-rag cmake-rag_static; do
    step "laboratory in C ($build)" prints "$WORK/$build/laboratory" -- "sentence  Le laboratoire ERIC" "answer" 1995
  done
  step "laboratory in C++" prints "$WORK/laboratory_cpp" -- "sentence  Le laboratoire ERIC" "answer" 1995
  step "chat in C++" prints chat_lines -- added "> " 1995 "[1]" E21
  step "ask_folder" prints "$WORK/ask_folder" "$PWD/examples/corpus" "When was the laboratory founded, and by whom?" -- added "[1]"
fi
mkdir -p "$TRANSCRIPTS"
for file in tests/scenarios/*.json; do step "scenario $(basename "$file" .json)" scenario "$file"; done
step "refusals in C++" refusals
step "uninstall" uninstall_leaves_nothing

echo "$passed passed, $failed failed"
[ $failed = 0 ]
