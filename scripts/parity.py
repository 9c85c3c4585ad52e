"""What can be called from where: writes docs/parity.md, or with --check says whether it is up to date.

Every public method of the classes below must be in the Python stub and in rag.h, under its own name or the one given
here, or its absence must have a reason here. A new method fails the check until it is one of these.
"""

import pathlib
import re
import sys

CORE = pathlib.Path("rag-core/src")
PAGE = pathlib.Path("docs/parity.md")
STUBS = ["rag-py/python/rag_py/_native.pyi", "rag-py/python/rag_py/_generator.py", "rag-py/python/rag_py/_knowledge_base.py"]

# the class in Rust, where it is, its name in Python, what its functions begin with in C
CLASSES = [
    ("KnowledgeBase", "knowledge_base", "KnowledgeBase", "rag_kb_"),
    ("Chat", "knowledge_base", "Chat", "rag_chat_"),
    ("Answer", "knowledge_base", "Answer", "rag_answer_"),
    ("Encoder", "encode", "Encoder", "rag_encoder_"),
    ("Reranker", "rerank", "Reranker", "rag_reranker_"),
    ("Generator", "generate", "Generator", "rag_generator_"),
]

# modules whose public functions need no object, in the order of the page
MODULES = ["document", "guard", "passage", "model", "walk", "search", "cite", "prompt"]

# (class, method): (name in Python, name in C); a name in brackets is the reason why there is none
OTHERWISE = {
    ("KnowledgeBase", "open"): ("open", None),
    ("KnowledgeBase", "also"): (None, "(the caller named them)"),
    ("KnowledgeBase", "path"): (None, "(the caller named it)"),
    ("KnowledgeBase", "document"): (None, "(rag_kb_documents with a filter)"),
    ("KnowledgeBase", "encoder"): ("(open an Encoder)", "(open a rag_encoder)"),
    ("KnowledgeBase", "generator"): ("(open a Generator)", "(open a rag_generator)"),
    ("KnowledgeBase", "reranker"): ("(used by search)", "(used by rag_kb_search)"),
    ("KnowledgeBase", "seal"): ("(sync seals)", None),
    ("KnowledgeBase", "seal_with"): ("(options of sync)", "(options of rag_kb_sync)"),
    ("KnowledgeBase", "prompt_of"): ("(prompt finds the passages)", "(rag_kb_prompt finds the passages)"),
    ("KnowledgeBase", "continue_chat"): ("(a Chat lasts)", "(a rag_chat lasts)"),
    ("KnowledgeBase", "resume"): (None, "rag_chat_resume"),
    ("Chat", "knowledge_base"): ("(the caller has it)", "(the caller has it)"),
    ("Chat", "history"): (None, "rag_chat_to_json"),
    ("Chat", "into_conversation"): ("(a Chat lasts)", "(a rag_chat lasts)"),
    ("Answer", "source_notes"): ("(in repr; Citation.status)", "(status of each rag_citation)"),
    ("Answer", "to_html"): ("_repr_html_", "(for notebooks)"),
    ("Answer", "reason_text"): ("(Answer.reason is a word)", "rag_answer_reason"),
    ("Answer", "fate"): ("(in explain_html)", "(in rag_answer_explain_html)"),
    ("Encoder", "load"): ("__new__", "rag_encoder_open"),
    ("Encoder", "load_with"): ("__new__", "rag_encoder_open_with"),
    ("Encoder", "own"): ("from_callable", "rag_encoder_own"),
    ("Encoder", "inspect"): ("(rag model inspect)", "(rag model inspect)"),
    ("Encoder", "with_threads"): ("(threads=...)", "(threads in its options)"),
    ("Encoder", "precision"): (None, "rag_encoder_precision"),
    ("Encoder", "backend"): (None, "(the caller named it)"),
    ("Encoder", "level_name"): ("level", "rag_encoder_level"),
    ("Encoder", "thread_count"): ("threads", "(the caller gave it)"),
    ("Encoder", "identity"): ("fingerprint", "rag_encoder_fingerprint"),
    ("Encoder", "passage_budget_tokens"): ("max_tokens", "rag_encoder_max_tokens"),
    ("Encoder", "token_count"): (None, "rag_encoder_token_count"),
    ("Encoder", "encode_queries"): (None, "rag_encoder_encode"),
    ("Encoder", "encode_passages"): (None, "rag_encoder_encode"),
    ("Encoder", "passage_batches"): ("encode_batches", "(call rag_encoder_encode for each batch)"),
    ("Reranker", "load"): ("__new__", "rag_reranker_open"),
    ("Reranker", "load_with"): ("__new__", "rag_reranker_open"),
    ("Reranker", "inspect"): ("(rag model inspect)", "(rag model inspect)"),
    ("Reranker", "info"): ("architecture", "rag_reranker_max_tokens"),
    ("Reranker", "rerank"): ("(used by search)", "(used by rag_kb_search)"),
    ("document", "read"): (None, "rag_read_file"),
    ("document", "read_with"): ("read", "rag_read_file"),
    ("document", "read_file"): ("read", None),
    ("document", "guess_lang"): ("(lang of read and of documents)", "(lang of rag_read_file and of rag_document)"),
    ("guard", "mask"): (None, "rag_mask_text"),
    ("passage", "split"): ("(sync and add split)", "(rag_kb_sync and rag_kb_add split)"),
    ("passage", "header_over"): ("(a part of ask)", "(a part of rag_kb_ask)"),
    ("passage", "is_heading"): ("(a part of ask)", "(a part of rag_kb_ask)"),
    ("passage", "sentences"): ("(ask(sentences=...))", "(sentences in rag_ask_options)"),
    ("model", "inspect"): ("(rag model inspect)", "(rag model inspect)"),
    ("model", "is_generator"): ("(rag model list)", "(rag model list)"),
    ("model", "is_encoder_gguf"): ("(rag model list)", "(rag model list)"),
    ("model", "is_reranker"): ("(rag model list)", "(rag model list)"),
    ("walk", "walk"): ("(sync walks)", "(rag_kb_sync walks)"),
    ("walk", "stat"): ("(sync walks)", "(rag_kb_sync walks)"),
    ("search", "near_copies"): ("(rag eval)", "(rag eval)"),
    ("search", "matched"): ("(Hit.matched)", "(rag search --why)"),
    ("search", "search"): ("(KnowledgeBase.search)", "(rag_kb_search)"),
    ("search", "search_all"): ("(KnowledgeBase.search)", "(rag_kb_search)"),
    ("search", "search_for"): ("(KnowledgeBase.search)", "(rag_kb_search)"),
    ("search", "coverage"): ("(a part of ask)", "(a part of rag_kb_ask)"),
    ("search", "focus"): ("(ask(sentences=...))", "(sentences in rag_ask_options)"),
    ("search", "sentences"): ("(ask(extract=True))", "(RAG_WRITER_PASSAGES)"),
    ("search", "measure_floor"): ("(a part of ask)", "(a part of rag_kb_ask)"),
    ("search", "min_coverage"): ("(a part of ask)", "(a part of rag_kb_ask)"),
    ("cite", "cite"): ("(ask(writer=...) cites)", "(on_write in rag_ask_options cites)"),
    ("cite", "has_markers"): ("(pieces of a stream carry none)", "(pieces carry none)"),
    ("cite", "without_markers"): ("(pieces of a stream carry none)", "(pieces carry none)"),
    ("prompt", "build"): ("(KnowledgeBase.prompt)", "(rag_kb_prompt)"),
    ("Generator", "load"): ("__new__", "rag_generator_open"),
    ("Generator", "load_with"): ("__new__", "rag_generator_open_with"),
    ("Generator", "kernel_level"): ("level", "(level in its options)"),
    ("Generator", "thread_count"): ("threads", "(the caller gave it)"),
    ("Generator", "kv_precision"): ("kv", "(the caller named it)"),
    ("Generator", "path"): ("name", "(the caller named it)"),
    ("Generator", "architecture"): ("(rag model inspect)", "(rag model inspect)"),
    ("Generator", "fingerprint"): ("(rag model inspect)", "(rag model inspect)"),
    ("Generator", "chat"): ("token_count", "rag_generator_template"),
    ("Generator", "backend"): (None, "(the caller named it)"),
    ("Generator", "generate_many"): (None, "(call rag_generator_generate for each)"),
    ("Generator", "logits"): ("(logprobs=...)", "(for measurements in Rust)"),
    ("Generator", "log_probability"): ("(logprobs=...)", "(for measurements in Rust)"),
}


def methods(name: str, folder: str) -> list[str]:
    """The public methods of a class, in the order of the files."""
    found = []
    for path in sorted((CORE / folder).rglob("*.rs")):
        text = path.read_text().split("#[cfg(test)]")[0]
        for block in re.finditer(rf"^impl(?:<[^>]*>)? {name}(?:<'_>)? \{{\n(.*?)^\}}", text, re.M | re.S):
            found += re.findall(r"^    pub (?:const )?fn (\w+)", block[1], re.M)
    return list(dict.fromkeys(found))


def functions(module: str) -> list[str]:
    """The public functions of a module, its own and those it takes from its parts."""
    root = next(path for path in (CORE / f"{module}.rs", CORE / module / "mod.rs") if path.exists())
    text = root.read_text().split("#[cfg(test)]")[0]
    found = re.findall(r"^pub fn (\w+)", text, re.M)
    for names in re.findall(r"^pub use [\w:]+::(\{[^}]*\}|\w+);", text, re.M):
        renamed = [name.split()[-1] for name in names.strip("{}").split(",") if name.strip()]
        found += [name for name in renamed if name.islower()]
    return list(dict.fromkeys(found))


def python_names(name: str) -> set[str]:
    names = set()
    for path in STUBS:
        text = pathlib.Path(path).read_text()
        for block in re.finditer(rf"^class {name or '-'}\b.*?(?=^\S|\Z)", text, re.M | re.S):
            names |= set(re.findall(r"^    (?:async )?def (\w+)", block[0], re.M))
        names |= set(re.findall(r"^def (\w+)", text, re.M))
    return names


def named(name: str, method: str, members: list[str], prefix: str) -> tuple[str | None, str | None]:
    """What a method is called elsewhere; one that ends in `_with` is there as its plain twin, which takes the same options."""
    twin = method.removesuffix("_with")
    if (name, method) in OTHERWISE or twin == method or twin not in members:
        return OTHERWISE.get((name, method), (None, None))
    python, c = OTHERWISE.get((name, twin), (None, None))
    return python or twin, c or prefix + twin


def page() -> tuple[str, list[str]]:
    header = set(re.findall(r"\b(rag_\w+)\(", pathlib.Path("include/rag.h").read_text()))
    faults = []
    lines = [
        "# What can be called from where",
        "",
        "Made by `python3 scripts/parity.py`; a method that is missing somewhere without a reason fails `./run test rules`. C++ has what C has.",
    ]
    parts = [(name, name, methods(name, folder), python_names(python), prefix) for name, folder, python, prefix in CLASSES]
    parts += [(f"Functions of `{name}`", name, functions(name), python_names(""), "rag_") for name in MODULES]
    for title, name, members, known, prefix in parts:
        lines += ["", f"## {title}", "", "| Rust | Python | C |", "|---|---|---|"]
        for method in members:
            cells = []
            wanted = named(name, method, members, prefix)
            for given, own, there in ((wanted[0], method, known), (wanted[1], prefix + method, header)):
                label = given or own
                if label.startswith("("):
                    if own in there:
                        faults.append(f"{name}.{method}: it is there now; take out {label}")
                    cells.append(label[1:-1])
                    continue
                if label not in there:
                    faults.append(f"{name}.{method}: no {label}, and no reason in scripts/parity.py")
                cells.append(f"`{label}`")
            lines.append(f"| `{method}` | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n", faults


def main() -> None:
    text, faults = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != text:
            faults.append(f"{PAGE} is not up to date: run python3 scripts/parity.py")
    elif not faults:
        PAGE.write_text(text)
    for fault in faults:
        print(fault)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
