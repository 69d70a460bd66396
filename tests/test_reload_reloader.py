"""One attempt at a time: prepared in another process, put in force or refused, counted and written down."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from smsgate.config.lists import KEPT_TABLES, MIN_TABLE_LINES
from smsgate.config.rules import load
from smsgate.reload.reloader import Reloader, told
from smsgate.reload.sealed import Sealed, taken_up
from smsgate.rules.engine import RuleSet
from smsgate.settings import Settings
from smsgate.telemetry.rule_set import RuleSetState
from tests.gates import SCAM, both_loops, run_on
from tests.loglines import lines
from tests.programs import PACK, file_size_limit, pack_in

DAY = date(2026, 3, 1)
EXPIRING = PACK.replace("    action: block\n", f"    action: block\n    expires: {DAY}\n")


class FakeGate:
    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.rule_set = RuleSetState.of(rules)
        self.fault: OSError | None = None

    async def put(self, sealed: Sealed) -> None:
        if self.fault is not None:
            raise self.fault
        self.rules = await taken_up(sealed.descriptor)
        self.rule_set.put(sealed.contents.version, sealed.contents.rules, sealed.contents.rotating)


class Reloading:
    """A reloader, its gate, and the day that it takes it to be."""

    def __init__(self, folder: Path, text: str, **settings: Any) -> None:
        self.day = DAY
        self.settings = Settings((), (), (pack_in(folder, text),), watch=False, **settings)
        loaded = load(self.settings.rules, DAY)
        self.reloader = Reloader(self.settings, loaded, lambda: self.day)
        self.gate = FakeGate(loaded.rules)

    def refuses(self) -> bool:
        return self.gate.rules.check_text(SCAM).refused


@asynccontextmanager
async def reloading(folder: Path, text: str = PACK, **settings: Any) -> AsyncIterator[Reloading]:
    made = Reloading(folder, text, **settings)
    made.reloader.start(made.gate)
    try:
        yield made
    finally:
        await made.reloader.stop()


def sample(state: RuleSetState, name: str, **labels: str) -> float:
    (value,) = (
        one.value
        for family in state.collect()
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    )
    return value


@both_loops
def test_an_expired_rule_stops_though_the_files_are_broken(
    loop_name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        async with reloading(tmp_path, EXPIRING) as made:
            pack_in(tmp_path, "no pack")
            await made.reloader.expire()
            assert made.refuses()  # it is its last day
            made.day += timedelta(days=1)
            await made.reloader.expire()
            assert not made.refuses()
            assert made.gate.rule_set.rules == 2
            assert f'WARNING expired  what="rule T-1" last_day={DAY}' in lines(caplog)
            assert not made.gate.rule_set.refused

    run_on(loop_name, body)


def test_the_table_in_force_outlives_lists_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that starts maps it, however often the file has changed since."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    domains = "".join(f"bad{number}.example\n" for number in range(MIN_TABLE_LINES))
    names = tmp_path / "domains.txt"
    names.write_text(domains)
    with_list = PACK + "lists:\n  bad: {domains_file: ../domains.txt}\n"

    async def body() -> None:
        async with reloading(tmp_path, with_list) as made:
            pack_in(tmp_path, with_list.replace("if: pull", "if: pul"))
            for number in range(KEPT_TABLES + 2):
                names.write_text(f"{domains}more{number}.example\n")
                assert not (await made.reloader.reload("a test")).accepted
            await made.gate.put(made.reloader._in_force)
            assert made.refuses()

    run_on("uvloop", body)


def test_a_refusal_is_shown_until_a_set_is_accepted(tmp_path: Path) -> None:
    async def body() -> None:
        async with reloading(tmp_path) as made:
            state = made.gate.rule_set
            before = state.version
            pack_in(tmp_path, PACK.replace("if: pull", "if: pul"))
            outcome = await made.reloader.reload("a test")
            assert (outcome.accepted, outcome.version, state.version) == (False, before, before)
            assert "'pul'" in outcome.faults[0]
            assert sample(state, "smsgate_reload_refused") == 1
            pack_in(tmp_path, PACK.replace("action: block", "action: flag"))
            loaded_s = sample(state, "smsgate_rule_set_loaded_timestamp_seconds")
            outcome = await made.reloader.reload("a test")
            assert (outcome.accepted, outcome.before) == (True, before)
            assert sample(state, "smsgate_rule_set_info", version=outcome.version) == 1
            assert sample(state, "smsgate_rule_set_loaded_timestamp_seconds") > loaded_s
            assert sample(state, "smsgate_reload_refused") == 0
            assert sample(state, "smsgate_reloads_total", result="accepted") == 1
            assert sample(state, "smsgate_reloads_total", result="refused") == 1

    run_on("uvloop", body)


def test_a_set_that_is_too_large_for_a_limit_on_file_sizes_is_refused(tmp_path: Path) -> None:
    async def body() -> None:
        async with reloading(tmp_path) as made:
            with file_size_limit(os.fstat(made.reloader.in_force.descriptor).st_size):  # automata come on top
                (fault,) = (await made.reloader.reload("a test")).faults
            assert fault.startswith("no room in memory for the rules: File too large")
            assert made.refuses()

    run_on("uvloop", body)


def test_what_can_not_be_prepared_or_taken_up_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with reloading(tmp_path) as made:
            made.gate.fault = OSError("no memory for it")
            assert (await made.reloader.reload("a test")).faults == ("no memory for it",)
            made.gate.fault = None
            monkeypatch.setattr(sys, "executable", "/bin/false")
            assert (await made.reloader.reload("a test")).faults == ("the process that prepares rules ended with 1",)
            assert made.refuses()

    run_on("uvloop", body)


def test_a_rollback_is_shown_until_the_files_count_again(tmp_path: Path) -> None:
    async def body() -> None:
        async with reloading(tmp_path, state=tmp_path / "state") as made:
            state = made.gate.rule_set
            await made.reloader.reload("a test")
            pack_in(tmp_path, PACK.replace("action: block", "action: flag"))
            assert (await made.reloader.reload("a test")).accepted
            answer = await told("rollback", {}, made.reloader, lambda *_: asyncio.sleep(0, ""))
            assert (answer["accepted"], made.refuses()) == (True, True)
            assert sample(state, "smsgate_rule_set_rolled_back") == 1
            pack_in(tmp_path, "no pack")
            await made.reloader.reload("a test")
            assert sample(state, "smsgate_rule_set_rolled_back") == 1
            pack_in(tmp_path, PACK)
            await made.reloader.reload("a test")
            assert sample(state, "smsgate_rule_set_rolled_back") == 0
            with pytest.raises(ValueError, match="expected one that is kept"):
                await made.reloader.rollback("000000000000")

    run_on("uvloop", body)


def test_a_rollback_asked_during_a_reload_goes_back_behind_it(tmp_path: Path) -> None:
    async def body() -> None:
        async with reloading(tmp_path, state=tmp_path / "state") as made:
            await made.reloader.reload("a test")
            first = made.gate.rule_set.version
            pack_in(tmp_path, PACK.replace("action: block", "action: flag"))
            taken, back = await asyncio.gather(made.reloader.reload("a test"), made.reloader.rollback(None))
            assert (taken.accepted, back.before, back.version) == (True, taken.version, first)

    run_on("uvloop", body)


def test_a_folder_that_can_not_be_written_hinders_no_reload(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("in the way")

    async def body() -> None:
        async with reloading(tmp_path, state=tmp_path / "state") as made:
            assert (await made.reloader.reload("a test")).accepted
            assert "the history of rule sets can't be written" in caplog.text

    run_on("uvloop", body)


def test_without_a_folder_nothing_can_be_rolled_back(tmp_path: Path) -> None:
    async def body() -> None:
        async with reloading(tmp_path) as made:
            with pytest.raises(ValueError, match="no `state:`"):
                await made.reloader.rollback(None)

    run_on("uvloop", body)
