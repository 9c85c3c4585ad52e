#!/usr/bin/env python3
"""How well questions find their documents: every leg and every fusion on every collection, one setting for all.

    python3 benches/retrieval.py RAG DATA [--encoder minilm] [--fusion convex,rrf] [--details] COLLECTION...

DATA holds collections in the BEIR layout (corpus.jsonl, queries.jsonl, qrels.tsv), one folder each. Prints a Markdown
table of nDCG@10 with what the first fusion gains over the better of its legs, and with --details the 95 % intervals and
milliseconds a query. Runs `rag eval`, documents cut at what the encoder takes, as the published figures were made.
"""

import argparse
import json
import pathlib
import subprocess


def measure(rag, folder, encoder, fusions):
    command = [rag, "eval", "--encoder", encoder, "--mode", "dense,lexical,hybrid", "--fusion", fusions, "--json"]
    for name, file in (("corpus", "corpus.jsonl"), ("queries", "queries.jsonl"), ("qrels", "qrels.tsv")):
        command += [f"--{name}", str(folder / file)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rag")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("collections", nargs="+")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--fusion", default="convex,rrf")
    parser.add_argument("--details", action="store_true")
    arguments = parser.parse_args()
    names = ["dense", "lexical", *(f"hybrid {fusion}" for fusion in arguments.fusion.split(","))]
    print(f"| {arguments.encoder} | queries | {' | '.join(names)} | over the better leg |")
    print("|---" * (len(names) + 3) + "|")
    for collection in arguments.collections:
        report = measure(arguments.rag, arguments.data / collection, arguments.encoder, arguments.fusion)
        found = {setting["setting"]: setting for setting in report["settings"]}
        scores = [found[name]["metrics"]["ndcg@10"] for name in names]
        cells = [f"{score:.4f}" for score in scores]
        if arguments.details:
            for place, name in enumerate(names):
                low, high = found[name]["intervals"]["ndcg@10"]
                cells[place] += f" ({low:.3f} to {high:.3f}; {found[name]['p50_ms']:.1f} ms)"
        gain = scores[2] - max(scores[:2])
        print(f"| {collection} | {report['query_count']} | {' | '.join(cells)} | {gain:+.4f} |", flush=True)


if __name__ == "__main__":
    main()
