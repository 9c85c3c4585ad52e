"""Tables of files, read apart from the engine: CSV, XLSX, ODS, DOCX, HTML and Markdown, with Python's own library only."""

import csv
import html.parser
import re
import zipfile
from xml.etree import ElementTree

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
OPEN = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def of_csv(path, separator=",", encoding="utf-8"):
    with open(path, newline="", encoding=encoding) as file:
        return list(csv.reader(file, delimiter=separator))


def of_xlsx(path, sheet=1):
    """The filled rows of a sheet; numbers as the file holds them."""
    with zipfile.ZipFile(path) as package:
        strings = []
        if "xl/sharedStrings.xml" in package.namelist():
            root = ElementTree.fromstring(package.read("xl/sharedStrings.xml"))
            strings = ["".join(t.text or "" for t in si.iter(f"{SHEET}t")) for si in root.iter(f"{SHEET}si")]
        root = ElementTree.fromstring(package.read(f"xl/worksheets/sheet{sheet}.xml"))
    rows = []
    for row in root.iter(f"{SHEET}row"):
        cells = {}
        for cell in row.iter(f"{SHEET}c"):
            letters = re.match(r"[A-Z]+", cell.get("r"))[0]
            column = 0
            for letter in letters:
                column = column * 26 + ord(letter) - 64
            value, inline = cell.find(f"{SHEET}v"), cell.find(f"{SHEET}is")
            if inline is not None:
                cells[column] = "".join(t.text or "" for t in inline.iter(f"{SHEET}t"))
            elif value is not None:
                cells[column] = strings[int(value.text)] if cell.get("t") == "s" else value.text
        if cells:
            rows.append([cells.get(column, "") for column in range(1, max(cells) + 1)])
    return rows


def all_of_docx(path):
    with zipfile.ZipFile(path) as package:
        root = ElementTree.fromstring(package.read("word/document.xml"))
    text = lambda cell: "".join(t.text or "" for t in cell.iter(f"{WORD}t")).strip()
    return [[[text(cell) for cell in row.iter(f"{WORD}tc")] for row in table.iter(f"{WORD}tr")] for table in root.iter(f"{WORD}tbl")]


def of_docx(path, number=0):
    return all_of_docx(path)[number]


def all_of_ods(path):
    with zipfile.ZipFile(path) as package:
        root = ElementTree.fromstring(package.read("content.xml"))
    text = lambda cell: "".join(cell.itertext()).strip()
    cells = lambda row: [text(cell) for cell in row.iter(f"{OPEN}table-cell")]
    return [[cells(row) for row in table.iter(f"{OPEN}table-row")] for table in root.iter(f"{OPEN}table")]


class Html(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tables, self.open = [], []

    def handle_starttag(self, tag, attributes):
        if tag == "table":
            self.open.append([])
            self.tables.append(self.open[-1])
        elif tag == "tr" and self.open:
            self.open[-1].append([])
        elif tag in ("td", "th") and self.open and self.open[-1]:
            self.open[-1][-1].append("")
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag):
        if tag == "table" and self.open:
            self.open.pop()

    def handle_data(self, data):
        if self.cdata_elem is None and self.open and self.open[-1] and self.open[-1][-1]:
            self.open[-1][-1][-1] += data


def all_of_html(path):
    parser = Html()
    parser.feed(open(path, encoding="utf-8", errors="replace").read())
    return [[[" ".join(cell.split()) for cell in row] for row in table] for table in parser.tables]


def of_html(path, named):
    """The table with a cell that is this."""
    return next(table for table in all_of_html(path) if any(named in row for row in table))


def of_markdown(path):
    lines = [line.strip().strip("|") for line in open(path, encoding="utf-8") if "|" in line]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]


def number(text):
    """A number of a cell, without currency, unit and marks of thousands."""
    return float(re.sub(r"[^\d.\-]", "", text))
