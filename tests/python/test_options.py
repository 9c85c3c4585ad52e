"""Every option of the engine's table is a keyword of its method, in its help and in its types."""

import json
import pydoc
import subprocess
import sys
import typing

import numpy as np
import pytest

import rag_py
from conftest import BRIDGE, ROOT, model
from rag_py import errors, types

sys.path.insert(0, str(ROOT / "scripts"))
import options as script  # noqa: E402

LIST = "import sys; from rag_py import _native; sys.exit(_native.cli(['rag', 'config', 'list', '--json']))"
TABLES = json.loads(subprocess.run([sys.executable, "-c", LIST], capture_output=True, encoding="utf-8", check=True).stdout)
MODELS = ROOT / "tests/data"

HELP = {
    "search": [rag_py.KnowledgeBase.search],
    "ask": [rag_py.KnowledgeBase.ask, rag_py.KnowledgeBase.chat, rag_py.KnowledgeBase.resume, rag_py.KnowledgeBase.prompt],
    "summarize": [rag_py.KnowledgeBase.summarize],
    "compose": [rag_py.KnowledgeBase.compose],
    "sync": [rag_py.KnowledgeBase.sync],
    "generate": [rag_py.Generator.generate],
    "encoder": [rag_py.Encoder],
    "generator": [rag_py.Generator],
    "reranker": [rag_py.Reranker],
    "open": [rag_py.open, rag_py.KnowledgeBase],
}


def entries(group):
    return script.in_python(group, TABLES[group])


@pytest.mark.parametrize("group", HELP)
def test_help_shows_each_option_with_its_default(group):
    for shown in HELP[group]:
        text = " ".join(pydoc.plain(pydoc.render_doc(shown)).replace("\n |", "\n").split())
        for entry in entries(group):
            said = f"{entry['name']}: {script.sentences(entry)}".replace("``", "`")
            assert " ".join(said.split()) in text, entry["name"]
            assert f"Default: {script.default(entry)}" in said


@pytest.mark.parametrize("group", HELP)
def test_types_have_each_option(group):
    names = typing.get_type_hints(getattr(types, f"{group.title()}Options"))
    extra = {name for name, _, _ in script.MORE.get(group, [])}
    assert names.keys() - extra == {entry["name"] for entry in entries(group)}


def test_a_new_option_appears_everywhere_or_is_missed(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(script, "arguments", lambda command: {"--width"} if command == "search" else set())
    width = {**TABLES["search"][0], "name": "width", "declared": "width", "doc": "How wide.", "default": 7, "least": 1, "most": 9, "unit": "words"}
    tables = {**TABLES, "search": [*TABLES["search"], width]}
    where = script.Surfaces()
    files = script.made(tables, where)
    compile(files[script.MODULE], "_options.py", "exec")
    assert '    width: Optional[int]\n    """How wide. Default: 7; 1 to 9 words."""\n' in files[script.MODULE]
    assert "    width: How wide. Default: 7; 1 to 9 words.\n" in files[script.HELP / "search.txt"]
    assert "| `width` | integer | 7 | 1 to 9 words | How wide. | `width` | `--width` | by its name, in `settings` |" in files[script.PAGE]
    assert not [fault for fault in where.faults if "width" in fault]
    # an object can be given by no text
    script.row("search", {**width, "code": True}, where)
    missed = [fault.split(",")[0] for fault in where.faults if "width" in fault]
    assert missed == ["search.width is not in include/rag.hpp", "search.width is not in include/rag.h"]
    assert "ask.top_k is not in the shell, and there is no reason in scripts/options.py" in where.faults


def calls(kb, folder, generator):
    """What takes the options of each group."""
    families = MODELS / "generator/families/llama"
    return {
        "search": lambda **options: kb.search(BRIDGE, **options),
        "ask": lambda **options: kb.chat(**options),
        "summarize": lambda **options: summarized(kb, options),
        "compose": lambda **options: kb.compose(BRIDGE, **options),
        "sync": lambda **options: kb.sync(folder, **options),
        "generate": lambda **options: generator.generate("a bridge", **{"max_new_tokens": 1, **options}),
        "encoder": lambda **options: rag_py.Encoder(MODELS / "encoder/families/bert", **options),
        "generator": lambda **options: rag_py.Generator(families, **options),
        "reranker": lambda **options: rag_py.Reranker(MODELS / "reranker/bert", **options),
        "open": lambda **options: rag_py.open(":memory:", **{"encoder": MODELS / "encoder/families/bert", **options}).close(),
    }


def summarized(kb, options):
    """Options are read before the document is looked for."""
    with pytest.raises(errors.NotFoundError):
        kb.summarize(document="nowhere", **options)


def test_each_option_takes_its_default_and_none(kb, folder, generator):
    for group, call in calls(kb, folder, generator).items():
        for entry in entries(group):
            if (group, entry["name"]) != ("open", "encoder"):
                call(**{entry["name"]: entry["default"]})
                call(**{entry["name"]: None})


def test_a_wrong_name_is_refused_with_the_nearest(kb, folder, generator):
    for group, call in calls(kb, folder, generator).items():
        for value in (1, None):
            with pytest.raises(TypeError, match=r"\(\) got an unexpected keyword argument 'no_such_thing': there is no such option$"):
                kb.chat(no_such_thing=value) if group == "summarize" else call(no_such_thing=value)
    for call, wrong, right in (
        (kb.search, "diversty", "diversity"),
        (kb.ask, "temprature", "temperature"),
        (kb.summarize, "max_sentence", "max_sentences"),
    ):
        with pytest.raises(TypeError, match=rf"{call.__name__}\(\) .* '{wrong}': there is no such option; the nearest is {right}$"):
            call(BRIDGE, **{wrong: 1})


def test_a_wrong_type_or_range_names_option_and_value(kb):
    for options, reason in (
        ({"temperature": "hot"}, r"chat\(\) argument 'temperature': \"hot\" is a text, but it takes a number"),
        ({"beams": 1.5}, r"'beams': 1.5 is a number, but it takes a whole number"),
        ({"fence": 1}, r"'fence': 1 is a whole number, but it takes true or false"),
        ({"deny": "secret"}, r"'deny': \"secret\" is a text, but it takes a list"),
        ({"stop": [1]}, r"'stop': 1 is a whole number, but it takes a text"),
        ({"system": b"bytes"}, "'system'.*bytes"),
        ({"system": object()}, "'system'.*object"),
        ({"writer": 1}, "writer must be callable"),
    ):
        with pytest.raises(TypeError, match=reason):
            kb.chat(**options)
    holds_itself = []
    holds_itself.append(holds_itself)
    for options, reason in (
        ({"top_k": 0}, "invalid top_k: 0 is outside 1 to 10,000"),
        ({"beams": -1}, "invalid beams: -1 is below 0"),
        ({"top_p": 0}, "invalid top_p: 0 is outside above 0 to 1"),
        ({"topic_min": float("nan")}, "invalid topic_min: NaN is outside -1 to 1"),
        ({"order": "worst"}, 'invalid order: "worst" is not one of best-last, best-first, document'),
        ({"abstain": 2.0}, "invalid abstain.*from -1 to 1"),
        ({"extract": True, "writer": print}, "invalid extract: not together with writer"),
        ({"writer": print, "extract": True}, "invalid extract: not together with writer"),
        ({"stop": holds_itself}, "invalid stop: it is nested more than"),
        ({"history": [{"role": "boss", "content": ""}]}, "boss"),
    ):
        with pytest.raises(errors.InvalidArgumentError, match=reason):
            kb.chat(**options)
    with pytest.raises(KeyError):
        kb.chat(history=[{"role": "user"}])


def test_values_of_many_types_are_taken(kb, folder, tmp_path):
    kb.chat(
        mask=True,
        context=2,
        abstain=0.3,
        top_k=np.int64(4),
        temperature=np.float32(0.5),
        explain=np.bool_(True),
        deny=("a", "b"),
        topics={"bees"},
        stop=iter(["x"]),
        logit_bias={np.int64(3): -np.inf},
        json_schema={"type": "object", "properties": {"a": {"const": None}}},
    )
    for schema in (True, "true", {}):
        kb.chat(json_schema=schema)
    assert kb.sync(folder, max_read_seconds=30, exclude=["*.log"], missing="keep").unchanged == 3
    other = tmp_path / "other.rag"
    kb.backup(other)
    for options in ({"access": "read_only"}, {"read_only": True}):
        with rag_py.open(other, **options) as copy, pytest.raises((errors.RagError, OSError)):
            copy.add("Something new.")
    encoder = MODELS / "encoder/families/bert"
    assert rag_py.Encoder(encoder, threads=0).threads == rag_py.Encoder(encoder).threads >= 1


def test_models_are_loaded_as_the_file_is_opened(tmp_path):
    encoder = MODELS / "encoder/families/bert"
    with rag_py.open(":memory:", encoder=encoder, llm=model("smollm2"), encoder_truncate_dim=8, generator_template="completion", generator_threads=1) as kb:
        kb.add("The bridge was opened in 1871.")
        assert kb.info()["dim"] == 8
        assert kb.prompt(BRIDGE)["template"] == "completion"
    path = tmp_path / "kb.rag"
    for wrong in ({"generator_threads": 1000}, {"encoder_level": "abacus"}):
        with pytest.raises(errors.InvalidArgumentError, match=f"invalid {next(iter(wrong))}: "):
            rag_py.open(path, encoder=encoder, **wrong)
    assert not path.exists()
