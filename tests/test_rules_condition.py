"""The condition language: what it reads, and what it says of each mistake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.rules.condition import (
    MAX_CONDITION_CHARS,
    MAX_DEPTH,
    AtLeast,
    Comparison,
    Condition,
    ConditionError,
    Member,
    Name,
    Not,
    Predicate,
    StartsWith,
    parse,
)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("link", Name("link", 1)),
        ("  pull  ", Name("pull", 3)),
        ("(pull)", Name("pull", 2)),
        ("not pull", Not(Name("pull", 5))),
        ("not not pull", Not(Not(Name("pull", 9)))),
        ("a and b and c", AtLeast(3, (Name("a", 1), Name("b", 7), Name("c", 13)))),
        ("a or b", AtLeast(1, (Name("a", 1), Name("b", 6)))),
        ("not a and b", AtLeast(2, (Not(Name("a", 5)), Name("b", 11)))),
        ("a or (b and c)", AtLeast(1, (Name("a", 1), AtLeast(2, (Name("b", 7), Name("c", 13)))))),
        ("2 of (a, b, not c)", AtLeast(2, (Name("a", 7), Name("b", 10), Not(Name("c", 17))))),
        ("any of (a, b)", AtLeast(1, (Name("a", 9), Name("b", 12)))),
        ("all of (a, b or c)", AtLeast(2, (Name("a", 9), AtLeast(1, (Name("b", 12), Name("c", 17)))))),
        ("names(cpf)", Predicate("names", "cpf", 7)),
        ("official(@banks)", Predicate("official", "@banks", 10)),
        ("lookalike( any )", Predicate("lookalike", "any", 12)),
        ("impersonates(credit-agricole)", Predicate("impersonates", "credit-agricole", 14)),
        ("client in [bank1]", Member("client", ("bank1",), None, 1)),
        ("sender in ['A B', \"C\", D]", Member("sender", ("A B", "C", "D"), None, 1)),
        ("link_host in trusted", Member("link_host", (), "trusted", 14)),
        ("link_host not in trusted", Not(Member("link_host", (), "trusted", 18))),
        ("not client in [a]", Not(Member("client", ("a",), None, 5))),
        ('sender startswith "+33 6"', StartsWith("sender", "+33 6", 1)),
        ("client startswith bulk", StartsWith("client", "bulk", 1)),
        *(
            (f"links {operator} 2", Comparison("links", "", operator, 2, 1))
            for operator in ("<", "<=", "==", "!=", ">=", ">")
        ),
        ("links>=2", Comparison("links", "", ">=", 2, 1)),
        ("links", Name("links", 1)),
        ("segments > 3", Comparison("segments", "", ">", 3, 1)),
        ("hour < 7", Comparison("hour", "", "<", 7, 1)),
        ("score(signs) >= -2", Comparison("score", "signs", ">=", -2, 7)),
        ("count( signs )== 2", Comparison("count", "signs", "==", 2, 8)),
        ("phone", Name("phone", 1)),
        ("phone in callers", Member("phone", (), "callers", 10)),
        ("phone not in ['06 39 98 00 01']", Not(Member("phone", ("06 39 98 00 01",), None, 1))),
        ("destination startswith '+33'", StartsWith("destination", "+33", 1)),
        ("alphabet in [gsm7, ucs2]", Member("alphabet", ("gsm7", "ucs2"), None, 1)),
    ],
)
def test_conditions(text: str, condition: Condition) -> None:
    assert parse(text) == condition


@pytest.mark.parametrize(
    ("text", "column", "found", "expected", "suggestion"),
    [
        ("", 1, "the end", "a keyword set", ""),
        ("   ", 4, "the end", "a keyword set", ""),
        ("a and", 6, "the end", "a keyword set", ""),
        ("and a", 1, "'and'", "a keyword set", ""),
        ("a or or b", 6, "'or'", "a keyword set", ""),
        ("a b", 3, "'b'", "and, or, or the end", ""),
        ("a AND b", 3, "'AND'", "and, or, or the end", "and"),
        ("a and NOT b", 7, "'NOT'", "a keyword set", "not"),
        ("a and b or c", 9, "'or'", "brackets", ""),
        ("a or b and c", 8, "'and'", "brackets", ""),
        ("(a or b", 8, "the end", "')'", ""),
        ("a)", 2, "')'", "and, or, or the end", ""),
        ("not", 4, "the end", "a keyword set", ""),
        ("nmes(cpf)", 1, "'nmes'", "one of names", "names"),
        ("oficial(cpf)", 1, "'oficial'", "one of names", "official"),
        ("zzz(cpf)", 1, "'zzz'", "one of names", ""),
        ("names()", 7, "')'", "a brand", ""),
        ("names(cpf", 10, "the end", "')'", ""),
        ("names('cpf')", 7, "\"'cpf'\"", "a brand", ""),
        ("sendr in [A]", 1, "'sendr'", "one of the fields", "sender"),
        ("clients startswith x", 1, "'clients'", "one of the fields", "client"),
        ("sender in", 10, "the end", "the name of a list", ""),
        ("sender in []", 12, "']'", "a word", ""),
        ("sender in [A, ]", 15, "']'", "a word", ""),
        ("sender in [A B]", 14, "'B'", "']'", ""),
        ("sender not [A]", 12, "'['", "'in'", ""),
        ("sender startswith", 18, "the end", "a quoted text", ""),
        ("sender startswith (", 19, "'('", "a quoted text", ""),
        ("link >= 2", 1, "'link'", "one of links", "links"),
        ("sender == A", 8, "'=='", "in, not in or startswith after sender", ""),
        ("links >= two", 10, "'two'", "a number", ""),
        ("links >=", 9, "the end", "a number", ""),
        ("links >= -1", 10, "'-1'", "a number from 0", ""),
        ("hour > 24", 8, "'24'", "from 0 to 23", ""),
        ("hours > 22", 1, "'hours'", "one of links, segments, hour", "hour"),
        ("score > 2", 7, "'>'", "'('", ""),
        ("score() > 2", 7, "')'", "a keyword set", ""),
        ("score(a) and b", 10, "'and'", "a comparison", ""),
        ("scor(a) > 2", 1, "'scor'", "score, count", "score"),
        ("count(a) > 1.5", 12, "'1.5'", "a number", ""),
        ("score(a) > 9999999", 12, "'9999999'", "a number from -1000000 to 1000000", ""),
        ("0 of (a, b)", 1, "'0'", "from 1 to 2", ""),
        ("3 of (a, b)", 1, "'3'", "from 1 to 2", ""),
        ("some of (a, b)", 1, "'some'", "any, all", ""),
        ("2 of a", 6, "'a'", "'('", ""),
        ("any of (a b)", 11, "'b'", "')'", ""),
        ("any of (a and b or c)", 17, "'or'", "brackets", ""),
        ('a and "b"', 7, "'\"b\"'", "a keyword set", ""),
        ("a and 'b", 7, '"\'"', "a quoted text", ""),
        ("a =b", 3, "'='", "a comparison", ""),
    ],
)
def test_mistakes(text: str, column: int, found: str, expected: str, suggestion: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    error = caught.value
    assert (error.column, error.suggestion) == (column, suggestion), str(error)
    assert found in error.found
    assert expected in error.expected


@pytest.mark.parametrize("opening", ["(", "not ", "not (", "any of ("])
def test_depth_is_bounded(opening: str) -> None:
    closing = ")" if "(" in opening else ""
    levels = (MAX_DEPTH - 1) // (2 if opening == "not (" else 1)
    parse(opening * levels + "a" + closing * levels)
    with pytest.raises(ConditionError, match="levels"):
        parse(opening * (MAX_DEPTH + 1) + "a" + closing * (MAX_DEPTH + 1))


def test_many_brackets_beside_each_other_are_not_deep() -> None:
    assert parse(" and ".join(["(a or not b)"] * (MAX_DEPTH * 2))) is not None


def test_length_is_bounded() -> None:
    with pytest.raises(ConditionError, match="at most"):
        parse("a" * (MAX_CONDITION_CHARS + 1))


tokens = st.sampled_from(
    [
        "and",
        "or",
        "not",
        "of",
        "in",
        "startswith",
        "any",
        "2",
        "(",
        ")",
        "[",
        "]",
        ",",
        "a",
        "names",
        "links",
        "sender",
        "score",
        ">=",
        "-3",
        *"@g'é",
    ]
)


@given(st.one_of(st.text(max_size=40), st.lists(tokens, max_size=12).map(" ".join)))
def test_any_text_is_a_condition_or_a_condition_error(text: str) -> None:
    try:
        parse(text)
    except ConditionError as error:
        column = error.column
    else:
        return
    assert 1 <= column <= len(text) + 1
