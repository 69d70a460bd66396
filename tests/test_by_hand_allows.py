"""What is allowed by hand passes at once in all workers, for a time, and nothing beside it does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from smsgate.by_hand.allows import AllowDesk, allowances_of
from smsgate.by_hand.desk import Records
from smsgate.rules.allowances import Allowances
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import LimitKey
from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.gates import GENUINE, SCAM, crew, pdu, run_on, submit, wire
from tests.loglines import lines
from tests.packs import limit, rule, rule_set
from tests.programs import invoke

RULES = rule_set(rule("link"), limit(LimitKey.CLIENT, 1))


async def rules() -> RuleSet:
    return RULES


HOST = {"kind": "host", "value": "Track.carrier.example", "for_s": 3600, "reason": "a test"}
RULE = {**HOST, "kind": "rule", "value": "R-1"}
SENDER = {**HOST, "kind": "sender", "value": "My Bank", "client": "bank1"}
NUMBER = {**HOST, "kind": "number", "value": "06 39 98 00 01"}
RESP = Command.SUBMIT_SM | RESPONSE


class Desk:
    """A desk, and what it has told."""

    def __init__(self, folder: Path | None) -> None:
        self.told: list[Records] = []
        self.desk = AllowDesk(folder, lambda _, records: self.told.append(records))

    async def refusal(self, **arguments: Any) -> str:
        with pytest.raises(ValueError) as caught:
            await self.desk.order(arguments, rules)
        return str(caught.value)


def run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(body())


def test_every_kind_is_kept_told_and_taken_up_again(tmp_path: Path) -> None:
    async def body() -> None:
        one, two = Desk(tmp_path), Desk(tmp_path)
        for order in (HOST, RULE, SENDER, NUMBER):
            await one.desk.order(order, rules)
        two.desk.load()
        assert two.told[-1] == one.told[-1] == json.loads((tmp_path / "allows.json").read_text())
        assert allowances_of(one.told[-1]) == Allowances(
            frozenset({"track.carrier.example"}),
            frozenset({"33639980001"}),
            frozenset({("bank1", "mybank")}),
            frozenset({"R-1"}),
        )

    run(body)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({**HOST, "kind": "brand"}, "found 'brand', expected one of host, number, sender, rule"),
        ({**HOST, "for_s": None}, "At most 7 days"),
        ({**HOST, "for_s": 8 * 86_400}, "At most 7 days"),
        ({**HOST, "value": "co.uk"}, "co.uk is a suffix under which anybody may have a site"),
        ({**HOST, "client": "bank1"}, "a client goes with a sender"),
        ({**RULE, "value": "R-11"}, "expected the id of a rule or limit in force (did you mean 'R-1'?)"),
        ({**RULE, "value": None, "force": True}, "expected the id of a rule or limit in force"),
        ({**SENDER, "client": None}, "say whose it is"),
        ({**SENDER, "value": "!!"}, "expected a sender"),
        ({**NUMBER, "value": "36180"}, "8 digits"),
    ],
)
def test_what_makes_no_sense_or_harms_is_refused(order: dict[str, Any], words: str, tmp_path: Path) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        assert words in await one.refusal(**order)
        assert one.told == []

    run(body)


def test_limits_can_be_allowed_and_a_shared_suffix_by_force(tmp_path: Path) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        await one.desk.order({**RULE, "value": "L-1"}, rules)
        await one.desk.order({**HOST, "value": "co.uk", "force": True}, rules)
        assert len(one.told[-1]) == 2

    run(body)


def test_disallow_ends_whatever_has_that_name(tmp_path: Path) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        for order in (HOST, RULE, {**SENDER, "client": "Bank1"}, SENDER, {**SENDER, "client": "bank2"}, NUMBER):
            await one.desk.order(order, rules)
        assert [record["client"] for record in await one.desk.end({"value": "mybank"})] == ["bank1", "bank2"]
        assert len(await one.desk.end({"value": "track.carrier.example"})) == 1
        assert len(await one.desk.end({"value": "+33639980001"})) == 1
        assert await one.desk.end({"value": "R-2"}) == []
        assert [record["value"] for record in one.told[-1]] == ["R-1"]

    run(body)


def test_the_log_names_hosts_rules_and_clients_but_no_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        for order in (HOST, RULE, NUMBER, {**SENDER, "value": "0639980001"}):
            await one.desk.order(order, rules)

    with caplog.at_level(logging.WARNING):
        run(body)
    starts = [
        "kind=host host=track.carrier.example until=",
        "kind=rule rule=R-1 until=",
        "kind=number until=",
        "kind=sender client=bank1 until=",
    ]
    starts = [f"WARNING allowed by the operator  {start}" for start in starts]
    told = lines(caplog)
    assert all(line.startswith(start) for line, start in zip(told, starts, strict=True)), told
    assert "639980001" not in "".join(told)


# in a gate


def ask(path: Path, *arguments: str) -> Coroutine[Any, Any, Any]:
    return asyncio.to_thread(invoke, *arguments, "--control", path)


def test_the_commands_allow_a_rule_in_sessions_that_stand_and_a_restarted_gate_goes_on(tmp_path: Path) -> None:
    path, state = tmp_path / "gate.sock", tmp_path / "state"

    async def body() -> None:
        async with wire(control=path, state=state) as running:
            esme, upstream = await running.bound()
            assert (await ask(path, "allow")).stdout == "nothing is allowed by hand\n"
            esme.send(submit(SCAM, 1))
            assert await esme.pdu() == pdu(RESP, 1, status=Status.ESME_RX_R_APPN)
            told = await ask(path, "allow", "rule", "T-1", "--for", "4h", "--reason", "hits too much")
            assert (told.exit_code, told.stdout.startswith("rule T-1 allowed until 20")) == (0, True)
            assert (await ask(path, "allow")).stdout == told.stdout
            assert json.loads((await ask(path, "allow", "--json")).stdout)["value"] == "T-1"
            esme.send(submit(SCAM, 2))
            assert await upstream.pdu() == submit(SCAM, 2)
            assert running.gate.metrics.rule_hits["other", "T-1", "block", "monitor"] == 1
        async with wire(control=path, state=state) as running:
            esme, upstream = await running.bound()
            esme.send(submit(SCAM, 3))
            assert await upstream.pdu() == submit(SCAM, 3)
            told = await ask(path, "disallow", "T-1")
            assert (told.exit_code, told.stdout) == (0, "rule T-1 is no longer allowed\n")
            esme.send(submit(SCAM, 4))
            assert await esme.pdu() == pdu(RESP, 4, status=Status.ESME_RX_R_APPN)
            told = await ask(path, "disallow", "T-1")
            assert (told.exit_code, told.stderr) == (1, "smsgate: T-1 was not allowed by hand\n")
            refused = await ask(path, "allow", "sender", "Bank", "--for", "1h", "--reason", "x")
            assert (refused.exit_code, "say whose it is" in refused.stderr) == (1, True)
            told = await ask(path, "allow", "sender", "Bank", "--client", "bank1", "--for", "1h", "--reason", "x")
            assert told.stdout.startswith("sender Bank of client bank1 allowed until")

    run_on("uvloop", body)


def test_what_is_allowed_ends_by_itself(tmp_path: Path) -> None:
    async def body() -> None:
        async with wire() as running:
            worker = running.gate.worker
            ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
            record = {"kind": "rule", "value": "T-1", "until": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}
            over = {**record, "value": "T-2", "until": "2020-01-01T00:00:00Z"}
            worker.use_orders("allow", "", [record, over])
            assert worker.policy.rules.check_text(SCAM).action == "allow"
            assert worker.policy._allowances.rules == {"T-1"}
            ended = asyncio.Event()
            use = worker.policy.allow

            def allow(allowances: Allowances) -> None:
                use(allowances)
                if not allowances.rules:
                    ended.set()

            worker.policy.allow = allow  # type: ignore[method-assign]
            await ended.wait()
            assert datetime.now(UTC) >= ends
            assert worker.policy.rules.check_text(SCAM).refused

    run_on("uvloop", body)


def test_all_workers_allow_one_that_starts_later_too_and_metrics_show_it(tmp_path: Path) -> None:
    async def body() -> None:
        async with crew(state=tmp_path) as running:
            names = ("client1", "client2", "client3", "client4")
            pairs = {name: await running.bound(name) for name in names}
            await running.gate.operate("allow", {**RULE, "value": "T-1"})
            await running.gate.operate("block", {**HOST, "value": "bad.example"})
            (shown,) = [family for family in running.gate.collect() if family.name == "smsgate_orders"]
            assert {(one.labels["order"], one.labels["kind"]): one.value for one in shown.samples} == {
                ("block", "host"): 1,
                **dict.fromkeys([("block", "number"), ("block", "sender")], 0),
                ("allow", "rule"): 1,
                **dict.fromkeys([("allow", "host"), ("allow", "number"), ("allow", "sender")], 0),
            }
            await running.gate.operate("sessions", {})  # answered once what was said before is done
            for esme, upstream in pairs.values():
                esme.send(submit(SCAM, 2))
                assert await upstream.pdu() == submit(SCAM, 2)
            process = running.gate._workers[1].process
            assert process is not None
            running.gate._workers[1].ready.clear()
            process.kill()
            await running.gate._workers[1].ready.wait()
            for name in names:
                esme, upstream = await running.bound(name)
                esme.send(submit(SCAM, 2) + submit(GENUINE, 3))
                assert await upstream.pdu() == submit(SCAM, 2)

    run_on("uvloop", body)


@pytest.mark.parametrize(
    "arguments",
    [
        ("allow", "host", "good.example"),
        ("allow", "rule", "--for", "24h", "--reason", "x"),
        ("allow", "--client", "x"),
        ("allow", "brand", "x", "--for", "24h", "--reason", "x"),
        ("disallow",),
    ],
)
def test_a_command_that_says_too_little_asks_nobody(arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = invoke(*arguments, *(("--control", tmp_path / "none.sock")))
    assert result.exit_code == 2
