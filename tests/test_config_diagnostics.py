"""Diagnostics: how they read, how they are ordered, and what a fault of a form becomes."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from smsgate.config.diagnostics import Diagnostic, DiagnosticsError, Form, explain, listed, quoted
from smsgate.config.source import parse


def test_a_diagnostic_reads_as_one_line_with_its_place_and_suggestion() -> None:
    diagnostic = Diagnostic("rules/cpf.yaml", 14, 7, "'blok'", "one of flag, block", "block")
    assert str(diagnostic) == "rules/cpf.yaml:14:7: found 'blok', expected one of flag, block (did you mean 'block'?)"


def test_without_a_suggestion_nothing_is_asked() -> None:
    assert str(Diagnostic("a.yaml", 1, 1, "nothing", "a text")) == "a.yaml:1:1: found nothing, expected a text"


def test_an_error_holds_each_diagnostic_once_in_the_order_of_places() -> None:
    second, first, tenth = (Diagnostic("a.yaml", line, 1, "x", "y") for line in (2, 1, 10))
    error = DiagnosticsError([tenth, second, first, second])
    assert error.diagnostics == (first, second, tenth)
    assert str(error).splitlines() == [str(first), str(second), str(tenth)]


def test_a_value_is_named_without_being_repeated_at_length() -> None:
    assert quoted("it's") == '"it\'s"'
    assert quoted("") == "nothing"
    assert quoted("x" * 41) == f"'{'x' * 40}…'"
    assert quoted("two\nlines") == r"'two\nlines'"
    assert quoted(["x"]) == "a list"
    assert quoted({"x": "y"}) == "a mapping"


def test_choices_are_listed_as_a_sentence_would() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a or b"
    assert listed(["a", "b", "c"]) == "one of a, b, c"


class Inner(Form):
    size: str = "1"


class Outer(Form):
    inner: Inner = Inner()
    many: dict[str, tuple[Inner, ...]] = Field(default_factory=dict)


def test_keys_of_inner_forms_are_suggested_where_they_stand() -> None:
    source = parse("inner: {sise: 1}\nmany:\n  x: [{size: 1}, {seize: 2}]\n", "f.yaml")
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(source.root.value)
    assert sorted(map(str, explain(caught.value, Outer, source))) == [
        "f.yaml:1:9: found the unknown key 'sise', expected size (did you mean 'size'?)",
        "f.yaml:3:19: found the unknown key 'seize', expected size (did you mean 'size'?)",
    ]


def test_an_empty_value_counts_as_a_key_left_out() -> None:
    assert Outer.model_validate({"inner": "", "many": ""}) == Outer()
    assert Outer.model_validate("") == Outer()
    with pytest.raises(ValidationError):
        Outer.model_validate({"unknown": ""})
