#!/usr/bin/env python3
"""Sentence vectors for benches/peers/index.py, by our own encoder.

    python3 benches/peers/sentences.py RAG ENCODER OUT CORPUS.jsonl...

Cuts the texts of BEIR corpora into sentences of 40 to 160 characters, drops doubles, takes 100,500 of them in the
order of their SHA-256, encodes them with `rag encode` and writes base.npy (100,000) and dev_queries.npy (500) to the
folder OUT. What was encoded already is not encoded again.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

import numpy as np

COUNT, QUERY_COUNT, CHUNK = 100_000, 500, 12_500


def sentences(paths):
    found = set()
    for path in paths:
        for line in open(path, encoding="utf8"):
            for sentence in re.split(r"(?<=[.!?;])\s+", json.loads(line)["text"]):
                sentence = " ".join(sentence.split())[:160]
                if len(sentence) >= 40:
                    found.add(sentence)
    return sorted(found, key=lambda text: hashlib.sha256(text.encode()).digest())[:COUNT + QUERY_COUNT]


def main():
    rag, encoder, out, *paths = sys.argv[1:]
    out = pathlib.Path(out)
    out.mkdir(exist_ok=True)
    texts = sentences(paths)
    chunks = []
    for start in range(0, len(texts), CHUNK):
        chunk = out / f"chunk-{start}.npy"
        if not chunk.exists():
            lines = "\n".join(texts[start:start + CHUNK]) + "\n"
            npy = subprocess.run([rag, "encode", "--encoder", encoder], input=lines.encode(), check=True,
                                 capture_output=True).stdout
            chunk.write_bytes(npy)
        chunks.append(np.load(chunk))
    rows = np.concatenate(chunks)
    base, queries = rows[:-QUERY_COUNT], rows[-QUERY_COUNT:]
    np.save(out / "base.npy", base)
    np.save(out / "dev_queries.npy", queries)
    print(base.shape)


if __name__ == "__main__":
    main()
