"""What the documentation shows is true: its example pack loads, its configuration is right, its links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from smsgate import Filter
from smsgate.config.diagnostics import Form
from smsgate.config.load import GateForm, load_settings
from smsgate.policy import Policy
from smsgate.rules import condition as cond
from smsgate.rules.masks import COMPARE
from smsgate.text.reading import Reading
from tests.pages import RUN, written

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")])


RULES = (ROOT / "docs" / "rules.md").read_text()
(PACK,) = re.findall(r"```yaml\n(pack:.*?)```", RULES, re.DOTALL)
ROWS = re.findall(r"^\| `.*$", RULES[RULES.index("## Conditions") : RULES.index("### Scores")], re.MULTILINE)
CONDITIONS = [[cell.strip("` ") for cell in row.strip("|").split("|")] for row in ROWS]
"""Condition, meaning, what hits, what does not."""


def test_every_condition_of_the_rule_reference_hits_and_passes_as_it_says(tmp_path: Path) -> None:
    lines = [PACK[: PACK.index("rules:")] + "rules:"]
    for number, (condition, _, hit, passed) in enumerate(CONDITIONS):
        lines += [
            f"  - id: ROW-{number}",
            f"    title: row {number}",
            "    action: flag",
            f"    if: {condition}",
            f"    matches: [{_example(hit)}]",
            f"    passes: [{_example(passed)}]",
        ]
    (tmp_path / "table.yaml").write_text("\n".join(lines))
    assert len(Filter.load(tmp_path).rules.rules) == len(CONDITIONS)


def _example(cell: str) -> str:
    return cell if cell[0] in '{"' else f'"{cell}"'


def test_every_word_of_the_language_is_in_the_table_of_the_rule_reference() -> None:
    shown = {word for condition, *_ in CONDITIONS for word in re.findall(r"[a-z_]+|[<>=!]+", condition)}
    words = {
        *cond.FACTS,
        *cond.PREDICATES,
        *cond.FIELDS,
        *cond.QUANTITIES,
        *cond.MEASURES,
        *cond.RESERVED,
        "any",
        "all",
    }
    assert words <= shown
    assert set(COMPARE) <= shown
    for field in cond.FIELDS:
        assert any(condition.startswith(f"{field} in ") for condition, *_ in CONDITIONS), field


def test_the_pack_of_the_rule_reference_loads_with_its_examples(tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(PACK)
    rules = Filter.load(tmp_path).rules
    assert len(rules.rules) == 6
    assert len(rules.limits) == 1


def test_the_sender_ids_of_the_rule_reference_join_the_shipped_packs(tmp_path: Path) -> None:
    (pack,) = re.findall(r"```yaml\n(# my-senders.*?)```", (ROOT / "docs" / "rules.md").read_text(), re.DOTALL)
    (tmp_path / "my-senders.yaml").write_text(pack)
    (tmp_path / "si.txt").write_text("Service\n")
    (tmp_path / "isa.csv").write_text("Ameli: cnam\nSFR, sfr1\n")
    gate = Filter.load(ROOT / "rules", tmp_path)

    def is_refused(sender: str, client: str) -> bool:
        return gate.check("Bonjour", sender=sender, client=client).status == 0x0A

    assert [
        is_refused(sender, "reseller9") for sender in ("INFO", "112", "SERVICE", "CreditAgric", "36180", "SFR")
    ] == [True] * 6
    assert is_refused("Ameli", "bank1")
    assert not any(map(is_refused, ("CreditAgric", "36180", "Ameli", "SFR"), ("bank2", "cinema", "cnam", "sfr1")))
    assert not is_refused("Librairie", "reseller9")


def keys(form: type[Form]) -> Iterator[str]:
    """The keys of a form and of those in it."""
    for name, field in form.model_fields.items():
        yield field.alias or name
        for inner in _forms(field.annotation):
            yield from keys(inner)


def _forms(kind: Any) -> Iterator[type[Form]]:
    if isinstance(kind, type) and issubclass(kind, Form):
        yield kind
    for argument in get_args(kind):
        yield from _forms(argument)


@pytest.mark.parametrize("page", ["docs/operations.md", "deploy/smsgate.yaml"])
def test_every_key_of_the_configuration_is_shown(page: str) -> None:
    text = (ROOT / page).read_text()
    assert [key for key in keys(GateForm) if not re.search(rf"\b{key}\b[:,}}]", text)] == []


def test_every_module_is_in_the_table_of_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text().lower()
    modules = [file for file in (ROOT / "smsgate").glob("*/*.py") if not file.stem.startswith("__")]
    told = {"constants", *(file.stem for file in modules if file.parent.name == "cli")}  # by their names
    assert [file.stem for file in modules if file.stem not in told and not re.search(rf"\b{file.stem}\b", page)] == []


def test_the_example_configuration_is_right() -> None:
    assert load_settings(ROOT / "deploy" / "smsgate.yaml").clients["bank1"].burst == 400


def test_the_limits_of_the_rule_reference_do_what_it_says(tmp_path: Path) -> None:
    (limits,) = re.findall(r"```yaml\n(limits:.*?)```", RULES, re.DOTALL)
    (tmp_path / "limits.yaml").write_text(f"pack: limits\n{limits}")
    policy = Policy(Filter.load(tmp_path).rules)

    def passed(count: int, now: float, text: str = "hello", client: str = "a", **fields: str) -> list[str]:
        """Which of so many messages passed, or which limit did what to them."""
        said = []
        for number in range(count):
            sender = fields.get("sender", f"s{number}")
            to = fields.get("to", f"336{now:05.0f}{number:04}").encode()
            verdict = policy.decide((Reading.of_text(text),), sender, (to,), policy.client(client), now)
            said.append(f"{verdict.rules[0].id} {verdict.action} {verdict.status:#x}" if verdict.rules else "")
        return said

    assert passed(11, 1000.0, to="1") == [""] * 10 + ["LIM-001 throttle 0x64"]
    assert passed(2, 1360.0, to="1") == ["", "LIM-001 throttle 0x64"]
    assert passed(51, 2000.0, sender="x") == [""] * 50 + ["LIM-002 throttle 0x58"]
    assert passed(51, 3000.0, sender="x", client="bulk-partner") == [""] * 51
    assert passed(21, 4000.0, "see https://evil.invalid") == [""] * 20 + ["LIM-003 block 0x66"]
    assert passed(201, 5000.0, client="marketing") == [""] * 200 + ["LIM-004 shape 0x0"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.timeout(300)  # the tutorial starts thirty processes, most of which load all the shipped packs
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_commands_print_what_their_page_shows(page: Path, tmp_path: Path) -> None:
    """If what they print has changed for the better: make docs."""
    assert written(page, tmp_path) == page.read_text(encoding="utf-8")
