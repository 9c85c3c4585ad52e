"""What the bindings cost beside Rust, and how large and how quick to load they are. Prints a Markdown table.

    cargo build --release --workspace --example bench_bindings && scripts/build-wheel.sh && RAG_PROFILE=dist scripts/install-c.sh PREFIX
    V/bin/python benches/bindings.py --prefix PREFIX --model MINILM_FOLDER --texts TEXTS.txt [--rounds 10000]

V has the wheel and numpy. Every figure is of a process of its own; each is the best of some, in turn. The search is by words, for
ten of the twenty passages among 2,000 that hold them, so that no encoder stands between the bindings and the clock.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEARCHES = 2000

FROM_PYTHON = """
import statistics, sys, time
import rag_py
kb = rag_py.open(sys.argv[1], read_only=True)
times = []
for i in range({n} + {n} // 10):
    start = time.perf_counter()
    hits = kb.search("river bridge", 10, mode="lexical")
    times.append(time.perf_counter() - start)
assert len(hits) == 10
print("search_us", 1e6 * statistics.median(times[{n} // 10 :]))
texts = open(sys.argv[3]).read().splitlines()
encoder = rag_py.Encoder(sys.argv[2])
encoder.encode_passages(texts[:64])
start = time.perf_counter()
encoder.encode_passages(texts)
print("encode_s", time.perf_counter() - start)
"""

# An event loop that wakes each millisecond, while texts are encoded by a thread of this process or by another one.
STALL = """
import asyncio, subprocess, sys, time
import rag_py
TEXTS = ['Bees live in hives and keep honey. ' * 12] * 500
THREADS = int(sys.argv[4])
if sys.argv[1] == "alone":
    rag_py.Encoder(sys.argv[2], threads=THREADS).encode_passages(TEXTS)
    sys.exit()
encoder = rag_py.Encoder(sys.argv[2], threads=THREADS)
encoder.encode_passages(TEXTS[:1])  # imports numpy

async def gaps(work):
    task = asyncio.create_task(asyncio.to_thread(work))
    last, all = time.perf_counter(), []
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        all.append(now - last - 0.001)
        last = now
    await task
    return sorted(all)

def here():
    encoder.encode_passages(TEXTS)

def elsewhere():
    subprocess.run([sys.executable, "-c", sys.argv[3], "alone", *sys.argv[2:]], check=True)

all = asyncio.run(gaps(here if sys.argv[1] == "here" else elsewhere))
print("p99_ms", 1e3 * all[len(all) * 99 // 100])
print("max_ms", 1e3 * all[-1])
"""

STREAMING = """
import rag_py, sys
kb = rag_py.open(":memory:", encoder=rag_py.Encoder.from_callable("one", 1, lambda texts: [[1.0]] * len(texts)), llm=sys.argv[1])
kb.add("The bridge over the river was opened in 1871.")
stream = kb.ask("When was the bridge over the river opened?", stream=True, abstain="never")
next(stream)
"""


def figures(command: list) -> dict[str, float]:
    """`name value` lines of a program."""
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}


def best(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: min(run[name] for run in runs) for name in runs[0]}


def seconds(code: str) -> float:
    """Median time of ten starts of Python that run this."""
    times = []
    for _ in range(10):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def knowledge_base(path: pathlib.Path) -> None:
    import rag_py

    encoder = rag_py.Encoder.from_callable("one", 1, lambda texts: [[1.0]] * len(texts))
    with rag_py.open(path, encoder=encoder) as kb:
        what = lambda i: "river runs under the bridge" if i % 100 == 0 else "road runs through the wood"
        kb.add([f"Passage {i} says that the {what(i)} of the town." for i in range(2000)])


def c_program(prefix: str, folder: pathlib.Path) -> pathlib.Path:
    program = folder / "bindings"
    library = f"{prefix}/lib"
    command = ["cc", "-O2", "-std=c11", ROOT / "benches/bindings.c", f"-I{prefix}/include", f"-L{library}", "-lrag"]
    subprocess.run([*command, f"-Wl,-rpath,{library}", "-o", program], check=True)
    return program


def exits(llm: str, count: int) -> int:
    """How many of so many interpreters that end while an answer is written crash."""
    codes = [subprocess.run([sys.executable, "-c", STREAMING, llm], capture_output=True).returncode for _ in range(count)]
    return sum(code != 0 for code in codes)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("prefix", "model", "texts"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--stall-threads", type=int, default=1, help="of the encoder while an event loop is watched")
    parser.add_argument("--llm", help="also end interpreters while this generator writes")
    parser.add_argument("--exits", type=int, default=100)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        base = folder / "kb.rag"
        knowledge_base(base)
        rust = [ROOT / "target/release/examples/bench_bindings", base, args.model, args.texts]
        c = c_program(args.prefix, folder)
        python = [sys.executable, "-c", FROM_PYTHON.format(n=SEARCHES), base, args.model, args.texts]
        runs = [(figures(rust), figures([c, base, 1]), figures(python)) for _ in range(args.turns)]
        of_rust, of_c, of_python = (best([run[at] for run in runs]) for at in range(3))
        left = figures([c, base, args.rounds])
    wheel = max((ROOT / "target/wheels").glob("rag_py-*.whl"), key=lambda path: path.stat().st_mtime)
    library = next(pathlib.Path(args.prefix).glob("lib/librag.so.?"))
    plain, numpy, ours = seconds("pass"), seconds("import numpy"), seconds("import rag_py")
    over = lambda other: other["search_us"] - of_rust["search_us"]
    print("| | Rust | C | Python |\n|---|---|---|---|")
    searches = [f"{one['search_us']:.0f} us" for one in (of_rust, of_c, of_python)]
    print(f"| a search by words, 10 hits, median of {SEARCHES:,} | {' | '.join(searches)} |")
    print(f"| over Rust (aim: 30 us in C, 60 in Python) | | {over(of_c):.0f} us | {over(of_python):.0f} us |")
    stalls = {where: [figures([sys.executable, "-c", STALL, where, args.model, STALL, args.stall_threads]) for _ in range(3)] for where in ("here", "elsewhere")}
    stall = {where: best(runs) for where, runs in stalls.items()}
    told = {where: f"{one['p99_ms']:.1f}, {one['max_ms']:.1f} ms" for where, one in stall.items()}
    print(f"| an event loop held up while texts are encoded on a thread, 99th percentile and most (aim: 5 ms) | | | {told['here']} |")
    print(f"| the same while another process encodes them | | | {told['elsewhere']} |")
    print(f"| encoding {len(open(args.texts).read().splitlines()):,} texts | {of_rust['encode_s']:.1f} s | | {of_python['encode_s']:.1f} s |")
    ratios = sorted(run[2]["encode_s"] / run[0]["encode_s"] for run in runs)
    print(f"| as a share of Rust's turn before it, median of {args.turns} (aim: 1.05), least and most | | "
          f"| {statistics.median(ratios):.2f}; {ratios[0]:.2f} to {ratios[-1]:.2f} |")
    print(f"| size (aim: 20 MB, 25 MB) | | {library.stat().st_size / 1e6:.1f} MB | {wheel.stat().st_size / 1e6:.1f} MB, the wheel |")
    print(f"| import (aim: 0.1 s); `import numpy` alone | | | {ours - plain:.3f} s; {numpy - plain:.3f} s |")
    early, end = left["resident_kb_after_a_tenth"], left["resident_kb_at_the_end"]
    print(f"| memory after a tenth of {args.rounds:,} rounds of open, search, close, and at the end | | {early:.0f}, {end:.0f} KiB | |")
    if args.llm:
        print(f"| interpreters that ended while streaming, crashes | | | {args.exits}, {exits(args.llm, args.exits)} |")


if __name__ == "__main__":
    main()
