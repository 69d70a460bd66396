"""What a sender id is and whose: the facts of source addresses.

Three kinds, by what a handset shows: `alphanumeric_sender` (it has a letter), `short_code_sender` (three to eight digits),
`number_sender` (more), of which `mobile_sender` is a mobile telephone's. `malformed_sender` is what no operator should
carry. `forbidden_sender` and `reserved_sender` come from the `senders:` of all packs together, `similar_sender` is
another name than a reserved, forbidden or official one that resembles it (`text.resemblance`).

They are facts of what clients send, given to `RuleSet.check` with those of the carrier: of a message that the SMSC delivers,
the sender is a telephone and the client is who it is for.

A source address is octets, shown as Latin-1 here. Octets of UTF-8 are compared as what they spell, too.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Self

from smsgate.rules.brands import squeezed
from smsgate.rules.lists import as_number
from smsgate.rules.model import Pack, SenderIds
from smsgate.text.normalize import fold
from smsgate.text.phones import canonical, is_mobile
from smsgate.text.resemblance import Resemblances

# Beside the facts of texts (`rules.facts`), which have the bits below.
FORBIDDEN_SENDER: Final = 1 << 24
RESERVED_SENDER: Final = 1 << 25
SIMILAR_SENDER: Final = 1 << 26
MALFORMED_SENDER: Final = 1 << 27
ALPHANUMERIC_SENDER: Final = 1 << 28
SHORT_CODE_SENDER: Final = 1 << 29
NUMBER_SENDER: Final = 1 << 30
MOBILE_SENDER: Final = 1 << 31
SENDER_FACTS: Final = {
    "forbidden_sender": FORBIDDEN_SENDER,
    "reserved_sender": RESERVED_SENDER,
    "similar_sender": SIMILAR_SENDER,
    "malformed_sender": MALFORMED_SENDER,
    "alphanumeric_sender": ALPHANUMERIC_SENDER,
    "short_code_sender": SHORT_CODE_SENDER,
    "number_sender": NUMBER_SENDER,
    "mobile_sender": MOBILE_SENDER,
}
SENDER_BITS: Final = sum(SENDER_FACTS.values())
SENDER_KINDS: Final = ALPHANUMERIC_SENDER | SHORT_CODE_SENDER | NUMBER_SENDER

MAX_ALPHANUMERIC_CHARS: Final = 11
"""3GPP TS 23.040, 9.1.2.5: ten octets of seven-bit characters."""
MAX_SHORT_CODE_DIGITS: Final = 8
MAX_E164_DIGITS: Final = 15
"""ITU-T E.164, 6."""
MAX_COMPARED_CHARS: Final = 32
"""A longer source address is none of SMPP's (20, 5.2.8) and on no list. Without this a PDU of 66 KiB could be all address."""

MAX_SENDER_CHARS: Final = 64
"""What is judged and remembered of a source address: the caches of 65,536 senders would take 4 GB of those of 64 KiB. What is cut
off is malformed as it is."""

_ALPHANUMERIC: Final = re.compile(r"[A-Za-z0-9.\-_&'+]+(?: [A-Za-z0-9.\-_&'+]+)*")
"""What operators accept and every handset shows: no accents, no blank at an end, no two in a row."""
_NUMBER: Final = re.compile(rf"\+?[0-9]{{3,{MAX_E164_DIGITS}}}|00[0-9]{{7,{MAX_E164_DIGITS}}}")
_SHORT_CODE: Final = re.compile(rf"[1-9][0-9]{{2,{MAX_SHORT_CODE_DIGITS - 1}}}")
_E164: Final = re.compile(rf"\+?[1-9][0-9]{{6,{MAX_E164_DIGITS - 1}}}")
_DIALLED: Final = re.compile(r"[0-9ol ]*[0-9][0-9ol ]*")
"""A folded number, an O in it for a 0 and an l for a 1 perhaps."""
_AS_DIGITS: Final = str.maketrans("ol", "01")
_LETTER: Final = re.compile(r"[^\W\d_]")

_UNKNOWN, _INTERNATIONAL, _NATIONAL, _ALPHANUMERIC_TYPE = 0, 1, 2, 5
_TYPES_OF_NUMBER: Final = range(7)
_NUMBERING_PLANS: Final = frozenset({0, 1, 3, 4, 6, 8, 9, 10, 14, 18})
_E164_PLANS: Final = frozenset({0, 1})
"""SMPP 3.4, 5.2.5 and 5.2.6: other values are reserved."""
_TRUNK: Final = "0"


class _Section(NamedTuple):
    """What one pack says of sender ids."""

    file: str
    pack: str
    use: tuple[str, ...]
    ids: SenderIds
    official: tuple[str, ...]

    @classmethod
    def of(cls, pack: Pack) -> Self:
        official = tuple(sender for brand in pack.brands for sender in brand.official.senders)
        return cls(pack.file, pack.name, pack.use, pack.senders, official)


class SenderIndex:
    """The sender ids of packs. Pure; whoever asks for every message remembers the answers (`RuleSet.of_sender`)."""

    @classmethod
    def of(cls, packs: Iterable[Pack]) -> Self:
        """Those of all these packs."""
        return cls(tuple(map(_Section.of, packs)))

    def __init__(self, sections: Sequence[_Section]) -> None:
        self._sections = tuple(sections)
        self._within: dict[str, SenderIndex] = {}
        forbidden: set[str] = set()
        self._tables: list[Container[str]] = []
        self._clients: dict[str, frozenset[str]] = {}
        self._official: set[str] = set()
        names: list[str] = []
        for section in sections:
            forbidden.update(map(_key, section.ids.forbidden))
            names += section.ids.forbidden
            if section.ids.table is not None:
                self._tables.append(section.ids.table)
            for entry in section.ids.reserved:
                key = _key(entry.sender)
                self._clients[key] = self._clients.get(key, frozenset()).union(map(str.casefold, entry.clients))
                names.append(entry.sender)
            self._official.update(map(_key, section.official))
            names += section.official
        self._forbidden = frozenset(forbidden)
        self._resemblances = Resemblances(names)

    def within(self, file: str) -> SenderIndex:
        """Those of the pack in this file and of the packs that it uses: what its examples rest on. Else a list of an operator's
        would make an example fail that was written before."""
        if file not in self._within:
            used = {name for section in self._sections if section.file == file for name in section.use}
            sections = [each for each in self._sections if each.file == file or each.pack in used]
            self._within[file] = SenderIndex(sections)
        return self._within[file]

    def facts(self, sender: str, client: str, type_octets: bytes = b"") -> int:
        """The bits of SENDER_FACTS. `type_octets`: source_addr_ton and source_addr_npi; without them the sender's look tells
        its type."""
        bits = _form(sender)
        if type_octets:
            bits |= _by_type(sender, *type_octets)
        for name in _spellings(sender):
            key = _key(name)
            if key in self._forbidden or any(squeezed(name) in table for table in self._tables):
                bits |= FORBIDDEN_SENDER
            if key in self._clients and not self._may_use(client, key):
                bits |= RESERVED_SENDER
        if bits & ALPHANUMERIC_SENDER and self.resembled(sender, client):
            bits |= SIMILAR_SENDER
        return bits

    def is_authorised(self, sender: str, client: str) -> bool:
        """Whether the sender id is reserved for the client, among others perhaps."""
        return bool(self._clients) and self._may_use(client, _key(sender[:MAX_COMPARED_CHARS]))

    def resembled(self, sender: str, client: str) -> tuple[str, ...]:
        """The reserved, forbidden and official sender ids that a sender resembles and is not, but those that the client may use
        itself."""
        found: dict[str, None] = {}
        for name in _spellings(sender):
            key = _key(name)
            if key in self._clients or key in self._official or key in self._forbidden:
                return ()
            found |= dict.fromkeys(
                near for near in self._resemblances.of(name) if not self._may_use(client, _key(near))
            )
        return tuple(found)

    def _may_use(self, client: str, key: str) -> bool:
        return client.casefold() in self._clients.get(key, ())


def _key(sender: str) -> str:
    """What two spellings of the same sender have in common: numbers as they are dialled, names folded without blanks."""
    return as_number(sender) or squeezed(sender)


def _spellings(sender: str) -> tuple[str, ...]:
    """The sender as it is to be compared, and what its octets spell in UTF-8 if they do."""
    if len(sender) > MAX_COMPARED_CHARS:
        return ()
    if not sender.isascii():
        with suppress(UnicodeError):
            return sender, sender.encode("latin-1").decode()
    return (sender,) if sender else ()


def _form(sender: str) -> int:
    """What a sender is by its look; nothing of an empty one, which is unknown."""
    if not sender:
        return 0
    if _LETTER.search(sender):
        sound = len(sender) <= MAX_ALPHANUMERIC_CHARS and _ALPHANUMERIC.fullmatch(sender)
        bits = ALPHANUMERIC_SENDER if sound else ALPHANUMERIC_SENDER | MALFORMED_SENDER
    elif _SHORT_CODE.fullmatch(sender):
        return SHORT_CODE_SENDER
    elif not any(map(str.isdigit, sender)):
        return MALFORMED_SENDER
    else:
        bits = NUMBER_SENDER if _NUMBER.fullmatch(sender) else NUMBER_SENDER | MALFORMED_SENDER
    return bits | MOBILE_SENDER if _is_mobile(sender) else bits


def _by_type(sender: str, ton: int, npi: int) -> int:
    """What type of number and numbering plan say besides: that they disagree with the address, or that it is a mobile's.

    An empty address of unknown type asks the SMSC for the client's own (SMPP 3.4, 5.2.8).
    """
    bits = MOBILE_SENDER if ton == _NATIONAL and _is_mobile(_TRUNK + sender) else 0
    has_letter = _LETTER.search(sender) is not None
    if ton == _ALPHANUMERIC_TYPE:
        agrees = has_letter and npi == _UNKNOWN
    elif ton == _INTERNATIONAL:
        agrees = _E164.fullmatch(sender) is not None and npi in _E164_PLANS
    elif ton == _UNKNOWN:
        agrees = npi in _NUMBERING_PLANS
    else:
        agrees = ton in _TYPES_OF_NUMBER and npi in _NUMBERING_PLANS and sender != "" and not has_letter
    return bits if agrees else bits | MALFORMED_SENDER


def _is_mobile(sender: str) -> bool:
    if len(sender) > MAX_COMPARED_CHARS:
        return False
    words = fold(sender)
    return _DIALLED.fullmatch(words) is not None and is_mobile(canonical(words.translate(_AS_DIGITS)))
