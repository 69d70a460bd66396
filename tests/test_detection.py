"""The measurement of detection: disguises that are read, intervals, campaigns, and a page without message texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from load_tests.detection import Share, campaigns, family, in_view, judge, main, matrix, page, read, wilson
from load_tests.evasion import TRICKS, disguised
from smsgate.rules.engine import RuleSet
from tests.packs import rule, rule_set

TEXT = "Votre colis est retenu, réglez l'affranchissement : https://frais-44.example/a"
MESSAGES = [
    {"id": "a1", "lang": "fr", "label": "scam", "source": "press_fr", "text": TEXT},
    {"id": "a2", "lang": "fr", "label": "scam", "source": "press_fr", "text": TEXT.replace("44", "45")},
    {"id": "b1", "lang": "fr", "label": "legit", "source": "88milsms", "text": "Ton colis est chez moi, à ce soir"},
    {"id": "c1", "lang": "en", "label": "spam", "source": "uci", "text": "Ringtones for all of you"},
]


@pytest.fixture(name="rules")
def _rules() -> RuleSet:
    return rule_set(rule("colis"), sets={"colis": ["colis"]})


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> Path:
    (tmp_path / "messages").mkdir()
    lines = "\n".join(json.dumps(message) for message in MESSAGES)
    (tmp_path / "messages" / "messages.jsonl").write_text(lines + "\n")
    return tmp_path


@pytest.mark.parametrize("trick", TRICKS)
def test_every_trick_changes_a_text_and_gives_the_same_each_time(trick: str) -> None:
    assert TRICKS[trick](TEXT) == TRICKS[trick](TEXT) != TEXT


def test_words_are_disguised_outside_of_links() -> None:
    changed = dict(disguised(TEXT))
    for trick in ("leet", "Cyrillic look-alikes", "three words spaced", "zero-width space in each word"):
        assert changed[trick].endswith("https://frais-44.example/a")
    assert changed["link with [.]"].endswith("https://frais-44[.]example/a")


def test_the_interval_of_a_share() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 2), round(high, 2)) == (0.49, 0.94)
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == 1
    assert str(Share(0, 0)) == "0 | | "


def test_near_identical_texts_are_one_campaign(rules: RuleSet, data: Path) -> None:
    campaign = campaigns(judge(rules, read(data)))
    assert campaign["a1"] == campaign["a2"] == "a1"
    assert len(set(campaign.values())) == 3
    assert {in_view(str(number)) for number in range(20)} == {True, False}


def test_a_family_is_told_by_its_words() -> None:
    assert family(TEXT) == "parcels"
    assert family("Bonjour") == "other"


def test_the_matrix_counts_what_is_still_blocked(rules: RuleSet, data: Path) -> None:
    kept = matrix(rules, judge(rules, read(data)))
    assert (kept["capitals"].hit, kept["capitals"].of) == (3, 3)
    assert (kept["three words spaced"].hit, kept["three words spaced"].of) == (2, 3)
    assert kept["without accents"].of == 3


def test_the_page_lists_honest_messages_refused_by_id_and_holds_no_text(rules: RuleSet, data: Path) -> None:
    text = "\n".join(page(rules, judge(rules, read(data))))
    assert "| b1 | 88milsms | legit | R-1 |" in text
    assert "| all | 2 of 2 |" in text
    for message in MESSAGES:
        assert message["text"] not in text


def test_without_messages_it_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["detection", "--data", str(tmp_path), "--output", str(tmp_path / "page.md")])
    main()
    assert capsys.readouterr().out.startswith("skipped")
    assert not (tmp_path / "page.md").exists()
