"""For the site: what the stub does not say. Docstrings of the native module come from where it is written (stub_docs.py); a method that
the stub gives by overloads alone is shown by its first.
"""

import pathlib
import sys

import griffe

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import stub_docs  # noqa: E402

DOCS = stub_docs.docs()
NATIVE = "rag_py._native."


class Overloads(griffe.Extension):
    """Makes members of overloads without an implementation, and puts docstrings where there is none."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        said = DOCS.get(obj.path.removeprefix(NATIVE)) if obj.path.startswith(NATIVE) else None
        if said and obj.docstring is None:
            obj.docstring = griffe.Docstring(said, parent=obj)

    def on_class(self, *, cls: griffe.Class, **_: object) -> None:
        for name, overloads in cls.overloads.items():
            if name not in cls.members:
                cls.set_member(name, overloads[0])
                self.on_object(obj=overloads[0])
