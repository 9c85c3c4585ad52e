"""Our generator beside llama.cpp's, on the same GGUF files, interleaved in one run.

A peer is a Python that has llama-cpp-python, built from source for this machine:

    python3 -m venv native && CMAKE_ARGS=-DGGML_NATIVE=ON native/bin/pip install --no-binary llama-cpp-python \
        llama-cpp-python==0.3.36 numpy
    python3 -m venv avx2 && CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON" avx2/bin/pip \
        install --no-binary llama-cpp-python llama-cpp-python==0.3.36 numpy
    python3 benches/peers/generate.py speed --rag target/release/rag --peer native/bin/python MODEL.gguf ...
    python3 benches/peers/generate.py speed --level avx2 --rag target/release/rag --peer avx2/bin/python MODEL.gguf
    python3 benches/peers/generate.py agree --rag target/release/rag --peer native/bin/python MODEL.gguf
    python3 benches/peers/generate.py speed --plot docs/plots/generate.svg ... (needs matplotlib)
    python3 benches/peers/generate.py perplexity --text FILE --rag target/release/rag --peer native/bin/python MODEL.gguf
"""

import argparse
import json
import math
import pathlib
import resource
import statistics
import subprocess
import sys
import time

PROMPTS = [
    "The capital of France is",
    "Water boils at a temperature of",
    "def fibonacci(n):\n",
    "The three primary colours are",
    "In 1969, the first man on the Moon was",
    "SELECT name FROM users WHERE",
    "La tour Eiffel se trouve",
    "Once upon a time, in a small village by the river,",
    "Photosynthesis is the process by which",
    "The theory of relativity was proposed by",
    "To make an omelette, first you",
    "fn main() {\n    println!(",
    "The largest planet in the solar system is",
    "Pour installer un paquet sous Debian, on utilise la commande",
    "A binary search works by",
    "The Riverside laboratory was founded in 1995. It was founded in",
    "Question: What is the square root of 81?\nAnswer:",
    "class Stack:\n    def __init__(self):\n",
    "The main difference between TCP and UDP is",
    "Shakespeare wrote many plays, among them",
]


class Peer:
    """llama.cpp by its C interface, one sequence, logits where asked for."""

    def __init__(self, path: str, threads: int, context_len: int, repack: bool = True):
        import llama_cpp
        import numpy

        self.api, self.numpy = llama_cpp, numpy
        llama_cpp.llama_backend_init()
        quiet = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(quiet, None)
        self.quiet = quiet
        loading = llama_cpp.llama_model_default_params()
        if not repack:
            loading.use_extra_bufts = False
        self.model = llama_cpp.llama_load_model_from_file(path.encode(), loading)
        options = llama_cpp.llama_context_default_params()
        options.n_ctx = context_len
        options.n_batch = options.n_ubatch = 512
        options.n_threads = options.n_threads_batch = threads
        self.context = llama_cpp.llama_new_context_with_model(self.model, options)
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)

    def clear(self) -> None:
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)

    def tokens(self, text: str, start: bool = True) -> list[int]:
        """Token ids, with the model's start token if it wants one and `start` allows it."""
        data = text.encode()
        room = (self.api.llama_token * (len(data) + 8))()
        count = self.api.llama_tokenize(self.vocabulary, data, len(data), room, len(room), start, True)
        return list(room[:count])

    def take_in(self, ids: list[int], start: int, every: bool = False):
        """Logits after the last of `ids`, or after each."""
        rows = []
        for at in range(0, len(ids), 512):
            part = ids[at : at + 512]
            batch = self.api.llama_batch_init(len(part), 0, 1)
            batch.n_tokens = len(part)
            for index, token in enumerate(part):
                batch.token[index], batch.pos[index] = token, start + at + index
                batch.n_seq_id[index], batch.seq_id[index][0] = 1, 0
                batch.logits[index] = every or at + index == len(ids) - 1
            if self.api.llama_decode(self.context, batch):
                raise RuntimeError("llama_decode failed")
            wanted = range(len(part)) if every else [len(part) - 1]
            if every or at + 512 >= len(ids):
                for index in wanted:
                    row = self.api.llama_get_logits_ith(self.context, index)
                    rows.append(self.numpy.ctypeslib.as_array(row, shape=(self.size,)).copy())
            self.api.llama_batch_free(batch)
        return rows

    def greedy(self, ids: list[int], count: int) -> tuple[list[int], float, float]:
        """Up to `count` tokens, the time of the prompt and that of the tokens after the first."""
        self.clear()
        started = time.perf_counter()
        logits = self.take_in(ids, 0)[-1]
        found = [int(logits.argmax())]
        prefill = time.perf_counter() - started
        started = time.perf_counter()
        while len(found) < count:
            logits = self.take_in(found[-1:], len(ids) + len(found) - 1)[-1]
            found.append(int(logits.argmax()))
        return found, prefill, time.perf_counter() - started


def peer_main(job: dict) -> dict:
    """What a peer process does: one job, one JSON object."""
    started = time.perf_counter()
    peer = Peer(job["model"], job["threads"], job["context_len"])
    loaded = time.perf_counter() - started
    if job["what"] == "speed":
        ids = [100 + (7919 * index) % 20000 for index in range(job["prompt_tokens"])]
        prefill, decode = [], []
        for _ in range(job["runs"]):
            _, before, after = peer.greedy(ids, job["new_tokens"])
            prefill.append(before)
            decode.append(after)
        return {
            "load_milliseconds": loaded * 1e3,
            "prefill_tokens_per_second": len(ids) / min(prefill),
            "decode_tokens_per_second": (job["new_tokens"] - 1) / max(min(decode), 1e-9),
            "time_to_first_token_milliseconds": min(prefill) * 1e3,
            "peak_memory_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    if job["what"] == "tokens":
        return {"token_ids": [peer.tokens(text) for text in job["texts"]]}
    if job["what"] == "agree":
        return {"token_ids": [peer.greedy(peer.tokens(prompt), 64)[0] for prompt in PROMPTS]}
    ids = peer.tokens(pathlib.Path(job["text"]).read_text())[: job["prompt_tokens"]]
    rows = peer.take_in(ids, 0, every=True)
    total = 0.0
    for row, token in zip(rows, ids[1:]):
        row = row.astype("float64")
        total += row[token] - row.max() - math.log(peer.numpy.exp(row - row.max()).sum())
    return {"perplexity": math.exp(-total / (len(ids) - 1)), "prompt_token_count": len(ids)}


def ask_peer(python: str, **job) -> dict:
    job = {"context_len": 4096, "threads": 2} | job
    done = subprocess.run([python, __file__, "peer", json.dumps(job)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def ask_rag(rag: str, *arguments: str) -> dict:
    done = subprocess.run(["/usr/bin/env", "python3", __file__, "watch", rag, *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def watch(command: list[str]) -> dict:
    """Runs `rag` and adds its peak memory to what it prints."""
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return found | {"peak_memory_mebibytes": peak}


def read_bandwidth(threads: int) -> float:
    """GB/s at which `threads` processes sum 512 MB each: the bound of decoding."""
    code = (
        "import numpy,time;a=numpy.ones(1<<26);a.sum();s=time.perf_counter();"
        "[a.sum() for _ in range(4)];print(4*a.nbytes/(time.perf_counter()-s)/1e9)"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(threads)]
    return sum(float(run.communicate()[0]) for run in runs)


def busy(count: int) -> list[subprocess.Popen]:
    return [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]


def speed(options: argparse.Namespace) -> None:
    keys = [
        ("prefill_tokens_per_second", "prefill tokens/s"),
        ("decode_tokens_per_second", "decode tokens/s"),
        ("time_to_first_token_milliseconds", "first token ms"),
        ("repeated_time_to_first_token_milliseconds", "the same again ms"),
        ("load_milliseconds", "load ms"),
        ("peak_memory_mebibytes", "peak MiB"),
    ]
    level = ["--level", options.level] if options.level else []
    rows = []
    print("| model | threads | prompt | figure | ours | llama.cpp | ratio |\n|---|---|---|---|---|---|---|")
    for model in options.models:
        for threads in options.threads:
            for tokens in options.prompt_tokens:
                ours, theirs = [], []
                neighbours = busy(options.busy)
                for _ in range(options.rounds):
                    ours.append(
                        ask_rag(
                            options.rag, "bench", "generate", "--llm", model, "--threads", str(threads),
                            "--prompt-tokens", str(tokens), "--new-tokens", str(options.new_tokens),
                            "--runs", str(options.runs), "--json", *level,
                        )
                    )  # fmt: skip
                    theirs.append(
                        ask_peer(
                            options.peer, what="speed", model=model, threads=threads, prompt_tokens=tokens,
                            new_tokens=options.new_tokens, runs=options.runs,
                        )
                    )  # fmt: skip
                for neighbour in neighbours:
                    neighbour.kill()
                label = f"{pathlib.Path(model).stem.split('-Instruct')[0]}\n{tokens} tokens, {threads} thread{'s' * (threads > 1)}"
                rows.append((label, ours, theirs))
                for key, name in keys:
                    mine = statistics.median(figures[key] for figures in ours)
                    other = [figures[key] for figures in theirs if key in figures]
                    other = statistics.median(other) if other else math.nan
                    print(
                        f"| {pathlib.Path(model).stem} | {threads} | {tokens} | {name} | {mine:.1f} | {other:.1f} "
                        f"| {mine / other:.2f} |",
                        flush=True,
                    )
    if options.plot:
        plot(rows, options.plot)


def plot(rows: list, path: str) -> None:
    """Medians as bars, the lowest and highest round as whiskers."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figures = [("prefill_tokens_per_second", "prompt, tokens/s"), ("decode_tokens_per_second", "answer, tokens/s")]
    figure, axes = plt.subplots(2, 1, figsize=(8, 7))
    for (key, title), axis in zip(figures, axes):
        for side, (name, colour) in enumerate([("rag", "#2a6f97"), ("llama.cpp", "#bbbbbb")]):
            runs = [[run[key] for run in row[1 + side]] for row in rows]
            middle = [statistics.median(run) for run in runs]
            spread = [[m - min(run) for m, run in zip(middle, runs)], [max(run) - m for m, run in zip(middle, runs)]]
            places = [index + 0.4 * side for index in range(len(rows))]
            bars = axis.bar(places, middle, 0.38, yerr=spread, label=name, color=colour)
            axis.bar_label(bars, fmt="%.0f", padding=2, fontsize=8)
        axis.set_xticks([index + 0.2 for index in range(len(rows))], [row[0] for row in rows], fontsize=8)
        axis.set_title(title, loc="left", fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False)
    figure.tight_layout()
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def agree(options: argparse.Namespace) -> None:
    for model in options.models:
        theirs = ask_peer(options.peer, what="agree", model=model, threads=options.threads[-1])["token_ids"]
        equal = 0
        for prompt, other in zip(PROMPTS, theirs):
            arguments = ["--llm", model, "--raw", "--prompt", prompt, "--max-new-tokens", "64", "--json", "--quiet"]
            mine = ask_rag(options.rag, "generate", *arguments)["token_ids"]
            # ours ends at the end of a turn, theirs goes on
            common = sum(1 for _ in iter_common(mine, other))
            equal += common == len(mine)
            if common < len(mine):
                print(f"differs at token {common}: {prompt!r}")
        print(f"{pathlib.Path(model).stem}: {equal} of {len(PROMPTS)} greedy continuations of 64 tokens are equal")


def iter_common(left: list[int], right: list[int]):
    for a, b in zip(left, right):
        if a != b:
            return
        yield a


def perplexity(options: argparse.Namespace) -> None:
    for model in options.models:
        tokens = options.prompt_tokens[-1]
        theirs = ask_peer(options.peer, what="perplexity", model=model, text=options.text, prompt_tokens=tokens)
        mine = ask_rag(
            options.rag, "bench", "generate", "--llm", model, "--prompt-tokens", str(tokens), "--new-tokens", "1",
            "--text", options.text, "--json",
        )  # fmt: skip
        ratio = mine["perplexity"] / theirs["perplexity"]
        print(f"{pathlib.Path(model).stem}: {mine['perplexity']:.4f}, llama.cpp {theirs['perplexity']:.4f}, {ratio:.5f}")


def main() -> None:
    if sys.argv[1:2] == ["peer"]:
        return print(json.dumps(peer_main(json.loads(sys.argv[2]))))
    if sys.argv[1:2] == ["watch"]:
        return print(json.dumps(watch(sys.argv[2:])))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "agree", "perplexity", "bandwidth"])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--rag", default="target/release/rag")
    parser.add_argument("--peer", default=sys.executable, help="a Python with llama-cpp-python")
    parser.add_argument("--level", help="avx2 to compare with a peer built for AVX2")
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--prompt-tokens", type=int, nargs="+", default=[512, 2048])
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--runs", type=int, default=2, help="per process; the fastest counts")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved; the median counts")
    parser.add_argument("--busy", type=int, default=0, help="processes that only burn time meanwhile")
    parser.add_argument("--text")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw speeds as bars")
    options = parser.parse_intermixed_args()
    if options.what == "bandwidth":
        for threads in options.threads:
            print(f"{threads} threads read {read_bandwidth(threads):.1f} GB/s")
    else:
        {"speed": speed, "agree": agree, "perplexity": perplexity}[options.what](options)


if __name__ == "__main__":
    main()
