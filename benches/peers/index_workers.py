#!/usr/bin/env python3
"""One library in one process, for benches/peers/index.py: takes commands, says how long each took.

    python3 benches/peers/index_workers.py LIBRARY BASE.npy QUERIES.npy FOLDER

Commands come on standard input, one a line; `bench_index` (benches/index.rs) knows the same ones for our index:

    build COUNT THREADS         over the first COUNT rows of BASE, in place of what was built
    save                        what was built, to FOLDER
    open                        what was saved there, and answer the first query
    search EF COUNT PERCENT OUT the ten nearest to each of the first COUNT queries, as numbers of rows, to the file OUT
                                (i64, -1 where there is none); among PERCENT of the rows if that is not 0; with EF 0
                                without a graph
    delete BUCKET               the rows of the buckets from this one on
    add BUCKET                  the same rows again

Each answer is a line of JSON: `seconds`, or `error` where a library cannot do it. Every library is called in the
fastest way its documentation shows: all queries in one call where there is such a call, vectors as one array.
"""

import json
import os
import pathlib
import shutil
import sys
import time

import numpy as np

M, EF_CONSTRUCTION, TOP = 16, 200, 10
BATCH = 5_000


def bucket(rows):
    """Vectors go by tens into a hundred buckets."""
    return (np.asarray(rows, np.uint64) // 10 * 2_654_435_761 % 2**32 // 4096 % 100).astype(np.int64)


class Unsupported(Exception):
    pass


class Library:
    def __init__(self, base, queries, folder):
        self.base_path, self.queries, self.folder = base, np.load(queries), pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.dim, self.index, self.count, self.percent = self.queries.shape[1], None, 0, 0
        self.path = str(self.folder / "index")

    def rows(self, start, end):
        return np.load(self.base_path, mmap_mode="r")[start:end]

    def changed(self, first_bucket):
        """The rows that are deleted and added again."""
        return np.flatnonzero(bucket(np.arange(self.count)) >= first_bucket)

    def prepare(self, percent):
        """Makes ready what a search among some rows needs, where that is the caller's and not the library's work."""

    def set_ef(self, ef):
        """Where the number of candidates is a setting that lasts."""

    def exact(self, queries, percent):
        raise Unsupported("has no exact search over the index")

    def delete(self, rows, first_bucket):
        raise Unsupported("cannot delete")


class Hnswlib(Library):
    def build(self, base, threads):
        import hnswlib

        self.index = hnswlib.Index("ip", self.dim)
        self.index.init_index(len(base), M=M, ef_construction=EF_CONSTRUCTION)
        self.index.add_items(base, num_threads=threads)

    def save(self):
        self.index.save_index(self.path)

    def open(self):
        import hnswlib

        self.index = hnswlib.Index("ip", self.dim)
        self.index.load_index(self.path)

    def prepare(self, percent):
        # `__getitem__` of a list is the cheapest predicate that Python has
        self.passes = (bucket(np.arange(self.index.get_current_count())) < percent).tolist().__getitem__

    def search(self, queries, ef, percent):
        self.index.set_ef(ef)
        only = {"filter": self.passes} if percent else {}
        try:
            return self.index.knn_query(queries, k=TOP, num_threads=1, **only)[0]
        except RuntimeError:  # fewer than ten found, for which it has no result
            return np.full((len(queries), TOP), -1)

    def delete(self, rows, first_bucket):
        for row in rows.tolist():
            self.index.mark_deleted(row)

    def add(self, rows, base):
        self.index.resize_index(self.index.get_max_elements() + len(rows))
        self.index.add_items(base, rows + self.count, num_threads=1)


class Usearch(Library):
    dtype = "f32"

    def make(self):
        from usearch.index import Index

        return Index(ndim=self.dim, metric="ip", dtype=self.dtype, connectivity=M, expansion_add=EF_CONSTRUCTION)

    def build(self, base, threads):
        self.index = self.make()
        self.index.add(np.arange(len(base)), base, threads=threads)

    def save(self):
        self.index.save(self.path)

    def open(self):
        from usearch.index import Index

        self.index = Index.restore(self.path, view=True)

    def search(self, queries, ef, percent):
        if percent:
            raise Unsupported("has no filter in Python")
        self.index.expansion_search = ef
        return self.index.search(queries, TOP, threads=1).keys

    def exact(self, queries, percent):
        if percent:
            raise Unsupported("has no filter in Python")
        return self.index.search(queries, TOP, threads=1, exact=True).keys

    def delete(self, rows, first_bucket):
        self.index.remove(rows)

    def add(self, rows, base):
        self.index.add(rows + self.count, base, threads=1)


class UsearchBf16(Usearch):
    dtype = "bf16"


class Faiss(Library):
    def make(self, faiss):
        return faiss.IndexHNSWFlat(self.dim, M, faiss.METRIC_INNER_PRODUCT)

    def hnsw(self, faiss):
        return self.index.hnsw

    def build(self, base, threads):
        import faiss

        faiss.omp_set_num_threads(threads)
        self.index = self.make(faiss)
        self.hnsw(faiss).efConstruction = EF_CONSTRUCTION
        if not self.index.is_trained:
            self.index.train(base)
        self.index.add(base)
        faiss.omp_set_num_threads(1)

    def save(self):
        import faiss

        faiss.write_index(self.index, self.path)

    def open(self):
        import faiss

        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(self.path)

    def prepare(self, percent):
        import faiss

        bits = np.packbits(bucket(np.arange(self.index.ntotal)) < percent, bitorder="little")
        self.passes = faiss.IDSelectorBitmap(bits)
        self.bits = bits

    def options(self, faiss, ef, percent):
        return faiss.SearchParametersHNSW(efSearch=ef, **({"sel": self.passes} if percent else {}))

    def search(self, queries, ef, percent):
        import faiss

        return self.index.search(queries, TOP, params=self.options(faiss, ef, percent))[1]

    def add(self, rows, base):
        self.index.add(base)


class FaissSq8(Faiss):
    """int8 codes in the graph and the best scored again with the f32 rows: the same plan as ours."""

    def make(self, faiss):
        codes = faiss.IndexHNSWSQ(self.dim, faiss.ScalarQuantizer.QT_8bit, M, faiss.METRIC_INNER_PRODUCT)
        index = faiss.IndexRefineFlat(codes)
        index.own_fields = True
        codes.this.disown()
        return index

    def hnsw(self, faiss):
        return faiss.downcast_index(self.index.base_index).hnsw

    def options(self, faiss, ef, percent):
        base = super().options(faiss, ef, percent)
        options = faiss.IndexRefineSearchParameters(k_factor=2, base_index_params=base)
        options.kept = base
        return options


class SqliteVec(Library):
    def connect(self):
        import pysqlite3 as sqlite3
        import sqlite_vec

        self.index = sqlite3.connect(self.path)
        self.index.enable_load_extension(True)
        sqlite_vec.load(self.index)

    def build(self, base, threads):
        pathlib.Path(self.path).unlink(missing_ok=True)
        self.connect()
        with self.index:
            self.index.execute(f"CREATE VIRTUAL TABLE v USING vec0(e float[{self.dim}], bucket integer)")
        rows = np.arange(len(base))
        self.insert(rows, base, rows)

    def insert(self, ids, base, rows):
        with self.index:
            values = zip(ids.tolist(), map(np.ndarray.tobytes, base), bucket(rows).tolist())
            self.index.executemany("INSERT INTO v(rowid, e, bucket) VALUES(?, ?, ?)", values)

    def save(self):
        self.index.close()

    def open(self):
        self.connect()

    def search(self, queries, ef, percent):
        raise Unsupported("has no graph")

    def exact(self, queries, percent):
        where = f" AND bucket < {percent}" if percent else ""
        sql = f"SELECT rowid FROM v WHERE e MATCH ? AND k = {TOP}{where}"
        return [[row for (row,) in self.index.execute(sql, (query.tobytes(),))] for query in queries]

    def delete(self, rows, first_bucket):
        with self.index:
            self.index.executemany("DELETE FROM v WHERE rowid = ?", ((row,) for row in rows.tolist()))

    def add(self, rows, base):
        self.insert(rows + self.count, base, rows)


class LanceDb(Library):
    def table(self, ids, base, places):
        import pyarrow

        vectors = pyarrow.FixedSizeListArray.from_arrays(np.ascontiguousarray(base).ravel(), self.dim)
        return pyarrow.table({"id": np.asarray(ids), "bucket": places, "vector": vectors})

    def build(self, base, threads):
        import lancedb

        shutil.rmtree(self.path, ignore_errors=True)
        rows = np.arange(len(base))
        self.index = lancedb.connect(self.path).create_table("v", self.table(rows, base, bucket(rows)))
        self.index.create_index(
            metric="dot", index_type="IVF_HNSW_SQ", num_partitions=1, m=M, ef_construction=EF_CONSTRUCTION
        )
        self.index.create_scalar_index("bucket")

    def save(self):
        self.index = None

    def open(self):
        import lancedb

        self.index = lancedb.connect(self.path).open_table("v")

    def run(self, queries, percent, options):
        query = self.index.search(list(queries)).select(["id", "_distance"]).limit(TOP)
        query = options(query.distance_type("dot"))
        if percent:
            query = query.where(f"bucket < {percent}", prefilter=True)
        table = query.to_arrow()
        found = np.full((len(queries), TOP), -1)
        ids = table["id"].to_numpy()
        of = table["query_index"].to_numpy() if "query_index" in table.column_names else np.zeros(len(ids), int)
        for place in range(len(queries)):
            own = ids[of == place][:TOP]
            found[place, : len(own)] = own
        return found

    def search(self, queries, ef, percent):
        return self.run(queries, percent, lambda query: query.nprobes(1).ef(max(ef, 2 * TOP)).refine_factor(2))

    def exact(self, queries, percent):
        return self.run(queries, percent, lambda query: query.bypass_vector_index())

    def delete(self, rows, first_bucket):
        self.index.delete(f"bucket >= {first_bucket}")

    def add(self, rows, base):
        self.index.add(self.table(rows + self.count, base, bucket(rows)))


class Chroma(Library):
    def client(self):
        import chromadb

        settings = chromadb.Settings(anonymized_telemetry=False)
        return chromadb.PersistentClient(self.path, settings=settings)

    def build(self, base, threads):
        shutil.rmtree(self.path, ignore_errors=True)
        graph = {"space": "ip", "max_neighbors": M, "ef_construction": EF_CONSTRUCTION, "num_threads": threads}
        self.index = self.client().create_collection("vectors", configuration={"hnsw": graph}, embedding_function=None)
        rows = np.arange(len(base))
        self.insert(rows, base, rows)

    def insert(self, ids, base, rows):
        places = bucket(rows).tolist()
        for start in range(0, len(ids), BATCH):
            part = slice(start, start + BATCH)
            self.index.add(
                ids=[str(i) for i in ids[part]],
                embeddings=base[part],
                metadatas=[{"bucket": place} for place in places[part]],
            )

    def save(self):
        self.index = None

    def open(self):
        self.index = self.client().get_collection("vectors", embedding_function=None)

    def set_ef(self, ef):
        self.index.modify(configuration={"hnsw": {"ef_search": ef}})

    def search(self, queries, ef, percent):
        where = {"where": {"bucket": {"$lt": percent}}} if percent else {}
        found = self.index.query(query_embeddings=queries, n_results=TOP, include=[], **where)["ids"]
        return [[int(i) for i in row] for row in found]

    def delete(self, rows, first_bucket):
        self.index.delete(where={"bucket": {"$gte": first_bucket}})

    def add(self, rows, base):
        self.insert(rows + self.count, base, rows)


LIBRARIES = {
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "usearch-bf16": UsearchBf16,
    "faiss": Faiss,
    "faiss-sq8": FaissSq8,
    "lancedb": LanceDb,
    "chroma": Chroma,
    "sqlite-vec": SqliteVec,
}


def padded(found):
    rows = np.full((len(found), TOP), -1, np.int64)
    for place, row in enumerate(found):
        row = np.asarray(row)[:TOP].astype(np.int64)
        rows[place, : len(row)] = row
    return rows


def answer(library, words):
    """The seconds that one command took."""

    def timed(work, *arguments):
        start = time.perf_counter()
        result = work(*arguments)
        return time.perf_counter() - start, result

    command, numbers = words[0], [int(word) for word in words[1:4] if word.isdigit()]
    if command == "build":
        library.count = numbers[0]
        base = np.ascontiguousarray(library.rows(0, library.count))
        library.count, count = 0, library.count
        seconds = timed(library.build, base, numbers[1])[0]
        library.count = count
        return seconds
    if command == "save":
        return timed(library.save)[0]
    if command == "open":
        first = library.queries[:1]

        def open_and_search():
            library.open()
            try:
                library.search(first, 128, 0)
            except Unsupported:
                library.exact(first, 0)

        return timed(open_and_search)[0]
    if command == "search":
        ef, count, percent = numbers
        queries = library.queries[:count]
        if percent != library.percent:
            library.percent = percent
            library.prepare(percent)
        if ef:
            library.set_ef(ef)
        work = (library.search, queries, ef, percent) if ef else (library.exact, queries, percent)
        seconds, found = timed(*work)
        found = padded(found)
        if library.count:
            found = np.where(found >= 0, found % library.count, found)
        found.tofile(words[4])
        return seconds
    rows = library.changed(numbers[0])
    if command == "delete":
        return timed(library.delete, rows, numbers[0])[0]
    return timed(library.add, rows, np.ascontiguousarray(library.rows(0, library.count)[rows]))[0]


def imports(name):
    """Loads the library's modules, so that no command counts them."""
    modules = {
        "usearch": ["usearch.index"], "sqlite": ["pysqlite3", "sqlite_vec"], "lancedb": ["lancedb", "pyarrow"],
        "chroma": ["chromadb"],
    }  # fmt: skip
    stem = name.split("-")[0]
    for module in modules.get(stem, [stem]):
        __import__(module)


def main():
    name, base, queries, folder = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr
    imports(name)
    library = LIBRARIES[name](base, queries, folder)
    print(json.dumps({"seconds": 0}), file=answers, flush=True)
    for line in sys.stdin:
        try:
            result = {"seconds": answer(library, line.split())}
        except Unsupported as reason:
            result = {"error": str(reason)}
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(result), file=answers, flush=True)
    os._exit(0)  # what peers do at their end is not measured, and some take long


if __name__ == "__main__":
    main()
