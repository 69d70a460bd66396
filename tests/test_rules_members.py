"""What fields are looked up in: numbers in every spelling, senders, tables as well as entries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.rules.compile import compile_packs
from smsgate.rules.engine import RuleSet
from smsgate.rules.lists import DigestTable, build
from smsgate.rules.model import EntryList, ListKind
from smsgate.text.reading import Reading
from tests.packs import HERE, pack, rule, rule_set

NUMBERS = ("33639980001", "3646", "441632960001")
TABLE = EntryList("callers", ListKind.NUMBERS, (), HERE, DigestTable(bytes(build(NUMBERS, 3, 7, bytes(16))), bytes(16)))
ENTRIES = EntryList("callers", ListKind.NUMBERS, ("06 39 98 00 01", "3646", "+44 1632 960001"), HERE)


def refused(rules: RuleSet, text: str = "Bonjour", sender: str = "", destination: str = "") -> bool:
    carrier = rules.envelope.facts([destination])
    return rules.check((Reading.of_text(text),), sender, "", carrier).verdict.refused


@pytest.mark.parametrize("callers", [TABLE, ENTRIES], ids=["table", "entries"])
def test_a_number_is_found_in_texts_destinations_and_senders_however_it_is_spelt(callers: EntryList) -> None:
    rules = [
        compile_packs([replace(pack(rule(f"{field} in callers")), lists=(callers,))])
        for field in ("phone", "destination", "sender")
    ]
    for number in ("0639980001", "+33 6 39 98 00 01", "0033639980001"):
        assert refused(rules[0], f"Appelez le {number}.")
        assert refused(rules[1], destination=number)
        assert refused(rules[2], sender=number)
    assert refused(rules[1], destination="3646")
    for number in ("0639980002", "36460", ""):
        assert not refused(rules[0], f"Appelez le {number}.")
        assert not refused(rules[1], destination=number)
        assert not refused(rules[2], sender=number)


def test_a_number_that_is_not_in_the_list_needs_no_number_at_all() -> None:
    rules = rule_set(rule("phone not in callers"), numbers={"callers": ["0639980001"]})
    assert refused(rules, "Bonjour")
    assert refused(rules, "Appelez le 06 39 98 00 02")
    assert not refused(rules, "Appelez le 06 39 98 00 02 ou le 06 39 98 00 01")


@pytest.mark.parametrize("prefix", ["+33 8", "0033 8", "+338"])
def test_a_prefix_of_numbers_is_that_of_their_international_form(prefix: str) -> None:
    phone, destination, sender = (
        rule_set(rule(f"{field} startswith '{prefix}'")) for field in ("phone", "destination", "sender")
    )
    assert refused(phone, "Appelez le 0805 00 12 34")
    assert not refused(phone, "Appelez le 01 99 00 12 34")
    for number in ("0805001234", "+33805001234", "33805001234"):
        assert refused(destination, destination=number)
        assert refused(sender, sender=number)
    assert not refused(destination, destination="0199001234")
    assert not refused(sender, sender="Info 8")


def test_a_prefix_of_senders_that_is_no_number_is_compared_as_written() -> None:
    rules = rule_set(rule("sender startswith 'info 3'"))
    assert refused(rules, sender="INFO 36")
    assert not refused(rules, sender="Infos")
    assert refused(rule_set(rule("sender startswith 38")), sender="38100")


def test_senders_in_brackets_may_be_numbers() -> None:
    rules = rule_set(rule("sender in [Bank, '06 39 98 00 01']"))
    for sender in ("BANK", "b-a-n-k", "0639980001", "+33639980001"):
        assert refused(rules, sender=sender)
    for sender in ("Banks", "0639980002", ""):
        assert not refused(rules, sender=sender)


def test_one_list_is_one_bit_for_each_field_that_asks_for_it() -> None:
    rules = rule_set(
        rule("sender in known"), rule("not sender in known", name="R-2"), senders={"known": ["A"], "other": ["B"]}
    )
    assert [label for label in rules.labels.values() if "known" in label] == ["sender in known"]
