"""What is allowed by hand is taken for harmless, and whatever stands beside it is judged as ever."""

from __future__ import annotations

from typing import Any

import pytest

from smsgate.policy import Policy
from smsgate.rules.allowances import NOTHING, Allowances
from smsgate.rules.compile import compile_packs
from smsgate.rules.verdict import Verdict
from smsgate.smpp.constants import Command
from tests import pdus
from tests.packs import LimitKey, brand, limit, pack, rule, rule_set

HOSTS = Allowances(hosts=frozenset({"cpf-suivi.example"}))
NUMBERS = Allowances(numbers=frozenset({"33639980001"}))


def policy(*entries: Any, allowed: Allowances = NOTHING, **fields: Any) -> Policy:
    made = Policy(rule_set(*entries, **fields))
    made.allow(allowed)
    return made


def judge(policy: Policy, text: str, client: str = "bank1", sender: bytes = b"38100", esm_class: int = 0) -> Verdict:
    made = pdus.submit_sm(text.encode("latin-1"), source=sender, esm_class=esm_class)
    return policy.decide_pdu(Command.SUBMIT_SM, made, 0, len(made), policy.client(client), 1000.0)


@pytest.mark.parametrize(
    "condition", ["foreign_link", "lookalike(cpf)", "link_host in bad", "bait_host", "impersonates(cpf)"]
)
def test_an_allowed_host_is_harmless_and_another_one_beside_it_is_not(condition: str) -> None:
    cpf = brand("cpf", "CPF", with_bait=["cpf"], domains=["cpf.example"])
    of_bait = condition == "bait_host"
    host, other = ("my-file.example", "file-my.example") if of_bait else ("cpf-file.example", "my-cpf.example")
    made = policy(cpf, rule(condition), sets={"bait": ["my", "file"]}, domains={"bad": [host, other]})
    assert judge(made, f"votre CPF https://{host}/x").refused
    made.allow(Allowances(hosts=frozenset({host})))
    assert not judge(made, f"votre CPF https://{host}/x").refused
    assert not judge(made, f"votre CPF https://a.{host}/x").refused
    assert judge(made, f"votre CPF https://{host}/x https://{other}").refused
    assert judge(made, f"votre CPF https://{host}@{other}").refused
    made.allow(NOTHING)
    assert judge(made, f"votre CPF https://{host}/x").refused


def test_an_allowed_host_is_still_a_link_and_nobodys_official_one() -> None:
    cpf = brand("cpf", "CPF", domains=["cpf.example"])
    made = policy(cpf, rule("link and not official(cpf)"), allowed=HOSTS)
    assert judge(made, "https://cpf-suivi.example").refused


def test_a_brands_own_site_still_shows_the_brand_when_it_is_allowed() -> None:
    cpf = brand("cpf", "CPF", domains=["cpf.example"])
    made = policy(cpf, rule("names(cpf)"), allowed=Allowances(hosts=frozenset({"cpf.example"})))
    assert judge(made, "https://cpf.example et https://other.example").refused


def test_an_allowed_number_is_no_foreign_mobile_or_premium_one_and_another_is() -> None:
    bank = brand("bank", "Bank", phones=["01 99 00 12 34"])
    for condition in ("foreign_phone(bank)", "mobile_number"):
        made = policy(bank, rule(condition), rule("phone", name="R-2"), allowed=NUMBERS)
        assert [hit.id for hit in judge(made, "Bank: appelez le 06 39 98 00 01").rules] == ["R-2"]
        assert len(judge(made, "Bank: appelez le 06 39 98 00 01 ou 06 39 98 00 02").rules) == 2


def test_an_allowed_rule_monitors_and_others_act() -> None:
    made = policy(rule("link"), rule("phone", name="R-2"), allowed=Allowances(rules=frozenset({"R-1"})))
    verdict = judge(made, "https://a.example")
    assert (verdict.refused, [hit.id for hit in verdict.monitored]) == (False, ["R-1"])
    verdict = judge(made, "https://a.example 06 39 98 00 01")
    assert (verdict.refused, verdict.rules[0].id) == (True, "R-2")


def test_an_allowed_limit_monitors() -> None:
    made = policy(limit(LimitKey.CLIENT, 1), allowed=Allowances(rules=frozenset({"L-1"})))
    verdicts = [judge(made, "Bonjour") for _ in range(3)]
    assert not any(verdict.refused for verdict in verdicts)
    assert [hit.id for hit in verdicts[-1].monitored] == ["L-1"]


def test_rules_only_monitor_for_an_allowed_sender_of_that_client_alone() -> None:
    made = policy(rule("link"), allowed=Allowances(senders=frozenset({("bank1", "mybank")})))
    assert not judge(made, "https://a.example", sender=b"My Bank").refused
    assert not judge(made, "https://a.example", sender=b"My Bank", client="BANK1").refused
    assert judge(made, "https://a.example", sender=b"My Bank", client="bank2").refused
    assert judge(made, "https://a.example", sender=b"Other").refused


def test_what_is_allowed_outlives_a_reload_and_a_message_that_was_refused_in_parts() -> None:
    made = policy(rule("foreign_link"))
    part = "\5\0\3\7\2\1voir https://cpf-suivi.example/x pour la suite"
    assert judge(made, part, esm_class=0x40).refused
    made.allow(HOSTS)
    assert not judge(made, part, esm_class=0x40).refused
    made.use(compile_packs([pack(rule("foreign_link"))]))
    assert not judge(made, "https://cpf-suivi.example").refused
    assert judge(made, "https://cpf-suivi.invalid").refused
