"""`smsgate check`: exit codes, and every fault of everything that was named."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.programs import PACK, invoke, pack_in

SETTINGS = """\
listeners: [{bind: "127.0.0.1:2775"}]
upstreams: [{address: "127.0.0.1:2776"}]
rules: [rules/]
"""


def test_good_packs_are_counted(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    result = invoke("check", rules)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{rules}: 3 rules, 0 limits, 6 examples; rule set ")
    assert result.stderr == ""


def test_without_arguments_the_configuration_and_its_rules_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack_in(tmp_path)
    (tmp_path / "smsgate.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    result = invoke("check")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "smsgate.yaml: configuration is right"
    assert result.stdout.splitlines()[1].startswith("rules: 3 rules")


def test_without_a_configuration_the_folder_rules_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack_in(tmp_path)
    monkeypatch.chdir(tmp_path)
    result = invoke("check")
    assert result.exit_code == 0
    assert result.stdout.startswith("rules: 3 rules")


def test_all_faults_of_all_files_are_told_at_once_with_their_places(tmp_path: Path) -> None:
    rules = pack_in(tmp_path, PACK.replace("action: flag", "action: flagg").replace("names: [CPF]", "name: [CPF]"))
    settings = tmp_path / "smsgate.yaml"
    settings.write_text(SETTINGS.replace("2776", "277666") + "clients: {bank1: {rate: 200}}\n")
    result = invoke("check", settings, rules)
    assert result.exit_code == 2
    assert result.stdout == ""
    pack = rules / "test.yaml"
    beginnings = [
        f"{settings}:2:23: found '127.0.0.1:277666', expected HOST:PORT",
        f"{settings}:4:25: found '200', expected messages and a unit of time",
        f"{pack}:4:5: found no 'names', expected ",
        f"{pack}:4:5: found the unknown key 'name', expected ",
        f"{pack}:18:13: found 'flagg', expected ",
        "5 faults found",
    ]
    told = result.stderr.splitlines()
    assert [line[: len(beginning)] for line, beginning in zip(told, beginnings, strict=True)] == beginnings
    assert told[3].endswith("(did you mean 'names'?)")


def test_an_example_that_comes_out_wrong_is_a_fault(tmp_path: Path) -> None:
    rules = pack_in(tmp_path, PACK.replace('passes: ["Bonjour"]', 'passes: ["Votre code expire"]'))
    result = invoke("check", rules)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{rules / 'test.yaml'}:20:14: ")
    assert result.stderr.splitlines()[-1] == "1 fault found"


def test_the_rules_that_a_configuration_names_are_tried_too(tmp_path: Path) -> None:
    rules = pack_in(tmp_path, PACK.replace("names(cpf)", "names(cfp)"))
    settings = tmp_path / "smsgate.yaml"
    settings.write_text(SETTINGS)
    result = invoke("check", settings)
    assert result.exit_code == 2
    assert f"{rules / 'test.yaml'}:11:15: " in result.stderr
    assert "(did you mean 'cpf'?)" in result.stderr


def test_a_path_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    result = invoke("check", tmp_path / "none.yaml", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "none.yaml:1:1: found no such file" in result.stderr
    assert "nowhere:1:1: found no such file" in result.stderr


def test_lists_tell_where_they_come_from(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    pack = (
        "pack: lists\nlists:\n  bad: {domains: [a.example], source: reports, since: 2026-10-01, expires: 2030-12-31}\n"
    )
    (rules / "lists.yaml").write_text(pack + "  plain: {domains: [b.example]}\n")
    told = invoke("check", rules).stdout.splitlines()[1:]
    assert told == [f"{rules}/lists.yaml:3: list bad, domains: 1, from reports, since 2026-10-01, until 2030-12-31"]


def test_much_visited_domains_may_be_mistaken_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("smsgate.cli.check"), "POPULAR_PER_MISTAKE", 3)
    rules = pack_in(
        tmp_path, PACK.replace("brands:", "brands:\n  parcels: {names: [Parcels], host: {anywhere: [parcelpost]}}", 1)
    )
    popular = tmp_path / "popular.txt"
    popular.write_text("# much visited\nriver.example\nmyparcelpost.example\nlake.example\n")
    result = invoke("check", rules, "--popular", popular)
    assert result.exit_code == 0
    assert f"{popular}: 1 of 3 domains taken for look-alikes, 1 allowed" in result.stdout
    popular.write_text("river.example\nmyparcelpost.example\n")
    result = invoke("check", rules, "--popular", popular)
    assert result.exit_code == 2
    assert result.stderr.startswith(
        f"{popular}:2:1: found 'myparcelpost.example' taken for a look-alike, expected no lookalike(parcels)"
    )
