"""Sentence encoders side by side: the same texts, the same threads, rounds interleaved, the best round of each.

    python -m venv V && V/bin/pip install onnxruntime onnx tokenizers sentence-transformers transformers torch
    V/bin/python benches/peers/encode/export_onnx.py MODEL_FOLDER ONNX_FOLDER
    V/bin/python benches/peers/encode/run.py --rag target/release/rag --model MODEL_FOLDER --onnx ONNX_FOLDER \
        --texts TEXTS.txt --passages 96 --threads 2

One passage a line. Peers get their texts sorted by length, so that padding costs them little, at the batch size of
1, 2, 8 and 32 that suits them best. Time includes tokenisation, not loading. The process is pinned to as many CPUs as
threads. Accuracy is against ONNX Runtime in f32: the largest difference of a cosine between two passages, and the
share of each passage's ten nearest that are the same.
"""

import argparse
import json
import os
import pathlib
import subprocess
import time

import numpy as np

BATCHES = (1, 2, 8, 32)
OURS = ("f32", "bf16", "int8")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("rag", "model", "onnx", "texts"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--passages", type=int, default=96)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--torch", action="store_true", help="sentence-transformers too")
    return parser.parse_args()


class Onnx:
    """ONNX Runtime with the folder's tokenizer."""

    def __init__(self, model: str, graph: pathlib.Path, threads: int) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
        self.session = onnxruntime.InferenceSession(str(graph), settings, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
        self.tokenizer.enable_truncation(256)

    def encode(self, texts: list[str], batch: int) -> np.ndarray:
        out = []
        self.tokenizer.enable_padding(length=None)
        for start in range(0, len(texts), batch):
            encoded = self.tokenizer.encode_batch(texts[start : start + batch])
            ids = np.array([item.ids for item in encoded], dtype=np.int64)
            mask = np.array([item.attention_mask for item in encoded], dtype=np.int64)
            inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            feed = {item.name: inputs[item.name].astype(KINDS[item.type]) for item in self.session.get_inputs()}
            states = self.session.run(None, feed)[0]
            mean = (states * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
            out.append(mean / np.linalg.norm(mean, axis=1, keepdims=True))
        return np.concatenate(out)


KINDS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


class Torch:
    """sentence-transformers on the CPU."""

    def __init__(self, model: str, threads: int) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self.model = SentenceTransformer(model, device="cpu")

    def encode(self, texts: list[str], batch: int) -> np.ndarray:
        return self.model.encode(texts, batch_size=batch, show_progress_bar=False)


def ours(args: argparse.Namespace, precision: str, level: str) -> dict:
    command = [
        args.rag, "bench", "encode", "--json", "--encoder", args.model, "--texts", args.texts, "--runs", "1",
        "--passages", str(args.passages), "--threads", str(args.threads), "--precision", precision, "--level", level,
    ]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def our_vectors(args: argparse.Namespace, texts: list[str], precision: str) -> np.ndarray:
    command = [args.rag, "encode", "--encoder", args.model, "--precision", precision]
    done = subprocess.run(command, check=True, capture_output=True, input="\n".join(texts).encode())
    path = pathlib.Path(args.onnx) / "ours.npy"
    path.write_bytes(done.stdout)
    return np.load(path)


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def accuracy(vectors: np.ndarray, exact: np.ndarray) -> str:
    ours, theirs = vectors @ vectors.T, exact @ exact.T
    top = lambda scores: np.argsort(-(scores - 2 * np.eye(len(scores))), axis=1)[:, :10]
    same = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(top(ours), top(theirs))])
    return f"{np.abs(ours - theirs).max():.1e} | {same:.3f}"


def main() -> None:
    args = options()
    os.sched_setaffinity(0, set(range(args.threads)))
    texts = pathlib.Path(args.texts).read_text().splitlines()[: args.passages]
    by_length = sorted(texts, key=len)
    query = ["When was the bridge over the river opened?"]
    onnx = pathlib.Path(args.onnx)
    peers = {"ONNX Runtime f32": Onnx(args.model, onnx / "f32.onnx", args.threads)}
    peers["ONNX Runtime int8"] = Onnx(args.model, onnx / "int8.onnx", args.threads)
    if args.torch:
        peers["sentence-transformers"] = Torch(args.model, args.threads)
    rates, queries, note = {}, {}, {}

    def keep(name: str, rate: float, p50: float, how: str) -> None:
        queries[name] = min(queries.get(name, p50), p50)
        if rate > rates.get(name, 0):
            rates[name], note[name] = rate, how

    for _ in range(args.rounds):
        for precision, level in [(precision, "best") for precision in OURS] + [("f32", "avx2"), ("int8", "avx2")]:
            name = f"ours {precision}" + ("" if level == "best" else f", {level}")
            figures = ours(args, precision, level)
            keep(name, figures["passages_per_second"], figures["query_p50_milliseconds"], "ragged")
        for name, peer in peers.items():
            p50 = 1e3 * float(np.median([seconds(lambda: peer.encode(query, 1)) for _ in range(40)]))
            for batch in BATCHES:
                keep(name, len(texts) / seconds(lambda: peer.encode(by_length, batch)), p50, f"batch {batch}")

    exact = peers["ONNX Runtime f32"].encode(texts, 1)
    vectors = {f"ours {precision}": our_vectors(args, texts, precision) for precision in OURS}
    vectors |= {name: peer.encode(texts, 1) for name, peer in peers.items()}
    base = rates["ONNX Runtime f32"]
    print(f"{len(texts)} passages, {args.threads} threads, best of {args.rounds} interleaved rounds\n")
    print("| engine | how | passages/s | to ONNX Runtime f32 | one query, p50 ms | max abs dcos | overlap@10 |")
    print("|---|---|---|---|---|---|---|")
    for name, rate in sorted(rates.items(), key=lambda item: -item[1]):
        near = accuracy(vectors[name], exact) if name in vectors else " | "
        print(f"| {name} | {note[name]} | {rate:.1f} | {rate / base:.2f} | {queries[name]:.2f} | {near} |")


if __name__ == "__main__":
    main()
