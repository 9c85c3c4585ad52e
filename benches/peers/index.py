#!/usr/bin/env python3
"""Our vector index, and the file it lives in, beside other libraries: same vectors, same machine, same run.

    pip install numpy matplotlib hnswlib usearch faiss-cpu sqlite-vec pysqlite3-binary lancedb chromadb
    cargo build --release -p rag-core --features unstable --example bench_index
    python3 benches/peers/index.py FOLDER --plot docs/plots/index.svg [--count N] [--keep FOLDER]

FOLDER holds base.npy and dev_queries.npy (f32, rows of length 1); a --count beyond base.npy makes more rows by adding
noise. Every library runs in a process of its own (benches/peers/index_workers.py), pinned to the first of the cores,
with one thread by its own setting; two threads and two cores only where a figure says so. M = 16, ef_construction =
200, ten neighbours, recall against exact ones. All libraries take turns at every ef; of the rounds the fastest counts.
Queries per second at a recall come from the straight line between the two nearest points of a library's curve.

Prints one Markdown table; what its lines mean is written below it. Built indexes stay in --keep with their figures
and are not built again; libraries not run this time keep their column. So a large set can be built library by library
(--build-only --libraries NAME); --build-only --libraries '' only makes the vectors and their exact neighbours.
"""

import argparse
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

import numpy as np
from index_workers import LIBRARIES, TOP, bucket

ROOT = pathlib.Path(__file__).resolve().parents[2]
EFS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768]
FILTER_EFS = [32, 128, 512, 2048]
PERCENTS = [1, 10, 50]
# of the hundred buckets, those from this one on are deleted and added again
CHANGED = 90
DEFAULT_EF = 128
OURS = {"rag": "index", "rag store": "store", "rag hnsw_rs": "hnsw_rs"}
DEFAULT = [name for name in [*OURS, *LIBRARIES] if name != "rag hnsw_rs"]
LIMITS = ["OMP", "OPENBLAS", "MKL", "RAYON"]


def note(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


class Worker:
    """A library in its own process."""

    def __init__(self, name, files, folder, cores):
        self.name, self.folder, self.out = name, folder, tempfile.NamedTemporaryFile()
        folder.mkdir(parents=True, exist_ok=True)
        arguments = [str(path) for path in (*files, folder)]
        if name in OURS:
            command = [ROOT / "target/release/examples/bench_index", OURS[name], *arguments]
        else:
            command = [sys.executable, pathlib.Path(__file__).with_name("index_workers.py"), name, *arguments]
        threads = str(len(cores))
        limits = {f"{name}_NUM_THREADS": threads for name in LIMITS}
        # with LANCE_IO_THREADS=1 lancedb 0.40 hangs while it builds an index
        limits |= {"TOKIO_WORKER_THREADS": threads, "LANCE_CPU_THREADS": threads}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | limits, preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )  # fmt: skip
        self.reply()

    def reply(self, patience=60):
        if not select.select([self.process.stdout], [], [], patience)[0]:
            self.process.kill()
            return {"error": f"gave no answer in {patience} s and was ended"}
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": f"ended with {self.process.wait()}"}

    def ask(self, *words, patience=300):
        """Seconds, or None where the library cannot do it; the reason is printed."""
        try:
            print(*words, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            return None
        answer = self.reply(patience)
        if "error" in answer:
            note(f"{self.name}: {words[0]}: {answer['error']}")
        return answer.get("seconds")

    def search(self, ef, truth, percent=0):
        """A point of a curve, or None."""
        seconds = self.ask("search", ef, len(truth), percent, self.out.name)
        if seconds is None:
            return None
        found = np.fromfile(self.out.name, np.int64).reshape(len(truth), TOP)
        hits = sum(len(set(row) & set(true)) for row, true in zip(found.tolist(), truth.tolist()))
        return {"ef": ef, "recall": hits / truth.size, "qps": len(truth) / seconds}

    def memory(self):
        """Bytes of its own, and of its files as far as they are mapped and resident."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        total = int(status.split("RssAnon:")[1].split()[0]) * 1024
        ours = False
        for line in pathlib.Path(f"/proc/{self.process.pid}/smaps").read_text().splitlines():
            head = line.split(None, 5)
            if len(head[0]) > 8 and "-" in head[0]:
                ours = len(head) > 5 and head[5].startswith(str(self.folder.resolve()))
            elif ours and head[0] == "Rss:":
                total += int(head[1]) * 1024
        return total

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.out.close()


def enlarge(base, count, path):
    """The first `count` rows. Those beyond what there is are the rows again, each moved by seeded normal noise of
    length 0.75 (its cosine to the row it comes from is 0.8) and scaled to length 1."""
    note(f"{count:,} vectors, {max(count - len(base), 0):,} of them made by noise")
    path = str(path)
    rows = np.lib.format.open_memmap(path + ".part", "w+", np.float32, (count, base.shape[1]))
    random = np.random.default_rng(1)
    for start in range(0, count, 10_000):
        numbers = np.arange(start, min(start + 10_000, count))
        part = np.array(base[numbers % len(base)])
        made = numbers >= len(base)
        noise = random.standard_normal((made.sum(), base.shape[1]), np.float32)
        part[made] += noise * np.float32(0.75 / np.sqrt(base.shape[1]))
        part[made] /= np.linalg.norm(part[made], axis=1, keepdims=True)
        rows[start : start + len(part)] = part
    rows.flush()
    os.rename(path + ".part", path)


class Data:
    """The vectors, and the exact answers to every question asked of them."""

    def __init__(self, args, keep):
        base = np.load(args.folder / "base.npy", mmap_mode="r")
        self.count, self.made = args.count or len(base), max((args.count or 0) - len(base), 0)
        self.part = min(args.part, self.count)
        self.files = [args.folder / "base.npy", args.folder / "dev_queries.npy"]
        if self.count != len(base):
            self.files[0] = keep / f"base-{self.count}.npy"
            if not self.files[0].exists():
                enlarge(base, self.count, self.files[0])
        self.base = np.load(self.files[0], mmap_mode="r")
        self.queries = np.load(self.files[1])[: args.queries]
        self.dim = self.base.shape[1]
        answers = keep / f"answers-{self.count}-{self.part}-{len(self.queries)}.npz"
        if not answers.exists():
            np.savez(answers, **self.answers())
        self.answers = np.load(answers)

    def answers(self):
        note("exact neighbours")
        places = bucket(np.arange(self.count))
        part = np.arange(self.count) < self.part
        kept = {"all": np.ones(self.count, bool), "part": part, "left": part & (places < CHANGED)}
        kept |= {f"{percent}%": places < percent for percent in PERCENTS}
        found = {name: [] for name in kept}
        for start in range(0, len(self.queries), 25):
            scores = self.queries[start : start + 25] @ self.base.T
            for name, mask in kept.items():
                rows = np.flatnonzero(mask)
                own = scores if len(rows) == self.count else scores[:, rows]
                best = np.argpartition(-own, TOP, axis=1)[:, :TOP]
                found[name].append(rows[best])
        return {name: np.concatenate(rows) for name, rows in found.items()}


def build(args, data, keep, names, results, write):
    """Rates of building, and what deleting and adding cost, over the first rows; then the whole index, to keep."""
    one, all_cores = set(args.cores[:1]), set(args.cores)
    with tempfile.TemporaryDirectory(dir=keep) as folder:
        for name in names:
            worker = Worker(name, data.files, pathlib.Path(folder) / name, one)
            seconds = worker.ask("build", data.part, 1, patience=2 * args.budget)
            if seconds:
                results[name]["part_1_thread"] = data.part / seconds
                results[name]["changes"] = change(worker, data)
                note(f"{name}: {data.part / seconds:,.0f} vectors/s, one thread")
                write()
            worker.close()
    for name in names:
        rate = results[name].get("part_1_thread", 1)
        if data.part < data.count:
            with tempfile.TemporaryDirectory(dir=keep) as folder:
                worker = Worker(name, data.files, pathlib.Path(folder), all_cores)
                seconds = worker.ask("build", data.part, len(all_cores), patience=2 * args.budget)
                worker.close()
            rate = results[name]["part_threads"] = seconds and data.part / seconds
        worker = Worker(name, data.files, keep / name, all_cores)
        # a graph takes longer per vector the larger it is
        wanted = data.count / (rate or 1) * (1.5 if data.part < data.count else 1)
        if wanted > args.budget:
            note(f"{name}: skipped: building would take about {wanted:,.0f} s, more than {args.budget} s")
            results[name]["skipped"] = f"builds {rate or 0:,.0f} vectors/s"
        else:
            results[name].pop("skipped", None)
            seconds = worker.ask("build", data.count, len(all_cores), patience=2 * args.budget)
            if seconds:
                if data.part == data.count:
                    results[name]["part_threads"] = data.count / seconds
                results[name] |= {"whole_threads": data.count / seconds, "saved": worker.ask("save") is not None}
                note(f"{name}: {data.count / seconds:,.0f} vectors/s, {len(all_cores)} threads")
        write()
        worker.close()


def change(worker, data):
    """Vectors a second deleted and added again, with the recall before, between and after."""
    before = worker.search(DEFAULT_EF, data.answers["part"]) or worker.search(0, data.answers["part"][:20])
    count = int((bucket(np.arange(data.part)) >= CHANGED).sum())
    seconds = worker.ask("delete", CHANGED)
    if before is None or seconds is None:
        return {}
    found = {"before": before["recall"], "delete": count / seconds}
    answers = (data.answers["left"], data.answers["part"])
    ef, few = before["ef"], None if before["ef"] else 20
    left = worker.search(ef, answers[0][:few])
    seconds = worker.ask("add", CHANGED)
    again = worker.search(ef, answers[1][:few])
    if seconds and left and again:
        found |= {"left": left["recall"], "add": count / seconds, "again": again["recall"]}
    return found


def drop_cache(folder):
    """The next read of these files comes from the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb+") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def open_all(args, data, keep, names, results):
    """Opens every library `rounds` times, each time in a new process, and keeps the last ones."""
    workers = {}
    for _ in range(args.rounds):
        for worker in workers.values():
            worker.close()
        for name in names:
            drop_cache(keep / name)
            workers[name] = worker = Worker(name, data.files, keep / name, set(args.cores[:1]))
            before = worker.memory()
            seconds = worker.ask("open")
            best = results[name].get("open") or float("inf")
            results[name]["open"] = min(best, seconds or float("inf"))
            if worker.search(DEFAULT_EF, data.answers["all"]) is None:
                worker.search(0, data.answers["all"][:5])
            results[name]["memory"] = (worker.memory() - before) / data.count
            results[name]["bytes"] = sum(f.stat().st_size for f in (keep / name).rglob("*") if f.is_file()) / data.count
    return workers


def curve(args, workers, efs, truth, percent=0):
    """The points of every library, which take turns."""
    points = {name: {} for name in workers}
    for turn in range(args.rounds):
        running = dict(workers)
        for ef in efs:
            for name, worker in list(running.items()):
                if turn and ef not in points[name]:
                    continue
                point = worker.search(ef, truth, percent)
                if point is None:
                    del running[name]
                    continue
                best = points[name].get(ef, point)
                points[name][ef] = max(best, point, key=lambda one: one["qps"])
                if point["recall"] > 0.998 or len(truth) / point["qps"] > args.pass_seconds:
                    del running[name]
    return {name: list(found.values()) for name, found in points.items() if found}


def measure(args, data, keep, names, results):
    for name in names:
        results[name].pop("open", None)
    workers = open_all(args, data, keep, names, results)
    note("curves")
    for name, points in curve(args, workers, EFS, data.answers["all"]).items():
        results[name]["curve"] = points
    note("exact searches")
    for name, points in curve(args, workers, [0], data.answers["all"][:20]).items():
        results[name]["exact"] = points
    for percent in PERCENTS:
        note(f"among {percent} %")
        truth = data.answers[f"{percent}%"][: args.filter_queries]
        filtered = curve(args, workers, FILTER_EFS, truth, percent)
        others = {name: worker for name, worker in workers.items() if name not in filtered}
        filtered |= curve(args, others, [0], truth[:20], percent)
        for name, points in filtered.items():
            results[name][f"{percent}%"] = points
    for worker in workers.values():
        worker.close()


def at_recall(points, wanted):
    """Queries per second at this recall; None if the curve does not reach it."""
    points = sorted(points or [], key=lambda point: point["recall"])
    for low, high in zip(points, points[1:]):
        if low["recall"] <= wanted <= high["recall"]:
            share = (wanted - low["recall"]) / max(high["recall"] - low["recall"], 1e-9)
            return low["qps"] + share * (high["qps"] - low["qps"])
    return points[0]["qps"] if points and points[0]["recall"] > wanted else None


def number(value, form=",.0f"):
    return "-" if not value else format(value, form)


def among(points):
    """Queries per second at recall 0.98, or the best recall there is."""
    if not points:
        return "-"
    rate = at_recall(points, 0.98)
    best = max(points, key=lambda point: point["recall"])
    if rate is None:
        return f"{best['qps']:,.0f} (recall {best['recall']:.2f})"
    return number(rate)


def table(data, args, results):
    measured = [name for name, result in results.items() if result.get("curve") or result.get("exact")]
    names = [name for name in [*OURS, *LIBRARIES] if name in measured]
    own = results.get("rag", {}).get("curve")
    threads = len(args.cores)

    def line(title, cell):
        print(f"| {title} | " + " | ".join(cell(results[name]) for name in names) + " |")

    def ratio(result):
        ours, theirs = at_recall(own, 0.98), at_recall(result.get("curve"), 0.98)
        return number(ours and theirs and ours / theirs, ".1f")

    def changes(result):
        found = result.get("changes") or {}
        steps = [found.get(key) for key in ("before", "left", "again")]
        return "-" if None in steps else ", ".join(f"{step:.3f}" for step in steps)

    made = f" ({data.made:,} of them made by noise)" if data.made else ""
    print(f"{data.count:,} x {data.dim}{made}, {len(data.queries)} queries\n")
    print("| | " + " | ".join(names) + " |")
    print("|---|" + "---|" * len(names))
    line("build, vectors/s, 1 thread", lambda r: number(r.get("part_1_thread")))
    if threads > 1:
        line(f"build, vectors/s, {threads} threads", lambda r: number(r.get("part_threads")))
    if data.part < data.count:
        line(f"build of all, {threads} threads", lambda r: number(r.get("whole_threads")))
    for wanted in (0.95, 0.98, 0.99):
        line(f"QPS at recall {wanted}", lambda r: number(at_recall(r.get("curve"), wanted)))
    line("rag / this, at 0.98", ratio)
    line("QPS, exact", lambda r: number(r.get("exact") and r["exact"][0]["qps"], ",.1f"))
    for percent in PERCENTS:
        line(f"QPS among {percent} %", lambda r: among(r.get(f"{percent}%")))
    line("deleted/s", lambda r: number((r.get("changes") or {}).get("delete")))
    line("added/s", lambda r: number((r.get("changes") or {}).get("add")))
    line("recall before, deleted, added again", changes)
    # `rag` reads base.npy anew and has no file of its own
    files = {name: {} if name == "rag" else result for name, result in results.items()}
    line("open, ms", lambda r: number(files[r["name"]].get("open", 0) * 1000, ",.1f"))
    line("bytes on disk per vector", lambda r: number(files[r["name"]].get("bytes")))
    line("bytes in memory per vector", lambda r: number(files[r["name"]].get("memory")))
    part = f"over the first {data.part:,} vectors" if data.part < data.count else "over all"
    print(f"\nBuild rates, deleting and adding a tenth again: {part}. Open: from a new process, with the file not in memory,")
    print("to the first result; loading of code is not counted. QPS among some: at recall 0.98, unless a recall is given;")
    print("the exact search where there is no graph.")
    for name, result in results.items():
        if "skipped" in result and "curve" not in result:
            print(f"{name} is left out: it {result['skipped']}.")


def plot(data, results, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(8, 5))
    marks = iter("osv^DxP*+h")
    for name in [*OURS, *LIBRARIES]:
        points = [point for point in results.get(name, {}).get("curve", []) if point["recall"] >= 0.8]
        if points:
            own = {"color": "#2a6f97", "linewidth": 2} if name in OURS else {"linewidth": 1, "markersize": 4}
            own["linestyle"] = "--" if name == "rag store" else "-"
            axis.plot(*zip(*((p["recall"], p["qps"]) for p in points)), marker=next(marks), label=name, **own)
    axis.set_yscale("log")
    axis.set_xlabel("recall@10")
    axis.set_title(f"queries per second, one thread: {data.count:,} x {data.dim}", loc="left", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def run(args, keep):
    data = Data(args, keep)
    file = keep / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    names = [name for name in args.libraries.split(",") if name]
    for name in names:
        results.setdefault(name, {"name": name})

    def write():
        file.write_text(json.dumps(results))

    missing = [name for name in names if args.rebuild or not results[name].get("saved")]
    if not args.table:
        build(args, data, keep, missing, results, write)
    if not args.table and not args.build_only:
        measure(args, data, keep, [name for name in names if results[name].get("saved")], results)
        write()
    if args.table or not args.build_only:
        table(data, args, results)
    if args.plot:
        plot(data, results, args.plot)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int, help="the first so many vectors; beyond those there are, noise makes more")
    parser.add_argument("--part", type=int, default=50_000, help="vectors over which rates and changes are measured")
    parser.add_argument("--libraries", default=",".join(DEFAULT))
    parser.add_argument("--cores", type=lambda text: [int(core) for core in text.split(",")], default=[0, 1])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--filter-queries", type=int, default=100)
    parser.add_argument("--pass-seconds", type=float, default=10, help="a curve ends where one pass takes longer")
    parser.add_argument("--budget", type=float, default=600, help="seconds; what would build longer is skipped")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for built indexes and results")
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("--rebuild", action="store_true")
    parser.add_argument("--table", action="store_true", help="only the table and plot of what --keep holds")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw recall against queries per second")
    args = parser.parse_args()
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
        return run(args, args.keep)
    with tempfile.TemporaryDirectory() as keep:
        run(args, pathlib.Path(keep))


if __name__ == "__main__":
    main()
