"""The bypass matrix: texts that are blocked and texts that are clean, through every known way of carrying a text.

`python -m tests.bypass` writes docs/bypass-matrix.md; `tests/test_bypass_matrix.py` holds the gate to it.
"""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import Final, NamedTuple

from tests.bypass import alphabets, bodies, segments
from tests.bypass.carrier import ROOT, Carrier, attempt
from tests.bypass.texts import BLOCKED, CLEAN

CARRIERS: Final = (*bodies.carriers(), *alphabets.carriers(), *segments.carriers())
PAGE: Final = ROOT / "docs" / "bypass-matrix.md"

NOT_YET: Final[frozenset[str]] = frozenset()
"""Carriers through which some text still passes."""


class Counts(NamedTuple):
    """Of the blocked texts, how many a carrier did not get through; of the clean ones, how many arrived to the byte."""

    blocked: int
    untouched: int


@cache
def counts(carrier: Carrier) -> Counts:
    """Try all texts."""
    return Counts(
        sum(attempt(carrier, text).blocked for text in BLOCKED),
        sum(attempt(carrier, text).untouched for text in CLEAN),
    )


def page() -> str:
    """The matrix as Markdown."""
    lines = [
        "# Bypass matrix",
        "",
        f"{len(BLOCKED)} texts that the shipped packs block, {len(CLEAN)} that they pass, each through {len(CARRIERS)} carriers:",
        "octets in and octets out, with the session, views, readings and rules of the running gate. *Blocked* counts the texts",
        "that were stopped, *untouched* the clean ones that arrived to the byte, with nothing said to the sender.",
        "`make bypass-matrix` makes this page, and a test compares it with what the code gives.",
    ]
    for group, members in groupby(CARRIERS, key=lambda carrier: carrier.group):
        lines += ["", f"## {group}", "", "| carrier | blocked | untouched |", "|---|---|---|"]
        for carrier in members:
            blocked, untouched = counts(carrier)
            lines.append(f"| {carrier.name} | {blocked}/{len(BLOCKED)} | {untouched}/{len(CLEAN)} |")
    lines += ["", "## Texts", "", "Blocked:", "", *(f"- `{text}`" for text in BLOCKED)]
    lines += ["", "Clean:", "", *(f"- `{text}`" for text in CLEAN), ""]
    return "\n".join(lines)
