#!/usr/bin/env python3
"""Finds documents by what they are called: their file name, or their title, and nothing else.

    python3 benches/titles.py target/release/rag FOLDER [--encoder e5-small] [--mode hybrid] [--limit 100]

The folder is indexed into a temporary file. One question for each document whose name no other has: the
name without its ending, cut at what is neither letter nor digit. One for each whose title no other has.
Prints how often the document is of the first hit, and of the first three, and each miss.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import tempfile


def call(rag, *arguments):
    run = subprocess.run([rag, *map(str, arguments)], capture_output=True, text=True, check=False)
    # some files were passed over, or nothing was found
    if run.returncode not in (0, 3, 4):
        raise SystemExit(f"rag {arguments[0]} ended with {run.returncode}: {run.stderr.strip()}")
    return run.stdout


def questions(documents):
    """(kind, question, uri), the ambiguous ones left out."""
    name = lambda uri: re.sub(r"[\W_]+", " ", pathlib.PurePath(uri).stem).strip()
    for kind, said in ("name", lambda d: name(d["uri"])), ("title", lambda d: (d.get("title") or "").strip()):
        counts = collections.Counter(said(document).lower() for document in documents)
        for document in documents:
            text = said(document)
            if text and counts[text.lower()] == 1 and any(c.isalpha() for c in text):
                yield kind, text, document["uri"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rag")
    parser.add_argument("folder")
    parser.add_argument("--encoder", default="e5-small")
    parser.add_argument("--mode", default="hybrid")
    parser.add_argument("--limit", type=int, default=100, help="questions of each kind, spread over the folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kb = pathlib.Path(folder) / "kb.rag"
        call(arguments.rag, "sync", kb, arguments.folder, "--encoder", arguments.encoder, "-q")
        listed = json.loads(call(arguments.rag, "list", kb, "--json"))["documents"]
        documents = [document for document in listed if not document.get("skipped")]
        asked = collections.defaultdict(list)
        for kind, text, uri in questions(documents):
            asked[kind].append((text, uri))
        for kind, items in asked.items():
            items = items[:: max(1, len(items) // arguments.limit)][: arguments.limit]
            first = third = 0
            for text, uri in items:
                found = json.loads(call(arguments.rag, "search", kb, text, "-k", 3, "--mode", arguments.mode,
                                        "--syntax", "plain", "--json"))
                uris = [hit["uri"] for hit in found["hits"]]
                first += uris[:1] == [uri]
                third += uri in uris
                if uris[:1] != [uri]:
                    print(f"  {kind}: {text!r} -> {uris[0] if uris else None}, not {uri}")
            print(f"{kind}: {len(items)} of {len(documents)} documents, "
                  f"first {first / len(items):.3f}, in three {third / len(items):.3f}")


main()
