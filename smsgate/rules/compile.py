"""Packs to a `RuleSet`: names resolved, keywords folded into one automaton, conditions turned into tests of bits.

Every fault of every pack is collected and raised together as PackError; nothing half-compiled ever leaves. Each keyword
set, brand fact, list membership and comparison that some condition may ask for gets one bit of the facts integer.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from functools import partial
from hashlib import sha256
from typing import Final

from smsgate.rules import condition as cond
from smsgate.rules.brands import BrandBits, Build, Impersonation, automaton, squeezed
from smsgate.rules.condition import Condition
from smsgate.rules.engine import (
    FACTS,
    FOREIGN_LINK,
    LINK,
    CompiledLimit,
    CompiledRule,
    RuleSet,
    Test,
    status_of,
)
from smsgate.rules.lists import as_number
from smsgate.rules.masks import all_of, any_of, one_of
from smsgate.rules.model import (
    Action,
    Brand,
    EntryList,
    Exemption,
    KeywordSet,
    ListKind,
    Pack,
    PackError,
    Problem,
    Rule,
    Where,
)
from smsgate.rules.numbers import NUMBER_FACTS, Numbers
from smsgate.rules.words import keyword_entries, name_entries
from smsgate.smpp.constants import Status
from smsgate.text.normalize import fold
from smsgate.text.urls import ascii_host

BAIT_SET: Final = "bait"
"""Keyword sets of this name, of all packs, are the words beside which `with_bait` host tokens count."""
TRUSTED_LIST: Final = "trusted"
"""Domain lists of this name, of all packs, hold hosts that are never `foreign_link`."""

KINDS: Final = {
    "link_host": (ListKind.DOMAINS,),
    "sender": (ListKind.SENDERS, ListKind.NUMBERS),
    "client": (ListKind.SENDERS,),
}
"""The lists that each field may be looked up in; without a name, entries are of the first kind."""
_OPERATORS: Final = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


def compile_packs(packs: Sequence[Pack], today: date | None = None, build: Build = automaton) -> RuleSet:
    """Compile. Rules that expired before `today` are left out and such lists are empty (None: none is). Raises PackError with
    every problem.

    `build` is asked for every automaton, for the same packs and day in the same order.
    """
    compiler = _Compiler(packs, today)
    in_force = [(pack, rule) for pack in packs for rule in pack.rules if not expired(rule, today)]
    rules = [compiler.rule(place, pack, rule) for place, (pack, rule) in enumerate(in_force)]
    limits = [
        CompiledLimit(
            limit, compiler.whole(pack, limit.condition, limit.where)[1] if limit.condition else None, status_of(limit)
        )
        for pack in packs
        for limit in pack.limits
    ]
    if compiler.problems:
        raise PackError(compiler.problems)
    return RuleSet(
        version=sha256(repr(tuple(packs)).encode()).hexdigest()[:12],
        rules=rules,
        limits=limits,
        words=compiler.asked_words(),
        labels=compiler.labels,
        name_bits=compiler.name_bits,
        excusing_bits=compiler.excusing_bits(),
        official_bits=compiler.official_bits,
        impersonation=compiler.impersonation(build),
        numbers=Numbers(compiler.own_numbers()),
        numbers_asked=compiler.numbers_asked,
        value_tests=compiler.value_tests,
        link_tests=compiler.link_tests,
        build=build,
    )


def expired(entry: Rule | EntryList, today: date | None) -> bool:
    """Whether the last day of a rule or a list was before `today`."""
    return today is not None and entry.expires is not None and entry.expires < today


class _Compiler:
    """The tables that grow while packs are compiled."""

    def __init__(self, packs: Sequence[Pack], today: date | None) -> None:
        self._today = today
        self.packs = {pack.name: pack for pack in packs}
        self.problems: list[Problem] = []
        self.words: dict[str, int] = {}
        self.value_tests: list[tuple[str, Callable[[str], bool], int]] = []
        self.link_tests: list[tuple[Callable[[int], bool], int]] = []
        self.domain_bits: dict[str, int] = {}
        self.domain_tables: list[tuple[Container[str], int]] = []
        self.labels: dict[int, str] = {bit: name for name, bit in FACTS.items()}
        self.numbers_asked = 0  # bits with one of which some condition may ask for numbers; -1: any message may
        self.name_bits = 0
        self._asked = 0  # bits of words that some condition asks for
        self._demanded = self._excusing = 0  # keyword sets that some condition wants, that some wants not
        self.official_bits = 0
        self.common_bits = LINK  # with all keyword sets: what clean messages often show
        self._number_bits = 0
        for bit in NUMBER_FACTS.values():
            self._number_bits |= bit
        self._incomplete: set[str] = set()  # packs that use one which isn't there: what they name may be in it
        self._next_bit = max(FACTS.values())
        self._sets: dict[KeywordSet, int] = {}
        self._lists: dict[tuple[str, EntryList], int] = {}
        self.brands: dict[Brand, BrandBits] = {}
        self._check_unique(packs)
        for pack in packs:
            for brand in pack.brands:
                self._add_brand(brand)
            for keywords in pack.keywords:
                self._sets[keywords] = self._bit(keywords.name)
                self.common_bits |= self._sets[keywords]
                entries_of = partial(keyword_entries, typos=pack.typos)
                self._add_words(keywords.keywords, self._sets[keywords], keywords.where, entries_of)

    def impersonation(self, build: Build) -> Impersonation:
        bait = [
            fold(word.rstrip("*")).strip()
            for keywords in self._sets
            if keywords.name == BAIT_SET
            for word in keywords.keywords
        ]
        trusted = [
            frozenset(entries.entries) if entries.table is None else entries.table
            for pack in self.packs.values()
            for entries in pack.lists
            if entries.name == TRUSTED_LIST and entries.kind is ListKind.DOMAINS and not self._expired(entries)
        ]
        return Impersonation(self.brands, bait, trusted, self.domain_bits, self.domain_tables, build=build)

    def rule(self, place: int, pack: Pack, rule: Rule) -> CompiledRule:
        trigger, test = self.whole(pack, rule.condition, rule.where, rule.exemptions)
        if rule.action.strictness > Action.FLAG.strictness and _is_weak(rule.condition):
            expected = f"action flag, or another sign beside {', '.join(cond.WEAK_FACTS)}: genuine messages have them"
            where = rule.overridden or rule.where
            self.problems.append(Problem(where, f"{rule.action} of {rule.id} for a weak sign alone", expected))
        status = status_of(rule)
        if rule.status is None and rule.action is Action.BLOCK and _asks_only_origin(rule.condition):
            status = Status.ESME_RINVSRCADR
        return CompiledRule(place, rule, trigger, test, status)

    def asked_words(self) -> dict[str, int]:
        """The words with the bits that matter: those of `bait`, say, are asked of hosts only and would cost 1 µs a text."""
        return {word: bits & self._asked for word, bits in self.words.items() if bits & self._asked}

    def excusing_bits(self) -> int:
        """Keyword sets that conditions only ever want absent."""
        return self._excusing & ~self._demanded

    def own_numbers(self) -> dict[int, tuple[str, ...]]:
        """The numbers of each brand that has some, by the bit of "another number is given"."""
        return {
            bits.foreign_number: brand.official.phones for brand, bits in self.brands.items() if bits.foreign_number
        }

    def whole(
        self, pack: Pack, condition: Condition, where: Where, exemptions: Sequence[Exemption] = ()
    ) -> tuple[int, Test]:
        """`test` of a whole condition, and of none of the exemptions; notes when numbers must be read for it."""
        trigger, test = self.test(pack, condition, where)
        terms = [(pack, condition)]
        for exemption in exemptions:
            seen = replace(pack, use=(*exemption.use, *pack.use)) if exemption.use else pack
            terms.append((seen, cond.Not(exemption.condition)))
            excuse = self.test(*terms[-1], exemption.where)[1]
            test = all_of([trigger] if trigger else [], [test, excuse])
        for seen, term in terms:
            for leaf, positive in cond.leaves(term):
                if isinstance(leaf, cond.Name) and leaf.name not in FACTS:
                    bit = self._named_sets(seen).get(leaf.name, 0)
                    self._demanded |= bit if positive else 0
                    self._excusing |= 0 if positive else bit
        if any(_asks_numbers(term) for _, term in terms):
            late = not trigger or trigger & self._number_bits  # nothing that is known before the numbers are
            self.numbers_asked = -1 if late else self.numbers_asked | trigger
        return trigger, test

    def test(self, pack: Pack, condition: Condition, where: Where) -> tuple[int, Test]:
        """The trigger of a condition (bits of which it needs one; 0 if it can hold without any) and its test."""
        match condition:
            case cond.Name():
                return any_of(self._name(pack, condition, where))
            case cond.Predicate():
                return self._predicate(pack, condition, where)
            case cond.Member():
                return any_of(self._member(pack, condition, where))
            case cond.StartsWith():
                return any_of(self._starts_with(condition, where))
            case cond.Links():
                compare, count = _OPERATORS[condition.operator], condition.count
                bit = self._bit(f"links {condition.operator} {count}")
                self.link_tests.append((lambda found: compare(found, count), bit))
                return any_of(bit)
            case cond.Not():
                inner = self.test(pack, condition.term, where)[1]
                return 0, lambda bits, excuses: not inner(excuses, bits)
            case cond.AtLeast():
                return self._at_least(condition.count, [self.test(pack, term, where) for term in condition.terms])

    def _at_least(self, count: int, terms: Sequence[tuple[int, Test]]) -> tuple[int, Test]:
        """At least `count` of the terms. Where all are needed, the term that is seldom true is the trigger."""
        if len(terms) == 1:
            return terms[0]
        tests = [test for _, test in terms]
        triggers = [trigger for trigger, _ in terms]
        if count == len(terms):
            needed = sorted((trigger for trigger in triggers if trigger), key=self._commonness)
            return needed[0] if needed else 0, all_of(needed, tests)
        together = 0
        for trigger in triggers:
            together |= trigger
        trigger = together if all(triggers) else 0
        if count == 1:
            return trigger, one_of(tests)
        return trigger, lambda bits, excuses: sum(test(bits, excuses) for test in tests) >= count

    def _commonness(self, mask: int) -> tuple[int, int]:
        """How often one of these bits is set in clean traffic: words often, a foreign link sometimes, a brand seldom."""
        if mask & self._number_bits:  # set late, see `whole`
            return 3, 0
        return 2 if mask & self.common_bits else 1 if mask & FOREIGN_LINK else 0, mask.bit_count()

    # names

    def _name(self, pack: Pack, name: cond.Name, where: Where) -> int:
        if name.name in FACTS:
            return FACTS[name.name]
        sets = self._named_sets(pack)
        if name.name not in sets:
            expected = "a keyword set of this pack or of one that it uses, or a fact"
            self._unknown(where, name.name, expected, [*sets, *cond.FACTS], pack)
            return 0
        self._asked |= sets[name.name]
        return sets[name.name]

    def _named_sets(self, pack: Pack) -> dict[str, int]:
        return {keywords.name: self._sets[keywords] for used in self._visible(pack) for keywords in used.keywords}

    def _predicate(self, pack: Pack, predicate: cond.Predicate, where: Where) -> tuple[int, Test]:
        tests = []
        for brand in self._targets(pack, predicate.target, where):
            bits = self.brands[brand]
            self._asked |= bits.names | bits.company
            names = self._at_least(
                1, [any_of(bits.names), self._at_least(2, [any_of(bits.shown), any_of(FOREIGN_LINK)])]
            )
            if bits.company:
                names = self._at_least(2, [names, any_of(bits.company)])
            lookalike = any_of(bits.lookalike)
            foreign_phone = self._at_least(2, [names, any_of(bits.foreign_number)])
            elsewhere = self._at_least(2, [names, any_of(FOREIGN_LINK | bits.foreign_number)])
            choices = {
                "names": names,
                "lookalike": lookalike,
                "official": any_of(bits.official),
                "foreign_phone": foreign_phone,
                "impersonates": self._at_least(1, [lookalike, elsewhere]),
            }
            tests.append(choices[predicate.name])
        return self._at_least(1, tests) if tests else (0, lambda *_: False)

    def _targets(self, pack: Pack, target: str, where: Where) -> list[Brand]:
        if target == "any":
            return list(self.brands)
        if target.startswith("@"):
            brands = [brand for brand in self.brands if brand.group == target[1:]]
            if not brands:
                groups = {f"@{brand.group}" for brand in self.brands if brand.group}
                self._unknown(where, target, "a group that some loaded brand is in", groups, pack)
            return brands
        visible = {brand.name: brand for used in self._visible(pack) for brand in used.brands}
        if target not in visible:
            self._unknown(where, target, "a brand of this pack or of one that it uses, @group or any", visible, pack)
            return []
        return [visible[target]]

    def _member(self, pack: Pack, member: cond.Member, where: Where) -> int:
        kinds = KINDS[member.field]
        kind, entries, table = kinds[0], member.entries, None
        if member.list_name is not None:
            lists = {found.name: found for used in self._visible(pack) for found in used.lists if found.kind in kinds}
            if member.list_name not in lists:
                expected = f"a list of {' or '.join(kinds)} of this pack or of one that it uses"
                self._unknown(where, member.list_name, expected, lists, pack)
                return 0
            entry_list = lists[member.list_name]
            if (member.field, entry_list) in self._lists:
                return self._lists[member.field, entry_list]
            bit = self._lists[member.field, entry_list] = self._bit(f"{member.field} in {member.list_name}")
            if self._expired(entry_list):
                return bit
            kind, entries, table = entry_list.kind, entry_list.entries, entry_list.table
        else:
            bit = self._bit(f"{member.field} in [...]")
        if kind is ListKind.DOMAINS:
            for domain in entries:
                key = ascii_host(domain.strip("."))
                self.domain_bits[key] = self.domain_bits.get(key, 0) | bit
            if table is not None:
                self.domain_tables.append((table, bit))
        elif table is not None and member.field == "client":
            found = f"{member.list_name!r} with {len(table):,} entries"
            self.problems.append(Problem(where, found, "a short list of clients"))
        else:
            same = str.casefold if member.field == "client" else as_number if kind is ListKind.NUMBERS else squeezed
            members: Container[str] = frozenset(map(same, entries)) if table is None else table
            self.value_tests.append((member.field, lambda value: same(value) in members, bit))
        return bit

    def _starts_with(self, condition: cond.StartsWith, where: Where) -> int:
        if condition.field == "link_host":
            self.problems.append(Problem(where, "link_host startswith", "link_host in [...]"))
            return 0
        prefix = condition.prefix.casefold()
        bit = self._bit(f"{condition.field} startswith {condition.prefix!r}")
        self.value_tests.append((condition.field, lambda value: value.casefold().startswith(prefix), bit))
        return bit

    # tables

    def _expired(self, entries: EntryList) -> bool:
        return expired(entries, self._today)

    def _bit(self, label: str) -> int:
        self._next_bit <<= 1
        self.labels[self._next_bit] = label
        return self._next_bit

    def _visible(self, pack: Pack) -> Iterator[Pack]:
        """The packs whose names `pack` may use; its own come last and so win."""
        for name in pack.use:
            if name in self.packs:
                yield self.packs[name]
        yield pack

    def _add_brand(self, brand: Brand) -> None:
        bits = BrandBits(
            names=self._bit(f"names({brand.name})"),
            company=self._bit(f"company of {brand.name}") if brand.company else 0,
            official=self._bit(f"official({brand.name})"),
            lookalike=self._bit(f"lookalike({brand.name})"),
            shown=self._bit(f"the site of {brand.name}"),
            foreign_number=self._bit(f"a number not of {brand.name}") if brand.official.phones else 0,
        )
        self.brands[brand] = bits
        self.name_bits |= bits.names
        self.official_bits |= bits.official
        self._number_bits |= bits.foreign_number
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
                    self._unknown(pack.where, used, expected, self.packs)

    def _unknown(self, where: Where, found: str, expected: str, known: Iterable[str], pack: Pack | None = None) -> None:
        near = get_close_matches(found, list(known), n=1)
        if not near and pack is not None and pack.name in self._incomplete:
            return  # most likely a name of the pack that isn't there, and that is told
        self.problems.append(Problem(where, repr(found), expected, near[0] if near else ""))


def _asks_numbers(condition: Condition) -> bool:
    """Whether some part of a condition is about phone numbers."""
    return any(
        leaf.name in NUMBER_FACTS if isinstance(leaf, cond.Name) else leaf.name in {"foreign_phone", "impersonates"}
        for leaf, _ in cond.leaves(condition)
        if isinstance(leaf, cond.Name | cond.Predicate)
    )


def _is_weak(condition: Condition) -> bool:
    """Whether a condition can hold by facts alone that genuine messages show too."""
    match condition:
        case cond.Name(name=name):
            return name in cond.WEAK_FACTS
        case cond.Not():
            return True  # what a genuine message lacks, mostly
        case cond.AtLeast(count=count, terms=terms):
            return sum(map(_is_weak, terms)) >= count
    return False


def _asks_only_origin(condition: Condition) -> bool:
    """Whether nothing but sender and client decides: then it is a sender violation, not a matter of content."""
    return all(
        isinstance(leaf, cond.Member | cond.StartsWith) and leaf.field in {"sender", "client"}
        for leaf, _ in cond.leaves(condition)
    )
