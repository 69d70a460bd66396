"""`smsgate top`: rates from a running gate, of one worker and of several, without a text or a number."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smsgate.cli.top import Sample, rates
from smsgate.settings import ClientSettings
from tests.gates import GENUINE, SCAM, crew, run_on, submit, wire
from tests.programs import invoke
from tests.test_telemetry_audit import SECRETS

CLIENTS = {"bank1": ClientSettings(), "bank2": ClientSettings()}
LINK = "Photos : https://album.example/9"


def answer(**changes: Any) -> dict[str, Any]:
    return {"sessions": 1, "messages": [], "rules": [], "seconds": 5.0, "hosts": [], "templates": [], **changes}


def test_rates_are_what_counters_have_grown_by_the_busiest_first() -> None:
    before = answer(messages=[["bank1", "allow", 100], ["bank2", "block", 7]], rules=[["R-1", "block", "enforce", 7]])
    after = answer(
        messages=[["bank1", "allow", 120], ["bank1", "flag", 4], ["bank2", "block", 47]],
        rules=[["R-1", "block", "enforce", 47], ["R-2", "flag", "monitor", 2]],
        hosts=[["a.example", "allow", 10], ["b.example", "block", 25]],
    )
    assert rates(Sample(10.0, before), Sample(12.0, after)) == {
        "sessions": 1,
        "clients": [
            {"client": "bank2", "per_s": 20.0, "block": 20.0},
            {"client": "bank1", "per_s": 12.0, "allow": 10.0, "flag": 2.0},
        ],
        "rules": [
            {"rule": "R-1", "action": "block", "mode": "enforce", "per_s": 20.0},
            {"rule": "R-2", "action": "flag", "mode": "monitor", "per_s": 1.0},
        ],
        "hosts": [
            {"host": "b.example", "verdict": "block", "per_s": 5.0},
            {"host": "a.example", "verdict": "allow", "per_s": 2.0},
        ],
        "templates": [],
    }


def test_a_gate_that_was_started_anew_counts_from_nothing() -> None:
    before, after = (answer(messages=[["bank1", "allow", count]]) for count in (1000, 6))
    assert rates(Sample(0.0, before), Sample(2.0, after))["clients"][0]["per_s"] == 3.0


def looked_at(path: Path, send: Callable[[], None], *arguments: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`top` while messages go through: `send` is called between its two questions."""

    def between(_: float) -> None:
        send()

    monkeypatch.setattr("time.sleep", between)
    return invoke("top", "--once", "--control", path, *arguments)


@pytest.mark.parametrize("gate", [wire, crew], ids=["one worker", "two workers"])
def test_a_gate_tells_clients_rules_hosts_and_templates(
    tmp_path: Path, gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gate.sock"

    async def body() -> None:
        loop = asyncio.get_running_loop()
        sent = 0
        async with gate(clients=CLIENTS, control=path) as running:
            pairs = [await running.bound(client) for client in CLIENTS]

            async def traffic() -> None:
                for esme, upstream in pairs:
                    esme.send(submit(GENUINE, 2) + submit(LINK, 3) + submit(SCAM, 4))
                    await upstream.pdus(2)
                    await esme.pdu()
                nonlocal sent
                sent += 6
                async with asyncio.timeout(10):  # the counts of workers come four times a second
                    while sum(row[2] for row in (await running.gate.operate("top", {}))["messages"]) < sent:
                        pass

            def send() -> None:
                asyncio.run_coroutine_threadsafe(traffic(), loop).result(10)

            shown = await asyncio.to_thread(looked_at, path, send, "--json", monkeypatch=monkeypatch)
            found = json.loads(shown.stdout)
            assert {row["client"] for row in found["clients"]} == {"bank1", "bank2"}
            (rule,) = found["rules"]
            assert (rule["rule"], rule["action"], rule["mode"]) == ("T-1", "block", "enforce")
            assert {(row["host"], row["verdict"]) for row in found["hosts"]} == {
                ("album.example", "allow"),
                ("cpf-droits.example", "block"),
            }
            (template,) = found["templates"]
            assert (len(template["template"]), template["verdict"]) == (24, "block")
            assert all(row["per_s"] > 0 for rows in list(found.values())[1:] for row in rows)

            table = await asyncio.to_thread(looked_at, path, send, monkeypatch=monkeypatch)
            assert table.exit_code == 0
            for word in ("2 sessions", "bank1", "bank2", "T-1", "album.example", template["template"]):
                assert word in table.stdout
            assert [secret for secret in SECRETS[:4] if secret in table.stdout + shown.stdout] == []

    run_on("uvloop", body)
