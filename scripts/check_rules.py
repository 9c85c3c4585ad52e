"""Checks the rules of CONTRIBUTING.md that no compiler knows.

- a module of rag-core uses only those that stand above it in lib.rs;
- rag-core does not print, exit, read the environment or open a socket;
- Rust sources are ASCII outside of tests;
- files stay under 600 lines;
- few functions of rag-core take five parameters or more (parameters.py);
- a type name that other files see has one home, or a reason for several (homes.py);
- modules that stand beside each other, also within a module, do not use each other in a circle (circles.py).
"""

import pathlib
import re
import sys

import circles
import homes
import parameters
import wrap_comments
from rooms import OPTIONS_OF

CORE = pathlib.Path("rag-core/src")
FORBIDDEN = {
    r"\be?println!": "prints",
    r"process::(exit|abort)": "ends the process",
    r"env::var": "reads the environment",
    r"std::net\b": "opens a socket",
}


def modules() -> list[str]:
    """The modules of rag-core in the order of lib.rs."""
    return re.findall(r"^(?:pub )?mod (\w+);", (CORE / "lib.rs").read_text(), re.M)


def module_of(path: pathlib.Path) -> str:
    parts = [part.removesuffix(".rs") for part in path.relative_to(CORE).parts]
    return OPTIONS_OF.get(parts[1], parts[0]) if parts[0] == "options" else parts[0]


def without_tests(text: str) -> str:
    """The code of a source file before its test module, without comments."""
    return re.sub(r"//.*$", "", text.split("#[cfg(test)]")[0], flags=re.M)


def layer_faults(path: pathlib.Path, text: str, order: list[str]) -> list[str]:
    here = module_of(path)
    if here not in order:
        return []
    text = re.sub(r"\bcrate::options::(\w+)", lambda m: f"crate::{OPTIONS_OF.get(m[1], 'options')}", text)
    used = set(re.findall(r"\bcrate::(\w+)", text)) & set(order)
    below = [name for name in used if order.index(name) > order.index(here)]
    return [f"{path}: {here} uses {name}, which stands below it" for name in sorted(below)]


def main() -> int:
    order, faults, checked = modules(), [], 0
    for path in sorted(pathlib.Path(".").glob("rag-*/src/**/*.rs")):
        whole = path.read_text()
        text = without_tests(whole)
        checked += 1
        if path.is_relative_to(CORE) and path.name != "tests.rs":
            faults += layer_faults(path, text, order)
            faults += [f"{path}: {what}" for rule, what in FORBIDDEN.items() if re.search(rule, text)]
        if path.name != "tests.rs" and not whole.split("#[cfg(test)]")[0].isascii():
            faults.append(f"{path}: letters outside ASCII; write them as escapes")
        if whole.count("\n") > 600:
            faults.append(f"{path}: {whole.count(chr(10))} lines; split it")
    faults += circles.faults(circles.CRATES)
    faults += homes.faults()
    faults += wrap_comments.faults()
    rate = parameters.rate()
    if rate > parameters.MOST_PER_1000:
        faults.append(f"rag-core: more than {parameters.MOST_PER_1000} in 1,000 functions take many parameters: scripts/parameters.py lists them")
    print("\n".join(faults))
    print(f"{rate:.1f} in 1,000 functions of rag-core take {parameters.MANY} parameters or more, self not counted")
    print(f"{homes.share():.1f} % of the type names of rag-core have more than one home")
    print(f"{checked} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
