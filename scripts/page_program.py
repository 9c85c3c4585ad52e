"""The Python blocks of a page as one program, each line at its number in the page.

python3 scripts/page_program.py docs/tutorial.md > program.py
"""

import pathlib
import sys


def program(page: pathlib.Path) -> str:
    """The program; what is no Python is blank lines."""
    lines, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            inside = line == "```python"
            lines.append("")
        else:
            lines.append(line if inside else "")
    return "\n".join(lines)


if __name__ == "__main__":
    print(program(pathlib.Path(sys.argv[1])))
