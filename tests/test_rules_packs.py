"""The packs that ship: they load, they stop what they are for, and nothing genuine is refused."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path

import pytest

from smsgate.cli.traffic import SAMPLES, Sample
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Action, Mode
from smsgate.text.normalize import fold
from tests.packs import shipped

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("DATA", ROOT.parent / "shared" / "data"))
GENUINE_SOURCES = ("gov_justice", "gov_rdv", "otphelper", "otp_parse", "bank_sms", "keycloak", "88milsms")
FAMILY_WORDS = (" cpf ", " c p f ", " dif ", " d i f ", " ameli ", " assurance maladie ", " carte vitale ", " cpam ")
MISTAKEN = 3
"""Legitimate and advertising messages of the development sample that may be refused, of 6,005: docs/detection.md lists them."""
FRENCH_RECALL = 0.88
POPULAR_PER_MISTAKE = 5_000
FAMILY_RECALL = 0.9
"""Share of the scams in the development sample that name CPF or Ameli and must be blocked; 0.98 when this was written."""

needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no real messages to measure with: put the data beside the checkout, at {DATA}"
)


@pytest.fixture(scope="module", name="rules")
def _rules() -> RuleSet:
    return shipped()


@cache
def _messages() -> tuple[dict[str, str], ...]:
    files = sorted((DATA / "messages").glob("*.jsonl"))
    # Not splitlines: some texts hold other line ends (U+0085), which JSON does not escape.
    return tuple(json.loads(line) for file in files for line in file.read_text(encoding="utf-8").split("\n") if line)


def _refused(rules: RuleSet, messages: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Id of each refused message and of the rule that did it; no text, so that none ends up in a log of CI."""
    verdicts = [(each["id"], rules.check_text(each["text"], each.get("sender") or "")) for each in messages]
    return [(name, verdict.rules[0].id) for name, verdict in verdicts if verdict.refused]


def test_the_packs_load_with_every_example_as_it_should_be(rules: RuleSet) -> None:
    """`load_rules` runs the examples; here: there are some, and the rules say what they are for."""
    assert len(rules.rules) > 50
    for rule in rules.rules:
        assert re.fullmatch(r"(?:FR|EN|GEN)-[A-Z]+-\d{3}", rule.id)
        assert rule.why, f"{rule.id} does not say why"
        assert len(rule.matches) + len(rule.passes) >= 3, f"{rule.id} has too few examples"
        if rule.action is Action.BLOCK:
            assert len(rule.passes) >= 2, f"{rule.id} blocks, and shows too little of what it must pass"


def test_nothing_that_only_names_a_brand_beside_a_link_is_more_than_counted(rules: RuleSet) -> None:
    watching = [rule for rule in rules.rules if rule.mode is Mode.MONITOR]
    assert watching
    assert all(rule.action is Action.FLAG for rule in watching)


@pytest.mark.parametrize("sample", [sample for sample in SAMPLES if sample.scam], ids=lambda sample: sample.text[:40])
def test_every_scam_of_the_sample_traffic_is_blocked(rules: RuleSet, sample: Sample) -> None:
    assert rules.check_text(sample.text, sample.sender).action is Action.BLOCK


@pytest.mark.parametrize(
    "sample", [sample for sample in SAMPLES if not sample.scam], ids=lambda sample: sample.text[:40]
)
def test_every_genuine_message_of_the_sample_traffic_passes_without_a_flag(rules: RuleSet, sample: Sample) -> None:
    assert rules.check_text(sample.text, sample.sender).rules == ()


@pytest.mark.parametrize(
    "link",
    [
        "https://ameli-renouvellement.example",
        "https://www.ameli.fr.mon-espace-82.example/login",
        "https://ameli.fr@espace-82.example",
        "https://cartevitale-commande.example",
        "https://assurance-maladle.example",
        "https://AMEL1-sante.example",
        "https://xn--amli-gouv-c4a.example",
        "https://mon-compte-formation.example",
        "https://droitscpf.example",
        "hxxps://infocpf[.]fr/droits",
    ],
)
def test_a_site_that_poses_as_an_official_one_is_blocked_whatever_the_text(rules: RuleSet, link: str) -> None:
    assert rules.check_text(f"Voir {link}").action is Action.BLOCK


@pytest.mark.parametrize(
    "link",
    [
        "https://assure.ameli.fr/PortailAS",
        "https://www.moncompteformation.gouv.fr/espace-prive/html/",
        "https://amelie-photo.example",
        "https://energie-vitale.example",
        "https://formation-cuisine.example",
        "https://journal.example/economie/mon-compte-formation-ce-qui-change-en-janvier",
        "https://www.service-public.fr/particuliers/vosdroits/F10705",
    ],
)
def test_a_site_that_only_sounds_alike_passes(rules: RuleSet, link: str) -> None:
    assert not rules.check_text(f"Voir {link}").refused


def _lines(name: str) -> list[str]:
    lines = (ROOT / "tests" / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("text", _lines("genuine_fr.txt"))
def test_what_companies_and_offices_really_send_passes(rules: RuleSet, text: str) -> None:
    assert not rules.check_text(text).refused


@pytest.mark.parametrize("text", _lines("scams_fr.txt"))
def test_a_scam_in_other_words_than_the_examples_is_blocked(rules: RuleSet, text: str) -> None:
    assert rules.check_text(text).action is Action.BLOCK


def test_the_official_link_beside_a_foreign_one_does_not_save_a_scam(rules: RuleSet) -> None:
    text = "Remboursement de 120 euros en attente, formulaire sur https://f.example/120 (www.ameli.fr)"
    assert rules.check_text(text).action is Action.BLOCK


def test_a_sender_name_of_the_assurance_maladie_is_worth_nothing_beside_a_foreign_link(rules: RuleSet) -> None:
    for sender in ("ameli", "AMELI", "CPAM", "AMEL1"):
        assert rules.check_text("Document : https://document-4471.example", sender).refused, sender
        assert not rules.check_text("Document : https://assure.ameli.fr", sender).refused, sender


@needs_data
@pytest.mark.parametrize("source", GENUINE_SOURCES)
def test_no_genuine_message_of_the_development_sample_is_refused(rules: RuleSet, source: str) -> None:
    messages = [message for message in _messages() if message["source"] == source]
    assert messages, f"the sample no longer holds {source}"
    assert _refused(rules, messages) == []


@needs_data
def test_next_to_nothing_honest_in_the_development_sample_is_refused(rules: RuleSet) -> None:
    messages = [message for message in _messages() if message["label"] in {"legit", "marketing"}]
    assert len(messages) > 5000
    assert len(_refused(rules, messages)) <= MISTAKEN


@needs_data
def test_the_families_of_scams_that_the_packs_are_for_are_stopped(rules: RuleSet) -> None:
    scams = [message for message in _messages() if message["label"] == "scam" and message["lang"] == "fr"]
    family = [scam for scam in scams if any(word in fold(scam["text"]) for word in FAMILY_WORDS)]
    assert len(family) > 30
    assert len(_refused(rules, family)) >= FAMILY_RECALL * len(family)


@needs_data
def test_french_scams_of_the_development_sample_are_stopped(rules: RuleSet) -> None:
    scams = [message for message in _messages() if message["label"] == "scam" and message["lang"] == "fr"]
    assert len(_refused(rules, scams)) >= FRENCH_RECALL * len(scams)


@needs_data
def test_hardly_a_popular_domain_is_taken_for_a_look_alike(rules: RuleSet) -> None:
    domains = (DATA / "lists" / "popular_domains.txt").read_text(encoding="utf-8").split()
    assert len(domains) > 10_000
    mistaken = [domain for domain in domains if rules.lookalikes(domain)]
    assert len(mistaken) <= len(domains) / POPULAR_PER_MISTAKE, mistaken
