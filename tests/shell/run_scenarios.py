#!/usr/bin/env python3
"""Runs tests/scenarios/*.json through the `rag` binary. Python's standard library only.

    tests/shell/run_scenarios.py path/to/rag [scenario.json ...]

Environment: RAG_TEST_MODELS (default ~/.cache/rag/models), RAG_REQUIRE_MODELS=1 turns SKIP into failure,
RAG_TRANSCRIPTS=DIR writes DIR/shell-SCENARIO.txt.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SCENARIOS = pathlib.Path(__file__).resolve().parent.parent / "scenarios"
COUNTS = ("added", "updated", "removed", "renamed", "unchanged")
# where an option is another argument than its name
ARGUMENTS = {("ask", "top_k"): "-k", ("ask", "sampling_top_k"): "--top-k"}


class Mismatch(Exception):
    """What was found is not what the scenario expects."""


def check(what, want, got):
    if want != got:
        raise Mismatch(f"{what}: wanted {want!r}, got {got!r}")


def argument(command, option):
    """How the shell writes an option."""
    return ARGUMENTS.get((command, option), "--" + option.replace("_", "-"))


def written(command, option, value):
    return [argument(command, option), value if isinstance(value, str) else json.dumps(value)]


def models_dir():
    default = pathlib.Path.home() / ".cache" / "rag" / "models"
    return pathlib.Path(os.environ.get("RAG_TEST_MODELS") or default)


class Runner:
    """One scenario in its own temporary directory."""

    def __init__(self, binary, scenario, directory):
        self.binary = binary
        self.scenario = scenario
        self.root = pathlib.Path(directory).resolve()
        self.docs = self.root / "docs"
        self.docs.mkdir()
        self.results = {}
        self.lines = []
        self.open({})

    # The knowledge base

    def open(self, reopen):
        self.kb = self.root / reopen.get("kb", "kb.rag")
        self.encoder = self.model(reopen.get("encoder", self.scenario["encoder"]))
        self.llm = self.model(reopen.get("llm", self.scenario.get("llm")))

    def model(self, name):
        if name is None:
            return None
        if name.startswith("$DOCS/"):
            return str(self.docs / name.removeprefix("$DOCS/"))
        return str(models_dir() / name)

    def refused(self, number, step):
        """Expects that a step is refused for its options, in these words."""
        ((option, reason),) = step["expect_refusal"].items()
        action = next(key for key in ("sync", "search", "ask", "reopen") if key in step)
        command = "search" if action == "reopen" else action
        arguments = [text for pair in step["options"].items() for text in written(command, *pair)]
        if command == "sync":
            arguments += [str(self.kb), str(self.docs)]
        else:
            arguments += [str(self.kb), "probe" if action == "reopen" else step[action]]
        done = subprocess.run([self.binary, command, *arguments, "--json"], capture_output=True, check=False)
        said, object_ = done.stderr.decode(), done.stdout.decode()
        if done.returncode not in (1, 2) or (done.returncode == 1 and json.loads(object_)["error"]["code"] != "InvalidArgument"):
            raise Mismatch(f"wanted a refusal, got exit code {done.returncode}: {said}{object_}")
        named = (option, argument(command, option))
        before, nearest, name = reason.partition("the nearest is ")
        shown = f"{before}{nearest}{argument(command, name)}" if nearest else reason
        if not any(name in said for name in named) or shown not in said:
            raise Mismatch(f"wanted {named} and {shown!r} in {said!r}")
        self.transcript(number, action, "refused", option, reason)

    def options(self, command, step):
        """The options of a step as arguments; what is true is a flag."""
        pairs = step.get("options", {}).items()
        lines = [[argument(command, name)] if value is True else written(command, name, value) for name, value in pairs]
        return [text for line in lines for text in line]

    def rag(self, command, *arguments, text=False):
        """Runs one command; returns (exit code, JSON or text)."""
        flags = ["--encoder", self.encoder]
        if command in ("ask", "compose") and self.llm:
            flags += ["--llm", self.llm]
        flags += [] if text else ["--json"]
        line = [self.binary, command, *flags, *arguments]
        done = subprocess.run(line, capture_output=True, check=False)
        out = done.stdout.decode()
        if done.returncode not in (0, 1, 3, 4):
            raise Mismatch(f"exit code {done.returncode}: {done.stderr.decode()}")
        if done.returncode == 1 and not done.stderr.startswith(b"rag: "):
            raise Mismatch(f"exit code 1 without a line on stderr: {done.stderr!r}")
        if text:
            return done.returncode, out
        if out.count("\n") != 1:
            raise Mismatch(f"expected one line of JSON, got {out!r}; {done.stderr.decode()}")
        return done.returncode, json.loads(out)

    # Steps

    def run(self):
        self.rag("sync", str(self.kb), str(self.docs))
        for number, step in enumerate(self.scenario["steps"]):
            try:
                self.step(number, step)
            except Mismatch as error:
                shown = json.dumps(step, ensure_ascii=False)[:300]
                raise Mismatch(f"step {number}: {error}\n  {shown}") from None

    def step(self, number, step):
        if "expect_refusal" in step:
            self.refused(number, step)
        elif "write" in step:
            for path, text in step["write"].items():
                self.write(path, text.encode())
        elif "write_base64" in step:
            for path, text in step["write_base64"].items():
                self.write(path, base64.b64decode(text))
        elif "mkdir" in step:
            for path in step["mkdir"]:
                (self.docs / path).mkdir(parents=True)
        elif "delete" in step:
            for path in step["delete"]:
                (self.docs / path).unlink()
        elif "rename" in step:
            for old, new in step["rename"].items():
                target = self.docs / new
                target.parent.mkdir(parents=True, exist_ok=True)
                (self.docs / old).rename(target)
        elif "sync" in step:
            self.sync(step)
        elif "search" in step:
            self.search(number, step)
        elif "ask" in step:
            self.ask(number, step)
        elif "compose" in step:
            self.compose(number, step)
        elif "reopen" in step:
            self.reopen(step)
        else:
            raise Mismatch("a step without an action")

    def write(self, path, data):
        target = self.docs / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def succeeded(self, step, code, result):
        """Compares an error with what is expected; whether there is a result to look at."""
        error = result.get("error")
        if (error is not None) != (code == 1):
            raise Mismatch(f"exit code {code} with {result}")
        wanted = step.get("expect_error")
        if error is None:
            check("error", wanted, None)
            return True
        if error["code"] != wanted:
            raise Mismatch(f"error {error['code']} ({error['message']}), wanted {wanted}")
        return False

    def sync(self, step):
        paths = [str(self.docs) if path == "." else str(self.docs / path) for path in step["sync"]]
        code, report = self.rag("sync", *self.options("sync", step), str(self.kb), *paths)
        if not self.succeeded(step, code, report):
            return
        check("exit code", 4 if report["skipped"] else 0, code)
        expect = step.get("expect", {})
        for key in COUNTS:
            if key in expect:
                check(key, expect[key], report[key])
        if "skipped" in expect:
            got = [{"path": self.relative(s["path"]), "code": s["code"]} for s in report["skipped"]]
            check("skipped", expect["skipped"], sorted(got, key=lambda s: s["path"]))

    def search(self, number, step):
        arguments = ["-k", str(step.get("top_k", 5)), "--mode", step.get("mode", "hybrid")]
        arguments += self.options("search", step)
        question = step["search"] * step.get("repeat", 1)
        code, result = self.rag("search", *arguments, "--", str(self.kb), question)
        if not self.succeeded(step, code, result):
            return
        check("exit code", 0, code)
        hits = result["hits"]
        self.results[number] = hits
        self.transcript(number, "search", self.spans(hits))
        self.check_hits(step.get("expect", {}), hits)

    def check_hits(self, expect, hits):
        files = [self.relative(hit["uri"]) for hit in hits]
        if "count" in expect:
            check("count", expect["count"], len(hits))
        if "files" in expect:
            check("files", expect["files"], files)
        if "first_file" in expect:
            check("first file", expect["first_file"], files[0] if files else None)
        if "first_contains" in expect:
            text = hits[0]["text"] if hits else ""
            if expect["first_contains"] not in text:
                raise Mismatch(f"first hit holds no {expect['first_contains']!r}: {text!r}")
        if expect.get("first_slice"):
            hit = hits[0]
            check("slice of the file", self.slice(hit), hit["text"].encode())
        if "same_as" in expect:
            before = self.results[expect["same_as"]]
            check("hits of the earlier step", self.spans(before), self.spans(hits))
            for old, new in zip(before, hits):
                if abs(old["score"] - new["score"]) > 1e-6:
                    raise Mismatch(f"score {new['score']}, was {old['score']}")

    def ask(self, number, step):
        arguments = ["--seed", str(step.get("seed", 0)), *self.options("ask", step)]
        if "system" in step:
            arguments += ["--system", step["system"]]
        arguments += ["--", str(self.kb), step["ask"] * step.get("repeat", 1)]
        pieces = self.rag("ask", *arguments, text=True)[1] if step.get("stream") else None
        code, answer = self.rag("ask", *arguments)
        if not self.succeeded(step, code, answer):
            return
        check("exit code", 0 if answer["found"] else 3, code)
        self.results[number] = answer
        spans = self.spans(answer["citations"])
        state = "found" if answer["found"] else "not_found"
        self.transcript(number, "ask", state, spans, json.dumps(answer["text"]))
        self.check_answer(step.get("expect", {}), answer, pieces)

    def compose(self, number, step):
        arguments = ["--seed", str(step.get("seed", 0)), *self.options("compose", step)]
        task = step["compose"] * step.get("repeat", 1)
        code, draft = self.rag("compose", *arguments, "--", str(self.kb), task)
        if not self.succeeded(step, code, draft):
            return
        check("exit code", 0 if draft["found"] else 3, code)
        self.transcript(number, "compose", "found" if draft["found"] else "not_found")
        self.check_answer(step.get("expect", {}), draft, None)

    def check_answer(self, expect, answer, pieces):
        if "found" in expect:
            check("found", expect["found"], answer["found"])
        for text in expect.get("contains", []):
            if text not in answer["text"]:
                raise Mismatch(f"the text holds no {text!r}: {answer['text']!r}")
        if "cites" in expect:
            files = [self.relative(citation["uri"]) for citation in answer["citations"]]
            check("cited files", expect["cites"], list(dict.fromkeys(files)))
        if expect.get("all_citations_ok"):
            check("no citations", False, not answer["citations"])
            for citation in answer["citations"]:
                check("status", "ok", citation["status"])
                check("quote in the file", self.slice(citation), citation["quote"].encode())
        if "same_as" in expect:
            check("answer", self.results[expect["same_as"]]["text"], answer["text"])
        if "pieces_contain" in expect and expect["pieces_contain"] not in pieces:
            raise Mismatch(f"nothing streamed holds {expect['pieces_contain']!r}: {pieces!r}")

    def reopen(self, step):
        self.open(step["reopen"])
        arguments = ["-k", "1", "--mode", "lexical"]
        if self.kb.exists():
            code, result = self.rag("search", *arguments, str(self.kb), "probe")
        else:
            # The libraries create the file when they open it; in the shell only sync and add do.
            code, result = self.rag("sync", str(self.kb), str(self.docs))
        self.succeeded(step, code, result)

    # Results

    def relative(self, uri):
        path = pathlib.Path(uri)
        return path.relative_to(self.docs).as_posix() if path.is_relative_to(self.docs) else uri

    def slice(self, place):
        data = pathlib.Path(place["uri"]).read_bytes()
        return data[place["source_start"] : place["source_end"]]

    def spans(self, places):
        shown = (f"{self.relative(p['uri'])}:{p['start']}-{p['end']}" for p in places)
        return " ".join(shown)

    def transcript(self, number, *fields):
        line = "\t".join(["T", self.scenario["name"], str(number), *fields])
        print(line, flush=True)
        self.lines.append(line + "\n")
        if "RAG_TRANSCRIPTS" in os.environ:
            name = f"shell-{self.scenario['name']}.txt"
            path = pathlib.Path(os.environ["RAG_TRANSCRIPTS"]) / name
            path.write_text("".join(self.lines), encoding="utf-8")


def missing_model(scenario):
    for model in scenario.get("needs", []):
        if not (models_dir() / model).exists():
            return model
    return None


def run_file(binary, path):
    """Runs one file; returns passed, skipped or failed."""
    scenario = json.loads(path.read_text(encoding="utf-8"))
    model = missing_model(scenario)
    if model is not None:
        print(f"SKIP {scenario['name']}: no model {model}")
        return "failed" if os.environ.get("RAG_REQUIRE_MODELS") == "1" else "skipped"
    with tempfile.TemporaryDirectory() as directory:
        try:
            Runner(binary, scenario, directory).run()
        except Mismatch as error:
            print(f"FAIL {scenario['name']}: {error}")
            return "failed"
    print(f"ok {scenario['name']}")
    return "passed"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    paths = [pathlib.Path(name) for name in sys.argv[2:]] or sorted(SCENARIOS.glob("*.json"))
    states = [run_file(binary, path) for path in paths]
    counts = {state: states.count(state) for state in ("passed", "failed", "skipped")}
    print("shell:", ", ".join(f"{count} {state}" for state, count in counts.items()))
    sys.exit(1 if counts["failed"] or not states else 0)


if __name__ == "__main__":
    main()
