"""A rule in `sample N%` acts on that share of its hits, and whoever sends the same again meets the same answer."""

from __future__ import annotations

from typing import Any

from smsgate.policy import Policy
from smsgate.rules.allowances import NOTHING
from smsgate.rules.model import Sample
from smsgate.rules.sampling import drawn
from smsgate.rules.verdict import Verdict
from smsgate.smpp.constants import Command
from smsgate.text.reading import Reading
from tests import pdus
from tests.packs import Action, Mode, rule, rule_set

KEY = b"0123456789abcdef"
HALF = Sample(0.5)
SETS = {"bad": ["mauvais"], "worse": ["pire"]}
TEXTS = [f"message mauvais {number}" for number in range(200)]


def sampled(key: bytes = KEY, **fields: Any) -> Policy:
    return Policy(rule_set(rule("bad", mode=HALF, **fields), sets=SETS), sample_key=key)


def judge(policy: Policy, pdu: bytes, client: str = "bank1") -> Verdict:
    return policy.decide_pdu(Command.SUBMIT_SM, pdu, 0, len(pdu), policy.client(client), 1000.0)


def refused(policy: Policy, client: str = "bank1") -> list[bool]:
    return [judge(policy, pdus.submit_sm(text.encode("latin-1")), client).refused for text in TEXTS]


def test_a_share_of_the_contents_is_drawn_for_each_rule_on_its_own() -> None:
    contents = [str(number) for number in range(10_000)]
    first = {content for content in contents if drawn(KEY, "R-1", content, 0.1)}
    second = {content for content in contents if drawn(KEY, "R-2", content, 0.1)}
    assert 850 < len(first) < 1150
    assert 50 < len(first & second) < 150
    assert first <= {content for content in contents if drawn(KEY, "R-1", content, 0.2)}  # a larger share adds to it
    assert drawn(KEY, "R-1", "\ud800", 1.0)
    assert not drawn(KEY, "R-1", "x", 0.0)


def test_what_is_not_drawn_is_monitored() -> None:
    policy = sampled()
    verdicts = [judge(policy, pdus.submit_sm(text.encode("latin-1"))) for text in TEXTS]
    assert 60 < sum(verdict.refused for verdict in verdicts) < 140
    for verdict in verdicts:
        assert [len(verdict.rules), len(verdict.monitored)] == [verdict.refused, not verdict.refused]


def test_workers_with_the_same_key_agree_and_another_key_draws_others() -> None:
    assert refused(sampled()) == refused(sampled())
    assert refused(sampled()) != refused(sampled(key=b"another"))


def test_the_same_text_meets_the_same_answer_however_it_is_sent() -> None:
    policy = sampled()
    for text in TEXTS[:40]:
        forms = [
            pdus.submit_sm(text.encode("latin-1")),
            pdus.submit_sm(text.upper().encode("latin-1"), source=b"other"),
            pdus.submit_sm(text.encode("utf-16-be"), data_coding=8),
        ]
        assert len({judge(policy, form).refused for form in forms}) == 1


def parts(sender: bytes, reference: int) -> list[bytes]:
    """Three parts, each of which is enough for the rule."""
    return [
        pdus.submit_sm(bytes([5, 0, 3, reference, 3, number]) + b" mauvais %d " % number, esm_class=0x40, source=sender)
        for number in (1, 2, 3)
    ]


def test_all_parts_of_a_message_meet_one_answer_and_so_do_they_when_sent_again_in_another_order() -> None:
    policy = sampled()
    answers = {}
    for number in range(100):
        sender = f"38{number:03}".encode()
        seen = {judge(policy, pdu).refused for pdu in parts(sender, 1)}
        seen |= {judge(policy, pdu).refused for pdu in reversed(parts(sender, 2))}
        assert len(seen) == 1
        answers[sender] = seen.pop()
    assert 25 < sum(answers.values()) < 75


def test_a_client_may_have_a_mode_of_its_own() -> None:
    clients = (("bank1", Mode.MONITOR), ("bank2", Mode.ENFORCE))
    policy = sampled(clients=clients)
    assert not any(refused(policy, "bank1"))
    assert not any(refused(policy, "Bank1"))
    assert all(refused(policy, "bank2"))
    assert 60 < sum(refused(policy, "bank3")) < 140


def test_a_monitored_allow_lets_nothing_through_and_one_in_force_for_a_client_does() -> None:
    allow = rule("client in [bank1, bank2]", Action.ALLOW, "A-1", mode=Mode.MONITOR, clients=(("bank2", Mode.ENFORCE),))
    rules = rule_set(rule("bad"), allow, sets=SETS)
    assert rules.check_text("mauvais", client="bank1").refused
    verdict = rules.check_text("mauvais", client="bank2")
    assert (verdict.refused, [hit.id for hit in verdict.rules]) == (False, ["A-1"])


def test_a_part_does_not_wait_for_an_allow_that_only_monitors() -> None:
    allow = rule("client in [bank1] and worse", Action.ALLOW, "A-1", mode=Mode.MONITOR)
    policy = Policy(rule_set(rule("bad"), allow, sets=SETS))
    assert judge(policy, pdus.submit_sm(b"\5\0\3\7\2\1 mauvais ", esm_class=0x40)).refused


def test_without_a_content_the_reading_that_hits_is_drawn_by() -> None:
    rules = rule_set(rule("bad", mode=HALF), sets=SETS)
    rules.serve(KEY, NOTHING)
    for text in TEXTS[:20]:
        alone = rules.check([Reading.of_text(text)], "", "").verdict.refused
        beside = rules.check([Reading.of_text("autre"), Reading.of_text(text)], "", "").verdict.refused
        assert alone == beside
