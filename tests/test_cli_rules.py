"""`smsgate rules history` tells versions in full, however narrow the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from smsgate.cli import app


def test_versions_are_not_cut_where_the_terminal_is_narrow(tmp_path: Path) -> None:
    config = tmp_path / "smsgate.yaml"
    config.write_text(
        "listeners: [{bind: '127.0.0.1:0'}]\nupstreams: [{address: '127.0.0.1:2776'}]\nrules: [.]\nstate: state\n"
    )
    entry = {"at": "2026-11-22T10:16:49+00:00", "version": "05f27e4ced04", "rules": 6, "result": "accepted"}
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "history.jsonl").write_text(
        json.dumps({**entry, "trigger": "smsgate reload", "by": "alice"}) + "\n"
    )
    result = CliRunner(env={"COLUMNS": "40"}).invoke(app, ["rules", "history", "--config", str(config)])
    assert result.stdout.splitlines()[1].split() == [
        *("2026-11-22", "10:16:49", "05f27e4ced04", "6", "accepted", "smsgate", "reload", "(alice)")
    ]
