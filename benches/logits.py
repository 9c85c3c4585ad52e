"""Logits of our generator and of llama.cpp against the same GGUF weights dequantised to f32 and run by `transformers`.

    cargo build --release -p rag-core --example bench_logits
    python3 -m venv ref && ref/bin/pip install torch transformers gguf accelerate
    ref/bin/python benches/logits.py --peer native/bin/python MODEL.gguf ...

The peer is that of benches/peers/generate.py.
For each prompt (the twenty of generate.py, and questions after each text of examples/corpus) it takes the relative L2
distance of the logits after the last token. Then both continue the twenty prompts greedily for 64 tokens, and at each first
difference it prints the gap between the two likeliest tokens on all three sides, whose token the reference takes, and the
noise, the root mean square difference of a logit from the reference.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
from generate import PROMPTS, Peer, ask_peer, iter_common  # noqa: E402

ROOT = pathlib.Path(__file__).parent.parent
QUESTION = "\n\nQuestion: What is this text about, and which year does it name first?\nAnswer:"


def prompts() -> list[str]:
    corpus = sorted(path for path in (ROOT / "examples/corpus").rglob("*") if path.suffix in {".md", ".txt"})
    return PROMPTS + [path.read_text()[:3000] + QUESTION for path in corpus]


def reference_main(job: dict) -> None:
    """Writes the f32 logits after each prompt."""
    import numpy
    import torch
    from transformers import AutoModelForCausalLM

    model = pathlib.Path(job["model"])
    loaded = AutoModelForCausalLM.from_pretrained(model.parent, gguf_file=model.name, dtype=torch.float32).eval()
    with torch.no_grad():
        inputs = (torch.tensor([ids]) for ids in job["prompts"])
        rows = [loaded(input_ids=ids, logits_to_keep=1).logits[0, -1].numpy() for ids in inputs]
    numpy.stack(rows).astype("<f4").tofile(job["out"])


def peer_main(job: dict) -> None:
    """Writes llama.cpp's logits: `split` tokens of each prompt at once, the others one by one."""
    import numpy

    peer, rows = Peer(job["model"], job["threads"], 4096), []
    for ids, split in zip(job["prompts"], job["splits"]):
        peer.clear()
        row = peer.take_in(ids[:split], 0)[-1]
        for at in range(split, len(ids)):
            row = peer.take_in(ids[at : at + 1], at)[-1]
        rows.append(row)
    numpy.stack(rows).astype("<f4").tofile(job["out"])


def start(python: str, what: str, job: dict) -> list:
    """Rows of logits that another Python computes."""
    with tempfile.TemporaryDirectory() as scratch:
        path, out = pathlib.Path(scratch, "job.json"), pathlib.Path(scratch, "out")
        path.write_text(json.dumps(job | {"out": str(out)}))
        done = subprocess.run([python, __file__, what, str(path)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        return rows_of(out, len(job["prompts"]))


def rows_of(path: pathlib.Path, count: int) -> list:
    import numpy

    return list(numpy.fromfile(path, "<f4").reshape(count, -1).astype("float64"))


def ours(program: str, model: str, prompts: list[list[int]], new_tokens: int) -> tuple[list, list[list[int]]]:
    with tempfile.TemporaryDirectory() as scratch:
        path, out = pathlib.Path(scratch, "job.json"), pathlib.Path(scratch, "out")
        path.write_text(json.dumps({"prompts": prompts, "new_tokens": new_tokens}))
        done = subprocess.run([program, model, path, out], check=True, capture_output=True, text=True)
        return rows_of(out, len(prompts)), json.loads(done.stdout)


def distance(found, expected) -> float:
    import numpy

    return float(numpy.linalg.norm(found - expected) / numpy.linalg.norm(expected))


def noise(found, expected) -> float:
    """Root mean square difference of a logit; what two rows have in common moves no choice."""
    return float((found - expected).std())


def gap(row) -> float:
    import numpy

    second, first = numpy.sort(numpy.partition(row, -2)[-2:])
    return float(first - second)


def compare(options: argparse.Namespace, model: str) -> None:
    name = pathlib.Path(model).stem
    texts = PROMPTS if options.continuations else prompts()
    ids = ask_peer(options.peer, what="tokens", model=model, texts=texts)["token_ids"]
    if options.continuations:
        return first_differences(options, model, ids, ours(options.program, model, ids, 64)[1])
    exact = start(sys.executable, "reference", {"model": model, "prompts": ids})
    mine, continued = ours(options.program, model, ids, 64)
    job = {"model": model, "threads": options.threads, "prompts": ids}
    theirs = start(options.peer, "peer", job | {"splits": [len(row) for row in ids]})
    long = {"prompts": ids[len(PROMPTS) :], "splits": [max(1, len(row) - 64) for row in ids[len(PROMPTS) :]]}
    stepped = start(options.peer, "peer", job | long)
    print("| model | | mean | largest |\n|---|---|---|---|")
    for who, pairs in [
        ("ours and f32", zip(mine, exact)),
        ("llama.cpp and f32", zip(theirs, exact)),
        ("llama.cpp at once and the last 64 one by one", zip(theirs[len(PROMPTS) :], stepped)),
    ]:
        distances = [distance(*pair) for pair in pairs]
        print(f"| {name} | {who}, {len(distances)} prompts | {statistics.mean(distances):.4f} | {max(distances):.4f} |")
    first_differences(options, model, ids[: len(PROMPTS)], continued)


def first_differences(options: argparse.Namespace, model: str, ids: list[list[int]], continued: list[list[int]]) -> None:
    peers = ask_peer(options.peer, what="agree", model=model, threads=options.threads)["token_ids"]
    prefixes, splits = [], []
    for prompt, mine, theirs in zip(ids, continued, peers):
        common = sum(1 for _ in iter_common(mine, theirs))
        # ours ends at the end of a turn, theirs goes on
        if common < len(mine):
            prefixes.append(prompt + mine[:common])
            splits.append(len(prompt))
    name = pathlib.Path(model).stem
    print(f"\n{name}: {len(ids) - len(prefixes)} of {len(ids)} continuations are equal; the first differences of the others:")
    if not prefixes:
        return
    exact = start(sys.executable, "reference", {"model": model, "prompts": prefixes})
    mine, _ = ours(options.program, model, prefixes, 0)
    job = {"model": model, "threads": options.threads, "prompts": prefixes, "splits": splits}
    theirs = start(options.peer, "peer", job)
    print("| after tokens | gap: ours | llama.cpp | f32 | f32 takes | noise: ours | llama.cpp |\n|---|---|---|---|---|---|---|")
    agree = {"ours": 0, "llama.cpp's": 0, "neither": 0}
    gaps, small = [], 0
    for prefix, split, ref, a, b in zip(prefixes, splits, exact, mine, theirs):
        token = ref.argmax()
        side = "ours" if token == a.argmax() else "llama.cpp's" if token == b.argmax() else "neither"
        agree[side] += 1
        gaps.append(gap(ref))
        small += gap(ref) < 2 * max(noise(a, ref), noise(b, ref))
        print(
            f"| {len(prefix) - split} | {gap(a):.3f} | {gap(b):.3f} | {gap(ref):.3f} | {side} "
            f"| {noise(a, ref):.3f} | {noise(b, ref):.3f} |"
        )
    print(f"\nGaps in f32: median {statistics.median(gaps):.3f}, largest {max(gaps):.3f}; {small} of {len(gaps)} below twice the noise.")
    print(f"The f32 reference takes {', '.join(f'{side} {count} times' for side, count in agree.items())}.")


def main() -> None:
    mains = {"reference": reference_main, "peer": peer_main}
    if sys.argv[1:2] and sys.argv[1] in mains:
        return mains[sys.argv[1]](json.loads(pathlib.Path(sys.argv[2]).read_text()))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--program", default="target/release/examples/bench_logits")
    parser.add_argument("--peer", default=sys.executable, help="a Python with llama-cpp-python")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--continuations", action="store_true", help="only the first differences")
    options = parser.parse_args()
    for model in options.models:
        compare(options, model)


if __name__ == "__main__":
    main()
