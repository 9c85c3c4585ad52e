"""What frameworks are told of a hit beside its text."""

from __future__ import annotations

from typing import Any

from rag_py import Hit


def metadata(hit: Hit) -> dict[str, Any]:
    """Everything but the text, under the names of ``Hit``; what a hit does not have is left out."""
    return {key: value for key, value in hit.to_dict().items() if key != "text" and value is not None}
