"""smsgate.yaml becomes `Settings`."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.load import load_settings
from smsgate.settings import Address, ClientSettings, Settings

LEAST = """\
listeners: [{bind: "127.0.0.1:2775"}]
upstreams: [{address: "127.0.0.1:2776"}]
rules: []
"""


def load(folder: Path, text: str) -> Settings:
    file = folder / "smsgate.yaml"
    file.write_text(text)
    return load_settings(file)


def test_the_least_file_takes_the_defaults_of_settings(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST) == Settings((Address("127.0.0.1", 2775),), (Address("127.0.0.1", 2776),), ())


def test_every_key_arrives(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "more.yaml").touch()
    text = """\
listeners: [{bind: "0.0.0.0:0"}, {bind: "[::1]:2775"}]
upstreams: [{address: smsc-1.example}, {address: "[2001:db8::1]"}]
rules: [rules/, more.yaml]
metrics: {bind: "localhost:9464"}
clients:
  bank1: {rate: 200/s, burst: 400}
  bank2: {rate: 90/m}
  bank3: {rate: 25.5/s}
  0123: {rate: 36 / h, burst: 1}
  other:
event_loop: asyncio
connect_timeout: 500ms
drain_timeout: 1.5m
"""
    assert load(tmp_path, text) == Settings(
        listeners=(Address("0.0.0.0", 0), Address("::1", 2775)),
        upstreams=(Address("smsc-1.example", 2775), Address("2001:db8::1", 2775)),
        rules=(tmp_path / "rules", tmp_path / "more.yaml"),
        metrics=Address("localhost", 9464),
        clients={
            "bank1": ClientSettings(200.0, 400),
            "bank2": ClientSettings(1.5, 10),
            "bank3": ClientSettings(25.5, 26),
            "0123": ClientSettings(0.01, 1),
            "other": ClientSettings(),
        },
        event_loop="asyncio",
        connect_timeout_s=0.5,
        drain_timeout_s=90.0,
    )


def test_paths_are_relative_to_the_file_and_absolute_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc" / "packs").mkdir(parents=True)
    (tmp_path / "etc" / "smsgate.yaml").write_text(LEAST.replace("[]", f"[packs, {tmp_path}]"))
    monkeypatch.chdir(tmp_path)
    assert load_settings(Path("etc/smsgate.yaml")).rules == (Path("etc/packs"), tmp_path)


@pytest.mark.parametrize(
    "address", ["", ":2775", "a b:1", "host:", "host:65536", "[host]:1", "[::1", "::1", "1:2:3", "h:-1"]
)
def test_what_is_no_address_is_refused_where_it_stands(address: str, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        load(tmp_path, LEAST.replace("127.0.0.1:2775", address))
    (fault,) = caught.value.diagnostics
    assert fault.line == 1


def test_only_a_listener_may_ask_for_any_free_port(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST.replace("2775", "0")).listeners == (Address("127.0.0.1", 0),)
    with pytest.raises(DiagnosticsError, match="port from 1 to 65535"):
        load(tmp_path, LEAST.replace("2776", "0"))


def test_metrics_need_a_port_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match="expected HOST:PORT"):
        load(tmp_path, LEAST + "metrics: {bind: localhost}\n")


def test_rules_must_be_named_even_if_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match="no 'rules'"):
        load(tmp_path, LEAST.replace("rules: []", "rules:"))


@pytest.mark.parametrize("rate", ["5", "5/d", "-1/s", "0/s", "1000001/s", "fast", "5/s/s", "1e3/s", "[5/s]"])
def test_what_is_no_rate_is_refused(rate: str, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        load(tmp_path, LEAST + f"clients:\n  a: {{burst: 5, rate: {rate}}}\n")
    assert [(fault.line, fault.column) for fault in caught.value.diagnostics] == [(5, 23)]


def test_duplicate_keys_are_refused_although_the_rest_is_sound(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match=r"4:1: found the key 'rules' again"):
        load(tmp_path, LEAST + "rules: []\n")
