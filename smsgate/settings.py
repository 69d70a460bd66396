"""What the program was told to do, as frozen values.

Only dataclasses live here: no YAML, no defaults read from the environment, nothing that opens a file. `config.load` makes
a `Settings` out of `smsgate.yaml`; tests and the demo make one by hand. Names carry their units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
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


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What applies to one client (one `system_id`). A rate of None means no limit."""

    rate_per_s: float | None = None
    burst: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration of one gate."""

    listeners: tuple[Address, ...]
    upstreams: tuple[Address, ...]
    rules: tuple[Path, ...]
    metrics: Address | None = None
    clients: dict[str, ClientSettings] = field(default_factory=dict)
    event_loop: Literal["uvloop", "asyncio"] = "uvloop"
    connect_timeout_s: float = 5.0
    drain_timeout_s: float = 10.0
    max_pdu_bytes: int = 66 * 1024
