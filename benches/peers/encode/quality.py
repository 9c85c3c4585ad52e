"""Quality of an encoder beside sentence-transformers on the same folder: nDCG@10 of retrieval, Spearman of similarity.

    V/bin/python benches/peers/encode/quality.py --rag target/release/rag --model FOLDER [--retrieval DIR ...] [--sts FILE.tsv ...]

DIR holds corpus.jsonl, queries.jsonl and qrels.tsv (BEIR's layout); a document is its title and its text, cut where the model cuts. FILE holds
a line of names, then `score, sentence1, sentence2`; both sentences get the query prefix, as e5 asks for. One row of a Markdown table
for each set: the reference in f32, then each of our precisions.
"""

import argparse
import io
import json
import pathlib
import subprocess

import numpy as np

PRECISIONS = ("f32", "bf16", "int8")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rag", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--retrieval", nargs="*", default=[])
    parser.add_argument("--sts", nargs="*", default=[])
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


class Ours:
    """`rag encode` in one precision."""

    def __init__(self, args: argparse.Namespace, precision: str) -> None:
        self.command = [args.rag, "encode", "--quiet", "--encoder", args.model, "--precision", precision]
        self.command += ["--threads", str(args.threads)]

    def encode(self, texts: list[str], kind: str) -> np.ndarray:
        flags = ["--query"] if kind == "query" else []
        done = subprocess.run(
            self.command + flags, input="\n".join(texts).encode(), stdout=subprocess.PIPE, check=True
        )
        return np.load(io.BytesIO(done.stdout))


class Reference:
    """sentence-transformers on the CPU in f32, with the folder's prompts."""

    def __init__(self, args: argparse.Namespace) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(args.threads)
        self.model = SentenceTransformer(args.model, device="cpu")

    def encode(self, texts: list[str], kind: str) -> np.ndarray:
        name = kind if kind in self.model.prompts else None
        return self.model.encode(texts, prompt_name=name, normalize_embeddings=True, batch_size=8)


def lines(path: pathlib.Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")


def one_line(text: str) -> str:
    return " ".join(text.split())


def ndcg(folder: pathlib.Path, encoder) -> tuple[float, int]:
    """nDCG@10 with graded scores as gains, and the number of judged queries."""
    read = lambda name: [json.loads(line) for line in lines(folder / name) if line]
    corpus, queries = read("corpus.jsonl"), read("queries.jsonl")
    grades: dict[str, dict[str, float]] = {}
    for line in lines(folder / "qrels.tsv")[1:]:
        if line:
            query, document, grade = line.split("\t")
            grades.setdefault(query, {})[document] = float(grade)
    queries = [query for query in queries if query["_id"] in grades]
    documents = encoder.encode([one_line(f"{d.get('title') or ''} {d['text']}") for d in corpus], "passage")
    scores = encoder.encode([one_line(query["text"]) for query in queries], "query") @ documents.T
    discounts = 1 / np.log2(np.arange(2, 12))
    total = 0.0
    for query, row in zip(queries, scores):
        judged = grades[query["_id"]]
        top = np.argsort(-row, kind="stable")[:10]
        gains = np.array([judged.get(corpus[at]["_id"], 0.0) for at in top])
        best = np.sort(list(judged.values()))[::-1][:10]
        total += (gains * discounts[: len(gains)]).sum() / (best * discounts[: len(best)]).sum()
    return total / len(queries), len(queries)


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, the mean rank where values are equal."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def spearman(path: pathlib.Path, encoder) -> tuple[float, int]:
    """Rank correlation of cosines with people's scores, and the number of pairs."""
    rows = [line.split("\t") for line in lines(path)[1:] if line]
    scores = np.array([float(row[0]) for row in rows])
    vectors = encoder.encode([row[1] for row in rows] + [row[2] for row in rows], "query")
    cosines = (vectors[: len(rows)] * vectors[len(rows) :]).sum(1)
    return float(np.corrcoef(ranks(cosines), ranks(scores))[0, 1]), len(rows)


def main() -> None:
    args = options()
    encoders = [Reference(args)] + [Ours(args, precision) for precision in PRECISIONS]
    work = [(ndcg, pathlib.Path(path)) for path in args.retrieval] + [(spearman, pathlib.Path(path)) for path in args.sts]
    print("| set | over | sentence-transformers f32 | " + " | ".join(PRECISIONS) + " |")
    print("|---|---|---|" + "---|" * len(PRECISIONS))
    for measure, path in work:
        figures = [measure(path, encoder) for encoder in encoders]
        cells = [f"{value:.5f}" for value, _ in figures]
        print(f"| {path.stem} | {figures[0][1]} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
