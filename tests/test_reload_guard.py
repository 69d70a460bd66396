"""What new rules would change is counted by message and by rule."""

from __future__ import annotations

import json
from pathlib import Path

from smsgate.reload.guard import compare
from tests.packs import Action, Mode, rule, rule_set

SETS = {"bad": ["mauvais"], "worse": ["pire"]}


def test_verdicts_and_rules_that_change_are_counted(tmp_path: Path) -> None:
    messages = tmp_path / "messages.jsonl"
    texts = ["mauvais", "pire", "pire aussi", "bonjour", "mauvais et pire"]
    messages.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    before = rule_set(rule("bad", name="R-1"), rule("worse", Action.FLAG, name="R-2"), sets=SETS)
    after = rule_set(
        rule("bad", name="R-1", mode=Mode.MONITOR), rule("worse", name="R-2"), rule("worse", name="R-3"), sets=SETS
    )
    change = compare(before, after, messages)
    assert change[:4] == (5, 3, 2, 1)
    assert change.rules == (("R-3", 3, 0), ("R-1", 0, 2))
    assert change.share == 0.6
    assert str(change) == (
        "3 of 5 verdicts change (60.00%): 2 messages newly refused, 1 no longer; rules: R-3 (+3 -0), R-1 (+0 -2)"
    )


def test_no_message_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("\n")
    assert compare(rule_set(), rule_set(), tmp_path / "none.jsonl").share == 0.0
