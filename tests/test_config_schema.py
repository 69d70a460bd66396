"""The schema that editors get is the one of the code: it takes every shipped pack, and refuses what would not load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smsgate.config.schema import FILE_NAME, configuration, files, rules

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "rules" / FILE_NAME
PACKS = sorted((ROOT / "rules").rglob("*.yaml"))

RIGHT = """\
pack: 007
owner: 12
typos: yes
lists:
  callers: {numbers: [0639980001, "+33 6 39 98 00 02"], since: 2026-01-01}
keywords: {yes_no: [yes, no, 21:30, 0x10*]}
rules:
  - id: R-1
    title: Everything that a rule may say
    if: yes_no
    except: [link, phone]
    action: block
    status: 0x45
    mode: sample 12.5%
    clients: {bank1: monitor}
    expires: 2027-06-30
    matches: [yes, {text: no, sender: 38100, ambiguous_body: true}]
    passes: [12]
limits:
  - {id: L-1, title: Rate, per: client, over: 20 in 10m, status: 8}
"""
RULE = "pack: p\nrules:\n  - {{id: R-1, title: T, if: link, action: block, matches: [a], passes: [b]{0}}}\n"
WRONG = {
    "key": RULE.format(", ownr: me"),
    "action": RULE.format("").replace("block", "blok"),
    "mode": RULE.format(", mode: sample"),
    "share": RULE.format(", mode: sample 110%"),
    "status": RULE.format(", status: ESME_RX"),
    "day": RULE.format(", expires: 30/06/2027"),
    "no-examples": RULE.format("").replace("[a]", "[]"),
    "no-id": RULE.format("").replace("id: R-1, ", ""),
    "limit": "pack: p\nlimits: [{id: L-1, title: T, per: clients, over: 20 in 10m}]\n",
    "window": "pack: p\nlimits: [{id: L-1, title: T, per: client, over: 20}]\n",
    "keyword": "pack: p\nkeywords: {k: [ex*pir]}\n",
    "domain": "pack: p\nlists: {l: {domains: ['https://a.example/x']}}\n",
    "two-kinds": "pack: p\nlists: {l: {domains: [a.example], senders: [b]}}\n",
    "override": "overrides: {R-1: {title: x}}\n",
    "no-override": "overrides: {}\n",
}


def failing(*paths: Path, schema: Path = SCHEMA) -> set[str]:
    """The files that do not validate, read as editors read YAML."""
    checker = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), "-o", "json", *map(str, paths)]
    result = subprocess.run(checker, capture_output=True, text=True, timeout=50, check=False)
    report = json.loads(result.stdout)
    assert not report.get("parse_errors"), report
    return {Path(error["filename"]).stem for error in report.get("errors", ())}


@pytest.mark.parametrize("path", files())
def test_the_committed_schemas_are_what_the_code_makes(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == files()[path], "make docs writes it anew"


def test_every_shipped_pack_validates() -> None:
    assert len(PACKS) > 10
    assert failing(*PACKS) == set()


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.stem)
def test_every_shipped_pack_names_the_schema_in_its_first_line(pack: Path) -> None:
    start, _, named = pack.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")
    assert start == "# yaml-language-server: "
    assert (pack.parent / named).resolve() == SCHEMA


def test_what_loads_validates_and_what_is_wrong_does_not(tmp_path: Path) -> None:
    right = {
        "everything": RIGHT,
        "overrides": "use: [p]\noverrides: {R-1: {mode: sample 1%, except: link, clients: {a: enforce}}}\n",
    }
    for name, content in {**right, **WRONG}.items():
        (tmp_path / f"{name}.yaml").write_text(content)
    assert failing(*tmp_path.iterdir()) == set(WRONG)


@pytest.mark.parametrize("made", [rules(), configuration()], ids=["rules", "configuration"])
def test_there_is_no_definition_that_nothing_refers_to(made: dict[str, Any]) -> None:
    text = json.dumps(made)
    for name in made["$defs"]:
        assert f'"#/$defs/{name}"' in text


def test_configurations_validate_and_wrong_ones_do_not(tmp_path: Path) -> None:
    schema = ROOT / "deploy" / "smsgate.schema.json"
    example = ROOT / "deploy" / "smsgate.yaml"
    assert example.read_text().startswith(f"# yaml-language-server: $schema={schema.name}\n")
    least = "listeners: [{bind: 'a:1'}]\nupstreams: [{address: 'b:2'}]\nrules: [rules]\n"
    for name, content in {
        "key": f"{least}listener: []\n",
        "mode": f"{least}clients: {{bank1: {{mode: sample}}}}\n",
        "missing": "listeners: [{bind: 'a:1'}]\n",
        "least": least,
    }.items():
        (tmp_path / f"{name}.yaml").write_text(content)
    others = (ROOT / "deploy" / "container" / "smsgate.yaml", *tmp_path.iterdir())
    assert failing(example, *others, schema=schema) == {"key", "mode", "missing"}
