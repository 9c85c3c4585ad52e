"""The package as it is installed: metadata, files, import time, the `rag` script."""

import ast
import importlib.metadata
import inspect
import pathlib
import re
import subprocess
import sys

import rag_py
from conftest import ROOT
from rag_py import _native

sys.path.insert(0, str(ROOT / "scripts"))
import stub_docs  # noqa: E402

DISTRIBUTION = importlib.metadata.distribution("rag-py")


def files():
    return {str(path): path for path in DISTRIBUTION.files or []}


def test_metadata_is_complete():
    metadata = DISTRIBUTION.metadata
    workspace = (ROOT / "Cargo.toml").read_text()
    version = re.search(r'^version = "(.*)"$', workspace, re.M).group(1)
    assert metadata["Version"] == rag_py.__version__ == version
    assert metadata["Summary"] and metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.9"
    assert set(metadata.get_all("License-File")) == {"LICENSE-MIT", "LICENSE-APACHE"}
    needed = metadata.get_all("Requires-Dist")
    assert [line.split(">=")[0] for line in needed if "extra ==" not in line] == ["numpy"]
    assert set(metadata.get_all("Provides-Extra")) == {"langchain", "llama-index", "haystack"}
    assert "import rag_py" in metadata.get_payload()


def test_wheel_serves_every_python_from_3_9():
    assert re.search(r"^Tag: cp39-abi3-", DISTRIBUTION.read_text("WHEEL"), re.M)
    libraries = [name for name in files() if name.endswith((".so", ".pyd", ".dylib"))]
    assert len(libraries) == 1 and re.fullmatch(r"rag_py/_native(\.abi3\.so|\.pyd)", libraries[0])


def test_wheel_is_typed_and_names_no_build_folder():
    assert {"rag_py/py.typed", "rag_py/_native.pyi"} <= set(files())
    library = next(path for name, path in files().items() if "_native." in name and "pyi" not in name)
    data = pathlib.Path(library.locate()).read_bytes()
    assert str(ROOT).encode() not in data
    assert len(data) < 40 << 20


def test_everything_public_is_there_and_documented():
    for name in rag_py.__all__:
        value = getattr(rag_py, name)
        assert name == "__version__" or value.__doc__, name
        for member, method in vars(value).items() if isinstance(value, type) else ():
            if not member.startswith("_"):
                assert method.__doc__, f"{name}.{member}"


def test_the_stub_says_what_help_says():
    known = stub_docs.docs()
    for name in rag_py.__all__:
        value = getattr(_native, name, None)
        members = [f"{name}.{member}" for member in vars(value) if not member.startswith("_")] if isinstance(value, type) else []
        for each in [name, *members] if callable(value) else []:
            owner, _, member = each.partition(".")
            said = inspect.getdoc(getattr(value, member) if member else value)
            assert known[each] == said, each
    # written once: the stub of the tree has types alone
    tree = ast.parse(stub_docs.STUB.read_text(encoding="utf-8"))
    assert not [node.name for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node)]
    text = stub_docs.stub()
    said = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef) and ast.get_docstring(node)}
    assert said >= {name for name in rag_py.__all__ if isinstance(getattr(_native, name, None), type)}
    installed = pathlib.Path(_native.__file__).with_name("_native.pyi").read_text(encoding="utf-8")
    assert installed == text


IMPORT = """
import sys, time
start = time.perf_counter()
import rag_py
print(time.perf_counter() - start, "numpy" in sys.modules)
"""


def test_import_is_quick_and_loads_no_numpy():
    command = [sys.executable, "-c", IMPORT]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(3)]
    seconds, numpy = zip(*(run.stdout.split() for run in runs))
    print(f"import rag_py: {float(min(seconds)) * 1000:.0f} ms")
    assert float(min(seconds)) < 0.5 and set(numpy) == {"False"}


def rag(*arguments):
    script = pathlib.Path(sys.executable).parent / "rag"
    return subprocess.run([script, *arguments], capture_output=True, text=True, timeout=60)


def test_the_rag_script_is_the_rag_command(tmp_path):
    assert rag("--version").stdout.split()[1] == rag_py.__version__
    assert rag("no-such-command").returncode == 2
    missing = rag("search", tmp_path / "nothing.rag", "question")
    assert missing.returncode == 1 and missing.stdout == "" and missing.stderr
