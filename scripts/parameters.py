"""How many functions of rag-core take many parameters: prints the rate per 1,000 functions and, with --all, where they are.

Counted is each `fn` of rag-core/src, with a body or in a trait, tests left out. `self` is not counted: it is where what travels
together has been put already. At most 15 in 1,000 may take five or more, which the rules check.
"""

import pathlib
import re
import sys

CORE = pathlib.Path("rag-core/src")
MANY = 5
MOST_PER_1000 = 15

SELF = re.compile(r"(?:&(?:'\w+ )?)?(?:mut )?self\b.*", re.S)
OPEN, CLOSE = "([{<", ")]}>"


def without_tests(path: pathlib.Path) -> str:
    """The text of a file up to its tests, comments and the insides of strings taken out."""
    text = re.split(r"^#\[cfg\(test\)\]", path.read_text(), maxsplit=1, flags=re.M)[0]
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', text, flags=re.S)


def is_test(path: pathlib.Path) -> bool:
    return "tests" in path.parts or path.stem.endswith("tests")


def parameters(text: str, start: int) -> list[str]:
    """The parameters of a list that opens at `start`."""
    depth, found, current = 0, [], ""
    for place in range(start, len(text)):
        sign = text[place]
        is_arrow = sign == ">" and text[place - 1] in "-="
        if sign in CLOSE and not is_arrow:
            depth -= 1
            if depth == 0:
                break
        if sign == "," and depth == 1:
            found.append(current)
            current = ""
        elif depth:
            current += sign
        if sign in OPEN:
            depth += 1
    every = [each.strip() for each in [*found, current]]
    return [each for each in every if each and not SELF.fullmatch(each)]


def functions(path: pathlib.Path) -> list[tuple[int, str]]:
    """How many parameters each function of a file takes, and where it is."""
    text = without_tests(path)
    found = []
    for match in re.finditer(r"\bfn (\w+)", text):
        opening = match.end()
        if text[opening : opening + 1] == "<":
            depth = 0
            for opening in range(match.end(), len(text)):
                depth += {"<": 1, ">": 0 if text[opening - 1] in "-=" else -1}.get(text[opening], 0)
                if depth == 0:
                    break
            opening += 1
        if text[opening : opening + 1] != "(":
            continue  # a pointer to a function
        count = len(parameters(text, opening))
        found.append((count, f"{path.relative_to(CORE)}: {match[1]}"))
    return found


def measured() -> tuple[int, list[tuple[int, str]]]:
    """How many functions there are, and those with many parameters, the worst first."""
    paths = [path for path in sorted(CORE.rglob("*.rs")) if not is_test(path)]
    every = [each for path in paths for each in functions(path)]
    many = sorted((each for each in every if each[0] >= MANY), key=lambda each: (-each[0], each[1]))
    return len(every), many


def rate() -> float:
    count, many = measured()
    return 1000 * len(many) / count


def main() -> None:
    count, many = measured()
    shown = many if "--all" in sys.argv[1:] else many[:10]
    for parameter_count, place in shown:
        print(f"{parameter_count:3}  {place}")
    print(f"{len(many)} of {count} functions take {MANY} parameters or more, self not counted: {rate():.1f} per 1,000")


if __name__ == "__main__":
    main()
