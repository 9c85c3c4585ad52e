#!/usr/bin/env python3
"""Comments of Rust and the prose of Markdown, wrapped at 100 columns.

Usage: wrap_comments.py [--check]

Without an argument every paragraph with a line that is too long is wrapped again; nothing else is touched. With
`--check` such lines are listed and the exit status is 1. Tables, code, headings, links and what cannot be broken stay
as they are: rustfmt wraps comments with an unstable option only, and Markdown not at all.
"""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 100
COMMENT = re.compile(r"^(\s*)(///|//!|//)( ?)(.*)$")
ITEM = re.compile(r"^(\s*)([-*+]|\d+[.)]) +")
#: options' documentation is one line each: it is the help of the shell and of Python too
ONE_LINE = ("rag-core/src/options/",)
#: what people read; the samples of tests and examples are data, and two pages are made by scripts
PAGES = ("*README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", ":!docs/options.md", ":!docs/parity.md", ":!tests/data", ":!examples/corpus")
#: what begins a line that is no running text
STIFF = ("|", "#", "```", "~~~", "[", "<", "!", ">", ":::", "    ", "\t")


def tracked(*patterns):
    """The files of the repository that match."""
    names = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    return [ROOT / name for name in names if not name.startswith(ONE_LINE)]


def fill(lines, width):
    """One paragraph or item of a list, wrapped; as it was where a word alone is too long."""
    item = ITEM.match(lines[0])
    first = item.group(0) if item else re.match(r"\s*", lines[0]).group(0)
    rest = " " * len(first)
    text = " ".join([lines[0][len(first) :], *(line.strip() for line in lines[1:])])
    # a code span or link with blanks in it is kept in one piece
    held = re.sub(r"`[^`]*`|\[[^\]]*\]\([^)]*\)", lambda m: m.group(0).replace(" ", "\0"), text)
    wrapped = textwrap.wrap(
        held, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    # a line must not begin with what Markdown takes for a mark of its own
    stiff = [line for line in wrapped[1:] if ITEM.match(line) or line.strip().startswith(("#", "|", ">", "+", "="))]
    return lines if stiff else [line.replace("\0", " ") for line in wrapped]


def paragraphs(lines):
    """Runs of lines that are wrapped together, with whether they may be wrapped at all."""
    run, fenced = [], False
    for line in lines:
        text = line.strip()
        fence = text.startswith(("```", "~~~"))
        stiff = fenced or fence or not text or text.startswith(STIFF[:-2])
        stiff = stiff or (not run and line.startswith(STIFF[-2:]) and not ITEM.match(line))
        if fence:
            fenced = not fenced
        if stiff or ITEM.match(line):
            if run:
                yield run, True
            run = []
        if stiff:
            yield [line], False
        else:
            run.append(line)
    if run:
        yield run, True


def wrap(lines, width):
    """Lines of Markdown without the marks of comments."""
    out = []
    for run, soft in paragraphs(lines):
        long = any(len(line) > width for line in run)
        out += fill(run, width) if soft and long else run
    return out


def wrap_rust(text):
    """A source file with its comments wrapped."""
    out, block, key = [], [], None
    raw = False

    def flush():
        nonlocal block, key
        if block:
            indent, mark = key
            prefix = f"{indent}{mark}"
            for line in wrap(block, WIDTH - len(prefix) - 1):
                out.append(f"{prefix} {line}".rstrip())
        block, key = [], None

    for line in text.split("\n"):
        match = None if raw else COMMENT.match(line)
        opened = len(re.findall(r'r#+"', line)) - len(re.findall(r'"#+', line)) if not match else 0
        if match and match.group(3) or match and not match.group(4):
            here = (match.group(1), match.group(2))
            if key != here:
                flush()
            key = here
            block.append(match.group(4))
        else:
            flush()
            out.append(line)
        raw = raw + opened > 0 if opened else raw
    flush()
    return "\n".join(out)


def wrap_markdown(text):
    """A page, wrapped."""
    return "\n".join(wrap(text.split("\n"), WIDTH))


def long_lines(path, text, wrapped):
    """The lines that wrapping would change."""
    kept = set(wrapped.split("\n"))
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > WIDTH and line not in kept:
            yield f"{path.relative_to(ROOT)}:{number}: {len(line)} columns"


def changes():
    """Each file that wrapping would change: its path, its text and how that would be."""
    for patterns, how in ((["*.rs"], wrap_rust), (PAGES, wrap_markdown)):
        for path in tracked(*patterns):
            text = path.read_text(encoding="utf-8")
            wrapped = how(text)
            if wrapped != text:
                yield path, text, wrapped


def faults():
    """The lines that are too long and could be wrapped."""
    return [fault for path, text, wrapped in changes() for fault in long_lines(path, text, wrapped)]


def main():
    if "--check" not in sys.argv[1:]:
        for path, _, wrapped in changes():
            path.write_text(wrapped, encoding="utf-8")
        return
    found = faults()
    print("\n".join(found))
    if found:
        sys.exit(f"{len(found)} lines are longer than {WIDTH}: run scripts/wrap_comments.py")


if __name__ == "__main__":
    main()
