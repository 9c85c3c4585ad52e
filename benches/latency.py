#!/usr/bin/env python3
"""How long a question takes in a process that stays open: finding passages, and the first token beside the decoder's own time.

    python3 benches/latency.py RAG KB QUESTIONS.txt [--encoder minilm] [--llm qwen2.5-0.5b|none] [--warm 3]

Asks every line of QUESTIONS.txt of `rag chat KB --json`, each without the turns before it. The first --warm questions load models and are
not counted. Prints medians and 95th percentiles in milliseconds. `beside the decoder` is the time to the first token, from the call on, over
the time the decoder itself took for that prompt.
"""

import argparse
import json
import pathlib
import statistics
import subprocess


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rag")
    parser.add_argument("kb")
    parser.add_argument("questions", type=pathlib.Path)
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--llm", default="none")
    parser.add_argument("--warm", type=int, default=3)
    arguments = parser.parse_args()
    questions = [line for line in arguments.questions.read_text(encoding="utf8").splitlines() if line.strip()]
    command = [arguments.rag, "chat", arguments.kb, "--encoder", arguments.encoder, "--llm", arguments.llm, "--json"]
    command += ["--abstain", "never", "--max-new-tokens", "16"]
    text = "".join(f"{question}\n/clear\n" for question in questions)
    done = subprocess.run(command, input=text, check=True, capture_output=True, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    timings = [answer["timings"] for answer in answers if "timings" in answer][arguments.warm :]
    rows = {"retrieval, ms": [each["search_ms"] for each in timings]}
    told = [each for each in timings if each["prefill_ms"] > 0]
    if told:
        rows["prompt, tokens"] = [each["prompt_token_count"] for each in told]
        rows["decoder to the first token, ms"] = [each["prefill_ms"] for each in told]
        rows["call to the first token, ms"] = [each["first_token_ms"] for each in told]
        rows["beside the decoder"] = [each["first_token_ms"] / each["prefill_ms"] for each in told]
    print(f"| {len(timings)} questions | median | 95th percentile |")
    print("|---|---|---|")
    for name, values in rows.items():
        high = sorted(values)[int(0.95 * (len(values) - 1))]
        print(f"| {name} | {statistics.median(values):.2f} | {high:.2f} |")


if __name__ == "__main__":
    main()
