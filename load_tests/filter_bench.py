"""The filter alone: what judging one submit_sm costs, in microseconds and in bare automaton passes.

The entry is the relay's own, `Policy.decide_pdu`: octets of a PDU in, a verdict out, with a rate for the client. The unit
is one pass of a plain pyahocorasick automaton with the same keywords over the same texts, already folded. Every call
is timed by itself; p50 and p99 are over all calls.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

import ahocorasick

from load_tests import corpus as texts
from load_tests.harness import CLIENTS, submit_sm
from smsgate.config.rules import load_rules
from smsgate.policy import Policy
from smsgate.settings import ClientSettings
from smsgate.smpp.constants import ESM_CLASS_UDHI, Command
from smsgate.text.normalize import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MESSAGES: Final = 2_000
ROUNDS: Final = 5
SEGMENTS: Final = 3
PASS_ROUNDS: Final = 15
NOW_S: Final = 1_000.0
"""Time is an argument of the filter, and no rate is reached here."""


@dataclass(frozen=True, slots=True)
class FilterFigures:
    """One kind of text: what judging a message costs, and what a bare pass over it costs on average.

    `pass_us` is over the words as the filter looks for them, with a blank at both ends; `plain_pass_us` without the
    blanks, when hits inside words count too.
    """

    texts: str
    p50_us: float
    p99_us: float
    pass_us: float
    plain_pass_us: float


def _times_ns(call: Callable[[bytes], object], inputs: Sequence[bytes]) -> list[int]:
    times = []
    for each in inputs:
        started = perf_counter_ns()
        call(each)
        times.append(perf_counter_ns() - started)
    return times


def _percentiles_us(call: Callable[[bytes], object], inputs: Sequence[bytes]) -> tuple[float, float]:
    """p50 and p99 of one call's time, less that of timing a call which does nothing."""
    timer_ns = median(_times_ns(lambda _: None, inputs))
    cuts = quantiles(_times_ns(call, inputs), n=100)
    return (cuts[49] - timer_ns) / 1e3, (cuts[98] - timer_ns) / 1e3


def _pass_us(words: Any, folded: Sequence[str]) -> float:
    """The average time of one pass over one text: the median of some rounds over all texts."""
    rounds = []
    for _ in range(PASS_ROUNDS):
        started = perf_counter_ns()
        for text in folded:
            for _ in words.iter(text):
                pass
        rounds.append(perf_counter_ns() - started)
    return median(rounds) / len(folded) / 1e3


def _automaton(words: Iterable[str]) -> Any:
    automaton = ahocorasick.Automaton()
    for word in words:
        automaton.add_word(word, 1)
    automaton.make_automaton()
    return automaton


def measure(corpus: texts.Corpus) -> list[FilterFigures]:
    """Time the filter on each kind of text."""
    with tempfile.TemporaryDirectory() as directory:
        corpus.write_pack(Path(directory))
        rules = load_rules([Path(directory)])
    client_id = CLIENTS[0]
    policy = Policy(rules, {client_id: ClientSettings(rate_per_s=1e6, burst=1_000_000)})
    client = policy.client(client_id)
    names = [name for brand in texts.BRANDS.values() for name in brand[0]]
    folded_words = [fold(word) for word in (*corpus.keywords, *texts.EVERYDAY, *names)]
    words, plain_words = _automaton(folded_words), _automaton(word.strip() for word in folded_words)

    def judge(pdu: bytes) -> object:
        return policy.decide_pdu(Command.SUBMIT_SM.value, pdu, 0, len(pdu), client, NOW_S)

    clean = corpus.texts(texts.GENUINE, MESSAGES)
    latin_1, utf_8 = partial(str.encode, encoding="latin-1"), partial(str.encode, encoding="utf-8")
    ucs2 = partial(str.encode, encoding="utf-16-be")
    figures = []
    for name, sample, rounds, data_coding, encode in (
        ("as in traffic, GSM-7", [message.text for message in corpus.messages(MESSAGES)], ROUNDS, 0, texts.gsm7),
        ("clean, GSM-7", clean, ROUNDS, 0, texts.gsm7),
        ("with a link, GSM-7, host new", corpus.texts_with_new_hosts(MESSAGES * ROUNDS), 1, 0, texts.gsm7),
        (
            "with a link, GSM-7, host seen before",
            corpus.texts(texts.GENUINE_WITH_LINK, MESSAGES),
            ROUNDS,
            0,
            texts.gsm7,
        ),
        ("clean, Latin-1", clean, ROUNDS, 3, latin_1),
        ("clean, Latin-1 said to be GSM-7", clean, ROUNDS, 0, latin_1),
        ("clean, UTF-8 said to be GSM-7", clean, ROUNDS, 0, utf_8),
        ("clean, UCS-2", corpus.texts(texts.GENUINE_UCS2, MESSAGES), ROUNDS, 8, ucs2),
        ("clean, Latin-1 said to be binary", clean, ROUNDS, 4, latin_1),
    ):
        pdus = [submit_sm(number, encode(text), data_coding) for number, text in enumerate(sample)]
        if rounds > 1:  # warm: every host and letter has been met
            for pdu in pdus:
                judge(pdu)
        p50, p99 = _percentiles_us(judge, pdus * rounds)
        folded = [fold(text) for text in sample]
        figures.append(FilterFigures(name, p50, p99, _pass_us(words, folded), _pass_us(plain_words, folded)))
    for name, templates in (
        ("part of three, GSM-7", texts.GENUINE),
        ("part of three, one link, GSM-7", texts.GENUINE_WITH_LINK),
    ):
        sample = [
            part
            for head, tail in zip(corpus.texts(texts.GENUINE, MESSAGES), corpus.texts(templates, MESSAGES), strict=True)
            for part in _in_three(f"{head} {tail}")
        ]
        pdus = [_segment(place, gsm7) for place, gsm7 in enumerate(map(texts.gsm7, sample))]
        p50, p99 = _percentiles_us(judge, pdus * ROUNDS)
        folded = [fold(text) for text in sample]
        figures.append(FilterFigures(name, p50, p99, _pass_us(words, folded), _pass_us(plain_words, folded)))
    return figures


def _in_three(text: str) -> list[str]:
    """A text of some 200 characters cut as if segments held a third of it."""
    size = -(-len(text) // SEGMENTS)
    return [text[start : start + size] for start in range(0, len(text), size)]


def _segment(place: int, text: bytes) -> bytes:
    """The submit_sm of the part at `place` in a run of messages of three parts each."""
    message, part = divmod(place, SEGMENTS)
    return submit_sm(message, bytes((5, 0, 3, message & 0xFF, SEGMENTS, part + 1)) + text, esm_class=ESM_CLASS_UDHI)
