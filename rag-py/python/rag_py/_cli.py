"""The wheel's ``rag`` script: the same command as the ``rag`` binary."""

import signal
import sys

from rag_py import _native


def main() -> int:
    """Runs ``rag`` with the arguments of this process and returns its exit code."""
    # Python's own handler would only run after the call; the command is to end like any other.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.cli(sys.argv)
