"""Explanations: each fact with the place in the text that made it true, in whatever disguise it stands."""

from __future__ import annotations

import pytest

from smsgate.rules.explain import Told, explain
from smsgate.text.reading import Reading
from tests.packs import LimitKey, brand, limit, rule, rule_set

RULES = rule_set(
    brand("post", "Chronopost", anywhere=["chronopost"], domains=["chronopost.fr"]),
    rule("words or names(post) or (mixed_script and link) or lookalike(post) or official(post)"),
    sets={"words": ["carte vitale", "colis"]},
)


def told(text: str) -> Told:
    (reading,) = explain(RULES, (Reading.of_text(text),)).readings
    return reading


@pytest.mark.parametrize(
    ("text", "fact", "shown"),
    [
        ("Votre cаrte vitale !", "words", "cаrte vitale"),
        ("Votre c4rte v1tale !", "words", "c4rte v1tale"),
        ("Votre C A R T E   V I T A L E !", "words", "C A R T E   V I T A L E"),
        ("Votre c a r t e v i t a l e !", "words", "c a r t e v i t a l e"),
        ("Le c.o.l.i.s est là", "words", "c.o.l.i.s"),
        ("Le coIis est là", "words", "coIis"),
        ("Suivi chronoppost ici", "names(post)", "chronoppost"),
        ("Le \u202esiloc\u202c est là", "words", "siloc"),
        ("Voir pay. com pour le c0lis", "words", "c0lis"),
    ],
)
def test_spans_lie_where_the_word_is_in_the_text_as_it_was_given(text: str, fact: str, shown: str) -> None:
    found = told(text)
    assert found.verdict.refused
    assert found.text == text
    assert shown in [text[span.start : span.end] for span in found.spans if span.fact == fact]
    assert fact in found.facts


def test_facts_without_a_span_are_told_too() -> None:
    found = told("cаrte, voir http://pay.example")
    assert {"mixed_script", "link", "foreign_link"} <= set(found.facts)
    assert found.spans == ()
    assert [site.link.host for site in found.sites] == ["pay.example"]


def test_a_host_is_no_name_in_disguise() -> None:
    assert "names(post)" not in told("voir http://chr0nopost.example/chr0nopost").facts


def test_a_name_is_told_where_it_counts_and_not_inside_of_a_host() -> None:
    text = "Chronopost : voir http://www.chronopost.example/x"
    assert [(span.start, span.end) for span in told(text).spans if span.fact == "names(post)"] == [(0, 10)]


@pytest.mark.parametrize(
    "text",
    [
        "Voir http://pay[.]example/a puis",
        "Voir http://\uff30\uff41\uff59\u3002example/a puis",
        "e\u0301te\u0301 \U0001f600 http://pay.ex\u200bample/a",
        "\u202ea/elpmaxe.yap//:ptth\u202c",
    ],
)
def test_links_lie_where_they_were_written(text: str) -> None:
    (site,) = told(text).sites[-1:]
    assert site.domain == "pay.example"
    assert site.facts == ("foreign_link",)
    written = text[site.start : site.end]
    assert written.startswith(("http", "a/elp"))
    assert written.endswith(("/a", "ptth"))


def test_a_site_says_whose_it_is_and_whom_it_imitates() -> None:
    sites = told("http://www.chronopost.fr/a http://chronopost-frais.example").sites
    assert [(site.domain, site.facts) for site in sites] == [
        ("chronopost.fr", ("official(post)", "the site of post")),
        ("chronopost-frais.example", ("foreign_link", "lookalike(post)")),
    ]


def test_views_are_those_that_differ() -> None:
    assert told("Bonjour, le colis").views == ()
    views = {view.name: view.text for view in told("Le c0lis est l\u00e0 : pay[.]example").views}
    assert views["plain"] == "Le c0lis est l\u00e0 : pay.example"
    assert views["undisguised"].startswith("le colis est la")
    shown = {view.name: view.text for view in told("Le \u202esiloc\u202c ici").views}
    assert "colis" in shown["shown"]


def test_numbers_are_told_with_their_place() -> None:
    rules = rule_set(rule("premium_number or mobile_number"))
    text = "Appelez le 08 99 00 00 01 ou 06 39 98 00 01"
    found = explain(rules, (Reading.of_text(text),)).readings[0]
    assert [(span.fact, text[span.start : span.end]) for span in found.spans if span.fact != "phone"] == [
        ("premium_number", "08 99 00 00 01"),
        ("mobile_number", "06 39 98 00 01"),
    ]


def test_limits_that_would_count_the_message() -> None:
    rules = rule_set(
        limit(LimitKey.SENDER, 5, name="L-1"),
        limit(LimitKey.SENDER, 5, name="L-2", condition="link"),
        limit(LimitKey.LINK_HOST, 5, name="L-3"),
        limit((LimitKey.CLIENT, LimitKey.PHONE), 5, name="L-4"),
        limit(LimitKey.TEMPLATE, 5, name="L-5"),
    )
    for text, names in (
        ("Bonjour", ["L-1"]),
        ("http://pay.example", ["L-1", "L-2", "L-3"]),
        ("Appelez le 01 99 00 12 34", ["L-1", "L-4"]),
        ("Votre conseiller vous rappelle demain", ["L-1", "L-5"]),
    ):
        assert [entry.id for entry in explain(rules, (Reading.of_text(text),)).limits] == names


def test_each_reading_has_a_verdict_of_its_own() -> None:
    readings = (Reading.of_text("Bonjour", "gsm7"), Reading.of_text("Le colis", "latin1"))
    why = explain(RULES, readings)
    assert why.verdict.refused
    assert [told.verdict.refused for told in why.readings] == [False, True]
    assert why.rules[0].sight.reading == 1
