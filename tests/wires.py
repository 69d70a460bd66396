"""A session without sockets and everything that it says, for tests that speak for both of its sides."""

from __future__ import annotations

from collections.abc import Callable

from smsgate.smpp.constants import OWN_SEQUENCE_FIRST
from smsgate.smpp.session import Session
from smsgate.smpp.states import Event, State
from tests.pdus import RESPONSE, UNBIND, bind, bind_resp, pdu, submit_sm

CAP = 66 * 1024
NOW = 50.0


def blocked(sequence: int) -> bytes:
    return submit_sm(b"blocked", sequence=sequence)


def judge(command: int, data: bytes, start: int, end: int, now: float) -> int:
    """Refuses the text `blocked`."""
    return 0x66 if b"blocked" in data[start:end] else 0


class Wire:
    """A session, and everything that it has said to either side."""

    def __init__(self, state: State = State.OPEN, *, mo: bool = False) -> None:
        """A session led into `state`; with `mo`, what the SMSC delivers is judged too."""
        self.told: list[tuple[float, int]] = []
        self.watched: set[int] = set()
        self.seen: list[bytes] = []
        self.counts: tuple[dict[int, int], dict[int, int]] = ({0x04: 0, -1: 0}, {0x80000004: 0, -1: 0})
        self.session = Session(
            CAP,
            judge=judge,
            admit=lambda _: 0,
            on_response=lambda seconds, answers: self.told.append((seconds, answers)),
            pdus_downstream=self.counts[0],
            pdus_upstream=self.counts[1],
            judge_mo=judge if mo else None,
            watched=self.watched,
            on_watched=lambda data, start, end: self.seen.append(data[start:end]),
        )
        self.up, self.down = b"", b""
        self.now = NOW
        self._lead(state)
        assert self.session.state is state
        self.up = self.down = b""

    def _lead(self, state: State) -> None:
        if state is not State.OPEN:
            self.esme(bind())
        if state not in {State.OPEN, State.BINDING}:
            self.smsc(bind_resp())
        match state:
            case State.ESME_ENDED:
                self.session.esme_ended(self.now)
            case State.SMSC_ENDED:
                self.session.smsc_ended()
            case State.UNBINDING_ESME:
                self.drained()
            case State.UNBINDING_SMSC:
                self.drained().esme(pdu(UNBIND | RESPONSE, sequence=OWN_SEQUENCE_FIRST))
            case State.CLOSED:
                self.session.move(Event.CLOSE)

    def esme(self, *reads: bytes) -> Wire:
        """Octets from the ESME, and turns until nothing more is whole."""
        return self._feed(self.session.downstream.feed, reads)

    def smsc(self, *reads: bytes) -> Wire:
        """Octets from the SMSC."""
        return self._feed(self.session.upstream.feed, reads)

    def _feed(self, feed: Callable[[bytes], None], reads: tuple[bytes, ...]) -> Wire:
        for read in reads:
            feed(read)
            self.turns()
        return self

    def turns(self) -> None:
        """What the relay does: both sides, until neither has more."""
        more = True
        while more:
            state = self.session.state
            more = self.session.advance_downstream(self.now) | self.session.advance_upstream(self.now)
            more |= state is not self.session.state
            self.collect()

    def collect(self) -> None:
        self.up += b"".join(self.session.to_upstream)
        self.down += b"".join(self.session.to_downstream)
        self.session.to_upstream.clear()
        self.session.to_downstream.clear()

    def drained(self) -> Wire:
        self.session.drain(self.now)
        self.collect()
        return self


def octets(stream: bytes) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))]
