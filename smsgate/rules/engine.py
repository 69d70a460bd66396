"""How a message meets the rules: one pass of one automaton, then tests of one integer.

Everything that can be true of a message is a bit of its *facts*: a keyword set that hit, a brand named, a link that is
nobody's, a sender on a list. `RuleSet.facts` sets them; a rule is tested only if one of the bits that it cannot do without
is set (its trigger), so that a clean message costs the pass and a comparison. Bits of sender and client are remembered
per value; the link reader runs only on a text that may hold a link.

A message with several readings is judged in each; the strictest verdict counts, and `allow` only where it holds in all.

Of a message that comes in parts, `add` gathers `Evidence` part by part, and `check_parts` judges it: a rule hits once it holds
whatever the parts to come may say. A fact that a rule wants absent (an *excuse*: `not official(cpf)`) may still come, so
such a rule waits for the whole message, or for what rules the excuse out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import and_, or_

from smsgate.rules.allowances import Allowances
from smsgate.rules.brands import CACHE_ENTRIES, Build, Impersonation, without_blanks
from smsgate.rules.envelope import Envelope
from smsgate.rules.facts import (
    FOREIGN_LINK,
    HIDDEN_CHARACTERS,
    LINK,
    MARKS,
    MIXED_SCRIPT,
    SECOND_LOOK,
    SINGLES,
    WRITTEN_DOT,
    Evidence,
    Facts,
)
from smsgate.rules.judge import CompiledLimit, CompiledRule, Judge
from smsgate.rules.model import Action, Brand
from smsgate.rules.numbers import Numbers, amount
from smsgate.rules.senders import SENDER_BITS, SenderIndex
from smsgate.rules.triggers import Triggers
from smsgate.rules.verdict import PASS, Verdict
from smsgate.text.disguise import (
    disguised,
    display_order,
    has_hidden_characters,
    has_mixed_script,
    is_odd,
    is_spaced_out,
    may_be_disguised,
)
from smsgate.text.normalize import fold
from smsgate.text.reading import Reading
from smsgate.text.urls import MAX_LINKS, Link, links, without_links
from smsgate.text.window import Window


@dataclass(slots=True)
class Finding:
    """The rules' verdict on a message, and what limits need to know of it."""

    verdict: Verdict
    readings: Sequence[Facts]


class RuleSet:
    """All loaded rules, compiled and immutable: a reload swaps the reference. Made by `rules.compile.compile_packs`.

    `words` are the folded keywords with the bits they set, `uncut` those that are looked for where word cuts are lost,
    `labels` says what each bit stands for; `name_bits` are those that count outside of hosts, `excusing_bits` outside of links.
    """

    def __init__(
        self,
        *,
        version: str,
        rules: Sequence[CompiledRule],
        limits: Sequence[CompiledLimit],
        words: Mapping[str, int],
        labels: Mapping[int, str],
        name_bits: int,
        excusing_bits: int,
        official_bits: int,
        impersonation: Impersonation,
        numbers: Numbers,
        numbers_asked: int,
        amounts_asked: int,
        sender_tests: Sequence[tuple[Callable[[str], bool], int]],
        client_tests: Sequence[tuple[Callable[[str], bool], int]],
        senders: SenderIndex,
        envelope: Envelope,
        link_tests: Sequence[tuple[Callable[[int], bool], int]],
        build: Build,
    ) -> None:
        self.version = version
        self.rules = tuple(entry.rule for entry in rules)
        self.compiled_rules = tuple(rules)
        self.limits = tuple(entry.limit for entry in limits)
        self.compiled_limits = tuple(limits)
        triggers = Triggers(rules, labels)
        self._always, self._any_trigger, self._hits = triggers.always, triggers.any, triggers.hits
        self.words = words
        self.labels = labels
        self._words = build({**words, **{mark: words.get(mark, 0) | bit for mark, bit in MARKS.items()}})
        self.uncut = without_blanks(words)
        self._uncut = build(self.uncut)
        self.name_bits = name_bits
        self.excusing_bits = excusing_bits
        self._outside_bits = name_bits | excusing_bits
        self._official_bits = official_bits
        self.longest_word = max(map(len, words), default=0)
        self.impersonation = impersonation
        self.numbers = numbers
        self._numbers_asked = numbers_asked
        self._amounts_asked = amounts_asked
        self.senders = senders
        self.of_sender = lru_cache(maxsize=CACHE_ENTRIES)(senders.facts)
        """The facts of a sender id (`SenderIndex.facts`): 0.1 µs for one that was met before."""
        self._link_tests = tuple(link_tests)
        self._sender_tests = tuple(sender_tests)
        self._client_tests = tuple(client_tests)
        self.envelope = envelope
        tests = (*link_tests, *sender_tests, *client_tests)
        self._of_message = envelope.bits | SENDER_BITS  # known, whatever the parts
        known_or_counted = [official_bits, self._of_message, *(bit for _, bit in tests)]
        self._yet_to_come = reduce(or_, labels, 0) & ~reduce(or_, known_or_counted)
        self._allowing = tuple(entry for entry in rules if entry.rule.action is Action.ALLOW)
        self._judge = Judge()
        self.origin = lru_cache(maxsize=CACHE_ENTRIES)(self._origin_bits)
        """The facts of a sender and a client but those of the sender id."""
        self.source = lru_cache(maxsize=CACHE_ENTRIES)(self._source)
        """The sender that a source address is (octets, client, type), and all facts of the two: one look-up saves 0.15 µs."""

    def forget(self) -> Iterator[None]:
        """End the use of this set, a part at each step: the automata of 50,000 keywords take 20 ms together.

        Its caches refer back to it; without them it is freed with its last reference, even if it was frozen (`gc.freeze`).
        """
        del self.origin
        del self.source
        self.impersonation.forget()
        yield
        del self._words
        yield
        del self._uncut
        yield

    def serve(self, sample_key: bytes, allowances: Allowances) -> None:
        """Put in force what is no rule: the key that samples are drawn with, and what an operator allows for now."""
        self._judge = Judge(sample_key, allowances)
        self.impersonation.allow(allowances.hosts)
        self.numbers.allow(allowances.numbers)

    @property
    def brands(self) -> tuple[Brand, ...]:
        """All brands of the packs."""
        return self.impersonation.brands

    def check_text(
        self, text: str, sender: str = "", client: str = "", destination: str = "", *, time_s: float | None = None
    ) -> Verdict:
        """The rules' verdict on characters (limits are not asked)."""
        carrier = self.without_pdu(sender, client, destination, time_s=time_s)
        return self.check((Reading.of_text(text),), sender, client, carrier).verdict

    def without_pdu(self, sender: str, client: str, destination: str = "", *, time_s: float | None = None) -> int:
        """The `carrier` of a text that came in no PDU: a message of one part, in no alphabet, at noon unless a time (in seconds
        since 1970) is given."""
        hours = self.envelope.hours(12) if time_s is None else self.envelope.hours_at(time_s)
        return self.of_sender(sender, client) | self.envelope.facts([destination]) | hours

    def check(
        self, readings: Sequence[Reading], sender: str, client: str, carrier: int = 0, content: str = ""
    ) -> Finding:
        """Judge every reading of one message; `carrier` are the facts of what it came in and of its sender id (`of_sender`).
        `content` is what samples are drawn by, in place of the words of the readings. Pure: nothing is counted or debited."""
        return self.find(readings, sender, client, self.origin(sender, client) | carrier, content)

    def find(self, readings: Sequence[Reading], sender: str, client: str, origin: int, content: str = "") -> Finding:
        """`check` for those who know all facts that are not of the texts."""
        texts = readings
        for reading in readings:
            if reading.odd and (order := display_order(reading.text)) is not None:  # shown, it is another text
                shown = "".join(map(reading.text.__getitem__, order))
                texts = [*texts, Reading.of_text(shown, reading.alphabet)]
        found: list[Facts] = []
        union = 0
        for text in texts:
            facts = self.facts(text, origin)
            found.append(facts)
            union |= facts[0]
        if union & self._any_trigger or self._always:
            hits = [self._hits(bits, bits) for bits, _ in found]
            verdict = self._judge.verdict(hits, sender, client, [content or text.words for text in texts])
            return Finding(verdict, found)
        return Finding(PASS, found)

    def is_foreign(self, host: str) -> bool:
        """Whether a host is official for no brand and on no list of trusted ones."""
        return self.impersonation.host(host).foreign

    def lookalikes(self, host: str) -> tuple[str, ...]:
        """The brands that a host carries without being theirs, as `labels` has them: "lookalike(cpf)"."""
        carried = self.impersonation.host(host).lookalike
        return tuple(label for bit, label in self.labels.items() if carried & bit)

    def certain(self, evidence: Evidence, sender: str, client: str, *, complete: bool, carrier: int) -> tuple[int, int]:
        """The facts and the excuses that `check_parts` judges one reading of a message in parts by."""
        known = self._closed if complete else self._open
        return known(evidence, self.origin(sender, client) | carrier & self._of_message)

    def facts(self, reading: Reading, origin: int) -> Facts:
        """The facts of one reading; `origin` are the bits of sender, client and carrier."""
        bits = origin
        for _, found in self._words.iter(reading.words):
            bits |= found
        links_read: list[Link] = []
        if reading.may_hold_link or bits & WRITTEN_DOT:
            text = reading.plain(written_dots=bits & WRITTEN_DOT != 0)
            links_read = links(text)
            if links_read:
                bits = self._with_links(bits, text, links_read)
        if self._link_tests:
            bits |= self._count_bits(len(links_read))
        if reading.odd or (bits & SINGLES and is_spaced_out(reading.words)):
            if reading.odd:
                bits |= _about_characters(reading.text)
            bits |= self._second_look(reading, links_read)
        known = bits
        if self._numbers_asked and (known & self._numbers_asked or self._numbers_asked < 0):
            bits |= self.numbers.facts(reading.words)
        if self._amounts_asked and (known & self._amounts_asked or self._amounts_asked < 0):
            bits |= amount(reading)
        return bits, tuple(links_read)

    def _second_look(self, reading: Reading, found: Sequence[Link]) -> int:
        """What is in disguise outside of the links that were found in a reading. Random paths are full of digits among letters:
        asked again without them, in 2 µs, most are spared 10."""
        text = reading.plain()
        changed = reading.odd or text != reading.text  # else nothing in it is odd
        beside = _beside(text, [(link.start, link.end) for link in found])
        if found and not (changed and is_odd(beside)) and not may_be_disguised(fold(beside)):
            return 0
        return self._in_disguise(without_links(text, found))

    def _in_disguise(self, text: str) -> int:
        """What a second look at a `plain` text without links tells, which hardly any message needs (see `text.disguise`)."""
        bits = 0
        further = disguised(text)
        for words, texts in ((self._words, further.texts), (self._uncut, further.runs)):
            for view in texts:
                for _, found in words.iter(fold(view)):
                    bits |= found
        return bits

    def _with_links(self, bits: int, text: str, found: Sequence[Link]) -> int:
        """The facts of a reading by its words, and by the links found in its `plain` text."""
        link_bits, official = self._of_links(found, len(found))
        if bits & self._outside_bits:
            bits = bits & ~self._outside_bits | self._outside_links(text, found)
        return bits | link_bits | official

    def _of_links(self, found: Sequence[Link], count: int) -> tuple[int, int]:
        """The bits that links set, and the brands that all of them belong to; `count`: how many the message has."""
        bits = LINK
        official = -1
        for link in found:
            own, lookalike, listed, foreign = self.impersonation.link(link)
            official &= own
            bits |= lookalike | listed
            if foreign:
                bits |= FOREIGN_LINK
        if count >= MAX_LINKS:  # what follows was not read, and no genuine message has so many
            return bits | FOREIGN_LINK, 0
        return bits, official

    def add(
        self, evidence: Evidence, window: Window, *, excusing: bool, carrier: int = 0
    ) -> tuple[Evidence, tuple[Link, ...]]:
        """The evidence with what one more part makes certain, and the links that this shows. `excusing`: whether its facts
        count where a rule wants them absent; `carrier`: facts of what it came in."""
        bits = carrier & ~self._of_message  # known, whatever the parts: see `check_parts`
        for _, found in self._words.iter(window.words):
            bits |= found
        if self._numbers_asked:  # whether they matter is known when all parts are
            bits |= self.numbers.facts(window.words)
        if self._amounts_asked:
            bits |= amount(window)
        names = evidence.names | bits & self._outside_bits
        bits &= ~self._outside_bits
        official, count = evidence.official, evidence.links
        new: tuple[Link, ...] = ()
        if window.may_be_disguised():
            bits |= SECOND_LOOK
        suspected = evidence.bits | bits
        may_hold_link = count < MAX_LINKS and (window.may_hold_link() or suspected & WRITTEN_DOT != 0)
        if may_hold_link or names & ~evidence.bits or suspected & SECOND_LOOK:
            text, start, end = window.settled()
            shown = links(text) if may_hold_link else []
            new = tuple(link for link in shown if link.end > start and link.start < end)
            if new:
                count = MAX_LINKS if len(shown) >= MAX_LINKS else min(MAX_LINKS, count + len(new))
                link_bits, common = self._of_links(new, count)
                bits |= link_bits
                official &= common
            bits |= self._outside_links(text, shown)
            if suspected & SECOND_LOOK:
                bits |= _about_characters(window.text) | self._in_disguise(without_links(text, shown))
        excuses = evidence.excuses | bits if excusing else evidence.excuses
        return Evidence(evidence.bits | bits, excuses, official, count, names), new

    def check_parts(
        self,
        readings: Sequence[Evidence],
        links: Sequence[tuple[Link, ...]],
        sender: str,
        client: str,
        *,
        complete: bool,
        carrier: int = 0,
        content: str = "",
    ) -> Finding:
        """Judge what `add` has gathered in each reading, with the links that were new. `complete`: no part is missing;
        `carrier`: facts of what the last one came in; `content`: what samples are drawn by, the same for all parts."""
        judged = [self.certain(each, sender, client, complete=complete, carrier=carrier) for each in readings]
        hits = [self._hits(bits, excuses) for bits, excuses in judged]
        verdict = self._judge.verdict(hits, sender, client, [content] * len(hits)) if any(hits) else PASS
        if verdict.refused and not complete and self._allowing:
            allowing = [entry for entry in self._allowing if self._judge.acts(entry.rule, sender, client, content)]
            if all(any(entry.test(possible, certain) for entry in allowing) for certain, possible in judged):
                verdict = PASS  # a rule that allows may hold once the missing parts are there
        return Finding(verdict, [(bits, new) for (bits, _), new in zip(judged, links, strict=True)])

    def _closed(self, evidence: Evidence, origin: int) -> tuple[int, int]:
        """The bits of a complete text, and those that excuse."""
        common = origin | self._count_bits(evidence.links)
        official = evidence.official if evidence.links else 0
        excusing = official if evidence.excuses & LINK else 0
        return common | evidence.bits | official, common | evidence.excuses | excusing

    def _open(self, evidence: Evidence, origin: int) -> tuple[int, int]:
        """The bits that are certain while parts are missing, and those that may excuse yet."""
        certain, possible = origin | evidence.bits, origin | self._yet_to_come | evidence.official & self._official_bits
        if self._link_tests:
            counts = [self._count_bits(count) for count in range(evidence.links, MAX_LINKS + 1)]
            return certain | reduce(and_, counts), possible | reduce(or_, counts)
        return certain, possible

    def _outside_links(self, text: str, found: Sequence[Link]) -> int:
        """Names outside of hosts, since a genuine message and a scam both name the brand there; excuses outside of whole links,
        since a fraudster writes any word into a path."""
        names = self._words_beside(text, [(link.host_start, link.host_end) for link in found]) & self.name_bits
        if not self.excusing_bits:
            return names
        return names | self._words_beside(text, [(link.start, link.end) for link in found]) & self.excusing_bits

    def _words_beside(self, text: str, spans: Iterable[tuple[int, int]]) -> int:
        """The bits of the words outside of these stretches."""
        bits = 0
        for _, hit in self._words.iter(fold(_beside(text, spans))):
            bits |= hit
        return bits

    def _origin_bits(self, sender: str, client: str) -> int:
        bits = 0 if self.senders.is_authorised(sender, client) else self.impersonation.sender(sender)
        for test, bit in self._sender_tests:
            if test(sender):
                bits |= bit
        for test, bit in self._client_tests:
            if test(client):
                bits |= bit
        return bits

    def _source(self, source: bytes, client: str, type_octets: bytes) -> tuple[str, int]:
        sender = source.decode("latin-1")
        return sender, self.senders.facts(sender, client, type_octets) | self._origin_bits(sender, client)

    def _count_bits(self, count: int) -> int:
        bits = 0
        for test, bit in self._link_tests:
            if test(count):
                bits |= bit
        return bits


def _beside(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """What of a text is outside of these stretches, with a blank for each."""
    pieces = []
    position = 0
    for start, end in spans:
        pieces.append(text[position:start])
        position = max(position, end)
    pieces.append(text[position:])
    return " ".join(pieces)


def _about_characters(text: str) -> int:
    mixed = MIXED_SCRIPT if has_mixed_script(text) else 0
    return mixed | HIDDEN_CHARACTERS if has_hidden_characters(text) else mixed
