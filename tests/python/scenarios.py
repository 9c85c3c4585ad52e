"""Runs tests/scenarios/*.json through the Python package and prints the transcript.

``python tests/python/scenarios.py FILE...``; the format is described in tests/scenarios/README.md. With
RAG_TRANSCRIPTS=DIR the transcript also goes to ``DIR/python-SCENARIO.txt``.
"""

import base64
import json
import os
import pathlib
import sys
import tempfile

import rag_py

COUNTS = ("added", "updated", "removed", "renamed", "unchanged")


def models_dir():
    return pathlib.Path(os.environ.get("RAG_TEST_MODELS", pathlib.Path.home() / ".cache/rag/models"))


class Scenario:
    """One scenario on its way: the folder, the open knowledge base and what earlier steps gave."""

    def __init__(self, spec, root):
        self.spec, self.transcript = spec, []
        self.root = pathlib.Path(os.path.realpath(root))
        self.docs = self.root / "docs"
        self.docs.mkdir()
        self.results = {}
        self.kb = None
        self.open({})

    def run(self):
        for number, step in enumerate(self.spec["steps"]):
            action = next(key for key in step if hasattr(self, "do_" + key))
            wanted_error = step.get("expect_error")
            try:
                found = getattr(self, "do_" + action)(step[action], step)
            except Exception as error:
                if "expect_refusal" in step:
                    self.refused(number, action, step["expect_refusal"], error)
                    continue
                self.check(number, "error", wanted_error, code_of(error), str(error))
                continue
            self.check(number, "error", wanted_error or step.get("expect_refusal"), None)
            if action in ("search", "ask", "compose"):
                self.results[number] = found
                self.transcript.append("\t".join(["T", self.spec["name"], str(number), action, *found["line"]]))
            for key, wanted in step.get("expect", {}).items():
                self.check(number, key, *self.compare(key, wanted, found))
        self.close()

    def refused(self, number, action, wanted, error):
        ((option, reason),) = wanted.items()
        is_refusal = isinstance(error, (TypeError, rag_py.errors.InvalidArgumentError))
        said = str(error)
        self.check(number, "refusal", True, is_refusal and option in said and said.endswith(f": {reason}"), repr(error))
        self.transcript.append("\t".join(["T", self.spec["name"], str(number), action, "refused", option, reason]))

    def check(self, number, what, wanted, got, detail=""):
        assert wanted == got, f"{self.spec['name']} step {number}: {what}: wanted {wanted!r}, got {got!r} {detail}"

    def compare(self, key, wanted, found):
        """What was wanted and what was found, in comparable form."""
        if key == "same_as":
            return self.results[wanted]["same"], found["same"]
        if key == "contains":
            return wanted, [text for text in wanted if text in found["text"]]
        if key in ("first_contains", "pieces_contain"):
            return True, wanted in found[key]
        return wanted, found[key]

    # The folder.

    def do_write(self, files, _step):
        for path, text in files.items():
            self.put(path, text.encode())

    def do_write_base64(self, files, _step):
        for path, text in files.items():
            self.put(path, base64.b64decode(text))

    def put(self, path, data):
        (self.docs / path).parent.mkdir(parents=True, exist_ok=True)
        (self.docs / path).write_bytes(data)

    def do_mkdir(self, paths, _step):
        for path in paths:
            (self.docs / path).mkdir(parents=True)

    def do_delete(self, paths, _step):
        for path in paths:
            (self.docs / path).unlink()

    def do_rename(self, moves, _step):
        for old, new in moves.items():
            (self.docs / new).parent.mkdir(parents=True, exist_ok=True)
            (self.docs / old).rename(self.docs / new)

    def relative(self, uri):
        return pathlib.Path(uri).relative_to(self.docs).as_posix()

    def slice(self, span):
        """The bytes of the source file that a hit or citation points at."""
        data = pathlib.Path(span.uri).read_bytes()
        return None if span.source_start is None else data[span.source_start : span.source_end].decode()

    # The knowledge base.

    def model(self, name):
        if name is None:
            return None
        if name.startswith("$DOCS/"):
            return self.docs / name[len("$DOCS/") :]
        return models_dir() / name

    def open(self, options, more=None):
        self.kb = rag_py.open(
            self.root / options.get("kb", "kb.rag"),
            encoder=self.model(options.get("encoder", self.spec["encoder"])),
            llm=self.model(options.get("llm", self.spec.get("llm"))),
            **(more or {}),
        )

    def close(self):
        if self.kb is not None:
            self.kb.close()
            self.kb = None

    def do_reopen(self, options, step):
        self.close()
        self.open(options, step.get("options"))

    def do_sync(self, paths, step):
        report = self.kb.sync(*[self.docs / path for path in paths], **step.get("options", {}))
        skipped = [{"path": self.relative(file.path), "code": file.code} for file in report.skipped]
        found = {key: getattr(report, key) for key in COUNTS}
        return {**found, "skipped": sorted(skipped, key=lambda file: file["path"])}

    def do_search(self, question, step):
        options = {key: step[key] for key in ("top_k", "mode") if key in step} | step.get("options", {})
        hits = self.kb.search(question * step.get("repeat", 1), **options)
        files = [self.relative(hit.uri) for hit in hits]
        spans = [f"{file}:{hit.start}-{hit.end}" for file, hit in zip(files, hits)]
        first = hits[0] if hits else None
        return {
            "count": len(hits),
            "files": files,
            "first_file": files[0] if hits else None,
            "first_contains": first.text if hits else "",
            "first_slice": bool(hits) and self.slice(first) == first.text,
            "same": [(span, Close(hit.score)) for span, hit in zip(spans, hits)],
            "line": [" ".join(spans)],
        }

    def do_ask(self, question, step):
        options = {"seed": step.get("seed", 0), "system": step.get("system"), **step.get("options", {})}
        question = question * step.get("repeat", 1)
        pieces = []
        if step.get("stream"):
            stream = self.kb.ask(question, **{"stream": True, **options})
            for piece in stream:
                pieces.append(piece) if isinstance(piece, str) else pieces.clear()
            answer = stream.answer
        else:
            answer = self.kb.ask(question, **options)
        files = [self.relative(each.uri) for each in answer.citations]
        spans = [f"{file}:{each.start}-{each.end}" for file, each in zip(files, answer.citations)]
        sound = [each.status == "ok" and each.quote == self.slice(each) for each in answer.citations]
        state = "found" if answer.found else "not_found"
        return {
            "found": answer.found,
            "text": answer.text,
            "cites": list(dict.fromkeys(files)),
            "all_citations_ok": bool(sound) and all(sound),
            "same": answer.text,
            "pieces_contain": "".join(pieces),
            "line": [state, " ".join(spans), json.dumps(answer.text)],
        }

    def do_compose(self, task, step):
        draft = self.kb.compose(task * step.get("repeat", 1), seed=step.get("seed", 0), **step.get("options", {}))
        return {"found": draft.found, "text": draft.text, "line": ["found" if draft.found else "not_found"]}


class Close(float):
    """A score, equal to others within 1e-6."""

    def __eq__(self, other):
        return abs(float(self) - float(other)) <= 1e-6

    __hash__ = None


def code_of(error):
    """The name of the error code that an exception stands for; other exceptions are bugs of the runner."""
    if isinstance(error, OSError):
        return "Io"
    if isinstance(error, rag_py.RagError):
        return error.code
    raise error


def missing_model(spec):
    """The first model that a scenario needs and that is not there."""
    return next((name for name in spec["needs"] if not (models_dir() / name).exists()), None)


def save(name, transcript):
    """Puts a transcript where the four surfaces are compared."""
    if "RAG_TRANSCRIPTS" in os.environ:
        path = pathlib.Path(os.environ["RAG_TRANSCRIPTS"]) / f"python-{name}.txt"
        path.write_text("".join(line + "\n" for line in transcript), encoding="utf-8")


def run(path):
    """Runs one scenario file and prints its transcript; raises AssertionError at the first difference."""
    spec = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    missing = missing_model(spec)
    if missing is not None:
        assert os.environ.get("RAG_REQUIRE_MODELS") != "1", f"{spec['name']}: no model {missing}"
        print(f"SKIP {spec['name']}: no model {missing}")
        return
    save(spec["name"], [])
    with tempfile.TemporaryDirectory() as root:
        scenario = Scenario(spec, root)
        try:
            scenario.run()
        finally:
            print("\n".join(scenario.transcript))
            save(spec["name"], scenario.transcript)


def main():
    failed = 0
    for path in sys.argv[1:]:
        try:
            run(path)
        except AssertionError as error:
            failed += 1
            print(f"FAIL {error}", file=sys.stderr)
    print(f"python scenarios: {len(sys.argv) - 1 - failed} passed, {failed} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
