"""Keeps programs built against an earlier rag.h running: compares the header with the kept description, rag-capi/abi.txt.

    python3 scripts/abi.py            # adds what is new to the description
    python3 scripts/abi.py --check    # fails if anything kept is gone or changed, or something new is not written down

A function keeps its signature, a value of an enum its number, a struct its fields in their order. What may grow: functions, enums with
values at the end, structs with fields at the end (options by their struct_size; the others are made by the library alone).
"""

import pathlib
import re
import sys

HEADER = pathlib.Path("include/rag.h")
KEPT = pathlib.Path("rag-capi/abi.txt")


def described(header: str) -> list[str]:
    """One line for each function, callback, enum value and field, in the order of the header."""
    text = re.sub(r"/\*.*?\*/", " ", header, flags=re.S)
    text = re.sub(r"^\s*#.*?(?<!\\)$", "", text, flags=re.M)
    lines = []
    for kind, body, name in re.findall(r"typedef (enum|struct) \{(.*?)\} (\w+);", text, flags=re.S):
        parts = re.split(r"[,;]", body) if kind == "enum" else body.split(";")
        for place, part in enumerate(" ".join(part.split()) for part in parts if part.strip()):
            lines.append(f"{kind} {name} {part}" if kind == "enum" else f"{kind} {name} {place}: {part}")
    for line in re.findall(r"^typedef [\w ]+\(\*rag_\w+\)\([^;]*\);", text, flags=re.M):
        lines.append("callback " + " ".join(line.removeprefix("typedef ").split()))
    for line in re.findall(r"^(?!typedef)[\w ]+[ *]+rag_\w+\([^;{}]*\);", text, flags=re.M):
        lines.append("function " + " ".join(line.split()))
    return lines


def main() -> int:
    now = described(HEADER.read_text(encoding="utf-8"))
    assert len(now) > 400, f"only {len(now)} lines: the header is not read as it should be"
    kept = KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else []
    gone = [line for line in kept if line not in set(now)]
    for line in gone:
        print(f"gone or changed: {line}")
    if gone:
        print("programs built against rag.h would break: bring it back, or give the library another soname")
        return 1
    if "--check" not in sys.argv:
        KEPT.write_text("\n".join(now) + "\n", encoding="utf-8")
    elif kept != now:
        print("rag.h has grown: run python3 scripts/abi.py")
        return 1
    print("abi: 1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
