"""The line that ``sync(progress=True)`` shows on standard error."""

import sys

from rag_py import _native

# Wide enough for any line written before.
_CLEAR = "\r" + " " * 78 + "\r"


def show(progress: _native.Progress) -> None:
    """Writes where a sync, or a prompt that is taken in, stands over the line before; ends the line when the stage is complete."""
    total = "?" if progress.total is None else progress.total
    line = f"{progress.stage} {progress.done}/{total}"
    if progress.stage != "prefill":
        line += f", {progress.passage_count} passages"
    if progress.done == progress.total:
        print(f"{_CLEAR}{line}", file=sys.stderr, flush=True)
        return
    if progress.stage != "prefill":
        line += f", {progress.passages_per_second:.0f}/s"
    if progress.remaining is not None:
        minutes, seconds = divmod(round(progress.remaining), 60)
        line += f", {minutes}:{seconds:02} left"
    print(f"{_CLEAR}{line}", end="", file=sys.stderr, flush=True)
