"""Reads `rag model list --json` and prints the folder that holds the fetched models."""

import json
import pathlib
import sys

listed = json.load(sys.stdin)
models = listed["models"] if isinstance(listed, dict) else listed
paths = [pathlib.Path(model["path"]) for model in models if model.get("path")]
folders = {path.parent.parent if path.is_file() else path.parent for path in paths}
if len(folders) != 1:
    sys.exit(f"models are in {len(folders)} folders, not one: {sorted(map(str, folders))}")
print(folders.pop())
