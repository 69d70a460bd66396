"""`FIELD in LIST` and `FIELD startswith "x"`: what each field is looked up in, and the tests that come of it.

A list is asked once a message whatever number of rules name it: each membership has one bit. Domains are looked up by host
(`rules.brands`), senders and clients once per value, numbers of texts where some rule may hit (`rules.numbers`), destinations
and alphabets with the rest of the envelope (`rules.envelope`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from typing import Final

from smsgate.rules import condition as cond
from smsgate.rules.brands import squeezed
from smsgate.rules.lists import DigestTable, as_number
from smsgate.rules.model import EntryList, ListKind, Pack, Problem, Where
from smsgate.rules.near import nearest
from smsgate.rules.tables import Tables
from smsgate.smpp.coding import NAMES
from smsgate.text.hosts import ascii_host

KINDS: Final = {
    "link_host": (ListKind.DOMAINS,),
    "sender": (ListKind.SENDERS, ListKind.NUMBERS),
    "client": (ListKind.SENDERS,),
    "destination": (ListKind.NUMBERS,),
    "phone": (ListKind.NUMBERS,),
    "alphabet": (),
}
"""The lists that each field may be looked up in."""
_INTERNATIONAL: Final = re.compile(r"(?:\+|00)([\d ().-]*\d[ ).-]*)")

Of = Callable[[str], bool]


class Members:
    """The tests by field, each with its bit."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._lists: dict[tuple[str, EntryList], int] = {}
        self._facts: dict[str, int] = {}
        self.domain_bits: dict[str, int] = {}
        self.domain_tables: list[tuple[Container[str], int]] = []
        self.alphabet_bits: dict[str, int] = {}
        self.tests: dict[str, list[tuple[Of, int]]] = {"sender": [], "client": [], "destination": [], "phone": []}

    def member(self, pack: Pack, member: cond.Member, where: Where) -> int:
        """The bit of a membership; 0 when it is a problem."""
        field = member.field
        if member.list_name is None:
            return self._inline(field, member.entries, where)
        kinds = KINDS[field]
        lists = {
            found.name: found for used in self._tables.visible(pack) for found in used.lists if found.kind in kinds
        }
        if member.list_name not in lists:
            expected = f"a list of {' or '.join(kinds)} of this pack or of one that it uses"
            self._tables.unknown(where, member.list_name, expected if kinds else "alphabets in brackets", lists, pack)
            return 0
        entry_list = lists[member.list_name]
        if (field, entry_list) in self._lists:
            return self._lists[field, entry_list]
        bit = self._lists[field, entry_list] = self._bit(field, f"{field} in {member.list_name}")
        if self._tables.expired(entry_list):
            return bit
        if field == "client" and entry_list.table is not None:
            found = f"{member.list_name!r} with {len(entry_list):,} entries"
            self._tables.problems.append(Problem(where, found, "a short list of clients"))
        self._look_up(field, entry_list.kind, entry_list.entries, entry_list.table, bit)
        return bit

    def listed(self, fact: str, where: Where) -> int:
        """The bit of a fact that is a list's; a problem where no pack has such a list, lest it be false without a word."""
        if fact not in self._facts:
            name = cond.LIST_FACTS[fact]
            lists = [
                entries
                for pack in self._tables.packs.values()
                for entries in pack.lists
                if entries.name == name and entries.kind is ListKind.DOMAINS
            ]
            if not lists:
                expected = f"a list of domains named {name} in some pack that is loaded, such as the shipped pack links"
                self._tables.problems.append(Problem(where, fact, expected))
            bit = self._facts[fact] = self._bit("link_host", fact)
            for entries in lists:
                if not self._tables.expired(entries):
                    self._look_up("link_host", entries.kind, entries.entries, entries.table, bit)
        return self._facts[fact]

    def _inline(self, field: str, entries: Sequence[str], where: Where) -> int:
        bit = self._bit(field, f"{field} in [{', '.join(entries)}]")
        if field == "alphabet":
            for entry in entries:
                if entry not in NAMES:
                    expected = f"one of the alphabets {', '.join(NAMES)}"
                    self._tables.problems.append(Problem(where, repr(entry), expected, nearest(entry, NAMES)))
                self.alphabet_bits[entry] = self.alphabet_bits.get(entry, 0) | bit
        elif field in {"destination", "phone"}:
            for entry in entries:
                if not as_number(entry):
                    self._tables.problems.append(Problem(where, repr(entry), "a phone number"))
            self._look_up(field, ListKind.NUMBERS, entries, None, bit)
        elif field == "link_host":
            self._look_up(field, ListKind.DOMAINS, entries, None, bit)
        else:
            self._look_up(field, ListKind.SENDERS, entries, None, bit)
            if field == "sender" and any(map(as_number, entries)):  # in another spelling it is the same number
                self._look_up(field, ListKind.NUMBERS, [entry for entry in entries if as_number(entry)], None, bit)
        return bit

    def _look_up(self, field: str, kind: ListKind, entries: Sequence[str], table: DigestTable | None, bit: int) -> None:
        """Set the bit where a value of the field is among the entries, or in the table in their place."""
        if kind is ListKind.DOMAINS:
            for domain in entries:
                key = ascii_host(domain.strip("."))
                self.domain_bits[key] = self.domain_bits.get(key, 0) | bit
            if table is not None:
                self.domain_tables.append((table, bit))
            return
        same = str.casefold if field == "client" else as_number if kind is ListKind.NUMBERS else squeezed
        members: Container[str] = frozenset(map(same, entries)) if table is None else table
        if field in {"destination", "phone"}:  # as they are looked up already
            self.tests[field].append((members.__contains__, bit))
        else:
            self.tests[field].append((lambda value: same(value) in members, bit))

    def starts_with(self, condition: cond.StartsWith, where: Where) -> int:
        """The bit of a prefix; 0 when it is a problem. One such as "+33 6" is that of a number, however it is written."""
        field, prefix = condition.field, condition.prefix
        number = _INTERNATIONAL.fullmatch(prefix)
        if field not in self.tests:
            self._tables.problems.append(Problem(where, f"{field} startswith", f"{field} in [...]"))
            return 0
        bit = self._bit(field, f"{field} startswith {prefix!r}")
        digits = re.sub(r"\D", "", number[1]) if number else ""
        folded = prefix.casefold()
        if field in {"destination", "phone"}:
            if not digits:
                self._tables.problems.append(Problem(where, repr(prefix), "a number with its country, such as '+33 8'"))
            self.tests[field].append((lambda value: value.startswith(digits), bit))
        elif field == "sender" and digits:
            self.tests[field].append((lambda value: as_number(value).startswith(digits), bit))
        else:
            self.tests[field].append((lambda value: value.casefold().startswith(folded), bit))
        return bit

    def _bit(self, field: str, label: str) -> int:
        bit = self._tables.bit(label)
        if field == "phone":
            self._tables.number_bits |= bit
        return bit
