"""What is blocked by hand is refused before all rules, in every spelling, until its time is over."""

from __future__ import annotations

import pytest

from smsgate.policy import Policy
from smsgate.rules.blocks import Block, BlockKind, objection
from smsgate.rules.model import Rule, Where
from smsgate.rules.verdict import Verdict
from smsgate.smpp.constants import Command
from tests import pdus
from tests.packs import Action, brand, rule, rule_set

NOW = 1000.0


def policy(*blocks: tuple[BlockKind, str], rules: tuple[Rule, ...] = (), until: float = NOW + 60) -> Policy:
    made = Policy(rule_set(*rules, sets={"odd": ["bizarre"]}))
    made.blocks.use(
        Block(kind, value, until, "a test", Where("blocks.json", line)) for line, (kind, value) in enumerate(blocks, 2)
    )
    return made


def judge(policy: Policy, text: str = "Bonjour", sender: bytes = b"38100", now: float = NOW) -> Verdict:
    return judge_pdu(policy, pdus.submit_sm(text.encode("latin-1"), source=sender), now)


def judge_pdu(policy: Policy, pdu: bytes, now: float = NOW) -> Verdict:
    return policy.decide_pdu(Command.SUBMIT_SM, pdu, 0, len(pdu), policy.client("bank1"), now)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("voir http://bad.com/x", True),
        ("voir bad.com", True),
        ("voir https://a.b.BAD.com/x", True),
        ("voir http://fine.com/?url=http://bad.com", True),
        ("voir notbad.com et bad.com.fine.com", False),
        ("Bonjour", False),
    ],
)
def test_a_host_is_blocked_with_its_sub_domains(text: str, refused: bool) -> None:
    gate = policy((BlockKind.HOST, "other.com"), (BlockKind.HOST, "bad.com"))
    verdict = judge(gate, text)
    assert verdict.refused == refused
    if refused:
        assert (verdict.status, verdict.reason) == (0x66, "BLOCK-HOST blocks.json:3:1")


@pytest.mark.parametrize(
    ("text", "sender", "refused"),
    [
        ("appelez le 06 39 98 00 01", b"38100", True),
        ("appelez le +33639980001 vite", b"38100", True),
        ("Bonjour", b"33639980001", True),
        ("Bonjour", b"0639980001", True),
        ("appelez le 06 39 98 00 02", b"33639980002", False),
        ("Bonjour", b"Info0639980001", False),
    ],
)
def test_a_number_is_blocked_in_the_text_and_as_the_sender(text: str, sender: bytes, refused: bool) -> None:
    verdict = judge(policy((BlockKind.NUMBER, "+33639980001")), text, sender)
    assert (verdict.status, verdict.reason) == ((0x66, "BLOCK-NUMBER blocks.json:2:1") if refused else (0, ""))


@pytest.mark.parametrize(
    ("sender", "refused"), [(b"Bank-Info", True), (b"BANKINFO", True), (b"bank info", True), (b"Bank", False)]
)
def test_a_sender_is_blocked_in_every_spelling(sender: bytes, refused: bool) -> None:
    verdict = judge(policy((BlockKind.SENDER, "Bank Info")), sender=sender)
    assert (verdict.status, verdict.reason) == ((0x0A, "BLOCK-SENDER blocks.json:2:1") if refused else (0, ""))


def test_a_block_is_over_when_its_time_is() -> None:
    gate = policy((BlockKind.HOST, "bad.com"), until=NOW + 60)
    assert judge(gate, "voir bad.com", now=NOW + 59.9).refused
    assert not judge(gate, "voir bad.com", now=NOW + 60).refused


def test_others_in_force_take_the_place_of_those_before() -> None:
    gate = policy((BlockKind.HOST, "bad.com"))
    gate.blocks.use([])
    assert not gate.blocks.any
    assert not judge(gate, "voir bad.com").refused


def test_a_block_outranks_what_rules_allow_and_a_rule_that_blocks_is_left_to_decide() -> None:
    allow = rule("client in [bank1]", Action.ALLOW, "R-1")
    verdict = judge(policy((BlockKind.HOST, "bad.com"), rules=(allow,)), "voir bad.com")
    assert [each.id for each in verdict.rules] == ["BLOCK-HOST"]
    flag = rule("odd", Action.FLAG, "R-2")
    verdict = judge(policy((BlockKind.HOST, "bad.com"), rules=(flag,)), "bizarre, voir bad.com")
    assert (verdict.action, [each.id for each in verdict.rules]) == (Action.BLOCK, ["BLOCK-HOST", "R-2"])
    block = rule("odd", Action.BLOCK, "R-3")
    verdict = judge(policy((BlockKind.HOST, "bad.com"), rules=(block,)), "bizarre, voir bad.com")
    assert [each.id for each in verdict.rules] == ["R-3"]


def test_segments_and_messages_to_the_esme_are_blocked_too() -> None:
    gate = policy((BlockKind.HOST, "bad.com"))
    client = gate.client("bank1")
    parts = [
        pdus.submit_sm(b"\x05\x00\x03\x2a\x02" + part, esm_class=pdus.UDHI)
        for part in (b"\x01voir http://b", b"\x02ad.com/x maintenant")
    ]
    statuses = [gate.decide_pdu(Command.SUBMIT_SM, part, 0, len(part), client, NOW).status for part in parts]
    assert statuses == [0, 0x66]
    unannounced = pdus.submit_sm(b"\x05\x00\x03\x2a\x02\x01voir http://bad.com/x")
    assert judge_pdu(gate, unannounced).refused
    mo = pdus.submit_sm(b"voir bad.com", command=pdus.DELIVER_SM)
    assert gate.decide_mo(Command.DELIVER_SM, mo, 0, len(mo), client, NOW).refused


@pytest.mark.parametrize(
    ("kind", "value", "against"),
    [
        (BlockKind.HOST, "ameli.fr", "official for the brand ameli"),
        (BlockKind.HOST, "assure.ameli.fr", "official for the brand ameli"),
        (BlockKind.HOST, "gouv.fr", "official for the brand state"),
        (BlockKind.HOST, "co.uk", "a suffix under which anybody may have a site"),
        (BlockKind.HOST, "good.com", "on a list of trusted sites"),
        (BlockKind.HOST, "ameli.fr.bad.com", ""),
        (BlockKind.HOST, "203.0.113.5", ""),
        (BlockKind.SENDER, "a-meli", "official for the brand ameli"),
        (BlockKind.SENDER, "ameli2", ""),
        (BlockKind.NUMBER, "+33199001234", "official for the brand ameli"),
        (BlockKind.NUMBER, "+33199001235", ""),
    ],
)
def test_what_is_a_brands_own_or_many_peoples_is_objected_to(kind: BlockKind, value: str, against: str) -> None:
    ameli = brand("ameli", "Ameli", domains=["ameli.fr"], senders=["AMELI"], phones=["01 99 00 12 34"])
    state = brand("state", "State", domains=["impots.gouv.fr"])
    assert objection(rule_set(ameli, state, domains={"trusted": ["good.com"]}), kind, value) == against
