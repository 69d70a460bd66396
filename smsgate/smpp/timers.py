"""All timers of one session, as one pure value: who waits for what since when, and what is overdue now.

The caller notes events with their time; `due` names the first timer that has run out, or None. No clock, no callbacks: the relay
asks once a second. enquire_link passes through, so the gate has no timer of its own for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from smsgate.settings import TimerSettings


class Overdue(StrEnum):
    """Which timer ran out. The values are metric labels and stand in log lines."""

    SESSION_INIT = "session_init"
    """No accepted bind in time (SMPP 3.4, 7.2: session_init_timer)."""
    PDU_READ = "pdu_read"
    """A PDU was begun and not completed: a stalled peer, or one that dribbles to hold a place."""
    INACTIVITY = "inactivity"
    """Not one octet from either side (7.2: inactivity_timer)."""


@dataclass(slots=True)
class Timers:
    """The state: times in seconds of the caller's clock."""

    settings: TimerSettings
    opened: float
    active: float
    bound: bool = False

    def due(self, now: float, *pdus_begun: float) -> Overdue | None:
        """The timer that has run out, if one has. `pdus_begun`: since when a PDU of each side waits for its rest, 0.0 where none
        does."""
        settings = self.settings
        if settings.session_init_s and not self.bound and now - self.opened >= settings.session_init_s:
            return Overdue.SESSION_INIT
        if settings.pdu_read_s:
            for begun in pdus_begun:
                if begun and now - begun >= settings.pdu_read_s:
                    return Overdue.PDU_READ
        if settings.inactivity_s and now - self.active >= settings.inactivity_s:
            return Overdue.INACTIVITY
        return None
