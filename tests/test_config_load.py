"""smsgate.yaml becomes `Settings`."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.load import load_settings
from smsgate.settings import (
    Address,
    AuditSettings,
    Caps,
    ClientMode,
    ClientSettings,
    DefaultAlphabet,
    ListenerSettings,
    ListenerTls,
    LogFormat,
    LogLevel,
    LogSettings,
    OnFault,
    OnOverflow,
    Reveal,
    SegmentSettings,
    Settings,
    Statuses,
    TcpSettings,
    TimerSettings,
    UnknownCommands,
    UpstreamSettings,
    UpstreamTls,
)

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
    assert load(tmp_path, LEAST) == Settings(
        listeners=(ListenerSettings(Address("127.0.0.1", 2775)),),
        upstreams=(UpstreamSettings("127.0.0.1:2776", Address("127.0.0.1", 2776)),),
        rules=(),
    )


def test_every_key_of_the_gate_itself_arrives(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "more.yaml").touch()
    text = """\
listeners: [{bind: "0.0.0.0:0"}, {bind: "[::1]:2775"}]
upstreams: [{address: smsc-1.example}, {address: "[2001:db8::1]"}]
rules: [rules/, more.yaml]
metrics: {bind: "localhost:9464"}
caps: {sessions: 20000, sessions_per_address: 50, binds_per_client: 8, failed_binds_per_minute: 3}
segments: {expire: 2m, overflow: reject}
timers: {session_init: 5s, pdu_read: 2500ms, inactivity: 120m, response: off}
tcp: {keepalive: 2m, user_timeout: 15s}
event_loop: asyncio
connect_timeout: 500ms
drain_timeout: 1.5m
"""
    assert load(tmp_path, text) == Settings(
        listeners=(ListenerSettings(Address("0.0.0.0", 0)), ListenerSettings(Address("::1", 2775))),
        upstreams=(
            UpstreamSettings("smsc-1.example:2775", Address("smsc-1.example", 2775)),
            UpstreamSettings("[2001:db8::1]:2775", Address("2001:db8::1", 2775)),
        ),
        rules=(tmp_path / "rules", tmp_path / "more.yaml"),
        metrics=Address("localhost", 9464),
        caps=Caps(20_000, 50, 8, 3),
        segments=SegmentSettings(120.0, OnOverflow.REJECT),
        timers=TimerSettings(5.0, 2.5, 7200.0, 0.0),
        tcp=TcpSettings(120.0, 15.0),
        event_loop="asyncio",
        connect_timeout_s=0.5,
        drain_timeout_s=90.0,
    )


def test_every_key_of_a_client_arrives(tmp_path: Path) -> None:
    text = """\
clients:
  bank1: {rate: 200/s, burst: 400}
  bank2: {rate: 90/m}
  bank3: {rate: 25.5/s}
  0123: {rate: 36 / h, burst: 1}
  resale:
    mode: monitor
    allow_from: [198.51.100.0/24, 203.0.113.9, "2001:db8::/32"]
    unknown_commands: forward
    malformed: reject
    on_filter_error: forward
    default_alphabet: gsm7-packed
    statuses: {content: ESME_RSUBMITFAIL, sender: 0x0B, rate: 20, limit: 0x400}
    upstreams: ["127.0.0.1:2776"]
  other:
"""
    assert load(tmp_path, LEAST + text).clients == {
        "bank1": ClientSettings(200.0, 400),
        "bank2": ClientSettings(1.5, 10),
        "bank3": ClientSettings(25.5, 26),
        "0123": ClientSettings(0.01, 1),
        "resale": ClientSettings(
            mode=ClientMode.MONITOR,
            statuses=Statuses(content=0x45, sender=0x0B, rate=20, limit=0x400),
            allow_from=(
                IPv4Network("198.51.100.0/24"),
                IPv4Network("203.0.113.9/32"),
                IPv6Network("2001:db8::/32"),
            ),
            unknown_commands=UnknownCommands.FORWARD,
            malformed=OnFault.REJECT,
            on_filter_error=OnFault.FORWARD,
            default_alphabet=DefaultAlphabet.GSM7_PACKED,
            upstreams=("127.0.0.1:2776",),
        ),
        "other": ClientSettings(),
    }


def test_every_key_of_a_listener_and_of_an_upstream_arrives(tmp_path: Path) -> None:
    for name in ("gate.pem", "gate.key", "esmes.pem", "smsc.pem"):
        (tmp_path / name).touch()
    text = """\
listeners:
  - bind: "127.0.0.1:2775"
    allow: [198.51.100.0/24]
    proxies: [10.0.0.0/8, "::1"]
    tls: {certificate: gate.pem, key: gate.key, client_ca: esmes.pem}
  - {bind: "127.0.0.1:3550", proxies: [], tls: {certificate: gate.pem, key: gate.key}}
upstreams:
  - name: smsc1
    address: smsc.example
    source: 192.0.2.1
    tls: {ca: smsc.pem, server_name: mt.smsc.example, certificate: gate.pem, key: gate.key}
  - {address: "[2001:db8::1]:3550", source: "2001:DB8::0:2", tls: {server_name: "2001:db8::1"}}
rules: []
"""
    certificate, key = tmp_path / "gate.pem", tmp_path / "gate.key"
    settings = load(tmp_path, text)
    assert settings.listeners == (
        ListenerSettings(
            Address("127.0.0.1", 2775),
            tls=ListenerTls(certificate, key, tmp_path / "esmes.pem"),
            proxies=(IPv4Network("10.0.0.0/8"), IPv6Network("::1/128")),
            allow=(IPv4Network("198.51.100.0/24"),),
        ),
        ListenerSettings(Address("127.0.0.1", 3550), tls=ListenerTls(certificate, key)),
    )
    assert settings.upstreams == (
        UpstreamSettings(
            "smsc1",
            Address("smsc.example", 2775),
            "192.0.2.1",
            UpstreamTls(tmp_path / "smsc.pem", "mt.smsc.example", certificate, key),
        ),
        UpstreamSettings(
            "[2001:db8::1]:3550",
            Address("2001:db8::1", 3550),
            "2001:db8::2",
            UpstreamTls(server_name="2001:db8::1"),
        ),
    )


@pytest.mark.parametrize("value", ["{}", "", "~"])
def test_tls_without_a_word_more_is_tls_with_the_authorities_of_the_system(value: str, tmp_path: Path) -> None:
    """An empty value would otherwise be plain TCP, which its author does not expect."""
    text = LEAST.replace('2776"', f'2776", tls: {value}')
    assert load(tmp_path, text).upstreams[0].tls == UpstreamTls()


@pytest.mark.parametrize("value", ["", "[]", "~"])
def test_an_address_list_without_entries_is_refused_because_it_would_let_anybody_in(value: str, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        load(tmp_path, LEAST.replace('2775"', f'2775", allow: {value}') + f"clients:\n  a: {{allow_from: {value}}}\n")
    assert [fault.line for fault in caught.value.diagnostics] == [1, 5]


def test_what_is_delivered_and_what_the_smsc_keeps(tmp_path: Path) -> None:
    settings = load(tmp_path, LEAST + 'inspect_mo: true\ncanned: {7: "Votre colis vous attend.", 255: "Bonjour"}\n')
    assert settings.inspect_mo
    assert settings.canned == {7: "Votre colis vous attend.", 255: "Bonjour"}
    assert not load(tmp_path, LEAST).inspect_mo


@pytest.mark.parametrize(("value", "on"), [("true", True), ("yes", True), ("on", True), ("no", False), ("off", False)])
def test_a_switch_is_spelt_in_three_ways(value: str, on: bool, tmp_path: Path) -> None:
    settings = load(tmp_path, LEAST + f"inspect_mo: {value}\nwatch: {value}\n")
    assert (settings.inspect_mo, settings.watch) == (on, on)


def test_what_the_example_file_shows_commented_out_is_the_default(tmp_path: Path) -> None:
    """But for `statuses`, which `Settings` leaves open: what is answered then is for the policy to say."""
    example = (Path(__file__).parents[1] / "deploy" / "smsgate.yaml").read_text()
    quiet = example.replace("../rules/", ".")
    spoken = re.sub(r"^( *)# ((?: *[a-z_]+:)(?!.*# e\.g\.).*)", r"\1\2", quiet, flags=re.MULTILINE)
    spoken = re.sub(r"^ *statuses: .*\n", "", spoken, flags=re.MULTILINE)
    assert spoken.count("#") < quiet.count("#")
    assert load(tmp_path, spoken) == load(tmp_path, quiet)


def test_paths_are_relative_to_the_file_and_absolute_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc" / "packs").mkdir(parents=True)
    (tmp_path / "etc" / "ca.pem").touch()
    text = LEAST.replace("[]", f"[packs, {tmp_path}]").replace('2776"', '2776", tls: {ca: ca.pem}')
    (tmp_path / "etc" / "smsgate.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    settings = load_settings(Path("etc/smsgate.yaml"))
    assert settings.rules == (Path("etc/packs"), tmp_path)
    assert settings.upstreams[0].tls == UpstreamTls(ca=Path("etc/ca.pem"))


@pytest.mark.parametrize(
    "address", ["", ":2775", "a b:1", "host:", "host:65536", "[host]:1", "[::1", "::1", "1:2:3", "h:-1"]
)
def test_what_is_no_address_is_refused_where_it_stands(address: str, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        load(tmp_path, LEAST.replace("127.0.0.1:2775", address))
    (fault,) = caught.value.diagnostics
    assert fault.line == 1


def test_only_a_listener_may_ask_for_any_free_port(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST.replace("2775", "0")).listeners[0].bind == Address("127.0.0.1", 0)
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


def test_the_folder_for_state_need_not_be_there_but_the_one_around_it(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST + "state: kept\n").state == tmp_path / "kept"
    (tmp_path / "file").touch()
    for wrong in ("file", "none/kept"):
        with pytest.raises(DiagnosticsError, match=r"a folder|in a folder that exists"):
            load(tmp_path, LEAST + f"state: {wrong}\n")


def test_log_and_audit_arrive(tmp_path: Path) -> None:
    (tmp_path / "a.key").write_bytes(b"k" * 32)
    (tmp_path / "a.key").chmod(0o600)
    text = """\
log: {format: text, level: debug}
audit: {folder: audit/, key: a.key, reveal: [text, recipient]}
"""
    settings = load(tmp_path, LEAST + text)
    assert settings.log == LogSettings(LogFormat.TEXT, LogLevel.DEBUG)
    folder, key = tmp_path / "audit", tmp_path / "a.key"
    assert settings.audit == AuditSettings(folder, key, (Reveal.TEXT, Reveal.RECIPIENT))


def test_faults_of_log_and_audit_are_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.key").write_bytes(b"k" * 16)
    (tmp_path / "a.key").chmod(0o644)
    text = "log: {format: xml, level: loud}\naudit: {key: a.key, reveal: [number]}\n"
    with pytest.raises(DiagnosticsError) as caught:
        load(tmp_path, LEAST + text)
    told = [diagnostic.split(" ", 1)[1] for diagnostic in str(caught.value).splitlines()]
    assert told == [
        "found 'xml', expected json or text",
        "found 'loud', expected one of debug, info, warning, error",
        "found no 'folder', expected the folder to write audit files in, relative to this file",
        "found a key file that others may use (mode 0644), expected one with mode 0600, 0400 or 0440: chmod 600 a.key",
        "found 'number', expected one of text, sender, recipient",
    ]
