"""The seam of PDU, readings, rules and limits: who is answered what, and what is debited for it."""

from __future__ import annotations

import pytest

from smsgate.policy import Client, Policy, readings
from smsgate.rules.engine import Verdict
from smsgate.rules.model import Brand, Limit, Rule
from smsgate.settings import ClientSettings
from smsgate.smpp.pdu import text_view
from tests import pdus
from tests.packs import Action, LimitKey, Mode, limit, rule, rule_set

SETS = {"bad": ["mauvais"], "slow": ["lent"], "odd": ["bizarre"], "good": ["client fidele"]}
NOW = 1000.0


class Gate:
    """A policy with one client and a clock at rest."""

    def __init__(self, *entries: Rule | Limit | Brand, rate: float | None = None, burst: int = 1) -> None:
        clients = {"bank1": ClientSettings(rate, burst)} if rate else {}
        self.policy = Policy(rule_set(*entries, sets=SETS), clients)
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


def test_several_bodies_are_read_together() -> None:
    pdu = pdus.submit_sm(b"un", payloads=[b"deux", b"trois"])
    (reading,) = readings(text_view(pdus.SUBMIT_SM, pdu, 0, len(pdu)))
    assert (reading.words, reading.text) == (" un deux trois ", "un deux trois")


def test_new_rules_start_with_fresh_limits_and_keep_the_clients_balance() -> None:
    gate = Gate(limit(LimitKey.SENDER, 1), rate=1.0, burst=2)
    assert gate.statuses(2) == [0, 0x64]
    gate.policy.use(rule_set(limit(LimitKey.SENDER, 2)))
    assert gate.statuses(2) == [0, 0x58]
