"""`smsgate rules list` shows each rule with what decides how it acts, and the hits of a gate that runs."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from smsgate.cli import app
from smsgate.cli.listing import _age
from smsgate.telemetry.metrics import Metrics
from smsgate.worker import hits
from tests.gates import SCAM, crew, run_on, submit, wire
from tests.programs import invoke, pack_in

OWN = """\
pack: own
owner: desk
keywords: {word: [mot]}
rules:
  - id: O-1
    title: A word
    if: word
    action: flag
    mode: sample 10%
    clients: {bank1: monitor}
    owner: somebody
    since: 2026-01-01
    reference: ticket 7
    matches: [un mot]
    passes: [rien]
  - id: O-2
    title: Over
    if: word
    action: flag
    expires: 2026-01-31
    matches: [un mot]
    passes: [rien]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rules = pack_in(tmp_path)
    (rules / "own.yaml").write_text(OWN)
    (rules / "overrides.yaml").write_text("overrides:\n  T-1: {mode: monitor}\n")
    return rules


def listed(*arguments: str | Path) -> list[dict[str, Any]]:
    result = invoke("rules", "list", *arguments, "--json")
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_every_rule_is_listed_with_all_that_is_known_of_it(folder: Path) -> None:
    found = {rule["id"]: rule for rule in listed(folder)}
    assert list(found) == ["O-1", "O-2", "T-1", "T-2", "T-3"]
    assert found["O-1"] == {
        "id": "O-1",
        "title": "A word",
        "pack": "own",
        "mode": "sample 10%",
        "clients": {"bank1": "monitor"},
        "action": "flag",
        "owner": "somebody",
        "reference": "ticket 7",
        "since": "2026-01-01",
        "expires": None,
        "expired": False,
        "acted": None,
        "would_have": None,
        "file": str(folder / "own.yaml"),
        "line": 5,
        "overridden": None,
    }
    assert (found["O-2"]["expired"], found["O-2"]["owner"]) == (True, "desk")
    assert found["T-1"]["overridden"] == {"file": str(folder / "overrides.yaml"), "line": 2}


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (("--pack", "own"), ["O-1", "O-2"]),
        (("--owner", "somebody"), ["O-1"]),
        (("--mode", "sample"), ["O-1"]),
        (("--mode", "monitor"), ["O-1", "T-1"]),
        (("--mode", "enforce", "--pack", "own"), ["O-2"]),
        (("--owner", "nobody"), []),
    ],
)
def test_filters(arguments: tuple[str, ...], ids: list[str], folder: Path) -> None:
    assert [rule["id"] for rule in listed(folder, *arguments)] == ids


def test_the_table_fits_a_terminal_and_says_what_is_over_or_overridden(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    result = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"}).invoke(app, ["rules", "list", "rules"])
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["rule", "mode", "action", "owner", "age", "expires", "acted", "would", "place"]
    assert lines[1].split()[:4] == ["O-1", "sample", "10%", "flag"]
    assert lines[2].split() == ["bank1:", "monitor"]
    assert "2026-01-31, over" in lines[3]
    assert [line.split()[-1] for line in lines[5:7]] == ["in", "rules/overrides.yaml:2"]
    assert max(len(line.rstrip()) for line in lines) <= 100
    assert result.stderr.endswith("5 rules; no gate was asked for hits\n")
    piped = CliRunner(env={"COLUMNS": "40", "NO_COLOR": "1"}).invoke(app, ["rules", "list", "rules"])
    assert piped.stdout == result.stdout


def test_faults_are_told(folder: Path) -> None:
    (folder / "own.yaml").write_text("pack: [x]")
    assert invoke("rules", "list", folder).exit_code == 2


@pytest.mark.parametrize(
    ("days", "told"), [(0, "0 d"), (99, "99 d"), (100, "3 mo"), (999, "33 mo"), (1000, "2 y"), (-1, "0 d")]
)
def test_age(days: int, told: str) -> None:
    today = datetime.now(UTC).date()
    assert _age(today - timedelta(days), today) == told
    assert _age(None, date(2026, 1, 1)) == "-"


def test_hits_are_those_of_the_gate(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "gate.sock"

    async def body() -> None:
        async with wire(control=path) as running:
            esme, _ = await running.bound()
            esme.send(submit(SCAM, 1))
            await esme.pdu()
            found = await asyncio.to_thread(listed, folder, "--control", path)
            acted = {rule["id"]: (rule["acted"], rule["would_have"]) for rule in found}
            assert acted == {"T-1": (1, 0), "T-2": (0, 0), "T-3": (0, 0), "O-1": (0, 0), "O-2": (0, 0)}

    run_on("uvloop", body)


def test_hits_of_all_workers_are_added_up() -> None:
    async def body() -> None:
        async with crew() as running:
            for name in ("client1", "client2", "client3", "client4"):
                esme, _ = await running.bound(name)
                esme.send(submit(SCAM, 1))
                await esme.pdu()
            async with asyncio.timeout(10):
                while await running.gate.operate("hits", {}) != {"T-1": {"enforce": 4}}:  # noqa: ASYNC110
                    await asyncio.sleep(0)

    run_on("uvloop", body)


def test_hits_of_a_rule_by_all_clients_and_with_each_action_are_added_up() -> None:
    metrics = Metrics(("other",))
    metrics.rule_hits = {
        ("a", "R", "block", "enforce"): 1,
        ("b", "R", "block", "enforce"): 1,
        ("a", "R", "flag", "enforce"): 3,
        ("a", "R", "flag", "monitor"): 4,
    }
    assert hits(metrics) == {"R": {"enforce": 5, "monitor": 4}}
