"""Conditions part by part: by the tests that the verdict rests on, with what showed each part, and the nearest misses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smsgate.rules.condition import parse
from smsgate.rules.describe import describe
from smsgate.rules.engine import RuleSet
from smsgate.rules.explain import explain
from smsgate.rules.model import Exemption, Rule
from smsgate.rules.reasons import MAX_CAUSES, Part, Sight, Tried, tree, tried
from smsgate.text.reading import Reading
from tests.packs import HERE, brand, rule, rule_set

WORDS = ["alpha", "beta", "gamma", "delta"]
SETS = {"a": ["alpha"], "b": ["beta", "bêta"], "c": ["gamma"], "d": ["delta"]}
BRANDS = [
    brand("post", "Chronopost", domains=["chronopost.fr"], phones=["01 99 00 12 34"]),
    brand("bank", "Banque Postale", group="banks"),
]


def rules_of(*conditions: str | Rule) -> RuleSet:
    made = [rule(each, name=f"R-{number}") if isinstance(each, str) else each for number, each in enumerate(conditions)]
    return rule_set(*BRANDS, *made, sets=SETS, domains={"seen": ["pay.example"]}, senders={"ours": ["Ameli"]})


def tries(rules: RuleSet, text: str, sender: str = "") -> dict[str, Tried]:
    return {each.rule.id: each for each in explain(rules, (Reading.of_text(text),), sender).rules}


def part(rules: RuleSet, text: str, sender: str = "") -> Part:
    return tree(tries(rules, text, sender)["R-0"], rules.labels)


terms = st.recursive(
    st.sampled_from(["a", "b", "c", "d", "link", "foreign_link", "names(post)", "links >= 2", "sender in ours"]),
    lambda inner: st.one_of(
        inner.map(lambda term: f"not ({term})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: f"({' and '.join(each)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: f"({' or '.join(each)})"),
        st.lists(inner, min_size=3, max_size=4).map(lambda each: f"2 of ({', '.join(each)})"),
    ),
    max_leaves=8,
)
texts = st.lists(
    st.sampled_from(
        [*WORDS, "Chronopost", "http://pay.example/x", "http://www.chronopost.fr/x", "alpha\u200bbet", "d3lta"]
    )
).map(" ".join)


@given(terms, texts, st.sampled_from(["", "Ameli"]))
def test_the_root_holds_where_the_rule_hits(condition: str, text: str, sender: str) -> None:
    rules = rules_of(condition)
    attempt = tries(rules, text, sender)["R-0"]
    hit = rules.check_text(text, sender).refused
    assert attempt.hits is hit
    root = tree(attempt, rules.labels)
    assert root.holds is hit
    _assert_sound(root)
    assert root.text == describe(parse(condition))


@given(terms, st.integers(0, (1 << 48) - 1), st.integers(0, (1 << 48) - 1))
def test_while_parts_are_missing_what_may_excuse_yet_is_asked_for_under_not(
    condition: str, bits: int, excuses: int
) -> None:
    rules = rules_of(condition)
    (attempt,) = tried(rules.compiled_rules, [Sight(0, bits, bits | excuses, {})])
    assert attempt.hits is attempt.entry.test(bits, bits | excuses)
    root = tree(attempt, rules.labels)
    assert root.holds is attempt.hits
    _assert_sound(root)


def test_an_excuse_that_may_come_yet_is_told_without_words() -> None:
    rules = rules_of("a and not official(post)")
    bits = {label: bit for bit, label in rules.labels.items()}
    sight = Sight(0, bits["a"], bits["a"] | bits["official(post)"], {bits["a"]: ("alpha",)})
    (attempt,) = tried(rules.compiled_rules, [sight])
    assert [(inner.holds, inner.causes) for inner in tree(attempt, rules.labels).parts] == [
        (True, (("a", ("alpha",)),)),
        (False, (("official(post)", ()),)),
    ]


def _assert_sound(root: Part) -> None:
    """What stands over the parts follows from them."""
    held = [inner.holds for inner in root.parts]
    if root.kind == "not":
        assert root.holds is not held[0]
    elif root.parts:
        needed = {"all of": len(held), "any of": 1}.get(root.kind) or int(root.kind.partition(" ")[0])
        assert root.holds is (sum(held) >= needed)
    for inner in root.parts:
        _assert_sound(inner)


def test_a_part_says_what_showed_it() -> None:
    rules = rules_of("b and link_host in seen and sender in ours and impersonates(any) and not official(post)")
    found = part(rules, "Chronopost : b\u00eat\u0430 http://pay.example/x", sender="ameli")
    told = {inner.text: dict(inner.causes) for inner in found.parts}
    assert found.holds
    assert told == {
        "b": {"b": ("b\u00eat\u0430",)},
        "link_host in seen": {"link_host in seen": ("pay.example",)},
        "sender in ours": {"sender in ours": ("ameli",)},
        "impersonates(any)": {"foreign_link": ("pay.example",), "names(post)": ("Chronopost",)},
        "not official(post)": {},
    }


def test_a_score_is_told_by_the_words_that_make_it() -> None:
    rules = rule_set(rule("score(signs) >= 3", name="R-0"), sets={"signs": {"urgent": 2, "alpha*": 2, "merci": -1}})
    found = part(rules, "Urgent, alphabet, merci")
    assert found.holds
    assert dict(found.causes)["signs: alpha* +2"] == ("alpha",)
    assert found.text == "score(signs) >= 3"


def test_facts_of_the_sender_are_told_by_it() -> None:
    found = part(rules_of("alphanumeric_sender and not short_code_sender"), "Bonjour", sender="Banque")
    assert found.parts[0].causes == (("alphanumeric_sender", ("Banque",)),)


def test_what_excuses_is_told_beside_the_part_that_it_makes_false() -> None:
    found = part(rules_of("a and not official(post)"), "alpha https://chronopost.fr")
    assert [(inner.text, inner.holds, inner.causes) for inner in found.parts][1:] == [
        ("not official(post)", False, (("official(post)", ("chronopost.fr",)),))
    ]


def test_exemptions_stand_behind_the_condition() -> None:
    exempt = (Exemption(parse("d or c"), HERE), Exemption(parse("sender in ours"), HERE))
    rules = rules_of(rule("a and b", name="R-0", exemptions=exempt))
    for text, sender, missing in (("alpha beta", "", 0), ("alpha beta delta", "", 1), ("alpha delta", "Ameli", 3)):
        attempt = tries(rules, text, sender)["R-0"]
        assert (attempt.hits, attempt.missing) == (not missing, missing)
        found = tree(attempt, rules.labels)
        assert found.holds is attempt.hits is rules.check_text(text, sender).refused
        _assert_sound(found)
        assert found.text == "a and b and not (d or c) and sender not in ours"


def test_all_brands_that_a_text_names_are_told() -> None:
    found = part(rules_of("names(any)"), "Banque Postale, Chronopost")
    assert {cause.fact for cause in found.causes} == {"names(post)", "names(bank)"}


def test_causes_are_bounded() -> None:
    many = {f"s{number}": [f"mot{number}"] for number in range(2 * MAX_CAUSES)}
    rules = rule_set(rule(f"any of ({', '.join(many)})", name="R-0"), *BRANDS, sets=many)
    found = part(rules, " ".join(f"mot{number}" for number in range(2 * MAX_CAUSES)))
    assert sum(len(inner.causes) for inner in found.parts) == 2 * MAX_CAUSES
    several = [brand(f"b{number}", f"Marque{number}") for number in range(2 * MAX_CAUSES)]
    rules = rule_set(rule("names(any)", name="R-0"), *several)
    found = part(rules, " ".join(f"Marque{number}" for number in range(2 * MAX_CAUSES)))
    assert len(found.causes) == MAX_CAUSES


def test_rules_that_hit_come_first_then_the_nearest() -> None:
    rules = rules_of("a and b and c and d", "a and d", "a and b", "d and c", "a", "not a and d")
    attempts = tries(rules, "alpha beta")
    assert list(attempts) == ["R-2", "R-4", "R-1", "R-0", "R-3", "R-5"]
    assert [(each.hits, each.held, each.missing, each.near) for each in attempts.values()] == [
        (True, 2, 0, False),
        (True, 1, 0, False),
        (False, 1, 1, True),
        (False, 2, 2, False),
        (False, 0, 2, False),
        (False, 0, 2, False),
    ]


def test_a_rule_is_shown_in_the_reading_that_it_comes_nearest_in() -> None:
    rules = rules_of("a and b")
    readings = (Reading.of_text("alpha", "gsm7"), Reading.of_text("alpha beta", "ucs2"))
    (attempt,) = explain(rules, readings).rules
    assert (attempt.sight.reading, attempt.hits) == (1, True)
