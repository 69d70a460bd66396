"""Segments of long messages: what a handset may hold of each message, bounded, and what that makes certain.

Nothing is held back and no part is judged twice. A part that comes is looked at once, between the edges of its neighbours
(`text.window`); what this makes certain is added to the evidence of its set, and the rules judge the evidence
(`rules.engine`). The part that completes a match is refused and its set is *poisoned*: retries and later parts are refused
too.

A set is what went through under one key: client, source, destination, reference. The key leaves out type of number,
numbering plan and total, and takes the low octet of the reference and the last digits of the destination, so that parts
meet whatever their form (8-bit, 16-bit, SAR TLVs; 06.. and +336..). A set ends when all its parts have gone through, for
the handset shows it then, or when its time is up. `now` is an argument; what is over is dropped as other parts come.

A part number that comes again with the same text is a retry. With another text it takes the place of the first one on some
handsets: what both say counts, but nothing said so far excuses any more (`not official(cpf)`), as when totals disagree.
Other handsets ignore it: what they show is judged besides. A poisoned set is judged again.

A part has a reading in each alphabet that is plausible for it. Readings in one alphabet make a line, together with the first
readings of the parts that have none in it: an SMSC that takes data_coding 0 for Latin-1 does so in every part. Each line is
judged as one text, and the strictest verdict counts.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from sys import getsizeof
from typing import Final, NamedTuple

from smsgate.rules.engine import Finding, RuleSet
from smsgate.rules.facts import Evidence
from smsgate.rules.verdict import Verdict
from smsgate.smpp.pdu import TextView
from smsgate.smpp.places import Place, places
from smsgate.text.normalize import fold_part, glue
from smsgate.text.reading import Reading
from smsgate.text.urls import Link, undisguised
from smsgate.text.window import EDGE_CHARS, END, UNKNOWN, Neighbours, Window

KEY_DIGITS: Final = 8
"""Last digits of a destination that make the key: those that its national and international forms share."""
MAX_CLIENT_OCTETS: Final = 16 << 20
"""Memory for the sets of one client, some 10,000 parts of messages not yet complete. At 300 long messages a second whose
parts come within a second there are 600."""
MAX_OCTETS: Final = 256 << 20
"""Memory for the sets of all clients."""
SET_OCTETS: Final = 1024
"""What a set takes besides its parts."""
PART_OCTETS: Final = 512
"""What a part takes besides its texts."""
REFUSED_OCTETS: Final = 128
"""What the digest of a refused part takes."""
ENDED_AT_ONCE: Final = 8
"""Sets whose time is up that are dropped as one part comes: no part waits for thousands."""

DECLARED: Final = ""
"""The line of the first readings."""
KEPT: Final = "kept"
"""The line of handsets that keep the first text of each part."""

_NO_DIGITS: Final = re.compile(rb"\D+")


class Key(NamedTuple):
    """Which set a part belongs to."""

    client: str
    source: bytes
    destination: bytes
    reference: int

    @property
    def content(self) -> str:
        """What samples are drawn by (see `rules.sampling`): the same for all parts, and when they are sent again."""
        return f"{self.client}\0{self.source.decode('latin-1')}\0{self.destination.decode('latin-1')}"


class Piece(NamedTuple):
    """A part in one reading: its folded words, with a blank at an end only where the part has one, and its text."""

    words: str
    text: str


class Edges(NamedTuple):
    """What is kept of a part that went through: as much of each reading as windows of its neighbours may show. `digest` tells its
    whole text from others."""

    pieces: Mapping[str, Piece]
    digest: int
    octets: int


class Arrival(NamedTuple):
    """A part that was judged in its set; nothing is remembered of it until `Segments.keep` or `Segments.refuse`.

    `later`: other parts of its message went through, so rates let it pass; `limits`: those that did (bits by index).
    """

    key: Key
    place: Place
    edges: Edges
    finding: Finding
    lines: Mapping[str, Evidence]
    complete: bool = False
    later: bool = False
    limits: int = 0


class _Set:
    """What went through under one key. `total` is 0 once parts have disagreed on it. When poisoned, `verdict` is that of the part
    which completed a match, and `refused` holds the digests of the parts refused since."""

    __slots__ = ("ends", "kept", "limits", "lines", "octets", "refused", "total", "verdict")

    def __init__(self, total: int, ends: float) -> None:
        self.total = total
        self.ends = ends
        self.kept: dict[int, Edges] = {}
        self.lines: Mapping[str, Evidence] = {DECLARED: Evidence()}
        self.limits = 0
        self.verdict: Verdict | None = None
        self.refused: dict[int, int] = {}
        self.octets = 0  # charged to its client

    def refusal(self, number: int, digest: int) -> Verdict | None:
        """The verdict on a part that need not be judged: the set is poisoned, and this no new text for a number already seen."""
        seen = self.refused.get(number)
        if seen is None and number in self.kept:
            seen = self.kept[number].digest
        return self.verdict if seen is None or seen == digest else None


class Segments:
    """The sets of one process. `poisoned` counts sets, `expired` those that ended incomplete, `overflowed` parts without room."""

    def __init__(self, expire_s: float, longest_word: int) -> None:
        self.poisoned = 0
        self.expired = 0
        self.overflowed = 0
        self._expire_s = expire_s
        self.forget(longest_word)

    def __len__(self) -> int:
        """Sets there are now."""
        return len(self._sets)

    def forget(self, longest_word: int) -> None:
        """Start afresh with rules whose longest keyword has so many characters: evidence is that of one rule set."""
        self._reach = max(1, longest_word)
        self._sets: OrderedDict[Key, _Set] = OrderedDict()  # in the order in which they end
        self._client_octets: Counter[str] = Counter()
        self._octets = 0

    def arrive(  # noqa: PLR0917  # called once a part
        self, rules: RuleSet, view: TextView, readings: Sequence[Reading], client: str, now: float, carrier: int = 0
    ) -> list[Arrival] | None:
        """Judge a PDU as a part: once for each destination. Empty when it is none, None when there is no room for it.

        `carrier`: facts of the PDU.
        """
        where = places(view)
        if not where:
            return []
        self._drop_ended(now)
        pieces = _pieces(readings)
        edges = _edges(pieces, self._reach)
        source, sender = view.source.strip(b" +").lower(), view.source.decode("latin-1")
        destinations = list(dict.fromkeys(map(_last_digits, view.destinations or (b"",))))
        content = Key(client, source, destinations[0], 0).content
        arrivals = []
        for place in where:
            for destination in destinations:
                key = Key(client, source, destination, place.reference & 0xFF)
                known = self._current(key, now) or _Set(place.total, 0.0)
                refusal = known.refusal(place.number, edges.digest)
                if refusal is not None:
                    arrivals.append(Arrival(key, place, edges, Finding(refusal, ()), known.lines))
                elif self._has_room(client, edges.octets + SET_OCTETS):
                    arrivals.append(self._judge(rules, known, key, place, pieces, edges, sender, carrier, content))
                else:
                    self.overflowed += 1
                    return None
        return arrivals

    def keep(self, arrival: Arrival, limits: int, now: float) -> None:
        """The part goes through: remember what it made certain. With its last part a set ends."""
        known = self._current(arrival.key, now) or self._begin(arrival, now)
        if known.verdict is not None:
            self._charge(arrival.key, known, -REFUSED_OCTETS * len(known.refused))
            known.verdict, known.refused = None, {}
            known.ends = now + self._expire_s
            self._sets.move_to_end(arrival.key)
        if arrival.place.total != known.total:
            known.total = 0
        if arrival.complete and known.total:
            self._end(arrival.key)
            return
        known.lines = arrival.lines
        known.limits |= limits
        before = known.kept.get(arrival.place.number)
        self._charge(arrival.key, known, arrival.edges.octets - (before.octets if before is not None else 0))
        known.kept[arrival.place.number] = arrival.edges

    def refuse(self, arrival: Arrival, verdict: Verdict, now: float) -> None:
        """The part completed a match, or belongs to a set that had: poison the set."""
        known = self._current(arrival.key, now)
        number = arrival.place.number
        has_room = self._has_room(arrival.key.client, REFUSED_OCTETS + SET_OCTETS * (known is None))
        if known is None and not has_room:
            return
        known = known or self._begin(arrival, now)
        self.poisoned += known.verdict is None
        known.verdict = verdict
        if number not in known.refused:
            if not has_room:
                return
            self._charge(arrival.key, known, REFUSED_OCTETS)
        known.refused[number] = arrival.edges.digest

    def _judge(  # noqa: PLR0917  # called once a part
        self,
        rules: RuleSet,
        known: _Set,
        key: Key,
        place: Place,
        pieces: Mapping[str, Piece],
        edges: Edges,
        sender: str,
        carrier: int,
        content: str,
    ) -> Arrival:
        number, total = place.number, place.total
        before = known.kept.get(number)
        is_news = before is None or before.digest != edges.digest
        if before is not None and is_news:
            first = _of_line(before.pieces, KEPT)
            pieces = {**pieces, KEPT: first}
            edges = Edges({**edges.pieces, KEPT: first}, edges.digest, edges.octets + _octets(first))
        lines = dict(known.lines)
        for line in pieces:
            lines.setdefault(line, lines[DECLARED])  # the first readings of all parts so far
        links: list[tuple[Link, ...]] = [()] * len(lines)
        for index, (line, evidence) in enumerate(lines.items()):
            if not is_news or (before is not None and line == KEPT):
                continue
            excusing = before is None and total == known.total
            left = self._beside(known.kept, range(number - 1, 0, -1), line)
            right = self._beside(known.kept, range(number + 1, total + 1), line)
            lines[line], links[index] = rules.add(
                evidence if excusing else evidence._replace(excuses=0),
                Window(left, *_of_line(pieces, line), right),
                excusing=excusing,
                carrier=carrier,
            )
        later = before is None and bool(known.kept)
        complete = len(known.kept) + (before is None) >= total and all(
            each in known.kept or each == number for each in range(1, total + 1)
        )
        finding = rules.check_parts(
            tuple(lines.values()),
            links,
            sender,
            key.client,
            complete=complete,
            carrier=carrier,
            content=content,
        )
        return Arrival(key, place, edges, finding, lines, complete, later, known.limits if later else 0)

    def _beside(self, kept: Mapping[int, Edges], numbers: range, line: str) -> Neighbours:
        """What is known on one side of a part: `numbers` are those of the parts there, the nearest first."""
        if not numbers:
            return END
        if numbers[0] not in kept:
            return UNKNOWN
        words = text = ""
        leftwards = numbers.step < 0
        whole = True
        for number in numbers:
            edges = kept.get(number)
            if edges is None or (len(words) > self._reach and len(text) > EDGE_CHARS):
                whole = False
                break
            piece = _of_line(edges.pieces, line)
            if len(words) <= self._reach:
                words = glue(piece.words, words) if leftwards else glue(words, piece.words)
            if len(text) <= EDGE_CHARS:
                text = piece.text + text if leftwards else text + piece.text
        unknown = not whole and len(text) <= EDGE_CHARS
        whole = whole and len(words) <= self._reach
        if leftwards:
            return Neighbours(words[-self._reach :], _last_tokens(text), unknown, whole)
        return Neighbours(words[: self._reach], _first_tokens(text), unknown, whole)

    # the table

    def _current(self, key: Key, now: float) -> _Set | None:
        known = self._sets.get(key)
        if known is not None and known.ends <= now:
            self.expired += 1
            self._end(key)
            return None
        return known

    def _begin(self, arrival: Arrival, now: float) -> _Set:
        known = self._sets[arrival.key] = _Set(arrival.place.total, now + self._expire_s)
        self._charge(arrival.key, known, SET_OCTETS)
        return known

    def _end(self, key: Key) -> None:
        known = self._sets.pop(key)
        self._charge(key, known, -known.octets)

    def _drop_ended(self, now: float) -> None:
        for _ in range(ENDED_AT_ONCE):
            first = next(iter(self._sets), None)
            if first is None or self._current(first, now) is not None:
                return

    def _has_room(self, client: str, octets: int) -> bool:
        return self._client_octets[client] + octets <= MAX_CLIENT_OCTETS and self._octets + octets <= MAX_OCTETS

    def _charge(self, key: Key, known: _Set, octets: int) -> None:
        known.octets += octets
        self._octets += octets
        self._client_octets[key.client] += octets
        if not self._client_octets[key.client]:
            del self._client_octets[key.client]


def _last_digits(destination: bytes) -> bytes:
    return (destination if destination.isdigit() else _NO_DIGITS.sub(b"", destination))[-KEY_DIGITS:]


def _pieces(readings: Sequence[Reading]) -> dict[str, Piece]:
    """The readings of a part by line; those that are like the first are it. Several in one alphabet, of several bodies, become
    one text."""
    pieces: dict[str, Piece] = {}
    for reading in readings:
        text = reading.text
        # Without what can't be seen, else a flood of it would push a link out of the edges.
        piece = Piece(fold_part(text, reading.words), undisguised(text))
        if not pieces:
            pieces[DECLARED] = piece
        elif piece != pieces[DECLARED]:
            other = pieces.get(reading.alphabet)
            if other is not None:
                piece = Piece(glue(glue(other.words, " "), piece.words), f"{other.text}\n{piece.text}")
            pieces[reading.alphabet] = piece
    return pieces


def _edges(pieces: Mapping[str, Piece], reach: int) -> Edges:
    kept = {}
    octets = PART_OCTETS
    for line, (words, text) in pieces.items():
        piece = Piece(
            words if len(words) <= 2 * reach else words[:reach] + words[-reach:],
            text if len(text) <= 2 * EDGE_CHARS else text[:EDGE_CHARS] + text[-EDGE_CHARS:],
        )
        octets += _octets(piece)
        kept[line] = piece
    return Edges(kept, hash(tuple(pieces.values())), octets)


def _octets(piece: Piece) -> int:
    return getsizeof(piece.words) + getsizeof(piece.text)


def _of_line(pieces: Mapping[str, Piece], line: str) -> Piece:
    """The reading of a part in a line: the first where it has none of its own."""
    return pieces.get(line) or pieces[DECLARED]


def _last_tokens(text: str) -> str:
    """The end of a text, from a blank on if there is one."""
    if len(text) <= EDGE_CHARS:
        return text
    return "".join(text[-EDGE_CHARS:].split(None, 1)[-1:])


def _first_tokens(text: str) -> str:
    """The beginning of a text, up to a blank if there is one."""
    if len(text) <= EDGE_CHARS:
        return text
    return "".join(text[:EDGE_CHARS].rsplit(None, 1)[:1])
