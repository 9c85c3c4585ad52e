"""Speed of two builds of `rag`, kernel by kernel, in alternating runs on one machine.

    python3 benches/compare.py OLD_RAG NEW_RAG [ROUNDS]

Each run is a process of its own that says how fast its best round was, on one thread; the order turns from round to round. Printed are
the medians, and how many times as fast the new build is, by medians and by the best. (Processor time of long runs less that of short
ones, which was measured before, counts how pages happen to be loaded too: it differed by 8 % between runs of one build.)
Models: `minilm` and `qwen2.5-0.5b`, as `rag model` fetches them.
"""

import json
import statistics
import subprocess
import sys

ENCODE = ["bench", "encode", "--encoder", "minilm", "--threads", "1", "--json", "--passages", "8"]
GENERATE = ["bench", "generate", "--llm", "qwen2.5-0.5b", "--threads", "1", "--json", "--runs", "4"]
PREFILL = [*GENERATE, "--prompt-tokens", "192", "--new-tokens", "1"]
DECODE = [*GENERATE, "--prompt-tokens", "16", "--new-tokens", "24"]
F32 = [*ENCODE, "--precision", "f32", "--runs", "8"]
INT8 = [*ENCODE, "--precision", "int8", "--runs", "16"]
AVX2 = ["--level", "avx2"]
# what is run, and which of its figures counts
CASES = {
    "encoder, f32": (F32, "passages_per_second"),
    "encoder, int8": (INT8, "passages_per_second"),
    "encoder, f32, AVX2": ([*F32, *AVX2], "passages_per_second"),
    "encoder, int8, AVX2": ([*INT8, *AVX2], "passages_per_second"),
    "decoder, prefill": (PREFILL, "prefill_tokens_per_second"),
    "decoder, prefill, q8 cache": ([*PREFILL, "--kv", "q8"], "prefill_tokens_per_second"),
    "decoder, prefill, AVX2": ([*PREFILL, *AVX2], "prefill_tokens_per_second"),
    "decoder, decode steps": (DECODE, "decode_tokens_per_second"),
}


def one_run(program: str, case: str) -> float:
    """What a process measured of itself, per second."""
    arguments, figure = CASES[case]
    return json.loads(subprocess.run([program, *arguments], capture_output=True, check=True).stdout)[figure]


def main() -> None:
    programs, rounds = sys.argv[1:3], int(sys.argv[3]) if len(sys.argv) > 3 else 5
    found: dict[str, list[list[float]]] = {case: [[], []] for case in CASES}
    for turn in range(rounds):
        for case in CASES:
            for which in (0, 1) if turn % 2 == 0 else (1, 0):
                found[case][which].append(one_run(programs[which], case))
    for case, (before, after) in found.items():
        old, new = statistics.median(before), statistics.median(after)
        print(f"{case:28} {old:8.1f} /s {new:8.1f} /s {new / old:6.3f} {max(after) / max(before):6.3f}")


if __name__ == "__main__":
    main()
