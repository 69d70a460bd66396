"""PDUs explained: what they say of themselves, and what each part of a long message adds.

They are taken as the traffic of one client on a gate that has just started, in the order given, all at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from smsgate.policy import Policy, facts_beside
from smsgate.reassembly import DECLARED, Key
from smsgate.rules.engine import RuleSet
from smsgate.rules.explain import Explanation, Line, explain, explain_parts, labels
from smsgate.rules.verdict import Verdict
from smsgate.smpp.constants import command_name
from smsgate.smpp.pdu import TextView, esm_class, text_view
from smsgate.smpp.places import Place, may_be_part
from smsgate.smpp.readings import readings

SHOWN_DIGITS: Final = 4
"""Of a destination: which country and kind of number. What is shown here ends up in tickets."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """One request. `destinations` are masked. `place`: which part it is of its message. `alone`: as a message of its own;
    `together`: with the parts that came before it, to which it added the facts `added`. `verdict`: what it is answered."""

    command: str
    view: TextView
    esm_class: int | None
    destinations: tuple[str, ...]
    verdict: Verdict
    alone: Explanation
    place: Place | None = None
    together: Explanation | None = None
    added: tuple[str, ...] = ()

    @property
    def judged(self) -> Explanation:
        """What the verdict rests on."""
        return self.together or self.alone


def explain_pdus(rules: RuleSet, requests: Iterable[tuple[int, bytes]], client: str, now_s: float) -> list[Pdu]:
    """Judge requests (command_id and octets) one after the other; `now_s` counts from 1970."""
    policy = Policy(rules)
    parts: dict[Key, dict[int, dict[str, str]]] = {}
    before: dict[Key, int] = {}
    return [_explained(policy, command, octets, client, now_s, parts, before) for command, octets in requests]


def _explained(  # noqa: PLR0917  # the state of `explain_pdus`
    policy: Policy,
    command: int,
    octets: bytes,
    client: str,
    now_s: float,
    parts: dict[Key, dict[int, dict[str, str]]],
    before: dict[Key, int],
) -> Pdu:
    rules, peer = policy.rules, policy.client(client)
    view = text_view(command, octets, 0, len(octets))
    sender = view.source.decode("latin-1")
    found = readings(view, peer.alphabet)
    carrier = facts_beside(rules.envelope, view, found, now_s) | rules.of_sender(sender, client, view.source_type)
    arrivals = policy.segments.arrive(rules, view, found, client, now_s, carrier) if may_be_part(view) else None
    verdict = policy.decide_pdu(command, octets, 0, len(octets), peer, now_s)
    pdu = Pdu(
        command_name(command) or f"0x{command:08X}",
        view,
        esm_class(command, octets, 0, len(octets)),
        tuple(_masked(destination.decode("latin-1")) for destination in view.destinations),
        verdict,
        explain(rules, found, sender, client, carrier),
    )
    if not arrivals:
        return pdu
    arrival = max(arrivals, key=lambda each: each.finding.verdict.action.strictness)
    texts: dict[str, str] = {}
    for reading in found[1:]:
        texts[reading.alphabet] = "\n".join(filter(None, (texts.get(reading.alphabet), reading.text)))
    known = parts.setdefault(arrival.key, {})
    known[arrival.place.number] = {**texts, DECLARED: found[0].text}
    lines = []
    bits = 0
    for line, evidence in arrival.lines.items():
        text = "".join(known[number].get(line, known[number][DECLARED]) for number in sorted(known))
        certain = rules.certain(evidence, sender, client, complete=arrival.complete, carrier=carrier)
        lines.append(Line(text, line or found[0].alphabet, *certain))
        bits |= certain[0]
    added = labels(rules, bits & ~before.get(arrival.key, 0))
    before[arrival.key] = bits
    together = explain_parts(rules, lines, sender, client, verdict)
    return Pdu(pdu.command, view, pdu.esm_class, pdu.destinations, verdict, pdu.alone, arrival.place, together, added)


def _masked(destination: str) -> str:
    return destination[:SHOWN_DIGITS] + "*" * (len(destination) - SHOWN_DIGITS)
