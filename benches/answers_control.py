#!/usr/bin/env python3
"""The answers of `rag eval` beside llama.cpp's for exactly the same prompts: is it the model or the engine?

    rag eval ... --llm MODEL.gguf --answers ours.jsonl
    PEER/bin/python benches/answers_control.py MODEL.gguf ours.jsonl [--limit N] [--threads 2] [--new-tokens 256]

PEER is a Python with llama-cpp-python, see benches/peers/generate.py. Both sides are greedy. Prints how many answers are the same to the
byte, and what share of each contains a gold answer, over the questions that came as far as the generator.
"""

import argparse
import ctypes
import json
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
from generate import Peer

ARTICLES = {"a", "an", "the", "le", "la", "les", "l", "un", "une", "des"}


def words(text):
    return [word for word in re.findall(r"\w+", text.lower().replace("_", " ")) if word not in ARTICLES]


def contains(text, gold):
    said = words(text)
    for answer in gold:
        part = words(answer)
        if part and any(said[at : at + len(part)] == part for at in range(len(said) - len(part) + 1)):
            return True
    return False


def generate(peer, prompt, count):
    """The greedy text up to the end of the turn."""
    ids = peer.tokens(prompt, start=False)
    peer.clear()
    logits, found, data = peer.take_in(ids, 0)[-1], [], b""
    while len(found) < count:
        token = int(logits.argmax())
        if peer.api.llama_vocab_is_eog(peer.vocabulary, token):
            break
        found.append(token)
        room = (ctypes.c_char * 64)()
        size = peer.api.llama_token_to_piece(peer.vocabulary, token, room, len(room), 0, False)
        data += room[:size]
        logits = peer.take_in([token], len(ids) + len(found) - 1)[-1]
    return data.decode("utf-8", "replace"), len(ids)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("answers", type=pathlib.Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--new-tokens", type=int, default=256)
    arguments = parser.parse_args()
    # weights as they are: where a CPU has AMX and the system keeps it, llama.cpp 0.3.36 ends at an illegal instruction otherwise
    peer = Peer(arguments.model, arguments.threads, 4096, repack=False)
    records = [json.loads(line) for line in arguments.answers.open(encoding="utf8")]
    records = [record for record in records if record["prompt"]][: arguments.limit]
    same = ours = theirs = both = other_length = 0
    started = time.perf_counter()
    for record in records:
        text, size = generate(peer, record["prompt"], arguments.new_tokens)
        other_length += size != record["answer"]["timings"]["prompt_token_count"]
        same += text.strip() == record["raw_text"].strip()
        left, right = contains(record["raw_text"], record["gold"]), contains(text, record["gold"])
        ours, theirs, both = ours + left, theirs + right, both + (left and right)
    count = max(len(records), 1)
    print(f"{len(records)} prompts, {time.perf_counter() - started:.0f} s; {other_length} of another length in tokens")
    print(f"the same answer to the byte: {same / count:.3f}")
    print(f"what the model wrote contains a gold answer: ours {ours / count:.3f}, llama.cpp {theirs / count:.3f}, both {both / count:.3f}")


if __name__ == "__main__":
    main()
