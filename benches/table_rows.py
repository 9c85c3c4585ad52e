#!/usr/bin/env python3
"""Finds rows of tables: 200 questions whose answer is one cell, its document, row and column known.

    python3 benches/table_rows.py target/release/rag ../shared/data/docs [--half odd|even] [--all]

Indexes the documents that are asked about and others beside them. Prints how often the row is in the
first three hits, how often the answer without a generator names the cell and cites its row, how often
it is refused, and how often something else is answered; and each that is not right. The even questions
are held out: the engine was mended by the odd ones alone. The questions were written by hand, the cells
read by other libraries than the engine's (benches/questions/table_rows.jsonl).
"""

import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

QUESTIONS = pathlib.Path(__file__).parent / "questions" / "table_rows.jsonl"

# whose files stand beside those that are asked about
BESIDE = ["docling/csv/sources", "docling/docx/sources", "docling/html/sources", "docling/md/sources",
          "docling/odf/sources", "docling/xlsx/sources", "kreuzberg/text", "kreuzberg/web", "pandoc/docx", "unstructured"]
MOST_BYTES = 40_000
MOST_BESIDE = 150

# a cell of so many characters is not said by chance; of a shorter one the row must be cited
TELLING_CHARS = 5

# tables of the questions in other formats, whose rows would be as right
COPIES = {"csv-pipe.csv", "csv-semicolon.csv", "csv-tab.csv", "stanley-cups.csv", "stanley-cups.tsv", "stanley-cups-utf-16.csv",
          "stanley-cups-with-emoji.csv", "stanley-cups-with-emoji.tsv", "xlsx_03_chartsheet.xlsx", "xlsx_05_table_with_title.xlsx",
          "hip_13044_b.md", "wkey_am.md", "simple_table.md", "mixed.md", "example-10k-1p.html", "duck.md",
          "example-steelJIS-datasheet-utf-16.html"}


def call(rag, *arguments):
    run = subprocess.run([rag, *map(str, arguments)], capture_output=True, text=True, check=False)
    # some files were passed over, or nothing was found
    if run.returncode not in (0, 3, 4):
        raise SystemExit(f"rag {arguments[0]} ended with {run.returncode}: {run.stderr.strip()}")
    return run.stdout


def gather(docs, folder, questions):
    """Copies the files, asked about and beside, and says how many."""
    asked = {docs / one["document"] for one in questions}
    beside = sorted(path for name in BESIDE for path in (docs / name).iterdir() if path.is_file())
    small = [path for path in beside if path not in asked and path.name not in COPIES and path.stat().st_size <= MOST_BYTES]
    for path in [*asked, *small[:: -(-len(small) // MOST_BESIDE)]]:
        target = folder / path.relative_to(docs)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def plain(text):
    """A text as cells are compared: one space, no marks of notes, one minus."""
    return re.sub(r"\s*\[\d+\]", "", re.sub(r"\s+", " ", text)).replace("\u2212", "-").strip().casefold()


def pattern(cell):
    """What finds a cell in a text: the marks of thousands as they like, and no part of a longer word or number."""
    cell = plain(cell).lstrip("-")
    bare = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", cell)
    found = "".join(re.escape(c) + ("[ ,\u00a0\u202f]?" if re.match(r"\d(?=(\d{3})+(?!\d))", bare[at:]) else "") for at, c in enumerate(bare))
    return (r"(?<![\w.])" if cell[:1].isalnum() else "") + found + (r"(?!\w|[.,]\d)" if cell[-1:].isalnum() else "")


def holds(text, cell):
    return re.search(pattern(cell), plain(text)) is not None


def holds_row(text, one):
    lines = [line for line in text.splitlines() if line.strip()]
    return any(all(holds(line, cell) for cell in [*one["row"], one["answer"]]) for line in [*lines, text])


def place(hits, one):
    """Where among the hits the row stands, from 1; 0 for nowhere."""
    return next((at for at, hit in enumerate(hits, 1) if holds_row(hit["text"], one)), 0)


def fate(answer, one):
    """What became of a question: the cell must be named, and what names it be cited or be the row itself."""
    if not answer["found"]:
        return "refused"
    said = answer["text"].split("\n(")[0]
    quotes = [quote["quote"] for quote in answer["citations"] if quote["uri"].endswith(one["document"])]
    is_telling = "table" in answer or len(plain(one["answer"])) >= TELLING_CHARS
    is_cited = any(holds(quote, one["answer"]) if is_telling else holds_row(quote, one) for quote in quotes)
    is_row = any(all(holds(line, cell) for cell in [*one["row"], one["answer"]]) for line in said.splitlines())
    return "right" if holds(said, one["answer"]) and (is_cited or (quotes and is_row)) else "wrong"


def report(name, rows):
    share = lambda is_so: sum(map(is_so, rows)) / len(rows)
    print(f"| {name} | {len(rows)} | {share(lambda r: r['place'] == 1):.3f} | {share(lambda r: r['place'] > 0):.3f} "
          + "".join(f"| {share(lambda r, f=f: r['fate'] == f):.3f} " for f in ("right", "refused", "wrong"))
          + f"| {sum(r['computed'] for r in rows)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rag")
    parser.add_argument("docs", type=pathlib.Path)
    parser.add_argument("--encoder", default="e5-small")
    parser.add_argument("--half", choices=["odd", "even"], help="show the questions of one half alone")
    parser.add_argument("--kb", type=pathlib.Path, help="keep the knowledge base, or take one that was kept")
    parser.add_argument("--all", action="store_true", help="show those that are right too")
    arguments = parser.parse_args()
    questions = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    results = []
    with tempfile.TemporaryDirectory() as folder:
        kb = arguments.kb or pathlib.Path(folder) / "kb.rag"
        if not kb.exists():
            gather(arguments.docs, pathlib.Path(folder) / "docs", questions)
            call(arguments.rag, "sync", kb, pathlib.Path(folder) / "docs", "--encoder", arguments.encoder, "-q")
        for number, one in enumerate(questions, 1):
            half = "odd" if number % 2 else "even"
            if arguments.half not in (None, half):
                continue
            hits = json.loads(call(arguments.rag, "search", kb, one["question"], "-k", 3, "--syntax", "plain", "--json"))["hits"]
            answer = json.loads(call(arguments.rag, "ask", kb, one["question"], "--llm", "none", "--json"))
            result = {**one, "half": half, "place": place(hits, one), "fate": fate(answer, one), "computed": "table" in answer}
            results.append(result)
            if arguments.all or result["fate"] != "right" or not result["place"]:
                said = answer["text"] if answer["found"] else answer.get("reason", "")
                print(f"  {number} {result['fate']} {'computed' if result['computed'] else 'quoted'} place {result['place']}: "
                      f"{one['question']!r} [{one['answer']}] {one['document']} -> {said[:160]!r}", flush=True)
    print("\n| questions | | first | in three | right | refused | wrong | computed |\n|---|---|---|---|---|---|---|---|")
    report("all", results)
    for key, of in ("half", lambda r: r["half"]), ("lang", lambda r: r["lang"]), ("format", lambda r: pathlib.Path(r["document"]).suffix):
        groups = collections.defaultdict(list)
        for result in results:
            groups[of(result)].append(result)
        for name, rows in sorted(groups.items()):
            report(name, rows)


if __name__ == "__main__":
    main()
