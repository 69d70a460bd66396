"""A carrier: one way to bring a text through the gate. And the gate in which it is tried, from octets to octets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smsgate.policy import Client, Policy
from smsgate.smpp.session import Judge, Session
from tests import pdus
from tests.packs import shipped

ROOT: Final = Path(__file__).parents[2]
CANNED_ID: Final = 7
CONTENT_REFUSED: Final = 0x66
MAX_PDU_BYTES: Final = 66 * 1024

Carry = Callable[[str], list[bytes]]


@dataclass(frozen=True)
class Carrier:
    """`carry` makes the PDUs that bring a text. `upstream`: the SMSC sends them. `binds`: over how many binds of the client,
    in turn. `canned`: the SMSC keeps the text under CANNED_ID."""

    group: str
    name: str
    carry: Carry
    upstream: bool = False
    binds: int = 1
    canned: bool = False

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


@dataclass
class Outcome:
    """What became of the PDUs sent: those that came out on the other side, and the statuses of those refused."""

    sent: list[bytes]
    passed: list[bytes]
    refused: list[int]

    @property
    def blocked(self) -> bool:
        """Whether the text was stopped: all of it, or the part without which it is none."""
        return bool(self.refused) and set(self.refused) == {CONTENT_REFUSED} and self.passed != self.sent

    @property
    def untouched(self) -> bool:
        """Whether everything passed to the byte, and nothing was said to the sender."""
        return not self.refused and self.passed == self.sent


class _Bind:
    """One session of the client, bound."""

    def __init__(self, judge: Judge, judge_mo: Judge) -> None:
        counts = {-1: 0}
        self.session = Session(
            MAX_PDU_BYTES,
            judge=judge,
            admit=lambda _: 0,
            on_response=lambda *_: None,
            pdus_downstream=counts,
            pdus_upstream=counts,
            judge_mo=judge_mo,
        )
        self.send(pdus.bind(), upstream=False)
        self.send(pdus.bind_resp(), upstream=True)

    def send(self, pdu: bytes, *, upstream: bool) -> tuple[bytes, bytes]:
        """What comes of a PDU: on the other side, and back to its sender."""
        session = self.session
        framer = session.upstream if upstream else session.downstream
        advance = session.advance_upstream if upstream else session.advance_downstream
        on, back = session.to_upstream, session.to_downstream
        if upstream:
            on, back = back, on
        framer.feed(pdu)
        while advance(0.0):
            pass
        said = b"".join(on), b"".join(back)
        on.clear()
        back.clear()
        return said


def sent_by(carrier: Carrier, text: str) -> list[bytes]:
    """The PDUs that bring `text`, numbered."""
    return [pdu[:12] + (100 + index).to_bytes(4, "big") + pdu[16:] for index, pdu in enumerate(carrier.carry(text))]


def attempt(carrier: Carrier, text: str) -> Outcome:
    """Bring `text` through a gate of its own."""
    policy = Policy(shipped(), canned={CANNED_ID: text} if carrier.canned else None)
    client = policy.client("bank1")
    binds = [_Bind(_judge(policy, client), _judge_mo(policy, client)) for _ in range(carrier.binds)]
    outcome = Outcome(sent_by(carrier, text), [], [])
    for index, pdu in enumerate(outcome.sent):
        on, back = binds[index % carrier.binds].send(pdu, upstream=carrier.upstream)
        outcome.passed += pdus.cut(on)
        outcome.refused += [int.from_bytes(answer[8:12], "big") for answer in pdus.cut(back)]
    return outcome


def _judge(policy: Policy, client: Client) -> Judge:
    return lambda command, data, start, end, now: client.status(
        policy.decide_pdu(command, data, start, end, client, now)
    )


def _judge_mo(policy: Policy, client: Client) -> Judge:
    return lambda command, data, start, end, now: policy.decide_mo(command, data, start, end, client, now).status
