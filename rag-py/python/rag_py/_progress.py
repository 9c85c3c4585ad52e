"""What ``progress=True`` shows: a line on standard error, or a bar in a notebook."""

from __future__ import annotations

import html
import importlib
import sys
import time
from typing import Any, Callable

from rag_py import _native

# Wide enough for any line written before.
_CLEAR = "\r" + " " * 78 + "\r"
# Seconds between two pictures of a notebook's bar.
_PAUSE = 0.1


def reporter() -> Callable[[_native.Progress], None]:
    """A callable that shows progress where this process is looked at."""
    return Bar() if _in_notebook() else show


def _in_notebook() -> bool:
    # Only IPython itself, which is then imported already, can say that it serves a notebook.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def describe(progress: _native.Progress) -> str:
    """Where a sync, or a prompt that is taken in, stands."""
    total = "?" if progress.total is None else progress.total
    line = f"{progress.stage} {progress.done}/{total}"
    if progress.stage != "prefill":
        line += f", {progress.passage_count} passages"
    if progress.done == progress.total:
        return line
    if progress.stage != "prefill":
        line += f", {progress.passages_per_second:.0f}/s"
    if progress.remaining is not None:
        minutes, seconds = divmod(round(progress.remaining), 60)
        line += f", {minutes}:{seconds:02} left"
    return line


def show(progress: _native.Progress) -> None:
    """Writes the line over the one before; ends it when the stage is complete."""
    end = "\n" if progress.done == progress.total else ""
    print(f"{_CLEAR}{describe(progress)}", end=end, file=sys.stderr, flush=True)


class Bar:
    """A bar in a notebook, one for each stage."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._stage = ""
        self._shown = 0.0

    def __call__(self, progress: _native.Progress) -> None:
        """Draws the bar anew, if it is time."""
        # only there in notebooks
        display: Any = importlib.import_module("IPython.display")
        complete = progress.done == progress.total
        now = time.monotonic()
        if progress.stage == self._stage and not complete and now - self._shown < _PAUSE:
            return
        share = "" if progress.total is None else f'value="{progress.done}" max="{progress.total}"'
        picture = display.HTML(f"<progress {share}></progress> {html.escape(describe(progress))}")
        if progress.stage == self._stage:
            self._handle.update(picture)
        else:
            self._handle = display.display(picture, display_id=True)
            self._stage = progress.stage
        self._shown = now
