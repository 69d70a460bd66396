"""The limits of packs: what is counted by what, in which unit, and who pays for what passes or is refused."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from smsgate import pack_limits
from smsgate.limits.shared import HEADER_OCTETS, SET_OCTETS, SharedTable
from smsgate.pack_limits import MAX_KEYS, MAX_PAUSE_S
from smsgate.policy import Policy
from smsgate.rules.model import Limit, Rule, Unit
from smsgate.rules.verdict import Verdict
from smsgate.settings import ClientMode, ClientSettings
from tests import pdus
from tests.packs import Action, LimitKey, Mode, limit, rule, rule_set

NOW = 1000.0
HOUR_S = 3600.0
CLIENT, SENDER, HOST, TEMPLATE = LimitKey.CLIENT, LimitKey.SENDER, LimitKey.LINK_HOST, LimitKey.TEMPLATE
DESTINATION, PREFIX, PHONE = LimitKey.DESTINATION, LimitKey.DESTINATION_PREFIX, LimitKey.PHONE


class Gate:
    """A policy with a clock at rest."""

    def __init__(self, *entries: Rule | Limit, shared: SharedTable | None = None, **clients: ClientSettings) -> None:
        self.policy = Policy(rule_set(*entries, sets={"bad": ["mauvais"]}), clients, shared=shared)
        self.now = NOW

    def pdu(self, pdu: bytes, client: str = "bank1") -> Verdict:
        command = int.from_bytes(pdu[4:8], "big")
        return self.policy.decide_pdu(command, pdu, 0, len(pdu), self.policy.client(client), self.now)

    def send(
        self,
        text: str = "Bonjour",
        *,
        client: str = "bank1",
        source: str = "38100",
        destination: str = "0639980001",
        wide: bool = False,
    ) -> Verdict:
        body = text.encode("utf-16-be" if wide else "latin-1")
        fields = {"source": source.encode(), "destination": destination.encode()}
        coding = 8 if wide else 0
        if len(body) > 140:
            return self.pdu(pdus.submit_sm(payloads=[body], data_coding=coding, **fields), client)  # type: ignore[arg-type]
        return self.pdu(pdus.submit_sm(body, data_coding=coding, **fields), client)  # type: ignore[arg-type]

    def statuses(self, *fields: dict[str, str]) -> list[int]:
        return [self.send(**each).status for each in fields]  # type: ignore[arg-type]


def texts(*found: str) -> list[dict[str, str]]:
    return [{"text": text} for text in found]


# keys


@pytest.mark.parametrize(
    ("per", "same", "others"),
    [
        (
            PHONE,
            texts("appelez le 01 99 00 12 34", "Rappel au +33199001234"),
            texts("appelez le 01 99 00 12 35", "rien"),
        ),
        (
            TEMPLATE,
            texts("Marie, votre colis 12 est la", "Paul, votre colis 13 est la"),
            texts("Votre colis 12 n'est pas la", "ok"),
        ),
        (
            PREFIX,
            [{"destination": "+33639981111"}, {"destination": "0033639982222"}],
            [{"destination": "33640000000"}],
        ),
        (SENDER, [{"source": " Bank"}, {"source": "BANK", "client": "other2"}], [{"source": "Bank2"}]),
        (DESTINATION, [{"destination": "+33639980001"}, {"destination": "0033639980001"}], [{"destination": "1"}]),
        ((CLIENT, SENDER), [{}, {}], [{"client": "other2"}, {"source": "x"}]),
        ((HOST, SENDER), texts("evil.com", "evil.com/x"), [{"text": "evil.com", "source": "x"}, {"text": "b.com"}]),
    ],
)
def test_each_key_has_its_own_room(
    per: LimitKey | tuple[LimitKey, ...], same: list[dict[str, str]], others: list[dict[str, str]]
) -> None:
    if per is TEMPLATE:
        same = [{"text": f"Bonjour {each['text']}"} for each in same]
    digits = 7 if per is PREFIX else 0
    gate = Gate(limit(per, 2, prefix_digits=digits))
    assert gate.statuses(*same, same[0], *others, same[1]) == [0, 0, 0x64, *[0] * len(others), 0x64]


def test_a_combination_needs_each_of_its_keys() -> None:
    gate = Gate(limit((CLIENT, HOST), 1))
    assert gate.statuses({}, {}, {"text": "a.com"}, {"text": "a.com b.com"}, {"text": "b.com"}) == [0, 0, 0, 0x64, 0]


def test_several_destinations_with_one_prefix_count_each() -> None:
    gate = Gate(limit(PREFIX, 3, prefix_digits=3))
    assert gate.pdu(pdus.submit_multi(b"x", destinations=[b"0631", b"0632", b"0633", b"0711"])).status == 0
    assert gate.statuses({"destination": "0635"}, {"destination": "0715"}) == [0x64, 0]


def test_the_keys_of_one_message_are_bounded() -> None:
    both, shared = limit((DESTINATION, HOST), 1), SharedTable.new(bytearray(HEADER_OCTETS + 4096 * SET_OCTETS), 5)
    gate = Gate(both, shared=shared)
    hosts = " ".join(f"h{number}.com" for number in range(16))
    numbers = [b"06%08d" % number for number in range(200)]
    assert gate.pdu(pdus.submit_multi(payloads=[hosts.encode()], destinations=numbers)).status == 0
    known = shared.of(both.identity)
    keys = [f"{number.decode()}\0h{host}.com" for number in numbers for host in range(16)]
    assert sum(known.get(key) > 0 for key in keys) == MAX_KEYS


def test_no_more_keys_are_made_than_are_asked() -> None:
    gate = Gate(limit((DESTINATION, HOST, PHONE), 1))
    hosts = " ".join(f"h{number}.com" for number in range(16))
    phones = " ".join(f"06 39 98 00 {number:02}" for number in range(16))
    pdu = pdus.submit_multi(payloads=[f"{hosts} {phones}".encode()], destinations=[b"06%08d" % n for n in range(200)])
    tracemalloc.start()
    try:
        assert gate.pdu(pdu).status == 0
        assert tracemalloc.get_traced_memory()[1] < 3_000_000, "51,200 keys would take 10"
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("destinations", [[b"0639980001"], [b"0639980001", b"0639980002"]])
def test_more_keys_than_there_may_be_do_not_hide_a_message(
    destinations: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_limits, "MAX_KEYS", 4)
    both, shared = limit((DESTINATION, PHONE), 1), SharedTable.new(bytearray(HEADER_OCTETS + 64 * SET_OCTETS), 5)
    phones = [f"33199000{number:03}" for number in range(8)]
    pdu = pdus.submit_multi(payloads=[" ".join(phones).encode()], destinations=destinations)
    assert Gate(both, shared=shared).pdu(pdu).status == 0
    known = shared.of(both.identity)
    keys = [f"{number.decode().removeprefix('00')}\0{phone}" for number in destinations for phone in phones]
    assert sum(known.get(key) > 0 for key in keys) == 4


# units and bursts


def test_a_long_text_in_one_pdu_counts_as_its_segments() -> None:
    gate = Gate(limit(CLIENT, 4, unit=Unit.SEGMENTS))
    assert [gate.send("x" * 160).status, gate.send("x" * 459).status, gate.send().status] == [0, 0, 0x64]
    wide = Gate(limit(CLIENT, 3, unit=Unit.SEGMENTS))
    assert [wide.send("é" * 134, wide=True).status, wide.send().status, wide.send().status] == [0, 0, 0x64]
    messages = Gate(limit(CLIENT, 4))
    assert [messages.send("x" * 459).status for _ in range(5)] == [0, 0, 0, 0, 0x64]


def test_a_burst_of_its_own() -> None:
    gate = Gate(limit(CLIENT, 60, 60.0, burst=2))
    assert gate.statuses({}, {}, {}) == [0, 0, 0x64]
    gate.now += 1.0
    assert gate.statuses({}, {}) == [0, 0x64]


@pytest.mark.parametrize("fields", [{"action": Action.FLAG}, {"mode": Mode.MONITOR}])
def test_what_passes_over_a_limit_is_not_debited_there(fields: dict[str, Any]) -> None:
    gate = Gate(limit(CLIENT, 1, **fields), limit(SENDER, 9, name="L-2"))
    over = [len(verdict.rules + verdict.monitored) for verdict in [gate.send() for _ in range(5)]]
    gate.now += 60.0
    assert (over, gate.send().rules) == ([0, 1, 1, 1, 1], ())
    for _ in range(9):
        verdict = gate.send()
    assert "L-2" in [entry.id for entry in verdict.rules], "other limits are debited all the same"


def rotating(count: int, **fields: str) -> list[dict[str, str]]:
    return [{"source": f"336399800{number:02}", "text": "voir evil.com"} | fields for number in range(count)]


@pytest.mark.parametrize("per", [HOST, TEMPLATE, (CLIENT, HOST)])
def test_rotation_of_senders_is_seen_and_one_busy_sender_is_not(per: LimitKey | tuple[LimitKey, ...]) -> None:
    gate = Gate(limit(per, 20, 600.0, unit=Unit.SENDERS, action=Action.BLOCK))
    text = "Votre dossier est en attente, voir evil.com"
    assert gate.statuses(*[{"text": text}] * 100) == [0] * 100
    assert gate.statuses(*rotating(19, text=text)) == [0] * 19
    assert gate.statuses(*rotating(30, text=text)[19:]) == [0x66] * 11
    assert gate.statuses({"text": text}, {"text": "rien"}, {"text": "voir autre.com"}) == [0x66, 0, 0]


def test_rotation_is_over_a_while_after_it_has_ended() -> None:
    gate = Gate(limit(HOST, 20, 600.0, unit=Unit.SENDERS))
    gate.statuses(*rotating(90))
    gate.now += 599.0
    assert gate.send("voir evil.com", source="x").status == 0x64
    gate.now += 120.0
    assert gate.send("voir evil.com", source="x").status == 0


def test_what_rules_refuse_is_counted_by_no_limit_and_what_limits_refuse_by_those_on_distinct_values() -> None:
    gate = Gate(rule("bad"), limit(HOST, 1, unit=Unit.SENDERS), limit(CLIENT, 1, HOUR_S, name="L-2"))
    gate.statuses(*rotating(9, text="mauvais evil.com"))
    assert gate.statuses(*rotating(1)) == [0]
    said = [gate.send(**each) for each in rotating(3)]  # type: ignore[arg-type]
    assert [[entry.id for entry in verdict.rules] for verdict in said] == [["L-2"], ["L-1", "L-2"], ["L-1", "L-2"]]


def test_distinct_recipients() -> None:
    gate = Gate(limit(SENDER, 2, unit=Unit.RECIPIENTS))
    assert gate.statuses(*[{"destination": "1"}] * 5, {"destination": "2"}, {"destination": "3"}) == [0] * 6 + [0x64]
    several = pdus.submit_multi(b"x", source=b"other", destinations=[b"1", b"2", b"3"])
    assert gate.pdu(several).status == 0x64


def test_a_later_part_passes_the_limit_on_distinct_values_that_admitted_its_message() -> None:
    gate = Gate(limit(SENDER, 2, HOUR_S, unit=Unit.RECIPIENTS))

    def part(number: int) -> int:
        return gate.pdu(pdus.submit_sm(bytes([5, 0, 3, 7, 2, number]) + b"Bonjour", esm_class=pdus.UDHI)).status

    sender = pdus.SOURCE.decode()
    assert part(1) == 0
    assert gate.statuses(*[{"source": sender, "destination": each} for each in ("1", "2")]) == [0, 0x64]
    assert part(2) == 0


# across clients, rule sets and processes


def octets() -> bytearray:
    return bytearray(HEADER_OCTETS + 64 * SET_OCTETS)


def test_keys_across_clients_lie_in_the_shared_table_and_those_within_a_client_do_not() -> None:
    memory = octets()
    across, within = limit(DESTINATION, 1, HOUR_S), limit((CLIENT, SENDER), 1, HOUR_S, name="L-2")
    one = Gate(across, within, shared=SharedTable.new(memory, 5))
    two = Gate(across, within, shared=SharedTable(memory, 1))
    assert one.send().status == 0
    assert [entry.id for entry in two.send(client="bank2").rules] == ["L-1"]
    assert two.send(destination="2").status == 0, "another process knows nothing of this client"


def test_a_limit_within_a_client_goes_on_in_new_rules_if_it_is_the_same() -> None:
    within = limit(CLIENT, 1, HOUR_S, name="L-2")
    gate = Gate(within)
    assert gate.send().status == 0
    gate.policy.use(rule_set(limit(DESTINATION, 9), within))
    assert gate.send().status == 0x64
    gate.policy.use(rule_set())
    gate.policy.use(rule_set(within))
    assert gate.send().status == 0


def test_a_limit_across_clients_goes_on_in_new_rules_if_it_is_the_same() -> None:
    gate = Gate(limit(DESTINATION, 1, HOUR_S))
    assert gate.send().status == 0
    gate.policy.use(rule_set(limit(CLIENT, 100, name="L-0"), limit(DESTINATION, 1, HOUR_S, action=Action.BLOCK)))
    assert gate.send().status == 0x66
    gate.policy.use(rule_set(limit(DESTINATION, 2, HOUR_S)))
    assert gate.statuses({}, {}, {}) == [0, 0, 0x64]


def test_what_is_forgotten_for_want_of_room_is_counted_through_reloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_limits, "MAX_LOCAL_KEYS", 250)
    within = limit((CLIENT, DESTINATION), 1, HOUR_S, name="L-2")
    gate = Gate(limit(DESTINATION, 1, HOUR_S), within, shared=SharedTable.new(octets(), 5))
    gate.statuses(*[{"destination": str(number)} for number in range(300)])
    gone = gate.policy.limits.evicted
    assert gone >= 300 - 256 + 300 - 250
    gate.policy.use(rule_set())
    assert gate.policy.limits.evicted == gone


# shape

SHAPE = limit(CLIENT, 10, 1.0, burst=1, condition="client in [bank1]", action=Action.SHAPE)


def test_a_shaped_message_passes_and_says_how_long_to_wait() -> None:
    gate = Gate(SHAPE)
    said = [gate.send() for _ in range(3)]
    assert [(verdict.action, verdict.status) for verdict in said[1:]] == [(Action.SHAPE, 0)] * 2
    assert [verdict.pause_s for verdict in said] == [0.0, pytest.approx(0.1, abs=1e-3), pytest.approx(0.2, abs=1e-3)]
    gate.now += 0.3
    assert gate.send().pause_s == 0.0
    assert gate.send(client="bank2").pause_s == 0.0


def test_a_pause_has_an_end_and_so_has_what_it_makes_up_for() -> None:
    gate = Gate(SHAPE)
    assert max(gate.send().pause_s for _ in range(500)) == pytest.approx(MAX_PAUSE_S, abs=0.11)
    gate.now += 1.2
    assert gate.send().pause_s == 0.0


@pytest.mark.parametrize(("count", "window_s"), [(1, 1.0), (100, 60.0), (10, 1.0), (500, 1.0)])
def test_a_sender_that_waits_whenever_it_must_is_no_faster_than_the_limit(count: int, window_s: float) -> None:
    gate = Gate(limit(CLIENT, count, window_s, burst=1, condition="client in [bank1]", action=Action.SHAPE))
    for _ in range(100):
        gate.now += gate.send().pause_s
    assert gate.now - NOW == pytest.approx(99 * window_s / count, rel=0.05)


def test_what_another_limit_refuses_or_nobody_enforces_causes_no_pause() -> None:
    gate = Gate(SHAPE, limit(CLIENT, 1, HOUR_S, name="L-2"))
    assert gate.send().status == 0
    assert [gate.send().status for _ in range(3)] == [0x64] * 3
    gate.now += 0.1
    assert gate.send().rules[0].id == "L-2", "nor were those debited"
    assert len(gate.send().rules) == 1
    monitored = Gate(limit(CLIENT, 10, 1.0, burst=1, action=Action.SHAPE, mode=Mode.MONITOR))
    assert [(each.pause_s, len(each.monitored)) for each in [monitored.send() for _ in range(3)]] == [
        (0.0, 0),
        (0.0, 1),
        (0.0, 1),
    ]
    client = Gate(SHAPE, bank1=ClientSettings(mode=ClientMode.MONITOR))
    assert [(each.pause_s, len(each.monitored)) for each in [client.send() for _ in range(2)]] == [(0.0, 0), (0.0, 1)]
    flagged = Gate(SHAPE, rule("bad", Action.FLAG))
    said = [flagged.send("mauvais") for _ in range(2)][1]
    assert (said.action, [entry.id for entry in said.rules]) == (Action.FLAG, ["R-1", "L-1"])
    assert said.pause_s > 0.0


def test_a_message_of_several_units_needs_room_for_all_of_them() -> None:
    gate = Gate(limit(per=CLIENT, unit=Unit.SEGMENTS, count=5))
    three, two = ({"text": "a" * length} for length in (400, 200))
    assert [status > 0 for status in gate.statuses(three, three, two, {})] == [False, True, False, True]
