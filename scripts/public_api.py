"""What is public in rag-core without the feature `unstable`: writes docs/public_api.txt, or with --check says whether it is up to date.

Read from the pages that rustdoc made (`cargo doc --workspace --no-deps`), so that what is re-exported, hidden or behind a feature is
counted as a caller sees it. One line an item: its kind and path, and for types their public fields, variants and methods.
"""

import html
import pathlib
import re
import sys

PAGES = pathlib.Path("target/doc/rag_core")
LIST = pathlib.Path("docs/public_api.txt")
ITEM = re.compile(r'href="([\w/]*?)(struct|enum|trait|fn|constant|type|macro)\.(\w+)\.html"')
PART = re.compile(r'id="(structfield|variant|method|tymethod|associatedconstant)\.(\w+)"')
# what a type has of its own stands before what it has of traits
TRAITS = re.compile(r'id="(?:trait-implementations|synthetic-implementations|blanket-implementations)"')


def parts(page: pathlib.Path) -> list[str]:
    own = TRAITS.split(html.unescape(page.read_text()))[0]
    return sorted({f"{kind} {name}" for kind, name in PART.findall(own)})


def listed() -> str:
    lines = []
    for folder, kind, name in sorted(set(ITEM.findall((PAGES / "all.html").read_text()))):
        path = "::".join(["rag_core", *filter(None, folder.split("/")), name])
        lines.append(f"{kind} {path}")
        lines += [f"    {part}" for part in parts(PAGES / folder / f"{kind}.{name}.html")]
    return "\n".join(lines) + "\n"


def main() -> int:
    now = listed()
    if "--check" not in sys.argv[1:]:
        LIST.write_text(now)
        return 0
    before = LIST.read_text().splitlines() if LIST.is_file() else []
    changed = sorted(set(before) ^ set(now.splitlines()))
    for line in changed:
        print(f"{'-' if line in before else '+'} {line}")
    if now != "\n".join(before) + "\n":
        print(f"{LIST} is not what is public: look at the change, then run python3 scripts/public_api.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
