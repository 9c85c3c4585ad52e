"""Reads the document collections with markitdown and kreuzberg, for benches/documents.py --peers.

    pip install 'markitdown[all]' kreuzberg
    python3 benches/peers/documents/extract.py DATA OUT

Writes OUT/<engine>/<path with __>.txt for every file, each read in a process that is ended after 60 s, and
OUT/<engine>.json with seconds and failures.
"""

import json
import multiprocessing
import pathlib
import sys
import time

ENGINES = ["markitdown", "kreuzberg"]
FOLDERS = ["docs/docling", "docs/markitdown"]


def reader(engine: str):
    """A function from path to text."""
    if engine == "markitdown":
        from markitdown import MarkItDown

        converter = MarkItDown()
        return lambda path: converter.convert(path).text_content
    from kreuzberg import extract_file_sync

    return lambda path: extract_file_sync(path).content


def serve(engine: str, pipe) -> None:
    read = reader(engine)
    pipe.send("ready")
    while True:
        path = pipe.recv()
        start = time.perf_counter()
        try:
            pipe.send((read(path), None, time.perf_counter() - start))
        except BaseException as error:  # a panic of a native module too
            pipe.send(("", f"{type(error).__name__}: {error}"[:200], time.perf_counter() - start))


class Worker:
    def __init__(self, engine: str):
        self.engine = engine
        self.start()

    def start(self) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(self.engine, theirs), daemon=True)
        self.process.start()
        self.pipe.recv()

    def read(self, path: str):
        self.pipe.send(path)
        if self.pipe.poll(60):
            try:
                return self.pipe.recv()
            except EOFError:
                pass
        self.process.kill()
        self.start()
        return "", "ended: hang or crash", 60.0


def main() -> None:
    data, out = map(pathlib.Path, sys.argv[1:3])
    for engine in ENGINES:
        worker, report = Worker(engine), {}
        folder = out / engine
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(p for f in FOLDERS for p in (data / f).rglob("*") if p.is_file()):
            if "groundtruth" in path.parts or "expected_outputs" in path.parts:
                continue
            text, failure, seconds = worker.read(str(path))
            name = str(path).strip("/").replace("/", "__") + ".txt"
            (folder / name).write_text(text, errors="replace")
            report[str(path.relative_to(data))] = {"seconds": seconds, "failure": failure}
        (out / f"{engine}.json").write_text(json.dumps(report, indent=1))
        failed = sum(bool(entry["failure"]) for entry in report.values())
        total = sum(entry["seconds"] for entry in report.values())
        print(f"{engine}: {len(report)} files, {failed} failed, {total:.1f} s")


if __name__ == "__main__":
    main()
