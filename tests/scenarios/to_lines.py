#!/usr/bin/env python3
"""Turns a scenario file into one line per fact, for drivers without a JSON parser.

Fields are separated by one space and percent-escaped; tests/scenarios/README.md lists the lines.
"""

import base64
import json
import sys
from urllib.parse import quote_from_bytes

SAFE = "$/~"
COUNTS = ("added", "updated", "removed", "renamed", "unchanged", "count")


def escape(value):
    data = value if isinstance(value, bytes) else str(value).encode()
    return {b"": "-", b"-": "%2D"}.get(data) or quote_from_bytes(data, safe=SAFE)


def emit(*fields):
    print(" ".join(escape(field) for field in fields))


def action_lines(step):
    for path, text in step.get("write", {}).items():
        emit("file", path, text)
    for path, text in step.get("write_base64", {}).items():
        emit("file", path, base64.b64decode(text))
    for key in ("mkdir", "delete", "sync"):
        for path in step.get(key, []):
            emit("path", path)
    for old, new in step.get("rename", {}).items():
        emit("move", old, new)
    for key in ("search", "ask", "compose"):
        if key in step:
            emit("question", step[key] * step.get("repeat", 1))
    for key in ("top_k", "mode", "seed", "system"):
        if key in step:
            emit(key, step[key])
    for name, value in step.get("options", {}).items():
        emit("option", name, value if isinstance(value, str) else json.dumps(value))
    if step.get("stream"):
        emit("stream", 1)
    reopen = step.get("reopen", {})
    for key, name in (("kb", "kb"), ("encoder", "use_encoder"), ("llm", "use_llm")):
        if key in reopen:
            emit(name, reopen[key])


def expect_lines(step):
    if "expect_error" in step:
        emit("error", step["expect_error"])
    for option, reason in step.get("expect_refusal", {}).items():
        emit("refusal", option, reason)
    expect = step.get("expect", {})
    for key in COUNTS:
        if key in expect:
            emit("expect_count", key, expect[key])
    if "skipped" in expect:
        emit("expect_count", "skipped_count", len(expect["skipped"]))
        for skip in expect["skipped"]:
            emit("expect_skip", skip["path"], skip["code"])
    for key, one in (("files", "expect_file"), ("cites", "expect_cite")):
        if key in expect:
            emit(f"expect_{key}", len(expect[key]))
            for path in expect[key]:
                emit(one, path)
    for key in ("first_file", "first_contains", "same_as", "pieces_contain"):
        if key in expect:
            emit(f"expect_{key}", expect[key])
    for key in ("first_slice", "all_citations_ok", "found"):
        if key in expect:
            emit(f"expect_{key}", int(expect[key]))
    for text in expect.get("contains", []):
        emit("expect_contains", text)


ACTIONS = {
    "write": "write",
    "write_base64": "write",
    "mkdir": "mkdir",
    "delete": "delete",
    "rename": "rename",
    "sync": "sync",
    "search": "search",
    "ask": "ask",
    "compose": "compose",
    "reopen": "reopen",
}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        scenario = json.load(file)
    emit("scenario", scenario["name"])
    for model in scenario.get("needs", []):
        emit("need", model)
    for key in ("encoder", "llm"):
        if key in scenario:
            emit(key, scenario[key])
    for number, step in enumerate(scenario["steps"]):
        (action,) = [ACTIONS[key] for key in step if key in ACTIONS]
        emit("step", number, action)
        action_lines(step)
        expect_lines(step)
        emit("end", number)
    emit("done")


if __name__ == "__main__":
    main()
