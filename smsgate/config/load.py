"""`smsgate.yaml` to `Settings`: addresses, clients and times, every fault of the file reported at once.

Defaults are those of `settings.Settings`. Paths are relative to the file. Rules are named here and read by
`config.rules`.
"""

from __future__ import annotations

import math
import re
from functools import partial
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, Field, PlainValidator, ValidationError, field_validator
from pydantic_core.core_schema import ValidationInfo

from smsgate.config.diagnostics import Diagnostic, DiagnosticsError, Form, explain, fault, quoted
from smsgate.config.fields import Text, choice
from smsgate.config.source import read
from smsgate.settings import Address, ClientSettings, Settings

if TYPE_CHECKING:
    from pathlib import Path

SMPP_PORT: Final = 2775
"""The port registered for SMPP, meant where an address names none."""
MAX_SYSTEM_ID_CHARS: Final = 15
"""SMPP 3.4, 4.1.1: system_id has 16 octets with its NUL."""
MAX_RATE_PER_S: Final = 1_000_000.0
"""Far above what one process relays: a rate beyond it is a slip of the pen."""
MAX_BURST: Final = 10_000_000
"""Ten seconds of the highest rate."""
MIN_DEFAULT_BURST: Final = 10
"""So that a client with a small rate may still send a message of ten segments at once."""
MAX_DURATION_S: Final = 3600.0
"""An hour: nobody waits longer for a connection or for a restart."""

_DEFAULTS: Final = Settings(listeners=(), upstreams=(), rules=())
_ADDRESS: Final = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^\s:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_HOST: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?/ ?([smh])")
_PER_S: Final = {"s": 1, "m": 60, "h": 3600}
_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m)")
_UNIT_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}


def _address(value: object, *, min_port: int = 0, default_port: int | None = SMPP_PORT) -> Address:
    form = "HOST:PORT" if default_port is None else f"HOST:PORT or HOST (port {default_port})"
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        host, _, port_text = value.rpartition(":") if isinstance(value, str) else ("", "", "")
        near = f"[{host}]:{port_text}" if _is_ipv6(host) else ""
        raise fault(quoted(value), f"{form}, an IPv6 address in brackets", near)
    host, port = match["v6"] or match["host"] or "", default_port if match["port"] is None else int(match["port"])
    if not (_is_ipv6(host) if match["v6"] is not None else _HOST.fullmatch(host)):
        raise fault(quoted(value), f"{form}, an IPv6 address in brackets")
    if port is None or not min_port <= port <= 65_535:
        raise fault(quoted(value) if port is None else f"port {port}", f"{form}, a port from {min_port} to 65535")
    return Address(host, port)


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _rate(value: object) -> float:
    """Messages per second."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise fault(quoted(value), "messages and a unit of time such as 200/s (s, m, h)")
    rate_per_s = float(match[1]) / _PER_S[match[2]]
    if not 0 < rate_per_s <= MAX_RATE_PER_S:
        raise fault(quoted(value), f"a rate above 0 and up to {MAX_RATE_PER_S:.0f}/s")
    return rate_per_s


def _burst(value: object) -> int:
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else 0
    if not 1 <= number <= MAX_BURST:
        raise fault(quoted(value), f"a number of messages from 1 to {MAX_BURST}")
    return number


def _duration(value: object) -> float:
    """Seconds."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise fault(quoted(value), "a time such as 10s or 500ms (ms, s, m)")
    seconds = float(match[1]) * _UNIT_S[match[2]]
    if not 0 < seconds <= MAX_DURATION_S:
        raise fault(quoted(value), f"a time above 0 and up to {MAX_DURATION_S:.0f}s")
    return seconds


def _system_id(value: str) -> str:
    if not value.isascii() or not value.isprintable() or not 1 <= len(value) <= MAX_SYSTEM_ID_CHARS:
        raise fault(quoted(value), f"a system_id: 1 to {MAX_SYSTEM_ID_CHARS} printable ASCII characters")
    return value


_Duration = Annotated[float, PlainValidator(_duration)]


class _Listener(Form):
    bind: Annotated[Address, PlainValidator(_address)] = Field(description="the address to listen on")


class _Upstream(Form):
    address: Annotated[Address, PlainValidator(partial(_address, min_port=1))] = Field(
        description="the address of the SMSC"
    )


class _Metrics(Form):
    bind: Annotated[Address, PlainValidator(partial(_address, default_port=None))] = Field(
        description="the address to serve metrics on"
    )


class _Client(Form):
    rate: Annotated[float, PlainValidator(_rate)] | None = None
    burst: Annotated[int, PlainValidator(_burst)] | None = None

    @field_validator("burst")
    @classmethod
    def _burst_needs_rate(cls, burst: int | None, info: ValidationInfo) -> int | None:
        if "rate" in info.data and info.data["rate"] is None:
            raise fault("a burst without a rate", "a rate such as 200/s beside it")
        return burst

    def settings(self) -> ClientSettings:
        if self.rate is None:
            return ClientSettings()
        burst = max(math.ceil(self.rate), MIN_DEFAULT_BURST) if self.burst is None else self.burst
        return ClientSettings(self.rate, burst)


class _Config(Form):
    listeners: tuple[_Listener, ...] = Field(min_length=1, description="a list such as [{bind: '127.0.0.1:2775'}]")
    upstreams: tuple[_Upstream, ...] = Field(
        min_length=1, description="a list such as [{address: 'smsc.example:2775'}]"
    )
    rules: tuple[Text, ...] = Field(description="a list of rule files and folders such as [rules/]")
    metrics: _Metrics | None = None
    clients: dict[Annotated[str, AfterValidator(_system_id)], _Client] = Field(default_factory=dict)
    event_loop: Annotated[str, PlainValidator(partial(choice, {"uvloop": "uvloop", "asyncio": "asyncio"}))] = (
        _DEFAULTS.event_loop
    )
    connect_timeout: _Duration = _DEFAULTS.connect_timeout_s
    drain_timeout: _Duration = _DEFAULTS.drain_timeout_s


def load_settings(path: Path) -> Settings:
    """Read the configuration file of a gate. Raises DiagnosticsError with everything wrong in it."""
    source = read(path)
    diagnostics = list(source.diagnostics)
    try:
        form = _Config.model_validate(source.root.value)
    except ValidationError as error:
        raise DiagnosticsError([*diagnostics, *explain(error, _Config, source)]) from None
    rules = tuple(path.parent / name for name in form.rules)
    for index, file in enumerate(rules):
        if not file.exists():
            where = source.where(("rules", index))
            expected = "a rule file or a folder of them, relative to this file"
            diagnostics.append(Diagnostic.at(where, quoted(form.rules[index]), expected))
    if diagnostics:
        raise DiagnosticsError(diagnostics)
    return Settings(
        listeners=tuple(listener.bind for listener in form.listeners),
        upstreams=tuple(upstream.address for upstream in form.upstreams),
        rules=rules,
        metrics=form.metrics.bind if form.metrics else None,
        clients={name: client.settings() for name, client in form.clients.items()},
        event_loop="asyncio" if form.event_loop == "asyncio" else "uvloop",
        connect_timeout_s=form.connect_timeout,
        drain_timeout_s=form.drain_timeout,
    )
