"""The legs of documents.py on files that want to do harm, and on encodings."""

import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import tempfile
import time
import unicodedata

LIMIT_SECONDS = 10
LIMIT_MB = 300
# Address space of one process, so that a bomb that goes off harms nobody else.
LIMIT_BYTES = 4 << 30


def run(rag: str, path: pathlib.Path) -> tuple[str, float, float]:
    """Verdict, seconds and peak megabytes of reading one file in a process of its own."""
    start = time.perf_counter()
    process = subprocess.Popen(
        ["/usr/bin/env", "time", "-f", "PEAK %M", rag, "read", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES)),
    )
    try:
        _, error = process.communicate(timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "hang", LIMIT_SECONDS, 0.0
    seconds = time.perf_counter() - start
    text = error.decode(errors="replace")
    peak = re.search(r"PEAK (\d+)", text)
    megabytes = int(peak.group(1)) / 1024 if peak else 0.0
    if process.returncode == 0:
        return "read", seconds, megabytes
    if process.returncode == 1 and "cannot read" in text:
        return "refused", seconds, megabytes
    return f"crash ({process.returncode})", seconds, megabytes


def mutants(files: list[pathlib.Path], count: int, folder: pathlib.Path):
    """Copies of the files with bytes flipped, cut out, repeated or set to 0."""
    for index in range(count):
        source = random.choice(files)
        data = bytearray(source.read_bytes())
        for _ in range(random.randint(1, 8)):
            if not data:
                break
            at = random.randrange(len(data))
            match random.randrange(4):
                case 0:
                    data[at] ^= 1 << random.randrange(8)
                case 1:
                    del data[at : at + random.randrange(1, 64)]
                case 2:
                    data[at:at] = data[at : at + random.randrange(1, 256)]
                case 3:
                    data[at : at + 16] = bytes(min(16, len(data) - at))
        path = folder / f"{index}{source.suffix}"
        path.write_bytes(data)
        yield path
        path.unlink()


def hostile(args) -> bool:
    """Every hostile file and mutations of good ones, each in a process of its own."""
    files = sorted(p for p in (args.data / "hostile").rglob("*") if p.is_file())
    good = [p for p in (args.data / "docs").rglob("*") if p.is_file() and p.stat().st_size < 400_000]
    good = [p for p in sorted(good) if p.suffix not in (".md", ".txt", ".native", ".json")]
    verdicts: dict[str, list] = {}
    peak, slowest, bad = (0.0, ""), (0.0, ""), []
    with tempfile.TemporaryDirectory() as folder:
        mutated = mutants(good, args.mutations, pathlib.Path(folder))
        for kind, paths in (("hostile", files), ("mutated", mutated)):
            for path in paths:
                verdict, seconds, megabytes = run(args.rag, path)
                verdicts.setdefault(kind, []).append(verdict)
                peak = max(peak, (megabytes, path.name))
                slowest = max(slowest, (seconds, path.name))
                if verdict not in ("read", "refused") or megabytes > LIMIT_MB:
                    bad.append((path.name, verdict, round(megabytes)))
    print("\n| files | count | read | refused | hang | crash |\n|---|---|---|---|---|---|")
    for kind, found in verdicts.items():
        crashes = sum(v.startswith("crash") for v in found)
        counts = [found.count(v) for v in ("read", "refused", "hang")]
        print(f"| {kind} | {len(found)} |", " | ".join(map(str, counts)), f"| {crashes} |")
    print(f"peak {peak[0]:.0f} MB ({peak[1]}), slowest {slowest[0]:.2f} s ({slowest[1]})")
    for name, verdict, megabytes in bad:
        print(f"bad: {name}: {verdict}, {megabytes} MB")
    return not bad


def encodings(args) -> bool:
    """Files whose folder names their encoding: is the text what that encoding makes of them?"""
    from documents import read

    right, total, wrong = 0, 0, []
    for folder in sorted((args.data / "hostile/encodings").iterdir()):
        if not folder.is_dir():
            continue
        codec = folder.name.lower()
        for path in sorted(folder.iterdir()):
            try:
                expected = path.read_bytes().decode(codec)
            except (LookupError, UnicodeDecodeError):
                continue
            document, why = read(args.rag, path)
            total += 1
            if document and similar(document["text"], expected):
                right += 1
            else:
                wrong.append(f"{folder.name}/{path.name} {why}")
    share = right / max(total, 1)
    print(f"\nencodings: {right} of {total} right ({share:.1%}), target 95 %")
    for line in wrong:
        print(f"wrong: {line}")
    return share >= 0.95


def similar(text: str, expected: str) -> bool:
    """Whether the letters outside ASCII in the text are those of the file, but for markup and blanks."""

    def letters(s: str) -> list[str]:
        s = unicodedata.normalize("NFC", s)
        return [c for c in s if ord(c) > 127 and c.isalpha()]

    ours, theirs = letters(text), set(letters(expected))
    if not theirs:
        return True
    return bool(ours) and sum(c in theirs for c in ours) >= 0.99 * len(ours)
