"""What the table of options makes: Python's types and help, and docs/options.md. With --check: whether they are up to date.

The table is read from `target/release/rag config list --json`. Each of its options must be on each surface under its own name or
the one given here, or its absence must have a reason here; the check fails on one that is not.
"""

import json
import pathlib
import re
import subprocess
import sys
import textwrap

RAG = pathlib.Path("target/release/rag")
MODULE = pathlib.Path("rag-py/python/rag_py/_options.py")
HELP = pathlib.Path("rag-py/src/help")
PAGE = pathlib.Path("docs/options.md")
C_HEADER = pathlib.Path("include/rag.h")
CPP_HEADER = pathlib.Path("include/rag.hpp")
STUB = pathlib.Path("rag-py/python/rag_py/_native.pyi")

# table: what its options are of in Python, for the docstring of its TypedDict
PYTHON = {
    "search": "``KnowledgeBase.search``",
    "ask": "``KnowledgeBase.ask``, ``prompt``, ``chat`` and ``resume``",
    "generate": "``Generator.generate`` and ``generate_many``",
    "summarize": "``KnowledgeBase.summarize``",
    "compose": "``KnowledgeBase.compose``",
    "sync": "``KnowledgeBase.sync``",
    "open": "``rag_py.open``",
    "encoder": "``Encoder``",
    "generator": "``Generator``",
    "reranker": "``Reranker``",
}
# (table, option): why Python has it not among these
NO_PYTHON = {
    ("open", "loaded_encoder"): "encoder takes one that is loaded",
    ("open", "model_dirs"): "the variables name them",
    ("ask", "stream"): "`stream` of `ask`, `summarize` and `chat`",
    ("summarize", "stream"): "an argument of its own",
    ("compose", "stream"): "does not count for a draft",
}
# options that a method names itself, before those that it takes by `**options`
NAMED = {"search": ["top_k"]}
# arguments that a method in Python names itself and that are no options: (name, type, what it says)
MORE = {"summarize": [("document", "str", "Instead of a question, the uri of a document: the absolute path, or the name it was added under.")]}

# what a kind is in Python; a form that is not here is a text
TYPES = {
    "flag": "bool",
    "integer": "int",
    "number": "float",
    "path": "Path",
    "abstain": "Abstain",
    "context": "Union[int, str]",
    "filter": "Filter",
    "recency": "Union[float, str]",
    "metadata": "Mapping[str, str]",
    "message": "Message",
    "example": "Example",
}
# what an option takes in Python where that is more than its kind: its type, and what is said of it
TAKES = {
    "mask": ("Mask", "True is both."),
    "json_schema": ("Union[Mapping[str, Any], bool, str]", "A dict, or JSON as text."),
    "logit_bias": ("Mapping[int, float]", "A dict of token ids and numbers."),
    "encoder": ("Union[Path, Encoder]", "An ``Encoder`` serves too, loaded already or your own (``Encoder.from_callable``); several knowledge bases may share it."),
    "llm": ("Path", ""),
    "reranker": ("Path", ""),
    "writer": (
        "Callable[[List[Message]], Union[str, Iterable[str]]]",
        "A callable gets the conversation (instructions, worked examples, history, numbered passages and the question) as a list of"
        " messages and gives the answer, or its pieces one by one (a generator) to be streamed. It is judged and cited like any other."
        " No passage is left out for want of room: see ``top_k``. What it raises comes out of the call.",
    ),
    "recognizer": (
        "Callable[[bytes, str, Optional[int]], str]",
        "Reads the text of pictures and scanned pages: a callable that gets the bytes of a picture file, its media type"
        ' (``"image/jpeg"``, ``"image/png"``, ``"image/tiff"``, ``"image/x-portable-anymap"``, ...) and its page (None for a file of'
        " its own), and gives the text in it. Without one they are skipped.",
    ),
}
# options that only a program can give: what they say where links of Rust would not do
CODE_DOCS = {"writer": "Who writes the answer in the generator's place.", "recognizer": ""}
CODE_DEFAULTS = {"writer": "the generator", "recognizer": "none"}

# what stands in C and C++ under another name: (in C, in C++)
NAMES = {
    "dry_run": ("plan", "plan"),
    "keep_missing": ("missing", "missing"),
    "force": ("missing", "missing"),
    "untrusted": ("trust", "trust"),
    "extract": ("writer", "writer"),
    "writer": ("on_write", "write"),
    "recognizer": ("on_recognize", "recognize"),
    "sampling_top_k": ("top_k", "top_k"),
    "logit_bias": ("logit_bias_ids", "logit_bias"),
    "template": ("template_name", "template_name"),
    "metadata": ("metadata_keys", ""),
    "model_dirs": ("model_dir", "model_dir"),
}
# (where it is declared, option): why it has no field in C, in C++
NO_C = {
    ("summarize", "max_sentences"): "an argument of `rag_kb_summarize`",
    ("compose", "kind"): "an argument of `rag_kb_compose`",
    ("compose", "max_sentences"): "an argument of `rag_kb_compose`",
}
NO_CPP = {
    ("summarize", "max_sentences"): "an argument of `summarize`",
    ("compose", "kind"): "an argument of `compose`",
    ("compose", "max_sentences"): "an argument of `compose`",
    ("add", "metadata"): "an argument of `add`",
}
# table: the commands that take its options
COMMANDS = {
    "search": ["search"],
    "ask": ["ask"],
    "generate": ["generate"],
    "summarize": ["summarize"],
    "compose": ["compose"],
    "sync": ["sync"],
    "add": ["add"],
    "open": ["ask", "sync"],
    "encoder": ["encode"],
    "generator": ["generate"],
    "reranker": ["search"],
}
# (table, option): its argument where that is another
SHELL_NAMES = {("search", "top_k"): "-k"}
# (table, option): why the shell has no argument for it
NO_SHELL = {
    **{(group, "history"): "`rag chat` remembers" for group in ("ask", "summarize")},
    **{(group, "logprobs"): "an answer shows none" for group in ("ask", "summarize", "compose")},
    **{(group, "sampling_top_k"): "`--top-k`" for group in ("ask", "summarize", "compose")},
    **{
        ("compose", name): "does not count for a draft"
        for name in ("history", "explain", "sentences", "candidates", "fence", "order", "examples", "rewrite", "tables", "stream")
    },
    ("open", "access"): "each command knows",
    ("reranker", "precision"): "`rag.toml`",
    ("reranker", "level"): "`rag.toml`",
    ("reranker", "threads"): "`rag.toml`",
}


def table() -> dict:
    if not RAG.exists():
        sys.exit(f"{RAG} is not there: cargo build --release --workspace")
    done = subprocess.run([RAG, "config", "list", "--json"], capture_output=True, encoding="utf-8", check=True)
    return json.loads(done.stdout)


def number(value: float) -> str:
    whole = int(value) == value
    return f"{int(value):,}" if whole else str(value)


def default(entry: dict) -> str:
    """What holds where nothing is said, as Python writes it."""
    value = entry["default"]
    if value is None:
        return entry["unset"] or CODE_DEFAULTS.get(entry["name"], "none")
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, str):
        return f'"{value}"'
    return "none" if not value else json.dumps(value)


def span(entry: dict) -> str:
    """The numbers it takes, such as `above 0 to 1`."""
    least, most = entry["least"], entry["most"]
    if least is None:
        return ""
    if most is None:
        return f"{'above' if entry['above'] else 'at least'} {number(least)}"
    return f"{'above ' if entry['above'] else ''}{number(least)} to {number(most)}"


def counted(text: str, entry: dict) -> str:
    """The text with what its last number counts."""
    unit = entry.get("unit") or ""
    return f"{text} {unit.removesuffix('s') if text.endswith(' 1') else unit}".strip()


def words(entry: dict) -> list:
    known = entry["words"] or []
    return [entry["unset_word"], *known] if entry["unset_word"] else known


def takes(entry: dict) -> str:
    """What it takes, where its type does not say so."""
    if known := words(entry):
        return "One of " + ", ".join(f'"{word}"' for word in known) + "."
    if entry["name"] in ("logit_bias", "writer", "recognizer"):
        return ""
    if entry["syntax"]:
        return f"Takes {entry['syntax']}."
    item = entry["item"] or {}
    return f"Each {item['syntax']}." if item.get("syntax") else ""


def sentences(entry: dict) -> str:
    """All that is said of an option: what it does, what it takes, its default, range and unit."""
    doc = CODE_DOCS.get(entry["name"], entry["doc"])
    more = TAKES.get(entry["name"], ("", ""))[1]
    value, range_ = default(entry), span(entry)
    says_number = range_ or entry["default"] is not None
    last = counted(f"Default: {value}; {range_}" if range_ else f"Default: {value}", entry if says_number else {}) + "."
    return " ".join(part for part in (doc, takes(entry), more, last) if part)


def python_type(entry: dict) -> str:
    if entry["name"] in TAKES:
        return TAKES[entry["name"]][0]
    if entry["words"]:
        return alias(entry)
    if entry["kind"] == "list":
        return f"Sequence[{python_type({**entry, **entry['item']})}]"
    return TYPES.get(entry["kind"], "str")


def alias(entry: dict) -> str:
    return "".join(part.title() for part in entry["declared"].split("_"))


def in_python(group: str, entries: list) -> list:
    return [entry for entry in entries if (group, entry["name"]) not in NO_PYTHON]


def key(name: str, kind: str, said: str) -> list:
    lines = textwrap.wrap(said.replace("\\", "\\\\"), 116)
    end = '"""' if len(lines) == 1 else ""
    body = [f'    """{lines[0]}{end}', *(f"    {line}" for line in lines[1:])]
    if not end:
        body[-1] += '"""' if len(body[-1]) < 117 else '\n    """'
    return [f"    {name}: Optional[{kind}]", *body]


def keys(entries: list) -> list:
    return [line for entry in entries for line in key(entry["name"], python_type(entry), sentences(entry))]


def typed_dict(name: str, bases: list, doc: str, body: list) -> list:
    return ["", "", f"class {name}({', '.join([*bases, 'TypedDict'] if not bases else bases)}, total=False):", f'    """{doc}"""', *([""] if body else []), *body]


def module(tables: dict) -> str:
    groups = {group: in_python(group, tables[group]) for group in PYTHON}
    aliases, shared = {}, {}
    for group, entries in groups.items():
        for entry in entries:
            if entry["words"]:
                aliases[alias(entry)] = words(entry)
            if entry["name"] not in NAMED.get(group, []):
                shared.setdefault(json.dumps(entry), []).append(group)
    lines = [HEADER]
    for name, known in sorted(aliases.items()):
        # a union of each, for stubtest knows no literal of several
        either = ["bool"] * (name == "Mask") + [f'Literal["{word}"]' for word in known]
        lines += [f"{name} = Union[", *(f"    {each}," for each in either), "]"]
    lines.append("Filter = Union[str, Mapping[str, Any]]")
    lines.append('Abstain = Union[Literal["calibrated"], Literal["never"], float]')
    # keys that several have alike stand in a class that they share
    sets = list(dict.fromkeys(tuple(owners) for owners in shared.values() if len(owners) > 1))
    base = {owners: "_" + "".join(owner.title() for owner in owners) for owners in sets}
    for owners in sets:
        own = [json.loads(entry) for entry, of in shared.items() if tuple(of) == owners]
        lines += typed_dict(base[owners], [], f"What {', '.join(owners)} have in common.", keys(own))
    for group, entries in groups.items():
        own = [entry for entry in entries if len(shared.get(json.dumps(entry), [])) == 1]
        bases = [base[owners] for owners in sets if group in owners]
        body = keys(own)
        doc = f"The options of {PYTHON[group]}."
        name = f"{group.title()}Options"
        named = keys([entry for entry in entries if entry["name"] in NAMED.get(group, [])])
        named += [line for more in MORE.get(group, []) for line in key(*more)]
        if named:
            keywords = f"{group.title()}Keywords"
            lines += typed_dict(keywords, bases, f"As ``{name}``, without what the method names itself.", body)
            bases, body = [keywords], named
        lines += typed_dict(name, bases, doc, body)
    return "\n".join(lines) + "\n"


HEADER = '''"""The options of calls and loaders: every key with what it says, its default and its range.

Made by scripts/options.py from the engine's own table; an option is declared in rag-core/src/options.
"""

from os import PathLike
from typing import Any, Callable, Iterable, List, Literal, Mapping, Optional, Sequence, TypedDict, Union

from rag_py._messages import Example, Message
from rag_py._native import Encoder

Path = Union[str, PathLike[str]]'''


def help_text(group: str, entries: list) -> str:
    """The options as entries of `Args:` in a docstring."""
    lines = []
    for entry in in_python(group, entries):
        said = f"{entry['name']}: {sentences(entry).replace('``', '`')}"
        lines += textwrap.wrap(said, 110, initial_indent=" " * 4, subsequent_indent=" " * 8, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def fields(path: pathlib.Path, pattern: str) -> dict:
    """The fields of the structs of a header, by the name of the struct."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.S)
    found = {}
    for struct in re.finditer(pattern, text, re.S):
        group = re.sub(r"(?<=[a-z])Options$|^rag_|_options$", "", struct["name"]).lower()
        found[group] = set(re.findall(r"(\w+)(?:\[\d+\])?\)?(?:\([^;]*\))?(?:\s*=[^;]*|\{[^;]*\})?;", struct["body"]))
    return found


def c_structs() -> dict:
    return fields(C_HEADER, r"typedef struct (?:\w+ )?\{(?P<body>[^{}]*)\} (?P<name>rag_\w*(?:options|guards));")


def cpp_structs() -> dict:
    return fields(CPP_HEADER, r"\nstruct (?P<name>\w*(?:Options|Guards)) \{(?P<body>.*?)\n\};")


def arguments(command: str) -> set:
    done = subprocess.run([RAG, command, "--help"], capture_output=True, encoding="utf-8", check=True)
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", done.stdout))


class Surfaces:
    """Where each option is, and what is missing without a reason."""

    def __init__(self) -> None:
        self.c, self.cpp = c_structs(), cpp_structs()
        self.shell = {command: arguments(command) for command in {name for names in COMMANDS.values() for name in names}}
        self.stub = STUB.read_text(encoding="utf-8")
        self.faults: list = []

    def there(self, known: dict, group: str, name: str) -> None:
        if (group, name) in known:
            self.faults.append(f"{group}.{name} is there now: take its reason out of scripts/options.py")

    def reason(self, where: str, known: dict, group: str, name: str) -> str:
        if (group, name) not in known:
            self.faults.append(f"{group}.{name} is not in {where}, and there is no reason in scripts/options.py")
        return known.get((group, name), "")

    def in_c(self, entry: dict) -> str:
        group, name = entry["group"], NAMES.get(entry["declared"], (entry["declared"],))[0]
        if name in self.c.get(group, ()):
            self.there(NO_C, group, entry["name"])
            struct = f"rag_{group}" if group == "guards" else f"rag_{group}_options"
            return f"`{struct}.{name}`"
        if self.by_name(self.c, NO_C, group, entry):
            return "by its name, in `settings`"
        return self.reason("include/rag.h", NO_C, group, entry["name"])

    def by_name(self, structs: dict, known: dict, group: str, entry: dict) -> bool:
        """Whether the struct takes it by its name alone: what is no callback or object needs no field of its own."""
        return not entry["code"] and "settings" in structs.get(group, ()) and (group, entry["name"]) not in known

    def in_cpp(self, entry: dict) -> None:
        group, name = entry["group"], NAMES.get(entry["declared"], ("", entry["declared"]))[1]
        if name in self.cpp.get(group, ()):
            self.there(NO_CPP, group, entry["name"])
        elif not self.by_name(self.cpp, NO_CPP, group, entry):
            self.reason("include/rag.hpp", NO_CPP, group, entry["name"])

    def in_shell(self, group: str, entry: dict) -> str:
        name, singular = entry["name"].replace("_", "-"), (entry["singular"] or "").replace("_", "-")
        own = SHELL_NAMES.get((group, entry["name"]), "")
        for written in (f"--{name}", f"--{singular}", f"--no-{name}", own):
            if any(written in self.shell[command] for command in COMMANDS[group]):
                self.there(NO_SHELL, group, entry["name"])
                return f"`{written}`"
        if entry["code"]:
            return "only a program can give it"
        return self.reason("the shell", NO_SHELL, group, entry["name"])

    def in_python(self, group: str, entry: dict) -> str:
        if group not in PYTHON:
            call = re.search(rf"    def {group}\(.*?\) ->", self.stub, re.S)
            if not call or f"{entry['name']}:" not in call[0]:
                self.faults.append(f"{group}.{entry['name']} is not in {STUB}")
        return NO_PYTHON.get((group, entry["name"]), f"`{entry['name']}`")


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def row(group: str, entry: dict, where: Surfaces) -> str:
    value = default(entry)
    plain = {"True": "true", "False": "false"}.get(value, value.strip('"') if isinstance(entry["default"], str) else value)
    item = entry["item"] or {}
    kind = ", ".join(words(entry)) or entry["syntax"] or entry["kind"]
    if item:
        kind = f"a list, each {item['syntax'] or 'a ' + item['kind']}"
    where.in_cpp(entry)
    # without links of Rust
    doc = re.sub(r"\[(`[^`]+`)\](\([^)]*\))?", r"\1", CODE_DOCS.get(entry["name"]) or entry["doc"])
    cells = [f"`{entry['name']}`", kind, plain, counted(span(entry), entry), doc]
    cells = [cell(text) for text in cells] + [where.in_python(group, entry), where.in_shell(group, entry), where.in_c(entry)]
    return "| " + " | ".join(cells) + " |"


def page(tables: dict, where: Surfaces) -> str:
    lines = [INTRODUCTION]
    for group, about in TABLES.items():
        # summaries and drafts take what an answer takes
        known = [json.dumps(entry) for entry in tables["ask"]] if group in ("summarize", "compose") else []
        lines += ["", f"## {group}", "", about, "", "| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        lines += [row(group, entry, where) for entry in tables[group] if json.dumps(entry) not in known]
        for entry in tables[group]:
            if json.dumps(entry) in known:
                where.in_shell(group, entry)
    return "\n".join(lines) + "\n"


COLUMNS = ["Option", "Takes", "Default", "Range, unit", "What it does", "Python", "Shell", "C"]
INTRODUCTION = """# Options

Every option of every call and loader, made by `python3 scripts/options.py` from the table in `rag-core/src/options`. An option is a keyword argument
of the method in Python, an argument of the command in the shell and a field of the struct in C, or one of its `settings`, by its name; C++ has the field of C
under the name of the struct without `rag_`. In Rust it is a field of the struct, or is set by its name with `Options::set`. A name that there is not is refused with the nearest
one, and a value out of range with the range."""
TABLES = {
    "search": "Of `search`: `SearchOptions`.",
    "ask": "Of `ask`, `prompt` and `chat`: `AskOptions`, which holds those of a search, of a generation and the guards.",
    "generate": "Of `generate` on a generator alone: `GenerateOptions`.",
    "summarize": "Of `summarize`: `SummarizeOptions`. It takes all that `ask` takes, and these, which are its own or have other defaults.",
    "compose": "Of `compose`: `ComposeOptions`. It takes what `ask` takes, and these, which are its own or have other defaults.",
    "sync": "Of `sync`: `SyncOptions`.",
    "add": "Of `add`: `AddOptions`.",
    "open": "Of opening a knowledge base: `OpenOptions`.",
    "encoder": "Of loading an encoder: `EncoderOptions`.",
    "generator": "Of loading a generator: `GeneratorOptions`.",
    "reranker": "Of loading a reranker: `RerankerOptions`.",
}


def made(tables: dict, where: Surfaces) -> dict:
    """Each file with its text."""
    files = {MODULE: module(tables), PAGE: page(tables, where)}
    for group in PYTHON:
        files[HELP / f"{group}.txt"] = help_text(group, tables[group])
    return files


def main() -> None:
    where = Surfaces()
    files = made(table(), where)
    for path, text in files.items():
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            where.faults.append(f"{path} is not up to date: run python3 scripts/options.py")
    for fault in where.faults:
        print(fault)
    sys.exit(bool(where.faults))


if __name__ == "__main__":
    main()
