"""Asks a folder of documents and shows where each part of the answer stands.

    python examples/python/ask_folder.py examples/corpus "When was the laboratory founded?" [kb.rag]

With a third argument the knowledge base is kept, and the next run only reads what changed.
"""

import sys

import rag_py


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    folder, question, path = (*sys.argv[1:], ":memory:")[:3]
    with rag_py.open(path, encoder="e5-small", llm="qwen2.5-0.5b") as kb:
        report = kb.sync(folder, progress=True)
        for file in report.skipped:
            print(f"skipped {file.path}: {file.message}", file=sys.stderr)
        answer = kb.ask(question)
    if not answer.found:
        print("not found in these documents; the nearest passages are")
        for hit in answer.hits:
            print(f"  {hit.uri}: {hit.text[:80]!r}")
        return 3
    print(answer.text)
    for citation in answer.citations:
        place = f"page {citation.page}" if citation.page else f"bytes {citation.source_start}-{citation.source_end}"
        note = "" if citation.status == "ok" else f" (source {citation.status})"
        print(f"  [{citation.marker}] {citation.uri}, {place}{note}: {citation.quote!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
