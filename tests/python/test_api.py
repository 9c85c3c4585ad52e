"""What each call takes and gives."""

import asyncio
import contextlib
import json
import logging
import math
import os
import pathlib
import pickle
import re
import sqlite3
import sys
import types

import numpy as np
import pytest

import rag_py
from conftest import BRIDGE, DOCUMENTS, ROOT, model
from rag_py import errors, types as shapes


def names(hits):
    return [pathlib.Path(hit.uri).name for hit in hits]


def test_a_hit_is_also_a_pair(kb):
    hit = kb.search(BRIDGE, top_k=1)[0]
    passage_id, score = hit
    assert (hit[0], hit[1], hit[-1], len(hit)) == (passage_id, score, score, 2)
    assert (hit.passage_id, hit.score) == tuple(hit) == hit[:]
    with pytest.raises(IndexError):
        hit[2]
    assert kb.search(BRIDGE, 1)[0][0] == hit.passage_id


def test_a_hit_shows_its_bytes_in_the_file(kb):
    hit = kb.search(BRIDGE, 1)[0]
    source = pathlib.Path(hit.uri).read_bytes()
    assert source[hit.source_start : hit.source_end].decode() == hit.text
    assert kb.passage(hit.passage_id).text == hit.text
    assert hit.ranks["dense"] == 1 and hit.ranks["lexical"] == 1


def test_results_are_equal_by_value_frozen_and_plain_on_demand(kb):
    first, again = kb.search(BRIDGE, 1)[0], kb.search(BRIDGE, 1)[0]
    assert first == again and first is not again and first != kb.search("bees", 1)[0]
    with pytest.raises(AttributeError):
        first.score = 1.0
    for value in (first, kb.passage(first.passage_id), kb.sync(dry_run=True, *[first.uri])):
        plain = value.to_dict()
        for key, entry in plain.items():
            if key not in ("skipped", "unread"):
                assert getattr(value, key) == entry
        assert repr(value).startswith(type(value).__name__ + "(")


def test_modes_and_top_k(kb):
    assert len(kb.search(BRIDGE)) == 3
    assert len(kb.search(BRIDGE, top_k=2)) == 2
    assert names(kb.search("cluster queen", mode="lexical")) == ["bees.md"]
    assert names(kb.search(BRIDGE, 1, mode="dense", index="flat")) == ["bridge.txt"]
    with pytest.raises(errors.InvalidArgumentError, match="mode.*fuzzy.*hybrid, dense, lexical"):
        kb.search(BRIDGE, mode="fuzzy")
    with pytest.raises(TypeError, match="search.. got an unexpected keyword argument 'modus'"):
        kb.search(BRIDGE, modus="dense")


def test_sync_mirrors_a_folder(kb, folder):
    report = kb.sync(str(folder))
    assert (report.added, report.unchanged, report.skipped) == (0, 3, [])
    (folder / "bees.md").unlink()
    (folder / "new.txt").write_text("The lighthouse keeper writes the log each night.\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    plan = kb.sync(folder, dry_run=True)
    assert (plan.removed, kb.info()["document_count"]) == (1, 3)
    report = kb.sync(folder)
    assert (report.added, report.removed, report.unchanged) == (1, 1, 2)
    [skipped] = report.skipped
    assert skipped.path == os.path.realpath(folder / "broken.pdf") and skipped.code == "Document"
    assert report.to_dict()["skipped"] == [
        {"path": skipped.path, "code": "Document", "message": skipped.message, "unreadable": "Broken"}
    ]


def test_progress_tells_each_file_and_its_exception_comes_out(tmp_path, folder):
    with rag_py.open(tmp_path / "kb.rag", encoder=model("minilm")) as kb:
        steps = []
        kb.sync(folder, progress=steps.append)
        files = [step for step in steps if step.stage == "index"]
        assert [(step.done, step.total) for step in files] == [(1, 3), (2, 3), (3, 3)]
        assert sorted(pathlib.Path(step.path).name for step in files) == sorted(DOCUMENTS)
        size = sum(len(text.encode()) for text in DOCUMENTS.values())
        assert (files[-1].done_bytes, files[-1].total_bytes, files[-1].remaining) == (size, size, 0)
        assert files[0].elapsed > 0 and files[0].passages_per_second > 0 and files[0].remaining > 0

        (folder / "bees.md").write_text("Bees again.\n")
        (folder / "bridge.txt").write_text("A bridge again.\n")

        def fail(step):
            raise ZeroDivisionError(step.path)

        with pytest.raises(ZeroDivisionError):
            kb.sync(folder, progress=fail)
        assert kb.sync(folder).updated == 1, "the document reported before the exception is kept"


def test_options_of_the_graph_are_checked(tmp_path, folder):
    with rag_py.open(tmp_path / "kb.rag", encoder=model("minilm")) as kb:
        for options in ({"hnsw_m": 65}, {"hnsw_m": 1}, {"hnsw_ef_construction": 0}):
            with pytest.raises(ValueError, match="is outside (1 to 10,000|2 to 64)"):
                kb.sync(folder, **options)
        assert kb.sync(folder, hnsw_m=8, hnsw_ef_construction=50).added == 3


def test_a_callback_may_read(tmp_path, folder):
    with rag_py.open(tmp_path / "kb.rag", encoder=model("minilm")) as kb:
        counts = []
        kb.sync(folder, progress=lambda step: counts.append(len(kb.search("bees"))))
        assert counts == [1, 2, 3]


def test_progress_line_goes_to_standard_error(tmp_path, folder, capfd):
    with rag_py.open(tmp_path / "kb.rag", encoder=model("minilm")) as kb:
        kb.sync(folder, progress=True)
    out, err = capfd.readouterr()
    assert out == "" and "index 3/3, 3 passages\n" in err


def test_what_calls_return_is_pickled(kb):
    hit = kb.search(BRIDGE, top_k=1)[0]
    citation = kb.ask(BRIDGE, extract=True, abstain="never").citations[0]
    answer = kb.ask(BRIDGE, extract=True, explain=True, mask=True)
    refused = kb.ask(BRIDGE, extract=True, deny=["bridge"])
    assert answer.trace and refused.refusal
    for value in (hit, citation, kb.passage(hit.passage_id), answer, refused, *kb.documents()):
        again = pickle.loads(pickle.dumps(value))
        assert type(again) is type(value) and again == value and again.to_dict() == value.to_dict()
    with pytest.raises(errors.InvalidArgumentError):
        rag_py._native.restore("Hit", "{}")


def test_a_notebook_gets_a_bar(tmp_path, folder, monkeypatch):
    """One bar, drawn anew; IPython stands in as it is while a notebook runs."""
    shown = []

    class Handle:
        def update(self, picture):
            shown.append(picture)

    def display(picture, display_id):
        shown.append(picture)
        return Handle()

    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.HTML, ipython.display.display = str, display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    with rag_py.open(tmp_path / "bar.rag", encoder=model("minilm")) as kb:
        kb.sync(folder, progress=True)
    assert "index 3/3, 3 passages" in shown[-1] and '<progress value="3" max="3">' in shown[-1]


def test_what_happens_is_logged(kb, folder, caplog):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    with caplog.at_level(logging.DEBUG, logger="rag_py"):
        kb.sync(folder)
        kb.ask(BRIDGE, extract=True)
        stream = kb.ask(BRIDGE, extract=True, stream=True)
        assert list(stream) and stream.answer.found
        kb.chat(extract=True).say(BRIDGE)
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in lines] == ["INFO", "INFO", "DEBUG", "DEBUG", "DEBUG"]
    assert "3 unchanged, 1 skipped" in lines[0][1] and "broken.pdf" in lines[1][1]
    assert all(line.startswith("answered with 1 citation") for _, line in lines[2:])


def test_texts_are_added_replaced_and_removed():
    with rag_py.open(":memory:", encoder=model("minilm")) as kb:
        ids = kb.add(["Bees live in hives.", "Trains run on rails."], metadata={"kind": "fact"})
        assert len(ids) == 2 and kb.search("railway", 1)[0][0] == ids[1]
        assert len(kb.add("Trains run on rails.")) == 1
        assert kb.info()["document_count"] == 2, "the same text is the same document"
        kb.add("Boats float.", uri="boats")
        kb.add("Boats sink.", uri="boats")
        assert [hit.text for hit in kb.search("boats", 1)] == ["Boats sink."]
        assert kb.remove("boats") and not kb.remove("boats")
        with pytest.raises(errors.InvalidArgumentError, match="invalid uri"):
            kb.add(["one", "two"], uri="both")
        with pytest.raises(TypeError):
            kb.add(7)


def test_ask_cites_what_the_file_says(qa):
    answer = qa.ask(BRIDGE, explain=True)
    assert answer.found and "1871" in answer.text and answer.reason is None
    citation = answer.citations[0]
    source = pathlib.Path(citation.uri).read_bytes()
    assert source[citation.source_start : citation.source_end].decode() == citation.quote
    assert citation.status == qa.verify(citation) == "ok"
    assert answer.trace.keys() == shapes.Trace.__annotations__.keys()
    assert answer.timings.keys() == shapes.Timings.__annotations__.keys()
    assert BRIDGE in answer.trace["prompt"] and answer.timings["answer_token_count"] > 0
    plain = answer.to_dict()
    assert plain["citations"] == [each.to_dict() for each in answer.citations]
    assert (plain["found"], plain["text"]) == (True, answer.text)
    assert citation.quote in answer._repr_html_()


def test_ask_says_when_it_does_not_know(qa):
    answer = qa.ask("How many goals did Brazil score in the 1970 world cup final?")
    assert not answer.found and answer.text == "" and answer.citations == []
    assert answer.reason in ("below_floor", "uncovered", "unsupported") and answer.trace is None


def test_an_answer_without_a_generator_is_a_sentence_of_the_documents(qa):
    answer = qa.ask(BRIDGE, extract=True, explain=True)
    assert answer.found and "1871" in answer.text
    assert answer.citations[0].evidence == "quote" and answer.citations[0].status == "ok"
    assert answer.timings["answer_token_count"] == 0
    assert answer.trace["coverage"] == 1.0, "the passages of the question's language are judged by its words"
    with rag_py.open(":memory:", encoder=model("minilm"), llm="none") as kb:
        kb.add("The mill has three wheels. It grinds rye.")
        answer = kb.ask("How many wheels does the mill have?", explain=True)
        assert "three wheels" in answer.text and answer.trace["coverage"] >= answer.trace["min_coverage"] > 0


def test_searches_are_fused_spread_and_widened(qa):
    by_score, by_rank = qa.search(BRIDGE, 1)[0], qa.search(BRIDGE, 1, fusion="rrf")[0]
    assert by_score.passage_id == by_rank.passage_id and 0 <= by_rank.score < 0.04 < by_score.score <= 1
    assert by_score.bm25 > 0
    assert len(qa.search(BRIDGE, 2, diversity=0.5)) == 2
    with rag_py.open(":memory:", encoder=model("minilm")) as kb:
        kb.add(" ".join(f"Mill number {number} grinds rye and wheat for the villages." for number in range(60)))
        alone = kb.search("mill number 30", 1)
        around = kb.search("mill number 30", 1, context=1)
        assert len(alone) == 1 and len(around) > 1 and alone[0].passage_id in [hit.passage_id for hit in around]
        assert len(kb.search("mill number 30", 1, context="section")) >= len(around)
    for wrong in ({"fusion": "mean"}, {"diversity": 2.0}, {"context": "page"}, {"context": 1000}):
        with pytest.raises(errors.InvalidArgumentError):
            qa.search(BRIDGE, **wrong)


def test_marks_titles_and_copies():
    with rag_py.open(":memory:", encoder=model("minilm")) as kb:
        text = "The gauge at the lighthouse is read twice a day, at noon and at midnight, by the guard."
        first = kb.add(text, uri="north/AnnualReport2024.txt")[0]
        copy = kb.add(text, uri="south/old.txt")[0]
        other = kb.add("Boats enter the harbour at high water only.", uri="harbour.txt")[0]
        found = lambda typed, **options: [hit.passage_id for hit in kb.search(typed, **options)]
        assert found("annual report 2024")[0] == first
        (hit,) = kb.search('"read twice a day"', duplicates="fold")
        assert hit.passage_id == first and hit.copies == [{"passage_id": copy, "uri": "south/old.txt"}]
        assert kb.search("guards of the annual gauge", 1)[0].matched("annual guards") == [
            {"field": "name", "words": ["Annual"]}, {"field": "text", "words": ["guard"]}]
        assert found('"read twice a day"') == [first, copy]
        assert found('"twice read a day"') == []
        assert found('"twice read a day"', syntax="plain")[:2] == [first, copy]
        assert found("guard OR boats -lighthouse") == [other] == found("file:harbour*")
        kb.add(text.replace("guard.", "keeper."), uri="south/new.txt")
        assert len(kb.search("gauge", 5, duplicates="near")) < len(kb.search("gauge", 5, duplicates="fold"))
        assert found("gauge guard", boosts=["path = 'harbour.txt' ^ 100"])[0] == other
        wrong = ({"recency": 0}, {"recency": "soon"}, {"boosts": ["kind = text"]}, {"boosts": ["kind = text ^ -1"]})
        for wrong in ({"syntax": "google"}, {"duplicates": "drop"}, *wrong):
            with pytest.raises(errors.InvalidArgumentError):
                kb.search("x", **wrong)


def test_versions_and_recency(tmp_path):
    path = tmp_path / "kb.rag"
    with rag_py.open(path, encoder=model("minilm")) as kb:
        for name, date in {"plan_v1.md": "2020-05-01", "plan_v2.md": "2024-05-01", "rota.md": "2022-05-01"}.items():
            kb.add(f"The mast is painted by the crew of {name}.", uri=f"/docs/{name}", metadata={"date": date})
        hits = {hit.uri: hit for hit in kb.search("Who paints the mast?")}
        assert hits["/docs/plan_v1.md"].newer == "/docs/plan_v2.md" == hits["/docs/plan_v1.md"].to_dict()["newer"]
        assert hits["/docs/plan_v2.md"].newer is None and "newer" not in hits["/docs/rota.md"].to_dict()
        assert [hit.uri for hit in kb.search("mast", mode="lexical", recency=30)][0] == "/docs/plan_v2.md"
        assert kb.search("mast", recency="30:date")[0].uri == "/docs/plan_v2.md"


def test_a_knowledge_base_is_a_container():
    with rag_py.open(":memory:", encoder=model("minilm")) as kb:
        assert len(kb) == 0 and kb and list(kb) == [] and "a" not in kb
        for uri, year in {"a": "2019", "b": "2021", "c": "2023"}.items():
            kb.add(f"The mast of {uri} is painted.", uri=uri, metadata={"year": year})
        assert len(kb) == 3 and "b" in kb and "d" not in kb and [document.uri for document in kb] == ["a", "b", "c"]
        found = lambda filter: sorted(hit.uri for hit in kb.search("mast", filter=filter))
        assert found({"year": {">=": 2020}}) == ["b", "c"] == [document.uri for document in kb.documents({"year": [2021, "2023"]})]
        assert found({"year": {">": 2019, "<": 2023}, "kind": "text"}) == ["b"] == found("year = 2021")
        assert found({"path": {"glob": "[ab]"}}) == ["a", "b"]
        for wrong in ({"year": {"~": 1}}, {"year": {}}, {}):
            with pytest.raises(errors.InvalidArgumentError):
                kb.search("mast", filter=wrong)
        for wrong in ({"year": object()}, 3.5j, {"year": None}):
            with pytest.raises(TypeError):
                kb.search("mast", filter=wrong)
        for wrong in (None, {}, ""):
            with pytest.raises(errors.InvalidArgumentError):
                kb.remove_where(wrong)
        assert kb.remove_where({"year": {"<": 2022}}) == ["a", "b"] and len(kb) == 1
    assert "closed" in repr(kb)
    with pytest.raises(errors.InvalidArgumentError):
        len(kb)


def test_a_filter_of_a_handle_cannot_be_widened(tmp_path):
    path = tmp_path / "kb.rag"
    with rag_py.open(path, encoder=model("minilm")) as kb:
        kb.add("The mast is painted in May.", uri="/team/a.txt", metadata={"year": "2024"})
        kb.add("The code of the vault is 4711.", uri="/board/b.txt", metadata={"year": "2020"})
    with rag_py.open(path, filter="path glob '/team/*'", llm="none") as kb:
        assert [document.uri for document in kb.documents()] == ["/team/a.txt"]
        assert [hit.uri for hit in kb.search("What is the code of the vault?", 9, filter="year <= 2020 OR year > 0")] == ["/team/a.txt"]
        assert "4711" not in kb.ask("What is the code of the vault?").text
        for refused in (lambda: kb.add("more"), lambda: kb.backup(tmp_path / "copy.rag"), kb.check, kb.vacuum):
            with pytest.raises(errors.RagError):
                refused()
    for wrong in ("kind =", "title = 'a\0b'"):
        with pytest.raises(errors.InvalidArgumentError):
            rag_py.open(path, filter=wrong)
    with pytest.raises(errors.InvalidArgumentError):
        rag_py.open(path, filter="kind = text", access="read_write")


def test_passages_are_fenced_and_cut_to_what_matters(qa):
    prompt = lambda **options: qa.ask(BRIDGE, explain=True, max_new_tokens=8, **options).trace["prompt"]
    whole, fenced = prompt(answer_length="sentences"), prompt(answer_length="sentences", fence=True)
    assert "[/" in fenced and "[/" not in whole
    cut = prompt(answer_length="sentences", sentences=1)
    assert len(cut) < len(whole) and "1871" in cut


def test_the_prompt_takes_examples_and_an_order(qa):
    whole = {"answer_length": "sentences"}
    prompt = lambda **options: qa.ask(BRIDGE, explain=True, max_new_tokens=4, **whole, **options).trace["prompt"]
    example = {"passages": ["Tilia means linden."], "question": "What is Tilia?", "answer": "A linden."}
    assert "Tilia means linden." in prompt(examples=[example])
    assert "lighthouse" in prompt() and "lighthouse" not in prompt(examples=[])
    first, last = prompt(order="best-first"), prompt()
    assert first.index("in 1871") < first.rindex("[2]") and last.index("in 1871") > last.rindex("[2]")
    told = qa.prompt(BRIDGE, examples=[example], **whole)
    assert told.keys() == shapes.Prompt.__annotations__.keys()
    assert told["text"] == prompt(examples=[example]) and len(told["token_ids"]) > 20
    for wrong in ({"order": "worst"}, {"rewrite": "variants:9"}):
        with pytest.raises(errors.InvalidArgumentError):
            qa.ask(BRIDGE, **wrong)
    with pytest.raises(KeyError):
        qa.ask(BRIDGE, examples=[{"question": "?"}])


def test_a_follow_up_is_rewritten_for_the_search(qa):
    history = [
        {"role": "user", "content": "Which river does the stone bridge cross?"},
        {"role": "assistant", "content": "The Velden."},
    ]
    options = {"history": history, "explain": True, "max_new_tokens": 8, "abstain": "never"}
    assert qa.ask("When was it opened?", **options).trace["rewritten"] == []
    trace = qa.ask("When was it opened?", rewrite="standalone", **options).trace
    assert len(trace["rewritten"]) == 1
    assert trace["hits"][0]["text"] == DOCUMENTS["bridge.txt"].strip(), "found however badly it was rewritten"


def test_drafts_say_whose_words_each_sentence_is(qa):
    draft = qa.compose("Write a synthesis on the bridge.", extract=True)
    assert draft.found and draft.kind == "synthesis" and draft.reason is None and not draft.unwritten
    sentences = [sentence for section in draft.sections for sentence in section["sentences"]]
    assert sentences and all(sentence["origin"] == "cited" and sentence["markers"] for sentence in sentences)
    assert "1871" in draft.text and "[1]" in draft.text and draft.citations[0].marker == 1
    assert pickle.loads(pickle.dumps(draft)) == draft and draft.to_dict()["kind"] == "synthesis"
    assert repr(draft).startswith("Draft(kind='synthesis', found=True, text=")
    options = qa.compose("Propose three scenarios for the bridge.", kind="scenarios", max_sentences=2, max_new_tokens=48)
    assert [part["part"] for part in options.sections].count("option") == 3
    assert not asyncio.run(qa.acompose("Explain how a violin is tuned.", kind="explain", extract=True)).found
    for wrong in ({"kind": "poem"}, {"max_sentences": 21}):
        with pytest.raises(errors.InvalidArgumentError):
            qa.compose("the bridge", **wrong)
    with pytest.raises(errors.InvalidArgumentError):
        qa.compose(" ")


def test_summaries_are_cited(qa, tmp_path):
    summary = qa.summarize("What is known about the bridge?", extract=True, max_sentences=2)
    assert summary.found and "1871" in summary.text and summary.citations
    uri = summary.citations[0].uri
    whole = qa.summarize(document=uri, max_new_tokens=64)
    assert all(citation.uri == uri and citation.status == "ok" for citation in whole.citations)
    pieces = list(qa.summarize(document=uri, extract=True, stream=True))
    assert "1871" in "".join(pieces)
    assert asyncio.run(qa.asummarize(document=uri, extract=True)).found
    for wrong in ({}, {"question": "?", "document": uri}, {"document": uri, "max_sentences": 0}):
        with pytest.raises(errors.InvalidArgumentError):
            qa.summarize(**wrong)
    with pytest.raises(errors.NotFoundError):
        qa.summarize(document="nowhere")


def test_several_knowledge_bases_are_one(kb, tmp_path):
    other = tmp_path / "other.rag"
    with rag_py.open(other, encoder=model("minilm"), llm="none") as second:
        second.add("The old mill on the Orne was restored in 2004.", uri="mill")
    with rag_py.open(kb.path, encoder=model("minilm"), llm="none", also=[other]) as both:
        assert both.also == [other]
        hit = both.search("When was the old mill restored?", 1)[0]
        assert (hit.uri, hit.store, hit.to_dict()["store"]) == ("mill", 1, 1)
        assert both.search(BRIDGE, 1)[0].store == 0
        [citation] = both.ask("When was the old mill restored?").citations
        assert citation.store == 1 and both.verify(citation) == "ok"
    with pytest.raises(errors.InvalidArgumentError, match="twice"):
        rag_py.open(kb.path, also=[kb.path])
    with rag_py.open(other, encoder=model("minilm"), also=[]) as alone:
        assert alone.also == []


def test_same_seed_same_answer(qa):
    options = {"temperature": 0.9, "seed": 7, "max_new_tokens": 24}
    first, again = qa.ask(BRIDGE, **options), qa.ask(BRIDGE, **options)
    assert first.text == again.text and first.citations == again.citations


def test_changed_source_is_noticed(tmp_path):
    source = tmp_path / "bridge.txt"
    source.write_text(DOCUMENTS["bridge.txt"])
    with rag_py.open(":memory:", encoder=model("e5-small"), llm=model("qwen2.5-0.5b")) as kb:
        kb.sync(source)
        citation = kb.ask(BRIDGE, abstain="never").citations[0]
        source.write_text("Foreword.\n\n" + DOCUMENTS["bridge.txt"])
        assert kb.verify(citation) == "moved"
        source.write_text("Nothing of the kind.\n")
        assert kb.verify(citation) == "changed"
        source.unlink()
        assert kb.verify(citation) == "missing"


def test_chat_remembers_its_turns(qa):
    chat = qa.chat(max_new_tokens=48)
    first = chat.say(BRIDGE)
    assert first.found
    assert [turn["role"] for turn in chat.history] == ["user", "assistant"]
    assert chat.history[0]["content"] == BRIDGE
    streamed = chat.say("What did it replace?", stream=True)
    assert streamed.answer.found == (len(chat.history) == 4)
    chat.clear()
    assert chat.history == []
    with pytest.raises(errors.InvalidArgumentError):
        chat.say(" ")
    assert chat.history == [], "a failed turn leaves the history as it was"


def test_async_twins(qa):
    async def both():
        return await asyncio.gather(qa.asearch(BRIDGE, 1), qa.aask(BRIDGE))

    [hit], answer = asyncio.run(both())
    assert hit.text == DOCUMENTS["bridge.txt"].strip() and "1871" in answer.text


def test_info_check_vacuum(kb):
    info = kb.info()
    assert (info["document_count"], info["passage_count"], info["dim"]) == (3, 3, 384)
    assert kb.check() == [] and kb.vacuum() is None and kb.purge() is None
    assert info.keys() == shapes.Info.__annotations__.keys()


def test_reindex_has_nothing_to_do_in_a_new_file(kb):
    assert (kb.info()["encoder_input"], kb.info()["reindex_count"]) == ("title", 0)
    told = []
    for report in kb.reindex(dry_run=True), kb.reindex(progress=told.append):
        assert report.keys() == shapes.Reindex.__annotations__.keys()
        assert (report["passage_count"], report["encoded"]) == (0, 0)
    assert told == []


def test_reindex_gives_an_old_file_its_titles(tmp_path):
    encoder = pathlib.Path(__file__).parents[1] / "data/encoder/families/bert"
    (tmp_path / "docs").mkdir()
    for name in "one", "two":
        page = f"<title>House {name}</title><p>It opens at nine.</p>"
        (tmp_path / "docs" / f"{name}.html").write_text(page)
    path = tmp_path / "kb.rag"
    rag_py.open(path, encoder=encoder).close()
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM meta WHERE key = 'encoder.input'")
    with rag_py.open(path, encoder=encoder) as kb:
        kb.sync(tmp_path / "docs")
        assert (kb.info()["encoder_input"], kb.info()["reindex_count"]) == ("heading", 2)
        told = []
        assert kb.reindex(progress=told.append)["encoded"] == 2
        assert [(step.done, step.total, step.path) for step in told] == [(2, 2, None)]
        assert (kb.info()["encoder_input"], kb.info()["reindex_count"]) == ("title", 0)
        assert kb.check() == []


def test_filters_limit_both_legs(kb):
    path = kb.search(BRIDGE, 1)[0].uri
    hits = kb.search(BRIDGE, 9, filter=f"path = '{path}'", ef_search=64)
    assert {hit.uri for hit in hits} == {path}
    assert kb.search(BRIDGE, 9, filter="year > 1900") == []
    with pytest.raises(errors.InvalidArgumentError, match="at byte"):
        kb.search(BRIDGE, 9, filter="year >")
    assert kb.remove_where("kind = nothing") == []


def test_a_reranker_sorts_the_best_hits(tmp_path):
    data = pathlib.Path(__file__).parents[1] / "data"
    encoder, reranker = data / "encoder/families/bert", data / "reranker/bert"
    with rag_py.open(":memory:", encoder=encoder, reranker=reranker) as kb:
        kb.add(["one bridge", "two bridges over the river", "three"])
        hits = kb.search("bridge")
        assert [hit.ranks["rerank"] for hit in hits] == [1, 2, 3]
        assert all(0 <= hit.score <= 1 for hit in hits)
        assert [hit.ranks.get("rerank") for hit in kb.search("bridge", rerank=1)] == [1, None, None]
        assert "rerank" not in kb.search("bridge", rerank=0)[0].ranks
    with rag_py.open(":memory:", encoder=encoder) as kb:
        with pytest.raises(errors.InvalidArgumentError, match="without a reranker"):
            kb.search("bridge", rerank=5)
    with pytest.raises(errors.ModelError, match="give it as reranker"):
        rag_py.Encoder(reranker)


def test_encoders_run_on_candle():
    folder = pathlib.Path(__file__).parents[1] / "data/encoder/families/bert"
    ours, theirs = rag_py.Encoder(folder, precision="f32"), rag_py.Encoder(folder, backend="candle")
    assert (ours.backend, theirs.backend) == ("auto", "candle") and ours.fingerprint == theirs.fingerprint
    assert theirs.level == "candle" and ours.level != "candle" and ours.threads >= 1
    texts = ["one bridge", ""]
    assert abs(ours.encode_passages(texts) - theirs.encode_passages(texts)).max() < 1e-5
    with pytest.raises(errors.InvalidArgumentError):
        rag_py.Encoder(folder, backend="abacus")


def test_a_copy_and_a_repaired_file_hold_the_same(kb, tmp_path):
    copy, new = tmp_path / "copy.rag", tmp_path / "new.rag"
    kb.backup(copy)
    report = rag_py.KnowledgeBase.repair(copy, new)
    assert report.keys() == shapes.Salvage.__annotations__.keys()
    assert (report["document_count"], report["lost"]) == (3, [])
    with rag_py.open(new) as repaired:
        assert repaired.search(BRIDGE, 1)[0].text == kb.search(BRIDGE, 1)[0].text
        with pytest.raises(errors.StoreError, match="close it"):
            rag_py.KnowledgeBase.restore(copy, new)
    assert rag_py.KnowledgeBase.restore(copy, new)["document_count"] == 3
    with rag_py.open(new) as restored:
        assert restored.notices() == []


def test_a_closed_knowledge_base_says_so(tmp_path):
    kb = rag_py.open(tmp_path / "kb.rag")
    with kb as same:
        assert same is kb and not kb.closed and os.path.basename(kb.path) == "kb.rag"
    kb.close()
    assert kb.closed
    with pytest.raises(errors.InvalidArgumentError, match="closed"):
        kb.info()


def test_read_only_does_not_write(tmp_path, folder):
    path = tmp_path / "kb.rag"
    with rag_py.open(path, encoder=model("minilm")) as kb:
        kb.sync(folder)
    with rag_py.open(path, encoder=model("minilm"), read_only=True) as kb:
        assert names(kb.search(BRIDGE, 1)) == ["bridge.txt"]
        with pytest.raises((errors.RagError, OSError)):
            kb.add("Something new.")
    with pytest.raises(FileNotFoundError):
        rag_py.open(tmp_path / "other.rag", read_only=True)


def test_encoder_gives_unit_vectors(encoder):
    vectors = encoder.encode_passages(["Bees live in hives.", "", "Trains run on rails."])
    assert vectors.dtype == np.float32 and vectors.shape == (3, encoder.dim)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    question = encoder.encode_queries(["Where do bees live?"])[0]
    assert (vectors @ question).argmax() == 0
    assert encoder.encode_queries([]).shape == (0, encoder.dim)
    assert encoder.token_count("Bees live.") == 3
    assert len(encoder.fingerprint) == 64 and encoder.max_tokens == 256
    with pytest.warns(UserWarning, match="1 of 2 texts are longer than 256 tokens"):
        encoder.encode_passages(["short", "long " * 1000])


def test_encoder_streams_any_number_of_texts(encoder):
    texts = [f"Passage number {number} of the report." for number in range(7)]
    pulled = []

    def source():
        for text in texts:
            pulled.append(text)
            yield text

    batches = encoder.encode_batches(source(), batch_size=3)
    first = next(batches)
    assert first.shape == (3, encoder.dim) and len(pulled) == 3, "no more is read than is encoded"
    rows = np.concatenate([first, *batches])
    assert np.array_equal(rows, encoder.encode_passages(texts))
    assert list(encoder.encode_batches([])) == []
    with pytest.raises(TypeError):
        list(encoder.encode_batches(["a", 1]))
    with pytest.raises(TypeError):
        encoder.encode_batches(5)


def test_encoder_takes_any_text(encoder):
    long = "word " * 2_000_000
    odd = ["", " ", "\0", "a\0b", "\ufffd", "\U0010ffff", "e\u0301" * 100, "\u202e\u200d", "\n" * 1000]
    with pytest.warns(UserWarning, match="1 of"):
        rows = encoder.encode_passages([*odd, long])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.array_equal(rows[0], encoder.encode_passages([""])[0])
    with pytest.raises(UnicodeEncodeError):
        encoder.encode_queries(["\ud800"])
    with pytest.raises(TypeError):
        encoder.encode_queries([None])


def test_generator_continues_prompts_and_answers_messages(generator):
    messages = [{"role": "user", "content": "Say hello."}]
    first = generator.generate(messages, max_new_tokens=8)
    assert first.text == generator.generate(messages, max_new_tokens=8).text
    assert 0 < len(first.token_ids) <= 8 and first.to_dict()["text"] == first.text
    raw = generator.generate("The capital of France is", max_new_tokens=4)
    assert raw.stop_reason == "max_new_tokens" and raw.prompt_token_count == 5
    assert generator.context_len >= 2048 and generator.token_count("Hello") == 1
    with pytest.raises(errors.InvalidArgumentError, match="role"):
        generator.generate([{"role": "boss", "content": "x"}])
    with pytest.raises(errors.InvalidArgumentError):
        generator.generate("x", temperature=-1)


def test_generator_streams_in_loops_and_in_asyncio(generator):
    prompt = "The capital of France is"
    whole = generator.generate(prompt, max_new_tokens=8)
    with generator.generate(prompt, stream=True, max_new_tokens=8) as stream:
        assert "".join(stream) == whole.text
        assert stream.generation.token_ids == whole.token_ids

    async def pieces():
        text = "".join([piece async for piece in generator.astream(prompt, max_new_tokens=8)])
        assert (await generator.agenerate(prompt, max_new_tokens=8)).text == text
        return text

    assert asyncio.run(pieces()) == whole.text
    with generator.generate("Once", stream=True, max_new_tokens=500) as stream:
        next(stream)
    with pytest.raises(errors.CancelledError):
        stream.generation


def test_generator_options_reach_the_sampler(generator):
    prompt = "The capital of France is"
    plain = generator.generate(prompt, max_new_tokens=4, logprobs=2)
    assert [token for token, _, _ in plain.logprobs] == plain.token_ids
    assert all(likeliest[0][0] == token and logprob <= 0 for token, logprob, likeliest in plain.logprobs)
    first = plain.token_ids[0]
    without = generator.generate(prompt, max_new_tokens=4, logit_bias={first: -math.inf})
    assert first not in without.token_ids and without.logprobs == []
    warm = dict(max_new_tokens=8, temperature=1.0, typical_p=0.9, presence_penalty=0.1, frequency_penalty=0.1)
    answers = generator.generate_many(prompt, 3, seed=4, **warm)
    assert [a.text for a in answers] == [generator.generate(prompt, seed=seed, **warm).text for seed in (4, 5, 6)]
    beams = generator.generate(prompt, max_new_tokens=8, beams=3, length_penalty=0.5, early_stopping=True)
    assert beams.text
    for bad in ({"typical_p": 0}, {"logprobs": 21}, {"logit_bias": {0: math.nan}}, {"presence_penalty": math.nan}):
        with pytest.raises(errors.InvalidArgumentError):
            generator.generate(prompt, **bad)


def test_generated_text_is_held_to_a_form(generator):
    prompt = "Once upon a time"
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "maximum": 99}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    hot = {"temperature": 1.5, "max_new_tokens": 200}
    for seed in range(4):
        for given in (schema, json.dumps(schema)):
            pet = json.loads(generator.generate(prompt, json_schema=given, seed=seed, **hot).text)
            assert pet.keys() == {"name", "age"} and len(pet["name"]) <= 12 and pet["age"] <= 99
        date = generator.generate(prompt, regex=r"\d{4}-\d{2}-\d{2}", seed=seed, **hot)
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date.text) and date.stop_reason == "end_of_turn"
        assert not re.fullmatch(r"\d{4}-\d{2}-\d{2}", generator.generate(prompt, seed=seed, max_new_tokens=12).text)
    answers = generator.generate_many(prompt, 3, grammar='start: "yes" | "no"', temperature=1.5)
    assert {answer.text for answer in answers} <= {"yes", "no"}
    with generator.generate(prompt, stream=True, regex="[ab]{3}") as stream:
        assert set("".join(stream)) <= {"a", "b"}
    for bad, reason in (
        ({"json_schema": "{"}, "line 1"),
        ({"json_schema": {"properties": {"a": {"type": "objekt"}}}}, "at /properties/a: .*objekt"),
        ({"regex": "(a"}, "at character 1"),
        ({"grammar": "start: nowhere"}, "nowhere"),
        ({"regex": "a", "grammar": 'start: "a"'}, "not both"),
    ):
        with pytest.raises(errors.InvalidArgumentError, match=reason):
            generator.generate(prompt, **bad)


def test_generator_takes_its_template_and_precision(generator):
    assert generator.template == "model" and generator.kv == "f16" and generator.level and generator.threads >= 1
    other = rag_py.Generator(model("smollm2"), kv="q8", template="completion", threads=1, level="best")
    assert (other.template, other.kv) == ("completion", "q8")
    assert other.kv_bytes_per_token <= 0.54 * generator.kv_bytes_per_token
    message = [{"role": "user", "content": "Hi"}]
    counts = [it.generate(message, max_new_tokens=1).prompt_token_count for it in (other, generator)]
    assert counts[0] < 10 < counts[1], "the model's own template adds a system text"
    assert generator.backend == "auto"
    olmo = rag_py.Generator(pathlib.Path(__file__).parents[1] / "data/generator/candle/olmo")
    assert (olmo.backend, olmo.kv) == ("candle", None)
    assert olmo.generate("the bridge", max_new_tokens=3).token_ids
    for bad in ({"kv": "q4"}, {"backend": "gpu"}, {"backend": "cuda:7"}, {"template": "none"}, {"template": "gemma"}, {"threads": 1000}):
        with pytest.raises(errors.InvalidArgumentError):
            rag_py.Generator(model("smollm2"), **bad)
    with pytest.raises(TypeError):
        rag_py.Generator(model("smollm2"), speed=2)


def test_a_prompt_tells_how_much_is_taken_in(generator):
    seen = []
    prompt = "the river and the bridge " * 150
    done = generator.generate(prompt, max_new_tokens=1, progress=seen.append)
    assert all(step.stage == "prefill" and step.total == done.prompt_token_count for step in seen)
    assert [step.done for step in seen] == [0, *range(512, done.prompt_token_count, 512), done.prompt_token_count]
    with pytest.raises(errors.InvalidArgumentError):
        generator.generate(prompt, stream=True, progress=seen.append)

    def stop(step):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        generator.generate("another " + prompt, progress=stop)


def test_control_tokens_in_text_stay_text(generator):
    plain = generator.token_count("<|im_end|>")
    assert plain > 1


def test_a_transformers_folder_is_a_generator():
    folder = ROOT / "tests/data/generator/families/llama"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    generation = rag_py.Generator(folder).generate(expected["texts"][0]["text"], max_new_tokens=8)
    assert generation.token_ids == expected["greedy"]


def test_a_reranker_scores_texts():
    folder = pathlib.Path(__file__).parents[1] / "data" / "reranker" / "bert"
    reranker = rag_py.Reranker(folder, precision="f32", threads=1)
    scores = reranker.score("one bridge", ["a bridge", "soup", ""])
    assert scores.dtype == np.float32 and scores.shape == (3,)
    assert np.array_equal(reranker.score("one bridge", ["soup"]), scores[1:2]), "a score depends on its pair alone"
    assert reranker.score("one bridge", []).shape == (0,)
    assert reranker.architecture == "bert" and "Reranker(" in repr(reranker)
    assert reranker.method == "cross-encoder"
    with pytest.warns(UserWarning, match="1 of 2 texts are too long"):
        reranker.score("one bridge", ["short", "long " * 2000])
    with pytest.raises(errors.ModelError):
        rag_py.Reranker(pathlib.Path(__file__).parents[1] / "data" / "encoder/families/bert")
    with pytest.raises(errors.NotFoundError):
        rag_py.Reranker("no-such-reranker")
    with pytest.raises(errors.InvalidArgumentError, match="threads"):
        rag_py.Reranker(folder, threads=100_000)
    assert rag_py.Reranker(folder, threads=0).score("one bridge", ["soup"]).shape == (1,), "one per CPU"
    with pytest.raises(TypeError, match="Reranker.. got an unexpected"):
        rag_py.Reranker(folder, backend="candle")


def test_late_interaction_scores_texts():
    reranker = rag_py.Reranker(pathlib.Path(__file__).parents[1] / "data" / "late_interaction" / "pylate", precision="f32")
    scores = reranker.score("When was the bridge opened ?", ["the bridge opened in 1902.", ""])
    assert np.allclose(scores, [9.2453133, 0.4407904], atol=2e-4), "what PyLate computes"
    assert reranker.method == "late-interaction" and reranker.max_tokens == 20


def test_a_file_is_read_without_a_knowledge_base(folder):
    (folder / "page.md").write_text("# Bridges\n\nThe bridge was opened in 1871.\n")
    read = rag_py.read(folder / "page.md")
    assert read.keys() == shapes.ReadDocument.__annotations__.keys()
    assert (read["kind"], read["title"], read["lang"]) == ("markdown", "Bridges", "en")
    heading, paragraph = read["blocks"]
    assert heading["kind"] == {"heading": {"level": 1}} and paragraph["kind"] == "paragraph"
    assert read["text"].encode()[paragraph["range"]["start"] : paragraph["range"]["end"]].startswith(b"The bridge")
    (folder / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\n and more")
    with pytest.raises(errors.DocumentError, match="no reader for image/png"):
        rag_py.read(folder / "scan.png")
    seen = rag_py.read(folder / "scan.png", recognizer=lambda picture, kind, page: f"{kind}, {page}")
    assert seen["text"] == "image/png, None" and seen["kind"] == "picture"
    with pytest.raises(FileNotFoundError):
        rag_py.read(folder / "nowhere.txt")
    os.mkfifo(folder / "pipe.txt")
    for endless in ("/dev/zero", folder / "pipe.txt", folder):
        with pytest.raises(errors.DocumentError, match="not a regular file"):
            rag_py.read(endless)
    with pytest.raises(errors.InvalidArgumentError):
        rag_py.read(folder / "page.md", max_read_seconds=-1)


def test_personal_data_is_masked_in_any_text():
    masked, counts = rag_py.mask("Write to jo@site.fr or call +33 6 12 34 56 78.")
    assert masked == "Write to [EMAIL] or call [PHONE]."
    assert counts == {"email": 1, "phone": 1, "iban": 0, "nir": 0, "card": 0} and rag_py.mask("") == ("", dict.fromkeys(counts, 0))
