"""Checks benches/questions/table_rows.jsonl against the files: each cell stands in its row, under its column.

    python3 tests/tables/rows.py ../shared/data/docs
"""

import datetime
import json
import pathlib
import re
import sys

from readers import all_of_docx, all_of_html, all_of_ods, of_csv, of_markdown, of_xlsx

QUESTIONS = pathlib.Path(__file__).resolve().parents[2] / "benches" / "questions" / "table_rows.jsonl"
SHEETS = 5


def of_text(path):
    for encoding in "utf-8", "cp932":
        try:
            path.read_text(encoding=encoding)
        except UnicodeDecodeError:
            continue
        return of_csv(path, ";" if "semicolon" in path.name else ",", encoding)
    raise SystemExit(f"{path}: its encoding is not known")


def all_of_xlsx(path):
    for sheet in range(1, SHEETS + 1):
        try:
            yield of_xlsx(path, sheet)
        except KeyError:
            return


def tables(path):
    readers = {".csv": lambda path: [of_text(path)], ".md": lambda path: [of_markdown(path)], ".docx": all_of_docx,
               ".html": all_of_html, ".ods": all_of_ods, ".xlsx": all_of_xlsx, ".xlsm": all_of_xlsx}
    return readers[path.suffix](path)


def forms(cell):
    """A cell as a file may hold it: links and marks of Markdown apart, a day as the number that sheets write."""
    cell = re.sub(r"\[([^\]]*)\]\((?:<[^>]*>|[^()]|\([^()]*\))*\)", r"\1", " ".join(cell.split())).strip("* ")
    yield cell
    if re.fullmatch(r"\d{5}", cell):
        yield (datetime.date(1899, 12, 30) + datetime.timedelta(int(cell))).isoformat()
    if re.fullmatch(r"-?\d+\.0", cell):
        yield cell[:-2]


def is_right(one, table):
    rows = [[set(forms(cell)) for cell in row] for row in table]
    squeezed = lambda cell: {re.sub(r"\s", "", form) for form in cell}
    stands = lambda cells, text: [at for at, cell in enumerate(cells) if re.sub(r"\s", "", text) in squeezed(cell)]
    for number, row in enumerate(rows):
        if all(stands(row, cell) for cell in [*one["row"], one["answer"]]):
            above = [text for head in rows[:number] for cell in head for text in squeezed(cell)]
            column = re.sub(r"\s", "", one["column"])
            if any(column in text for text in [*above, *(t for cell in row for t in squeezed(cell))]):
                return True
    return False


def main():
    docs, wrong = pathlib.Path(sys.argv[1]), 0
    questions = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    for one in questions:
        if not any(is_right(one, table) for table in tables(docs / one["document"])):
            wrong += 1
            print(f"{one['document']}: {one['question']!r}: {one['answer']!r} is not found")
    print(f"{len(questions)} questions, {wrong} of them not as the files say")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
