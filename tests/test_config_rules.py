"""Rule files are found, loaded together, compiled and tried; all their faults come at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from smsgate.config import rules as rules_module
from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.rules import load, load_rules
from smsgate.rules.model import Action

PACK = """\
pack: {name}
keywords:
  word: [{name}]
rules:
  - id: {name}-1
    title: The word
    if: word
    action: {action}
    matches: [a {name} b]
    passes: [nothing]
"""


def write(file: Path, name: str, action: str = "block", extra: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(PACK.format(name=name, action=action) + extra)
    return file


def faults(*paths: Path) -> list[str]:
    with pytest.raises(DiagnosticsError) as caught:
        load_rules(paths)
    return [f"{Path(fault.file).name}:{fault.line} {fault.found}" for fault in caught.value.diagnostics]


def test_folders_are_searched_to_the_bottom_in_order_of_names(tmp_path: Path) -> None:
    for place, name in (("b.yaml", "bee"), ("a/z.yml", "zed"), ("a/b/c.yaml", "sea")):
        write(tmp_path / place, name)
    (tmp_path / "a" / "notes.txt").write_text("no pack")
    assert [pack.name for pack in load([tmp_path]).packs] == ["sea", "zed", "bee"]


def test_a_file_named_twice_is_loaded_once(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", "one")
    assert len(load_rules([tmp_path, file, tmp_path / "." / "a.yaml"]).rules) == 1


def test_loaded_rules_judge_messages(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "one")
    write(tmp_path / "b.yaml", "two", "flag")
    rules = load_rules([tmp_path])
    verdict = rules.check_text("one and two")
    assert verdict.action is Action.BLOCK
    assert [(rule.id, rule.where.file, rule.where.line) for rule in verdict.rules] == [
        ("one-1", str(tmp_path / "a.yaml"), 5),
        ("two-1", str(tmp_path / "b.yaml"), 5),
    ]


def test_no_paths_are_no_rules() -> None:
    assert load_rules([]).rules == ()


def test_a_path_without_packs_is_a_diagnostic(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert faults(tmp_path / "empty", tmp_path / "gone.yaml") == ["empty:1 none", "gone.yaml:1 no such file"]


def test_too_many_files_are_a_diagnostic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_module, "MAX_FILES", 2)
    for name in ("one", "two", "three"):
        write(tmp_path / f"{name}.yaml", name)
    assert faults(tmp_path) == [f"{tmp_path.name}:1 3 rule files"]


def test_faults_of_all_files_and_of_all_steps_come_together(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "one", "blok")
    write(tmp_path / "b.yaml", "two", extra="limits: [{id: two-1, title: t, if: wrod, per: sender, over: 1 in 1s}]\n")
    assert faults(tmp_path) == ["a.yaml:8 'blok'", "b.yaml:11 rule 'two-1' again", "b.yaml:11 'wrod'"]


def test_the_examples_of_sound_rules_are_tried_beside_a_broken_one(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "one", "blok")
    text = write(tmp_path / "b.yaml", "two").read_text()
    (tmp_path / "b.yaml").write_text(text.replace("passes: [nothing]", "passes: [two]"))
    assert faults(tmp_path) == ["a.yaml:8 'blok'", "b.yaml:10 the verdict block by two-1 on 'two'"]


def test_names_of_a_pack_that_could_not_be_read_are_not_called_unknown(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "one", extra="use: [two]\n")
    (tmp_path / "b.yaml").write_text("pack: 'two\n")
    assert faults(tmp_path) == ["b.yaml:1 a quote that nothing closes"]


def test_a_rule_that_expired_is_left_out_from_the_next_day_on(tmp_path: Path) -> None:
    text = write(tmp_path / "a.yaml", "one").read_text()
    (tmp_path / "a.yaml").write_text(text.replace("action: block", "action: block\n    expires: 2027-06-30"))
    assert len(load_rules([tmp_path], date(2027, 6, 30)).rules) == 1
    assert load_rules([tmp_path], date(2027, 7, 1)).rules == ()


def test_a_list_that_expired_is_told_and_does_not_keep_its_rules_from_loading(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "pack: a\nlists:\n  bad: {domains: [bad.com], expires: 2027-06-30}\nrules:\n"
        "  - {id: a-1, title: t, if: link_host in bad, action: block, matches: [see bad.com], passes: [hello]}\n"
    )
    assert load_rules([file], date(2027, 6, 30)).check_text("see bad.com").refused
    assert not caplog.messages
    assert not load_rules([file], date(2027, 7, 1)).check_text("see bad.com").refused
    assert caplog.messages == [f"{file}:3:3: the list bad expired on 2027-06-30: it counts as empty"]


def test_the_shipped_packs_load() -> None:
    assert load_rules([Path(__file__).parent.parent / "rules"]).rules
