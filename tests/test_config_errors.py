"""Broken files in tests/config_errors, each with the diagnostics that it must give, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.load import load_settings
from smsgate.config.rules import load_rules

FOLDER = Path(__file__).parent / "config_errors"


@pytest.mark.parametrize("name", sorted(file.stem for file in FOLDER.glob("*.yaml")))
def test_a_broken_file_gives_exactly_these_diagnostics(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name.startswith("syntax") and not yaml.__with_libyaml__:
        pytest.skip("the words are libyaml's: install a PyYAML wheel that has it")
    monkeypatch.chdir(FOLDER)
    file = Path(f"{name}.yaml")
    with pytest.raises(DiagnosticsError) as caught:
        load_settings(file) if name.startswith("settings") else load_rules([file])
    assert str(caught.value) == Path(f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")
