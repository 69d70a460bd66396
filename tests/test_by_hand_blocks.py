"""Blocks by hand: in force before they are answered, kept in a file that is whole at any moment, and refused where they harm."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from smsgate.by_hand import desk as module
from smsgate.by_hand.blocks import BlockDesk, blocks_of
from smsgate.by_hand.desk import MAX_ORDERS, Records
from smsgate.rules.blocks import Block, BlockKind
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Where
from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.gates import GENUINE, SCAM, crew, pdu, run_on, submit, wire
from tests.loglines import lines
from tests.packs import brand, rule_set
from tests.programs import invoke

RULES = rule_set(brand("ameli", "Ameli", domains=["ameli.fr"]))


async def rules() -> RuleSet:
    return RULES


HOST = {"kind": "host", "value": "bad.example", "for_s": 3600, "reason": "a test"}
LINK = "voir http://www.bad.example/x"
RESP = Command.SUBMIT_SM | RESPONSE
BLOCKED = pdu(RESP, 2, status=Status.ESME_RX_R_APPN)


class Desk:
    """A desk, and what it has told."""

    def __init__(self, folder: Path | None) -> None:
        self.told: list[Records] = []
        self.desk = BlockDesk(folder, lambda _, records: self.told.append(records))

    async def ask(self, what: str, **arguments: Any) -> Records:
        return await (self.desk.end(arguments) if what == "unblock" else self.desk.order(arguments, rules))

    async def refusal(self, what: str, **arguments: Any) -> str:
        with pytest.raises(ValueError) as caught:
            await self.ask(what, **arguments)
        return str(caught.value)


def run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(body())


def test_a_block_is_on_disk_and_told_when_it_is_answered_and_a_later_desk_takes_it_up(tmp_path: Path) -> None:
    async def body() -> None:
        one = Desk(tmp_path / "state")
        (record,) = await one.ask("block", **HOST)
        assert one.told == [[record]]
        file = tmp_path / "state" / BlockDesk.file_name
        assert json.loads(file.read_text()) == [record]
        assert file.stat().st_mode & 0o777 == 0o600
        assert (file.parent.stat().st_mode & 0o777, list(file.parent.iterdir())) == (0o700, [file])
        two = Desk(tmp_path / "state")
        two.desk.load()
        assert two.told == [[record]]
        assert await two.ask("block") == [record]

    run(body)


def test_each_block_has_the_line_of_the_file_that_it_stands_on(tmp_path: Path) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        for value in ("one.example", "two.example", "three.example"):
            await one.ask("block", **{**HOST, "value": value})
        lines = (tmp_path / BlockDesk.file_name).read_text().splitlines()
        for block in blocks_of(one.desk.file, one.told[-1], 0.0):
            assert block.where.file == str(tmp_path / BlockDesk.file_name)
            assert f'"{block.value}"' in lines[block.where.line - 1]

    run(body)


def test_records_become_blocks_on_the_clock_that_messages_are_judged_by() -> None:
    record = {"kind": "host", "value": "bad.example", "since": "1970-01-01T00:00:00Z", "reason": "a test"}
    assert blocks_of("f", [{**record, "until": "1970-01-01T00:16:40Z"}], 77.0) == [
        Block(BlockKind.HOST, "bad.example", 1077.0, "a test", Where("f", 2))
    ]


def test_the_same_host_blocked_again_has_the_later_time_and_reason(tmp_path: Path) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        await one.ask("block", **HOST)
        await one.ask("block", **{**HOST, "value": "BAD.example", "reason": "another"})
        assert [record["reason"] for record in await one.ask("block")] == ["another"]

    run(body)


def test_unblock_takes_away_whatever_has_that_name(tmp_path: Path) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        await one.ask("block", **HOST)
        await one.ask("block", **{**HOST, "kind": "sender", "value": "36 180"})
        await one.ask("block", **{**HOST, "kind": "number", "value": "06 39 98 00 01"})
        assert [record["value"] for record in await one.ask("unblock", value="+33639980001")] == ["+33639980001"]
        assert [record["kind"] for record in await one.ask("unblock", value="36180")] == ["sender"]
        assert [record["kind"] for record in await one.ask("unblock", value="Bad.example")] == ["host"]
        assert await one.ask("unblock", value="bad.example") == []
        assert one.told[-1] == []
        assert json.loads((tmp_path / BlockDesk.file_name).read_text()) == []

    run(body)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "brand"}, "found 'brand', expected one of host, number, sender"),
        ({"value": "https://bad.example/x"}, "(did you mean 'bad.example'?)"),
        ({"value": None}, "expected a domain"),
        ({"kind": "number", "value": "36180"}, "a short code counts as a sender"),
        ({"kind": "number", "value": "Bank"}, "expected a phone number"),
        ({"kind": "sender", "value": "!!!"}, "expected a sender with letters or digits"),
        ({"for_s": None}, "for how long?"),
        ({"for_s": 0}, "for how long?"),
        ({"for_s": 91 * 86_400}, "At most 90 days"),
        ({"value": "assure.ameli.fr"}, "assure.ameli.fr is official for the brand ameli"),
        ({"value": "com"}, "expected a domain"),
        ({"value": "co.uk"}, "a suffix"),
    ],
)
def test_what_makes_no_sense_or_harms_is_refused_and_changes_nothing(
    changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        assert words in await one.refusal("block", **{**HOST, **changes})
        assert one.told == []

    run(body)
    assert list(tmp_path.iterdir()) == []


def test_what_is_a_brands_own_can_be_forced(tmp_path: Path) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        assert len(await one.ask("block", **{**HOST, "value": "ameli.fr"}, force=True)) == 1

    run(body)


def test_blocks_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ORDERS", 2)

    async def body() -> None:
        one = Desk(tmp_path)
        for number in range(2):
            await one.ask("block", **{**HOST, "value": f"bad{number}.example"})
        assert "list of a pack" in await one.refusal("block", **HOST)
        await one.ask("block", **{**HOST, "value": "bad1.example"})

    run(body)
    assert MAX_ORDERS >= 100


def test_a_block_that_is_over_is_not_told_and_goes_with_the_next_change(tmp_path: Path) -> None:
    old = {"kind": "host", "value": "old.example", "since": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"}
    (tmp_path / BlockDesk.file_name).write_text(json.dumps([{**old, "reason": "x"}]))

    async def body() -> None:
        one = Desk(tmp_path)
        one.desk.load()
        assert await one.ask("block") == []
        assert await one.ask("unblock", value="old.example") == []
        await one.ask("block", **HOST)
        assert [record["value"] for record in json.loads((tmp_path / BlockDesk.file_name).read_text())] == [
            "bad.example"
        ]

    run(body)


def test_without_a_folder_nothing_is_blocked_and_the_answer_says_what_is_missing() -> None:
    async def body() -> None:
        one = Desk(None)
        one.desk.load()
        assert "state: DIR" in await one.refusal("block", **HOST)
        assert await one.ask("block") == []

    run(body)


def test_where_the_file_can_not_be_written_nothing_changes(tmp_path: Path) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        (tmp_path / BlockDesk.file_name).mkdir()
        assert "nothing changed" in await one.refusal("block", **HOST)
        assert (one.told, await one.ask("block")) == ([], [])

    run(body)
    assert [file.name for file in tmp_path.iterdir()] == [BlockDesk.file_name]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '[{"kind": "host"}]',
        '[{"kind": "host", "value": "x.example", "since": "", "until": "soon", "reason": ""}]',
        '[{"kind": "dance", "value": "x.example", "since": "", "until": "2027-01-31T12:00:00Z", "reason": ""}]',
    ],
)
def test_a_file_that_can_not_be_read_is_put_aside_and_told(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / BlockDesk.file_name).write_text(text)

    async def body() -> None:
        one = Desk(tmp_path)
        one.desk.load()
        assert one.told == []
        await one.ask("block", **HOST)

    run(body)
    assert "no block is in force" in caplog.messages[0]
    assert (tmp_path / "blocks.unreadable").read_text() == text


def test_the_log_names_hosts_and_no_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        one = Desk(tmp_path)
        await one.ask("block", **HOST)
        for kind in ("number", "sender"):
            await one.ask("block", **{**HOST, "kind": kind, "value": "0639980001"})
        await one.ask("unblock", value="0639980001")

    with caplog.at_level(logging.WARNING):
        run(body)
    assert "WARNING blocked by the operator  kind=host host=bad.example until=" in lines(caplog)[0]
    assert len(lines(caplog)) == 5
    assert "639980001" not in "".join(lines(caplog))


# in a gate


def ask(path: Path, *arguments: str) -> Coroutine[Any, Any, Any]:
    return asyncio.to_thread(invoke, *arguments, "--control", path)


def test_the_commands_block_sessions_that_stand_and_a_restarted_gate_goes_on_blocking(tmp_path: Path) -> None:
    path, state = tmp_path / "gate.sock", tmp_path / "state"

    async def body() -> None:
        async with wire(control=path, state=state) as running:
            esme, upstream = await running.bound()
            assert (await ask(path, "block")).stdout == "nothing is blocked\n"
            esme.send(submit(LINK, 1))
            assert await upstream.pdu() == submit(LINK, 1)
            told = await ask(path, "block", "host", "Bad.example", "--for", "24h", "--reason", "parcels")
            assert (told.exit_code, told.stdout.startswith("host bad.example blocked until 20")) == (0, True)
            assert (await ask(path, "block")).stdout == told.stdout
            assert json.loads((await ask(path, "block", "--json")).stdout)["value"] == "bad.example"
            esme.send(submit(LINK, 2))
            assert await esme.pdu() == BLOCKED
            assert running.gate.metrics.rule_hits == {("other", "BLOCK-HOST", "block", "enforce"): 1}
        async with wire(control=path, state=state) as running:
            esme, upstream = await running.bound()
            esme.send(submit(LINK, 2))
            assert await esme.pdu() == BLOCKED
            told = await ask(path, "unblock", "bad.example")
            assert (told.exit_code, told.stdout) == (0, "host bad.example is no longer blocked\n")
            esme.send(submit(LINK, 3))
            assert await upstream.pdu() == submit(LINK, 3)
            told = await ask(path, "unblock", "bad.example")
            assert (told.exit_code, told.stderr) == (1, "smsgate: bad.example was not blocked by hand\n")
            told = await ask(path, "block", "sender", "ScamCo", "--for", "1h")
            assert (told.exit_code, told.stdout.endswith("Z\n")) == (0, True)
            refused = await ask(path, "block", "host", "moncompteformation.gouv.fr", "--for", "1h", "--reason", "x")
            assert (refused.exit_code, "official for the brand cpf" in refused.stderr) == (1, True)

    run_on("uvloop", body)


def test_all_workers_block_and_one_that_starts_later_too(tmp_path: Path) -> None:
    async def body() -> None:
        async with crew(state=tmp_path) as running:
            pairs = {name: await running.bound(name) for name in ("client1", "client2", "client3", "client4")}
            await running.gate.operate("block", HOST)
            workers = {session["worker"] for session in await running.gate.operate("sessions", {})}
            assert workers == {0, 1}
            for esme, _ in pairs.values():
                esme.send(submit(LINK, 2))
                assert await esme.pdu() == BLOCKED
            process = running.gate._workers[1].process
            assert process is not None
            running.gate._workers[1].ready.clear()
            process.kill()
            await running.gate._workers[1].ready.wait()
            for name in pairs:
                esme, _ = await running.bound(name)
                esme.send(submit(LINK, 2))
                assert await esme.pdu() == BLOCKED
            await running.gate.operate("unblock", {"value": "bad.example"})
            esme, upstream = await running.bound("client1")
            esme.send(submit(LINK, 2) + submit(SCAM, 3) + submit(GENUINE, 4))
            assert await upstream.pdu() == submit(LINK, 2)
            assert await upstream.pdu() == submit(GENUINE, 4)

    run_on("uvloop", body)


@pytest.mark.parametrize(
    "arguments",
    [
        ("block", "host", "bad.example"),
        ("block", "host", "bad.example", "--reason", "x"),
        ("block", "host", "--for", "24h", "--reason", "x"),
        ("block", "--force"),
        ("block", "brand", "x", "--for", "24h", "--reason", "x"),
        ("block", "host", "bad.example", "--for", "24", "--reason", "x"),
        ("unblock",),
    ],
)
def test_a_command_that_says_too_little_asks_nobody(arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = invoke(*arguments, *(("--control", tmp_path / "none.sock")))
    assert result.exit_code == 2


def test_what_is_in_force_is_told_without_a_look_at_the_rules() -> None:
    async def never() -> RuleSet:
        pytest.fail("the rules were asked for")

    assert asyncio.run(BlockDesk(None, lambda *_: None).order({}, never)) == []
