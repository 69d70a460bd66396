"""What the program was told to do, as frozen values.

Only dataclasses live here: no YAML, no defaults read from the environment, nothing that opens a file. `config.load` makes
a `Settings` out of `smsgate.yaml`; tests and the demo make one by hand. Names carry their units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from secrets import token_bytes
from typing import Literal

OTHER_CLIENT = "other"
"""Label and settings shared by every client that the configuration does not name."""


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address; `port` 0 asks the system for a free one (listeners only)."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class ClientMode(StrEnum):
    """Whether verdicts act on a client's messages, or are only counted."""

    MONITOR = "monitor"
    ENFORCE = "enforce"


class UnknownCommands(StrEnum):
    """What happens to a request that no ESME sends: it might carry text that nobody can judge."""

    NACK = "nack"
    FORWARD = "forward"


class OnOverload(StrEnum):
    """What happens to a client's messages while the gate can't keep up."""

    FILTER = "filter"
    PASS = "pass"  # noqa: S105  # no password


class OnOverflow(StrEnum):
    """What happens to a segment when there is no room to remember it."""

    JUDGE_ALONE = "judge_alone"
    REJECT = "reject"


SECRET_BYTES = 32


class OnFault(StrEnum):
    """What happens to a message that could not be parsed, or on which the filter itself failed."""

    FORWARD = "forward"
    REJECT = "reject"


class DefaultAlphabet(StrEnum):
    """What a client's octets are in when data_coding names only the SMSC's default alphabet."""

    GSM7 = "gsm7"
    GSM7_PACKED = "gsm7-packed"
    ASCII = "ascii"
    LATIN1 = "latin1"
    UTF8 = "utf8"
    UCS2 = "ucs2"


@dataclass(frozen=True, slots=True)
class Statuses:
    """command_status values in place of the defaults, by reason; None keeps the default."""

    content: int | None = None
    sender: int | None = None
    rate: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What applies to one client (one `system_id`). A rate of None means no limit; an empty `allow_from` anywhere."""

    rate_per_s: float | None = None
    burst: int = 0
    mode: ClientMode = ClientMode.ENFORCE
    statuses: Statuses = Statuses()
    allow_from: tuple[IPv4Network | IPv6Network, ...] = ()
    unknown_commands: UnknownCommands = UnknownCommands.NACK
    malformed: OnFault = OnFault.FORWARD
    on_filter_error: OnFault = OnFault.REJECT
    on_overload: OnOverload = OnOverload.FILTER
    default_alphabet: DefaultAlphabet = DefaultAlphabet.GSM7
    upstreams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """TLS towards an SMSC. `ca` verifies it (None: the system's authorities); `certificate` and `key` are shown to it."""

    ca: Path | None = None
    server_name: str | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """One SMSC. `name` is what clients and logs call it."""

    name: str
    address: Address
    source: str | None = None
    tls: UpstreamTls | None = None


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """TLS towards ESMEs. With `client_ca`, only those with a certificate of that authority may connect."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """One listening address. `proxies` may say in a PROXY protocol header whom they speak for; an empty `allow` is anybody."""

    bind: Address
    tls: ListenerTls | None = None
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    allow: tuple[IPv4Network | IPv6Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Caps:
    """How many sessions there may be at once, and how many binds may fail."""

    sessions: int = 10_000
    sessions_per_address: int = 1_000
    binds_per_client: int = 100
    failed_binds_per_minute: int = 10
    """Per address and system_id together: the SMSC sees one address, the gate's, and must not lock out everyone for one."""


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """How long the segments of a message that is not complete are remembered, and what happens when there are too many."""

    expire_s: float = 600.0
    overflow: OnOverflow = OnOverflow.JUDGE_ALONE


@dataclass(frozen=True, slots=True)
class TimerSettings:
    """Seconds; 0 switches a timer off. `response_s` ends nothing: an answer that comes later is counted as late."""

    session_init_s: float = 10.0
    pdu_read_s: float = 30.0
    inactivity_s: float = 600.0
    response_s: float = 30.0


@dataclass(frozen=True, slots=True)
class TcpSettings:
    """Keep-alive probes after `keepalive_s` idle seconds; a peer that takes nothing for `user_timeout_s` is gone
    (Linux counts a window that stays closed, so this is also the longest that a slow reader may pause)."""

    keepalive_s: float = 60.0
    user_timeout_s: float = 300.0


class LogFormat(StrEnum):
    """How log lines are written."""

    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    """The least of what is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`format` None: text on a terminal, JSON elsewhere."""

    format: LogFormat | None = None
    level: LogLevel = LogLevel.INFO


class Reveal(StrEnum):
    """What the audit log may show of a message beside its digests."""

    TEXT = "text"
    SENDER = "sender"
    RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """Where lines about messages that a rule hit are written; `key` is the file of the digests' key."""

    folder: Path
    key: Path
    reveal: tuple[Reveal, ...] = ()


@dataclass(frozen=True, slots=True)
class Guard:
    """New rules are refused when they change the verdicts on more than this share (0 to 1) of a file of messages."""

    messages: Path
    change: float


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration of one gate. `overload_lag_s`: how late the event loop may be before binds are shed; 0: never."""

    listeners: tuple[ListenerSettings, ...]
    upstreams: tuple[UpstreamSettings, ...]
    rules: tuple[Path, ...]
    metrics: Address | None = None
    clients: dict[str, ClientSettings] = field(default_factory=dict)
    inspect_mo: bool = False
    """Whether rules judge what the SMSC delivers to ESMEs, receipts apart."""
    canned: dict[int, str] = field(default_factory=dict)
    """The texts that the SMSC keeps, by sm_default_msg_id."""
    caps: Caps = Caps()
    segments: SegmentSettings = SegmentSettings()
    timers: TimerSettings = TimerSettings()
    tcp: TcpSettings = TcpSettings()
    workers: int = 1
    watch: bool = True
    """Whether rules are taken up when their files change."""
    guard: Guard | None = None
    state: Path | None = None
    """The folder in which what outlives the process is kept."""
    control: Path | None = None
    log: LogSettings = LogSettings()
    audit: AuditSettings | None = None
    overload_lag_s: float = 0.25
    event_loop: Literal["uvloop", "asyncio"] = "uvloop"
    connect_timeout_s: float = 5.0
    drain_timeout_s: float = 10.0
    max_pdu_bytes: int = 66 * 1024
    secret: bytes = field(default_factory=lambda: token_bytes(SECRET_BYTES), repr=False, compare=False)
    """What all processes of a gate know and nobody else: the key of whatever is told from forgeries or hashed."""
