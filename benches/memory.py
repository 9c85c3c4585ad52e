"""Peak memory of indexing plain text of growing size: what grows with it, and what does not.

    python3 benches/memory.py [--rag target/release/rag] [--megabytes 10 100 1000] [--encoder NAME] [--folder SCRATCH]

Makes seeded English-like text in files of 1 MB, indexes it in a process of its own, and prints a Markdown table for
docs/benchmarks.md. Without --encoder it takes the smallest one there is (16 dimensions, random weights, from
tests/data), so that the time goes to everything but the encoder.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

TINY = pathlib.Path(__file__).parent.parent / "tests/data/encoder/families/nomic_bert"
SYLLABLES = ["ba", "con", "de", "er", "fi", "gra", "ho", "in", "ka", "lo", "me", "nu", "or", "pe", "ri", "sta", "tu", "ve"]


def tiny_encoder(folder: pathlib.Path) -> str:
    """A copy of the test encoder that takes passages of the usual length: its positions are computed, not stored."""
    shutil.copytree(TINY, folder)
    config = json.loads((folder / "config.json").read_text())
    for key in ("n_positions", "max_position_embeddings", "max_trained_positions"):
        if key in config:
            config[key] = 512
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


def write_text(folder: pathlib.Path, megabytes: int) -> None:
    """Files of a million bytes: sentences of words from a vocabulary of 50,000, common ones more often."""
    folder.mkdir()
    source = random.Random(7)
    vocabulary = ["".join(source.choices(SYLLABLES, k=source.randint(1, 4))) for _ in range(50_000)]
    for number in range(megabytes):
        parts, size = [], 0
        while size < 1_000_000:
            words = [vocabulary[int(50_000 * source.random() ** 3)] for _ in range(source.randint(6, 20))]
            sentence = " ".join(words).capitalize() + (".\n\n" if source.random() < 0.15 else ". ")
            parts.append(sentence)
            size += len(sentence)
        (folder / f"{number:04}.txt").write_text("".join(parts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rag", default="target/release/rag")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--encoder")
    parser.add_argument("--folder", help="where text and file are made; default a temporary folder")
    options = parser.parse_args()

    print("| text | passages | time | peak memory | file | bytes a passage beside its text |\n|---|---|---|---|---|---|")
    for megabytes in options.megabytes:
        with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
            place = pathlib.Path(scratch)
            encoder = options.encoder or tiny_encoder(place / "encoder")
            write_text(place / "docs", megabytes)
            kb = place / "kb.rag"
            command = [options.rag, "sync", str(kb), str(place / "docs"), "--encoder", encoder, "--json"]
            started = time.perf_counter()
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            report = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            if code := os.waitstatus_to_exitcode(status):
                sys.exit(f"{' '.join(command)} ended with {code}")
            passages, size = json.loads(report)["passage_count"], kb.stat().st_size
            beside = (size - megabytes * 1e6) / passages
            print(
                f"| {megabytes} MB | {passages} | {seconds:.0f} s | {usage.ru_maxrss / 1024:.0f} MiB"
                f" | {size / 1e6:.0f} MB | {beside:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
