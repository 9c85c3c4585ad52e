#!/bin/sh
# Runs the tutorial in a new environment that holds the wheel of target/wheels and what the wheel itself asks for, no more.
# Models are looked for in $RAG_TEST_MODELS. Ends with "N passed, N failed".
set -eu
cd "$(dirname "$0")/.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${RAG_PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install -q --disable-pip-version-check target/wheels/rag_py-*.whl
held=$("$place/venv/bin/pip" list --format=freeze | sed 's/==.*//' | grep -vx -e pip -e setuptools | sort | tr '\n' ' ')
if [ "$held" != "numpy rag-py " ]; then
    echo "fresh venv: 0 passed, 1 failed: it holds $held"
    exit 1
fi
python3 scripts/page_program.py docs/tutorial.md > "$place/tutorial.py"
mkdir "$place/empty"
cd "$place/empty"
RAG_MODELS="${RAG_TEST_MODELS:-$HOME/.cache/rag/models}" PYTHONUTF8=1 "$place/venv/bin/python" "$place/tutorial.py" > "$place/log" 2>&1 ||
    { cat "$place/log"; echo "fresh venv: 0 passed, 1 failed"; exit 1; }
echo "fresh venv: 1 passed, 0 failed"
