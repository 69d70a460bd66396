"""Explanations: each fact with the place in the text that made it true, in whatever disguise it stands."""

from __future__ import annotations

import pytest

from smsgate.rules.explain import explain
from tests.packs import brand, rule, rule_set

RULES = rule_set(
    brand("post", "Chronopost"),
    rule("words or names(post) or (mixed_script and link)"),
    sets={"words": ["carte vitale", "colis"]},
)


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
        ("Le \u202esiloc\u202c est là", "words", "colis"),
        ("Voir pay. com pour le c0lis", "words", "c0lis"),
    ],
)
def test_spans_lie_where_the_word_is(text: str, fact: str, shown: str) -> None:
    found = explain(RULES, text)
    assert found.verdict.refused
    assert shown in [found.text[span.start : span.end] for span in found.spans if span.fact == fact]
    assert fact in found.facts


def test_facts_without_a_span_are_told_too() -> None:
    found = explain(RULES, "cаrte, voir http://pay.example")
    assert {"mixed_script", "link", "foreign_link"} <= set(found.facts)
    assert found.spans == ()
    assert [link.host for link in found.links] == ["pay.example"]


def test_a_host_is_no_name_in_disguise() -> None:
    assert "names(post)" not in explain(RULES, "voir http://chr0nopost.example/chr0nopost").facts
