"""Segments: in parts, in any order, a message is refused if and only if it is refused in one piece.

The oracle joins everything. Parts go through `Policy.decide_pdu`, as PDUs in the forms that senders use.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate import reassembly
from smsgate.policy import Client, Policy
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import LimitKey, Unit
from smsgate.rules.verdict import Verdict
from smsgate.settings import ClientMode, ClientSettings, OnOverflow, SegmentSettings
from smsgate.text.reading import Reading
from smsgate.text.window import EDGE_CHARS
from tests import pdus
from tests.packs import Action, brand, limit, rule, rule_set, shipped

DATA = Path(__file__).parents[2] / "shared" / "data" / "messages"

RULES = rule_set(
    brand("cpf", "CPF", "mon compte formation", domains=["moncompteformation.gouv.fr"], anywhere=["moncompteformation"]),
    brand("tel", "Orange", company=["facture"], domains=["orange.fr"], with_bait=["orange"]),
    rule("names(cpf) and pull and not official(cpf)", name="R-1"),
    rule("lookalike(any)", name="R-2"),
    rule("impersonates(any) and not press", name="R-3"),
    rule("links >= 2 and rights", name="R-4"),
    rule("links == 0 and names(tel) and pull", name="R-5"),
    rule("2 of (press, pull, rights, official(any)) and not link", name="R-6"),
    rule("link_host in bad", name="R-7"),
    rule("rights and press and official(cpf)", name="R-8"),
    rule("names(any) and not (names(tel) or pull) and rights", name="R-9"),
    rule("phrase", name="R-10"),
    rule("amount and rights", name="R-11"),
    rule("vip and client in [bank1]", Action.ALLOW, name="R-0"),
    sets={
        "pull": ["vite", "expir*"],
        "rights": ["vos droits", "solde"],
        "press": ["arnaque", "faux sms"],
        "bait": ["compte"],
        "phrase": ["il etait une fois dans un pays"],
        "vip": ["abonne fidele"],
    },
    domains={"bad": ["evil.com"]},
)  # fmt: skip
PLAIN = rule_set(rule("brand and pull"), sets={"brand": ["cpf"], "pull": ["expire"]})
"""One rule that nothing excuses."""
SIGNS = {
    "vite": 2,
    "solde": 3,
    "expir*": 2,
    "vos droits": 1,
    "arnaque": -4,
    "faux sms": -2,
    "formation": -1,
    "compte": 1,
}
SCORED = [
    rule_set(rule(condition), sets={"signs": SIGNS})
    for condition in (
        "score(signs) >= 4",
        "score(signs) <= -3",
        "score(signs) < 1",
        "score(signs) == 2",
        "score(signs) != 1 and link",
        "not score(signs) > 1",
        "not score(signs) == 0",
        "count(signs) >= 3",
        "count(signs) < 2 and link",
        "count(signs) >= 2 and not score(signs) >= 2",
    )
]
SCRAPS = [
    "vite", "expire", "expirera", "vos droits", "vos", "solde", "soldes", "arnaque", "faux", "sms", "CPF", "C.P.F", "mon",
    "compte", "formation", "Orange", "facture", "https://www.moncompteformation.gouv.fr", "moncompteformation.gouv.fr/a",
    "www.orange.fr", "http://orange.fr.evil.com/x", "evil.com", "pay.com/orange/compte", "shop . com", "shop .fr", "a. com",
    "orange [dot] fr", "mon-compte-orange.com", "fin.Ensuite", "été", "1.2", "a@b.fr", "\u200b", "…", "!!", "www", "fr",
    "https://moncompteformation.gouv.fr@evil.com/", "orange [ point ] com", "il était une fois dans un pays",
    "abonné fidèle", "http://pay.com?u=evil.com", "v1te", "exp1re", "s0lde", "4rnaque", "СРF", "soIde",
    "f4ctur3", "orange point com", "evil%2ecom", "e x p i r e", "s-o-l-d-e", "20", "€", "£5", "eur", "euros", "3€50",
]  # fmt: skip
texts = (
    st.lists(st.tuples(st.sampled_from(SCRAPS), st.sampled_from([" ", " ", " ", "", "  ", "\n", ", "])), min_size=1, max_size=12)
    .map(lambda scraps: "".join(word + blank for word, blank in scraps))
    .filter(lambda text: len(text) > 1)
)  # fmt: skip


@st.composite
def in_parts(draw: st.DrawFn) -> tuple[str, list[str], list[int]]:
    """A text, its parts, and in which order they come; some come again before the last one has come."""
    text = draw(texts)
    if draw(st.booleans()):
        cuts = sorted(draw(st.sets(st.integers(1, len(text) - 1), min_size=1, max_size=6)))
    else:
        size = draw(st.integers(1, 3))
        cuts = list(range(size, len(text), size))[:254] or [1]
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    order = list(draw(st.permutations(range(len(parts)))))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(order) - 2))
        order.insert(place + 1, order[draw(st.integers(0, place))])
    return text, parts, order


class Gate:
    """A policy and a clock; parts as UCS-2 unless told otherwise."""

    def __init__(self, rules: RuleSet = RULES, client: ClientSettings | None = None, **settings: Any) -> None:
        self.policy = Policy(rules, {"bank1": client or ClientSettings()}, segments=SegmentSettings(**settings))
        self.client = self.policy.client("bank1")
        self.now = 1000.0

    def pdu(self, pdu: bytes, client: Client | None = None) -> Verdict:
        command = int.from_bytes(pdu[4:8], "big")
        return self.policy.decide_pdu(command, pdu, 0, len(pdu), client or self.client, self.now)

    def part(self, number: int, total: int, text: str, **fields: Any) -> int:
        """The status that part `number` of `total` is answered with."""
        return self.pdu(part(number, total, text, **fields)).status


def part(
    number: int,
    total: int,
    text: str,
    *,
    reference: int = 7,
    form: str = "8-bit",
    alphabet: str = "utf-16-be",
    **fields: Any,
) -> bytes:
    """submit_sm with one part of a message."""
    body = text.encode(alphabet, "surrogatepass")
    fields.setdefault("data_coding", {"utf-16-be": 8, "latin-1": 3, "ascii": 0}[alphabet])
    if form == "sar":
        tlvs = pdus.tlv(0x020C, reference.to_bytes(2, "big")) + pdus.tlv(0x020E, bytes([total]))
        fields["tlvs"] = tlvs + pdus.tlv(0x020F, bytes([number]))
    else:
        fields.setdefault("esm_class", pdus.UDHI)
        width = 1 if form == "8-bit" else 2
        element = reference.to_bytes(2, "big")[-width:] + bytes([total, number])
        body = bytes([len(element) + 2, 0 if width == 1 else 8, len(element)]) + element + body
    if len(body) > 254:
        return pdus.submit_sm(payloads=[body], **fields)
    return pdus.submit_sm(body, **fields)


# the oracle


@given(in_parts())
def test_in_parts_a_message_is_refused_just_when_it_is_in_one_piece(message: tuple[str, list[str], list[int]]) -> None:
    text, parts, order = message
    gate = Gate()
    refused = [gate.part(number + 1, len(parts), parts[number]) != 0 for number in order]
    assert any(refused) is RULES.check_text(text, pdus.SOURCE.decode(), "bank1").refused
    if any(refused):
        assert all(refused[refused.index(True) :]), (
            "retries and later parts are refused like the part that completed a match"
        )
    else:
        assert len(gate.policy.segments) == 0, "a complete message is forgotten"


@given(in_parts(), st.sampled_from(SCORED))
def test_in_parts_a_score_holds_just_when_it_does_in_one_piece(
    message: tuple[str, list[str], list[int]], rules: RuleSet
) -> None:
    text, parts, order = message
    gate = Gate(rules)
    refused = [gate.part(number + 1, len(parts), parts[number]) != 0 for number in order]
    assert any(refused) is rules.check_text(text).refused


def test_a_score_that_a_part_to_come_may_undo_is_waited_for() -> None:
    gate = Gate(SCORED[0])
    assert [gate.part(number, 3, text) for number, text in enumerate(["vite, solde. ", "arnaque ", "."], 1)] == [
        0,
        0,
        0,
    ]
    assert [gate.part(number, 3, text) for number, text in enumerate(["vite, solde. ", "rien ", "."], 1)] == [
        0,
        0,
        0x66,
    ]
    gate = Gate(SCORED[7])  # nothing lowers a count
    assert [gate.part(number, 3, text) for number, text in enumerate(["vite, solde ", "expire ", "."], 1)] == [
        0,
        0x66,
        0x66,
    ]


def long_messages() -> Iterator[str]:
    for file in sorted(DATA.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").strip().split("\n"):  # some messages hold other line ends
            text = json.loads(line)["text"]
            if len(text) > (153 if text.isascii() else 67):
                yield text[:1000]


@pytest.mark.skipif(
    not DATA.exists(), reason=f"no real messages to cut: put the data beside the checkout, at {DATA.parent}"
)
@pytest.mark.timeout(120)
@pytest.mark.parametrize("share", range(2))
def test_no_cut_of_a_real_message_changes_its_verdict(share: int) -> None:
    """Every long message of the sample, cut in two at every seventh position (each another one of seven) and into full segments,
    in one order and the other. All positions take a minute and a half."""
    rules = shipped()
    gate = Gate(rules)
    wrong = []
    for index, text in list(enumerate(long_messages()))[share::2]:
        expected = rules.check_text(text, pdus.SOURCE.decode(), "bank1").refused
        size = 153 if text.isascii() else 67
        cuts = [[text[:cut], text[cut:]] for cut in range(1 + index % 7, len(text), 7)]
        cuts += 2 * [[text[start : start + size] for start in range(0, len(text), size)]]
        for number, parts in enumerate(cuts):
            order = range(len(parts)) if number % 2 else range(len(parts) - 1, -1, -1)
            gate.policy.segments.forget(rules.longest_word)
            refused = [gate.part(number + 1, len(parts), parts[number]) != 0 for number in order]
            if any(refused) is not expected:
                wrong.append((len(parts[0]), list(order), expected))
    assert wrong == []


# forms


@pytest.mark.parametrize("first", ["8-bit", "16-bit", "sar"])
@pytest.mark.parametrize("second", ["8-bit", "16-bit", "sar"])
def test_parts_of_different_forms_meet(first: str, second: str) -> None:
    gate = Gate()
    assert gate.part(2, 2, "expire", form=second, reference=0x0109) == 0
    assert gate.part(1, 2, "Vos droits CPF : ", form=first, reference=0x0109) == 0x66


@pytest.mark.parametrize("alphabet", ["utf-16-be", "latin-1", "ascii"])
def test_parts_of_different_alphabets_meet(alphabet: str) -> None:
    gate = Gate()
    assert gate.part(1, 2, "Votre CPF exp") == 0
    assert gate.part(2, 2, "ire", alphabet=alphabet) == 0x66


def test_parts_over_different_binds_commands_and_kinds_of_address_meet() -> None:
    gate = Gate()
    head, tail = b"\x05\x00\x03\x07\x03\x01Votre C", b"\x05\x00\x03\x07\x03\x02PF "
    assert gate.pdu(pdus.data_sm(head, esm_class=pdus.UDHI, destination=b"+33639980001")).status == 0
    other_bind = gate.policy.client("bank1")
    multi = pdus.submit_multi(tail, esm_class=pdus.UDHI, destinations=[b"0639980001", b"0639980002"])
    assert gate.pdu(multi, other_bind).status == 0
    assert gate.part(3, 3, "expire", destination=b"0033639980001") == 0x66
    assert gate.part(3, 3, "expire", destination=b"0639980002") == 0, "the first part did not go there"


@pytest.mark.parametrize(
    "fields",
    [{"reference": 8}, {"source": b"AUTRE"}, {"destination": b"0639980002"}],
    ids=["reference", "source", "destination"],
)
def test_parts_of_different_messages_do_not(fields: dict[str, Any]) -> None:
    gate = Gate()
    assert gate.part(1, 2, "Votre CPF exp") == 0
    assert gate.part(2, 2, "ire", **fields) == 0
    assert gate.pdu(part(2, 2, "ire"), gate.policy.client("bank2")).status == 0
    assert len(gate.policy.segments) == 3


def test_a_malformed_place_is_judged_alone() -> None:
    gate = Gate()
    assert gate.part(3, 2, "Votre CPF expire") == 0x66
    assert gate.part(3, 2, "Votre CPF exp") == 0
    assert len(gate.policy.segments) == 0


def test_headers_that_disagree_put_the_text_into_both_messages() -> None:
    gate = Gate()
    both = part(
        1, 2, "Votre CPF exp", tlvs=pdus.tlv(0x020C, b"\0\x08") + pdus.tlv(0x020E, b"\2") + pdus.tlv(0x020F, b"\1")
    )
    assert gate.pdu(both).status == 0
    assert [gate.part(2, 2, "ire", reference=reference) for reference in (9, 8, 7)] == [0, 0x66, 0x66]


def test_readings_in_one_alphabet_make_a_text() -> None:
    """data_coding 4 names no alphabet: each part has several readings."""
    gate = Gate(PLAIN)
    assert gate.part(1, 3, "Votre été, CPF, exp", data_coding=4) == 0
    assert gate.part(3, 3, "?", alphabet="ascii") == 0
    assert gate.part(2, 3, "ire", data_coding=4) == 0x66


def test_a_header_that_is_not_announced_is_read_both_ways() -> None:
    gate = Gate()
    text = "Votre CPF, vite : voir evil.net avant la fin du mois"
    assert gate.part(1, 2, text, esm_class=0, alphabet="ascii") == 0x66, (
        "to a handset that shows all of it, this is all"
    )
    assert gate.part(1, 2, "Votre CPF exp", reference=8, esm_class=0, alphabet="ascii") == 0
    assert gate.part(2, 2, "ire", reference=8) == 0x66


def test_facts_of_the_carrier_are_facts_of_the_message() -> None:
    gate = Gate(rule_set(rule("ambiguous_body and pull"), sets={"pull": ["expire"]}))
    assert gate.part(1, 2, "Bonjour, ", payloads=[b"\x05\x00\x03\x07\x02\x01Bonjour, "]) == 0
    assert gate.part(2, 2, "expire") == 0x66


def test_what_the_smsc_delivers_in_parts() -> None:
    """Rules only: no rate, no limit."""
    gate = Gate(rule_set(*[rule("pull")], limit(LimitKey.CLIENT, 1), sets={"pull": ["expire"]}), ClientSettings(1.0, 1))
    statuses = []
    for number, text in enumerate(("Bonjour, exp", "ire ", "merci"), 1):
        pdu = part(number, 3, text, command=pdus.DELIVER_SM)
        statuses.append(gate.policy.decide_mo(pdus.DELIVER_SM, pdu, 0, len(pdu), gate.client, gate.now).status)
    assert statuses == [0, 0x66, 0x66]


# borders


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_genuine_host_that_a_border_cuts_is_no_false_alarm_and_a_false_one_is_found(cut: int) -> None:
    for text, status in (
        ("vite CPF https://moncompteformation.gouv.fr/x", 0),
        ("vite CPF https://moncompteformation.go.com/x", 0x66),
    ):
        for order in ((1, 2), (2, 1)):
            gate = Gate()
            parts = {1: text[:cut], 2: text[cut:]}
            assert max(gate.part(number, 2, parts[number]) for number in order) == status


def test_a_long_link_over_many_parts_is_read_as_one() -> None:
    text = "vite CPF https://www.moncompteformation.gouv.fr/a?" + "x=1&" * 100 + " merci"
    parts = [text[start : start + 40] for start in range(0, len(text), 40)]
    gate = Gate()
    assert [gate.part(number + 1, len(parts), piece) for number, piece in enumerate(parts)] == [0] * len(parts)


def test_what_cannot_be_seen_parts_nothing() -> None:
    gate = Gate()
    hidden = "\u200b" * (EDGE_CHARS + 88)
    parts = ["Votre CPF https://mon-compte-ora", hidden, hidden, "nge.com"]
    assert [gate.part(number + 1, 4, text) for number, text in enumerate(parts)] == [0, 0, 0, 0x66]


# what comes again


def test_a_set_is_poisoned_until_its_time_ends() -> None:
    gate = Gate(PLAIN, expire_s=60.0)
    assert [gate.part(1, 3, "Votre CPF "), gate.part(2, 3, "expire ")] == [0, 0x66]
    gate.now += 59.0
    assert [gate.part(2, 3, "expire "), gate.part(3, 3, "merci"), gate.part(1, 3, "Votre CPF ")] == [0x66] * 3
    gate.now += 1.0
    assert gate.part(3, 3, "merci") == 0
    assert (gate.policy.segments.poisoned, gate.policy.segments.expired, len(gate.policy.segments)) == (1, 1, 1)


def test_a_reference_that_is_used_again_starts_a_message_of_its_own() -> None:
    gate = Gate()
    assert [gate.part(1, 2, "Votre CPF "), gate.part(2, 2, "merci")] == [0, 0]
    assert [gate.part(1, 2, "Cela "), gate.part(2, 2, "expire")] == [0, 0]


@pytest.mark.parametrize("number", [1, 2])
def test_after_a_refusal_too(number: int) -> None:
    gate = Gate()
    assert [gate.part(1, 2, "Votre CPF "), gate.part(2, 2, "expire")] == [0, 0x66]
    assert [gate.part(each, 2, "A demain. ") for each in (number, 3 - number)] == [0, 0]


def test_a_part_alone_that_is_refused_is_refused_again() -> None:
    gate = Gate(PLAIN)
    assert [gate.part(1, 2, "CPF expire evil.com ou autre chose"), gate.part(2, 2, "merci")] == [0x66, 0x66]
    assert [gate.part(1, 2, "Bonjour "), gate.part(2, 2, "merci !")] == [0, 0]


@pytest.mark.parametrize(
    "parts",
    [
        [(1, "Bonjour "), (2, "expire "), (1, "Votre CPF ")],
        [(1, "Votre CPF "), (1, "Bonjour "), (2, "expire ")],
        [(2, "expire "), (3, "Bonjour"), (2, "encore "), (1, "Votre CPF ")],
        [(1, "Bonjour "), (2, "Votre CPF "), (3, "expire "), (1, "Salut "), (3, "expire ")],
        [(1, "Votre CPF "), (2, "expire "), (1, "Bonjour "), (2, "expire. ")],
        [(1, "Votre CPF exp"), (1, "Bonjour "), (1, "Salut "), (2, "ire ")],
        [(1, "Bonjour "), (1, "Votre CPF exp"), (2, "ire ")],
        [(2, "ire "), (2, "merci "), (3, "x"), (3, "y"), (1, "Votre CPF exp")],
    ],
    ids=[
        "replaced by the match",
        "the match replaced",
        "out of order",
        "after poisoning",
        "the refused text again",
        "half a word replaced",
        "replaced by half a word",
        "several replaced",
    ],
)
def test_replacing_a_part_saves_no_match(parts: Sequence[tuple[int, str]]) -> None:
    gate = Gate(PLAIN)
    statuses = [gate.part(number, 4, text) for number, text in parts]
    assert statuses[-1] == 0x66


@pytest.mark.parametrize(
    "parts",
    [
        [(1, 2, "arnaque "), (1, 2, "CPF evil.net ou encore "), (2, 2, "merci")],
        [(9, 9, "arnaque"), (1, 2, "CPF evil.net ou encore "), (2, 2, "merci")],
        [(1, 2, "CPF evil.net ou encore "), (9, 9, "arnaque"), (2, 2, "merci")],
        [(1, 2, "moncompteformation.gouv.fr "), (1, 2, "CPF, vite, avant la fin "), (2, 2, "merci")],
    ],
    ids=["replaced", "a larger total before", "a larger total between", "a link replaced"],
)
def test_what_some_handset_does_not_show_excuses_nothing(parts: Sequence[tuple[int, int, str]]) -> None:
    gate = Gate()
    assert [gate.part(number, total, text) for number, total, text in parts][-1] == 0x66


def test_totals_that_disagree_do_not_end_a_message_early() -> None:
    gate = Gate(PLAIN)
    assert [gate.part(1, 3, "Votre CPF "), gate.part(2, 2, "merci "), gate.part(2, 3, "expire ")] == [0, 0, 0x66]


# excuses and allowance


def test_an_excuse_may_come_last_and_must_come() -> None:
    gate = Gate()
    assert [gate.part(1, 2, "CPF : voir pay.com avant la fin du mois, "), gate.part(2, 2, "arnaque")] == [0, 0]
    assert [gate.part(1, 2, "CPF : voir pay.com avant la fin du mois, "), gate.part(2, 2, "merci")] == [0, 0x66]


def test_what_nothing_can_excuse_any_more_is_refused_at_once() -> None:
    gate = Gate()
    text = "CPF, vite : voir evil.net avant la fin du mois"
    assert gate.pdu(part(1, 9, text), gate.policy.client("bank2")).status == 0x66


def test_a_rule_that_allows_is_waited_for() -> None:
    text = "CPF, vite : voir pay.com avant la fin du mois, "
    for last, status in (("abonné fidèle", 0), ("merci", 0x66)):
        gate = Gate(
            rule_set(
                rule("link"), rule("vip and client in [bank1]", Action.ALLOW, "R-0"), sets={"vip": ["abonne fidele"]}
            )
        )
        assert [gate.part(1, 2, text), gate.part(2, 2, last)] == [0, status]
        assert gate.pdu(part(1, 2, text, reference=9), gate.policy.client("bank2")).status == 0x66


# limits


def test_later_segments_pass_the_clients_rate_and_are_debited() -> None:
    gate = Gate(client=ClientSettings(1.0, 2))
    assert [gate.part(number, 4, "x ") for number in (3, 1, 2)] == [0, 0, 0]
    gate.now += 1.5
    assert gate.part(1, 2, "x", reference=8) == 0x58, "the balance is negative"
    gate.now += 0.5
    assert gate.part(1, 2, "x", reference=8) == 0


def test_each_part_number_passes_once() -> None:
    gate = Gate(client=ClientSettings(1.0, 2))
    assert [gate.part(1, 9, "x "), gate.part(2, 9, "x ")] == [0, 0]
    assert [gate.part(2, 9, "x "), gate.part(1, 9, "y "), gate.part(3, 9, "x ")] == [0x58, 0x58, 0]


def test_a_part_that_a_rate_refused_has_not_come() -> None:
    gate = Gate(client=ClientSettings(1.0, 1))
    assert gate.part(1, 2, "x", reference=9) == 0
    assert gate.part(1, 2, "Votre CPF ") == 0x58
    gate.now += 1.0
    assert gate.part(2, 2, "expire") == 0
    assert gate.policy.segments.poisoned == 0


per_origin = pytest.mark.parametrize("per", [LimitKey.CLIENT, LimitKey.SENDER, LimitKey.DESTINATION])


@per_origin
def test_a_message_in_parts_is_one_message(per: LimitKey) -> None:
    gate = Gate(rule_set(limit(per, 2)))
    for reference in (1, 2):
        assert [gate.part(number, 4, "x ", reference=reference) for number in (1, 2, 3, 4)] == [0, 0, 0, 0]
    assert gate.part(1, 2, "x ", reference=3) == 0x64
    gate.now += 30.0
    assert [gate.part(number, 2, "x ", reference=4) for number in (1, 2)] == [0, 0]
    assert gate.part(1, 2, "x ", reference=5) == 0x64


@per_origin
def test_later_segments_pass_a_limit_on_segments_and_are_debited(per: LimitKey) -> None:
    gate = Gate(rule_set(limit(per, 2, unit=Unit.SEGMENTS)))
    assert [gate.part(number, 4, "x ") for number in (1, 2, 3, 4)] == [0, 0, 0, 0]
    assert gate.part(1, 2, "x ") == 0x64
    gate.now += 89.0
    assert gate.part(1, 2, "x ") == 0x64
    gate.now += 1.0
    assert gate.part(1, 2, "x ") == 0


def test_a_part_that_comes_again_is_another_message() -> None:
    gate = Gate(rule_set(limit(LimitKey.SENDER, 2)))
    assert [gate.part(1, 9, "x "), gate.part(2, 9, "x "), gate.part(2, 9, "x "), gate.part(2, 9, "x ")] == [
        0,
        0,
        0,
        0x64,
    ]
    assert gate.part(3, 9, "x ") == 0, "the message is under way"


def test_a_limit_that_a_later_part_meets_first_is_asked_then() -> None:
    gate = Gate(rule_set(limit(LimitKey.LINK_HOST, 1)))
    for reference, status in ((1, 0), (2, 0x64)):
        assert gate.part(1, 3, "Bonjour, ", reference=reference) == 0
        assert gate.part(2, 3, "voir pay.com un de ces jours ", reference=reference) == status
        assert gate.part(3, 3, "merci", reference=reference) == 0, "its link has been counted"


def test_a_host_is_asked_for_in_the_part_that_shows_it() -> None:
    gate = Gate(rule_set(limit(LimitKey.LINK_HOST, 1)))
    assert gate.part(1, 1, "voir pay.com") == 0
    assert gate.part(1, 3, "voir evil.com un de ces jours, ") == 0
    assert gate.part(2, 3, "voir pay.com un de ces jours, ") == 0x64


# bounds


def test_memory_is_bounded_for_each_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "MAX_CLIENT_OCTETS", 20_000)
    gate = Gate()
    statuses = [gate.part(1, 2, "Bonjour " * 9, reference=number) for number in range(200)]
    held = len(gate.policy.segments)
    assert statuses == [0] * 200
    assert 5 < held < 20
    assert gate.policy.segments.overflowed == 200 - held
    assert gate.part(1, 2, "CPF expire. A vous", reference=201) == 0x66, "judged alone"
    assert gate.pdu(part(1, 2, "Bonjour"), gate.policy.client("bank2")).status == 0
    assert len(gate.policy.segments) == held + 1, "another client has its own room"
    gate.now += 600.0
    for reference in range(held):
        gate.part(1, 2, "Bonjour", reference=reference)
    assert gate.policy.segments.expired == held + 1


def test_a_set_that_is_poisoned_at_once_takes_its_room_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "MAX_CLIENT_OCTETS", 20_000)
    gate = Gate(PLAIN)
    statuses = [gate.part(1, 2, "CPF expire. A vous", reference=number) for number in range(200)]
    assert statuses == [0x66] * 200
    assert 5 < len(gate.policy.segments) < 20
    assert gate.policy.segments._octets <= 20_000


def test_memory_is_bounded_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "MAX_OCTETS", 20_000)
    gate = Gate(overflow=OnOverflow.REJECT)
    statuses = [gate.pdu(part(1, 2, "Bonjour"), gate.policy.client(f"c{number}")).status for number in range(50)]
    assert statuses == [0] * len(gate.policy.segments) + [0x14] * gate.policy.segments.overflowed


def test_what_is_kept_of_a_long_part_is_bounded() -> None:
    gate = Gate()
    for number in [*range(1, 20), 1, 2, 1, 2, 1, 2]:
        gate.part(number, 255, f"mot {gate.now} " * 2_000)
        gate.now += 1
    assert gate.policy.segments._octets < 21 * 8_000


def test_nothing_is_left_when_sets_end() -> None:
    gate = Gate()
    for number in range(1, 256):
        gate.part(number, 255, "é")
    for number in (1, 2, 3):
        gate.part(number, 3, "CPF expire. ")
        gate.part(number, 3, "encore ")
    gate.now += 600.0
    gate.part(1, 2, "x ")
    gate.part(2, 2, "x ")
    segments = gate.policy.segments
    assert (len(segments), segments._octets, dict(segments._client_octets)) == (0, 0, {})


def test_new_rules_start_with_no_segments() -> None:
    gate = Gate()
    assert gate.part(1, 2, "Votre CPF ") == 0
    gate.policy.use(RULES)
    assert (gate.part(2, 2, "expire"), len(gate.policy.segments)) == (0, 1)


def test_a_client_that_is_only_monitored_is_told_nothing() -> None:
    gate = Gate(PLAIN, client=ClientSettings(mode=ClientMode.MONITOR))
    said = [gate.pdu(part(number, 3, text)) for number, text in ((1, "Votre CPF "), (2, "expire "), (3, "merci"))]
    assert [[each.id for each in verdict.monitored] for verdict in said] == [[], ["R-1"], ["R-1"]]
    assert [verdict.status for verdict in said] == [0, 0, 0]


def test_the_engine_and_the_reading_of_one_text_agree() -> None:
    """A message in one part needs no state: it costs what it cost."""
    gate = Gate()
    assert gate.part(1, 1, "Votre CPF expire") == 0x66
    assert len(gate.policy.segments) == 0
    assert RULES.check([Reading.of_text("Votre CPF expire")], "", "").verdict.refused
