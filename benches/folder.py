"""From a folder to the first answer: time, rate, file size and peak memory of the shell.

    python3 benches/folder.py FOLDER QUESTION [--encoder NAME] [--llm NAME] [--rag target/release/rag]

Prints a Markdown table for docs/benchmarks.md. Each step is a process of its own, so every figure includes loading the
models. "First token" is the time from the start of the process to the first token of the answer.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time


def run(command: list[str]) -> tuple[dict, float, float]:
    """Runs a command; returns its JSON, wall seconds and peak resident memory in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 3, 4):
        sys.exit(f"{' '.join(command)} ended with {code}: {output.decode()}")
    return json.loads(output), seconds, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("question")
    parser.add_argument("--encoder", default="e5-small")
    parser.add_argument("--llm", default="qwen2.5-0.5b")
    parser.add_argument("--rag", default="target/release/rag")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        kb = os.path.join(scratch, "kb.rag")
        sync = [options.rag, "sync", kb, options.folder, "--encoder", options.encoder, "--json"]
        first, sync_seconds, sync_memory = run(sync)
        _, again_seconds, _ = run(sync)
        info, _, _ = run([options.rag, "info", kb, "--json"])
        ask = [options.rag, "ask", kb, options.question, "--llm", options.llm, "--json"]
        answer, ask_seconds, ask_memory = run(ask)
        search = [options.rag, "search", kb, options.question, "--json"]
        _, search_seconds, _ = run(search)
        file_bytes = pathlib.Path(kb).stat().st_size

    passages, timings = info["passage_count"], answer["timings"]
    rows = [
        ("documents, skipped", f"{info['document_count']}, {len(first['skipped'])}"),
        ("passages", f"{passages}"),
        ("indexing", f"{sync_seconds:.1f} s, {passages / sync_seconds:.1f} passages/s"),
        ("indexing again, nothing changed", f"{again_seconds:.2f} s"),
        ("peak memory, indexing", f"{sync_memory:.0f} MiB"),
        ("file", f"{file_bytes / 2**20:.1f} MiB, {file_bytes / max(passages, 1):.0f} bytes a passage"),
        ("search, whole process", f"{search_seconds:.2f} s"),
        ("first token, whole process", f"{timings['first_token_ms'] / 1000:.2f} s"),
        ("answer, whole process", f"{ask_seconds:.2f} s"),
        ("prompt, answer", f"{timings['prompt_token_count']} tokens, {timings['answer_token_count']} tokens"),
        ("peak memory, answering", f"{ask_memory:.0f} MiB"),
    ]
    print(f"| {options.encoder}, {options.llm}, {os.cpu_count()} cores | |\n|---|---|")
    for name, figure in rows:
        print(f"| {name} | {figure} |")
    print(f"\nQuestion: {options.question}\nAnswer: {answer['text'] or 'not found: ' + str(answer['reason'])}")
    for citation in answer["citations"]:
        print(f"[{citation['marker']}] {citation['uri']} {citation['status']}: {citation['quote']}")


if __name__ == "__main__":
    main()
