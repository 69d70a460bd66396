"""Packs to a `RuleSet`: names resolved, keywords folded into one automaton, conditions turned into tests of bits.

Every fault of every pack is collected and raised together as PackError; nothing half-compiled ever leaves. Each keyword
set, brand fact, list membership and comparison that some condition may ask for gets one bit of the facts integer.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from difflib import get_close_matches
from hashlib import sha256
from typing import Final

from smsgate.rules import condition as cond
from smsgate.rules.brands import MIN_TYPO_LETTERS, BrandBits, Build, Impersonation, automaton, slips, squeezed
from smsgate.rules.condition import Condition
from smsgate.rules.engine import (
    FACTS,
    FOREIGN_LINK,
    LINK,
    SECOND_LOOK,
    CompiledLimit,
    CompiledRule,
    RuleSet,
    Test,
    status_of,
)
from smsgate.rules.model import Action, Brand, EntryList, KeywordSet, ListKind, Pack, PackError, Problem, Rule, Where
from smsgate.smpp.constants import Status
from smsgate.text.normalize import fold
from smsgate.text.urls import ascii_host

BAIT_SET: Final = "bait"
"""Keyword sets of this name, of all packs, are the words beside which `with_bait` host tokens count."""
TRUSTED_LIST: Final = "trusted"
"""Domain lists of this name, of all packs, hold hosts that are never `foreign_link`."""
MAX_ACRONYM_LETTERS: Final = 5
"""Names in capitals up to this length are also found dotted or spaced: C.P.F, D. I. F."""
MIN_PREFIX_LETTERS: Final = 3
"""A shorter prefix keyword would hit every second message."""

_OPERATORS: Final = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


def compile_packs(packs: Sequence[Pack], today: date | None = None, build: Build = automaton) -> RuleSet:
    """Compile. Rules that expired before `today` are left out (None: none is). Raises PackError with every problem.

    `build` is asked for every automaton, for the same packs and day in the same order.
    """
    compiler = _Compiler(packs)
    in_force = [(pack, rule) for pack in packs for rule in pack.rules if not _expired(rule, today)]
    rules = [compiler.rule(place, pack, rule) for place, (pack, rule) in enumerate(in_force)]
    limits = [
        CompiledLimit(
            limit, compiler.test(pack, limit.condition, limit.where)[1] if limit.condition else None, status_of(limit)
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
        words=compiler.words,
        labels=compiler.labels,
        name_bits=compiler.name_bits,
        official_bits=compiler.official_bits,
        impersonation=compiler.impersonation(build),
        value_tests=compiler.value_tests,
        link_tests=compiler.link_tests,
        build=build,
    )


def keyword_fault(keyword: str) -> str:
    """What is expected in place of a keyword that can't be one; "" of a good one."""
    mark = keyword[-1:] if keyword.endswith(("*", "~")) else ""
    bare = keyword.removesuffix(mark)
    letters = fold(bare).strip()
    if not letters or "*" in bare or "~" in bare:
        return "letters or digits, with a * or a ~ at the end at most"
    needed = {"*": MIN_PREFIX_LETTERS, "~": MIN_TYPO_LETTERS, "": 0}[mark]
    return f"at least {needed} letters before the {mark}" if len(letters) < needed else ""


def _expired(rule: Rule, today: date | None) -> bool:
    return today is not None and rule.expires is not None and rule.expires < today


class _Compiler:
    """The tables that grow while packs are compiled."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self.packs = {pack.name: pack for pack in packs}
        self.problems: list[Problem] = []
        self.words: dict[str, int] = {}
        self.value_tests: list[tuple[str, Callable[[str], bool], int]] = []
        self.link_tests: list[tuple[Callable[[int], bool], int]] = []
        self.domain_bits: dict[str, int] = {}
        self.labels: dict[int, str] = {bit: name for name, bit in FACTS.items()}
        self.name_bits = 0
        self.official_bits = 0
        self.common_bits = LINK  # with all keyword sets: what clean messages often show
        self._incomplete: set[str] = set()  # packs that use one which isn't there: what they name may be in it
        self._next_bit = SECOND_LOOK
        self._sets: dict[KeywordSet, int] = {}
        self._lists: dict[tuple[str, EntryList], int] = {}
        self._brands: dict[Brand, BrandBits] = {}
        self._check_unique(packs)
        for pack in packs:
            for brand in pack.brands:
                self._add_brand(brand)
            for keywords in pack.keywords:
                self._sets[keywords] = self._bit(keywords.name)
                self.common_bits |= self._sets[keywords]
                self._add_words(keywords.keywords, self._sets[keywords], keywords.where)

    def impersonation(self, build: Build) -> Impersonation:
        bait = [
            fold(word.rstrip("*~")).strip()
            for keywords in self._sets
            if keywords.name == BAIT_SET
            for word in keywords.keywords
        ]
        trusted = [
            entry
            for pack in self.packs.values()
            for entries in pack.lists
            if entries.name == TRUSTED_LIST and entries.kind is ListKind.DOMAINS
            for entry in entries.entries
        ]
        return Impersonation(self._brands, bait, trusted, self.domain_bits, build)

    def rule(self, place: int, pack: Pack, rule: Rule) -> CompiledRule:
        trigger, test = self.test(pack, rule.condition, rule.where)
        if rule.action.strictness > Action.FLAG.strictness and _is_weak(rule.condition):
            expected = f"action flag, or another sign beside {', '.join(cond.WEAK_FACTS)}: genuine messages have them"
            self.problems.append(Problem(rule.where, f"{rule.action} of {rule.id} for a weak sign alone", expected))
        status = status_of(rule)
        if rule.status is None and rule.action is Action.BLOCK and _asks_only_origin(rule.condition):
            status = Status.ESME_RINVSRCADR
        return CompiledRule(place, rule, trigger, test, status)

    def test(self, pack: Pack, condition: Condition, where: Where) -> tuple[int, Test]:
        """The trigger of a condition (bits of which it needs one; 0 if it can hold without any) and its test."""
        match condition:
            case cond.Name():
                return _any_of(self._name(pack, condition, where))
            case cond.Predicate():
                return self._predicate(pack, condition, where)
            case cond.Member():
                return _any_of(self._member(pack, condition, where))
            case cond.StartsWith():
                return _any_of(self._starts_with(condition, where))
            case cond.Links():
                compare, count = _OPERATORS[condition.operator], condition.count
                bit = self._bit(f"links {condition.operator} {count}")
                self.link_tests.append((lambda found: compare(found, count), bit))
                return _any_of(bit)
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
            needed = [trigger for trigger in triggers if trigger]
            return min(needed, key=self._commonness, default=0), _all(tests)
        together = 0
        for trigger in triggers:
            together |= trigger
        trigger = together if all(triggers) else 0
        if count == 1:
            return trigger, _any(tests)
        return trigger, lambda bits, excuses: sum(test(bits, excuses) for test in tests) >= count

    def _commonness(self, mask: int) -> tuple[int, int]:
        """How often one of these bits is set in clean traffic: words often, a foreign link sometimes, a brand seldom."""
        return 2 if mask & self.common_bits else 1 if mask & FOREIGN_LINK else 0, mask.bit_count()

    # names

    def _name(self, pack: Pack, name: cond.Name, where: Where) -> int:
        if name.name in FACTS:
            return FACTS[name.name]
        sets = {keywords.name: keywords for used in self._visible(pack) for keywords in used.keywords}
        if name.name not in sets:
            expected = "a keyword set of this pack or of one that it uses, or a fact"
            self._unknown(where, name.name, expected, [*sets, *cond.FACTS], pack)
            return 0
        return self._sets[sets[name.name]]

    def _predicate(self, pack: Pack, predicate: cond.Predicate, where: Where) -> tuple[int, Test]:
        tests = []
        for brand in self._targets(pack, predicate.target, where):
            bits = self._brands[brand]
            names = _any_of(bits.names)
            if bits.company:
                names = self._at_least(2, [names, _any_of(bits.company)])
            lookalike = _any_of(bits.lookalike)
            impersonates = self._at_least(1, [lookalike, self._at_least(2, [names, _any_of(FOREIGN_LINK)])])
            choices = {
                "names": names,
                "lookalike": lookalike,
                "official": _any_of(bits.official),
                "impersonates": impersonates,
            }
            tests.append(choices[predicate.name])
        return self._at_least(1, tests) if tests else (0, lambda *_: False)

    def _targets(self, pack: Pack, target: str, where: Where) -> list[Brand]:
        if target == "any":
            return list(self._brands)
        if target.startswith("@"):
            brands = [brand for brand in self._brands if brand.group == target[1:]]
            if not brands:
                groups = {f"@{brand.group}" for brand in self._brands if brand.group}
                self._unknown(where, target, "a group that some loaded brand is in", groups, pack)
            return brands
        visible = {brand.name: brand for used in self._visible(pack) for brand in used.brands}
        if target not in visible:
            self._unknown(where, target, "a brand of this pack or of one that it uses, @group or any", visible, pack)
            return []
        return [visible[target]]

    def _member(self, pack: Pack, member: cond.Member, where: Where) -> int:
        kind = ListKind.DOMAINS if member.field == "link_host" else ListKind.SENDERS
        entries = member.entries
        if member.list_name is not None:
            lists = {found.name: found for used in self._visible(pack) for found in used.lists if found.kind is kind}
            if member.list_name not in lists:
                expected = f"a list of {kind} of this pack or of one that it uses"
                self._unknown(where, member.list_name, expected, lists, pack)
                return 0
            entry_list = lists[member.list_name]
            if (member.field, entry_list) in self._lists:
                return self._lists[member.field, entry_list]
            bit = self._lists[member.field, entry_list] = self._bit(f"{member.field} in {member.list_name}")
            entries = entry_list.entries
        else:
            bit = self._bit(f"{member.field} in [...]")
        if kind is ListKind.DOMAINS:
            for domain in entries:
                key = ascii_host(domain.strip("."))
                self.domain_bits[key] = self.domain_bits.get(key, 0) | bit
        else:
            same = squeezed if member.field == "sender" else str.casefold
            members = frozenset(map(same, entries))
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
        )
        self._brands[brand] = bits
        self.name_bits |= bits.names
        self.official_bits |= bits.official
        self._add_words(brand.names, bits.names, brand.where, names_of=brand)
        self._add_words(brand.company, bits.company, brand.where)

    def _add_words(self, keywords: Sequence[str], bit: int, where: Where, *, names_of: Brand | None = None) -> None:
        for keyword in keywords:
            expected = keyword_fault(keyword)
            if expected:
                self.problems.append(Problem(where, repr(keyword), expected))
                continue
            mark = keyword[-1] if keyword.endswith(("*", "~")) else ""
            bare = keyword.removesuffix(mark)
            words = {fold(form) for form in (bare, bare.upper(), bare.capitalize())}  # Greek imitates by case: η n, Η h
            if mark == "*":
                words = {word[:-1] for word in words}
            elif mark == "~" or (names_of and not names_of.company):
                words |= {f" {variant} " for variant in slips(fold(bare).strip())}
            if names_of and bare.isupper() and bare.isalpha() and len(bare) <= MAX_ACRONYM_LETTERS:
                words.add(f" {' '.join(bare.lower())} ")
            for word in words:
                self.words[word] = self.words.get(word, 0) | bit

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


def _any_of(mask: int) -> tuple[int, Test]:
    return mask, lambda bits, _: bits & mask != 0


def _all(tests: Sequence[Test]) -> Test:
    def holds(bits: int, excuses: int) -> bool:
        for test in tests:  # noqa: SIM110  # `all()` of a generator takes 0.4 µs more
            if not test(bits, excuses):
                return False
        return True

    return holds


def _any(tests: Sequence[Test]) -> Test:
    def holds(bits: int, excuses: int) -> bool:
        for test in tests:  # noqa: SIM110  # as in `_all`
            if test(bits, excuses):
                return True
        return False

    return holds


def _is_weak(condition: Condition) -> bool:
    """Whether a condition can hold by facts alone that genuine messages show too."""
    match condition:
        case cond.Name(name=name):
            return name in cond.WEAK_FACTS
        case cond.Not(term=term):
            return _is_weak(term)
        case cond.AtLeast(count=count, terms=terms):
            return sum(map(_is_weak, terms)) >= count
    return False


def _asks_only_origin(condition: Condition) -> bool:
    """Whether nothing but sender and client decides: then it is a sender violation, not a matter of content."""
    match condition:
        case cond.Member(field=field) | cond.StartsWith(field=field):
            return field in {"sender", "client"}
        case cond.Not(term=term):
            return _asks_only_origin(term)
        case cond.AtLeast(terms=terms):
            return all(map(_asks_only_origin, terms))
    return False
