"""Adds up the results of the test legs: `total.py LEG=EXIT=SECONDS...`, logs in target/test-logs.

Counts the closing lines of cargo test, pytest and our own runners; a leg without any counts as one check. Ends with
one plain line, and with status 1 if anything failed.
"""

import pathlib
import re
import sys

CARGO = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", re.M)
PYTEST = re.compile(r"^=*\s*((?:\d+ \w+,? ?)+) in [\d.]+s", re.M)
OURS = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)
SKIP = re.compile(r"^(?:.*\s)?SKIP\b", re.M)


def counts(log: str) -> list[int]:
    """Passed, failed and skipped in one leg's log."""
    total = [0, 0, 0]
    for found in CARGO.findall(log) + OURS.findall(log):
        total = [have + int(more or 0) for have, more in zip(total, found)]
    for summary in PYTEST.findall(log):
        for number, word in re.findall(r"(\d+) (\w+)", summary):
            place = {"passed": 0, "failed": 1, "error": 1, "errors": 1, "skipped": 2}.get(word)
            if place is not None:
                total[place] += int(number)
    total[2] += len(SKIP.findall(log))
    return total


def main(legs: list[str]) -> int:
    passed = failed = skipped = 0
    print(f"\n{'leg':<12} {'seconds':>8} {'passed':>7} {'failed':>7} {'skipped':>8}")
    for leg in legs:
        name, code, seconds = leg.split("=")
        log = pathlib.Path(f"target/test-logs/{name}.log").read_text(errors="replace")
        good, bad, left = counts(log)
        if code != "0" and bad == 0:
            bad = 1
        if code == "0" and good == 0:
            good = 1
        print(f"{name:<12} {seconds:>8} {good:>7} {bad:>7} {left:>8}")
        passed, failed, skipped = passed + good, failed + bad, skipped + left
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
