"""The leg of documents.py that looks stretches of text up in their files, without the engine's help."""

import functools
import html
import pathlib
import random
import re
import shutil
import subprocess
import unicodedata
import zipfile

FOLDERS = ["docling", "markitdown", "unstructured", "kreuzberg", "pdf-samples"]
CODECS = ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "shift_jis", "utf-32", "euc_jp", "big5"]


def spans(args) -> bool:
    """Random stretches: do the bytes, the page or the container that the source map names hold their words?"""
    from documents import read

    folders = [args.data / "docs" / name for name in FOLDERS]
    files = [p for f in folders for p in sorted(f.rglob("*")) if p.is_file() and p.stat().st_size < 2_000_000]
    documents = []
    for path in files:
        document, _ = read(args.rag, path)
        if document and len(document["text"].split()) > 5 and document["source_map"]["segments"]:
            documents.append((path, document["kind"], document["text"].encode(), document["source_map"]["segments"]))
    counts: dict[tuple[str, str], list[int]] = {}
    wrong = []
    for _ in range(args.passages):
        path, kind, text, segments = random.choice(documents)
        range_, where = random.choice(segments)
        quote = text[range_["start"] : range_["end"]].decode(errors="ignore")
        place, at = next(iter(where.items()))
        if "bounds" in where:
            place, at = "area", (where["page"], where["bounds"])
        verdict = check(path, quote, place, at)
        row = counts.setdefault((kind, place), [0, 0, 0])
        row[0] += 1
        row[1] += verdict is not None
        row[2] += verdict is True
        if verdict is False:
            wrong.append((path.name, place, at, quote[:60]))
    print("\n| kind | place | stretches | looked up | right |\n|---|---|---|---|---|")
    for (kind, place), (total, checked, right) in sorted(counts.items()):
        print(f"| {kind} | {place} | {total} | {checked} | {right} |")
    checked, right = (sum(row[i] for row in counts.values()) for i in (1, 2))
    print(f"{len(documents)} documents, {args.passages} stretches, {checked} looked up, {right} right")
    for line in wrong[:10]:
        print("wrong:", line)
    return right == checked


def check(path: pathlib.Path, quote: str, place: str, at) -> bool | None:
    """Whether the words stand there; nothing if there is no way to look."""
    if place == "bytes":
        raw = opened(path)
        return None if raw is None else holds(raw[at["start"] : at["end"]], quote)
    if place == "page":
        page = page_text(path, at)
        return None if page is None else same_letters(page, quote)
    if place == "area":
        words = area_words(path, *at)
        return None if words is None else same_letters(words, quote)
    whole = container(path)
    # Numbers are shown as their cell format says, formulas as the notation says.
    words = re.findall(r"(?<!\\)\b[^\W\d_]{2,}", quote)
    return None if whole is None else all(word in whole for word in words[:20])


@functools.lru_cache(maxsize=64)
def opened(path: pathlib.Path) -> bytes | None:
    raw = path.read_bytes()
    return None if raw.startswith((b"PK", b"\x1f\x8b")) else raw


def holds(raw: bytes, quote: str) -> bool:
    """Whether bytes hold the words of a text, in whatever encoding; digits set high or low as plain ones."""
    want = re.findall(r"\w+", unicodedata.normalize("NFKC", quote))[:20]
    for codec in CODECS:
        try:
            decoded = raw.decode(codec)
        except (UnicodeDecodeError, LookupError):
            continue
        text = unicodedata.normalize("NFKC", decoded + html.unescape(decoded))
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)
        if all(word in text for word in want):
            return True
    return not want


@functools.lru_cache(maxsize=256)
def page_text(path: pathlib.Path, page: int) -> str | None:
    """The text of a page as poppler's pdftotext has it."""
    if not shutil.which("pdftotext"):
        return None
    command = ["pdftotext", "-f", str(page), "-l", str(page), str(path), "-"]
    done = subprocess.run(command, capture_output=True)
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def area_words(path: pathlib.Path, page: int, bounds: list[int]) -> str | None:
    """The words that pdftotext places in a rectangle of a page."""
    found = page_words(path, page)
    if found is None:
        return None
    left, bottom, right, top = bounds
    return " ".join(w for x, y, w in found if left - 2 <= x <= right + 2 and bottom - 2 <= y <= top + 2)


@functools.lru_cache(maxsize=256)
def page_words(path: pathlib.Path, page: int):
    """The words of a page with the middles of their boxes, in the coordinates of the page before it is turned."""
    if not shutil.which("pdftotext"):
        return None
    command = ["pdftotext", "-bbox", "-f", str(page), "-l", str(page), str(path), "-"]
    done = subprocess.run(command, capture_output=True)
    text = done.stdout.decode(errors="replace")
    size = re.search(r'<page width="([\d.]+)" height="([\d.]+)"', text)
    if done.returncode != 0 or not size:
        return None
    width, height = float(size[1]), float(size[2])  # of the page before it is turned
    info = subprocess.run(["pdfinfo", "-f", str(page), "-l", str(page), str(path)], capture_output=True)
    turn = re.search(r"rot:\s+(\d+)", info.stdout.decode(errors="replace"))
    place = {
        "0": lambda x, y: (x, height - y),
        "90": lambda x, y: (y, x),
        "180": lambda x, y: (width - x, y),
        "270": lambda x, y: (width - y, height - x),
    }[turn[1] if turn else "0"]
    box = r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*?)</word>'
    found = []
    for *corners, word in re.findall(box, text):
        x0, y0, x1, y1 = map(float, corners)
        found.append((*place((x0 + x1) / 2, (y0 + y1) / 2), html.unescape(word)))
    return found


def same_letters(page: str, quote: str) -> bool:
    """Whether nine in ten of the longer words of the quote stand on the page; readers differ in joining words."""
    words = re.findall(r"[A-Za-z]{4,}", quote)[:40]
    flat = re.sub(r"[\s\u00ad-]+", "", page)
    return not words or sum(word in flat for word in words) >= 0.9 * len(words)


@functools.lru_cache(maxsize=64)
def container(path: pathlib.Path) -> str | None:
    """All text of the XML and HTML in a zip container."""
    if not path.read_bytes().startswith(b"PK"):
        return None
    texts = []
    with zipfile.ZipFile(path) as file:
        for name in file.namelist():
            if name.endswith((".xml", ".html", ".xhtml", ".htm", ".opf")):
                text = file.read(name).decode(errors="replace")
                texts.append(html.unescape(re.sub(r"<[^>]+>", "", text)))
                texts.append(html.unescape(re.sub(r"<[^>]+>", " ", text)))
                texts.append(html.unescape(" ".join(re.findall(r'(?:descr|name|title)="([^"]*)"', text))))
    return " ".join(texts)
