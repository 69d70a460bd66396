"""Past rule sets: kept as they were, told in order, bounded, and never mixed up with what changed meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smsgate.config.rules import load
from smsgate.reload import history
from smsgate.reload.history import History
from tests.programs import PACK


def version(number: int) -> str:
    return f"{number:012x}"


def accepted(number: int) -> dict[str, str]:
    return {"result": "accepted", "version": version(number)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules" / "inner").mkdir(parents=True)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "bad.txt").write_text("bad.example\n")
    lists = "lists:\n  bad: {domains_file: ../../lists/bad.txt}\n"
    (tmp_path / "rules" / "inner" / "pack.yaml").write_text(PACK + lists)
    return tmp_path


def test_a_version_that_is_kept_loads_with_its_lists_whatever_became_of_the_files(folder: Path) -> None:
    kept = History(folder / "state")
    loaded = load([folder / "rules"])
    digests = kept.keep(loaded.rules.version, [folder / "rules"], loaded.files, lambda: True)
    assert {Path(name).name for name in digests} == {"pack.yaml", "bad.txt"}
    (folder / "rules" / "inner" / "pack.yaml").unlink()
    (folder / "lists" / "bad.txt").write_text("good.example\n")
    again = load(kept.paths(loaded.rules.version))
    assert again.rules.version == loaded.rules.version
    assert all(str(folder / "state") in str(file) for file in again.files)


def test_files_that_changed_while_they_were_read_are_not_kept(folder: Path) -> None:
    kept = History(folder / "state")
    loaded = load([folder / "rules"])
    assert kept.keep(version(1), [folder / "rules"], loaded.files, lambda: False) == {}
    kept.add(accepted(1))
    assert kept.versions() == []
    with pytest.raises(ValueError, match="expected one that is kept: none"):
        kept.paths(version(1))


@pytest.mark.parametrize("name", ["..", "", "../versions", "0123"])
def test_a_version_is_no_path(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="expected one that is kept"):
        History(folder / "state").paths(name)


def test_the_last_versions_are_kept_and_a_list_that_stays_the_same_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_VERSIONS", 3)
    kept = History(folder / "state")
    loaded = load([folder / "rules"])
    for number in range(5):
        kept.keep(version(number), [folder / "rules"], loaded.files, lambda: True)
        kept.add(accepted(number))
    kept.add({"result": "refused", "version": version(4)})
    assert kept.versions() == [version(4), version(3), version(2)]
    assert kept.before(version(4)) == version(3)
    files = list((folder / "state" / "versions").rglob("bad.txt"))
    assert len(files) == 3
    assert len({file.stat().st_ino for file in files}) == 1


def test_the_history_is_bounded_and_a_line_cut_off_by_a_crash_does_not_spoil_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_ENTRIES", 4)
    kept = History(tmp_path / "state")
    assert kept.entries() == []
    for number in range(6):
        kept.add({"n": number})
    lines = tmp_path / "state" / "history.jsonl"
    assert [json.loads(line)["n"] for line in lines.read_text().splitlines()] == [2, 3, 4, 5]
    lines.write_text('{"n": 7}\n{"n": 8')
    kept.add({"n": 9})
    assert [entry["n"] for entry in kept.entries()] == [7, 9]
