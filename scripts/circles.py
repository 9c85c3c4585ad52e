"""Finds modules of a crate that use each other in a circle.

    python3 scripts/circles.py            # every circle of every crate
    python3 scripts/circles.py rag-capi   # of one

A room is a module with modules in it; the crate is one. Its modules may use each other, but not in a circle: a module uses another of
the room if any file in it names it, or a name that the room passes on from it (`pub use other::Name`). What a module uses of the room
itself (`super::Name`, defined in the room's own file) does not count, nor do tests. KNOWN below holds the circles that stand, each with
its reason; another fails the check, one that shrinks does not.
"""

import pathlib
import re
import sys

from rooms import OPTIONS_OF

CRATES = ["rag-core", "rag-capi", "rag-cli", "rag-py"]
KNOWN: dict[tuple[str, str], dict[tuple[str, ...], str]] = {}

ITEM = re.compile(
    r"^(?:pub(?:\([\w: ]+\))? )?(?:default |const |async |unsafe |extern \"C\" )*"
    r"(?:fn|struct|enum|union|trait|type|const|static|macro_rules!|mod) (\w+)",
    re.M,
)
PATH = re.compile(r"\b(?:crate|super|self)(?:::\w+)*(?:::\{)?")


def code(text: str) -> str:
    """A source without comments and without what only tests compile."""
    lines, kept, skipping, armed = text.split("\n"), [], False, False
    for line in lines:
        line = re.sub(r"//.*$", "", line)
        if skipping:
            skipping = not line.startswith("}")
        elif armed and not line.startswith("#["):
            armed = False
            skipping = not line.rstrip().endswith((";", "}"))
        elif line.strip().startswith("#[cfg(test)]") and not line.startswith(" "):
            armed = True
        else:
            kept.append(line)
    return "\n".join(kept)


def split(text: str) -> list[str]:
    """The parts of a list in braces, at its own commas."""
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def expanded(path: str) -> list[tuple[str, ...]]:
    """`a::{b, c::d as e}` as its paths; the last part of a renamed one is the new name behind `as`."""
    head, brace, rest = path.partition("{")
    if not brace:
        return [tuple(re.sub(r"\s+as\s+", " as ", path.strip()).split("::"))]
    first = tuple(part for part in head.strip().split("::") if part)
    return [first + more for part in split(rest[: rest.rindex("}")]) for more in expanded(part)]


def closed(text: str, start: int) -> str:
    """The text from `start` to the end of the brace that opens last before it."""
    depth = 1
    for index in range(start, len(text)):
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return text[start : index + 1]
    return text[start:]


class Crate:
    """The modules of a crate, what each defines and passes on, and which paths it names."""

    def __init__(self, folder: str) -> None:
        self.folder, root = folder, pathlib.Path(folder) / "src"
        self.sources: dict[tuple[str, ...], str] = {}
        tests = set()
        for path in sorted(root.rglob("*.rs")):
            parts = path.relative_to(root).with_suffix("").parts
            module = parts[:-1] if parts[-1] in ("mod", "lib") else parts
            if "tests" in module or module == ("main",) or "bin" in module:
                continue
            text = path.read_text()
            tests |= {(*module, name) for name in re.findall(r"#\[cfg\(test\)\]\s*(?:pub(?:\(\w+\))? )?mod (\w+);", text)}
            self.sources[module] = code(text)
        self.sources = {module: text for module, text in self.sources.items() if not any(module[: len(t)] == t for t in tests)}
        self.names = {module: set(ITEM.findall(text)) for module, text in self.sources.items()}
        self.passed = {module: self.imports(module) for module in self.sources}

    def imports(self, module: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
        """What a module brings in: the name it has here ("*" for all), and the path as written from the crate's root."""
        found = []
        for use in re.findall(r"^\s*(?:pub(?:\([\w: ]+\))? )?use ([^;]+);", self.sources[module], re.M):
            for path in expanded(" ".join(use.split())):
                last, _, renamed = path[-1].partition(" as ")
                if whole := self.absolute(module, (*path[:-1], last)):
                    found.append((renamed or (whole[-1] if last == "self" else last), whole))
        return found

    def absolute(self, module: tuple[str, ...], path: tuple[str, ...]) -> tuple[str, ...] | None:
        """A path from the crate's root; None for one that leads out of the crate."""
        here, rest = list(module), list(path)
        if rest[0] == "crate":
            here, rest = [], rest[1:]
        elif rest[0] not in ("super", "self"):
            return (*module, *path) if (*module, path[0]) in self.sources else None
        while rest and rest[0] in ("super", "self"):
            if rest.pop(0) == "super":
                here = here[:-1]
        if rest and rest[-1] == "self":
            rest.pop()
        return (*here, *rest)

    def home(self, path: tuple[str, ...], seen: frozenset = frozenset()) -> tuple[str, ...] | None:
        """The module in which what a path names is written."""
        if path in self.sources:
            return path
        module = path
        while module not in self.sources:
            module = module[:-1]
        name = path[len(module)]
        if name in self.names[module] or (module, name) in seen:
            return module
        seen |= {(module, name)}
        for known, target in self.passed[module]:
            if known == name:
                return self.home(target, seen)
        for known, target in self.passed[module]:
            if known == "*" and (found := self.home((*target[:-1], name), seen)) and self.defines(found, name):
                return found
        return module

    def defines(self, module: tuple[str, ...], name: str) -> bool:
        return name in self.names[module] or (*module, name) in self.sources

    def used(self, module: tuple[str, ...]) -> set[tuple[str, ...]]:
        """The modules in which what a module names is written."""
        text, found = self.sources[module], set()
        for match in PATH.finditer(text):
            path = match[0]
            if path.endswith("{"):
                path += closed(text, match.end())
            for parts in expanded(" ".join(path.split())):
                parts = tuple(part.partition(" as ")[0] for part in parts)
                if whole := self.absolute(module, parts):
                    if whole[-1] == "*":
                        whole = whole[:-1]
                    found.add(self.home(whole))
        found |= {self.home(target if name != "*" else target[:-1]) for name, target in self.passed[module]}
        # what a room passes on from its own modules, and what these use of the room itself, is no use of one by another
        below = {other for other in found if other is not None and other[: len(module)] == module}
        return {other for other in found - below if other is not None and module[: len(other)] != other}

    def place(self, module: tuple[str, ...]) -> tuple[str, ...]:
        """Where a module stands; each of rag-core's options is as the own file of the room that it is for."""
        is_options = self.folder == "rag-core" and module[:1] == ("options",) and len(module) > 1 and module[1] in OPTIONS_OF
        return (OPTIONS_OF[module[1]],) if is_options else module

    def rooms(self) -> dict[tuple[str, ...], dict[str, set[str]]]:
        """For each room, which of its modules uses which."""
        rooms: dict[tuple[str, ...], dict[str, set[str]]] = {}
        for source in self.sources:
            module = self.place(source)
            for depth in range(len(module)):
                rooms.setdefault(module[:depth], {}).setdefault(module[depth], set())
            for other in map(self.place, self.used(source)):
                depth = 0
                while depth < min(len(module), len(other)) and module[depth] == other[depth]:
                    depth += 1
                if depth < min(len(module), len(other)):
                    rooms[module[:depth]].setdefault(module[depth], set()).add(other[depth])
        return rooms


def components(uses: dict[str, set[str]]) -> list[tuple[str, ...]]:
    """The sets of more than one module each of which leads to every other."""
    reached = {}
    for start in uses:
        seen, todo = set(), [start]
        while todo:
            for other in uses.get(todo.pop(), set()) - seen:
                seen.add(other)
                todo.append(other)
        reached[start] = seen
    found = {tuple(sorted(b for b in reached[a] if a in reached.get(b, set()))) for a in uses}
    return sorted(circle for circle in found if len(circle) > 1)


def circles(crate: str) -> dict[str, list[tuple[str, ...]]]:
    """The circles of a crate by room."""
    found = {room: components(uses) for room, uses in Crate(crate).rooms().items()}
    return {"::".join(room) or "the crate": all_ for room, all_ in sorted(found.items()) if all_}


def faults(crates: list[str]) -> list[str]:
    """The circles that are not within one of KNOWN."""
    found = []
    for crate in crates:
        now = circles(crate)
        known = {room: [set(circle) for circle in all_] for (owner, room), all_ in KNOWN.items() if owner == crate}
        for room in now:
            for circle in now[room]:
                if not any(set(circle) <= allowed for allowed in known.get(room, [])):
                    found.append(f"{crate}, {room}: {', '.join(circle)} use each other in a circle")
    return found


def main() -> int:
    for crate in sys.argv[1:] or CRATES:
        for room, all_ in circles(crate).items():
            for circle in all_:
                print(f"{crate}, {room}: {', '.join(circle)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
