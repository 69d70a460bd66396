"""One downstream session with its upstream twin, sans I/O: octets in, runs of octets out.

    ESME --feed--> downstream framer --advance_downstream--> to_upstream, to_downstream
    SMSC --feed--> upstream framer   --advance_upstream----> to_downstream, to_upstream

Whole PDUs only are passed on, unchanged: a *run* is a stretch of received octets handed over as it stands, with nothing
copied but the PDUs that are cut out of it. What the session originates itself (a refusal, a nack, an unbind) goes between
runs. The caller owns sockets and time; it writes what the two lists hold and clears them.

The legal states are the table of `states`. Responses that are not waited for pass like any other: which of them are sense is
for the two peers to say.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Final

from smsgate.smpp.binding import Admit, Binding, refusal_unbound
from smsgate.smpp.constants import (
    BINDS,
    FROM_ESME,
    HEADER,
    HEADER_BYTES,
    OTHER_COMMAND,
    OWN_SEQUENCE_FIRST,
    OWN_SEQUENCE_LAST,
    RESPONSE,
    Command,
    Status,
)
from smsgate.smpp.dropped import ABOUT_ONE, DROPPED, accepted
from smsgate.smpp.framing import Framer, FramingError
from smsgate.smpp.own import OwnRequests
from smsgate.smpp.pdu import TEXT_BEARING, generic_nack, is_receipt, response
from smsgate.smpp.states import HOLDS_ESME, READS_ESME, TRANSITIONS, Event, State

TURN_BYTES: Final = 8192
"""Octets of one direction handled per turn of the loop. uvloop reads 256 KiB at a time: without this cap four senders with
a window of 3,000 held a neighbour with a window of 1 up for 121 ms (median) instead of 8.6, at the same throughput."""
MAX_HELD_BYTES: Final = 64 * 1024
"""Octets pipelined behind a bind that are kept until its answer; the caller stops reading above this."""
MAX_AWAITED: Final = 65_536
"""Requests per direction whose answer is awaited with its time of sending, and those of one turn. More are relayed, but not
timed."""

OPEN: Final = State.OPEN
BINDING: Final = State.BINDING
CLOSED: Final = State.CLOSED
"""Asked for every turn: names of their own, since Python 3.11 looks members of an enumeration up in 0.07 µs."""

ALERT_NOTIFICATION: Final = int(Command.ALERT_NOTIFICATION)
OUTBIND: Final = int(Command.OUTBIND)
REPLACE: Final = int(Command.REPLACE_SM)
TRANSMITTER: Final = int(Command.BIND_TRANSMITTER)
RECEIVER: Final = int(Command.BIND_RECEIVER)
SUBMITTED: Final = TEXT_BEARING - {REPLACE}
"""What is judged without a look whether it is about an earlier message."""
LAST_RECEIPT: Final = OWN_SEQUENCE_LAST - MAX_AWAITED // 8
"""Numbers behind this one are kept for unbinds, which step over those that pass just then."""


Judge = Callable[[int, bytes, int, int, float], int]
"""(command_id, data, start, end, now) of a text-bearing request -> command_status to refuse it with, DROPPED, or 0; HELD: it
passes, and nothing behind it is taken for now."""
HELD: Final = -2
Knows = Callable[[int, bytes, int, int], bool]
"""(command_id, data, start, end) of a request about a message accepted before -> whether that one was dropped."""
Answer = Callable[[int, bytes, int, int], bytes]
"""(command_id, data, start, end) of a request that goes nowhere -> its answer in the SMSC's name."""
OnResponse = Callable[[float, int], None]
"""(seconds that the SMSC took, to how many requests of the ESME's) of answers."""
OnWatched = Callable[[bytes, int, int], None]
"""(data, start, end) of an answer that somebody waits for."""
Run = bytes | memoryview


class Session:
    """One session."""

    __slots__ = (
        "_answer",
        "_knows",
        "_next_own",
        "_on_response",
        "_on_watched",
        "_own_esme",
        "_own_smsc",
        "_pdus_downstream",
        "_pdus_upstream",
        "_watched",
        "admit",
        "awaited_esme",
        "awaited_smsc",
        "bind",
        "downstream",
        "forward_unknown",
        "held",
        "judge",
        "judge_mo",
        "state",
        "to_downstream",
        "to_upstream",
        "took",
        "upstream",
        "waiting",
    )

    def __init__(
        self,
        max_pdu_bytes: int,
        *,
        judge: Judge,
        admit: Admit,
        on_response: OnResponse,
        pdus_downstream: dict[int, int],
        pdus_upstream: dict[int, int],
        judge_mo: Judge | None = None,
        knows: Knows | None = None,
        answer: Answer | None = None,
        watched: Container[int] = (),
        on_watched: OnWatched | None = None,
    ) -> None:
        """`judge` is asked about the messages of the ESME, `judge_mo` about those of the SMSC that are no receipts (None:
        all pass). `on_response` is told how long the SMSC took to answer, `on_watched` of each answer whose sequence_number is
        among `watched`. The two dicts count PDUs received by command_id; commands that are not keys of theirs count under
        OTHER_COMMAND. Where messages of the ESME may be dropped, `answer` is asked for the answers to them and to requests
        about those that are known by `knows`."""
        self.state = State.OPEN
        self.bind = Binding()
        self.held = False  # what the ESME has sent waits behind a message that was HELD
        self.waiting = False  # a request of the SMSC bears the number of ours in flight
        self.took = False  # whether the last call to advance a direction took a PDU
        self.judge = judge
        self.judge_mo = judge_mo
        self._knows = knows
        self._answer = answer
        self.admit = admit
        self.forward_unknown = False  # requests that no ESME sends; a setting of the client
        self.downstream = Framer(max_pdu_bytes)
        self.upstream = Framer(max_pdu_bytes)
        self.to_downstream: list[Run] = []
        self.to_upstream: list[Run] = []
        self.awaited_smsc: dict[int, float] = {}
        self.awaited_esme: dict[int, float] = {}
        self._on_response = on_response
        self._watched = watched
        self._on_watched = on_watched
        self._pdus_downstream = pdus_downstream
        self._pdus_upstream = pdus_upstream
        self._next_own = OWN_SEQUENCE_FIRST
        self._own_esme = OwnRequests(self.awaited_esme)
        self._own_smsc = OwnRequests(self.awaited_smsc)

    def move(self, event: Event) -> None:
        """Change state as the table says; a KeyError is a fault of ours, never of a peer's."""
        self.state = TRANSITIONS[self.state, event]

    @property
    def system_id(self) -> str:
        """The client: known once a bind went upstream, and the SMSC's word from BOUND on."""
        return self.bind.system_id

    @property
    def holding(self) -> bool:
        """Whether more of what the ESME sends should not be read: nothing of it is taken now, or enough of it waits."""
        return self.state in HOLDS_ESME and self.downstream.pending > MAX_HELD_BYTES

    # from the ESME

    def advance_downstream(self, now: float) -> bool:
        """Handle about TURN_BYTES of what the ESME sent. True when more can be handled at once (another turn, please). Not to be
        called while `held`, which the caller ends."""
        framer = self.downstream
        left = TURN_BYTES
        while left > 0 and self.state in READS_ESME:
            begun = framer.position
            more = self._take_downstream(now, left)
            left -= framer.position - begun
            if more or self.held or not framer.shift():
                break
        else:
            more = self.state in READS_ESME
        framer.release()
        self.took = left < TURN_BYTES
        return more

    def _take_downstream(self, now: float, budget: int) -> bool:
        """Take PDUs of the ESME up to `budget` octets; True when whole ones are left. `_take_upstream` is its twin: one
        function for both would ask each PDU which side it came from."""
        framer = self.downstream
        data = framer.data
        size = len(data)
        longest = framer.max_pdu_bytes
        position = run = framer.position
        stop = size - HEADER_BYTES + 1
        if stop - position > budget:
            stop = position + budget
        counts = self._pdus_downstream
        kind = counted = OTHER_COMMAND
        pdus = 0  # of this kind in a row, counted at once: saves 0.05 µs each
        awaited = self.awaited_smsc
        timed = len(awaited) < MAX_AWAITED
        judge = self.judge
        unbound = self.state is OPEN  # what changes the state ends the loop
        # `framer.peek()` says the same with reasons; calling it for each PDU took 0.4 µs more.
        unpack = HEADER.unpack_from
        try:
            while position < stop:
                start = position
                length, command, _, sequence = unpack(data, start)
                end = start + length
                if end > size or not HEADER_BYTES <= length <= longest:
                    break
                position = end
                if command != kind:
                    counts[counted] += pdus
                    kind, pdus = command, 0
                    counted = kind if kind in counts else OTHER_COMMAND
                pdus += 1
                if unbound:
                    if self._open(command, sequence, start, end):
                        return False
                    run = end
                    continue
                if command >= RESPONSE:
                    if self._own_esme.sent and self._own_esme.is_answer(command, sequence):
                        self._pass(self.to_upstream, data, run, start)
                        run = end
                        if self.state is State.UNBINDING_ESME:
                            self._unbind_smsc(Event.ESME_UNBOUND, now)
                            return False
                    else:
                        self.awaited_esme.pop(sequence, None)
                    continue
                if command in SUBMITTED:
                    status = judge(command, data, start, end, now)
                elif command in FROM_ESME:
                    status = self._beside_messages(command, data, start, end, now)
                else:
                    status = 0 if self.forward_unknown else Status.ESME_RINVCMDID
                if not status or status == HELD:
                    if timed:
                        awaited[sequence] = now
                    if status:
                        self.held = True
                        return False
                    continue
                self._pass(self.to_upstream, data, run, start)
                run = end
                self.to_downstream.append(self._refusal(status, command, sequence, data, start, end))
            if position == size:
                return False
            framer.position = position
            return framer.peek() is not None
        except FramingError as error:
            self.to_downstream.append(generic_nack(Status.ESME_RINVCMDLEN, error.sequence))
            self.move(Event.CLOSE)
            return False
        finally:
            framer.position = position
            counts[counted] += pdus
            self._pass(self.to_upstream, data, run, position)

    def _refusal(  # noqa: PLR0917  # what the loop has at hand
        self, status: int, command: int, sequence: int, data: bytes, start: int, end: int
    ) -> bytes:
        """The answer to a request of the ESME's that goes no further."""
        if status == DROPPED:
            if self.bind.command == RECEIVER:  # which may send nothing, and the SMSC would say so (3.4, 2.3)
                answer = response(command, Status.ESME_RINVBNDSTS, sequence)
                if sequence in self._watched and self._on_watched is not None:
                    self._on_watched(answer, 0, len(answer))
                return answer
            assert self._answer is not None
            return self._answer(command, data, start, end)
        return response(command, status, sequence) if command in FROM_ESME else generic_nack(status, sequence)

    def _beside_messages(self, command: int, data: bytes, start: int, end: int, now: float) -> int:
        """What to do with a request of the ESME's that submits no text: as `Judge` says."""
        if command in BINDS:
            return self.bind.another(data, start, end)
        if command in ABOUT_ONE and self._knows is not None and self._knows(command, data, start, end):
            return DROPPED
        return self.judge(command, data, start, end, now) if command == REPLACE else 0

    def _open(self, command: int, sequence: int, start: int, end: int) -> bool:
        """Whether a request is a bind that goes upstream; all else is answered here while there is none."""
        if command not in BINDS:
            answer = refusal_unbound(command, sequence)
            if answer is not None:
                self.to_downstream.append(answer)
            return False
        status = self.bind.request(self.downstream.data, start, end, self.admit)
        if status:
            self.to_downstream.append(response(command, status, sequence))
            return False
        self.move(Event.BIND)
        return True

    # from the SMSC

    def advance_upstream(self, now: float) -> bool:
        """Handle about TURN_BYTES of what the SMSC sent. True when more can be handled at once."""
        framer = self.upstream
        left = TURN_BYTES
        self.waiting = False
        while left > 0 and self.state is not CLOSED:
            begun = framer.position
            more = self._take_upstream(now, left)
            left -= framer.position - begun
            if more or not framer.shift():
                break
        else:
            more = self.state is not CLOSED
        framer.release()
        self.took = left < TURN_BYTES
        return more

    def _take_upstream(self, now: float, budget: int) -> bool:
        """Take PDUs of the SMSC up to `budget` octets; True when whole ones are left."""
        framer = self.upstream
        data = framer.data
        size = len(data)
        longest = framer.max_pdu_bytes
        position = run = framer.position
        stop = size - HEADER_BYTES + 1
        if stop - position > budget:
            stop = position + budget
        counts = self._pdus_upstream
        kind = counted = OTHER_COMMAND
        pdus = 0
        since: float | None = None
        answers = 0  # in a row to requests of one turn, told of at once: saves 0.15 µs each
        awaited = self.awaited_smsc
        watched = self._watched
        binding = self.state is BINDING
        unpack = HEADER.unpack_from
        try:
            while position < stop:
                start = position
                length, command, status, sequence = unpack(data, start)
                end = start + length
                if end > size or not HEADER_BYTES <= length <= longest:
                    break
                is_answer = command >= RESPONSE
                if not is_answer and self._own_esme.sent and self._own_esme.holds_up(sequence, now):
                    self.waiting = True
                    return False
                position = end
                if command != kind:
                    counts[counted] += pdus
                    kind, pdus = command, 0
                    counted = kind if kind in counts else OTHER_COMMAND
                pdus += 1
                if is_answer:
                    if self._own_smsc.sent and self._own_smsc.is_answer(command, sequence):
                        self._pass(self.to_downstream, data, run, start)
                        run = end
                        if self.state is State.UNBINDING_SMSC:
                            self.move(Event.SMSC_UNBOUND)
                            return False
                        continue
                    sent = awaited.pop(sequence, None)
                    if sent is not since:
                        if since is not None:
                            self._on_response(now - since, answers)
                        since, answers = sent, 0
                    answers += 1
                    if sequence in watched:
                        assert self._on_watched is not None
                        self._on_watched(data, start, end)
                    if binding and (event := self.bind.answered(command, status, sequence)) is not None:
                        self.move(event)
                        return True  # the caller hears of it before anything behind it is judged
                elif (
                    self.judge_mo is not None
                    and command in TEXT_BEARING
                    and (refusal := self._refusal_mo(command, start, end, now))
                ):
                    self._pass(self.to_downstream, data, run, start)
                    run = end
                    answer = (
                        accepted(command, sequence, b"") if refusal == DROPPED else response(command, refusal, sequence)
                    )
                    self.to_upstream.append(answer)
                elif command not in {ALERT_NOTIFICATION, OUTBIND} and len(self.awaited_esme) < MAX_AWAITED:
                    self.awaited_esme[sequence] = now
            if position == size:
                return False
            framer.position = position
            return framer.peek() is not None
        except FramingError as error:
            self.to_upstream.append(generic_nack(Status.ESME_RINVCMDLEN, error.sequence))
            self.move(Event.CLOSE)
            return False
        finally:
            framer.position = position
            counts[counted] += pdus
            if since is not None:
                self._on_response(now - since, answers)
            self._pass(self.to_downstream, data, run, position)

    def _refusal_mo(self, command: int, start: int, end: int, now: float) -> int:
        """The status to refuse a message of the SMSC's with, or 0. Receipts repeat what has been judged."""
        assert self.judge_mo is not None
        data = self.upstream.data
        if self.state in {State.OPEN, State.BINDING}:
            return Status.ESME_RINVBNDSTS
        return 0 if is_receipt(command, data, start, end) else self.judge_mo(command, data, start, end, now)

    def deliver(self, body: bytes, now: float) -> bool:
        """Queue a deliver_sm of the gate's own for the ESME; False where none can be sent, or not any more."""
        if self.state is not State.BOUND or self.bind.command == TRANSMITTER or self._next_own > LAST_RECEIPT:
            return False
        pdu, self._next_own = self._own_esme.send(Command.DELIVER_SM, self._next_own, now, body)
        self.to_downstream.append(pdu)
        return True

    # what the session says itself

    def refuse_pending_bind(self, status: int) -> None:
        """Answer the bind that no SMSC could be found for, and close."""
        self.to_downstream.append(response(self.bind.command, status, self.bind.sequence))
        self.to_upstream.clear()
        self.move(Event.CLOSE)

    def drain(self, now: float) -> None:
        """Begin to end the session from this side: unbind to the ESME, then upstream. One that isn't bound just closes."""
        self.move(Event.DRAIN)
        if self.state is State.UNBINDING_ESME:
            unbind, self._next_own = self._own_esme.send(Command.UNBIND, self._next_own, now)
            self.to_downstream.append(unbind)

    def esme_ended(self, now: float) -> None:
        """Everything that the ESME sent has been taken, and no more will come."""
        if self.state is State.UNBINDING_ESME:  # most stacks close instead of answering an unbind
            self._unbind_smsc(Event.ESME_EOF, now)
        else:
            self.move(Event.ESME_EOF)

    def smsc_ended(self) -> None:
        """Everything that the SMSC sent has been taken, and no more will come."""
        self.move(Event.SMSC_EOF)

    def _unbind_smsc(self, event: Event, now: float) -> None:
        self.move(event)
        unbind, self._next_own = self._own_smsc.send(Command.UNBIND, self._next_own, now)
        self.to_upstream.append(unbind)

    @staticmethod
    def _pass(output: list[Run], data: bytes, start: int, end: int) -> None:
        """Hand over data[start:end] as it stands: the very object that was read, or a view of it."""
        if start == 0 and end == len(data) and end:
            output.append(data)
        elif start < end:
            output.append(memoryview(data)[start:end])
