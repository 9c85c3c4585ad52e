"""Asks a question and cuts the first citation out of its source file: `open_citation.py RAG KB QUESTION`.

Shows that a citation is not a claim but a place: the bytes from `source_start` to `source_end` of the file `uri`, or the page,
row or message of a format that has no bytes to show.
"""

import json
import subprocess
import sys


def main(rag: str, kb: str, question: str) -> None:
    asked = subprocess.run([rag, "ask", kb, question, "--json"], check=True, stdout=subprocess.PIPE)
    citation = json.loads(asked.stdout)["citations"][0]
    start, end = citation["source_start"], citation["source_end"]
    if start is None:
        print(f"{citation['uri']}, {citation.get('place', 'as a whole')}:\n{citation['quote']}")
        return
    with open(citation["uri"], "rb") as source:
        cut = source.read()[start:end].decode("utf-8")
    print(f"{citation['uri']} bytes {start} to {end}:\n{cut}")
    if cut != citation["quote"]:
        sys.exit("the bytes differ from the quote")


if __name__ == "__main__":
    main(*sys.argv[1:])
