"""The engine inside another gateway: `from smsgate import Filter`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

import smsgate
from smsgate import Action, DiagnosticsError, Filter, Verdict
from tests.gates import GENUINE, SCAM
from tests.packs import SHIPPED, shipped
from tests.programs import PACK, pack_in


def test_what_the_documentation_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SHIPPED.parent)
    gate = Filter.load("rules/")
    verdict = gate.check("Votre solde CPF expire, voir https://droits.example/x", sender="38100", client="bank1")
    assert verdict.refused
    assert (verdict.action, verdict.status) == (Action.BLOCK, 0x66)
    assert verdict.rules[0].id.startswith("FR-CPF-")
    assert verdict.rules[0].where.file == "rules/fr/cpf.yaml"
    assert gate.check("482913 est votre code de confirmation.") == Verdict()


def test_a_message_comes_now_and_goes_somewhere(tmp_path: Path) -> None:
    now = datetime.now(UTC).hour
    (tmp_path / "pack.yaml").write_text(f"""
pack: night
rules:
  - id: N-1
    title: at this hour, to these
    if: destination startswith "+33 6" and (hour == {now} or hour == {(now + 1) % 24})
    action: block
    matches: [{{text: x, destination: "0639980001", hour: {now}}}]
    passes: [{{text: x, hour: {now}}}]
""")
    gate = Filter.load(tmp_path)
    assert gate.check("Bonjour", destination="+33 6 39 98 00 01").refused
    assert not gate.check("Bonjour", destination="+33 1 99 00 12 34").refused


def test_every_public_name_is_there() -> None:
    assert all(getattr(smsgate, name) for name in smsgate.__all__)


def test_files_and_folders_are_loaded_together(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    other = tmp_path / "other.yaml"
    other.write_text(PACK.replace("pack: test", "pack: other").replace("T-", "O-").replace("cpf", "dif"))
    gate = Filter.load(rules, str(other))
    assert {rule.id for rule in gate.check(SCAM).rules} == {"T-1", "T-2", "O-1", "O-2"}


def test_sender_and_client_count(tmp_path: Path) -> None:
    gate = Filter.load(pack_in(tmp_path))
    assert gate.check(SCAM, sender="MCF", client="bank1").action is Action.BLOCK
    trusted = gate.check(SCAM, client="trusted")
    assert (trusted.action, trusted.status, trusted.refused) == (Action.ALLOW, 0, False)
    assert [rule.id for rule in trusted.rules] == ["T-3"]
    flagged = gate.check("Votre pass expire")
    assert (flagged.action, flagged.status, flagged.refused) == (Action.FLAG, 0, False)


def test_faults_come_as_diagnostics_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError) as raised:
        Filter.load(pack_in(tmp_path, PACK.replace("action: flag", "action: flagg")), tmp_path / "none.yaml")
    assert [Path(fault.file).name for fault in raised.value.diagnostics] == ["none.yaml", "test.yaml"]


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "\U0010ffff" * 70, "https://", "a" * 70_000, "." * 5000])
def test_no_text_is_too_odd(text: str) -> None:
    gate = Filter(shipped())
    assert not gate.check(text, sender=text, client=text).refused


def test_threads_may_share_a_filter(tmp_path: Path) -> None:
    gate = Filter.load(pack_in(tmp_path))
    texts = [f"{SCAM}{number}" if number % 2 else GENUINE for number in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        refused = list(pool.map(lambda text: gate.check(text).refused, texts))
    assert refused == [number % 2 == 1 for number in range(2000)]
