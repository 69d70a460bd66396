"""Examples are judged by the engine: what counts as a match, what as a pass, and what a failure says."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.rules import load_rules

PACK = """\
pack: p
keywords:
  word: [word]
  other: [other]
rules:
  - {{id: A, title: t, if: {condition}, action: {action}, mode: {mode}, matches: [{matches}], passes: [{passes}]}}
  - {{id: B, title: t, if: other, action: {second}, matches: [other], passes: [hello]}}
"""
DEFAULTS = {
    "condition": "word",
    "action": "block",
    "mode": "enforce",
    "matches": "word",
    "passes": "hello",
    "second": "block",
}


def failures(folder: Path, **changes: str) -> list[str]:
    (folder / "p.yaml").write_text(PACK.format(**{**DEFAULTS, **changes}))
    try:
        load_rules([folder])
    except DiagnosticsError as error:
        return [f"found {fault.found}, expected {fault.expected}" for fault in error.diagnostics]
    return []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mode": "monitor"},
        {"action": "flag"},
        {"matches": "word other"},
        {"matches": "word other", "action": "flag"},
        {"passes": "other", "second": "flag"},
        {"condition": "'sender in [Bank]'", "matches": "{text: hello, sender: Bank}"},
        {"condition": "ambiguous_body", "action": "flag", "matches": "{text: hello, ambiguous_body: true}"},
        {
            "condition": "ambiguous_body",
            "action": "flag",
            "matches": "{text: hello, ambiguous_body: true}",
            "passes": "{text: hello, ambiguous_body: false}",
        },
        {"condition": '"word and client in [c1]"', "action": "allow", "matches": "{text: word, client: c1}"},
    ],
)
def test_examples_that_hold(changes: dict[str, str], tmp_path: Path) -> None:
    assert failures(tmp_path, **changes) == []


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        (
            {"matches": "hello"},
            "found the verdict allow by no rule on 'hello', expected A to hit it: it stands under matches",
        ),
        (
            {"matches": "other"},
            "found the verdict block by B on 'other', expected A to hit it: it stands under matches",
        ),
        (
            {"passes": "a word"},
            "found the verdict block by A on 'a word', expected A not to hit it: it stands under passes",
        ),
        (
            {"passes": "a word", "mode": "monitor"},
            (
                "found the verdict allow by no rule, in monitor mode A on 'a word', "
                "expected A not to hit it: it stands under passes"
            ),
        ),
        (
            {"passes": "a word", "action": "flag"},
            "found the verdict flag by A on 'a word', expected A not to hit it: it stands under passes",
        ),
        (
            {"passes": "other"},
            "found the verdict block by B on 'other', expected no rule to refuse it: it stands under passes",
        ),
        (
            {"passes": "other", "second": "throttle"},
            "found the verdict throttle by B on 'other', expected no rule to refuse it: it stands under passes",
        ),
    ],
)
def test_examples_that_fail(changes: dict[str, str], failure: str, tmp_path: Path) -> None:
    assert failures(tmp_path, **changes) == [failure]


def test_a_failure_stands_at_the_example_and_shows_its_beginning_only(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PACK.format(**{**DEFAULTS, "matches": f"\n    word, {'x' * 100}"}))
    with pytest.raises(DiagnosticsError) as caught:
        load_rules([tmp_path])
    (fault,) = caught.value.diagnostics
    assert (fault.line, fault.column) == (7, 11)
    assert f"'{'x' * 40}…'" in fault.found


def test_no_brand_may_take_an_ordinary_site_for_a_look_alike(tmp_path: Path) -> None:
    (tmp_path / "sites.txt").write_text("# ordinary\nmon-jardin.example\nclient-ppx.example\n")
    (tmp_path / "p.yaml").write_text(
        "pack: p\n"
        "keywords: {bait: [client]}\n"
        "brands: {ppx: {names: [PPX], host: {with_bait: [ppx]}}}\n"
        "lists: {ordinary: {domains_file: sites.txt}}\n"
    )
    with pytest.raises(DiagnosticsError) as raised:
        load_rules([tmp_path])
    (fault,) = raised.value.diagnostics
    assert "'client-ppx.example'" in fault.found
    assert "lookalike(ppx)" in fault.expected
    assert fault.line == 4
