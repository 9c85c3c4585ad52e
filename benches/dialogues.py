#!/usr/bin/env python3
"""How often the second turn of a dialogue finds its passage, and how often the answer holds what it should.

    python3 benches/dialogues.py DATA WORK [--encoder e5-small] [--llm none] [--rewrite none] [--cases]

DATA holds collections in the BEIR layout, WORK keeps the knowledge bases made of them. The dialogues are
benches/questions/dialogues.jsonl: 20 follow-ups ("Et les Zirides ?") and 10 changes of subject in each of two languages, over
XQuAD-en and PIAF. Prints a Markdown table.
"""

import argparse
import collections
import json
import pathlib

import rag_py

DIALOGUES = pathlib.Path(__file__).parent / "questions" / "dialogues.jsonl"


def opened(work, data, collection, arguments):
    """A knowledge base with a file for each passage of a collection."""
    folder = work / collection
    folder.mkdir(parents=True, exist_ok=True)
    for line in open(data / collection / "corpus.jsonl", encoding="utf8"):
        passage = json.loads(line)
        path = folder / f"{passage['_id']}.txt"
        if not path.exists():
            path.write_text(passage["text"], encoding="utf8")
    kb = rag_py.open(work / f"{collection}-{arguments.encoder}.rag", encoder=arguments.encoder, llm=arguments.llm)
    kb.sync(folder)
    return kb


def asked(kb, dialogue, rewrite):
    """The second turn: where its passage stands among those found (0 if it does not), and the answer."""
    history = [
        {"role": "user", "content": dialogue["first"]},
        {"role": "assistant", "content": dialogue["answer"]},
    ]
    answer = kb.ask(dialogue["then"], history=history, rewrite=rewrite, explain=True)
    found = [pathlib.Path(hit["uri"]).stem for hit in answer.trace["hits"]]
    place = found.index(dialogue["passage"]) + 1 if dialogue["passage"] in found else 0
    return place, answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--encoder", default="e5-small")
    parser.add_argument("--llm", default="none")
    parser.add_argument("--rewrite", default="none")
    parser.add_argument("--cases", action="store_true", help="print each dialogue that went wrong")
    arguments = parser.parse_args()
    dialogues = [json.loads(line) for line in open(DIALOGUES, encoding="utf8")]
    rows = collections.defaultdict(list)
    for collection in dict.fromkeys(dialogue["collection"] for dialogue in dialogues):
        kb = opened(arguments.work, arguments.data, collection, arguments)
        for dialogue in dialogues:
            if dialogue["collection"] != collection:
                continue
            place, answer = asked(kb, dialogue, arguments.rewrite)
            is_right = dialogue["contains"].lower() in answer.text.lower().replace("\u202f", " ").replace("\xa0", " ")
            rows[dialogue["lang"], dialogue["kind"]].append((place == 1, 1 <= place <= 3, is_right, not answer.found))
            if arguments.cases and not (place == 1 and is_right):
                print(f"{place} {dialogue['first']} / {dialogue['then']} -> {answer.text!r} {answer.reason}")
    print(f"| {arguments.encoder}, {arguments.llm}, {arguments.rewrite} | turns | first | in the top 3 | answer holds it | refused |")
    print("|---|---|---|---|---|---|")
    for (lang, kind), found in rows.items():
        shares = [sum(column) / len(found) for column in zip(*found)]
        print(f"| {lang}, {kind} | {len(found)} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")


if __name__ == "__main__":
    main()
