"""The states of a session and what moves it from one to another: one table. Whatever is not in it is an error of ours."""

from __future__ import annotations

from enum import Enum, IntEnum, auto
from typing import Final


class State(IntEnum):
    """Where a session stands. A number, for tables are asked with it several times a turn: that of any other enumeration is
    hashed by a function in Python."""

    OPEN = auto()
    """No accepted bind."""
    BINDING = auto()
    """A bind went upstream; nothing behind it is looked at until its answer."""
    BOUND = auto()
    """The SMSC accepted; it judges all further states itself."""
    ESME_ENDED = auto()
    """The ESME will send no more; the answers in flight arrive."""
    SMSC_ENDED = auto()
    """The SMSC will send no more; the ESME may have last words."""
    UNBINDING_ESME = auto()
    """Draining: our unbind went to the ESME; everything is relayed until its answer."""
    UNBINDING_SMSC = auto()
    """Draining: the ESME agreed, our unbind went upstream; answers are relayed until the SMSC's."""
    CLOSED = auto()
    """Nothing more is read or judged; what is queued may still be written."""


class Event(Enum):
    """What moves a session."""

    BIND = auto()
    BIND_ACCEPTED = auto()
    BIND_REFUSED = auto()
    ESME_EOF = auto()
    SMSC_EOF = auto()
    DRAIN = auto()
    ESME_UNBOUND = auto()
    SMSC_UNBOUND = auto()
    CLOSE = auto()


TRANSITIONS: Final = {
    (State.OPEN, Event.BIND): State.BINDING,
    (State.OPEN, Event.ESME_EOF): State.CLOSED,
    (State.OPEN, Event.SMSC_EOF): State.CLOSED,
    (State.OPEN, Event.DRAIN): State.CLOSED,
    (State.BINDING, Event.BIND_ACCEPTED): State.BOUND,
    (State.BINDING, Event.BIND_REFUSED): State.OPEN,
    (State.BINDING, Event.SMSC_EOF): State.CLOSED,
    (State.BINDING, Event.DRAIN): State.CLOSED,
    (State.BOUND, Event.ESME_EOF): State.ESME_ENDED,
    (State.BOUND, Event.SMSC_EOF): State.SMSC_ENDED,
    (State.BOUND, Event.DRAIN): State.UNBINDING_ESME,
    (State.ESME_ENDED, Event.SMSC_EOF): State.CLOSED,
    (State.ESME_ENDED, Event.DRAIN): State.CLOSED,
    (State.SMSC_ENDED, Event.ESME_EOF): State.CLOSED,
    (State.SMSC_ENDED, Event.DRAIN): State.CLOSED,
    (State.UNBINDING_ESME, Event.ESME_UNBOUND): State.UNBINDING_SMSC,
    (State.UNBINDING_ESME, Event.ESME_EOF): State.UNBINDING_SMSC,
    (State.UNBINDING_ESME, Event.SMSC_EOF): State.CLOSED,
    (State.UNBINDING_SMSC, Event.SMSC_UNBOUND): State.CLOSED,
    (State.UNBINDING_SMSC, Event.SMSC_EOF): State.CLOSED,
    (State.UNBINDING_SMSC, Event.ESME_EOF): State.UNBINDING_SMSC,
    **{(state, Event.CLOSE): State.CLOSED for state in State},
}
"""An end of the ESME's stream counts once everything before it has been taken: never in BINDING."""
READS_ESME: Final = frozenset({State.OPEN, State.BOUND, State.SMSC_ENDED, State.UNBINDING_ESME})
"""States in which PDUs of the ESME are taken."""
HOLDS_ESME: Final = frozenset(State) - READS_ESME - {State.CLOSED}
"""States in which they wait."""
