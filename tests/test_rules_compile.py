"""Compiling packs: names resolve as packs say, all faults are told at once, and a trigger never hides a rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.rules import condition as cond
from smsgate.rules import tables
from smsgate.rules.compile import compile_packs
from smsgate.rules.condition import AtLeast, Condition, Name, Not
from smsgate.rules.facts import FACTS
from smsgate.rules.lists import DigestTable, build
from smsgate.rules.masks import COMPARE
from smsgate.rules.model import EntryList, LimitKey, ListKind, Pack, PackError, Where
from smsgate.text.normalize import fold
from smsgate.text.urls import links, plain
from tests.packs import HERE, Action, brand, limit, pack, rule, rule_set

SHARED = pack(
    brand("cpf", "CPF", group="state"),
    name="shared",
    sets={"pull": ["vite"], "bait": ["compte"]},
    domains={"bad": ["evil.com"]},
)


def problems(*packs: Pack) -> list[tuple[str, str, str]]:
    """What was found, what was expected, and the suggestion, of every problem."""
    with pytest.raises(PackError) as caught:
        compile_packs(packs)
    return [(problem.found, problem.expected, problem.suggestion) for problem in caught.value.problems]


def test_a_pack_sees_what_it_uses_and_its_own_first() -> None:
    user = pack(rule("pull and names(cpf) and link_host in bad"), name="user", use=["shared"])
    rules = compile_packs([SHARED, user])
    assert rules.check_text("vite votre cpf evil.com").refused
    own = replace(user, keywords=pack(sets={"pull": ["lent"]}).keywords)
    rules = compile_packs([SHARED, own])
    assert not rules.check_text("vite votre cpf evil.com").refused
    assert rules.check_text("lent votre cpf evil.com").refused


def test_using_is_not_passed_on() -> None:
    middle = pack(name="middle", use=["shared"])
    (found,) = problems(SHARED, middle, pack(rule("pull"), name="user", use=["middle"]))
    assert found[0] == "'pull'"


@pytest.mark.parametrize(
    ("condition", "found", "expected", "suggestion"),
    [
        ("pul", "'pul'", "keyword set", "pull"),
        ("lnk", "'lnk'", "keyword set", "link"),
        ("names(cfp)", "'cfp'", "brand", "cpf"),
        ("official(@stat)", "'@stat'", "group", "@state"),
        ("link_host in bat", "'bat'", "list of domains", "bad"),
        ("sender in bad", "'bad'", "list of senders", ""),
        ("phone in bad", "'bad'", "list of numbers", ""),
        ("destination in [x]", "'x'", "phone number", ""),
        ("phone in ['0639980001', x]", "'x'", "phone number", ""),
        ("phone startswith '08'", "'08'", "with its country", ""),
        ("destination startswith x", "'x'", "with its country", ""),
        ("alphabet in [ucs]", "'ucs'", "alphabets gsm7", "ucs2"),
        ("alphabet in bad", "'bad'", "alphabets in brackets", ""),
        ("alphabet startswith u", "alphabet startswith", "alphabet in", ""),
        ("score(pul) > 1", "'pul'", "keyword set", "pull"),
        ("count(link) > 1", "'link'", "keyword set", ""),
        ("score(pull) > 1", "'pull'", "a weight beside each keyword", ""),
        ("link_host startswith 'x'", "link_host startswith", "link_host in", ""),
    ],
)
def test_a_name_that_nothing_has(condition: str, found: str, expected: str, suggestion: str) -> None:
    user = pack(rule(condition), name="user", use=["shared"])
    ((was, wanted, near),) = problems(SHARED, user)
    assert was == found
    assert expected in wanted
    assert near == suggestion


@pytest.mark.parametrize("keyword", ["", "!!", "*", "ab*", "d*oits", "**", "€*"])
def test_keywords_that_fold_to_nothing_or_too_little(keyword: str) -> None:
    assert problems(pack(sets={"words": ["bon", keyword]}))[0][0] == repr(keyword)


def test_every_problem_of_every_pack_is_told_at_once() -> None:
    one = pack(rule("x and (y or not z)", name="R-1"), limit(LimitKey.CLIENT, 3, condition="w"), sets={"s": ["?"]})
    two = pack(rule("names(v)", name="R-1"), brand("b", "B"), brand("b", "C"), name="two", use=["tow"])
    found = {was for was, _, _ in problems(one, two, replace(SHARED, name="two"))}
    assert {"'x'", "'y'", "'z'", "'w'", "'?'", "'tow'"} <= found
    assert "'v'" not in found  # it may be a name of the pack that isn't there
    assert {"rule 'R-1' again", "brand 'b' again", "pack 'two' again"} <= found


def test_a_limit_and_a_rule_may_not_share_an_id() -> None:
    ((found, expected, _),) = problems(pack(rule("link", name="X"), limit(LimitKey.CLIENT, 1, name="X")))
    assert found == "rule 'X' again"
    assert str(HERE) in expected


def test_a_problem_stands_where_the_rule_does() -> None:
    there = Where("other.yaml", 7, 3)
    with pytest.raises(PackError) as caught:
        compile_packs([pack(rule("nothing", where=there))])
    assert caught.value.problems[0].where == there


@pytest.mark.parametrize(
    ("expires", "today", "there"),
    [
        (date(2027, 6, 30), date(2027, 6, 30), True),
        (date(2027, 6, 30), date(2027, 7, 1), False),
        (date(2027, 6, 30), None, True),
        (None, date(2099, 1, 1), True),
    ],
)
def test_expired_rules_are_left_out(expires: date | None, today: date | None, there: bool) -> None:
    rules = compile_packs([pack(rule("not link", expires=expires))], today)
    assert rules.check_text("x").refused is there


def test_the_version_names_the_content() -> None:
    one, same, other = (rule_set(rule(condition)) for condition in ("link", "link", "not link"))
    assert one.version == same.version != other.version


def test_an_empty_set_of_packs_passes_everything() -> None:
    rules = compile_packs([])
    assert rules.check_text("Votre CPF expire https://evil.com", "x", "y").action is Action.ALLOW
    assert (rules.rules, rules.limits) == ((), ())


# triggers

NAMES = ["a", "b", "c", "d"]
leaves = st.sampled_from([*NAMES, "link", "foreign_link"]).map(lambda name: Name(name, 1))


def several(terms: list[Condition], count: int) -> Condition:
    return AtLeast(1 + count % len(terms), tuple(terms))


conditions: st.SearchStrategy[Condition] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(Not), st.builds(several, st.lists(inner, min_size=1, max_size=4), st.integers(0, 3))
    ),
    max_leaves=10,
)


def holds(condition: Condition, true: set[str]) -> bool:
    """What a condition means, read off its tree."""
    match condition:
        case Name(name=name):
            return name in true
        case Not(term=term):
            return not holds(term, true)
        case AtLeast(count=count, terms=terms):
            return sum(holds(term, true) for term in terms) >= count
    raise AssertionError(condition)


@given(st.lists(conditions, min_size=1, max_size=4), st.lists(st.sampled_from([*NAMES, "evil.com", "x"]), max_size=6))
def test_compiled_rules_mean_what_their_conditions_say(asked: list[Condition], words: list[str]) -> None:
    compiled = rule_set(
        *(replace(rule("link", Action.FLAG, f"R-{index}"), condition=one) for index, one in enumerate(asked)),
        sets={name: [name] for name in NAMES},
    )
    text = " ".join(words)
    true = set(fold(text).split()) & set(NAMES)
    if links(plain(text)):
        true |= {"link", "foreign_link"}
    expected = {f"R-{index}" for index, one in enumerate(asked) if holds(one, true)}
    assert {entry.id for entry in compiled.check_text(text).rules} == expected


@pytest.mark.parametrize(
    ("condition", "action", "fault"),
    [
        ("mixed_script", Action.BLOCK, True),
        ("hidden_characters", Action.THROTTLE, True),
        ("mixed_script and hidden_characters", Action.BLOCK, True),
        ("not mixed_script", Action.BLOCK, True),
        ("mixed_script or (link and foreign_link)", Action.BLOCK, True),
        ("2 of (mixed_script, hidden_characters, link)", Action.BLOCK, True),
        ("mixed_script", Action.FLAG, False),
        ("mixed_script and link", Action.BLOCK, False),
        ("3 of (mixed_script, hidden_characters, link)", Action.BLOCK, False),
        ("link", Action.BLOCK, False),
    ],
)
def test_what_genuine_messages_have_too_flags_at_most(condition: str, action: Action, fault: bool) -> None:
    judged = pack(rule(condition, action))
    if fault:
        ((was, _, _),) = problems(judged)
        assert was == f"{action} of R-1 for a weak sign alone"
    else:
        compile_packs([judged])


@pytest.mark.parametrize(
    ("keyword", "text", "hit"),
    [
        ("ναι μαζί", "ΝΑΙ ΜΑΖΙ", True),
        ("ναι μαζί", "Ναι μαζί", True),
        ("скидка*", "СКИДКАМИ", True),
    ],
)
def test_forms_of_a_keyword(keyword: str, text: str, hit: bool) -> None:
    assert rule_set(rule("words"), sets={"words": [keyword]}).check_text(text).refused is hit


def test_every_fact_of_the_language_has_a_bit_of_its_own() -> None:
    assert set(FACTS) == set(cond.FACTS) - set(cond.LIST_FACTS)
    assert len(set(FACTS.values())) == len(FACTS)
    assert all(bit.bit_count() == 1 for bit in FACTS.values())


SIGNS = {"vite": 2, "solde": 3, "expir*": 2, "expire": 1, "merci": -4, "bonjour": -1}


@given(
    st.lists(st.sampled_from(["vite", "Solde", "expire", "expirent", "MERCI", "bonjour", "autre"]), max_size=8),
    st.sampled_from(["score", "count"]),
    st.sampled_from(sorted(COMPARE)),
    st.integers(-6, 9),
    st.booleans(),
)
def test_a_score_is_the_sum_over_the_keywords_that_are_there(
    words: list[str], measure: str, operator: str, number: int, negated: bool
) -> None:
    if measure == "count":
        number = abs(number)
    rules = rule_set(rule(f"{'not ' * negated}{measure}(signs) {operator} {number}"), sets={"signs": SIGNS})
    there = {word.lower() for word in words}
    weights = [
        weight
        for sign, weight in SIGNS.items()
        if any(word.startswith(sign[:-1]) if sign.endswith("*") else word == sign for word in there)
    ]
    found = len(weights) if measure == "count" else sum(weights)
    assert rules.check_text(" ".join(words)).refused is (COMPARE[operator](found, number) is not negated)


def test_what_lowers_a_score_counts_outside_of_links_only() -> None:
    rules = rule_set(rule("score(signs) >= 5"), sets={"signs": SIGNS})
    assert rules.check_text("vite votre solde https://x.example/a").refused
    assert rules.check_text("vite votre solde https://x.example/merci").refused
    assert rules.check_text("vite https://x.example/solde").refused
    assert not rules.check_text("vite votre solde, merci https://x.example/a").refused


def test_a_score_is_tried_for_words_of_links_too_where_another_rule_is_excused_by_them() -> None:
    rules = rule_set(rule("score(signs) >= 5"), rule("link and not signs", Action.FLAG, "R-2"), sets={"signs": SIGNS})
    assert rules.check_text("voir https://x.example/vite-solde").refused


def test_spellings_of_one_keyword_are_one_and_have_one_weight() -> None:
    rules = rule_set(rule("count(s) == 1"), sets={"s": ["échéance", "ECHEANCE"]})
    assert rules.check_text("échéance").refused
    found = problems(pack(rule("score(s) > 1"), sets={"s": {"échéance": 2, "Echeance": 3}}))
    assert found == [("the keyword 'Echeance' with 3", "one weight: another spelling of it has 2", "")]


def test_only_keywords_that_are_counted_have_bits_of_their_own() -> None:
    sets = {"counted": ["un", "deux"], "other": ["trois", "quatre"]}
    labels = rule_set(rule("count(counted) > 1 or other"), sets=sets).labels.values()
    assert {"counted: un", "counted: deux", "counted", "other"} <= set(labels)
    assert not {"other: trois", "other: quatre"} & set(labels)
    weighted = rule_set(rule("score(signs) > 1"), sets={"signs": {"un": 2, "deux": -1}}).labels.values()
    assert {"signs: un +2", "signs: deux -1"} <= set(weighted)


def test_keywords_that_are_counted_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_COUNTED_WORDS", 3)
    sets = {"one": ["un", "deux"], "two": ["trois", "quatre"]}
    rule_set(rule("count(one) > 1"), sets=sets)
    found = problems(pack(rule("count(one) > 1 and count(two) > 1"), sets=sets))
    assert found == [("more keywords in sets that are scored or counted", "at most 3 in all", "")]


def test_a_list_of_numbers_knows_a_sender_in_every_spelling_and_no_name() -> None:
    numbers = EntryList("callers", ListKind.NUMBERS, ("+33 6 39 98 00 01", "36180"), HERE)
    rules = compile_packs([replace(pack(rule("sender in callers")), lists=(numbers,))])
    for sender in ("+33639980001", "0639980001", "33639980001", "36180"):
        assert rules.check_text("Bonjour", sender).status == 0x0A
    for sender in ("0639980002", "Info 0639980001", "Banque", ""):
        assert not rules.check_text("Bonjour", sender).refused


@pytest.mark.parametrize("field", ["client", "link_host"])
def test_a_list_of_numbers_is_for_numbers(field: str) -> None:
    numbers = EntryList("callers", ListKind.NUMBERS, ("36180",), HERE)
    ((found, expected, _),) = problems(replace(pack(rule(f"{field} in callers")), lists=(numbers,)))
    kind = "senders" if field == "client" else "domains"
    assert (found, expected) == ("'callers'", f"a list of {kind} of this pack or of one that it uses")


def test_a_table_is_too_long_for_clients() -> None:
    table = DigestTable(bytes(build(["bank1", "bank2"], 2, 7, bytes(16))), bytes(16))
    clients = EntryList("partners", ListKind.SENDERS, (), HERE, table)
    assert problems(replace(pack(rule("client in partners and link")), lists=(clients,))) == [
        ("'partners' with 2 entries", "a short list of clients", "")
    ]


def test_a_list_counts_as_empty_from_the_day_after_it_expires() -> None:
    entries = [
        EntryList("bad", ListKind.DOMAINS, ("bad.com",), HERE, expires=date(2027, 6, 30)),
        EntryList("trusted", ListKind.DOMAINS, ("good.com",), HERE, expires=date(2027, 6, 30)),
        EntryList("known", ListKind.SENDERS, ("FAUX",), HERE, expires=date(2027, 6, 30)),
    ]
    packs = [replace(pack(rule("link_host in bad or sender in known or foreign_link")), lists=tuple(entries))]

    def refused(text: str, sender: str, today: date) -> bool:
        return compile_packs(packs, today).check_text(text, sender).refused

    last, after = date(2027, 6, 30), date(2027, 7, 1)
    assert [refused("voir good.com", "", day) for day in (last, after)] == [False, True]
    assert [refused("Bonjour", "FAUX", day) for day in (last, after)] == [True, False]
    packs = [replace(packs[0], rules=(rule("link_host in bad"),))]
    assert [refused("voir bad.com", "", day) for day in (last, after)] == [True, False]


def test_a_fact_of_a_list_asks_the_lists_of_all_packs() -> None:
    rules = compile_packs(
        [
            pack(rule("shortener and not messenger")),
            pack(name="links", domains={"shorteners": ["s.example"], "messengers": ["chat.example"]}),
            pack(name="more", domains={"shorteners": ["t.example"]}),
        ]
    )
    refused = [rules.check_text(f"https://{host}/x").refused for host in ("go.s.example", "t.example", "u.example")]
    assert refused == [True, True, False]
    assert not rules.check_text("https://s.example/x https://chat.example/y").refused


def test_a_fact_of_a_list_that_no_pack_has_is_a_problem() -> None:
    with pytest.raises(PackError) as caught:
        compile_packs([pack(rule("shortener"))])
    (problem,) = caught.value.problems
    assert (problem.found, "named shorteners" in problem.expected) == ("shortener", True)
