"""The scenario files that every surface runs alike."""

import pytest

import scenarios
from conftest import ROOT

FILES = sorted((ROOT / "tests/scenarios").glob("*.json"))


def test_there_are_scenarios():
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario(path, capsys):
    scenarios.run(path)
    printed = capsys.readouterr().out
    if printed.startswith("SKIP"):
        pytest.skip(printed.strip())
