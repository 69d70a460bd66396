"""Rules changed while a gate relays: a process of its own, with one worker and with two."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from load_tests.harness import process_tree
from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.arrangement import Running, running
from tests.gates import SCAM, TIMEOUT_S, Peer, submit
from tests.programs import PACK, pack_in

RESP = Command.SUBMIT_SM | RESPONSE
BLOCKING = PACK
PASSING = PACK.replace("action: block", "action: flag")
BROKEN = PACK.replace("names(cpf) and pull", "names(cfp) and pull")
FAILING = PACK.replace('passes: ["Bonjour"]', 'passes: ["Votre code expire"]')
BLOCKED, PASSED = int(Status.ESME_RX_R_APPN), 0
WINDOW = 5
ASKS_FOR_RECEIPT = b"\0" * 6 + b"\1" + b"\0" * 3

workers = pytest.mark.parametrize("workers", [1, 2])


class Sender:
    """Sends the same message without end, and keeps with each answer what `phase` said when the message was sent, and after."""

    def __init__(self, peer: Peer, phase: Callable[[], int]) -> None:
        self.peer = peer
        self.phase = phase
        self.sent: dict[int, int] = {}
        self.answers: dict[int, tuple[int, int]] = {}
        self.stop = False

    async def run(self) -> None:
        sequence = 1
        while not self.stop or len(self.answers) < len(self.sent):
            while not self.stop and len(self.sent) - len(self.answers) < WINDOW:
                sequence += 1
                self.sent[sequence] = self.phase()
                self.peer.send(submit(SCAM, sequence).replace(ASKS_FOR_RECEIPT, b"\0" * 10))
            pdu = await self.peer.pdu()
            command, status, answered = (int.from_bytes(pdu[at : at + 4], "big") for at in (4, 8, 12))
            assert command == RESP
            assert answered not in self.answers
            self.answers[answered] = status, self.phase()

    async def more(self, count: int) -> None:
        """Until so many more are answered that were sent from now on."""
        enough = len(self.sent) + count
        async with asyncio.timeout(TIMEOUT_S):
            while len(self.answers) < enough:  # noqa: ASYNC110  # nothing says when
                await asyncio.sleep(0.001)


@workers
def test_under_load_nothing_is_lost_and_verdicts_change_with_each_good_set_once(tmp_path: Path, workers: int) -> None:
    """Good and bad sets by turns: a message sent after a reload was told is judged by what was told."""
    steps = [(PASSING, 0), (BROKEN, 2), (BLOCKING, 0), (FAILING, 2), (PASSING, 0), (BLOCKING, 0)]
    at_smsc: Counter[int] = Counter()

    def seen(pdu: bytes) -> None:
        at_smsc[int.from_bytes(pdu[4:8], "big")] += 1

    async def main() -> None:
        settled: dict[int, int] = {0: BLOCKED}  # the status by even phases; in odd ones a reload is under way
        phase = 0
        async with running(tmp_path, workers, settings="watch: off\n", on_pdu=seen) as gate:
            senders = [Sender(await gate.bound(f"client{number}"), lambda: phase) for number in range(4)]
            tasks = [asyncio.create_task(sender.run()) for sender in senders]
            for text, code in steps:
                await asyncio.gather(*(sender.more(20) for sender in senders))
                pack_in(tmp_path, text)
                phase += 1
                result = await gate.ask("reload")
                assert result.exit_code == code, result.output
                settled[phase + 1] = {PASSING: PASSED, BLOCKING: BLOCKED}.get(text, settled[phase - 1])
                phase += 1
            await asyncio.gather(*(sender.more(20) for sender in senders))
            for sender in senders:
                sender.stop = True
            await asyncio.gather(*tasks)
        for sender in senders:
            assert sender.sent.keys() == sender.answers.keys()
            for sequence, (status, after) in sender.answers.items():
                before = sender.sent[sequence]
                if before == after and before in settled:
                    assert status == settled[before]
            statuses = [status for _, (status, _) in sorted(sender.answers.items())]
            assert sum(one != other for one, other in pairwise(statuses)) == sum(code == 0 for _, code in steps)
        passed = sum(status == PASSED for sender in senders for status, _ in sender.answers.values())
        assert at_smsc[Command.SUBMIT_SM] == passed > 0

    asyncio.run(main())


async def verdict(gate: Running, client: str = "bank1") -> int:
    """The status that SCAM is answered with."""
    esme = await gate.bound(client)
    esme.send(submit(SCAM, 2))
    return int.from_bytes((await esme.pdu())[8:12], "big")


async def logged(gate: Running, pattern: str) -> re.Match[str]:
    assert gate.gate.process.stderr is not None
    async with asyncio.timeout(2 * TIMEOUT_S):
        while raw := await gate.gate.process.stderr.readline():
            if match := re.search(pattern, raw.decode()):
                return match
    raise AssertionError(f"no log line like {pattern!r}")


@workers
def test_files_that_change_and_a_signal_are_triggers_and_every_fault_is_logged(tmp_path: Path, workers: int) -> None:
    async def main() -> None:
        async with running(tmp_path, workers) as gate:
            assert await verdict(gate) == BLOCKED
            pack_in(tmp_path, PASSING)
            await logged(gate, r'"rules in force".* "trigger": "files changed", "rule_set": "\w{12}", "rules": 3, ')
            assert await verdict(gate) == PASSED
            pack_in(tmp_path, BROKEN)
            await logged(gate, r"test\.yaml:\d+:\d+: found 'cfp', expected a brand .* \(did you mean 'cpf'\?\)")
            await logged(
                gate, r'"rules refused: those in force stay".* "files changed", "rule_set": "\w{12}", .*"faults": 1'
            )
            assert await verdict(gate) == PASSED
            gate.gate.process.send_signal(signal.SIGHUP)
            await logged(gate, r'"rules refused.*"SIGHUP"')

    asyncio.run(main())


def test_a_worker_that_starts_later_has_the_set_in_force_not_what_the_files_say(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, 2, settings="watch: off\n") as gate:
            pack_in(tmp_path, PASSING)
            assert (await gate.ask("reload")).exit_code == 0
            pack_in(tmp_path, BROKEN)
            for process in process_tree(gate.gate.process.pid)[1:]:
                os.kill(process, signal.SIGKILL)
            for _ in range(2):
                await logged(gate, "a worker died")
            assert [await verdict(gate, f"client{number}") for number in range(6)] == [PASSED] * 6

    asyncio.run(main())


def test_history_and_rollback_until_the_next_reload(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, 1, settings="watch: off\nstate: state/\n") as gate:
            while len((await gate.ask("rules", "history")).stdout.splitlines()) < 2:
                pass
            pack_in(tmp_path, PASSING)
            assert (await gate.ask("reload")).exit_code == 0
            result = await gate.ask("rules", "rollback")
            assert (result.exit_code, "until the rule files change" in result.stdout) == (0, True)
            assert await verdict(gate) == BLOCKED
            assert (await gate.ask("reload")).exit_code == 0
            assert await verdict(gate) == PASSED
            pack_in(tmp_path, BROKEN)
            assert (await gate.ask("reload")).exit_code == 2
            result = await gate.ask("rules", "rollback", "0123456789ab")
            assert (result.exit_code, "expected one that is kept" in result.stderr) == (1, True)
            lines = (await gate.ask("rules", "history", "--json")).stdout.splitlines()
            entries = [json.loads(line) for line in lines]
            assert [(entry["trigger"], entry["result"]) for entry in entries] == [
                ("start", "accepted"),
                ("smsgate reload", "accepted"),
                ("rollback", "accepted"),
                ("smsgate reload", "accepted"),
                ("smsgate reload", "refused"),
            ]
            first, second = (entry["version"] for entry in entries[:2])
            assert [entry["version"] for entry in entries] == [first, second, first, second, second]
            assert all(entry["by"] for entry in entries[1:])
            shown = (await gate.ask("rules", "history", "-n", "2")).stdout.splitlines()
            assert re.fullmatch(rf"\S+ \S+ +{second} +3 +refused, 1 fault +smsgate reload \(.+\) +yes *", shown[-1])
            assert len(shown) == 3

    asyncio.run(main())


def test_a_guard_refuses_what_changes_too_much_unless_forced(tmp_path: Path) -> None:
    messages = tmp_path / "messages.csv"
    messages.write_text("text,sender\n" + f'"{SCAM}",38100\n' + "Bonjour,38100\n" * 9)

    async def main() -> None:
        settings = "watch: off\nguard: {messages: messages.csv, change: 5%}\n"
        async with running(tmp_path, 1, settings=settings) as gate:
            pack_in(tmp_path, PASSING)
            result = await gate.ask("reload")
            assert result.exit_code == 2
            assert "the guard allows 5.00% of verdicts to change: 1 of 10 verdicts change (10.00%)" in result.stderr
            assert "0 messages newly refused, 1 no longer" in result.stderr
            assert await verdict(gate) == BLOCKED
            result = await gate.ask("reload", "--force")
            assert (result.exit_code, "forced: the guard allows 5.00%" in result.stdout) == (0, True)
            await logged(gate, r'"warning".* "forced: the guard allows')
            assert await verdict(gate) == PASSED

    asyncio.run(main())
