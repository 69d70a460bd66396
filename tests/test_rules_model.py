"""The frozen values of packs: the order of actions, how places print, what errors carry."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from smsgate.rules.model import Action, Brand, PackError, Problem, Where

WHERE = Where("rules/fr/cpf.yaml", 12, 5)


def test_actions_rise_in_strictness() -> None:
    assert sorted(Action, key=lambda action: action.strictness) == [
        Action.ALLOW,
        Action.SHAPE,
        Action.FLAG,
        Action.THROTTLE,
        Action.BLOCK,
        Action.DROP,
    ]


def test_a_place_prints_as_file_line_column() -> None:
    assert str(WHERE) == "rules/fr/cpf.yaml:12:5"


def test_places_sort_by_file_then_line() -> None:
    assert sorted([Where("b", 1), Where("a", 20), Where("a", 3, 9), Where("a", 3)]) == [
        Where("a", 3),
        Where("a", 3, 9),
        Where("a", 20),
        Where("b", 1),
    ]


def test_a_pack_error_carries_every_problem() -> None:
    problems = [Problem(WHERE, "'expiri'", "a keyword set", "expiry"), Problem(WHERE, "'x'", "a brand")]
    error = PackError(problems)
    assert error.problems == problems
    assert "2 problem(s)" in str(error)


def test_values_are_frozen_and_hashable() -> None:
    brand = Brand("cpf", ("CPF",), WHERE)
    assert {brand: 1}[Brand("cpf", ("CPF",), WHERE)] == 1
    with pytest.raises(FrozenInstanceError):
        brand.name = "other"  # type: ignore[misc]
