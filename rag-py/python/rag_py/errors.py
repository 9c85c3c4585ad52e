"""What rag_py fails with.

Errors of the operating system are not here: they are Python's own ``OSError`` and its children
(``FileNotFoundError``, ``PermissionError``, ...) with ``errno`` and ``filename``. Ctrl-C stays ``KeyboardInterrupt``.
"""

from typing import ClassVar

__all__ = [
    "BusyError",
    "CancelledError",
    "ContextOverflowError",
    "DocumentError",
    "InternalError",
    "InvalidArgumentError",
    "ModelError",
    "ModelMismatchError",
    "NotFoundError",
    "RagError",
    "StoreError",
    "StoreVersionError",
]


class RagError(Exception):
    """Anything rag_py fails with, except ``OSError`` and ``KeyboardInterrupt``."""

    code: ClassVar[str]
    """The name of the error code, as in the ``code`` of JSON reports."""


class InvalidArgumentError(RagError, ValueError):
    """An argument is outside its documented range."""

    code = "InvalidArgument"


class NotFoundError(RagError, LookupError):
    """A model, document or passage with this name does not exist."""

    code = "NotFound"


class DocumentError(RagError):
    """A document could not be read as text."""

    code = "Document"


class ModelError(RagError):
    """A model folder or file is incomplete, damaged or of a kind we do not run."""

    code = "Model"


class ModelMismatchError(RagError):
    """The knowledge base was built with another encoder; its vectors cannot be compared."""

    code = "ModelMismatch"


class StoreError(RagError):
    """The knowledge base file is not ours, is damaged, or could not be written."""

    code = "Store"


class StoreVersionError(StoreError):
    """The knowledge base was written by a newer version of this library."""

    code = "StoreVersion"


class BusyError(RagError):
    """Another process or thread is writing and did not finish in time."""

    code = "Busy"


class ContextOverflowError(RagError, ValueError):
    """Question and instructions alone exceed the generator's context."""

    code = "ContextOverflow"


class CancelledError(RagError):
    """The caller cancelled; what was committed before stays."""

    code = "Cancelled"


class InternalError(RagError, RuntimeError):
    """A broken invariant of the engine. Please report it."""

    code = "Internal"
