"""Checks that every crate we link has a permissive licence: the list below, and nothing else.

Reads `cargo metadata`; run it from the repository root.
"""

import json
import re
import subprocess
import sys

ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib",
}
# Only linked with feature `hub`, which no published build has on.
ALLOWED_FOR_HUB = {"MPL-2.0": {"option-ext"}, "CDLA-Permissive-2.0": {"webpki-roots"}}
# Only runs while the header is generated in a test.
TEST_TOOLS = {"cbindgen": "MPL-2.0"}


def is_allowed(name: str, expression: str) -> bool:
    """Whether some choice in an SPDX expression is made of allowed licences."""
    if TEST_TOOLS.get(name) == expression:
        return True
    hub = {licence for licence, crates in ALLOWED_FOR_HUB.items() if name in crates}
    words = re.split(r"(\bOR\b|\bAND\b|[()/])", expression)
    python = " ".join(
        word.lower() if word in ("OR", "AND") else "or" if word == "/" else word if word in "()"
        else str(word.strip() in ALLOWED | hub)
        for word in (word.strip() for word in words) if word
    )
    return bool(eval(python, {"__builtins__": {}}))  # only True, False, and, or, parentheses


def main() -> int:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    bad = [
        f"{package['name']} {package['version']}: {package['license']}"
        for package in metadata["packages"]
        if not is_allowed(package["name"], package["license"] or "none")
    ]
    for line in bad:
        print("licence not allowed:", line)
    print(f"{len(metadata['packages']) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
