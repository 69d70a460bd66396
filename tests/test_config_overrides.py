"""Overrides change how a rule of a pack acts and whom it spares, and say where."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.rules import load
from smsgate.rules.model import Action, Mode, Rule, Sample, place
from smsgate.rules.verdict import Verdict
from tests.programs import invoke

PACK = """\
pack: shipped
owner: vendor
keywords:
  bad: [mauvais]
  calm: [tranquille]
rules:
  - id: S-1
    title: A bad word
    if: bad
    action: block
    clients: {bank2: monitor}
    matches: [un mot mauvais, mauvais tranquille]
    passes: [un mot]
  - id: S-2
    title: A calm word
    if: calm
    mode: monitor
    action: block
    owner: somebody
    reference: ticket 7
    since: 2026-01-01
    matches: [tranquille]
    passes: [un mot]
  - id: S-3
    title: A client that may
    if: client in [bank1] and calm
    action: allow
    mode: monitor
    matches: [{text: tranquille, client: bank1}]
    passes: [un mot]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shipped.yaml").write_text(PACK)
    (tmp_path / "overrides").mkdir()
    return tmp_path


def override(folder: Path, text: str, name: str = "site") -> None:
    (folder / "overrides" / f"{name}.yaml").write_text(text)


def rules(folder: Path, today: date | None = None) -> dict[str, Rule]:
    return {rule.id: rule for rule in load([folder], today).rules.rules}


def judge(folder: Path, text: str, client: str = "") -> Verdict:
    return load([folder]).rules.check_text(text, client=client)


def faults(folder: Path) -> list[str]:
    with pytest.raises(DiagnosticsError) as caught:
        load([folder])
    return [str(each).removeprefix(f"{folder}/") for each in caught.value.diagnostics]


def test_a_rule_has_its_own_owner_or_the_packs(folder: Path) -> None:
    found = rules(folder)
    assert [found[name].owner for name in ("S-1", "S-2")] == ["vendor", "somebody"]
    assert (found["S-2"].reference, found["S-2"].since) == ("ticket 7", date(2026, 1, 1))


def test_every_key_of_an_override_arrives_and_the_rest_stays(folder: Path) -> None:
    override(
        folder,
        "overrides:\n  S-1:\n    mode: sample 12.5%\n    action: throttle\n    status: 0x45\n    expires: 2090-01-01\n"
        "    clients: {Bank1: enforce}\n",
    )
    rule = rules(folder)["S-1"]
    assert (rule.mode, rule.action, rule.status) == (Sample(0.125), Action.THROTTLE, 0x45)
    assert (rule.expires, rule.title) == (date(2090, 1, 1), "A bad word")
    assert rule.clients == (("bank2", Mode.MONITOR), ("bank1", Mode.ENFORCE))
    site = folder / "overrides" / "site.yaml"
    assert place(rule) == f"{folder}/shipped.yaml:7:5, overridden in {site}:2:3"
    assert judge(folder, "mauvais", "bank1").reason == f"S-1 {place(rule)}"
    assert rules(folder)["S-2"].overridden is None


def test_an_exception_excuses_even_what_stands_under_matches(folder: Path) -> None:
    override(folder, "overrides:\n  S-1: {except: calm}\n")
    assert judge(folder, "un mot mauvais").refused
    assert not judge(folder, "mauvais tranquille").refused


def test_exceptions_of_rule_and_override_add_up_and_any_of_them_excuses(folder: Path) -> None:
    (folder / "shipped.yaml").write_text(
        PACK.replace("    if: bad\n", "    if: bad\n    except: [link, 'client in [x]']\n")
    )
    override(folder, "overrides:\n  S-1: {except: [calm, 'sender in [\"38100\"]']}\n")
    assert judge(folder, "un mot mauvais").refused
    assert not judge(folder, "mauvais http://a.example").refused
    assert not judge(folder, "mauvais", "x").refused
    assert not judge(folder, "mauvais tranquille").refused


def test_an_exception_may_use_names_of_the_sites_own_packs(folder: Path) -> None:
    (folder / "own.yaml").write_text("pack: own\nlists:\n  ours: {domains: [ours.example]}\n")
    override(folder, "use: [own]\noverrides:\n  S-1: {except: link_host in ours}\n")
    assert not judge(folder, "mauvais http://ours.example").refused
    assert judge(folder, "mauvais http://theirs.example").refused
    override(folder, "use: [onw]\noverrides:\n  S-1: {except: link_host in ours}\n")
    assert "'onw', expected under use the name of a pack" in faults(folder)[0]


def test_an_override_may_end_a_rule_and_prolong_it(folder: Path) -> None:
    override(folder, "overrides:\n  S-1: {expires: 2026-06-30}\n")
    assert "S-1" in rules(folder, date(2026, 6, 30))
    assert "S-1" not in rules(folder, date(2026, 7, 1))
    (folder / "shipped.yaml").write_text(PACK.replace("    if: bad\n", "    if: bad\n    expires: 2026-06-01\n"))
    assert "S-1" in rules(folder, date(2026, 6, 30))


def test_an_expired_rule_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    override(folder, "overrides:\n  S-1: {expires: 2026-06-30}\n")
    load([folder], date(2026, 7, 1))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(
        f"{folder}/shipped.yaml:7:5, overridden in {folder}/overrides/site.yaml:2:3: the"
    )
    assert caplog.messages[0].endswith("the rule S-1 expired on 2026-06-30: it has stopped")


def test_what_an_override_makes_refuse_must_still_pass_where_a_rule_says_so(folder: Path) -> None:
    (folder / "shipped.yaml").write_text(
        PACK.replace("passes: [un mot]\n  - id: S-2", "passes: [tranquille]\n  - id: S-2")
    )
    assert len(rules(folder)) == 3
    override(folder, "overrides:\n  S-2: {mode: enforce}\n")
    (fault,) = faults(folder)
    assert "shipped.yaml:13:14: found the verdict block by S-2 (overridden in" in fault


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("overrides:\n  S1: {mode: monitor}\n", "site.yaml:2:3: found 'S1', expected the id of a rule that is loaded"),
        (
            "overrides:\n  S-1: {mode: monitro}\n",
            "site.yaml:2:15: found 'monitro', expected monitor, enforce, or sample",
        ),
        (
            "overrides:\n  S-1: {title: x}\n",
            "site.yaml:2:9: found the unknown key 'title', expected one of mode, action",
        ),
        ("overrides:\n  S-1: {}\n", "site.yaml:2:3: found an override of nothing, expected one of mode, action"),
        ("overrides: {}\n", "site.yaml:1:1: found an empty"),
        (
            "overrides:\n  S-1: {action: allow}\n",
            "site.yaml:2:17: found 'allow', expected one of flag, throttle, block, drop",
        ),
        ("overrides:\n  S-3: {action: block}\n", "site.yaml:2:3: found the action block for S-3, expected no action"),
        ("overrides:\n  S-1: {except: clam and link}\n", "site.yaml:2:17: found 'clam', expected a keyword set"),
        ("overrides:\n  S-1: {except: [link, not clam]}\n", "site.yaml:2:28: found 'clam', expected a keyword set"),
        ("overrides:\n  S-1: {except: calm an link}\n", "site.yaml:2:22: found 'an', expected and, or"),
        ("rules: []\noverrides:\n  S-1: {mode: monitor}\n", "site.yaml:1:1: found the unknown key 'rules'"),
    ],
)
def test_what_an_override_must_not_say(text: str, found: str, folder: Path) -> None:
    override(folder, text)
    (fault,) = faults(folder)
    assert fault.startswith(f"overrides/{found}")


def test_a_near_id_is_suggested_and_a_second_override_is_a_fault(folder: Path) -> None:
    override(folder, "overrides:\n  S-11: {mode: monitor}\n  S-1: {mode: monitor}\n")
    override(folder, "overrides:\n  S-1: {mode: enforce}\n", "other")
    near, again = sorted(faults(folder), key=lambda fault: "another" in fault)
    assert near.endswith("(did you mean 'S-1'?)")
    assert "found another override of S-1, expected one:" in again


def test_overrides_make_another_version_of_the_rule_set(folder: Path) -> None:
    before = load([folder]).rules.version
    override(folder, "overrides:\n  S-1: {mode: monitor}\n")
    loaded = load([folder])
    assert loaded.rules.version != before
    assert folder / "overrides" / "site.yaml" in loaded.files


def test_the_overrides_of_the_rule_reference_load_with_its_pack(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "rules.md").read_text()
    for name, start in (("pack", "pack: example"), ("overrides", "use: \\[example\\]")):
        (block,) = re.findall(rf"```yaml\n({start}.*?)```", page, re.DOTALL)
        (tmp_path / f"{name}.yaml").write_text(block)
    found = rules(tmp_path)
    assert found["EX-001"].mode == Sample(0.25)
    assert len(found["EX-003"].exemptions) == 2


def test_explain_and_its_json_name_both_places(folder: Path) -> None:
    override(folder, "overrides:\n  S-1: {mode: enforce}\n")
    shown = invoke("explain", "mauvais", "--rules", folder)
    assert f"({folder}/shipped.yaml:7:5, overridden in {folder}/overrides/site.yaml:2:3)" in shown.stdout
    (record,) = json.loads(invoke("explain", "mauvais", "--rules", folder, "--json").stdout)["rules"]
    assert (record["line"], record["overridden"]) == (7, f"{folder}/overrides/site.yaml:2")


def test_check_tells_what_has_expired(folder: Path) -> None:
    override(folder, "overrides:\n  S-1: {expires: 2026-01-01}\n")
    told = subprocess.run(
        [Path(sys.executable).with_name("smsgate"), "check", str(folder)], capture_output=True, text=True, check=False
    )
    assert "the rule S-1 expired on 2026-01-01: it has stopped" in told.stderr
