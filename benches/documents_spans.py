"""The leg of documents.py that looks passages up in their files."""

import json
import pathlib
import random
import re
import subprocess


def spans(args) -> bool:
    """Random stretches of text: do the bytes or the part that the source map names hold their words?"""
    from documents import read

    folders = [args.data / "docs" / name for name in ("docling", "markitdown", "unstructured", "kreuzberg")]
    files = [p for f in folders for p in sorted(f.rglob("*")) if p.is_file() and p.stat().st_size < 2_000_000]
    documents = []
    for path in files:
        document, _ = read(args.rag, path)
        if document and len(document["text"].split()) > 5:
            documents.append((path, document))
    found, mapped, bytes_right, by_kind = 0, 0, [0, 0], {}
    for _ in range(args.passages):
        path, document = random.choice(documents)
        text = document["text"].encode()
        segments = document["source_map"]["segments"]
        if not segments:
            continue
        (start, end), where = random.choice([((s["start"], s["end"]), at) for s, at in segments])
        quote = text[start:end].decode(errors="ignore")
        kind, place = next(iter(where.items()))
        counts = by_kind.setdefault((document["kind"], kind), [0, 0])
        counts[1] += 1
        if kind == "bytes":
            raw = path.read_bytes()[place["start"] : place["end"]]
            counts[0] += holds(raw, quote)
        else:
            counts[0] += bool(quote.strip())
    print("\n| kind | place | stretches | right |\n|---|---|---|---|")
    for (kind, place), (right, total) in sorted(by_kind.items()):
        print(f"| {kind} | {place} | {total} | {right} |")
    return all(right == total for right, total in by_kind.values())


def holds(raw: bytes, quote: str) -> bool:
    """Whether bytes of the file hold the words of a stretch of text, in whatever encoding."""
    import html

    want = re.findall(r"\w+", quote)[:20]
    for codec in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "shift_jis", "utf-32"):
        try:
            text = html.unescape(raw.decode(codec))
        except (UnicodeDecodeError, LookupError):
            continue
        if all(word in text for word in want):
            return True
    return False
