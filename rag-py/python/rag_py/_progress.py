"""The line that ``sync(progress=True)`` shows on standard error."""

import sys

from rag_py import _native


def show(progress: _native.Progress) -> None:
    """Writes where a sync stands over the line before; ends the line when the stage is complete."""
    total = "?" if progress.total is None else progress.total
    end = "\n" if progress.done == progress.total else ""
    line = f"\r{progress.stage} {progress.done}/{total}, {progress.passage_count} passages"
    line += f", {progress.passages_per_second:.0f}/s"
    if progress.remaining:
        minutes, seconds = divmod(round(progress.remaining), 60)
        line += f", {minutes}:{seconds:02} left"
    print(f"{line:<78}", end=end, file=sys.stderr, flush=True)
