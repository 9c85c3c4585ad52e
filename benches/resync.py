"""Syncing again: nothing changed, one file changed, in a folder of many files.

    python3 benches/resync.py [--rag target/release/rag] [--files 10000] [--encoder NAME] [--rounds 5]

Prints a Markdown table for docs/benchmarks.md: the seconds that `rag sync --json` reports (the sync alone) and those of
the whole process, best and median of some rounds. Without --encoder it takes the smallest one there is, so that the time
goes to everything but the encoder. The folder is settled first: one sync after two seconds, which compares the bytes of
files that were too fresh to trust.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

from memory import tiny_encoder


def sync(command: list[str]) -> tuple[dict, float]:
    """Runs a sync; its report and the seconds of the process."""
    started = time.perf_counter()
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return json.loads(output), time.perf_counter() - started


def row(name: str, runs: list[tuple[dict, float]]) -> str:
    """A line of the table."""
    own = [report["seconds"] for report, _ in runs]
    whole = [seconds for _, seconds in runs]
    best, median = min(own) * 1000, statistics.median(own) * 1000
    return f"| {name} | {best:.0f} ms | {median:.0f} ms | {min(whole) * 1000:.0f} ms |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rag", default="target/release/rag")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--encoder")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        place = pathlib.Path(scratch)
        docs, alone = place / "docs", place / "alone"
        alone.mkdir()
        encoder = options.encoder or tiny_encoder(place / "encoder")
        for number in range(options.files):
            folder = docs / f"{number % 100:02}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.txt").write_text(f"Document {number} speaks of the river and its bridge. " * 20)
        command = [options.rag, "sync", str(place / "kb.rag"), str(docs), "--encoder", encoder, "--json"]
        first = sync(command)
        time.sleep(2.5)
        settled = sync(command)
        unchanged = [sync(command) for _ in range(options.rounds)]
        changed, cost = [], []
        for number in range(options.rounds):
            text = f"The bridge was closed in {1900 + number}. " * 20
            (docs / f"{number:02}" / f"{number}.txt").write_text(text)
            changed.append(sync(command))
            assert changed[-1][0]["updated"] == 1, changed[-1][0]
            # what the file costs by itself: alone in a new knowledge base
            (alone / "one.txt").write_text(text)
            kb = str(place / f"alone-{number}.rag")
            cost.append(sync([options.rag, "sync", kb, str(alone), "--encoder", encoder, "--json"]))
        print(f"| {options.files} files | sync, best | median | whole process, best |\n|---|---|---|---|")
        print(row("all new", [first]))
        print(row("first time again: bytes compared", [settled]))
        print(row("nothing changed", unchanged))
        print(row("one file changed", changed))
        print(row("that file alone in a new knowledge base", cost))


if __name__ == "__main__":
    main()
