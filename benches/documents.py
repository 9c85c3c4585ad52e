"""Tables of how well documents are read: text recall, must-have strings, hostile files, encodings, spans.

    python3 benches/documents.py RAG [--data DIR] [--peers DIR] [TABLE ...]

RAG is the program (target/release/rag); DIR holds the collections named in docs/benchmarks.md (default:
$RAG_SHARED/data); --peers names a folder of texts that benches/peers/documents/extract.py wrote. Tables:
recall strings commonmark hostile encodings guide spans (default: all). Exit code 1 if a target is missed.
"""

import argparse
import collections
import html
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import time
import unicodedata

from documents_hostile import encodings, hostile
from documents_spans import spans

TARGETS = {"pdf": 0.95}
FORMATS = ["docx", "pptx", "xlsx", "html", "epub", "csv", "md", "odf", "latex", "asciidoc", "pdf"]


def read(rag: str, path: pathlib.Path, timeout: float = 60.0) -> tuple[dict | None, str]:
    """The document as the engine sees it, or nothing and why."""
    done = subprocess.run([rag, "read", str(path)], capture_output=True, timeout=timeout)
    if done.returncode != 0:
        return None, done.stderr.decode(errors="replace").strip()
    return json.loads(done.stdout), ""


def words(text: str) -> collections.Counter:
    text = unicodedata.normalize("NFKC", text).lower()
    return collections.Counter(re.findall(r"[^\W_]+", text))


def plain(markdown: str) -> str:
    """Markdown without link targets, image marks, tags and escapes: layout is not compared."""
    text = re.sub(r"<!--.*?-->", " ", markdown, flags=re.S)
    text = re.sub(r"!?\[([^\]]*)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)", r"\1", text)
    text = re.sub(r"\\([_*#\[\]()~`>+.!|$-])", r"\1", text)
    return html.unescape(re.sub(r"</?[A-Za-z][^<>]*>", " ", text))


def f1(found: str, truth: str) -> float:
    ours, theirs = words(found), words(truth)
    shared = sum((ours & theirs).values())
    if not ours and not theirs:
        return 1.0
    return 2 * shared / (sum(ours.values()) + sum(theirs.values()))


def text_of(rag: str, path: pathlib.Path, peers: pathlib.Path | None, engine: str) -> str:
    if engine != "rag":
        file = peers / engine / (str(path).strip("/").replace("/", "__") + ".txt")
        return file.read_text(errors="replace") if file.is_file() else ""
    document, _ = read(rag, path)
    return document["text"] if document else ""


def engines(peers: pathlib.Path | None) -> list[str]:
    return ["rag"] + (sorted(p.name for p in peers.iterdir() if p.is_dir()) if peers else [])


def recall(args) -> bool:
    """Word F1 against docling's extraction, by format."""
    names = engines(args.peers)
    print("\n| format | files | target |", " | ".join(names), "|")
    print("|---|---|---|" + "---|" * len(names))
    good = True
    for fmt in FORMATS:
        folder = args.data / "docs/docling" / fmt
        pairs = []
        for source in sorted((folder / "sources").iterdir()):
            truths = [folder / "groundtruth" / (name + ".md") for name in (source.name, source.stem)]
            truth = next((truth for truth in truths if truth.is_file()), None)
            if truth and not source.name.startswith("right_to_left"):
                pairs.append((source, plain(truth.read_text())))
        if not pairs:
            continue
        scores = {name: [] for name in names}
        for source, truth in pairs:
            for name in names:
                scores[name].append(f1(plain(text_of(args.rag, source, args.peers, name)), truth))
            if args.verbose:
                print(f"  {scores['rag'][-1]:.3f} {source.name}")
        target = TARGETS.get(fmt, 0.97)
        means = {name: sum(s) / len(s) for name, s in scores.items()}
        counted = fmt not in ("odf", "latex", "asciidoc")
        good &= means["rag"] >= target or not counted
        shown = " | ".join(f"{means[name]:.3f}" for name in names)
        print(f"| {fmt} | {len(pairs)} | {target if counted else '-'} | {shown} |")
    return good


def flat(text: str) -> str:
    """For strings that must be found: no Markdown marks, white space as one blank."""
    text = re.sub(r"[#*>|\[\]`]+|\]\([^)]*\)", " ", plain(text))
    return re.sub(r"\s+", " ", re.sub(r"\|?\s*(---\s*\|?\s*)+", " ", text)).strip()


def strings(args) -> bool:
    """markitdown's strings that must and must not be in the text; Markdown marks are not compared."""
    folder = args.data / "docs/markitdown"
    vectors = json.loads((folder / "expected_strings.json").read_text())
    names, missed = engines(args.peers), []
    print("\n| file |", " | ".join(names), "|")
    print("|---|" + "---|" * len(names))
    for vector in vectors:
        if vector["group"] != "GENERAL_TEST_VECTORS":
            continue
        right = {}
        for name in names:
            text = flat(text_of(args.rag, folder / vector["file"], args.peers, name))
            wanted = [s for s in vector["must_include"] if flat(s)]
            bad = [s for s in wanted if flat(s) not in text]
            bad += ["not " + s for s in vector["must_not_include"] if s in text]
            total = len(wanted) + len(vector["must_not_include"])
            right[name] = f"{total - len(bad)}/{total}"
            if name == "rag":
                missed += [(vector["file"], s) for s in bad]
        print(f"| {pathlib.Path(vector['file']).name} |", " | ".join(right[n] for n in names), "|")
    for file, string in missed:
        print(f"missed in {file}: {string!r}")
    return not missed


def commonmark(args) -> bool:
    """Whether the text of the Markdown specification is the file, whole."""
    good = True
    for path in sorted((args.data / "docs/commonmark").glob("*.txt")):
        document, why = read(args.rag, path)
        same = document is not None and document["text"] == path.read_text()
        print(f"\n{path.name}: {'complete' if same else 'NOT complete ' + why}")
        good &= same
    return good


def guide(args) -> bool:
    """The Debian installation guide: each PDF against its text twin (package installation-guide-amd64)."""
    root = pathlib.Path(args.guide)
    pdfs = sorted(root.rglob("*.pdf*")) if root.is_dir() else []
    if not pdfs:
        print(f"\nSKIP guide: no PDF under {root}; apt-get install installation-guide-amd64")
        return True
    print("\n| file | F1 | seconds |\n|---|---|---|")
    scores = []
    for pdf in pdfs:
        twin = next(iter(sorted(pdf.parent.glob("*.txt*"))), None)
        if twin is None:
            continue
        opened = twin.read_bytes()
        if twin.suffix == ".gz":
            import gzip

            opened = gzip.decompress(opened)
        start = time.perf_counter()
        document, why = read(args.rag, pdf, 300)
        seconds = time.perf_counter() - start
        try:
            truth = opened.decode()
        except UnicodeDecodeError:  # the Russian one
            truth = opened.decode("koi8-r")
        score = f1(document["text"] if document else "", truth)
        latin = pdf.parent.name not in ("ja", "ko", "zh_CN", "zh_TW", "ru", "uk", "el")
        scores += [score] if latin else []
        print(f"| {pdf.parent.name}/{pdf.name} | {score:.4f} | {seconds:.2f} |{why}")
    mean = sum(scores) / max(len(scores), 1)
    print(f"mean of {len(scores)} in Latin script: {mean:.4f}, target 0.97")
    return mean >= 0.97


TABLES = {
    "recall": recall,
    "strings": strings,
    "commonmark": commonmark,
    "hostile": hostile,
    "encodings": encodings,
    "guide": guide,
    "spans": spans,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rag")
    parser.add_argument("tables", nargs="*", default=[])
    shared = os.environ.get("RAG_SHARED", "shared")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path(shared) / "data")
    parser.add_argument("--peers", type=pathlib.Path)
    parser.add_argument("--guide", default="/usr/share/doc/installation-guide-amd64")
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    random.seed(args.seed)
    missed = [name for name in args.tables or TABLES if not TABLES[name](args)]
    print("missed: " + ", ".join(missed) if missed else "all targets met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
