#!/usr/bin/env python3
"""Runs the scenarios through the shell and compares the transcripts of all surfaces.

    tests/scenarios/compare.py DIR [path/to/rag]

DIR holds what the runners of Rust, Python and C left there (RAG_TRANSCRIPTS; README.md says how).
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OTHERS = ("rust", "python", "c")
# scenarios that further surfaces run
MORE = {"options": ("cpp",)}


def run_shell(directory, binary):
    """Runs the shell's scenarios; its transcript is the one the others are compared with."""
    for old in directory.glob("shell-*.txt"):
        old.unlink()
    runner = ROOT / "tests" / "shell" / "run_scenarios.py"
    environment = {**os.environ, "RAG_TRANSCRIPTS": str(directory)}
    return subprocess.run([sys.executable, runner, binary], env=environment, check=False).returncode


def differences(surface, wanted, path):
    """What is wrong with one surface's transcript of one scenario."""
    if not path.exists():
        return [f"{surface}: there is no {path.name}; run the tests of that surface first"]
    got = path.read_text(encoding="utf-8").splitlines()
    faults = [
        f"{path.name} line {number}:\n  {surface}: {theirs}\n  shell: {ours}"
        for number, (theirs, ours) in enumerate(zip(got, wanted), 1)
        if theirs != ours
    ]
    if len(got) != len(wanted):
        faults.append(f"{path.name} has {len(got)} lines, the shell's has {len(wanted)}")
    return faults


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    directory = pathlib.Path(sys.argv[1]).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    binary = sys.argv[2] if len(sys.argv) == 3 else str(ROOT / "target" / "release" / "rag")
    status = run_shell(directory, binary)
    passed = failed = 0
    for shell in sorted(directory.glob("shell-*.txt")):
        wanted = shell.read_text(encoding="utf-8").splitlines()
        scenario = shell.stem.removeprefix("shell-")
        for surface in (*OTHERS, *MORE.get(scenario, ())):
            faults = differences(surface, wanted, directory / f"{surface}-{scenario}.txt")
            print("\n".join(faults), end="\n" if faults else "")
            passed += not faults
            failed += bool(faults)
    print(f"transcripts: {passed} passed, {failed} failed")
    sys.exit(1 if status or failed else 0)


if __name__ == "__main__":
    main()
