"""The seam of PDU, readings, rules and limits: who is answered what, and what is debited for it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import smsgate.policy
from smsgate.policy import Client, Policy
from smsgate.rules.model import Brand, Limit, ReservedSender, Rule, SenderIds, Unit
from smsgate.rules.verdict import PASS, Verdict
from smsgate.settings import ClientMode, ClientSettings, Statuses
from smsgate.smpp.pdu import TEXT_BEARING, text_view
from smsgate.smpp.readings import readings
from tests import pdus
from tests.packs import Action, LimitKey, Mode, limit, rule, rule_set

SETS = {"bad": ["mauvais"], "slow": ["lent"], "odd": ["bizarre"], "good": ["client fidele"]}
RESERVED = SenderIds((), (ReservedSender("Banque", ("bank1",)),))
NOW = 1000.0


class Gate:
    """A policy with one client and a clock at rest."""

    def __init__(
        self, *entries: Rule | Limit | Brand, rate: float | None = None, burst: int = 1, **fields: Any
    ) -> None:
        clients = {"bank1": ClientSettings(rate, burst)} if rate else {}
        self.policy = Policy(rule_set(*entries, sets=SETS, **fields), clients)
        self.client = self.policy.client("bank1")
        self.now = NOW

    def pdu(self, pdu: bytes, client: Client | None = None) -> Verdict:
        command = int.from_bytes(pdu[4:8], "big")
        return self.policy.decide_pdu(command, b"xx" + pdu, 2, 2 + len(pdu), client or self.client, self.now)

    def send(self, text: str = "Bonjour", **fields: bytes) -> Verdict:
        return self.pdu(pdus.submit_sm(text.encode("latin-1"), data_coding=3, **fields))  # type: ignore[arg-type]

    def statuses(self, count: int, text: str = "Bonjour", **fields: bytes) -> list[int]:
        return [self.send(text, **fields).status for _ in range(count)]


def test_a_client_over_its_rate_is_told_0x58() -> None:
    gate = Gate(rate=1.0, burst=3)
    assert gate.statuses(5) == [0, 0, 0, 0x58, 0x58]
    gate.now += 2.0
    assert gate.statuses(3) == [0, 0, 0x58]


def test_clients_that_are_not_configured_share_settings_but_not_a_balance() -> None:
    policy = Policy(rule_set(), {"other": ClientSettings(1.0, 1), "bank1": ClientSettings()})
    one, two, bank = policy.client("one"), policy.client("two"), policy.client("bank1")
    assert (one.label, two.label, bank.label) == ("other", "other", "bank1")
    decided = [policy.decide((), "", (), client, NOW).status for client in (one, two, one, two, bank, bank)]
    assert decided == [0, 0, 0x58, 0x58, 0, 0]


def test_sessions_of_a_client_share_its_rate() -> None:
    policy = Policy(rule_set(), {"bank1": ClientSettings(1.0, 2)})
    decided = [policy.decide((), "", (), policy.client("bank1"), NOW).status for _ in range(3)]
    assert decided == [0, 0, 0x58]


def test_of_too_many_clients_the_one_that_came_first_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smsgate.policy, "MAX_CLIENTS", 2)
    policy = Policy(rule_set(), {"other": ClientSettings(1.0, 1)})

    def status(name: str) -> int:
        return policy.decide((), "", (), policy.client(name), NOW).status

    assert [status(name) for name in ("one", "two", "one", "two", "three")] == [0, 0, 0x58, 0x58, 0]
    assert [status(name) for name in ("two", "one")] == [0x58, 0]


def test_settings_are_told_of_names_that_no_client_has_yet() -> None:
    one, other = ClientSettings(1.0, 1), ClientSettings(2.0, 2)
    policy = Policy(rule_set(), {"one": one, "other": other})
    assert [policy.settings(name) for name in ("one", "two")] == [one, other]
    assert Policy(rule_set()).settings("one") == ClientSettings()


def in_parts(number: int, total: int, text: bytes = b"Bonjour") -> bytes:
    return pdus.submit_sm(bytes([5, 0, 3, 9, total, number]) + text, esm_class=pdus.UDHI)


def test_how_many_parts_a_message_has_is_told_by_each_of_them() -> None:
    gate = Gate(rule("segments >= 3"), rule("segments == 1", Action.FLAG, "R-2"))
    assert [gate.pdu(in_parts(2, total)).refused for total in (2, 3, 4)] == [False, True, True]
    assert [hit.id for hit in gate.send().rules] == ["R-2"]


@pytest.mark.parametrize(
    "condition", ["bad and segments > 2", "bad and not segments <= 2", "bad and segments > 2 and not short_code_sender"]
)
def test_facts_of_the_envelope_are_known_before_all_parts_are(condition: str) -> None:
    gate = Gate(rule(condition))
    assert [gate.pdu(in_parts(1, total, b"un mauvais jour")).refused for total in (2, 3)] == [False, True]


def test_each_destination_of_a_message_is_asked() -> None:
    gate = Gate(rule("destination startswith '+33 6'"))
    assert gate.send(destination=b"33639980001").refused
    assert gate.send(destination=b"0639980001").refused
    assert not gate.send(destination=b"33199001234").refused


@pytest.mark.parametrize(("coding", "body"), [(8, "Bonjour".encode("utf-16-be")), (0, b"Bonjour"), (3, b"Bonjour")])
def test_the_alphabet_is_the_one_that_is_declared_and_what_the_octets_say(coding: int, body: bytes) -> None:
    gate = Gate(rule("alphabet in [ucs2]"), rule("alphabet in [gsm7]", Action.FLAG, "R-2"))
    verdict = gate.pdu(pdus.submit_sm(body, data_coding=coding))
    assert [hit.id for hit in verdict.rules] == {8: ["R-1"], 0: ["R-2"], 3: []}[coding]


def test_the_hour_is_that_of_the_clock_on_the_wall() -> None:
    gate = Gate(rule("hour >= 22 or hour < 6"))
    gate.policy.utc_offset_s = 20 * 3600.0 - NOW
    assert not gate.send().refused
    gate.now += 2 * 3600 - 0.5
    assert not gate.send().refused
    gate.now += 0.5
    assert gate.send().refused
    gate.policy.use(rule_set(rule("hour == 21"), sets=SETS))
    assert not gate.send().refused


def test_of_a_message_in_parts_the_hour_is_that_of_the_part_that_comes() -> None:
    gate = Gate(rule("bad and hour == 12"))
    gate.policy.utc_offset_s = 13 * 3600.0 - 1 - NOW
    assert not gate.pdu(in_parts(1, 3, b"un jour ")).refused
    gate.now += 1
    assert not gate.pdu(in_parts(2, 3, b"un mauvais jour")).refused


def test_a_dropped_message_counts_for_the_rate_as_if_it_had_passed() -> None:
    gate = Gate(rule("bad", Action.DROP), rate=1.0, burst=2)
    assert gate.statuses(3, "mauvais") == [0, 0, 0x58]
    assert gate.statuses(1) == [0x58]


def test_all_binds_of_a_client_share_its_rate() -> None:
    gate = Gate(rate=1.0, burst=2)
    again = gate.policy.client("bank1")
    assert [gate.pdu(pdus.submit_sm(b"x"), client).status for client in (gate.client, again, again)] == [0, 0, 0x58]


@pytest.mark.parametrize(
    ("per", "same", "other"),
    [
        (LimitKey.SENDER, {"source": b"INFO"}, {"source": b"AUTRE"}),
        (LimitKey.DESTINATION, {"destination": b"0639980001"}, {"destination": b"0639980002"}),
        (LimitKey.LINK_HOST, {"text": "voir a.evil.com"}, {"text": "voir a.pay.com"}),
    ],
)
def test_a_limit_counts_by_its_key_and_answers_0x64(
    per: LimitKey, same: dict[str, bytes], other: dict[str, bytes]
) -> None:
    gate = Gate(limit(per, 2, 60.0))
    assert [gate.send(**same).status for _ in range(4)] == [0, 0, 0x64, 0x64]  # type: ignore[arg-type]
    assert gate.send(**other).status == 0  # type: ignore[arg-type]
    gate.now += 30.0
    assert [gate.send(**same).status for _ in range(2)] == [0, 0x64]  # type: ignore[arg-type]


def test_a_limit_per_client() -> None:
    gate = Gate(limit(LimitKey.CLIENT, 2))
    assert gate.statuses(3) == [0, 0, 0x64]
    assert gate.pdu(pdus.submit_sm(b"x"), gate.policy.client("bank2")).status == 0


def test_sub_domains_count_as_one_host_and_several_hosts_each() -> None:
    gate = Gate(limit(LimitKey.LINK_HOST, 2))
    assert [gate.send(f"voir {host}").status for host in ("a.evil.com", "b.evil.com", "c.evil.com")] == [0, 0, 0x64]
    assert gate.send("voir pay.com et pay.com/x").status == 0
    assert gate.send("voir pay.com").status == 0
    assert gate.send("voir un.fr et pay.com").status == 0x64
    assert gate.send("voir un.fr").status == 0, "a refused message debits none of its keys"


def test_a_message_without_a_link_counts_for_no_host() -> None:
    assert Gate(limit(LimitKey.LINK_HOST, 1)).statuses(5) == [0] * 5


def test_a_limit_counts_only_messages_that_meet_its_condition() -> None:
    gate = Gate(limit(LimitKey.SENDER, 1, condition="odd and not link"))
    assert gate.statuses(3) == [0, 0, 0]
    assert gate.statuses(2, "bizarre, voir evil.com") == [0, 0]
    assert gate.statuses(2, "bizarre") == [0, 0x64]


@pytest.mark.parametrize(
    ("action", "mode", "status", "verdict"),
    [
        (Action.THROTTLE, Mode.ENFORCE, 0x64, Action.THROTTLE),
        (Action.BLOCK, Mode.ENFORCE, 0x66, Action.BLOCK),
        (Action.FLAG, Mode.ENFORCE, 0, Action.FLAG),
        (Action.BLOCK, Mode.MONITOR, 0, Action.ALLOW),
    ],
)
def test_what_a_limit_does(action: Action, mode: Mode, status: int, verdict: Action) -> None:
    gate = Gate(limit(LimitKey.SENDER, 1, action=action, mode=mode))
    assert gate.send().rules == ()
    said = gate.send()
    assert (said.action, said.status) == (verdict, status)
    assert [entry.id for entry in (said.monitored if mode is Mode.MONITOR else said.rules)] == ["L-1"]


def test_a_limits_own_status() -> None:
    assert Gate(limit(LimitKey.SENDER, 1, status=0x58)).statuses(2) == [0, 0x58]


def test_block_outranks_throttle_and_debits_nothing() -> None:
    gate = Gate(rule("bad"), limit(LimitKey.SENDER, 2), rate=1.0, burst=2)
    assert gate.statuses(5, "mauvais") == [0x66] * 5
    assert gate.statuses(3) == [0, 0, 0x58]
    assert gate.send("mauvais").status == 0x66


def test_a_throttle_by_a_rule_debits_nothing() -> None:
    gate = Gate(rule("slow", Action.THROTTLE), limit(LimitKey.SENDER, 1), rate=1.0, burst=1)
    assert gate.statuses(3, "lent") == [0x64] * 3
    assert gate.statuses(2) == [0, 0x58]


def test_a_limit_that_blocks_outranks_a_rule_that_throttles() -> None:
    gate = Gate(rule("slow", Action.THROTTLE), limit(LimitKey.SENDER, 1, action=Action.BLOCK))
    assert gate.statuses(2, "Bonjour") == [0, 0x66]
    said = gate.send("lent")
    assert (said.status, [entry.id for entry in said.rules]) == (0x66, ["L-1", "R-1"])


def test_a_refusal_by_a_limit_debits_neither_the_rate_nor_other_limits() -> None:
    gate = Gate(limit(LimitKey.DESTINATION, 1), limit(LimitKey.SENDER, 3, name="L-2"), rate=0.001, burst=3)
    assert gate.statuses(4) == [0, 0x64, 0x64, 0x64]
    assert [gate.send(destination=number).status for number in (b"1", b"2", b"3")] == [0, 0, 0x58]


def test_allow_ends_the_matter_but_for_the_clients_own_rate() -> None:
    gate = Gate(
        rule("good and client in [bank1]", Action.ALLOW),
        rule("bad", name="R-2"),
        limit(LimitKey.SENDER, 1),
        rate=1.0,
        burst=3,
    )
    assert gate.statuses(4, "mauvais client fidèle") == [0, 0, 0, 0x58]


def test_each_destination_of_submit_multi_counts() -> None:
    gate = Gate(limit(LimitKey.DESTINATION, 1), rate=1.0, burst=4)
    assert gate.pdu(pdus.submit_multi(b"x", destinations=[b"1", b"2", b"3"])).status == 0
    assert gate.send(destination=b"2").status == 0x64
    assert [gate.send(destination=number).status for number in (b"4", b"5")] == [0, 0x58]


@pytest.mark.parametrize("per", [LimitKey.CLIENT, LimitKey.SENDER, LimitKey.LINK_HOST])
def test_submit_multi_counts_as_many_messages_for_every_limit(per: LimitKey) -> None:
    gate = Gate(limit(per, 3))
    several = pdus.submit_multi(b"voir evil.com", destinations=[b"1", b"2", b"3"])
    assert [gate.pdu(several).status, gate.send("voir evil.com").status] == [0, 0x64]


def test_a_blocked_text_blocks_submit_multi_whole() -> None:
    assert Gate(rule("bad")).pdu(pdus.submit_multi(b"mauvais", destinations=[b"1", b"2"])).status == 0x66


@pytest.mark.parametrize(
    "pdu",
    [
        pdus.submit_sm(b"mauvais"),
        pdus.submit_sm(payloads=[b"mauvais"]),
        pdus.submit_sm(b"bonjour", payloads=[b"mauvais"]),
        pdus.submit_sm(b"mauvais", payloads=[b"bonjour"]),
        pdus.submit_sm(payloads=[b"bonjour", b"mauvais"]),
        pdus.submit_sm("mauvais".encode("utf-16-be"), data_coding=8),
        pdus.submit_sm("mauvais".encode("utf-16-be"), data_coding=0x18),
        pdus.submit_sm("mauvais".encode("utf-16-be"), data_coding=4),
        pdus.submit_sm(b"mauvais", data_coding=4),
        pdus.submit_sm(b"mauvais", data_coding=0xF1),
        pdus.submit_sm(b"\x05\x00\x03\x2a\x02\x01mauvais.", esm_class=pdus.UDHI),
        pdus.submit_sm(payloads=[b"\x05\x00\x03\x2a\x02\x01mauvais."], esm_class=pdus.UDHI),
        pdus.submit_sm(b"\xff mauvais", esm_class=pdus.UDHI),
        pdus.data_sm(b"mauvais"),
        pdus.replace_sm(b"mauvais"),
        pdus.replace_sm("mauvais".encode("utf-16-be")),
        pdus.broadcast_sm(b"mauvais"),
        pdus.submit_sm(b"mauvais", command=pdus.DELIVER_SM),
        pdus.submit_sm(b" mauvais ", sm_length=200),
        pdus.pdu(pdus.SUBMIT_SM, b" mauvais "),
        pdus.submit_multi(b" mauvais ", number=7),
    ],
)
def test_whatever_carries_the_text_gets_the_same_verdict(pdu: bytes) -> None:
    assert Gate(rule("bad")).pdu(pdu).status == 0x66


def test_a_rule_over_the_sender_sees_source_addr() -> None:
    gate = Gate(rule("sender in [FAUX]"))
    assert [gate.send(source=source).status for source in (b"FAUX", b"faux", b"VRAI")] == [0x0A, 0x0A, 0]


def test_a_rule_over_sender_facts_sees_client_and_type_of_number() -> None:
    gate = Gate(rule("malformed_sender", name="R-1"), rule("reserved_sender", name="R-2"), ids=RESERVED)

    def refused_by(source: bytes, source_type: tuple[int, int], client: str = "bank1") -> list[str]:
        verdict = gate.pdu(pdus.submit_sm(b"x", source=source, source_type=source_type), gate.policy.client(client))
        assert verdict.status == (0x0A if verdict.refused else 0)
        return [entry.id for entry in verdict.rules]

    assert refused_by(b"Banque", (5, 0)) == []
    assert refused_by(b"Banque", (5, 0), "reseller9") == ["R-2"]
    assert refused_by(b"Banque", (1, 1)) == ["R-1"]
    assert refused_by(b"38100", (5, 0)) == ["R-1"]
    assert refused_by(b"38100", (3, 0)) == []


@pytest.mark.parametrize(
    "pdu",
    [
        pdus.submit_sm(b"x", source=b"Banque", source_type=(5, 0)),
        pdus.submit_sm(b"x", source=b"Banque", command=pdus.DELIVER_SM),
        pdus.submit_sm(b"x", source=b"Banque", payloads=[b"y"]),
        pdus.submit_sm(b"x", source=b"Banque", sm_length=200),
        pdus.submit_multi(b"x", source=b"Banque"),
        pdus.data_sm(b"x", source=b"Banque"),
        pdus.replace_sm(b"x", source=b"Banque"),
        pdus.broadcast_sm(b"x", source=b"Banque"),
        pdus.submit_sm(b"\5\0\3\1\2\1x", source=b"Banque", esm_class=pdus.UDHI),
        pdus.submit_sm(b"x", source=b"Banque", tlvs=pdus.tlv(0x20C, b"\0\1") + pdus.tlv(0x20E, b"\2") + pdus.tlv(0x20F, b"\1")),
    ],
)  # fmt: skip
def test_whatever_carries_the_sender_gets_the_same_verdict(pdu: bytes) -> None:
    gate = Gate(rule("reserved_sender"), ids=RESERVED)
    assert gate.pdu(pdu, gate.policy.client("reseller9")).status == 0x0A
    assert gate.pdu(pdu).status == 0


def test_a_part_is_refused_for_its_sender_id_before_the_others_come() -> None:
    """Wanted or not wanted: no part to come changes whose the sender is."""
    for condition in ("reserved_sender", "not short_code_sender"):
        gate = Gate(rule(condition), ids=RESERVED)
        part = pdus.submit_sm(b"\5\0\3\1\2\1x", source=b"Banque", source_type=(5, 0), esm_class=pdus.UDHI)
        assert gate.pdu(part, gate.policy.client("reseller9")).status == 0x0A


def test_a_pdu_that_cannot_be_parsed_has_no_sender() -> None:
    assert Gate(rule("malformed_sender")).pdu(pdus.pdu(pdus.SUBMIT_SM, b"x")).status == 0


def texts_of(pdu: bytes) -> list[str]:
    return [reading.text for reading in readings(text_view(int.from_bytes(pdu[4:8], "big"), pdu, 0, len(pdu)))]


def test_several_bodies_are_read_each_and_together() -> None:
    pdu = pdus.submit_sm(b"un", payloads=[b"deux", b"trois"])
    assert texts_of(pdu) == ["un", "deux", "trois", "un deux trois"]


def test_what_makes_a_message_honest_counts_only_in_the_body_that_needs_it() -> None:
    gate = Gate(rule("bad and not good"))
    assert gate.pdu(pdus.submit_sm(b"mauvais, client fidele")).status == 0
    assert gate.pdu(pdus.submit_sm(b"mauvais", payloads=[b"client fidele"])).status == 0x66
    assert gate.pdu(pdus.submit_sm(b"client fidele", payloads=[b"mauvais"])).status == 0x66


def test_a_text_beside_the_body_is_read_in_its_own_alphabet_with_the_body() -> None:
    tag = b"\x08" + "écrire".encode("utf-16-be")
    callback = pdus.tlv(0x0381, b"\1\1\x010199001234") + pdus.tlv(0x0303, tag)
    assert "un 0199001234 écrire" in texts_of(pdus.submit_sm(b"un", tlvs=callback))


@pytest.mark.parametrize(
    "body", [b"\x06\x08\x04\x12\x34\x02\x01", b"\x06\x05\x04\x0b\x84\0\0", b"\x05\x00\x03\x2a\x02\x01"]
)
def test_a_body_that_looks_as_if_it_began_with_a_header_is_read_both_ways(body: bytes) -> None:
    text = "mauvais".encode("utf-16-be")
    assert "mauvais" in texts_of(pdus.submit_sm(body + text, data_coding=8))
    assert Gate(rule("bad")).pdu(pdus.submit_sm(body + text, data_coding=8)).status == 0x66


def test_a_header_with_room_for_a_text_is_read_as_text_too() -> None:
    element = b" mauvais, et encore du texte"
    body = bytes([len(element) + 2, 0x70, len(element)]) + element + b"Bonjour"
    assert "Bonjour" in texts_of(pdus.submit_sm(body, esm_class=pdus.UDHI))
    assert Gate(rule("bad")).pdu(pdus.submit_sm(body, esm_class=pdus.UDHI)).status == 0x66


def test_a_push_is_read_when_a_port_is_named() -> None:
    document = b"\x02\x05\x6a\0\x45\xc6\x0c\x03evil.example/x\0\1\3mauvais\0\1\1"
    ports = b"\x06\x05\x04\x0b\x84\x23\xf0"
    shown = "   http://evil.example/x mauvais  "
    assert texts_of(pdus.submit_sm(ports + document, data_coding=4, esm_class=pdus.UDHI))[-1] == shown
    assert texts_of(pdus.submit_sm(ports + document, data_coding=4))[-1] == shown
    assert texts_of(pdus.submit_sm(document, data_coding=4, tlvs=pdus.tlv(0x020B, b"\x0b\x84")))[-1] == shown
    assert shown not in texts_of(pdus.submit_sm(document, data_coding=4))


def test_a_rule_over_the_carrier() -> None:
    gate = Gate(rule("ambiguous_body and odd"))
    assert gate.pdu(pdus.submit_sm(b"bizarre", payloads=[b"x"])).status == 0x66
    assert gate.pdu(pdus.submit_sm(b"bizarre", sm_length=200)).status == 0x66
    assert gate.pdu(pdus.submit_sm(b"bizarre", tlvs=b"\0\0\0")).status == 0
    assert gate.pdu(pdus.submit_sm(b"bonjour", payloads=[b"x"])).status == 0


@pytest.mark.parametrize(
    "pdu", [pdus.submit_sm(canned=7), pdus.replace_sm(canned=7), pdus.submit_sm(b"bonjour", canned=7)]
)
def test_the_text_that_the_smsc_keeps_is_judged(pdu: bytes) -> None:
    policy = Policy(rule_set(rule("bad"), sets=SETS), canned={7: "mauvais"})
    client = policy.client("bank1")
    command = int.from_bytes(pdu[4:8], "big")
    assert policy.decide_pdu(command, pdu, 0, len(pdu), client, NOW).status == 0x66
    assert Gate(rule("bad")).pdu(pdu).status == 0, "an id that is not known passes"


def mo(policy: Policy, pdu: bytes) -> Verdict:
    return policy.decide_mo(pdus.DELIVER_SM, pdu, 0, len(pdu), policy.client("bank1"), NOW)


def delivered(text: bytes, **fields: Any) -> bytes:
    return pdus.submit_sm(text, command=pdus.DELIVER_SM, **fields)


def test_what_the_smsc_delivers_is_refused_in_a_receivers_words() -> None:
    rules = rule_set(
        rule("bad", status=0x45), rule("slow", Action.THROTTLE, "R-2"), rule("sender in [FAUX]", name="R-3"), sets=SETS
    )
    policy = Policy(rules, {"bank1": ClientSettings(statuses=Statuses(content=0x45, limit=0x58))})
    assert mo(policy, delivered(b"mauvais")).status == 0x66
    assert mo(policy, delivered(b"lent")).status == 0x64
    assert mo(policy, delivered(b"bonjour", source=b"FAUX")).status == 0x66
    assert mo(policy, delivered(b"bonjour")) == PASS


def test_what_the_smsc_delivers_has_no_sender_facts() -> None:
    """Its sender is a telephone, and the client is who it is for."""
    rules = rule_set(rule("mobile_sender or malformed_sender or reserved_sender"), ids=RESERVED)
    policy = Policy(rules)
    for source in (b"33639980001", b"Banque", b""):
        assert mo(policy, delivered(b"bonjour", source=source)) == PASS


def test_what_the_smsc_delivers_is_only_counted_for_a_client_in_monitor_mode() -> None:
    policy = Policy(rule_set(rule("bad"), sets=SETS), {"bank1": ClientSettings(mode=ClientMode.MONITOR)})
    verdict = mo(policy, delivered(b"mauvais"))
    assert (verdict.status, [entry.id for entry in verdict.monitored]) == (0, ["R-1"])


def test_no_rate_and_no_limit_counts_what_the_smsc_delivers() -> None:
    gate = Gate(limit(LimitKey.SENDER, 1), rate=1.0, burst=1)
    assert [mo(gate.policy, delivered(b"bonjour")).status for _ in range(5)] == [0] * 5
    assert gate.statuses(2) == [0, 0x58]


COMMANDS = [*TEXT_BEARING, pdus.QUERY_SM, 0x1FFFF]


@given(
    st.sampled_from(COMMANDS),
    st.sampled_from([b"", *(pdu[16:] for pdu in (pdus.submit_sm(), pdus.submit_multi(), pdus.data_sm(None)))]),
    st.binary(max_size=200),
    st.integers(0, 60),
)
def test_any_octets_get_a_verdict(command: int, head: bytes, octets: bytes, cut: int) -> None:
    """Documented statuses only: whatever the octets are, none of them is worth an exception."""
    gate = Gate(rule("bad"), limit(LimitKey.SENDER, 100), rate=1.0)
    pdu = pdus.pdu(command, head[: len(head) - cut] + octets)
    assert gate.pdu(pdu).status in {0, 0x58, 0x66}
    assert gate.policy.decide_mo(command, pdu, 0, len(pdu), gate.client, NOW).status in {0, 0x66}


def test_a_limit_that_has_changed_starts_afresh_and_the_clients_balance_is_kept() -> None:
    gate = Gate(limit(LimitKey.SENDER, 1), rate=1.0, burst=2)
    assert gate.statuses(2) == [0, 0x64]
    gate.policy.use(rule_set(limit(LimitKey.SENDER, 2)))
    assert gate.statuses(2) == [0, 0x58]


def test_a_limit_that_is_the_same_in_new_rules_goes_on_counting_wherever_it_stands() -> None:
    gate = Gate(limit(LimitKey.SENDER, 2))
    assert gate.statuses(1) == [0]
    other = limit(LimitKey.CLIENT, 100, name="L-0")
    gate.policy.use(rule_set(other, limit(LimitKey.SENDER, 2, action=Action.BLOCK)))
    assert gate.statuses(2) == [0, 0x66]
    gate.policy.use(rule_set(limit(LimitKey.CLIENT, 2), other))  # its id, but not its key
    assert gate.statuses(1) == [0]


# bounds


HUGE = 60_000


def _huge(number: int, tail: bytes = b"") -> bytes:
    return b"%d" % number + b"a" * HUGE + tail


@pytest.mark.parametrize(
    "made",
    [
        lambda number: pdus.submit_sm(b"Bonjour", source=_huge(number)),
        lambda number: pdus.submit_sm(b"\5\0\3\1\2\1Bonjour", source=_huge(number), esm_class=pdus.UDHI),
        lambda number: pdus.submit_sm(b"Bonjour", destination=_huge(number)),
        lambda number: pdus.submit_sm(b"Bonjour", service_type=_huge(number)),
        lambda number: pdus.submit_sm(payloads=[_huge(number)]),
        lambda number: pdus.submit_sm(payloads=[b"https://" + _huge(number, b".fr/")]),
        lambda number: pdus.submit_sm(payloads=[b"https://a.example/?u=//" + _huge(number, b".fr")]),
    ],
    ids=["source", "source of a part", "destination", "service_type", "text", "host", "nested host"],
)
def test_no_field_of_a_message_is_remembered_at_any_length(made: Callable[[int], bytes]) -> None:
    limits = [
        limit(LimitKey.CLIENT, 10_000, name="L-1", unit=Unit.SENDERS),
        limit(LimitKey.CLIENT, 10_000, name="L-2", unit=Unit.RECIPIENTS),
        limit((LimitKey.CLIENT, LimitKey.SENDER, LimitKey.DESTINATION), 10_000, name="L-3"),
    ]
    gate = Gate(rule("foreign_link", Action.FLAG), *limits)
    assert not gate.pdu(made(0)).refused
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(1, 40):
            assert not gate.pdu(made(number)).refused
        assert tracemalloc.get_traced_memory()[0] - before < 10 * HUGE
    finally:
        tracemalloc.stop()


def test_a_source_address_is_malformed_and_looks_like_what_it_is_however_long() -> None:
    gate = Gate(rule("malformed_sender and alphanumeric_sender"))
    assert gate.send(source=b"a" * HUGE).status == 0x0A
