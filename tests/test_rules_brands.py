"""Who a host, a path, a userinfo or a sender pretends to be; and what makes it genuine."""

from __future__ import annotations

import pytest

from smsgate.rules.engine import RuleSet
from tests.packs import Action, brand, pack, rule, rule_set

BRANDS = [
    brand(
        "cpf",
        "mon compte formation",
        "CPF",
        anywhere=["moncompteformation"],
        with_bait=["cpf", "formation"],
        domains=["moncompteformation.gouv.fr"],
    ),
    brand(
        "ameli", "Ameli", "Assurance Maladie", with_bait=["ameli"], domains=["ameli.fr"], senders=["AMELI", "Assurance"]
    ),
    brand("orange", "Orange", company=["facture", "forfait"], with_bait=["orange"], domains=["orange.fr"]),
    brand(
        "agricole",
        "Crédit Agricole",
        group="banks",
        anywhere=["creditagricole"],
        with_bait=["ca"],
        domains=["credit-agricole.fr"],
        senders=["CreditAgric"],
    ),
    brand("post", "Chronopost", group="parcels", anywhere=["chronopost"], whole=["dpd"], domains=["chronopost.fr"]),
]
RULES = [
    rule(f"{predicate}({one.name})", Action.FLAG, f"{predicate} {one.name}")
    for one in BRANDS
    for predicate in ("names", "lookalike", "official", "impersonates")
]


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return rule_set(
        *BRANDS,
        *RULES,
        rule("foreign_link", Action.FLAG, "foreign"),
        sets={"bait": ["compte", "mon", "connexion", "client", "gouv", "fr", "santé", "dossier", "suivi"]},
        domains={"trusted": ["youtube.com", "pay.fr"]},
    )


def said(rules: RuleSet, text: str, sender: str = "") -> set[str]:
    return {entry.id for entry in rules.check_text(text, sender).rules}


def carried(rules: RuleSet, text: str, sender: str = "") -> set[str]:
    """The brands of which there is a look-alike."""
    found = said(rules, text, sender)
    return {name.removeprefix("lookalike ") for name in found if name.startswith("lookalike ")}


@pytest.mark.parametrize(
    ("text", "brands"),
    [
        ("Votre CPF expire", {"cpf"}),
        ("Votre C.P.F. expire", {"cpf"}),
        ("Mon Compte Formation : solde", {"cpf"}),
        ("L’ASSURANCE-MALADIE vous informe", {"ameli"}),
        ("CREDIT AGRICOLE et Améli", {"agricole", "ameli"}),
        ("voir https://www.ameli.fr/cpf", {"cpf"}),
        ("voir https://cpf.evil.com", set()),
        ("voir ameli.fr ou chronopost.fr", set()),
        ("Ameli : voir ameli.fr", {"ameli"}),
        ("une orange et une pomme", set()),
        ("Orange : votre facture", {"orange"}),
        ("la facture", set()),
    ],
)
def test_names_are_looked_for_outside_of_hosts(rules: RuleSet, text: str, brands: set[str]) -> None:
    found = said(rules, text)
    assert {one.name for one in BRANDS if f"names {one.name}" in found} == brands


@pytest.mark.parametrize(
    ("link", "brands"),
    [
        # anywhere: glued, hyphenated, over labels, with one slip
        ("moncompteformation.com", {"cpf"}),
        ("mon-compte-formation-fr.com", {"cpf"}),
        ("www-moncompteformation.info", {"cpf"}),
        ("moncompteformation.gouv-fr.info", {"cpf"}),
        ("suivichronpost.fr", {"post"}),
        ("chronnopost-livraison.fr", {"post"}),
        ("chornopost.fr", {"post"}),
        ("chronoposte.fr", {"post"}),
        ("creditagricole-secure.com", {"agricole"}),
        ("moncompteforrnation.com", {"cpf"}),
        ("moncompteformatio.com", {"cpf"}),
        ("credit.agricole.evil.com", {"agricole"}),
        # whole: a part of its own
        ("dpd-colis.com", {"post"}),
        ("suivi.dpd.evil.com", {"post"}),
        ("dpd24.com", {"post"}),
        ("adpdata.com", set()),
        # with_bait: beside or glued to a bait word
        ("ameli-sante.fr", {"ameli"}),
        ("amelisante.fr", {"ameli"}),
        ("ameli.fr.session-x.com", {"ameli"}),
        ("ameli-gouv.com", {"ameli"}),
        ("moncomptecpf.com", {"cpf"}),
        ("cpf-dossier.com", {"cpf"}),
        ("ca-client.com", {"agricole"}),
        ("mon-ca.com", {"agricole"}),
        ("amelie-fleurs.com", set()),
        ("ameli-boutique.com", set()),
        ("camail-client.com", set()),
        ("clientca.com", set()),
        ("formation-anglais.com", set()),
        ("orangerie-mon-jardin.fr", set()),
        # look-alike letters, IDN, digits for letters
        ("аmeli-sante.fr", {"ameli"}),
        ("améli-santé.fr", {"ameli"}),
        ("ame1i-sante.fr", {"ameli"}),
        ("ame1i-5ante.fr", {"ameli"}),
        ("chr0nopost.fr", {"post"}),
        ("m0nc0mptef0rmati0n.fr", {"cpf"}),
        # userinfo and path
        ("https://ameli-client@evil.com", {"ameli"}),
        ("https://www.chronopost.fr@evil.com/x", {"post"}),
        ("https://evil.com/ameli-sante/x", {"ameli"}),
        ("https://evil.com/chronopost", {"post"}),
        ("https://evil.com/x?page=moncompteformation", {"cpf"}),
        ("https://evil.com/mon-compte-formation", {"cpf"}),
        ("https://evil.com/chrono_post", {"post"}),
        ("https://evil.com/améli-sante", {"ameli"}),
        ("https://evil.com/a/b.html?id=12", set()),
        ("https://blog.com/chronopost-attention-aux-arnaques-par-sms", set()),
        # what is really theirs
        ("www.ameli.fr", set()),
        ("https://assure.ameli.fr/sante/mon-compte", set()),
        ("moncompteformation.gouv.fr", set()),
        ("https://youtube.com/chronopost", set()),
        ("autre.gouv.fr", set()),
        ("pomme.com", set()),
    ],
)
def test_lookalike_links(rules: RuleSet, link: str, brands: set[str]) -> None:
    assert carried(rules, f"Voir {link} merci") == brands


@pytest.mark.parametrize(
    ("sender", "brands"),
    [
        ("AMELI", set()),
        ("Ameli", set()),
        ("AMEL1", {"ameli"}),
        ("ASSURANCE MALADIE", {"ameli"}),
        ("Assurance", set()),
        ("AMELI-CLIENT", {"ameli"}),
        ("CREDITAGRICOLE", {"agricole"}),
        ("CreditAgric", set()),
        ("Cred1tAgricole", {"agricole"}),
        ("CHRONOPOST", set()),  # its sender ids are not known
        ("0639980001", set()),
        ("36034", set()),
        ("", set()),
    ],
)
def test_lookalike_senders(rules: RuleSet, sender: str, brands: set[str]) -> None:
    assert carried(rules, "Bonjour", sender) == brands


@pytest.mark.parametrize(
    ("text", "official", "foreign"),
    [
        ("ameli.fr", True, False),
        ("https://assure.ameli.fr/mon-compte?x=1", True, False),
        ("ameli.fr et assure.ameli.fr", True, False),
        ("AMELI.FR", True, False),
        ("ameli.fr et evil.com", False, True),
        ("ameli.fr et youtube.com", False, False),
        ("ameli.fr et orange.fr", False, False),
        ("https://moi@ameli.fr", False, False),
        ("https://ameli.fr@evil.com", False, True),
        ("https://ameli.fr%2f@evil.com", False, True),
        ("https://ameli.fr/?u=https://evil.com", False, True),
        ("https://ameli.fr/?u=https://ameli.fr/x", True, False),
        ("https://ameli.fr/?u=https://ameli.fr/?v=https://evil.com", False, True),
        ("https://ameli.fr/r?to=evil.com", False, True),
        ("ameli.fr.evil.com", False, True),
        ("notameli.fr", False, True),
        ("http://192.0.2.1/ameli.fr", False, True),
        ("youtube.com/x", False, False),
        ("www.pay.fr", False, False),
        ("pas de lien", False, False),
        ("ameli.fr " * 80 + "evil.com", False, True),
    ],
)
def test_official_means_every_link_and_foreign_means_some(
    rules: RuleSet, text: str, official: bool, foreign: bool
) -> None:
    found = said(rules, text)
    assert ("official ameli" in found, "foreign" in found) == (official, foreign)


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("Ameli : carte expirée", False),
        ("Ameli : voir ameli.fr", False),
        ("Ameli : voir youtube.com", False),
        ("Ameli : voir evil.com", True),
        ("Ameli : voir ameli.fr ou evil.com", True),
        ("voir ameli-sante.fr", True),
        ("voir evil.com", False),
    ],
)
def test_impersonates(rules: RuleSet, text: str, hit: bool) -> None:
    assert ("impersonates ameli" in said(rules, text)) is hit


@pytest.mark.parametrize(
    ("target", "text", "hit"),
    [
        ("any", "voir chronopost.evil.com", True),
        ("@banks", "voir chronopost.evil.com", False),
        ("@parcels", "voir chronopost.evil.com", True),
        ("@banks", "voir mon-ca.com", True),
        ("any", "voir evil.com", False),
    ],
)
def test_targets(target: str, text: str, hit: bool) -> None:
    rules = rule_set(*BRANDS, rule(f"lookalike({target})"), sets={"bait": ["mon"]})
    assert rules.check_text(text).refused is hit


def test_domains_are_compared_as_they_are_written_in_links() -> None:
    rules = rule_set(
        rule("link_host in bad", Action.FLAG, "list"),
        rule("link_host in [Thé.fr]", Action.FLAG, "inline"),
        domains={"bad": ["Été.com."]},
    )
    assert said(rules, "http://www.été.com/x") == {"list"}
    assert said(rules, "maison.thé.fr") == {"inline"}
    assert said(rules, "the.fr et ete.com") == set()


def test_bait_words_and_trusted_lists_of_all_packs_count() -> None:
    from smsgate.rules.compile import compile_packs

    rules = compile_packs(
        [
            pack(*BRANDS, rule("lookalike(ameli)", name="R-1"), rule("foreign_link", name="R-2"), name="one"),
            pack(name="two", sets={"bait": ["santé"]}, domains={"trusted": ["pay.fr"]}),
        ]
    )
    assert said(rules, "voir ameli-sante.fr") == {"R-1", "R-2"}
    assert said(rules, "voir pay.fr") == set()


def test_long_parts_hide_nothing(rules: RuleSet) -> None:
    assert carried(rules, f"http://ameli-client-{'a' * 80}@evil.com") == {"ameli"}


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("http://192.0.2.1/a", {"ip_link"}),
        ("http://3232235521/a", {"ip_link"}),
        ("http://[2001:db8::1]/a", {"ip_link"}),
        ("https://mon-dossier.com", {"bait_host"}),
        ("https://suiviclient.fr/a", {"bait_host"}),
        ("https://www.mon-compte.invalid", {"bait_host"}),
        ("https://mon-compte-12.fr", {"bait_host"}),
        ("https://client.fr", set()),
        ("https://mon-dossier.jardin.fr", set()),
        ("https://mon-jardin.fr", set()),
        ("https://12.fr", set()),
        ("https://youtube.com", set()),
    ],
)
def test_a_host_that_is_an_address_or_nothing_but_bait(link: str, found: set[str]) -> None:
    facts = rule_set(
        rule("ip_link", Action.FLAG, "ip_link"),
        rule("bait_host", Action.FLAG, "bait_host"),
        sets={"bait": ["compte", "mon", "client", "dossier", "suivi"]},
        domains={"trusted": ["youtube.com"]},
    )
    assert {hit.id for hit in facts.check_text(f"voir {link}").rules} == found


def test_what_a_host_is_can_be_asked_for_by_itself(rules: RuleSet) -> None:
    assert rules.lookalikes("cpf-client.fr") == ("lookalike(cpf)",)
    assert rules.lookalikes("ameli.fr") == ()
    assert rules.is_foreign("jardin.fr")
    assert not rules.is_foreign("ameli.fr")
    assert not rules.is_foreign("youtube.com")


def test_a_whole_token_may_be_parted_once() -> None:
    rules = rule_set(brand("post", "La Poste", whole=["laposte"]), rule("lookalike(post)"))
    assert rules.check_text("voir https://la-poste.example").refused
    assert not rules.check_text("voir https://la-pos-te.example").refused
    assert not rules.check_text("voir https://xlaposte.example").refused
