"""Keeps a knowledge base in step with a folder, and says what changed. Ctrl-C ends it.

    python examples/python/watch_folder.py FOLDER kb.rag [SECONDS]

Unchanged files cost a look at their size and time each. Other processes may search the file meanwhile: they see the
new passages with their next question.
"""

import sys
import time

import rag_py


def tell(report: rag_py.SyncReport, known: dict[str, str]) -> None:
    """Prints what is new; a file that was skipped before is only named again if the reason is another."""
    counts = {name: getattr(report, name) for name in ("added", "updated", "removed", "renamed")}
    if any(counts.values()):
        changes = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        print(f"{time.strftime('%H:%M:%S')} {changes}", flush=True)
    for file in report.skipped:
        if known.get(file.path) != file.message:
            print(f"{time.strftime('%H:%M:%S')} skipped {file.message}", flush=True)
    known.clear()
    known.update((file.path, file.message) for file in report.skipped)


def main() -> int:
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        return 2
    folder, path, seconds = (*sys.argv[1:], "2")[:3]
    known: dict[str, str] = {}
    with rag_py.open(path, encoder="e5-small") as kb:
        try:
            while True:
                tell(kb.sync(folder), known)
                time.sleep(float(seconds))
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
