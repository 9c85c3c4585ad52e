"""Spearman correlation of an encoder's cosines with people's scores.

    python benches/encode_sts.py RAG MODEL FILE.tsv [--query] [--precision P]

FILE holds a line of names, then `score, sentence1, sentence2` a line. The model's query prefix goes before both sentences with `--query`
(as e5 asks for), else its passage prefix. Needs numpy.
"""

import io
import subprocess
import sys

import numpy as np


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, the mean rank where values are equal."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def encode(rag: str, model: str, sentences: list[str], flags: list[str]) -> np.ndarray:
    command = [rag, "encode", "--encoder", model, *flags]
    done = subprocess.run(command, input="\n".join(sentences).encode(), capture_output=True, check=True)
    return np.load(io.BytesIO(done.stdout))


def main() -> None:
    rag, model, path, *flags = sys.argv[1:]
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")][1:]
    scores = np.array([float(row[0]) for row in rows])
    vectors = encode(rag, model, [row[1] for row in rows] + [row[2] for row in rows], flags)
    cosines = (vectors[: len(rows)] * vectors[len(rows) :]).sum(1)
    print(f"{path}: {np.corrcoef(ranks(cosines), ranks(scores))[0, 1]:.5f} over {len(rows)} pairs")


if __name__ == "__main__":
    main()
