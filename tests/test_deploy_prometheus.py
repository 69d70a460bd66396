"""deploy/prometheus: what it asks for exists, and each alert fires when it should and is silent when it should be."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from smsgate.telemetry.families import FAMILIES

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "prometheus"
UNIT_TESTS = sorted((FOLDER / "tests").glob("*.yaml"))
NOT_OURS = {"up", "smsgate_reload_refused"}
SUFFIXES = ("", "_bucket", "_sum", "_count")


def promtool(*arguments: str | Path) -> None:
    """Run promtool. Fails with what it says."""
    command = shutil.which("promtool")
    if command is None:
        pytest.skip("no promtool: apt-get install prometheus")
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    files = (FOLDER / "recording.yaml", FOLDER / "alerts.yaml")
    return [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def test_the_scrape_configuration_is_right() -> None:
    promtool("check", "config", FOLDER / "prometheus.yaml")


@pytest.mark.parametrize("file", UNIT_TESTS, ids=lambda file: file.stem)
def test_unit_tests(file: Path) -> None:
    promtool("test", "rules", file)


def test_every_alert_is_tested_firing_and_silent() -> None:
    tests = [test for file in UNIT_TESTS for test in yaml.safe_load(file.read_text())["tests"]]
    tried = {
        (case["alertname"], bool(case["exp_alerts"])) for test in tests for case in test.get("alert_rule_test", ())
    }
    assert tried == {(rule["alert"], fires) for rule in rules() if "alert" in rule for fires in (True, False)}


def test_every_recorded_series_is_tested() -> None:
    tests = [test for file in UNIT_TESTS for test in yaml.safe_load(file.read_text())["tests"]]
    tried = {case["expr"].partition("{")[0] for test in tests for case in test.get("promql_expr_test", ())}
    assert tried == {rule["record"] for rule in rules() if "record" in rule}


def test_rules_ask_for_metrics_that_the_gate_has() -> None:
    known = {family.shown + suffix for family in FAMILIES for suffix in SUFFIXES}
    known |= {rule["record"] for rule in rules() if "record" in rule} | NOT_OURS
    asked = {
        name for rule in rules() for name in re.findall(r"\b(?:[a-z_]+:)?smsgate_\w+(?::\w+)?|\bup\b", rule["expr"])
    }
    assert asked <= known, asked - known


def test_every_alert_says_how_bad_it_is_and_stands_in_the_manual() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text()
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert f"| `{rule['alert']}` |" in manual, rule["alert"]
