"""The load tests measure what they say: counts are exact, the corpus is the same on every run. No timing is asserted."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

import pytest
import uvloop
from rich.console import Console

from load_tests import bare_relay, fairness, flood, lists, report, soak, throughput
from load_tests.corpus import GENUINE_UCS2, Corpus, Message, gsm7
from load_tests.filter_bench import FilterFigures
from load_tests.harness import Load, Measured, Run, Smsc, finish, sessions
from smsgate.config.rules import load_rules
from smsgate.smpp.pdu import text_view

FACTS = {"date": "2026-11-22", "commit": "abc1234"}
LOAD = Load(sessions=3, window=10, warmup_s=0, seconds=0)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(keywords=400, domains=300)


def relayed(run: Run, limit: int, *, filtered: bool) -> list[int]:
    """How many messages each of three sessions had answered through the bare relay."""

    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        smsc = await loop.create_server(lambda: Smsc(run), "127.0.0.1", 0)
        relay = await bare_relay.serve(smsc.sockets[0].getsockname())
        try:
            async with sessions(relay.sockets[0].getsockname(), run, LOAD, limit) as senders:
                for sender in senders:
                    sender.start()
                await finish(senders, filtered)
                return [sender.answered for sender in senders]
        finally:
            relay.close()
            smsc.close()

    return uvloop.run(main())


def test_every_message_is_answered_once_through_the_bare_relay(corpus: Corpus) -> None:
    run = Run(corpus.messages(100))
    assert relayed(run, 330, filtered=False) == [330, 330, 330]


def test_a_message_that_should_have_been_refused_spoils_the_measurement(corpus: Corpus) -> None:
    with pytest.raises(AssertionError, match="0 messages refused, expected"):
        relayed(Run(corpus.messages(100)), 330, filtered=True)


def test_the_expected_refusals_are_counted_round_the_run() -> None:
    run = Run([Message("a", refused=True), Message("b"), Message("c", refused=True)])
    places = [True, False, True] * 5
    for first in range(3):
        for count in range(10):
            assert run.refused(first, count) == sum(places[first : first + count])


def test_the_run_is_submit_sm_with_the_texts_in_place(corpus: Corpus) -> None:
    messages = corpus.messages(20)
    run = Run(messages)
    octets = bytes(run.octets)
    for place, message in enumerate(messages * 2):
        view = text_view(4, octets, run.offsets[place], run.offsets[place + 1])
        assert not view.malformed
        assert view.bodies == (gsm7(message.text),)
    assert run.offsets[-1] == len(octets)


def test_the_corpus_is_the_same_on_every_run(corpus: Corpus) -> None:
    one, other = Corpus(keywords=400, domains=300), Corpus(keywords=400, domains=300)
    assert one.keywords == other.keywords
    assert one.domains == other.domains
    assert one.messages(300) == other.messages(300)


def test_the_pack_refuses_the_scams_and_nothing_else(corpus: Corpus, tmp_path: Path) -> None:
    corpus.write_pack(tmp_path)
    rules = load_rules([tmp_path])
    messages = corpus.messages(1000)
    assert sum(message.refused for message in messages) == 10
    for message in messages:
        assert rules.check_text(message.text).refused is message.refused, message.text
    for text in (*corpus.texts(GENUINE_UCS2, 20), *corpus.texts_with_new_hosts(20)):
        assert not rules.check_text(text).refused, text


def test_the_load_table_gives_medians_and_ratios(tmp_path: Path) -> None:
    proxies = [
        throughput.Figures("no proxy", 10, [Measured(9e5, None, None)]),
        throughput.Figures("bare relay", 10, [Measured(rate, 2.0, 20.0) for rate in (3e5, 1e5, 2e5)]),
        throughput.Figures("smsgate", 10, [Measured(1e5, 5.0, 40.0)]),
        throughput.Figures("smsgate, TLS", 10, [Measured(8e4, 6.0, 41.0)]),
    ]
    texts = [FilterFigures("clean, GSM-7", 3.0, 6.0, 1.5, 2.0)]
    path = report.write(
        report.Report(
            title="Load tests",
            command="python -m load_tests",
            about="",
            sections=[throughput.proxy_section(proxies), throughput.text_section(texts)],
            figures={"proxies": 1},
            settings={"rounds": 3},
            facts=FACTS,
        ),
        tmp_path / "results",
    )
    assert path.name == "2026-11-22-abc1234.md"
    lines = path.read_text().splitlines()
    assert "| no proxy | 10 | 900.0 (900.0 to 900.0) | 4.50 | 9.00 |  |  |  |  |" in lines
    assert (
        "| bare relay | 10 | 200.0 (100.0 to 300.0) | 1.00 | 2.00 | 2.00 (2.00 to 2.00) | 1.00 | 0.40 | 20 |" in lines
    )
    assert "| smsgate | 10 | 100.0 (100.0 to 100.0) | 0.50 | 1.00 | 5.00 (5.00 to 5.00) | 2.50 | 1.00 | 40 |" in lines
    assert "| smsgate, TLS | 10 | 80.0 (80.0 to 80.0) | 0.40 | 0.80 | 6.00 (6.00 to 6.00) | 3.00 | 1.20 | 41 |" in lines
    assert "| clean, GSM-7 | 3.00 | 6.00 | 2.0 | 4.0 | 1.50 | 2.00 |" in lines
    assert json.loads(path.with_suffix(".json").read_text()) == {
        "settings": {"rounds": 3},
        "proxies": 1,
        "facts": FACTS,
    }


def test_a_verdict_stands_above_the_tables_and_in_the_figures(tmp_path: Path) -> None:
    made = report.Report(
        name="soak",
        title="Soak",
        command="python -m load_tests soak",
        about="",
        verdict=report.Verdict(False, "it grew."),
        sections=[],
        figures={},
        settings={},
        facts=FACTS,
    )
    path = report.write(made, tmp_path)
    assert path.name == "2026-11-22-abc1234-soak.md"
    assert "**DOES NOT HOLD: it grew.**" in path.read_text().splitlines()
    assert json.loads(path.with_suffix(".json").read_text())["verdict"] == {"holds": False, "sentence": "it grew."}


@pytest.mark.parametrize(("beside_ms", "holds"), [(9.0, True), (12.0, False)])
def test_added_latency_is_counted_against_no_gate_and_no_floods(beside_ms: float, holds: bool) -> None:
    found = {
        case: [fairness.Figures(case, ms, ms, ms, 1.0, 1.0)]
        for case, ms in {
            "no gate, alone": 0.5,
            "smsgate, alone": 1.0,
            "no gate, beside the floods": 5.0,
            "smsgate, beside the floods": beside_ms,
        }.items()
    }
    verdict = fairness.verdict(found)
    assert verdict.holds is holds
    assert f"add {beside_ms - 0.5:.2f} ms" in verdict.sentence


@pytest.mark.parametrize(
    ("memory", "neighbour", "holds"),
    [
        pytest.param([50, 51, 52], [0, 10, 20], True, id="flat, and the neighbour is served"),
        pytest.param([50, 55, 52], [0, 10, 20], False, id="memory grows"),
        pytest.param([50, 51, 52], [0, 10, 10], False, id="the neighbour starves"),
    ],
)
def test_a_flood_may_neither_grow_nor_starve_others(memory: list[float], neighbour: list[int], holds: bool) -> None:
    samples = [flood.Sample(float(n), memory[n], 5.0, neighbour[n]) for n in range(3)]
    assert flood.verdict(samples).holds is holds


@pytest.mark.parametrize(("last_mb", "holds"), [(73.9, True), (74.1, False)])
def test_a_soak_compares_the_end_with_the_time_after_the_warm_up(last_mb: float, holds: bool) -> None:
    samples = [soak.Sample(n * 100, n, n, 20.0 if n < 2 else 70.0 if n < 8 else last_mb) for n in range(11)]
    assert soak.verdict(samples).holds is holds


def test_the_messages_of_a_soak_are_clean_blocked_and_linked(corpus: Corpus, tmp_path: Path) -> None:
    messages = soak.soak_messages(corpus, 400)
    assert len(messages) == 400
    assert sum(message.refused for message in messages) == 4
    corpus.write_pack(tmp_path)
    (tmp_path / "limits.yaml").write_text(soak.LIMITS_PACK)
    rules = load_rules([tmp_path])
    for message in messages:
        assert rules.check_text(message.text).refused is message.refused, message.text


def test_the_list_is_the_same_in_a_table_and_in_sets(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "DOMAINS", 20_000)
    monkeypatch.setattr(lists, "LOOK_UPS", 1_000)
    monkeypatch.setenv("XDG_CACHE_HOME", "")  # set by the test, put back behind it
    result = lists.run(argparse.Namespace(rounds=1), corpus, Console(quiet=True))
    assert {name: len(measured) for name, measured in result.figures["memory"].items()} == {
        "without a list": 2,
        "with the table": 2,
        "with a set each": 2,
    }
    assert result.name == "lists"
