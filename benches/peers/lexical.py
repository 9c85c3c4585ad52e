#!/usr/bin/env python3
"""BM25 of many languages by bm25s, with the tokenizer that people take for each, beside `rag eval --mode lexical`.

    pip install bm25s PyStemmer jieba pythainlp
    python3 benches/peers/lexical.py RAG DATA es de ru ar zh hi th

DATA holds XQuAD in the BEIR layout as xquad-LANG. bm25s gets Snowball's stemmer of the language where there is one, jieba's
words for Chinese and pythainlp's for Thai; k1 1.5, b 0.75, Lucene's idf, as ours. Prints a Markdown table of nDCG@10.
"""

import argparse
import json
import math
import pathlib
import re
import subprocess

import bm25s
import Stemmer

SNOWBALL = {"es": "spanish", "de": "german", "ru": "russian", "ar": "arabic", "hi": "hindi", "en": "english"}


def tokenizer(lang):
    if lang == "zh":
        import jieba

        jieba.setLogLevel(60)
        return lambda text: [word for word in jieba.lcut(text.lower()) if re.search(r"\w", word)]
    if lang == "th":
        from pythainlp.tokenize import word_tokenize

        return lambda text: [word for word in word_tokenize(text.lower(), engine="newmm") if re.search(r"\w", word)]
    # marks of Hindi and Arabic stand inside words
    words = re.compile(r"[\w\u0900-\u097f\u064b-\u065f]+")
    stemmer = Stemmer.Stemmer(SNOWBALL[lang])
    return lambda text: stemmer.stemWords(words.findall(text.lower()))


def lines(path):
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def peer(folder, lang):
    split = tokenizer(lang)
    corpus, queries = lines(folder / "corpus.jsonl"), lines(folder / "queries.jsonl")
    wanted = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines():
        query, document, grade = line.split("\t")[0], line.split("\t")[-2], line.split("\t")[-1]
        if grade.isdigit() and int(grade) > 0:
            wanted.setdefault(query, set()).add(document)
    index = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    index.index([split(entry["text"]) for entry in corpus], show_progress=False)
    total, count = 0.0, 0
    for query in queries:
        relevant = wanted.get(query["_id"])
        if not relevant:
            continue
        found, _ = index.retrieve([split(query["text"])], k=10, show_progress=False)
        gains = [1 / math.log2(rank + 2) for rank, place in enumerate(found[0]) if corpus[place]["_id"] in relevant]
        total += sum(gains) / sum(1 / math.log2(rank + 2) for rank in range(min(10, len(relevant))))
        count += 1
    return total / count


def ours(rag, folder):
    files = [f"--{name}={folder / file}" for name, file in (("corpus", "corpus.jsonl"), ("queries", "queries.jsonl"), ("qrels", "qrels.tsv"))]
    done = subprocess.run([rag, "eval", "--mode", "lexical", "--json", *files], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)["metrics"]["ndcg@10"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rag")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("languages", nargs="+")
    arguments = parser.parse_args()
    print("| XQuAD | ours | bm25s |\n|---|---|---|")
    for lang in arguments.languages:
        folder = arguments.data / f"xquad-{lang}"
        print(f"| {lang} | {ours(arguments.rag, folder):.4f} | {peer(folder, lang):.4f} |", flush=True)


if __name__ == "__main__":
    main()
