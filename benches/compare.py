"""Speed of two builds of `rag`, kernel by kernel, in alternating runs on one machine.

    python3 benches/compare.py OLD_RAG NEW_RAG [ROUNDS]

Measured is the processor time of one thread, which other work on the machine disturbs less than the clock: that of a process with
many runs less that of one with one run, so that loading does not count. The order turns from round to round. Printed are the medians,
and how many times as fast the new build is, by medians and by the best. Models: `minilm` and `qwen2.5-0.5b`, as `rag model` fetches them.
"""

import resource
import statistics
import subprocess
import sys

ENCODE = ["bench", "encode", "--encoder", "minilm", "--threads", "1", "--json", "--passages", "8"]
GENERATE = ["bench", "generate", "--llm", "qwen2.5-0.5b", "--threads", "1", "--json"]
PREFILL = [*GENERATE, "--prompt-tokens", "192", "--new-tokens", "1"]
DECODE = [*GENERATE, "--prompt-tokens", "16", "--new-tokens", "24"]
AVX2 = ["--level", "avx2"]
# what is run, and how often in the longer of the two processes
CASES = {
    "encoder, f32": ([*ENCODE, "--precision", "f32"], 4),
    "encoder, int8": ([*ENCODE, "--precision", "int8"], 8),
    "encoder, f32, AVX2": ([*ENCODE, "--precision", "f32", *AVX2], 4),
    "encoder, int8, AVX2": ([*ENCODE, "--precision", "int8", *AVX2], 4),
    "decoder, prefill": (PREFILL, 3),
    "decoder, prefill, q8 cache": ([*PREFILL, "--kv", "q8"], 3),
    "decoder, prefill, AVX2": ([*PREFILL, *AVX2], 3),
    "decoder, decode steps": (DECODE, 3),
}


def processor_time(command: list[str]) -> float:
    """Seconds of processor time of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, capture_output=True, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def one_run(program: str, case: str) -> float:
    """Seconds of processor time of one run of a case."""
    arguments, runs = CASES[case]
    times = [processor_time([program, *arguments, "--runs", str(count)]) for count in (1, runs)]
    return (times[1] - times[0]) / (runs - 1)


def main() -> None:
    programs, rounds = sys.argv[1:3], int(sys.argv[3]) if len(sys.argv) > 3 else 5
    found: dict[str, list[list[float]]] = {case: [[], []] for case in CASES}
    for turn in range(rounds):
        for case in CASES:
            for which in (0, 1) if turn % 2 == 0 else (1, 0):
                found[case][which].append(one_run(programs[which], case))
    for case, (before, after) in found.items():
        old, new = statistics.median(before), statistics.median(after)
        print(f"{case:28} {1000 * old:8.1f} ms {1000 * new:8.1f} ms {old / new:6.3f} {min(before) / min(after):6.3f}")


if __name__ == "__main__":
    main()
