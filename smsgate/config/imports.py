"""Entries for list files out of what people have: hosts files, plain lists of domains, and tables of reports.

A reader takes a text and gives what it found, with a count of the lines that it could not read and the first of them.
`Guard` keeps what is a brand's own, trusted or ordinary out of lists of what is bad. `merged` makes the new text of a list
file. Nothing here opens a file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pydantic_core import PydanticCustomError

from smsgate.config import columns
from smsgate.config.diagnostics import quoted
from smsgate.config.fields import domain
from smsgate.rules.lists import DigestTable
from smsgate.rules.model import ListKind, Pack
from smsgate.text.hosts import public_suffix, registered
from smsgate.text.phones import canonical
from smsgate.text.urls import links, plain

if TYPE_CHECKING:
    from _csv import Reader

MAX_TOLD: Final = 10
"""Unreadable lines, and entries kept out, that are told one by one; all are counted."""
MIN_NUMBER_DIGITS: Final = 4
"""Short codes have four or five digits; fewer are a slip."""
MAX_NUMBER_DIGITS: Final = 15
"""ITU-T E.164."""
PROTECTED_LISTS: Final = frozenset({"trusted", "ordinary", "shorteners", "messengers"})
"""Domain lists of these names, of all packs, hold sites that many honest people use: reports are full of them."""

_HOSTS_ADDRESS: Final = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104  # nothing is bound
_HOSTS_OWN: Final = re.compile(r"local(?:host.*)?|.*\.local(?:domain|host)?|broadcasthost|ip6-.*|0\.0\.0\.0")
"""Names that every hosts file has for the machine itself."""
_COLUMNS: Final = {"number": columns.NUMBER, "text": columns.TEXT, "link": columns.LINK, "date": columns.DATE}


@dataclass(slots=True)
class Found:
    """What came of a file. `unreadable` counts lines; `told` are the first of them, with their numbers."""

    domains: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    texts: list[dict[str, str]] = field(default_factory=list)
    lines: int = 0
    unreadable: int = 0
    told: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    """What was taken for what: column names of a table, by kind."""

    def fail(self, line: int, found: str, expected: str) -> None:
        """Note a line that could not be read."""
        self.unreadable += 1
        if len(self.told) < MAX_TOLD:
            self.told.append(f"line {line}: found {found}, expected {expected}")


def read_hosts(text: str) -> Found:
    """A hosts file: `0.0.0.0 bad.example`. Lines that give a real address to a name are unreadable."""
    found = Found()
    for number, words in _worded(text):
        found.lines += 1
        address, *names = words
        if address not in _HOSTS_ADDRESS:
            found.fail(number, quoted(address), "0.0.0.0 or 127.0.0.1 before a host")
            continue
        for name in names:
            if not _HOSTS_OWN.fullmatch(name):
                _take(found, number, name)
    return found


def read_domains(text: str) -> Found:
    """One domain a line; of a URL, its host."""
    found = Found()
    for number, words in _worded(text):
        found.lines += 1
        if len(words) > 1:
            found.fail(number, f"{len(words)} words", "one domain a line")
            continue
        _take(found, number, words[0])
    return found


def read_reports(text: str) -> Found:
    """A table of reports with a header, commas, semicolons or tabs between its columns. Of a link the registrable domain is
    taken: below a host that many share, that is the customer's own. Without a column of links, those in texts are. Raises
    ValueError when no column is known."""
    found = Found()
    lines = io.StringIO(text, newline="")
    delimiter = columns.delimiter(lines.readline())
    lines.seek(0)
    rows = csv.reader(lines, delimiter=delimiter)
    names = [name.strip() for name in next(rows, [])]
    found.columns = columns.columns(names, _COLUMNS)
    if not found.columns.keys() & {"number", "text", "link"}:
        raise ValueError("a header with a column such as number, text or link")
    places = {kind: names.index(name) for kind, name in found.columns.items()}
    for row in _rows(rows, found):
        if not any(cell.strip() for cell in row):
            continue
        found.lines += 1
        if len(row) < len(names):
            found.fail(rows.line_num, f"{len(row)} columns", f"{len(names)}, as in the header")
            continue
        _report(found, rows.line_num, {kind: row[place].strip() for kind, place in places.items()})
    return found


def _rows(rows: Reader, found: Found) -> Iterator[list[str]]:
    """The rows behind the header; those that are none, such as one of a megabyte, are noted."""
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            found.fail(rows.line_num, str(error), "a row of a table")


def _report(found: Found, line: int, cells: dict[str, str]) -> None:
    if number := cells.get("number"):
        digits = canonical(number) if re.fullmatch(r"\+?[\d ().-]+", number) else ""
        if MIN_NUMBER_DIGITS <= len(digits) <= MAX_NUMBER_DIGITS:
            found.numbers.append(f"+{digits}" if len(digits) > 8 else digits)
        elif digits:
            found.fail(line, quoted(number), "a phone number or a short code")
    where = cells["link"] if "link" in cells else cells.get("text", "")
    for link in links(plain(where)):
        found.domains.append(registered(link.host))
    if any(map(str.isalnum, where)) and "link" in cells and not links(plain(where)):
        _take(found, line, where)
    if text := cells.get("text"):
        found.texts.append({"text": text, **({"date": cells["date"]} if cells.get("date") else {})})


def _worded(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines with something on them, as words, without what stands behind a `#`."""
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        if words := line.partition("#")[0].lower().split():
            yield number, words


def _take(found: Found, line: int, name: str) -> None:
    try:
        found.domains.append(domain(name.removeprefix("*.").rstrip(".")))
    except PydanticCustomError as error:
        context = error.context or {}
        if context["suggestion"]:
            found.domains.append(context["suggestion"])
        else:
            found.fail(line, context["found"], context["expected"])


class Guard:
    """What never belongs on a list of bad domains: official sites of brands, trusted and ordinary sites, their parents, public
    suffixes."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self._sites: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._tables: list[tuple[DigestTable, str]] = []
        lists = [
            entries
            for pack in packs
            for entries in pack.lists
            if entries.kind is ListKind.DOMAINS and entries.name in PROTECTED_LISTS
        ]
        sites = [
            (site, f"official for {brand.name}")
            for pack in packs
            for brand in pack.brands
            for site in brand.official.domains
        ]
        for entries in lists:
            whose = f"on the list {entries.name}"
            sites += [(site, whose) for site in entries.entries]
            if entries.table is not None:
                self._tables.append((entries.table, whose))
        for site, whose in sites:
            self._sites.setdefault(site, whose)
            tail = site.partition(".")[2]
            while tail:
                self._parents.setdefault(tail, f"above {site}, {whose}")
                tail = tail.partition(".")[2]

    def against(self, host: str) -> str:
        """Why a domain must not be listed; "" when nothing is against it. What is below a shared host is its customer's."""
        own = registered(host)
        tail = host
        while len(tail) >= len(own):
            if tail in self._sites:
                return self._sites[tail]
            for table, whose in self._tables:
                if tail in table:
                    return whose
            tail = tail.partition(".")[2]
        if host in self._parents:
            return self._parents[host]
        return "a public suffix" if public_suffix(host) == host else ""


def merged(before: str, entries: Iterable[str], form: Callable[[str], str], heading: str) -> tuple[str, int]:
    """A list file with entries added behind a comment, and how many were new. What stood in it stays as it is."""
    known = {form(line.partition("#")[0].strip()) for line in before.splitlines()}
    new = [entry for entry in dict.fromkeys(entries) if form(entry) not in known]
    if not new:
        return before, 0
    start = before if not before or before.endswith("\n") else f"{before}\n"
    return f"{start}# {heading}\n" + "".join(f"{entry}\n" for entry in new), len(new)
