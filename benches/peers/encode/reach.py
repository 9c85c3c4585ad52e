"""What an encoder takes beside its speed: load time, memory, share of the tokenizer, gain of a second thread.

    python benches/peers/encode/reach.py --rag target/release/rag --texts TEXTS.txt MODEL_FOLDER ...

Every figure is of a process of its own; the best of `--rounds`, one and two threads in turn. Memory is the peak of the process
less the weights file. One Markdown row for each folder and precision.
"""

import argparse
import json
import os
import pathlib
import subprocess

PRECISIONS = ("f32", "bf16", "int8")


def run(args: argparse.Namespace, model: str, precision: str, threads: int) -> dict:
    """Figures of `rag bench encode`, and its peak memory in MB."""
    command = [
        args.rag, "bench", "encode", "--json", "--encoder", model, "--texts", args.texts, "--runs", "1",
        "--passages", str(args.passages), "--threads", str(threads), "--precision", precision,
    ]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command} failed")
    return json.loads(output) | {"peak": usage.ru_maxrss * 1024 / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--rag", required=True)
    parser.add_argument("--texts", required=True)
    parser.add_argument("--passages", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print("| model | precision | load, ms | peak - weights, MB | tokenizer, % | passages/s, 1 and 2 threads | ratio | one query, p50 ms, 1 and 2 threads |")
    print("|---|---|---|---|---|---|---|---|")
    for model in args.models:
        weights = sum(path.stat().st_size for path in pathlib.Path(model).glob("*.safetensors")) / 1e6
        for precision in PRECISIONS:
            rounds = [[run(args, model, precision, threads) for threads in (1, 2)] for _ in range(args.rounds)]
            best = lambda pick, name, at: pick(pair[at][name] for pair in rounds)
            load = min(best(min, "load_milliseconds", at) for at in (0, 1))
            peak = max(best(max, "peak", at) for at in (0, 1)) - weights
            share = 100 * best(min, "tokenizer_share", 1)
            rates = [best(max, "passages_per_second", at) for at in (0, 1)]
            queries = [best(min, "query_p50_milliseconds", at) for at in (0, 1)]
            print(
                f"| {pathlib.Path(model).name} | {precision} | {load:.0f} | {peak:.0f} | {share:.1f} | {rates[0]:.1f}, {rates[1]:.1f} | "
                f"{rates[1] / rates[0]:.2f} | {queries[0]:.2f}, {queries[1]:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
