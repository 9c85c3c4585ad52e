"""Asks the questions over tables and counts: figure exact, refused, wrong.

    python3 tests/tables/evaluate.py target/release/rag ../shared/data [--llm none] [--set shared|later]

Makes a knowledge base of the files that the questions are about and of others beside them, asks each question, and compares what is said
with the figure that was worked out apart. Wrong is an answer that is found and does not hold the figure; with --all each is shown.
"""

import argparse
import importlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# folders whose files stand beside those that are asked about
BESIDE = ["docs/kreuzberg/web", "docs/docling/docx/sources", "docs/docling/xlsx/sources", "docs/pandoc/docx", "docs/docling/csv/sources"]

# larger ones would take longer to encode than all questions to ask
MOST_BYTES = 40_000


def plain(text):
    """A text without marks of thousands, so that figures are compared by their digits."""
    return re.sub(r"(?<=\d)[ ,\u00a0\u202f](?=\d{3}(?:\D|$))", "", text)


def holds(text, figure):
    first = re.sub(r" ?\[\d+\]", "", plain(text).split("\n(")[0])
    if re.fullmatch(r"\d+\.\d{4}", figure):
        # a mean that goes on for ever is cut somewhere
        return any(abs(float(number) - float(figure)) < 0.006 for number in re.findall(r"\d+\.\d+", first))
    wanted = re.escape(plain(figure).rstrip("0").rstrip(".") if "." in figure and figure.replace(".", "").isdigit() else plain(figure))
    return re.search(rf"(?<![\d.]){wanted}(?:\.?0*)(?![\d]|\.\d)" if figure[-1].isdigit() else wanted, first, re.I) is not None


def run(rag, *arguments):
    return subprocess.run([rag, *map(str, arguments)], capture_output=True, text=True, check=False)


def ask(rag, kb, question, llm):
    done = run(rag, "ask", kb, question, "--json", "--llm", llm, *EXTRA)
    if done.returncode not in (0, 3):
        raise SystemExit(f"{question}: {done.stderr}")
    return json.loads(done.stdout)


def main():
    global EXTRA
    parser = argparse.ArgumentParser()
    parser.add_argument("rag")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--llm", default="none")
    parser.add_argument("--set", default="shared")
    parser.add_argument("--encoder", default="e5-small")
    parser.add_argument("--kb", type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--tables", default="compute")
    options = parser.parse_args()
    EXTRA = ["--tables", options.tables] if options.tables != "compute" else []
    data = options.data.resolve()
    module = importlib.import_module(options.set)
    questions = module.questions(data)
    kb = options.kb or pathlib.Path(tempfile.mkdtemp()) / "tables.rag"
    if not kb.exists():
        folder = kb.parent / "docs"
        folder.mkdir(exist_ok=True)
        paths = {data / one["file"] for one in questions} | {p for b in BESIDE for p in (data / b).iterdir() if p.is_file() and p.stat().st_size <= MOST_BYTES}
        for path in paths:
            link = folder / "-".join(path.relative_to(data).parts[-3:])
            if not link.exists():
                link.write_bytes(path.read_bytes())
        done = run(options.rag, "sync", kb, folder, "--encoder", options.encoder)
        if done.returncode not in (0, 4):
            raise SystemExit(done.stderr)
    counts = {}
    wrong, refused = [], []
    for one in questions:
        answer = ask(options.rag, kb, one["question"], options.llm)
        fate = "refused" if not answer["found"] else "right" if holds(answer["text"], one["figure"]) else "wrong"
        computed = "table" in answer
        row = counts.setdefault(one["kind"], {"right": 0, "refused": 0, "wrong": 0, "computed": 0})
        row[fate] += 1
        row["computed"] += computed
        if fate != "right" or options.all:
            print(f"{fate:8} {'computed' if computed else 'written':9} {one['question']}  [{one['figure']}]  {answer['text'][:150]!r}")
    print("\n| kind | questions | right | refused | wrong | computed |\n|---|---|---|---|---|---|")
    for kind, row in sorted(counts.items()):
        print(f"| {kind} | {row['right'] + row['refused'] + row['wrong']} | {row['right']} | {row['refused']} | {row['wrong']} | {row['computed']} |")
    total = {key: sum(row[key] for row in counts.values()) for key in ("right", "refused", "wrong", "computed")}
    print(f"| all | {len(questions)} | {total['right']} | {total['refused']} | {total['wrong']} | {total['computed']} |")
    answered = [(question, ask(options.rag, kb, question, options.llm)) for _, question in module.REFUSED]
    said = [(question, answer) for question, answer in answered if answer["found"]]
    print(f"\n{len(module.REFUSED)} questions that no table answers: {len(said)} answered, {sum('table' in answer for _, answer in said)} of them from a table")
    for question, answer in said:
        print(f"  {'computed' if 'table' in answer else 'written'} {question} {answer['text'][:120]!r}")


if __name__ == "__main__":
    main()
