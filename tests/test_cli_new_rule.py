"""`smsgate new-rule` writes a pack that checks as it is, refuses nothing, and overwrites nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from smsgate.config.rules import load
from smsgate.config.schema import FILE_NAME
from smsgate.rules.model import Mode
from tests.programs import invoke
from tests.test_config_schema import SCHEMA

ARGUMENTS = ("--id", "X-1", "--title", "A gift: not one", "--owner", "fraud-desk")


def test_the_skeleton_loads_and_refuses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("my gifts.yaml")
    result = invoke("new-rule", *ARGUMENTS, "--into", file)
    assert (result.exit_code, result.stdout) == (0, "my gifts.yaml written: fill it in, then smsgate check .\n")
    (pack,) = load([file]).packs
    (rule,) = pack.rules
    assert (pack.name, pack.owner, rule.id, rule.title) == ("my-gifts", "fraud-desk", "X-1", "A gift: not one")
    assert rule.mode is Mode.MONITOR
    assert rule.since is not None
    assert invoke("check", tmp_path).exit_code == 0
    assert max(map(len, file.read_text().splitlines())) <= 100


@pytest.mark.parametrize(
    "title", ["no", "12", "# x", 'a "quoted" \\ one', "- x", "{x}", "l’été", "null", "ends:", " x "]
)
def test_any_title_and_owner_arrive_as_they_are(title: str, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    assert invoke("new-rule", "--id", "X-1", "--title", title, "--owner", title, "--into", file).exit_code == 0
    (pack,) = load([file]).packs
    assert (pack.rules[0].title, pack.owner) == (title, title)


def test_it_names_the_schema_that_lies_above_it(tmp_path: Path) -> None:
    shutil.copy(SCHEMA, tmp_path)
    (tmp_path / "fr").mkdir()
    for file, named in ((tmp_path / "a.yaml", FILE_NAME), (tmp_path / "fr" / "b.yaml", f"../{FILE_NAME}")):
        assert invoke("new-rule", *ARGUMENTS, "--into", file).exit_code == 0
        assert file.read_text().splitlines()[0] == f"# yaml-language-server: $schema={named}"


def test_nothing_is_overwritten_and_no_folder_made(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("mine")
    result = invoke("new-rule", *ARGUMENTS, "--into", file)
    assert (result.exit_code, result.stderr) == (1, f"smsgate: {file}: is there already\n")
    assert file.read_text() == "mine"
    assert invoke("new-rule", *ARGUMENTS, "--into", tmp_path / "none" / "x.yaml").exit_code == 1


@pytest.mark.parametrize(
    ("option", "value"), [("--id", "a b"), ("--id", ""), ("--title", " "), ("--into", "x.txt"), ("--into", "x")]
)
def test_what_would_not_load_is_not_written(option: str, value: str, tmp_path: Path) -> None:
    values = {"--id": "X-1", "--title": "T", "--into": "x.yaml", option: value}
    values["--into"] = str(tmp_path / values["--into"])
    assert invoke("new-rule", *(each for pair in values.items() for each in pair)).exit_code == 2
    assert list(tmp_path.iterdir()) == []
