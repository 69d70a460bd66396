"""Which hosts and templates are counted while somebody looks, and that nothing is when nobody does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.policy import Policy
from smsgate.telemetry import onlooker
from smsgate.telemetry.digests import Digests
from smsgate.telemetry.onlooker import LOOK_S, MAX_COUNTED, MAX_SHOWN, WINDOW_S, Heaviest, Onlooker, together
from smsgate.text.fingerprint import template
from smsgate.text.reading import Reading
from tests.gates import SCAM, rule_set

DIGESTS = Digests(b"a key")
OFFICIAL = "Votre compte est sur https://www.moncompteformation.gouv.fr"
CLEAN = "Photos de la fete : https://a.example.com/9 et https://b.example.com/9"


class Looked:
    """A policy with somebody who looks, and a clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.policy = Policy(rule_set())
        self.client = self.policy.client("bank1")
        self.onlooker = Onlooker(self.policy, DIGESTS)

    def send(self, *texts: str) -> None:
        for text in texts:
            self.policy.decide([Reading.of_text(text)], "38100", [b"33639980001"], self.client, self.now)

    def hosts(self) -> list[list[object]]:
        return [list(row) for row in self.onlooker.look(self.now)["hosts"]]


def test_nothing_is_counted_before_somebody_looks_and_when_nobody_does_any_more() -> None:
    one = Looked()
    one.send(SCAM)
    assert one.hosts() == []
    one.send(SCAM)
    assert one.hosts() == [["cpf-droits.example", "block", 1]]
    one.now += LOOK_S + 1
    one.send(SCAM)
    assert one.policy.onlooker is None
    assert one.hosts() == []


def test_foreign_hosts_count_once_a_message_by_registrable_domain_with_what_the_rules_say() -> None:
    one = Looked()
    one.hosts()
    one.send(SCAM, CLEAN, CLEAN, OFFICIAL, "Bonjour")
    assert one.hosts() == [["example.com", "allow", 2], ["cpf-droits.example", "block", 1]]


def test_templates_are_digests_and_of_messages_that_a_rule_hit_only() -> None:
    one = Looked()
    one.hosts()
    one.send(SCAM, SCAM.replace("/x", "/y"), CLEAN)
    (row,) = one.onlooker.look(one.now)["templates"]
    assert row == [DIGESTS.template(template(Reading.of_text(SCAM).plain())), "block", 2]


def test_a_part_of_a_long_message_counts_too() -> None:
    one = Looked()
    one.hosts()
    part = b"\x05\x00\x03\x07\x02\x01" + SCAM.encode()
    body = b"\0\5\0" + b"38100" + b"\0\1\x0133639980001\0\x40\0\0\0\0\0\0\0\0\0" + bytes([len(part)]) + part
    pdu = (16 + len(body)).to_bytes(4, "big") + b"\0\0\0\4" + b"\0" * 8 + body
    one.policy.decide_pdu(4, pdu, 0, len(pdu), one.client, one.now)
    assert [row[0] for row in one.hosts()] == ["cpf-droits.example"]


def test_what_is_shown_is_of_the_last_one_to_two_windows() -> None:
    one = Looked()
    one.hosts()
    one.send(SCAM)
    one.now += WINDOW_S
    assert one.onlooker.look(one.now)["seconds"] == WINDOW_S
    assert one.hosts()[0][2] == 1
    one.send(SCAM)
    one.now += WINDOW_S - 0.1
    one.send(SCAM)
    assert one.hosts()[0][2] == 3
    assert one.onlooker.look(one.now)["seconds"] == pytest.approx(2 * WINDOW_S - 0.1)
    one.now += 0.2
    assert one.hosts()[0][2] == 2
    one.now += 2 * WINDOW_S
    assert one.hosts() == []


def test_a_flood_of_hosts_takes_no_more_room_and_does_not_hide_the_heavy_one() -> None:
    one = Looked()
    one.hosts()
    for number in range(3 * MAX_COUNTED):
        one.send(f"voir https://h{number}.example/x")
        if number % 100 == 0:
            one.send(*[CLEAN] * 3)
    rows = one.hosts()
    assert len(one.onlooker._current[0].counts) <= MAX_COUNTED
    assert rows[0][0] == "example.com"
    assert len(rows) <= MAX_SHOWN


@given(st.lists(st.integers(0, 30), max_size=200))
def test_counts_are_never_too_large_and_too_small_by_their_share_at_most(stream: list[int]) -> None:
    onlooker.MAX_COUNTED, before = 10, onlooker.MAX_COUNTED  # type: ignore[misc]
    try:
        heaviest = Heaviest()
        for value in stream:
            heaviest.add((str(value), ""))
    finally:
        onlooker.MAX_COUNTED = before  # type: ignore[misc]
    assert len(heaviest.counts) <= 10
    for value in set(stream):
        counted = heaviest.counts[str(value), ""]
        assert stream.count(value) - len(stream) / 11 <= counted <= stream.count(value)


def test_what_several_processes_saw_is_added_up() -> None:
    one = {"seconds": 3.0, "hosts": [["a", "allow", 2], ["b", "block", 9]], "templates": []}
    two = {"seconds": 5.0, "hosts": [["a", "allow", 4]], "templates": [["t", "block", 1]]}
    assert together([one, two]) == {
        "seconds": 5.0,
        "hosts": [["b", "block", 9], ["a", "allow", 6]],
        "templates": [["t", "block", 1]],
    }
    assert together([])["hosts"] == []
