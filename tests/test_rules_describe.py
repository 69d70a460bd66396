"""Conditions as text are what a rule would have them: read again, they are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.rules.condition import (
    FIELDS,
    MEASURES,
    PREDICATES,
    QUANTITIES,
    AtLeast,
    Comparison,
    Condition,
    Member,
    Name,
    Not,
    Predicate,
    StartsWith,
    parse,
)
from smsgate.rules.describe import describe, head

names = st.sampled_from(["pull", "foreign_link", "cpf-2", "l'x".replace("'", "")])
values = st.text(
    st.characters(exclude_characters="\"'", exclude_categories=["Cs", "Cc"]), max_size=8
) | st.sampled_from(["and", "in", "@x", "a b", "", "<", "+33 6", "l'eau"])
operators: st.SearchStrategy[Any] = st.sampled_from(["<", "<=", "==", "!=", ">=", ">"])
leaves: st.SearchStrategy[Condition] = st.one_of(
    names.map(lambda name: Name(name, 0)),
    st.builds(Predicate, st.sampled_from(PREDICATES), st.sampled_from(["cpf", "@banks", "any"]), st.just(0)),
    st.builds(
        Member, st.sampled_from(FIELDS), st.lists(values, min_size=1, max_size=3).map(tuple), st.none(), st.just(0)
    ),
    st.builds(Member, st.sampled_from(FIELDS), st.just(()), names, st.just(0)),
    st.builds(StartsWith, st.sampled_from(FIELDS), values, st.just(0)),
    st.builds(Comparison, st.sampled_from(QUANTITIES), st.just(""), operators, st.integers(0, 9), st.just(0)),
    st.builds(Comparison, st.sampled_from(MEASURES), names, operators, st.integers(0, 9), st.just(0)),
    st.builds(Comparison, st.just("score"), names, operators, st.integers(-9, -1), st.just(0)),
)


def several(terms: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    found = st.lists(terms, min_size=1, max_size=4).map(tuple)
    return found.flatmap(lambda each: st.builds(AtLeast, st.integers(1, len(each)), st.just(each)))


conditions = st.recursive(leaves, lambda terms: st.builds(Not, terms) | several(terms), max_leaves=12)


def without_columns(condition: Condition) -> Condition:
    match condition:
        case Not(term=term):
            return Not(without_columns(term))
        case AtLeast(count=count, terms=terms):
            return AtLeast(count, tuple(map(without_columns, terms)))
        case _:
            leaf: Any = condition
            found: Condition = replace(leaf, column=0)
            return found


@given(conditions)
def test_what_is_described_reads_as_the_same_condition(condition: Condition) -> None:
    assert without_columns(parse(describe(condition))) == condition


@pytest.mark.parametrize(
    "text",
    [
        "a and (b or c) and not d",
        "not (a and b)",
        "2 of (a, b and c, not 2 of (d, e, f))",
        'sender not in [Ameli, "a, b"] and link_host in trusted',
        'names(cpf) or sender startswith "+33 6" or links >= 2 or score(signs) > 5',
    ],
)
def test_it_is_written_as_people_write_it(text: str) -> None:
    assert describe(parse(text)) == text


def test_what_stands_over_the_parts() -> None:
    heads = {"a and b": "all of", "a or b": "any of", "2 of (a, b, c)": "2 of", "any of (a)": "all of"}
    for text, expected in heads.items():
        condition = parse(text)
        assert isinstance(condition, AtLeast)
        assert head(condition) == expected
