"""Checks the rules of CONTRIBUTING.md that no compiler knows.

- a module of rag-core uses only those that stand above it in lib.rs;
- rag-core does not print, exit, read the environment or open a socket;
- Rust sources are ASCII outside of tests;
- files stay under 600 lines.
"""

import pathlib
import re
import sys

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
    return path.relative_to(CORE).parts[0].removesuffix(".rs")


def without_tests(text: str) -> str:
    """The code of a source file before its test module, without comments."""
    return re.sub(r"//.*$", "", text.split("#[cfg(test)]")[0], flags=re.M)


def layer_faults(path: pathlib.Path, text: str, order: list[str]) -> list[str]:
    here = module_of(path)
    if here not in order:
        return []
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
    print("\n".join(faults))
    print(f"{checked} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
