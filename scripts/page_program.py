"""The blocks of a page in one language as one program, each line at its number in the page.

python3 scripts/page_program.py docs/tutorial.md > program.py
python3 scripts/page_program.py docs/c.md cpp > program.cpp
"""

import pathlib
import sys


def program(page: pathlib.Path, language: str = "python") -> str:
    """The program; everything else is blank lines."""
    lines, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            inside = line == f"```{language}"
            lines.append("")
        else:
            lines.append(line if inside else "")
    return "\n".join(lines)


if __name__ == "__main__":
    print(program(pathlib.Path(sys.argv[1]), *sys.argv[2:]))
