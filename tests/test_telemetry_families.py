"""The list of metrics is what is served, and what docs/metrics.md says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prometheus_client.core import Metric

from smsgate.telemetry import families
from smsgate.telemetry.families import FAMILIES, LABELS, Family
from tests.gates import crew, run_on

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"


def served(metrics: Iterable[Metric]) -> list[tuple[str, str, str]]:
    return sorted((metric.name, metric.type, metric.documentation) for metric in metrics)


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text() == families.page(), "run: make docs"


def test_a_gate_of_several_workers_serves_just_the_list() -> None:
    async def body() -> None:
        async with crew() as running:
            found = served(running.gate.collect())
            assert found == sorted((family.name, family.kind, family.meaning) for family in FAMILIES)

    run_on("uvloop", body)


def test_every_label_is_explained_and_used() -> None:
    assert {label for family in FAMILIES for label in family.labels} == set(LABELS)


def test_meanings_are_sentences_without_what_would_break_the_table() -> None:
    assert all(family.meaning.endswith(".") and "|" not in family.meaning for family in FAMILIES)


def test_a_counter_is_shown_with_its_suffix() -> None:
    assert Family("counter", "a", "A.").shown == "a_total"
    assert Family("gauge", "a", "A.").shown == "a"
