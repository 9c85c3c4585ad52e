"""Writes the docstrings of the native module into its stub: `python3 scripts/stub_docs.py WHEEL` does so in a wheel.

They stand once, in rag-py/src, from where `help()` has them; the stub in the tree has types alone. Editors that read nothing but
stubs (Pylance) show them because the wheel's stub holds them too, and so does the site, through scripts/overloads.py.
"""

import ast
import base64
import hashlib
import inspect
import pathlib
import re
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = ROOT / "rag-py/src"
NAME = "rag_py/_native.pyi"
STUB = ROOT / "rag-py/python" / NAME

DOC = re.compile(r'\s*///(?: (.*)|(.*))$')
INCLUDED = re.compile(r'\s*#\[doc = include_str!\("(.*)"\)\]$')
ITEM = re.compile(r"\s*(?:pub(?:\(\w+\))? )?(fn|struct|impl) (\w+)")
FIELD = re.compile(r"    (\w+): ")


def documented_in(path: pathlib.Path) -> dict:
    """The documentation of what a source shows to Python, by `Class`, `Class.member` or `function`."""
    found, doc, owner, depth, tags = {}, [], "", 0, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if depth > 0 or line.lstrip().startswith("#["):
            if included := INCLUDED.match(line):
                doc.append((path.parent / included[1]).read_text(encoding="utf-8"))
                continue
            # an attribute may go on over several lines
            depth += line.count("[") - line.count("]")
            tags += line
        elif match := DOC.match(line):
            doc.append(match[1] or match[2])
        else:
            if match := ITEM.match(line):
                kind, name = match.groups()
                if kind == "impl":
                    owner = name if "#[pymethods]" in tags else ""
                elif kind == "struct" and "#[pyclass" in tags:
                    found[name] = "\n".join(doc)
                elif kind == "fn" and doc and line.startswith("    ") and owner and "#[new]" not in tags:
                    found[f"{owner}.{name}"] = "\n".join(doc)
                elif kind == "fn" and "#[pyfunction]" in tags:
                    found[name] = "\n".join(doc)
                if kind == "struct":
                    owner = name
            elif (match := FIELD.match(line)) and "#[pyo3(get)]" in tags:
                found[f"{owner}.{match[1]}"] = "\n".join(doc)
            doc, tags = [], ""
    return {name: inspect.cleandoc(text) for name, text in found.items()}


def docs() -> dict:
    """The documentation of the whole native module."""
    return {name: text for path in sorted(SOURCES.rglob("*.rs")) for name, text in documented_in(path).items()}


def literal(text: str, indent: str) -> list:
    """The lines of a docstring."""
    lines = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').split("\n")
    end = '"""' if not lines[-1].endswith('"') or len(lines) > 1 else '\\"""'
    if len(lines) == 1:
        body = lines[0] if end == '"""' else lines[0][:-1] + '\\"'
        return [f'{indent}"""{body}"""']
    return [f'{indent}"""{lines[0]}', *(f"{indent}{line}" if line else "" for line in lines[1:]), f'{indent}"""']


def documented(stub: str, known: dict) -> str:
    """The stub with docstrings; of overloads the first has it."""
    lines, inserted, seen = stub.split("\n"), [], set()

    def visit(nodes: list, owner: str) -> None:
        for node in nodes:
            if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                continue
            name = f"{owner}{node.name}"
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{name}.")
            if name in known and name not in seen:
                seen.add(name)
                inserted.append((node, known[name]))

    visit(ast.parse(stub).body, "")
    for node, text in sorted(inserted, key=lambda each: -each[0].lineno):
        body = literal(text, " " * (node.col_offset + 4))
        first = node.body[0]
        if isinstance(node, ast.FunctionDef) or (isinstance(first, ast.Expr) and first.lineno == first.value.end_lineno == node.lineno):
            # behind the signature, whose body is `...`
            last = first.lineno - 1
            lines[last : last + 1] = [re.sub(r"\s*\.\.\.$", "", lines[last]), *body]
        else:
            start = node.lineno
            lines[start:start] = body
    return "\n".join(lines)


def stub() -> str:
    """The stub of the tree with docstrings."""
    return documented(STUB.read_text(encoding="utf-8"), docs())


def write_into(wheel: pathlib.Path) -> None:
    """Puts the stub with docstrings into a wheel, and its hash into the wheel's list of files."""
    with zipfile.ZipFile(wheel) as archive:
        files = [(info, archive.read(info)) for info in archive.infolist()]
    data = stub().encode()
    hashed = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    record = re.compile(rf"^{re.escape(NAME)},.*$", re.M)
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in files:
            if info.filename == NAME:
                content = data
            elif info.filename.endswith(".dist-info/RECORD"):
                content = record.sub(f"{NAME},sha256={hashed},{len(data)}", content.decode()).encode()
            archive.writestr(info, content)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        write_into(pathlib.Path(path))
