"""Shows an answer while it is written, then its citations. Ctrl-C stops it within a token.

    python examples/python/stream.py ["Your question about the laboratory"]
"""

import sys

import rag_py

TEXTS = [
    "The coastal physics laboratory was founded in 1995 in the old harbour office of Port Aven.",
    "Its tide gauge has recorded the level of the sea every ten minutes since 1998.",
    "The cafeteria on the quay opens at eight.",
]


def main() -> None:
    question = sys.argv[1] if len(sys.argv) > 1 else "When was the coastal physics laboratory founded?"
    with rag_py.open(":memory:", encoder="e5-small", llm="qwen2.5-0.5b") as kb:
        kb.add(TEXTS)
        stream = kb.ask(question, stream=True)
        for piece in stream:
            print(piece, end="", flush=True)
        answer = stream.answer
        print("" if answer.found else "not found")
        for citation in answer.citations:
            print(f"[{citation.marker}] {citation.quote!r}")


if __name__ == "__main__":
    main()
