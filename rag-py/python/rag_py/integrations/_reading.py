"""Files as the engine's readers read them, for the loaders of frameworks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple, Union

from rag_py import RagError, read

PathLike = Union[str, "os.PathLike[str]"]


def files(path: PathLike) -> Iterator[Path]:
    """The file itself, or those below a folder in order; names that begin with a dot are passed over there."""
    root = Path(path)
    if not root.is_dir():
        yield root
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def read_file(path: PathLike, **options: Any) -> Tuple[str, Dict[str, Any]]:
    """The text of a file, and what is known of it: ``source``, ``kind``, ``title``, ``lang`` and what the file says itself."""
    document = read(path, **options)
    known = {"source": str(path), "kind": document["kind"], "title": document["title"], "lang": document["lang"]}
    return document["text"], {**document["metadata"], **{key: value for key, value in known.items() if value is not None}}


def read_all(
    paths: Sequence[PathLike], skipped: List[Tuple[str, str]], **options: Any
) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Reads files and all files of folders. One of a folder that cannot be read goes to ``skipped`` with the reason."""
    for path in paths:
        for file in files(path):
            try:
                yield read_file(file, **options)
            except (RagError, OSError) as error:
                if not Path(path).is_dir():
                    raise
                skipped.append((str(file), str(error)))
