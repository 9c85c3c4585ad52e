#!/usr/bin/env python3
"""Finds functions of a program by questions in words (benches/questions/code.jsonl: 60 over rag-core/src).

    python3 benches/code.py RAG... [--folder rag-core/src] [--encoders e5-small minilm] [--mode hybrid] [--misses]

Each RAG is a build of the shell, such as one with and one without the feature `code`. The folder is indexed into a
temporary file, its tests included. A hit is right if it and the function asked for, with the comments above it, share
half of the shorter one. Prints how often the first hit is right, how often one of the first three, and the mean
reciprocal rank in the first ten.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

QUESTIONS = pathlib.Path(__file__).parent / "questions" / "code.jsonl"


def call(rag, *arguments):
    run = subprocess.run([rag, *map(str, arguments)], capture_output=True, text=True, check=False)
    # nothing was found
    if run.returncode not in (0, 3):
        raise SystemExit(f"{rag} {arguments[0]} ended with {run.returncode}: {run.stderr.strip()}")
    return run.stdout


def place(path, function):
    """The bytes of a function of rustfmt's looks: from the comments above it to the bracket at its indentation."""
    lines = path.read_bytes().splitlines(keepends=True)
    starts = [sum(map(len, lines[:index])) for index in range(len(lines) + 1)]
    first = next(i for i, line in enumerate(lines) if re.search(rb"\bfn " + function.encode() + rb"\b", line))
    indent = len(lines[first]) - len(lines[first].lstrip())
    last = next(i for i in range(first, len(lines)) if lines[i].rstrip() == b" " * indent + b"}")
    while lines[first - 1].lstrip().startswith((b"//", b"#[")):
        first -= 1
    return starts[first], starts[last + 1]


def is_right(hit, path, span):
    if not pathlib.Path(hit["uri"]).samefile(path):
        return False
    start, end = hit["source_start"], hit["source_end"]
    common = min(end, span[1]) - max(start, span[0])
    return common * 2 >= min(end - start, span[1] - span[0])


def measure(rag, encoder, arguments, questions):
    """The rank of the first right hit of each question, None without one, and how many passages there are."""
    with tempfile.TemporaryDirectory() as folder:
        kb = pathlib.Path(folder) / "kb.rag"
        call(rag, "sync", kb, arguments.folder, "--encoder", encoder, "-q")
        passages = json.loads(call(rag, "info", kb, "--json"))["passage_count"]
        ranks = []
        for question in questions:
            found = json.loads(call(rag, "search", kb, question["question"], "-k", 10, "--mode", arguments.mode,
                                    "--syntax", "plain", "--json"))
            right = [is_right(hit, question["path"], question["span"]) for hit in found["hits"]]
            ranks.append(right.index(True) + 1 if True in right else None)
    return ranks, passages


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rag", nargs="+")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("rag-core/src"))
    parser.add_argument("--encoders", nargs="+", default=["e5-small", "minilm"])
    parser.add_argument("--mode", default="hybrid")
    parser.add_argument("--misses", action="store_true", help="show the questions whose first hit is wrong")
    arguments = parser.parse_args()
    questions = [json.loads(line) for line in QUESTIONS.read_text().splitlines()]
    for question in questions:
        question["path"] = arguments.folder / question["file"]
        question["span"] = place(question["path"], question["function"])
    print("| build | encoder | passages | first | in three | MRR@10 |\n|---|---|---|---|---|---|")
    for encoder in arguments.encoders:
        for rag in arguments.rag:
            ranks, passages = measure(rag, encoder, arguments, questions)
            share = lambda most: sum(rank is not None and rank <= most for rank in ranks) / len(ranks)
            mean = sum(1 / rank for rank in ranks if rank) / len(ranks)
            print(f"| {rag} | {encoder} | {passages} | {share(1):.3f} | {share(3):.3f} | {mean:.3f} |")
            for question, rank in zip(questions, ranks):
                if arguments.misses and rank != 1:
                    print(f"  {rank}: {question['question']} ({question['file']}, {question['function']})")


if __name__ == "__main__":
    main()
