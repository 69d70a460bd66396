"""The facts of sender ids: whose they are, what they look like, and what type of number says of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.rules.condition import SENDER_FACTS as WORDS
from smsgate.rules.engine import RuleSet
from smsgate.rules.explain import explain
from smsgate.rules.lists import DigestTable, build
from smsgate.rules.model import Pack, ReservedSender, SenderIds
from smsgate.rules.senders import SENDER_FACTS, SenderIndex
from smsgate.text.reading import Reading
from tests.packs import HERE, Action, brand, rule, rule_set

RESERVED = (
    ReservedSender("CreditAgric", ("bank1", "Bank2")),
    ReservedSender("36180", ("bank1",)),
    ReservedSender("Nobody"),
)


def index(
    *, forbidden: tuple[str, ...] = (), reserved: tuple[ReservedSender, ...] = RESERVED, **fields: Any
) -> SenderIndex:
    return SenderIndex.of([Pack("p", "p.yaml", HERE, senders=SenderIds(forbidden, reserved), **fields)])


INDEX = index(
    forbidden=("INFO", "112", "+33 1 99 00 12 34"), brands=(brand("ameli", "Ameli", senders=["ameli", "3646"]),)
)


def facts(sender: str, client: str = "reseller9", source_type: bytes = b"", found: SenderIndex = INDEX) -> set[str]:
    bits = found.facts(sender, client, source_type)
    return {name for name, bit in SENDER_FACTS.items() if bits & bit}


def test_each_word_of_the_language_has_a_bit_of_its_own() -> None:
    assert tuple(SENDER_FACTS) == WORDS
    assert sum(SENDER_FACTS.values()).bit_count() == len(WORDS)


@pytest.mark.parametrize("sender", ["INFO", "info", "I.N.F.O", "Ínfo", "112", "0199001234", "33199001234"])
def test_a_forbidden_sender_in_every_spelling(sender: str) -> None:
    assert "forbidden_sender" in facts(sender)


@pytest.mark.parametrize("sender", ["INFOS", "1120", "0199001235", ""])
def test_other_senders_are_not_forbidden(sender: str) -> None:
    assert "forbidden_sender" not in facts(sender)


def test_a_sender_that_resembles_a_forbidden_one_is_similar_and_itself_is_not() -> None:
    found = index(forbidden=("INFO", "Police"))
    assert all("similar_sender" in facts(sender, found=found) for sender in ("P0lice", "lNFO", "Polices"))
    assert all("similar_sender" not in facts(sender, found=found) for sender in ("police", "Policier", "IMFO"))


def test_a_long_list_of_forbidden_senders_is_a_table() -> None:
    table = DigestTable(bytes(build(["info", "alerte"], 2, 1, b"0" * 16)), b"0" * 16)
    found = SenderIndex.of([Pack("p", "p.yaml", HERE, senders=SenderIds(table=table))])
    assert "forbidden_sender" in facts("ALERTE", found=found)
    assert "forbidden_sender" not in facts("Alerter", found=found)


@pytest.mark.parametrize(
    ("sender", "client", "refused"),
    [
        ("CreditAgric", "reseller9", True),
        ("CREDIT AGRIC", "reseller9", True),
        ("Crédit-Agric", "", True),
        ("CreditAgric", "bank1", False),
        ("CreditAgric", "bank2", False),
        ("36180", "reseller9", True),
        ("36180", "bank1", False),
        ("36180", "bank2", True),
        ("Nobody", "bank1", True),
        ("Librairie", "reseller9", False),
        ("С".encode().decode("latin-1") + "reditAgric", "reseller9", True),  # octets of UTF-8: a Cyrillic capital
    ],
)
def test_a_reserved_sender_is_for_its_clients(sender: str, client: str, refused: bool) -> None:
    assert ("reserved_sender" in facts(sender, client)) == refused


def test_packs_add_to_the_clients_of_a_sender() -> None:
    entries = {
        "isa": ReservedSender("CreditAgric"),
        "ours": ReservedSender("CREDITAGRIC", ("bank1",)),
        "theirs": ReservedSender("CreditAgric", ("b2",)),
    }
    found = SenderIndex.of(Pack(name, name, HERE, senders=SenderIds((), (entry,))) for name, entry in entries.items())
    refused = {
        client for client in ("bank1", "b2", "b3") if "reserved_sender" in facts("CreditAgric", client, found=found)
    }
    assert refused == {"b3"}


@pytest.mark.parametrize(
    ("sender", "client", "resembled"),
    [
        ("Cred1tAgric", "reseller9", ("CreditAgric",)),
        ("CreditAgrik", "reseller9", ("CreditAgric",)),
        ("CerditAgric", "reseller9", ("CreditAgric",)),
        ("Cred1tAgrlk", "reseller9", ("CreditAgric",)),
        ("CreditAgrik", "bank1", ()),
        ("CreditAgric", "reseller9", ()),  # it is that one
        ("AMEL1", "reseller9", ("ameli",)),
        ("AMEL1", "bank1", ("ameli",)),
        ("Amelie", "reseller9", ("ameli",)),
        ("Ameli", "reseller9", ()),
        ("N0body", "bank1", ("Nobody",)),
        ("36181", "reseller9", ()),  # numbers are not misread
        ("3647", "reseller9", ()),
        ("Librairie", "reseller9", ()),
        ("А".encode().decode("latin-1") + "mel1", "reseller9", ("ameli",)),
    ],
)
def test_what_a_sender_resembles(sender: str, client: str, resembled: tuple[str, ...]) -> None:
    assert INDEX.resembled(sender, client) == resembled
    assert ("similar_sender" in facts(sender, client)) == bool(resembled)


KIND = {"alphanumeric_sender", "short_code_sender", "number_sender"}


@pytest.mark.parametrize(
    ("sender", "said"),
    [
        ("Banque", {"alphanumeric_sender"}),
        ("Canal+", {"alphanumeric_sender"}),
        ("L'Opticien", {"alphanumeric_sender"}),
        ("H&M", {"alphanumeric_sender"}),
        ("Ass.Maladie", {"alphanumeric_sender"}),
        ("3615 Ulla_-", {"alphanumeric_sender"}),
        ("38100", {"short_code_sender"}),
        ("3646", {"short_code_sender"}),
        ("123", {"short_code_sender"}),
        ("12345678", {"short_code_sender"}),
        ("123456789", {"number_sender"}),
        ("+33199001234", {"number_sender"}),
        ("0033199001234", {"number_sender"}),
        ("0937000000", {"number_sender"}),
        ("33639980001", {"number_sender", "mobile_sender"}),
        ("+33639980001", {"number_sender", "mobile_sender"}),
        ("0033639980001", {"number_sender", "mobile_sender"}),
        ("0639980001", {"number_sender", "mobile_sender"}),
        ("0739980001", {"number_sender", "mobile_sender"}),
        ("447700900123", {"number_sender", "mobile_sender"}),
        ("", set()),
        # malformed
        ("BanqueDuLittoral", {"alphanumeric_sender", "malformed_sender"}),
        ("Été", {"alphanumeric_sender", "malformed_sender"}),
        ("Été".encode().decode("latin-1"), {"alphanumeric_sender", "malformed_sender"}),
        ("Banque!", {"alphanumeric_sender", "malformed_sender"}),
        (" Banque", {"alphanumeric_sender", "malformed_sender"}),
        ("Banque ", {"alphanumeric_sender", "malformed_sender"}),
        ("La  Banque", {"alphanumeric_sender", "malformed_sender"}),
        ("Ban\x1bque", {"alphanumeric_sender", "malformed_sender"}),
        ("Banque\n", {"alphanumeric_sender", "malformed_sender"}),
        ("12", {"number_sender", "malformed_sender"}),
        ("1234567890123456", {"number_sender", "malformed_sender"}),
        ("06 39 98 00 01", {"number_sender", "malformed_sender", "mobile_sender"}),
        ("O639980001", {"alphanumeric_sender", "mobile_sender"}),
        ("38100\n", {"number_sender", "malformed_sender"}),
        ("٣٨١٠٠", {"number_sender", "malformed_sender"}),
        (" ", {"malformed_sender"}),
        ("+", {"malformed_sender"}),
        ("x" * 70_000, {"alphanumeric_sender", "malformed_sender"}),
        ("6" * 70_000, {"number_sender", "malformed_sender"}),
    ],
)  # fmt: skip
def test_what_a_sender_looks_like(sender: str, said: set[str]) -> None:
    assert facts(sender, found=index(reserved=())) == said


@pytest.mark.parametrize(
    ("sender", "ton", "npi", "malformed"),
    [
        ("Banque", 5, 0, False),
        ("Banque", 5, 1, True),
        ("38100", 5, 0, True),
        ("", 5, 0, True),
        ("Banque", 0, 0, False),
        ("Banque", 0, 1, False),
        ("Banque", 1, 1, True),
        ("Banque", 2, 1, True),
        ("Banque", 3, 0, True),
        ("33199001234", 1, 1, False),
        ("+33199001234", 1, 1, False),
        ("33199001234", 1, 0, False),
        ("33199001234", 1, 8, True),
        ("0199001234", 1, 1, True),
        ("0033199001234", 1, 1, True),
        ("38100", 1, 1, True),
        ("", 1, 1, True),
        ("0199001234", 2, 1, False),
        ("199001234", 2, 8, False),
        ("38100", 3, 0, False),
        ("38100", 6, 9, False),
        ("38100", 0, 0, False),
        ("", 0, 0, False),  # the SMSC puts the client's own
        ("38100", 7, 0, True),
        ("38100", 0, 2, True),
        ("38100", 255, 255, True),
    ],
)
def test_what_disagrees_with_its_type_is_malformed(sender: str, ton: int, npi: int, malformed: bool) -> None:
    assert ("malformed_sender" in facts(sender, source_type=bytes((ton, npi)))) == malformed
    assert "malformed_sender" not in facts(sender)


def test_a_national_number_is_a_mobile_without_its_zero() -> None:
    assert "mobile_sender" in facts("639980001", source_type=b"\2\1")
    assert "mobile_sender" in facts("7700900123", source_type=b"\2\1")
    assert "mobile_sender" not in facts("639980001", source_type=b"\0\1")
    assert "mobile_sender" not in facts("199001234", source_type=b"\2\1")


@given(
    st.text(max_size=40) | st.binary(max_size=40).map(lambda octets: octets.decode("latin-1")),
    st.just(b"") | st.binary(min_size=2, max_size=2),
)
def test_any_sender_is_of_one_kind_at_most_and_its_type_takes_nothing_away(sender: str, source_type: bytes) -> None:
    said = facts(sender, source_type=source_type)
    assert len(said & KIND) <= 1
    assert facts(sender) <= said


def with_senders(*conditions: str) -> RuleSet:
    return rule_set(
        *(rule(text, name=f"R-{i}") for i, text in enumerate(conditions)), ids=SenderIds(("INFO",), RESERVED)
    )


def test_a_rule_that_asks_for_the_sender_alone_is_answered_0x0a() -> None:
    assert with_senders("reserved_sender").check_text("Bonjour", "CreditAgric").status == 0x0A
    assert with_senders("malformed_sender and not client in [bank1]").check_text("Bonjour", " a").status == 0x0A
    assert with_senders("reserved_sender and link").check_text("voir https://a.example", "CreditAgric").status == 0x66


def test_a_fact_may_stand_beside_others() -> None:
    rules = with_senders("alphanumeric_sender and link and not client in [bank1]")
    assert rules.check_text("voir https://a.example", "Banque").refused
    assert not rules.check_text("voir https://a.example", "38100").refused
    assert not rules.check_text("Bonjour", "Banque").refused
    assert not rules.check_text("voir https://a.example", "Banque", "bank1").refused


def test_what_a_client_may_use_is_no_lookalike() -> None:
    ids = SenderIds((), (ReservedSender("AmeliInfo", ("cnam",)),))
    ameli = brand("ameli", "Ameli", whole=["ameliinfo"], senders=["Ameli"])
    rules = rule_set(ameli, rule("lookalike(ameli)", Action.FLAG), ids=ids)
    assert rules.check_text("Bonjour", "AmeliInfo").rules
    assert not rules.check_text("Bonjour", "AmeliInfo", "cnam").rules


def test_explain_says_which_id_is_resembled() -> None:
    why = explain(with_senders("similar_sender"), (Reading.of_text("Bonjour"),), "Cred1tAgric")
    assert why.resembled == ("CreditAgric",)
    assert "similar_sender" in why.readings[0].facts
    assert why.verdict.status == 0x0A
