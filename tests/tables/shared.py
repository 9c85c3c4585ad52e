"""The questions over tables of ../shared/data and their figures, each worked out here from the file itself.

Every entry: file, language, kind, question, figure. A figure is what an answer must hold, with thousands as it likes.
"""

import json
import pathlib

from readers import number, of_csv, of_docx, of_html, of_markdown, of_xlsx

DATA = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"


def named(rows, header=0):
    """Rows as dicts by the names of their columns."""
    names = rows[header]
    return [dict(zip(names, row)) for row in rows[header + 1 :]]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def questions(data):
    docs = data / "docs"
    out = []

    def ask(file, lang, kind, question, figure):
        if isinstance(figure, str) and figure.endswith(".0"):
            figure = figure[:-2]
        if isinstance(figure, float):
            figure = f"{round(figure + 1e-9, 4):.4f}".rstrip("0").rstrip(".")
        out.append({"file": file, "lang": lang, "kind": kind, "question": question, "figure": str(figure)})

    file = "docs/unstructured/stanley-cups.xlsx"
    cups, since = named(of_xlsx(data / file, 1), 1), named(of_xlsx(data / file, 2), 1)
    of = lambda rows, key, value, wanted: next(row[wanted] for row in rows if row[key] == value)
    ask(file, "en", "look-up", "How many Stanley Cups do the Flyers have?", of(cups, "Team", "Flyers", "Stanley Cups"))
    ask(file, "en", "look-up", "Which location does the team Maple Leafs have?", of(cups, "Team", "Maple Leafs", "Location"))
    ask(file, "fr", "look-up", "Combien de Stanley Cups les Blues ont-ils ?", of(cups, "Team", "Blues", "Stanley Cups"))
    ask(file, "en", "count", "How many teams are in the table Stanley Cups Since 67?", len(since))
    ask(file, "en", "look-up", "How many Stanley Cups since 67 do the Maple Leafs have?", of(since, "Team", "Maple Leafs", "Stanley Cups"))

    file = "docs/docling/csv/sources/csv-comma.csv"
    people = named(of_csv(data / file))
    ask(file, "en", "look-up", "What is the email of Sheryl Baxter?", of(people, "First Name", "Sheryl", "Email"))
    ask(file, "en", "look-up", "In which city does the customer Roy Berry live?", of(people, "First Name", "Roy", "City"))
    ask(file, "fr", "look-up", "Quelle est l'adresse e-mail de Linda Olsen ?", of(people, "First Name", "Linda", "Email"))
    ask(file, "en", "look-up", "Which company is in Slovakia?", of(people, "First Name", "Joanna", "Company"))
    ask(file, "en", "filter", "How many customers subscribed in 2021?", sum(p["Subscription Date"].startswith("2021") for p in people))
    ask(file, "en", "max", "What is the latest subscription date?", max(p["Subscription Date"] for p in people))

    file = "docs/kreuzberg/web/simple_table.html"
    goods = named(of_html(data / file, "Product"))
    ask(file, "en", "look-up", "What is the price of the Desk Chair?", of(goods, "Product", "Desk Chair", "Price"))
    ask(file, "fr", "look-up", "Quel est le prix du Notebook ?", of(goods, "Product", "Notebook", "Price"))
    ask(file, "en", "sum", "What is the total stock of all products?", sum(int(g["Stock"]) for g in goods))
    ask(file, "en", "max", "Which product has the highest price?", max(goods, key=lambda g: number(g["Price"]))["Product"])
    ask(file, "fr", "min", "Quel produit a le stock le plus faible ?", min(goods, key=lambda g: int(g["Stock"]))["Product"])
    ask(file, "en", "filter", "How many products have a stock of more than 20?", sum(int(g["Stock"]) > 20 for g in goods))

    file = "docs/markitdown/test_files/test_wikipedia.html"
    table = of_html(data / file, "2005")
    years = [dict(zip(["year", "revenue", "income", "assets", "employees"], row)) for row in table[1:]]
    ask(file, "en", "look-up", "What was the net income in 2010?", of(years, "year", "2010", "income"))
    ask(file, "en", "look-up", "How many employees did Microsoft have in 2005?", of(years, "year", "2005", "employees"))
    ask(file, "fr", "look-up", "Quel \u00e9tait le revenu en 2018 ?", of(years, "year", "2018", "revenue"))
    ask(file, "en", "max", "In which year were the total assets highest?", max(years, key=lambda y: number(y["assets"]))["year"])
    ask(file, "en", "two conditions", "In how many years was the revenue above 100,000 and the number of employees below 150,000?", sum(number(y["revenue"]) > 100000 and number(y["employees"]) < 150000 for y in years))
    ask(file, "en", "mean", "What was the average net income since 2020?", mean(number(y["income"]) for y in years if int(y["year"]) >= 2020))

    table = of_html(data / file, "BlackRock")
    owners = [dict(zip(["name", "share"], row)) for row in table[1:]]
    ask(file, "en", "look-up", "What percentage does the shareholder BlackRock hold?", of(owners, "name", "BlackRock", "share"))
    ask(file, "fr", "look-up", "Quel est le pourcentage de Bill Gates ?", of(owners, "name", "Bill Gates", "share"))
    ask(file, "en", "filter", "How many shareholders have a percentage over 4%?", sum(number(o["share"]) > 4 for o in owners))
    ask(file, "en", "min", "Which shareholder has the lowest percentage?", "BlackRock Life")

    file = "docs/docling/docx/sources/word_sample.docx"
    food = of_docx(data / file, 0)
    foods = [dict(zip(["kind", "food", "calories"], row)) for row in food[1:]]
    ask(file, "en", "look-up", "How many calories per portion do the berries have?", of(foods, "kind", "Berries", "calories"))
    ask(file, "en", "look-up", "Which food counts as grain?", of(foods, "kind", "Grain", "food"))
    ask(file, "en", "mean", "What is the average of the calories per portion?", mean(number(f["calories"]) for f in foods))
    ask(file, "fr", "max", "Quel est le maximum de calories par portion ?", int(max(number(f["calories"]) for f in foods)))

    file = "docs/docling/xlsx/sources/xlsx_comments.xlsx"
    sheet = [[cell for cell in row if cell] for row in of_xlsx(data / file, 1)]
    start = next(at for at, row in enumerate(sheet) if row[:1] == ["Year"])
    ducks = [dict(zip(sheet[start], row)) for row in sheet[start + 1 : start + 7]]
    ask(file, "en", "look-up", "How many saltwater ducks were there in 2021?", of(ducks, "Year", "2021", "Saltwater Ducks"))
    ask(file, "fr", "look-up", "Combien de freshwater ducks en 2023 ?", of(ducks, "Year", "2023", "Freshwater Ducks"))
    ask(file, "en", "sum", "What is the total of freshwater ducks from 2021 to 2023?", int(sum(number(d["Freshwater Ducks"]) for d in ducks if 2021 <= int(d["Year"]) <= 2023)))
    ask(file, "en", "max", "In which year was the number of freshwater ducks the highest?", max(ducks, key=lambda d: number(d["Freshwater Ducks"]))["Year"])
    ask(file, "en", "mean", "What is the average number of saltwater ducks?", mean(number(d["Saltwater Ducks"]) for d in ducks))
    ask(file, "en", "filter", "How many years had more than 150 freshwater ducks?", sum(number(d["Freshwater Ducks"]) > 150 for d in ducks))

    file = "docs/unstructured/simple-table.md"
    items = named(of_markdown(data / file))
    ask(file, "en", "look-up", "What is the price of bananas?", of(items, "Item", "Bananas", "Price"))
    ask(file, "en", "look-up", "How many Juicy Apples are in stock?", of(items, "Item", "Juicy Apples", "# In stock"))
    ask(file, "fr", "look-up", "Quel est le prix des Juicy Apples ?", of(items, "Item", "Juicy Apples", "Price"))
    ask(file, "en", "min", "Which is the cheapest item?", min(items, key=lambda i: number(i["Price"]))["Item"])

    file = "docs/unstructured/table-multi-row-column-cells-actual.csv"
    rows = of_csv(data / file)
    groups = [dict(zip(rows[0][:4] + ["Accuracy", "Time"], row)) for row in rows[2:]]
    ask(file, "en", "look-up", "How many participants are in the disability category Low Vision?", of(groups, "Disability Category", "Low Vision", "Participants"))
    ask(file, "en", "sum", "What is the total number of participants?", sum(int(g["Participants"]) for g in groups))
    ask(file, "en", "sum", "What is the sum of the ballots completed?", sum(int(g["Ballots Completed"]) for g in groups))
    ask(file, "en", "max", "Which disability category has the most ballots completed?", max(groups, key=lambda g: int(g["Ballots Completed"]))["Disability Category"])
    ask(file, "fr", "filter", "Combien de disability categories ont plus de 4 participants ?", sum(int(g["Participants"]) > 4 for g in groups))
    ask(file, "en", "two conditions", "Which disability category has 5 participants and more than 3 ballots completed?", next(g["Disability Category"] for g in groups if g["Participants"] == "5" and int(g["Ballots Completed"]) > 3))

    file = "docs/pandoc/docx/tables.docx"
    players = named(of_docx(data / file, 0))
    ask(file, "en", "look-up", "Which game does Ryan Braun play?", of(players, "Name", "Ryan Braun", "Game"))
    ask(file, "en", "look-up", "What is the blame of Russell Wilson?", of(players, "Name", "Russell Wilson", "Blame"))
    ask(file, "fr", "look-up", "Quel est le nom avec le game Basketball ?", of(players, "Game", "Basketball", "Name"))
    ask(file, "en", "look-up", "Who has a moderate fame?", of(players, "Fame", "Moderate", "Name"))

    file = "cisi/qrels.tsv"
    pairs = named(of_csv(data / file, "\t"))
    ask(file, "en", "count", "How many rows does the table qrels have?", len(pairs))
    ask(file, "en", "filter", "How many rows of qrels have the query-id 1?", sum(p["query-id"] == "1" for p in pairs))
    ask(file, "en", "max", "What is the highest corpus-id in qrels?", max(int(p["corpus-id"]) for p in pairs))
    ask(file, "fr", "filter", "Combien de lignes de qrels ont le query-id 35 ?", sum(p["query-id"] == "35" for p in pairs))
    ask(file, "en", "two conditions", "How many rows of qrels have a query-id below 10 and a corpus-id above 1000?", sum(int(p["query-id"]) < 10 and int(p["corpus-id"]) > 1000 for p in pairs))

    file = "docs/unstructured/2023-half-year-analyses-by-segment.xlsx"
    ask(file, "en", "look-up", "What are the sales of Nespresso in 2023?", "3128")
    ask(file, "en", "look-up", "What is the trading operating profit of Zone GC in 2023?", "418")
    ask(file, "en", "max", "Which zone has the highest sales in 2023?", "Zone NA")
    ask(file, "fr", "look-up", "Quelles sont les ventes de Zone EUR en 2023 ?", "9467")
    return out


# what no table of the same files holds: a column, a value or a subject that is not there
REFUSED = [
    ("en", "What is the colour of the Desk Chair?"),
    ("en", "What is the price of the Keyboard?"),
    ("fr", "Quel est le prix du p\u00e9trole ?"),
    ("en", "How many Stanley Cups do the Canadiens have?"),
    ("en", "What is the salary of Sheryl Baxter?"),
    ("en", "What was the net income in 1998?"),
    ("fr", "Combien de calories par portion le chocolat a-t-il ?"),
    ("en", "How many ducks were shot in 2021?"),
    ("en", "What is the total weight of all products?"),
    ("en", "Which product has the highest rating?"),
    ("en", "How many participants were left-handed?"),
    ("fr", "Quelle est la moyenne des \u00e2ges des clients ?"),
    ("en", "What is the price of bananas in Japan?"),
    ("en", "How many cars did Microsoft sell in 2010?"),
    ("en", "Which game does Roger Federer play?"),
]


if __name__ == "__main__":
    # python3 tests/tables/shared.py > tests/tables/shared.json
    print(json.dumps(questions(DATA), indent=1, ensure_ascii=True))
