"""Why a message gets its verdict, for people: the slow and complete twin of the engine's pass.

Same tables, same facts; besides, where in the text each keyword stands and what each link was taken for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from smsgate.rules.engine import RuleSet
from smsgate.rules.verdict import Verdict
from smsgate.text.disguise import disguised, display_order
from smsgate.text.normalize import fold_with_offsets
from smsgate.text.reading import Reading
from smsgate.text.urls import Link, links, plain, without_links


@dataclass(frozen=True, slots=True)
class Span:
    """text[start:end] made `fact` true; `folded` is what was compared."""

    fact: str
    start: int
    end: int
    folded: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`text` is what spans and links count their offsets in: the message with disguised dots and letters made plain, and as
    a handset shows it where the direction of writing is overridden. `resembled`: the sender ids that its sender is taken for."""

    verdict: Verdict
    text: str
    folded: str
    facts: tuple[str, ...]
    spans: tuple[Span, ...]
    links: tuple[Link, ...]
    resembled: tuple[str, ...] = ()


def explain(rules: RuleSet, text: str, sender: str = "", client: str = "", carrier: int | None = None) -> Explanation:
    """Judge `text` and say why. `carrier`: facts of what it came in, if that is known."""
    carrier = rules.envelope.facts() | rules.envelope.hours(12) if carrier is None else carrier
    carrier |= rules.of_sender(sender, client)
    finding = rules.check((Reading.of_text(text),), sender, client, carrier)
    order = display_order(text)
    shown = plain(text if order is None else "".join(map(text.__getitem__, order)))
    bits = 0
    for reading in finding.readings:
        bits |= reading.bits
    facts = tuple(label for bit, label in rules.labels.items() if bits & bit)
    spans = sorted(set(_spans(rules, shown)), key=lambda span: (span.start, span.end, span.fact))
    return Explanation(
        finding.verdict,
        shown,
        fold_with_offsets(shown)[0].strip(),
        facts,
        tuple(span for span in spans if span.fact in facts),
        finding.readings[-1].links,
        rules.senders.resembled(sender, client),
    )


def _spans(rules: RuleSet, shown: str) -> Iterator[Span]:
    further = disguised(without_links(shown, links(shown)))
    for words, texts in ((rules.words, (shown, *further.texts)), (rules.uncut, further.runs)):
        for text in texts:  # each as long as the shown one
            yield from _found(rules, words, *fold_with_offsets(text))


def _found(rules: RuleSet, words: Mapping[str, int], folded: str, offsets: list[int]) -> Iterator[Span]:
    for word, bits in words.items():
        start = folded.find(word)
        while start >= 0:
            first, last = start + word.startswith(" "), start + len(word.rstrip()) - 1
            for bit, label in rules.labels.items():
                if bits & bit:
                    yield Span(label, offsets[first], offsets[last] + 1, word.strip())
            start = folded.find(word, start + 1)
