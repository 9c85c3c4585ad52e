"""How many type names of rag-core have more than one home: prints the share and, with --all, which and where.

A home is a file that declares a struct, enum, trait or type alias of that name for others: `pub`, `pub(crate)`, `pub(super)` and the
like. Names that only their own file sees do not count, nor do tests. A reader who meets a name should know what it is without looking at the
file he is in; so each name stands for one thing, or is in SHARED with the reason why several things may have it. The aim is at most 3 %.
"""

import pathlib
import re
import sys

from circles import code

CORE = pathlib.Path("rag-core/src")
AIM = 3.0

# names with several homes, each with its reason
SHARED: dict[str, str] = {
}

TYPE = re.compile(r"^pub(?:\([\w: ]+\))? (?:unsafe )?(?:struct|enum|union|trait|type) (\w+)", re.M)


def is_test(path: pathlib.Path) -> bool:
    return "tests" in path.parts or path.stem.endswith("tests")


def homes() -> dict[str, list[str]]:
    """The files of rag-core that declare each name."""
    found: dict[str, list[str]] = {}
    for path in sorted(CORE.rglob("*.rs")):
        if not is_test(path):
            for name in TYPE.findall(code(path.read_text())):
                found.setdefault(name, []).append(str(path.relative_to(CORE)))
    return found


def shared() -> dict[str, list[str]]:
    """The names with more than one home."""
    return {name: files for name, files in sorted(homes().items()) if len(files) > 1}


def share() -> float:
    """The share of names with more than one home, in per cent."""
    return 100 * len(shared()) / len(homes())


def faults() -> list[str]:
    """Names with more than one home and no reason for it, and reasons that nothing needs."""
    now = shared()
    found = [f"{name} has {len(files)} homes ({', '.join(files)}): name each for what it is" for name, files in now.items() if name not in SHARED]
    found += [f"scripts/homes.py: {name} has one home now; take it out of SHARED" for name in SHARED if name not in now]
    if share() > AIM:
        found.append(f"{share():.1f} % of the type names of rag-core have more than one home, more than {AIM} %")
    return found


def main() -> int:
    if "--all" in sys.argv[1:]:
        for name, files in shared().items():
            print(f"{name}: {', '.join(files)}")
    print(f"{len(shared())} of {len(homes())} type names of rag-core have more than one home: {share():.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
