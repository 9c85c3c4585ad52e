#!/usr/bin/env python3
"""Our vector index beside hnswlib, usearch, faiss and sqlite-vec: same vectors, same machine, same run.

    pip install numpy hnswlib usearch faiss-cpu sqlite-vec pysqlite3-binary matplotlib
    cargo build --release -p rag-core --example bench_index
    python3 benches/peers/index.py FOLDER [--count N] [--libraries rag,hnswlib,...] [--plot FILE.svg]

FOLDER holds base.npy (f32, rows of length 1), dev_queries.npy and dev_gt_ids.npy (exact neighbours, i32). With
--count, the first N rows are taken and the neighbours computed again. One thread throughout, M = 16,
ef_construction = 200, recall@10. Peers search all queries in one call of theirs, so that what Python costs is
spread over them. Prints a table, with each library's queries per second at the recall that is asked for, taken
from the straight line between the two nearest points of its curve.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402

EFS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768]
ROOT = pathlib.Path(__file__).resolve().parents[2]


def exact(base, queries, top=10):
    ids = np.empty((len(queries), top), np.int32)
    for start in range(0, len(queries), 50):
        scores = queries[start:start + 50] @ base.T
        best = np.argpartition(-scores, top, axis=1)[:, :top]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        ids[start:start + 50] = np.take_along_axis(best, order, 1)
    return ids


def recall(found, truth):
    hits = sum(len(set(map(int, f)) & set(map(int, t[:10]))) for f, t in zip(found, truth))
    return hits / (10 * len(truth))


def curve(search, truth, set_ef):
    points = []
    for ef in EFS:
        set_ef(ef)
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            found = search()
            best = min(best, time.perf_counter() - start)
        points.append({"ef": ef, "recall": recall(found, truth), "qps": len(truth) / best})
        if points[-1]["recall"] > 0.998:
            break
    return points


def rag(paths, base, queries, truth):
    program = ROOT / "target/release/examples/bench_index"
    return json.loads(subprocess.run([program, *paths, "native", "1"], check=True, capture_output=True).stdout)


def rag_two_threads(paths, base, queries, truth):
    program = ROOT / "target/release/examples/bench_index"
    return json.loads(subprocess.run([program, *paths, "native", "2"], check=True, capture_output=True).stdout)


def hnswlib(paths, base, queries, truth):
    import hnswlib as library
    index = library.Index("ip", base.shape[1])
    index.init_index(len(base), M=16, ef_construction=200)
    start = time.perf_counter()
    index.add_items(base, num_threads=1)
    seconds = time.perf_counter() - start
    return {"build_seconds": seconds, "bytes": size_of(index.save_index),
            "curve": curve(lambda: index.knn_query(queries, k=10, num_threads=1)[0], truth, index.set_ef)}


def usearch(paths, base, queries, truth):
    from usearch.index import Index
    index = Index(ndim=base.shape[1], metric="ip", dtype="f32", connectivity=16, expansion_add=200)
    start = time.perf_counter()
    index.add(np.arange(len(base)), base, threads=1)
    seconds = time.perf_counter() - start

    def set_ef(ef):
        index.expansion_search = ef
    return {"build_seconds": seconds, "bytes": size_of(index.save),
            "curve": curve(lambda: index.search(queries, 10, threads=1).keys, truth, set_ef)}


def faiss(paths, base, queries, truth):
    import faiss as library
    library.omp_set_num_threads(1)
    index = library.IndexHNSWFlat(base.shape[1], 16, library.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    start = time.perf_counter()
    index.add(base)
    seconds = time.perf_counter() - start

    def set_ef(ef):
        index.hnsw.efSearch = ef
    return {"build_seconds": seconds, "bytes": size_of(lambda path: library.write_index(index, path)),
            "curve": curve(lambda: index.search(queries, 10)[1], truth, set_ef)}


def sqlite_vec(paths, base, queries, truth):
    import pysqlite3 as sqlite3
    import sqlite_vec as library
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "v.db"
        db = sqlite3.connect(str(path))
        db.enable_load_extension(True)
        library.load(db)
        db.execute(f"CREATE VIRTUAL TABLE v USING vec0(e float[{base.shape[1]}])")
        start = time.perf_counter()
        with db:
            db.executemany("INSERT INTO v(rowid, e) VALUES(?, ?)", ((i, row.tobytes()) for i, row in enumerate(base)))
        seconds = time.perf_counter() - start
        few = queries[:30]
        start = time.perf_counter()
        found = [[r for r, in db.execute("SELECT rowid FROM v WHERE e MATCH ? AND k = 10", (q.tobytes(),))] for q in few]
        qps = len(few) / (time.perf_counter() - start)
        db.close()
        return {"build_seconds": seconds, "bytes": path.stat().st_size,
                "curve": [{"ef": 0, "recall": recall(found, truth[:30]), "qps": qps}]}


def size_of(save):
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "index")
        save(path)
        return os.path.getsize(path)


def at_recall(points, wanted):
    """Queries per second at this recall; None if the curve does not reach it."""
    points = sorted(points, key=lambda point: point["recall"])
    for low, high in zip(points, points[1:]):
        if low["recall"] <= wanted <= high["recall"]:
            share = (wanted - low["recall"]) / max(high["recall"] - low["recall"], 1e-9)
            return low["qps"] + share * (high["qps"] - low["qps"])
    return points[0]["qps"] if points and points[0]["recall"] > wanted else None


def plot(results, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(figsize=(7, 4.2))
    for name, result in results.items():
        points = [point for point in result["curve"] if point["recall"] >= 0.8]
        if len(points) > 1 and name != "rag-2-threads":
            axes.plot([p["recall"] for p in points], [p["qps"] for p in points], marker="o", label=name)
    axes.set_yscale("log")
    axes.set_xlabel("recall@10")
    axes.set_ylabel("queries per second, one thread")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


LIBRARIES = {"rag": rag, "rag-2-threads": rag_two_threads, "hnswlib": hnswlib, "usearch": usearch, "faiss": faiss,
             "sqlite-vec": sqlite_vec}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--libraries", default=",".join(LIBRARIES))
    parser.add_argument("--plot")
    parser.add_argument("--save", help="results as JSON; those of libraries not run now are kept")
    args = parser.parse_args()
    base = np.load(args.folder / "base.npy")
    queries = np.load(args.folder / "dev_queries.npy")
    truth = np.load(args.folder / "dev_gt_ids.npy")
    results = {}
    if args.save and os.path.exists(args.save):
        results = json.loads(pathlib.Path(args.save).read_text())
    with tempfile.TemporaryDirectory() as folder:
        paths = [args.folder / name for name in ("base.npy", "dev_queries.npy", "dev_gt_ids.npy")]
        if args.count:
            base = np.ascontiguousarray(base[:args.count])
            truth = exact(base, queries)
            paths = [pathlib.Path(folder) / path.name for path in paths]
            for path, rows in zip(paths, (base, queries, truth)):
                np.save(path, rows)
        for name in args.libraries.split(","):
            results[name] = LIBRARIES[name](paths, base, queries, truth)
    if args.save:
        pathlib.Path(args.save).write_text(json.dumps(results))
    print(f"{len(base)} x {base.shape[1]}, {len(queries)} queries")
    print("| library | build, vectors/s | QPS at recall .95 | .98 | .99 |")
    print("|---|---|---|---|---|")
    for name, result in results.items():
        rates = [at_recall(result["curve"], wanted) for wanted in (0.95, 0.98, 0.99)]
        cells = " | ".join("-" if rate is None else f"{rate:,.0f}" for rate in rates)
        print(f"| {name} | {len(base) / result['build_seconds']:,.0f} | {cells} |")
    if args.plot:
        plot(results, args.plot)


if __name__ == "__main__":
    main()
