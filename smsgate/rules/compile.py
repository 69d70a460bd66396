"""Packs to a `RuleSet`: names resolved, keywords folded into one automaton, conditions turned into tests of bits.

Every fault of every pack is collected and raised together as PackError; nothing half-compiled ever leaves. Each keyword
set, brand fact, list membership and comparison that some condition may ask for gets one bit of the facts integer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, tzinfo
from functools import partial, reduce
from hashlib import sha256
from operator import or_
from typing import Final

from smsgate.rules import condition as cond
from smsgate.rules.brands import BrandBits, Build, Impersonation, automaton
from smsgate.rules.condition import Condition
from smsgate.rules.engine import RuleSet
from smsgate.rules.envelope import Envelope
from smsgate.rules.facts import FACTS, FOREIGN_LINK, Test
from smsgate.rules.judge import CompiledLimit, CompiledRule
from smsgate.rules.masks import COMPARE, Term, all_of, any_of, one_of, summed
from smsgate.rules.members import Members
from smsgate.rules.model import Action, Exemption, Limit, ListKind, Pack, PackError, Problem, Rule, Where
from smsgate.rules.numbers import PHONE_FACTS, Numbers
from smsgate.rules.senders import SENDER_FACTS, SenderIndex
from smsgate.rules.tables import Tables, expired
from smsgate.rules.verdict import status_of
from smsgate.smpp.constants import Status
from smsgate.text.normalize import fold

BAIT_SET: Final = "bait"
"""Keyword sets of this name, of all packs, are the words beside which `with_bait` host tokens count."""
TRUSTED_LIST: Final = "trusted"
"""Domain lists of this name, of all packs, hold hosts that are never `foreign_link`."""


def compile_packs(packs: Sequence[Pack], today: date | None = None, build: Build = automaton) -> RuleSet:
    """Compile. Rules that expired before `today` are left out and such lists are empty (None: none is). Raises PackError with
    every problem.

    `build` is asked for every automaton, for the same packs and day in the same order.
    """
    tables = Tables(packs, today)
    compiler = _Compiler(tables)
    in_force = [(pack, rule) for pack in packs for rule in pack.rules if not expired(rule, today)]
    rules = [compiler.rule(place, pack, rule) for place, (pack, rule) in enumerate(in_force)]
    limits = [compiler.limit(pack, limit) for pack in packs for limit in pack.limits]
    if tables.problems:
        raise PackError(tables.problems)
    return RuleSet(
        version=sha256(repr(tuple(packs)).encode()).hexdigest()[:12],
        rules=rules,
        limits=limits,
        words=compiler.asked_words(),
        labels=tables.labels,
        name_bits=tables.name_bits,
        excusing_bits=compiler.excusing_bits(),
        official_bits=tables.official_bits,
        impersonation=compiler.impersonation(build),
        numbers=Numbers(tables.own_numbers(), compiler.members.tests["phone"]),
        numbers_asked=compiler.numbers_asked,
        amounts_asked=compiler.amounts_asked,
        sender_tests=compiler.members.tests["sender"],
        client_tests=compiler.members.tests["client"],
        senders=SenderIndex.of(packs),
        envelope=compiler.envelope(),
        link_tests=compiler.link_tests,
        build=build,
    )


class _Compiler:
    """Conditions to tests. What tests ask for beside words grows here."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.members = Members(tables)
        self.link_tests: list[tuple[Callable[[int], bool], int]] = []
        self.segment_tests: list[tuple[Callable[[int], bool], int]] = []
        self.hour_tests: list[tuple[tzinfo, Callable[[int], bool], int]] = []
        # Bits with one of which some condition may ask for phone numbers, for sums; -1: any message may.
        self.numbers_asked = self.amounts_asked = 0
        self._asked = 0  # bits of words that some condition asks for
        self._demanded = self._excusing = 0  # keyword sets that some condition wants, that some wants not
        self._parts: dict[Condition, Test] = {}  # of the rule at hand

    def impersonation(self, build: Build) -> Impersonation:
        bait = [
            fold(word.rstrip("*")).strip()
            for keywords in self.tables.sets
            if keywords.name == BAIT_SET
            for word in keywords.keywords
        ]
        trusted = [
            frozenset(entries.entries) if entries.table is None else entries.table
            for pack in self.tables.packs.values()
            for entries in pack.lists
            if entries.name == TRUSTED_LIST and entries.kind is ListKind.DOMAINS and not self.tables.expired(entries)
        ]
        return Impersonation(
            self.tables.brands, bait, trusted, self.members.domain_bits, self.members.domain_tables, build=build
        )

    def envelope(self) -> Envelope:
        """What is asked of a message beside its text."""
        members = self.members
        return Envelope(members.tests["destination"], self.segment_tests, members.alphabet_bits, self.hour_tests)

    def rule(self, place: int, pack: Pack, rule: Rule) -> CompiledRule:
        self._parts = {}
        needed, test = self.whole(pack, rule.condition, rule.where, rule.exemptions)
        if rule.action.strictness > Action.FLAG.strictness and _is_weak(rule.condition):
            expected = f"action flag, or another sign beside {', '.join(cond.WEAK_FACTS)}: genuine messages have them"
            where = rule.overridden or rule.where
            self.tables.problems.append(Problem(where, f"{rule.action} of {rule.id} for a weak sign alone", expected))
        status = status_of(rule)
        if rule.status is None and rule.action is Action.BLOCK and _asks_only_origin(rule.condition):
            status = Status.ESME_RINVSRCADR
        return CompiledRule(place, rule, needed, test, status, self._parts)

    def limit(self, pack: Pack, limit: Limit) -> CompiledLimit:
        if limit.condition is None:
            return CompiledLimit(limit, 0, None, status_of(limit))
        needed, test = self.whole(pack, limit.condition, limit.where)
        return CompiledLimit(limit, needed[0] if needed else 0, test, status_of(limit))

    def asked_words(self) -> dict[str, int]:
        """The words with the bits that matter: those of `bait`, say, are asked of hosts only and would cost 1 µs a text."""
        return {word: bits & self._asked for word, bits in self.tables.words.items() if bits & self._asked}

    def excusing_bits(self) -> int:
        """Keyword sets, and keywords with a bit of their own, that conditions only ever want absent."""
        return self._excusing & ~self._demanded

    def whole(self, pack: Pack, condition: Condition, where: Where, exemptions: Sequence[Exemption] = ()) -> Term:
        """`test` of a whole condition, and of none of the exemptions; notes when numbers or sums must be read for it."""
        needed, test = self.test(pack, condition, where)
        terms = [(pack, condition)]
        for exemption in exemptions:
            seen = replace(pack, use=(*exemption.use, *pack.use)) if exemption.use else pack
            terms.append((seen, cond.Not(exemption.condition)))
            excuse = self.test(*terms[-1], exemption.where)[1]
            test = all_of(needed, [test, excuse])
        for seen, term in terms:
            for leaf, positive in cond.leaves(term):
                self._wanted(seen, leaf, positive=positive)
        late = not needed or needed[0] & self.tables.number_bits  # nothing that is known before the numbers are
        if any(_asks_numbers(term) for _, term in terms):
            self.numbers_asked |= -1 if late else needed[0]
        if any(_asks_amounts(term) for _, term in terms):
            self.amounts_asked |= -1 if late else needed[0]
        return needed, test

    def test(self, pack: Pack, condition: Condition, where: Where) -> Term:
        """The test of a condition, and what it needs."""
        made = self._made(pack, condition, where)
        self._parts[condition] = made[1]
        return made

    def _made(self, pack: Pack, condition: Condition, where: Where) -> Term:
        match condition:
            case cond.Name():
                return any_of(self._name(pack, condition, where))
            case cond.Predicate():
                return self._predicate(pack, condition, where)
            case cond.Member():
                return any_of(self.members.member(pack, condition, where))
            case cond.StartsWith():
                return any_of(self.members.starts_with(condition, where))
            case cond.Comparison():
                return self._comparison(pack, condition, where)
            case cond.Not():
                inner = self.test(pack, condition.term, where)[1]
                return (), lambda bits, excuses: not inner(excuses, bits)
            case cond.AtLeast():
                return self._at_least(condition.count, [self.test(pack, term, where) for term in condition.terms])

    def _at_least(self, count: int, terms: Sequence[Term]) -> Term:
        """At least `count` of the terms. Where all are needed, what is seldom true is asked for first."""
        if len(terms) == 1:
            return terms[0]
        tests = [test for _, test in terms]
        if count == len(terms):
            masks = dict.fromkeys(mask for needed, _ in terms for mask in needed)
            rarest_first = tuple(sorted(masks, key=self._commonness))
            return rarest_first, all_of(rarest_first, tests)
        together: tuple[int, ...] = ()
        if all(needed for needed, _ in terms):
            together = (reduce(or_, (needed[0] for needed, _ in terms)),)
        if count == 1:
            return together, one_of(tests)
        return together, lambda bits, excuses: sum(test(bits, excuses) for test in tests) >= count

    def _commonness(self, mask: int) -> tuple[int, int]:
        """How often one of these bits is set in clean traffic: words and foreign links often, a brand seldom. Of equals the first
        written starts the rule: fifty rules that all start from `foreign_link` cost a message that has one 10 µs."""
        if mask & self.tables.number_bits:  # set late, see `whole`
            return 2, 0
        return 1 if mask & (self.tables.common_bits | FOREIGN_LINK) else 0, mask.bit_count()

    def _name(self, pack: Pack, name: cond.Name, where: Where) -> int:
        if name.name in FACTS:
            return FACTS[name.name]
        if name.name in cond.LIST_FACTS:
            return self.members.listed(name.name, where)
        sets = self.tables.named_sets(pack)
        if name.name not in sets:
            expected = "a keyword set of this pack or of one that it uses, or a fact"
            self.tables.unknown(where, name.name, expected, [*sets, *cond.FACTS], pack)
            return 0
        bit = self.tables.sets[sets[name.name]]
        self._asked |= bit
        return bit

    def _comparison(self, pack: Pack, condition: cond.Comparison, where: Where) -> Term:
        """A quantity's comparison is one bit; a keyword set is summed up when its rule is tried."""
        if condition.quantity in cond.MEASURES:
            return self._summed(pack, condition, where)
        compare, number = COMPARE[condition.operator], condition.number
        bit = self.tables.bit(f"{condition.quantity} {condition.operator} {number}")
        holds = partial(_compared, compare, number)
        match condition.quantity:
            case "links":
                self.link_tests.append((holds, bit))
            case "segments":
                self.segment_tests.append((holds, bit))
            case _:
                self.hour_tests.append((pack.timezone, holds, bit))
        return any_of(bit)

    def _summed(self, pack: Pack, condition: cond.Comparison, where: Where) -> Term:
        sets = self.tables.named_sets(pack)
        if condition.of not in sets:
            self.tables.unknown(where, condition.of, "a keyword set of this pack or of one that it uses", sets, pack)
            return (), lambda *_: False
        keywords = sets[condition.of]
        weighted = self.tables.counted(keywords)
        if condition.quantity == "count":
            weighted = [(1, bit) for _, bit in weighted]
        elif not keywords.weights:
            expected = f"a set with a weight beside each keyword, or count({condition.of})"
            self.tables.problems.append(Problem(where, repr(condition.of), expected))
        for _, bit in weighted:
            self._asked |= bit
        trigger = 0 if COMPARE[condition.operator](0, condition.number) else self.tables.sets[keywords]
        self._asked |= trigger
        self._demanded |= trigger
        return (trigger,) if trigger else (), summed(condition.operator, condition.number, weighted)

    def _wanted(self, pack: Pack, leaf: Condition, *, positive: bool) -> None:
        """Note for what a condition wants a keyword set, or the keywords of one: to hold, or to be excused by it."""
        sets = self.tables.named_sets(pack)
        if isinstance(leaf, cond.Name) and leaf.name not in FACTS and leaf.name in sets:
            bit = self.tables.sets[sets[leaf.name]]
            self._demanded |= bit if positive else 0
            self._excusing |= 0 if positive else bit
        elif isinstance(leaf, cond.Comparison) and leaf.of in sets:
            for weight, bit in self.tables.counted(sets[leaf.of]):
                raises = weight > 0 or leaf.quantity == "count"
                helps = {">": {raises}, ">=": {raises}, "<": {not raises}, "<=": {not raises}}
                for use in helps.get(leaf.operator, {True, False}):
                    self._demanded |= bit if use is positive else 0
                    self._excusing |= 0 if use is positive else bit

    def _predicate(self, pack: Pack, predicate: cond.Predicate, where: Where) -> Term:
        brands = [self.tables.brands[brand] for brand in self.tables.targets(pack, predicate.target, where)]
        if not brands:
            return (), lambda *_: False
        for bits in brands:
            self._asked |= bits.names | bits.company
        match predicate.name:
            case "names":
                return self._names(brands)
            case "lookalike":
                return any_of(reduce(or_, (bits.lookalike for bits in brands)))
            case "official":
                return any_of(reduce(or_, (bits.official for bits in brands)))
            case "foreign_phone":
                return self._foreign_phone(brands)
        lookalike = any_of(reduce(or_, (bits.lookalike for bits in brands)))
        elsewhere = self._at_least(2, [self._names(brands), any_of(FOREIGN_LINK)])
        return self._at_least(1, [lookalike, elsewhere, self._foreign_phone(brands)])

    def _names(self, brands: Sequence[BrandBits]) -> Term:
        """Whether one of them is named. Those that need no other word are asked for together: one by one,
        `impersonates` of the shipped carriers took 6.8 µs instead of 0.6."""
        alone = [bits for bits in brands if not bits.company]
        terms = (
            [self._named(reduce(or_, (b.names for b in alone)), reduce(or_, (b.shown for b in alone)))] if alone else []
        )
        terms.extend(
            self._at_least(2, [self._named(bits.names, bits.shown), any_of(bits.company)])
            for bits in brands
            if bits.company
        )
        return self._at_least(1, terms)

    def _named(self, names: int, shown: int) -> Term:
        return self._at_least(1, [any_of(names), self._at_least(2, [any_of(shown), any_of(FOREIGN_LINK)])])

    def _foreign_phone(self, brands: Sequence[BrandBits]) -> Term:
        """Whether one of them is named beside a number that is not its own. Of brands without known numbers none is foreign."""
        known = [bits for bits in brands if bits.foreign_number] or brands[:1]
        return self._at_least(
            1, [self._at_least(2, [self._names([bits]), any_of(bits.foreign_number)]) for bits in known]
        )


def _compared(compare: Callable[[int, int], bool], number: int, found: int) -> bool:
    return compare(found, number)


def _asks_amounts(condition: Condition) -> bool:
    """Whether some part of a condition is about sums of money."""
    return any(isinstance(leaf, cond.Name) and leaf.name == "amount" for leaf, _ in cond.leaves(condition))


def _asks_numbers(condition: Condition) -> bool:
    """Whether some part of a condition is about phone numbers in the text."""
    for leaf, _ in cond.leaves(condition):
        match leaf:
            case cond.Name(name=name) if name in PHONE_FACTS:
                return True
            case cond.Predicate(name="foreign_phone" | "impersonates"):
                return True
            case cond.Member(field="phone") | cond.StartsWith(field="phone"):
                return True
    return False


def _is_weak(condition: Condition) -> bool:
    """Whether a condition can hold by facts alone that genuine messages show too. What is absent is no sign beside them."""
    match condition:
        case cond.Name(name=name):
            return name in cond.WEAK_FACTS
        case cond.Not(term=term):
            return _is_weak(term)
        case cond.AtLeast(count=count, terms=terms):
            weak = [term for term in terms if _is_weak(term)]
            return bool(weak) and sum(term in weak or isinstance(term, cond.Not) for term in terms) >= count
    return False


def _asks_only_origin(condition: Condition) -> bool:
    """Whether nothing but sender and client decides: then it is a sender violation, not a matter of content."""
    return all(
        leaf.name in SENDER_FACTS
        if isinstance(leaf, cond.Name)
        else isinstance(leaf, cond.Member | cond.StartsWith) and leaf.field in {"sender", "client"}
        for leaf, _ in cond.leaves(condition)
    )
