"""`smsgate.yaml` to `Settings`: the forms of its sections, every fault of the file reported at once.

Defaults are those of `settings`. What a single text may be is said in `net_fields`. Paths are relative to the file. Rules
are named here and read by `config.rules`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, PlainValidator, ValidationError, field_validator, model_validator
from pydantic_core.core_schema import ValidationInfo

from smsgate.config.diagnostics import Diagnostic, DiagnosticsError, Form, explain, fault, listed, quoted
from smsgate.config.fields import Name, StatusCode, Switch, Text, choice, word_of
from smsgate.config.net_fields import (
    FOLDER,
    Binds,
    Burst,
    CannedId,
    Duration,
    Folder,
    Host,
    HttpAddress,
    Ip,
    KeyFile,
    ListenAddress,
    MessageFile,
    Network,
    PemFile,
    Rate,
    RulePath,
    Sessions,
    Share,
    SmscAddress,
    SocketPath,
    SystemId,
    TcpTime,
    Timer,
    Workers,
    ip_version,
)
from smsgate.config.source import Source, read
from smsgate.rules.near import nearest
from smsgate.settings import (
    Address,
    AuditSettings,
    Caps,
    ClientMode,
    ClientSettings,
    DefaultAlphabet,
    Guard,
    ListenerSettings,
    ListenerTls,
    LogFormat,
    LogLevel,
    LogSettings,
    OnFault,
    OnOverflow,
    OnOverload,
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

if TYPE_CHECKING:
    from pathlib import Path

MIN_DEFAULT_BURST: Final = 10
"""So that a client with a small rate may still send a message of ten segments at once."""

_DEFAULTS: Final = Settings(listeners=(), upstreams=(), rules=())
_CLIENT: Final = ClientSettings()

_SomeNetworks = Annotated[tuple[Network, ...], Field(min_length=1)]
"""Where no list means anybody: whoever writes an empty one expects nobody."""
_ClientMode = Annotated[ClientMode, word_of(ClientMode)]
_UnknownCommands = Annotated[UnknownCommands, word_of(UnknownCommands)]
_OnFault = Annotated[OnFault, word_of(OnFault)]
_OnOverflow = Annotated[OnOverflow, word_of(OnOverflow)]
_OnOverload = Annotated[OnOverload, word_of(OnOverload)]
_DefaultAlphabet = Annotated[DefaultAlphabet, word_of(DefaultAlphabet)]
_EVENT_LOOPS: Final[dict[str, Literal["uvloop", "asyncio"]]] = {"uvloop": "uvloop", "asyncio": "asyncio"}


class _ListenerTls(Form):
    certificate: PemFile = Field(description="the PEM file of the certificate that ESMEs are shown")
    key: PemFile = Field(description="the PEM file of the certificate's key")
    client_ca: PemFile | None = None

    def settings(self) -> ListenerTls:
        return ListenerTls(self.certificate, self.key, self.client_ca)


class _Listener(Form):
    protections = frozenset({"allow", "tls"})

    bind: ListenAddress = Field(description="the address to listen on")
    allow: _SomeNetworks = ()
    proxies: tuple[Network, ...] = ()
    tls: _ListenerTls | None = None

    def settings(self) -> ListenerSettings:
        tls = self.tls.settings() if self.tls else None
        return ListenerSettings(self.bind, tls, self.proxies, self.allow)


class _UpstreamTls(Form):
    ca: PemFile | None = None
    server_name: Host | None = None
    certificate: PemFile | None = None
    key: PemFile | None = None

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            found, missing = ("key", "certificate") if self.certificate is None else ("certificate", "key")
            raise fault(f"a {found} without a {missing}", f"the PEM file of the {missing} beside it")
        return self

    def settings(self) -> UpstreamTls:
        return UpstreamTls(self.ca, self.server_name, self.certificate, self.key)


class _Upstream(Form):
    protections = frozenset({"tls"})

    name: Name | None = None
    address: SmscAddress = Field(description="the address of the SMSC")
    source: Ip | None = None
    tls: _UpstreamTls | None = None

    @field_validator("source")
    @classmethod
    def _source_reaches_address(cls, source: str | None, info: ValidationInfo) -> str | None:
        target: Address | None = info.data.get("address")
        version = ip_version(target.host) if target else 0
        if source and version and version != ip_version(source):
            raise fault(quoted(source), f"an IPv{version} address, as that of the SMSC is one")
        return source

    @property
    def called(self) -> str:
        return self.name or str(self.address)

    def settings(self) -> UpstreamSettings:
        tls = self.tls.settings() if self.tls else None
        return UpstreamSettings(self.called, self.address, self.source, tls)


class _Metrics(Form):
    bind: HttpAddress = Field(description="the address to serve metrics on")


class _Statuses(Form):
    content: StatusCode | None = None
    sender: StatusCode | None = None
    rate: StatusCode | None = None
    limit: StatusCode | None = None

    def settings(self) -> Statuses:
        return Statuses(self.content, self.sender, self.rate, self.limit)


class _Client(Form):
    protections = frozenset({"allow_from"})

    mode: _ClientMode = _CLIENT.mode
    rate: Rate | None = None
    burst: Burst | None = None
    allow_from: _SomeNetworks = _CLIENT.allow_from
    unknown_commands: _UnknownCommands = _CLIENT.unknown_commands
    malformed: _OnFault = _CLIENT.malformed
    on_filter_error: _OnFault = _CLIENT.on_filter_error
    on_overload: _OnOverload = _CLIENT.on_overload
    statuses: _Statuses = _Statuses()
    default_alphabet: _DefaultAlphabet = _CLIENT.default_alphabet
    upstreams: Annotated[tuple[Text, ...], Field(min_length=1)] = _CLIENT.upstreams

    @field_validator("burst")
    @classmethod
    def _burst_needs_rate(cls, burst: int | None, info: ValidationInfo) -> int | None:
        if "rate" in info.data and info.data["rate"] is None:
            raise fault("a burst without a rate", "a rate such as 200/s beside it")
        return burst

    def settings(self) -> ClientSettings:
        burst = self.burst or 0
        if self.rate is not None and self.burst is None:
            burst = max(math.ceil(self.rate), MIN_DEFAULT_BURST)
        return ClientSettings(
            rate_per_s=self.rate,
            burst=burst,
            mode=self.mode,
            statuses=self.statuses.settings(),
            allow_from=self.allow_from,
            unknown_commands=self.unknown_commands,
            malformed=self.malformed,
            on_filter_error=self.on_filter_error,
            on_overload=self.on_overload,
            default_alphabet=self.default_alphabet,
            upstreams=self.upstreams,
        )


class _Caps(Form):
    sessions: Sessions = _DEFAULTS.caps.sessions
    sessions_per_address: Sessions = _DEFAULTS.caps.sessions_per_address
    binds_per_client: Binds = _DEFAULTS.caps.binds_per_client
    failed_binds_per_minute: Binds = _DEFAULTS.caps.failed_binds_per_minute

    def settings(self) -> Caps:
        return Caps(self.sessions, self.sessions_per_address, self.binds_per_client, self.failed_binds_per_minute)


class _Segments(Form):
    expire: Duration = _DEFAULTS.segments.expire_s
    overflow: _OnOverflow = _DEFAULTS.segments.overflow

    def settings(self) -> SegmentSettings:
        return SegmentSettings(self.expire, self.overflow)


class _Timers(Form):
    session_init: Timer = _DEFAULTS.timers.session_init_s
    pdu_read: Timer = _DEFAULTS.timers.pdu_read_s
    inactivity: Timer = _DEFAULTS.timers.inactivity_s
    response: Timer = _DEFAULTS.timers.response_s

    def settings(self) -> TimerSettings:
        return TimerSettings(self.session_init, self.pdu_read, self.inactivity, self.response)


class _Tcp(Form):
    keepalive: TcpTime = _DEFAULTS.tcp.keepalive_s
    user_timeout: TcpTime = _DEFAULTS.tcp.user_timeout_s

    def settings(self) -> TcpSettings:
        return TcpSettings(self.keepalive, self.user_timeout)


class _Guard(Form):
    messages: MessageFile = Field(description="a file of messages (JSONL or CSV), relative to this one")
    change: Share = Field(description="the share of verdicts that new rules may change, such as 2%")

    def settings(self) -> Guard:
        return Guard(self.messages, self.change)


class _Log(Form):
    format: Annotated[LogFormat, word_of(LogFormat)] | None = _DEFAULTS.log.format
    level: Annotated[LogLevel, word_of(LogLevel)] = _DEFAULTS.log.level

    def settings(self) -> LogSettings:
        return LogSettings(self.format, self.level)


class _Audit(Form):
    folder: Folder = Field(description="the folder to write audit files in, relative to this file")
    key: KeyFile = Field(description="the file of the digests' key; `smsgate audit key --write FILE` makes one")
    reveal: Annotated[tuple[Annotated[Reveal, word_of(Reveal)], ...], Field(min_length=1)] = ()

    def settings(self) -> AuditSettings:
        return AuditSettings(self.folder, self.key, self.reveal)


class GateForm(Form):
    """The configuration file of a gate."""

    listeners: tuple[_Listener, ...] = Field(min_length=1, description="a list such as [{bind: '127.0.0.1:2775'}]")
    upstreams: tuple[_Upstream, ...] = Field(
        min_length=1, description="a list such as [{address: 'smsc.example:2775'}]"
    )
    rules: tuple[RulePath, ...] = Field(description="a list of rule files and folders such as [rules/]")
    metrics: _Metrics | None = None
    clients: dict[SystemId, _Client] = Field(default_factory=dict)
    inspect_mo: Switch = _DEFAULTS.inspect_mo
    canned: dict[CannedId, Text] = Field(default_factory=dict)
    caps: _Caps = _Caps()
    segments: _Segments = _Segments()
    timers: _Timers = _Timers()
    tcp: _Tcp = _Tcp()
    workers: Workers = _DEFAULTS.workers
    watch: Switch = _DEFAULTS.watch
    guard: _Guard | None = None
    state: Folder | None = None
    control: SocketPath | None = None
    log: _Log = _Log()
    audit: _Audit | None = None
    overload_lag: Timer = _DEFAULTS.overload_lag_s
    event_loop: Annotated[Literal["uvloop", "asyncio"], PlainValidator(partial(choice, _EVENT_LOOPS))] = (
        _DEFAULTS.event_loop
    )
    connect_timeout: Duration = _DEFAULTS.connect_timeout_s
    drain_timeout: Duration = _DEFAULTS.drain_timeout_s


def load_settings(path: Path) -> Settings:
    """Read the configuration file of a gate. Raises DiagnosticsError with everything wrong in it."""
    source = read(path)
    diagnostics = list(source.diagnostics)
    try:
        form = GateForm.model_validate(source.root.value, context={FOLDER: path.parent})
    except ValidationError as error:
        raise DiagnosticsError([*diagnostics, *explain(error, GateForm, source)]) from None
    diagnostics += _name_faults(form, source)
    if diagnostics:
        raise DiagnosticsError(diagnostics)
    return Settings(
        listeners=tuple(listener.settings() for listener in form.listeners),
        upstreams=tuple(upstream.settings() for upstream in form.upstreams),
        rules=form.rules,
        metrics=form.metrics.bind if form.metrics else None,
        clients={name: client.settings() for name, client in form.clients.items()},
        inspect_mo=form.inspect_mo,
        canned=form.canned,
        caps=form.caps.settings(),
        segments=form.segments.settings(),
        timers=form.timers.settings(),
        tcp=form.tcp.settings(),
        workers=form.workers,
        watch=form.watch,
        guard=form.guard.settings() if form.guard else None,
        state=form.state,
        control=form.control,
        log=form.log.settings(),
        audit=form.audit.settings() if form.audit else None,
        overload_lag_s=form.overload_lag,
        event_loop=form.event_loop,
        connect_timeout_s=form.connect_timeout,
        drain_timeout_s=form.drain_timeout,
    )


def _name_faults(form: GateForm, source: Source) -> list[Diagnostic]:
    """Upstreams that are called the same, and names in clients that no upstream has."""
    faults: list[Diagnostic] = []
    lines: dict[str, int] = {}
    for index, upstream in enumerate(form.upstreams):
        where = source.where(("upstreams", index, "name" if upstream.name else "address"))
        if upstream.called in lines:
            found = f"the upstream {quoted(upstream.called)} again"
            expected = f"each name once: it stands on line {lines[upstream.called]}"
            faults.append(Diagnostic.at(where, found, expected))
        lines.setdefault(upstream.called, where.line)
    for name, client in form.clients.items():
        for index, upstream_name in enumerate(client.upstreams):
            if upstream_name not in lines:
                where = source.where(("clients", name, "upstreams", index))
                near = nearest(upstream_name, lines)
                faults.append(Diagnostic.at(where, quoted(upstream_name), f"the upstream {listed(lines)}", near))
    return faults
