"""Hosts: their one form, what of them somebody registered, and what they look like on a screen.

`ascii_host` and `plain_address` give a host the form of `text.urls.Link.host`; all else here takes it in that form. Nothing is
ever resolved.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from publicsuffixlist import PublicSuffixList

MAX_HOST_CHARS: Final = 253
MAX_LABEL_CHARS: Final = 63
"""RFC 1035, 2.3.4; also what bounds the work of punycode, which grows with the square of a label."""
HOST_CACHE_ENTRIES: Final = 65_536
"""Public suffixes of hosts, and authorities of links, that are remembered: looked up anew they cost 1.5 and 2 µs, else 0.03.
14 and 21 MB when full of usual ones, 30 and 50 of the longest."""
LONG_CACHE_ENTRIES: Final = 4096
"""Hosts that are long or not ASCII, which few are: 6 MB when full of the longest."""

IPV4: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_NUMERIC_HOST: Final = re.compile(
    r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){1,3}|[0-9]{8,12}|0x[0-9a-f]{6,8}"
)
"""Each part decimal, octal behind a 0 or hexadecimal behind 0x, the last one for all octets that are left (inet_aton)."""

_PUBLIC_SUFFIXES: Final = PublicSuffixList(accept_unknown=False)
"""The bundled list, its private section too (under a free host each customer has a domain); read once, no network."""


def ascii_host(name: str) -> str:
    """A host name as DNS would be asked for it: lower case, IDN labels as punycode; "" when it is too long for one."""
    name = name.lower()
    if len(name) <= MAX_LABEL_CHARS and name.isascii():
        return name
    return _checked_host(name) if len(name) <= MAX_HOST_CHARS else ""


@lru_cache(maxsize=LONG_CACHE_ENTRIES)
def _checked_host(name: str) -> str:
    labels = name.split(".")
    if max(map(len, labels)) > MAX_LABEL_CHARS:
        return ""
    if name.isascii():
        return name
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def plain_address(host: str) -> str:
    """A host that is an IP address in whatever notation as `192.0.2.1` or `[2001:db8::1]`; any other as it is."""
    try:
        if host.startswith("["):
            address = IPv6Address(host[1:-1])
            return str(address.ipv4_mapped or f"[{address}]")
        if not _NUMERIC_HOST.fullmatch(host):
            return host
        *parts, last = [
            int(part, 16 if part.startswith("0x") else 8 if part.startswith("0") else 10) for part in host.split(".")
        ]
        if max(parts, default=0) > 0xFF:
            return host
        return str(IPv4Address(last + sum(part << 8 * (3 - place) for place, part in enumerate(parts))))
    except ValueError:  # 08, 0x, more than 32 bits
        return host


def is_ip(host: str) -> bool:
    """Whether a `Link.host` is an address: dotted, one number, or in brackets."""
    return host.startswith("[") or IPV4.fullmatch(host) is not None


def unicode_host(host: str) -> str:
    """A `Link.host` as a handset shows it: punycode labels decoded, those that aren't valid left as they are."""
    if "xn--" not in host:
        return host
    return ".".join(map(_decoded_label, host.split(".")))


def _decoded_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


@lru_cache(maxsize=HOST_CACHE_ENTRIES)
def public_suffix(host: str) -> str | None:
    """The public suffix of a `Link.host` ("gouv.fr", "blogspot.com"), None when its end is no known one."""
    suffix: str | None = _PUBLIC_SUFFIXES.publicsuffix(host)
    return suffix


def registrable_domain(host: str) -> str | None:
    """The domain somebody registered: public suffix plus one label; a host that is itself a suffix gives itself.

    None when the host ends in no known suffix. `host` is a `Link.host`.
    """
    suffix = public_suffix(host)
    if suffix is None or "." not in host:
        return None
    name = host.removesuffix(".").removesuffix(suffix)[:-1]
    return f"{name.rpartition('.')[2]}.{suffix}" if name else host


def registered(host: str) -> str:
    """What links to one site have in common, since sub-domains cost a scammer nothing: its registrable domain, or the host itself
    where it has none, as an IP address."""
    return registrable_domain(host) or host
