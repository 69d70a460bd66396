"""The names of packs and the bits that stand for them: keyword sets, brands and their facts, and whatever else asks for a bit.

Filled from the packs before any condition is compiled (`rules.compile`), which then looks names up here. What is wrong
with a name or a keyword is gathered in `problems`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Final

from smsgate.rules.brands import BrandBits
from smsgate.rules.facts import FACTS, LINK
from smsgate.rules.model import Brand, EntryList, KeywordSet, Pack, Problem, Rule, Where
from smsgate.rules.near import nearest
from smsgate.rules.numbers import NUMBER_FACTS
from smsgate.rules.senders import SENDER_KINDS
from smsgate.rules.words import keyword_entries, name_entries

MAX_COUNTED_WORDS: Final = 4_096
"""Keywords with a bit of their own, in all packs: the facts of a message become an integer of 512 octets. If they are the
most frequent words there are, a clean message takes 4.8 µs instead of 3.8 where something rarer triggers the rule, else 7.5."""


def expired(entry: Rule | EntryList, today: date | None) -> bool:
    """Whether the last day of a rule or a list was before `today`."""
    return today is not None and entry.expires is not None and entry.expires < today


class Tables:
    """What stands for what; it grows while conditions are compiled."""

    def __init__(self, packs: Sequence[Pack], today: date | None) -> None:
        self._today = today
        self.packs = {pack.name: pack for pack in packs}
        self.problems: list[Problem] = []
        self.words: dict[str, int] = {}
        self.labels: dict[int, str] = {bit: name for name, bit in FACTS.items()}
        self.name_bits = 0
        self.official_bits = 0
        self.common_bits = LINK | SENDER_KINDS  # with all keywords but names: what clean messages often show
        self.number_bits = 0
        for bit in NUMBER_FACTS.values():
            self.number_bits |= bit
        self._incomplete: set[str] = set()  # packs that use one which isn't there: what they name may be in it
        self._next_bit = max(FACTS.values())
        self.sets: dict[KeywordSet, int] = {}
        self._entries_of: dict[KeywordSet, Callable[[str], set[str]]] = {}
        self._counted: dict[KeywordSet, list[tuple[int, int]]] = {}
        self.brands: dict[Brand, BrandBits] = {}
        self._check_unique(packs)
        for pack in packs:
            for brand in pack.brands:
                self._add_brand(brand)
            for keywords in pack.keywords:
                self.sets[keywords] = self.bit(keywords.name)
                self.common_bits |= self.sets[keywords]
                self._entries_of[keywords] = partial(keyword_entries, typos=pack.typos)
                self._add_words(keywords.keywords, self.sets[keywords], keywords.where, self._entries_of[keywords])

    def bit(self, label: str) -> int:
        """A new bit."""
        self._next_bit <<= 1
        self.labels[self._next_bit] = label
        return self._next_bit

    def expired(self, entries: EntryList) -> bool:
        """Whether a list counts as empty."""
        return expired(entries, self._today)

    def visible(self, pack: Pack) -> Iterator[Pack]:
        """The packs whose names `pack` may use; its own come last and so win."""
        for name in pack.use:
            if name in self.packs:
                yield self.packs[name]
        yield pack

    def named_sets(self, pack: Pack) -> dict[str, KeywordSet]:
        """The keyword sets that a pack may name."""
        return {keywords.name: keywords for used in self.visible(pack) for keywords in used.keywords}

    def counted(self, keywords: KeywordSet) -> Sequence[tuple[int, int]]:
        """A bit for each keyword of the set, of those that are spelt alike for all, with its weight (1 in a set without)."""
        if keywords in self._counted:
            return self._counted[keywords]
        found: dict[frozenset[str], tuple[int, int]] = {}
        for index, keyword in enumerate(keywords.keywords):
            weight = keywords.weights[index] if keywords.weights else 1
            try:
                spelt = frozenset(self._entries_of[keywords](keyword))
            except ValueError:
                continue  # told when the set was added
            if spelt in found:
                if found[spelt][0] != weight:
                    expected = f"one weight: another spelling of it has {found[spelt][0]}"
                    self.problems.append(Problem(keywords.where, f"the keyword {keyword!r} with {weight}", expected))
                continue
            label = f"{keywords.name}: {keyword} {weight:+}" if keywords.weights else f"{keywords.name}: {keyword}"
            found[spelt] = weight, self.bit(label)
            self._add_words((keyword,), found[spelt][1], keywords.where, self._entries_of[keywords])
        self._counted[keywords] = list(found.values())
        if sum(map(len, self._counted.values())) > MAX_COUNTED_WORDS:
            expected = f"at most {MAX_COUNTED_WORDS:,} in all"
            self.problems.append(Problem(keywords.where, "more keywords in sets that are scored or counted", expected))
        return self._counted[keywords]

    def targets(self, pack: Pack, target: str, where: Where) -> list[Brand]:
        """The brands that a predicate is about: one, those of an `@group`, or `any`."""
        if target == "any":
            return list(self.brands)
        if target.startswith("@"):
            brands = [brand for brand in self.brands if brand.group == target[1:]]
            if not brands:
                groups = {f"@{brand.group}" for brand in self.brands if brand.group}
                self.unknown(where, target, "a group that some loaded brand is in", groups, pack)
            return brands
        visible = {brand.name: brand for used in self.visible(pack) for brand in used.brands}
        if target not in visible:
            self.unknown(where, target, "a brand of this pack or of one that it uses, @group or any", visible, pack)
            return []
        return [visible[target]]

    def unknown(self, where: Where, found: str, expected: str, known: Iterable[str], pack: Pack | None = None) -> None:
        """Note a name that nothing has, with the nearest one that something has."""
        near = nearest(found, known)
        if not near and pack is not None and pack.name in self._incomplete:
            return  # most likely a name of the pack that isn't there, and that is told
        self.problems.append(Problem(where, repr(found), expected, near))

    def own_numbers(self) -> dict[int, tuple[str, ...]]:
        """The numbers of each brand that has some, by the bit of "another number is given"."""
        return {
            bits.foreign_number: brand.official.phones for brand, bits in self.brands.items() if bits.foreign_number
        }

    def _add_brand(self, brand: Brand) -> None:
        bits = BrandBits(
            names=self.bit(f"names({brand.name})"),
            company=self.bit(f"company of {brand.name}") if brand.company else 0,
            official=self.bit(f"official({brand.name})"),
            lookalike=self.bit(f"lookalike({brand.name})"),
            shown=self.bit(f"the site of {brand.name}"),
            foreign_number=self.bit(f"a number not of {brand.name}") if brand.official.phones else 0,
        )
        self.brands[brand] = bits
        self.name_bits |= bits.names
        self.official_bits |= bits.official
        self.number_bits |= bits.foreign_number
        self.common_bits |= bits.company
        self._add_words(brand.names, bits.names, brand.where, name_entries)
        self._add_words(brand.company, bits.company, brand.where)

    def _add_words(
        self,
        keywords: Sequence[str],
        bit: int,
        where: Where,
        entries_of: Callable[[str], set[str]] = keyword_entries,
    ) -> None:
        for keyword in keywords:
            try:
                entries = entries_of(keyword)
            except ValueError as error:
                self.problems.append(Problem(where, repr(keyword), str(error)))
                continue
            for entry in entries:
                self.words[entry] = self.words.get(entry, 0) | bit

    def _check_unique(self, packs: Sequence[Pack]) -> None:
        seen: dict[tuple[str, str], Where] = {}
        for pack in packs:
            named = [("pack", pack.name, pack.where)]
            named += [("brand", brand.name, brand.where) for brand in pack.brands]
            named += [("rule", rule.id, rule.where) for rule in pack.rules]
            named += [("rule", limit.id, limit.where) for limit in pack.limits]
            for kind, name, where in named:
                if (kind, name) in seen:
                    self.problems.append(
                        Problem(where, f"{kind} {name!r} again", f"another name: {seen[kind, name]} has this one")
                    )
                seen.setdefault((kind, name), where)
            for used in pack.use:
                if used not in self.packs:
                    self._incomplete.add(pack.name)
                    expected = "under use the name of a pack that is loaded with this one, e.g. from the same folder"
                    self.unknown(pack.where, used, expected, self.packs)
