"""Facts beside the text: to whom, in how many parts, in which alphabets, at what hour."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import ge, lt
from zoneinfo import ZoneInfo

import pytest

from smsgate.rules.envelope import Envelope

PARIS, NEPAL = ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Kathmandu")


def test_an_envelope_of_which_nothing_is_asked_has_no_facts() -> None:
    envelope = Envelope()
    assert not envelope.asked
    assert envelope.facts(["33639980001"], [4], ["gsm7"]) | envelope.hours_at(0.0) | envelope.hours(3) == 0


def test_some_destination_or_some_count_is_enough() -> None:
    envelope = Envelope([(lambda number: number.startswith("336"), 1)], [(lambda count: count > 3, 2)])
    assert envelope.asked
    assert envelope.bits == 3
    assert envelope.facts() == 0
    assert envelope.facts(["+44 1632 960001", "06 39 98 00 01"]) == 1
    assert envelope.facts([], [2, 4]) == 2


@pytest.mark.parametrize(
    ("found", "bits"),
    [
        (["gsm7"], 1),
        (["gsm7-1-0"], 1),
        (["gsm7-packed"], 1),
        (["ucs2-le", "latin1"], 2),
        (["latin1", "push"], 0),
        ([], 0),
    ],
)
def test_an_alphabet_stands_for_its_varieties(found: list[str], bits: int) -> None:
    assert Envelope(alphabets={"gsm7": 1, "ucs2": 2}).facts(alphabets=found) == bits


def test_each_zone_has_its_hour_in_summer_and_in_winter() -> None:
    late = [(zone, lambda hour: ge(hour, 22), 1 << bit) for bit, zone in enumerate((UTC, PARIS, NEPAL))]
    early = [(zone, lambda hour: lt(hour, 6), 8 << bit) for bit, zone in enumerate((UTC, PARIS, NEPAL))]
    envelope = Envelope(hours=[*late, *early])

    def at(moment: str) -> int:
        return envelope.hours_at(datetime.fromisoformat(f"{moment}Z").timestamp())

    assert at("2026-01-15T20:59:00") == 0b100_000  # 21:59 in Paris, 2:44 in Kathmandu
    assert at("2026-01-15T21:00:00") == 0b100_010
    assert at("2026-07-15T20:00:00") == 0b100_010
    assert at("2026-07-15T16:14:59") == 0
    assert at("2026-07-15T16:15:00") == 0b000_100, "22:00 in Kathmandu"
    assert envelope.hours(23) == 0b000_111
    assert envelope.hours(12) == 0
