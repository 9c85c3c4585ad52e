#!/usr/bin/env python3
"""How many questions on another subject are turned away, and how many on the subject are kept.

    python3 benches/off_topic.py RAG DATA [--encoder minilm] [--limit 100] CORPUS:QUESTIONS...

Asks the questions of one collection of the corpus of another, and those of the corpus itself, without a generator: what is turned
away here is turned away before any generation. DATA holds collections in the BEIR layout. Prints a Markdown table.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile


def found(rag, corpus, queries, encoder, limit):
    """The share of queries that get an answer from the corpus."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        lines = [json.loads(line) for line in open(queries / "queries.jsonl", encoding="utf8")][:limit]
        with open(folder / "queries.jsonl", "w", encoding="utf8") as file, open(folder / "qrels.tsv", "w") as qrels:
            for line in lines:
                # every query needs an answer and a relevant document to be asked at all
                file.write(json.dumps({**line, "answers": line.get("answers") or ["-"]}) + "\n")
                qrels.write(f"{line['_id']}\tnone\t1\n")
        command = [rag, "eval", "--json", "--encoder", encoder, "--llm", "none", "--mode", "hybrid"]
        command += ["--corpus", str(corpus / "corpus.jsonl"), "--queries", str(folder / "queries.jsonl")]
        command += ["--qrels", str(folder / "qrels.tsv")]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["metrics"]["found"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rag")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("pairs", nargs="+")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--limit", type=int, default=100)
    arguments = parser.parse_args()
    print(f"| {arguments.encoder} | its own questions kept | questions of | turned away |")
    print("|---|---|---|---|")
    for pair in arguments.pairs:
        corpus, questions = pair.split(":")
        ask = lambda other: found(
            arguments.rag, arguments.data / corpus, arguments.data / other, arguments.encoder, arguments.limit
        )
        print(f"| {corpus} | {ask(corpus):.2f} | {questions} | {1 - ask(questions):.2f} |", flush=True)


if __name__ == "__main__":
    main()
