"""Twenty questions over tables that the code was not written with, and some that no table answers: see shared.py."""

import json
import pathlib

from readers import number, of_csv, of_docx, of_html, of_markdown, of_xlsx

DATA = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"


def questions(data):
    out = []

    def ask(file, lang, kind, question, figure):
        if isinstance(figure, float):
            figure = f"{round(figure + 1e-9, 4):.4f}".rstrip("0").rstrip(".")
        out.append({"file": file, "lang": lang, "kind": kind, "question": question, "figure": str(figure)})

    file = "docs/docling/xlsx/sources/xlsx_09_section_label_header.xlsx"
    rows = [row for row in of_xlsx(data / file, 1) if len(row) > 3]
    books = [dict(zip(rows[0], row)) for row in rows[1:]]
    ask(file, "en", "look-up", "Who is the author of The Hound of the Baskervilles?", books[0]["Author"])
    ask(file, "fr", "look-up", "Quel est le publisher de A Brief History of Time ?", books[1]["Publisher"])
    ask(file, "en", "look-up", "Which title did Arthur Conan Doyle write?", books[0]["Title"])

    file = "docs/docling/docx/sources/drawingml.docx"
    series = [["Category 1", 4.3, 2.4, 2.0], ["Category 2", 2.5, 4.4, 2.0], ["Category 3", 3.5, 1.8, 3.0], ["Category 4", 4.5, 2.8, 5.0]]
    ask(file, "en", "look-up", "What is the value of Series 2 for Category 3?", series[2][2])
    ask(file, "en", "sum", "What is the sum of Series 1?", sum(row[1] for row in series))
    ask(file, "en", "mean", "What is the average of Series 3?", sum(row[3] for row in series) / 4)
    ask(file, "fr", "max", "Quel est le maximum de Series 2 ?", max(row[2] for row in series))

    file = "docs/docling/html/sources/kvp_data_example.html"
    table = of_html(data / file, "Coffee")
    items = [dict(zip(table[0], row)) for row in table[1:]]
    ask(file, "en", "look-up", "What is the quantity of Lunch?", next(i for i in items if i["Item Description"] == "Lunch")["Quantity"])
    ask(file, "en", "sum", "What is the total quantity?", sum(int(i["Quantity"]) for i in items))

    file = "docs/kreuzberg/spreadsheets/excel_multi_sheet.xlsx"
    second = next(rows for sheet in (1, 2) if (rows := of_xlsx(data / file, sheet))[0][0] == "Product")
    goods = [dict(zip(second[0], row)) for row in second[1:]]
    ask(file, "en", "max", "Which product has the highest value?", max(goods, key=lambda g: float(g["Value"]))["Product"])
    ask(file, "fr", "count", "Combien de produits ont une value de plus de 1 ?", sum(float(g["Value"]) > 1 for g in goods))

    file = "docs/markitdown/test_files/test.xlsx"
    rows = of_xlsx(data / file, 1)
    greek = [dict(zip(rows[0], row)) for row in rows[1:]]
    ask(file, "en", "sum", "What is the total of Alpha?", int(sum(float(g["Alpha"]) for g in greek)))
    ask(file, "en", "max", "What is the highest value of Gamma?", int(max(float(g["Gamma"]) for g in greek)))
    ask(file, "en", "filter", "How many rows have an Alpha above 80?", sum(float(g["Alpha"]) > 80 for g in greek))
    ask(file, "en", "two conditions", "How many rows have an Alpha above 50 and a Delta below 50?", sum(float(g["Alpha"]) > 50 and float(g["Delta"]) < 50 for g in greek))

    file = "docs/kreuzberg/text/birth_control.md"
    methods = {row[0]: row for row in of_markdown(data / file) if len(row) == 3}
    ask(file, "en", "look-up", "What is the typical use of no birth control?", methods["No birth control"][1])
    ask(file, "en", "look-up", "What is the perfect use of Sterilization (female)?", methods["Sterilization (female)"][2])

    file = "docs/docling/html/sources/example_08.html"
    table = of_html(data / file, "Month")
    months = {row[-3]: row for row in table[1:] if len(row) >= 3}
    ask(file, "en", "look-up", "What was the cost in February?", months["February"][-1])
    ask(file, "en", "max", "In which month was the revenue the highest?", max(months.values(), key=lambda row: number(row[-2]))[-3])

    file = "cacm/qrels.tsv"
    rows = of_csv(data / file, "\t")[1:]
    ask(file, "en", "filter", "How many rows of the table cacm-qrels have the query-id 10?", sum(row[0] == "10" for row in rows))
    return out


REFUSED = [
    ("en", "Who is the translator of The Hound of the Baskervilles?"),
    ("en", "What is the price of Lunch?"),
    ("en", "What is the value of Series 5 for Category 3?"),
    ("fr", "Combien de produits ont une couleur rouge ?"),
    ("en", "What is the highest value of Epsilon?"),
    ("en", "What was the cost in August?"),
]

if __name__ == "__main__":
    # python3 tests/tables/later.py > tests/tables/later.json
    print(json.dumps(questions(DATA), indent=1, ensure_ascii=True))
