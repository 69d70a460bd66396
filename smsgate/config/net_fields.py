"""What a text in `smsgate.yaml` may be: addresses, networks, files, rates, counts and times, with the words for each.

As in `fields`, everything here gets a text, or whatever else stands in the place of one, and returns the typed value or
raises `diagnostics.fault`. Those for files take the folder that paths are relative to from the validation context (`FOLDER`)
and only look whether a file is there and can be read: what is in it is for whoever uses it.
"""

from __future__ import annotations

import os
import re
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, PlainValidator
from pydantic_core.core_schema import ValidationInfo

from smsgate.config.diagnostics import fault, quoted
from smsgate.settings import Address

FOLDER: Final = "folder"
"""The key in the validation context under which the folder stands that paths are relative to."""
SMPP_PORT: Final = 2775
"""The port registered for SMPP, meant where an address names none."""
MAX_SYSTEM_ID_CHARS: Final = 15
"""SMPP 3.4, 4.1.1: system_id has 16 octets with its NUL."""
MAX_RATE_PER_S: Final = 1_000_000.0
"""Far above what one process relays: a rate beyond it is a slip of the pen."""
MAX_BURST: Final = 10_000_000
"""Ten seconds of the highest rate."""
MAX_CAP: Final = 1_000_000
"""Sessions, binds: each holds two descriptors, and no system gives a process more than about a million."""
MAX_DURATION_S: Final = 3600.0
"""An hour: nobody waits longer for a connection or for a restart."""
MAX_TIMER_S: Final = 86_400.0
"""A day: whoever would wait longer means `off`."""
MAX_WORKERS: Final = 256
"""Cores of the largest machines."""
MAX_SOCKET_PATH_CHARS: Final = 90
"""The system allows 107, and the socket is made beside its place under a longer name."""
MIN_KEY_OCTETS: Final = 32
"""As many as a digest that nobody shall guess needs."""
MAX_KEY_OCTETS: Final = 4096
"""More is another file by mistake."""
SHARED: Final = 0o037
"""Permissions that a key file must not give. Its group may read: Kubernetes hands secrets over with mode 0440."""
MIN_KEEPALIVE_S: Final = 1.0
"""The system counts the idle time before a probe in whole seconds."""

_ADDRESS: Final = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^\s:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_HOST: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_NETWORK: Final = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?")
"""No netmasks in place of prefixes, which could be read two ways, and no zone of an IPv6 address."""
_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?/ ?([smh])")
_PER_S: Final = {"s": 1, "m": 60, "h": 3600}
_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m)")
_SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%")
_UNIT_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}


def address(value: object, *, min_port: int = 0, default_port: int | None = SMPP_PORT) -> Address:
    """A TCP address; without `default_port` it must name its port."""
    form = "HOST:PORT" if default_port is None else f"HOST:PORT or HOST (port {default_port})"
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        host, _, port_text = value.rpartition(":") if isinstance(value, str) else ("", "", "")
        near = f"[{host}]:{port_text}" if ip_version(host) == 6 else ""
        raise fault(quoted(value), f"{form}, an IPv6 address in brackets", near)
    host, port = match["v6"] or match["host"] or "", default_port if match["port"] is None else int(match["port"])
    if not (ip_version(host) == 6 if match["v6"] is not None else _HOST.fullmatch(host)):
        raise fault(quoted(value), f"{form}, an IPv6 address in brackets")
    if port is None or not min_port <= port <= 65_535:
        raise fault(quoted(value) if port is None else f"port {port}", f"{form}, a port from {min_port} to 65535")
    return Address(host, port)


def ip(value: object) -> str:
    """An IP address without a port, in its usual way of writing."""
    if not isinstance(value, str) or not ip_version(value):
        raise fault(quoted(value), "an IP address such as 192.0.2.1")
    return str(ip_address(value))


def ip_version(text: str) -> int:
    """4 or 6; 0 for what is no IP address, such as a host name."""
    try:
        return ip_address(text).version if _NETWORK.fullmatch(text) else 0
    except ValueError:
        return 0


def network(value: object) -> IPv4Network | IPv6Network:
    """A network, or the one address that it is."""
    expected = "a network such as 198.51.100.0/24, or an IP address"
    if not isinstance(value, str) or not _NETWORK.fullmatch(value):
        raise fault(quoted(value), expected)
    try:
        wide = ip_network(value, strict=False)
    except ValueError:
        raise fault(quoted(value), expected) from None
    if ip_address(value.partition("/")[0]) != wide.network_address:
        raise fault(quoted(value), f"a network without bits set behind its /{wide.prefixlen}", str(wide))
    return wide


def host(value: object) -> str:
    """A host name or an IP address, as a certificate names it."""
    if not isinstance(value, str) or not (_HOST.fullmatch(value) or ip_version(value)):
        raise fault(quoted(value), "a host name such as smsc.example, without a port")
    return value


def rule_path(value: object, info: ValidationInfo) -> Path:
    """A rule file, or a folder of them."""
    expected = "a rule file or a folder of them, relative to this file"
    path = _relative(value, info, expected)
    try:
        there = path.exists()
    except OSError as error:
        raise fault(_unreadable(value, error), expected) from None
    if not there:
        raise fault(quoted(value), expected)
    return path


def readable_file(what: str, value: object, info: ValidationInfo) -> Path:
    """A file that the process may read; `what` says of which kind."""
    expected = f"{what} that can be read, relative to this file"
    path = _relative(value, info, expected)
    try:
        if not path.is_file():
            raise fault(quoted(value), expected)
        path.open("rb").close()
    except OSError as error:
        raise fault(_unreadable(value, error), expected) from None
    return path


def key_file(value: object, info: ValidationInfo) -> Path:
    """A file with a secret key, for its owner and group."""
    path = readable_file("a key file", value, info)
    status = path.stat()
    if status.st_mode & SHARED:
        mode = f"a key file that others may use (mode {status.st_mode & 0o777:04o})"
        raise fault(mode, f"one with mode 0600, 0400 or 0440: chmod 600 {value}")
    if not MIN_KEY_OCTETS <= status.st_size <= MAX_KEY_OCTETS:
        expected = f"{MIN_KEY_OCTETS} to {MAX_KEY_OCTETS}, as `smsgate audit key --write FILE` writes"
        raise fault(f"a key of {status.st_size} octets", expected)
    return path


def state_folder(value: object, info: ValidationInfo) -> Path:
    """A folder of the gate's own, which it makes where there is none."""
    path = _relative(value, info, "a folder of the gate's own, relative to this file")
    if path.exists() and not path.is_dir():
        raise fault(quoted(value), "a folder")
    if not path.parent.is_dir():
        raise fault(quoted(value), "a path in a folder that exists")
    return path


def socket_path(value: object, info: ValidationInfo) -> Path:
    """Where a Unix socket is made, in a folder that exists."""
    path = _relative(value, info, "a path for the control socket, relative to this file")
    if len(str(path)) > MAX_SOCKET_PATH_CHARS:
        raise fault(quoted(value), f"a path of at most {MAX_SOCKET_PATH_CHARS} characters in all")
    if not path.parent.is_dir():
        raise fault(quoted(value), "a path in a folder that exists")
    return path


def workers(value: object) -> int:
    """How many processes relay."""
    if value == "auto":
        return len(os.sched_getaffinity(0))
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= MAX_WORKERS:
        raise fault(quoted(value), f"a number of workers from 1 to {MAX_WORKERS}, or auto for one per core")
    return int(value)


def _relative(value: object, info: ValidationInfo, expected: str) -> Path:
    if not isinstance(value, str) or not value.strip():
        raise fault(quoted(value), expected)
    context: Any = info.context
    folder: Path = context[FOLDER]
    return folder / value


def _unreadable(value: object, error: OSError) -> str:
    return f"{quoted(value)} ({(error.strerror or str(error)).lower()})"


def rate(value: object) -> float:
    """Messages per second."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise fault(quoted(value), "messages and a unit of time such as 200/s (s, m, h)")
    rate_per_s = float(match[1]) / _PER_S[match[2]]
    if not 0 < rate_per_s <= MAX_RATE_PER_S:
        raise fault(quoted(value), f"a rate above 0 and up to {MAX_RATE_PER_S:.0f}/s")
    return rate_per_s


def count(what: str, most: int, value: object) -> int:
    """How many of something, at least one; `what` names it in the plural."""
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else 0
    if not 1 <= number <= most:
        raise fault(quoted(value), f"a number of {what} from 1 to {most}")
    return number


def canned_id(value: object) -> int:
    """An sm_default_msg_id (SMPP 3.4, 5.2.27); 0 means none."""
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}", value) else 0
    if not 1 <= number <= 255:
        raise fault(quoted(value), "the sm_default_msg_id of a text that the SMSC keeps, from 1 to 255")
    return number


def duration(value: object, *, min_s: float = 0.0, max_s: float = MAX_DURATION_S, otherwise: str = "") -> float:
    """Seconds, more than 0. `otherwise` ends the list of what is expected."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise fault(quoted(value), f"a time such as 10s or 500ms (ms, s, m){otherwise}")
    seconds = float(match[1]) * _UNIT_S[match[2]]
    if not (seconds > 0 and min_s <= seconds <= max_s):
        bounds = f"from {min_s:g}s to {max_s:.0f}s" if min_s else f"above 0 and up to {max_s:.0f}s"
        raise fault(quoted(value), f"a time {bounds}{otherwise}")
    return seconds


def timer(value: object) -> float:
    """Seconds, 0 for `off`."""
    return 0.0 if value == "off" else duration(value, max_s=MAX_TIMER_S, otherwise=", or off")


def share(value: object) -> float:
    """A percentage as a share: 0.02 for 2%."""
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 0 <= float(match[1]) <= 100:
        raise fault(quoted(value), "a percentage from 0% to 100% such as 2%")
    return float(match[1]) / 100


def system_id(value: str) -> str:
    """The name that a client binds with."""
    if not value.isascii() or not value.isprintable() or not 1 <= len(value) <= MAX_SYSTEM_ID_CHARS:
        raise fault(quoted(value), f"a system_id: 1 to {MAX_SYSTEM_ID_CHARS} printable ASCII characters")
    return value


ListenAddress = Annotated[Address, PlainValidator(address)]
SmscAddress = Annotated[Address, PlainValidator(partial(address, min_port=1))]
HttpAddress = Annotated[Address, PlainValidator(partial(address, default_port=None))]
Ip = Annotated[str, PlainValidator(ip)]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(network)]
Host = Annotated[str, PlainValidator(host)]
RulePath = Annotated[Path, PlainValidator(rule_path)]
SocketPath = Annotated[Path, PlainValidator(socket_path)]
Workers = Annotated[int, PlainValidator(workers)]
PemFile = Annotated[Path, PlainValidator(partial(readable_file, "a PEM file"))]
MessageFile = Annotated[Path, PlainValidator(partial(readable_file, "a file of messages (JSONL or CSV)"))]
KeyFile = Annotated[Path, PlainValidator(key_file)]
Folder = Annotated[Path, PlainValidator(state_folder)]
Share = Annotated[float, PlainValidator(share)]
Rate = Annotated[float, PlainValidator(rate)]
Burst = Annotated[int, PlainValidator(partial(count, "messages", MAX_BURST))]
Sessions = Annotated[int, PlainValidator(partial(count, "sessions", MAX_CAP))]
Binds = Annotated[int, PlainValidator(partial(count, "binds", MAX_CAP))]
CannedId = Annotated[int, PlainValidator(canned_id)]
Duration = Annotated[float, PlainValidator(duration)]
TcpTime = Annotated[float, PlainValidator(partial(duration, min_s=MIN_KEEPALIVE_S))]
Timer = Annotated[float, PlainValidator(timer)]
SystemId = Annotated[str, AfterValidator(system_id)]
