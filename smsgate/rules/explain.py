"""Why a message gets its verdict, for people: the slow and complete twin of the engine's pass.

Same tables, same facts; besides, where in the text each keyword, link and number stands, and how each rule came out
(`reasons`). A text is looked at as it is written and, where the direction of writing is overridden, as it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from smsgate.rules.engine import RuleSet
from smsgate.rules.facts import FOREIGN_LINK, LINK, Facts
from smsgate.rules.model import Limit, LimitKey
from smsgate.rules.reasons import Sight, Tried, ones, tried
from smsgate.rules.verdict import Verdict
from smsgate.text.disguise import disguised, display_order, is_spaced_out
from smsgate.text.fingerprint import template
from smsgate.text.hosts import registered
from smsgate.text.normalize import fold, fold_with_offsets
from smsgate.text.phones import located_numbers, phone_numbers
from smsgate.text.reading import Reading
from smsgate.text.traced import plain_with_offsets
from smsgate.text.urls import Link, links, without_links


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """text[start:end] made `fact` true; `folded` is what was compared."""

    start: int
    end: int
    fact: str
    folded: str
    bit: int


@dataclass(frozen=True, slots=True)
class Site:
    """A link at text[start:end]. `domain`: what somebody registered. `facts`: whose it is, whom it imitates, lists it is on."""

    link: Link
    start: int
    end: int
    domain: str
    facts: tuple[str, ...]


class Line(NamedTuple):
    """The parts of a message that have come, in one reading: their text, and what is certain of it (`RuleSet.certain`)."""

    text: str
    alphabet: str
    bits: int
    excuses: int


class View(NamedTuple):
    """The text once more, as a part of the rules compares it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """One reading: its text as it was given, the views of it that differ, its facts and where they stand. `verdict`: of it
    alone."""

    alphabet: str
    text: str
    folded: str
    views: tuple[View, ...]
    facts: tuple[str, ...]
    spans: tuple[Span, ...]
    sites: tuple[Site, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """`rules`: all, those that hit first, then the nearest. `limits`: those that would count the message, were it to pass.
    `resembled`: the sender ids that its sender is taken for."""

    verdict: Verdict
    readings: tuple[Told, ...]
    rules: tuple[Tried, ...]
    limits: tuple[Limit, ...]
    resembled: tuple[str, ...]


def explain(
    rules: RuleSet, readings: Sequence[Reading], sender: str = "", client: str = "", carrier: int | None = None
) -> Explanation:
    """Judge a message in all its readings and say why. `carrier`: facts of what it came in, None when it is but a text."""
    if carrier is None:
        carrier = rules.without_pdu(sender, client)
    finding = rules.check(readings, sender, client, carrier)
    shown_otherwise = iter(finding.readings[len(readings) :])
    origin = _origin(rules, sender, client)
    told = []
    sights = []
    for index, reading in enumerate(readings):
        forms = [_Form(rules, reading, finding.readings[index], None)]
        order = display_order(reading.text) if reading.odd else None
        if order is not None:
            shown = Reading.of_text("".join(map(reading.text.__getitem__, order)), reading.alphabet)
            forms.append(_Form(rules, shown, next(shown_otherwise), order))
        told.append(_told(rules, reading, forms, rules.check((reading,), sender, client, carrier).verdict))
        sights += [Sight(index, form.bits, form.bits, form.shown(origin)) for form in forms]
    return Explanation(
        finding.verdict,
        tuple(told),
        tuple(tried(rules.compiled_rules, sights)),
        tuple(counting(rules, finding.readings, readings)),
        rules.senders.resembled(sender, client),
    )


def explain_parts(rules: RuleSet, lines: Sequence[Line], sender: str, client: str, verdict: Verdict) -> Explanation:
    """Say why a message that comes in parts has its verdict so far."""
    told = []
    sights = []
    facts = []
    readings = []
    origin = _origin(rules, sender, client)
    for index, (text, alphabet, bits, excuses) in enumerate(lines):
        reading = Reading.of_text(text, alphabet)
        _, links_read = rules.facts(reading, 0)
        facts.append((bits, links_read))
        form = _Form(rules, reading, facts[-1], None)
        readings.append(reading)
        told.append(_told(rules, reading, [form], verdict))
        sights.append(Sight(index, bits, excuses, form.shown(origin)))
    return Explanation(
        verdict,
        tuple(told),
        tuple(tried(rules.compiled_rules, sights)),
        tuple(counting(rules, facts, readings)),
        rules.senders.resembled(sender, client),
    )


def counting(rules: RuleSet, found: Sequence[Facts], readings: Sequence[Reading]) -> Iterator[Limit]:
    """The limits whose condition holds for a message with these facts, and whose keys its readings have."""
    shown = {
        LimitKey.LINK_HOST: any(links_read for _, links_read in found),
        LimitKey.PHONE: any(phone_numbers(reading.words) for reading in readings),
        LimitKey.TEMPLATE: any(template(reading.plain()) for reading in readings),
    }
    for limit, _, test, _ in rules.compiled_limits:
        has_keys = all(shown.get(key, True) for key in limit.per)
        if has_keys and (test is None or any(test(bits, bits) for bits, _ in found)):
            yield limit


def labels(rules: RuleSet, bits: int) -> tuple[str, ...]:
    """What these bits stand for, each once."""
    return tuple(dict.fromkeys(label for bit, label in rules.labels.items() if bits & bit))


def _origin(rules: RuleSet, sender: str, client: str) -> dict[int, tuple[str, ...]]:
    """What sender and client alone make true: facts that a message without a text from them has, and one from nobody has not."""
    nothing = (Reading.of_text(""),)
    theirs, nobodys = (
        rules.check(nothing, *origin, rules.of_sender(*origin)).readings[0][0]
        for origin in ((sender, client), ("", ""))
    )
    return {bit: (client if rules.labels[bit].startswith("client") else sender,) for bit in ones(theirs & ~nobodys)}


def _told(rules: RuleSet, reading: Reading, forms: Sequence[_Form], verdict: Verdict) -> Told:
    folded = fold(reading.text).strip()
    views = dict.fromkeys(view for form in forms for view in form.views() if view.text not in {reading.text, folded})
    bits = 0
    for form in forms:
        bits |= form.bits
    return Told(
        reading.alphabet,
        reading.text,
        folded,
        tuple(views),
        labels(rules, bits),
        tuple(sorted({span for form in forms for span in form.spans})),
        tuple(dict.fromkeys(site for form in forms for site in form.sites)),
        verdict,
    )


class _Form:
    """A reading as it is written, or as it is shown: then `order` leads each character back to where it is written."""

    def __init__(self, rules: RuleSet, reading: Reading, facts: Facts, order: list[int] | None) -> None:
        self._rules = rules
        self._reading = reading
        self._order = order
        self.bits, links_read = facts
        self._plain, self._offsets = plain_with_offsets(reading.text)
        self._further = self._disguises()
        self.sites = [self._site(link) for link in links_read]
        self._hosts = [self._placed(self._offsets, link.host_start, link.host_end) for link in links_read]
        self.spans = set(self._spans())

    def shown(self, origin: Mapping[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
        """What showed each fact, by its bit."""
        found: dict[int, dict[str, None]] = {bit: dict.fromkeys(values) for bit, values in origin.items()}
        for site in self.sites:
            facts = self._rules.impersonation.link(site.link)
            bits = LINK | facts.official | facts.lookalike | facts.listed | (FOREIGN_LINK if facts.foreign else 0)
            for bit in ones(bits):
                found.setdefault(bit, {})[site.link.host] = None
        for span in sorted(self.spans):
            found.setdefault(span.bit, {})[self._written(span.start, span.end)] = None
        return {bit: tuple(values) for bit, values in found.items()}

    def views(self) -> Iterator[View]:
        """The views of it, the folded text apart."""
        yield View("shown" if self._order is not None else "plain", self._plain)
        for kind, texts in self._further:
            for text in texts:
                yield View(kind, fold(text).strip())

    def _disguises(self) -> list[tuple[str, tuple[str, ...]]]:
        """What the second look reads, if there is one: texts, and runs of spaced-out letters."""
        if not (self._reading.odd or is_spaced_out(self._reading.words)):
            return []
        further = disguised(without_links(self._plain, links(self._plain)))
        return [("undisguised", further.texts), ("joined", further.runs)]

    def _site(self, link: Link) -> Site:
        facts = self._rules.impersonation.link(link)
        told = labels(self._rules, facts.official | facts.lookalike | facts.listed)
        start, end = self._placed(self._offsets, link.start, link.end)
        return Site(link, start, end, registered(link.host), ("foreign_link", *told) if facts.foreign else told)

    def _spans(self) -> Iterator[Span]:
        rules, written = self._rules, list(range(len(self._reading.text)))
        yield from self._found(rules.words, self._reading.text, written)
        for kind, texts in self._further:
            for text in texts:  # each as long as the plain one
                yield from self._found(rules.words if kind == "undisguised" else rules.uncut, text, self._offsets)
        folded, offsets = fold_with_offsets(self._reading.text)
        for number, first, last in located_numbers(folded):
            bits = rules.numbers.facts(f" {folded[first:last]} ") & self.bits
            yield from self._of_bits(bits, self._placed(offsets, first, last), number)

    def _found(self, words: Mapping[str, int], text: str, offsets: list[int]) -> Iterator[Span]:
        folded, places = fold_with_offsets(text)
        for start in range(len(folded)):
            for end in range(start + 1, min(len(folded), start + self._rules.longest_word) + 1):
                word = folded[start:end]
                bits = words.get(word, 0) & self.bits
                if bits:
                    bare = word.strip()
                    first = places[start + word.index(bare)]
                    last = places[start + word.index(bare) + len(bare) - 1]
                    yield from self._of_bits(bits, self._placed(offsets, first, last + 1), bare)

    def _of_bits(self, bits: int, place: tuple[int, int], folded: str) -> Iterator[Span]:
        if _within(place, self._hosts):
            bits &= ~self._rules.name_bits
        if _within(place, ((site.start, site.end) for site in self.sites)):
            bits &= ~self._rules.excusing_bits
        for bit in ones(bits):
            yield Span(*place, self._rules.labels[bit], folded, bit)

    def _placed(self, offsets: list[int], start: int, end: int) -> tuple[int, int]:
        """Where in the text as it is written that stands which `offsets` leads back to the text of this form."""
        places = offsets[start:end]
        if self._order is not None:
            places = [self._order[place] for place in places]
        return (min(places), max(places) + 1) if places else (0, 0)

    def _written(self, start: int, end: int) -> str:
        text = self._reading.text
        if self._order is None:
            return text[start:end]
        return "".join(char for char, place in zip(text, self._order, strict=True) if start <= place < end)


def _within(place: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(start <= place[0] and place[1] <= end for start, end in others)
