"""List files: one entry a line, `#` begins a comment; short ones become tuples, long ones tables that are mapped from disk.

The table of a long file is built once and kept in a cache folder under the digest of what it was made of, so a changed file
has another table, and one that was cut off, or that is somebody else's, is built again. Other processes map the same
file: a table is pickled as its path.
"""

from __future__ import annotations

import glob
import io
import logging
import mmap
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from pydantic_core import PydanticCustomError

from smsgate.config.diagnostics import Diagnostic, DiagnosticsError
from smsgate.config.fields import domain, phone, sender
from smsgate.config.source import read_text
from smsgate.rules.brands import squeezed
from smsgate.rules.lists import DigestTable, TableError, build
from smsgate.rules.model import ListKind
from smsgate.text.phones import canonical

log = logging.getLogger(__name__)

MAX_LIST_BYTES: Final = 64 * 1024 * 1024
"""A list file of a million domains has about 20 MB."""
MAX_LIST_FAULTS: Final = 20
"""Faults reported of one list file: a file of the wrong kind would report each line."""
MIN_TABLE_LINES: Final = 10_000
"""Below, a set in each worker costs under 2 MB, and its look-up half of a table's."""
KEPT_TABLES: Final = 3
"""Of one list file: that of now, and those of rule sets that a gate may still hold or go back to."""
FORM: Final = 1
"""Raised whenever entries are put into another form before they are looked up: tables made before are of no use then."""

_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_OPEN_TO_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH

CHECKS: Final[dict[ListKind, Callable[[str], str]]] = {
    ListKind.DOMAINS: domain,
    ListKind.SENDERS: sender,
    ListKind.NUMBERS: phone,
}
"""What an entry of each kind must be."""
COMPARED: Final[dict[ListKind, Callable[[str], str]]] = {
    ListKind.DOMAINS: str,  # `domain` has given it the form of a link's host
    ListKind.SENDERS: squeezed,
    ListKind.NUMBERS: canonical,
}
"""The form in which entries of each kind are looked up."""


T = TypeVar("T")


class ListFile(NamedTuple):
    """What came of a list file: entries or a table, or faults and neither."""

    entries: tuple[str, ...] = ()
    table: DigestTable | None = None
    faults: tuple[Diagnostic, ...] = ()


class MappedTable(DigestTable):
    """A table in a file, which any number of processes map and the system keeps in memory once."""

    def __init__(self, path: Path, source: bytes) -> None:
        """Raises OSError, or TableError for what can't be trusted."""
        self.path = path
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & _OPEN_TO_OTHERS:
                raise TableError("somebody else's")
            if not status.st_size:
                raise TableError("empty")
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        super().__init__(memoryview(mapped), source)

    def __reduce__(self) -> tuple[object, ...]:
        return MappedTable, (self.path, self.source)


def read_list(file: Path, kind: ListKind) -> ListFile:
    """Read a list file. Faults carry line numbers, the first MAX_LIST_FAULTS of them."""
    try:
        text = read_text(file, MAX_LIST_BYTES)
    except DiagnosticsError as error:
        return ListFile(faults=error.diagnostics)
    lines = text.count("\n") + 1
    if lines >= MIN_TABLE_LINES:
        source = blake2b(text.encode(), digest_size=16, person=f"{FORM} {kind}".encode()).digest()
        name = f"{_key(file)}-{source.hex()}.table"
        with suppress(OSError, TableError):
            path = _cache_folder() / name
            table = MappedTable(path, source)
            os.utime(path)  # in use: not to be pruned
            return ListFile(table=table)
    faults: list[Diagnostic] = []
    entries = _entries(file, text, CHECKS[kind], faults)
    if lines < MIN_TABLE_LINES:
        return ListFile(tuple(entries), faults=tuple(faults))
    compared = COMPARED[kind]
    octets = build((compared(entry) for entry in entries), lines, secrets.randbits(64), source)
    if faults:
        return ListFile(faults=tuple(faults))
    return ListFile(table=_kept(name, octets, source))


def entries_of(file: Path, check: Callable[[str], T], max_bytes: int, faults: list[Diagnostic]) -> tuple[T, ...]:
    """What the lines of a file hold by `check`, all in memory; what is wrong goes to `faults`."""
    try:
        text = read_text(file, max_bytes)
    except DiagnosticsError as error:
        faults += error.diagnostics
        return ()
    found: list[Diagnostic] = []
    entries = tuple(_entries(file, text, check, found))
    faults += found
    return entries


def _entries(file: Path, text: str, check: Callable[[str], T], faults: list[Diagnostic]) -> Iterator[T]:
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        entry = (_COMMENT.sub("", line) if "#" in line else line).strip()
        try:
            if entry:
                yield check(entry)
        except PydanticCustomError as error:
            context: Any = error.context
            faults.append(
                Diagnostic(str(file), number, 1, context["found"], context["expected"], context["suggestion"])
            )
            if len(faults) == MAX_LIST_FAULTS:
                return


def _key(file: Path) -> str:
    """What the tables of one list file are named after, whatever is in it."""
    return f"{file.stem[:32]}-{blake2b(os.fsencode(file.absolute()), digest_size=4).hexdigest()}"


def _cache_folder() -> Path:
    """Where tables are kept: `$XDG_CACHE_HOME/smsgate`, else `~/.cache/smsgate`; where that can't be written to, as of a
    service without a home, a folder of our own for temporary files. Raises OSError where there are none, as in a container whose
    root is read-only."""
    with suppress(OSError, RuntimeError):  # no home
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smsgate"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    return Path(tempfile.gettempdir()) / f"smsgate-{os.geteuid()}"


def _kept(name: str, octets: bytearray, source: bytes) -> DigestTable:
    """The table, mapped from its file; held in memory where it can't be written."""
    try:
        path = _cache_folder() / name
        new = path.with_name(f".{name}.{os.getpid()}")
        path.parent.mkdir(mode=0o700, exist_ok=True)
        status = path.parent.stat()
        if status.st_uid != os.geteuid() or status.st_mode & _OPEN_TO_OTHERS:
            raise PermissionError(0, f"{path.parent} is open to others")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:  # noqa: PTH123
            stream.write(octets)
            stream.flush()
            os.fsync(stream.fileno())  # else a crash of the machine may leave the name without the octets
        new.replace(path)
        table = MappedTable(path, source)
    except OSError as error:
        log.warning("a list of %s can't be cached, each worker holds its own copy: %s", name, error)
        return DigestTable(bytes(octets), source)
    _prune(path)
    return table


def _prune(path: Path) -> None:
    """Remove the tables of a list file but the newest. One that a process has mapped lives on until it lets go."""
    prefix = path.name.rpartition("-")[0]
    with suppress(OSError):  # another process prunes as well
        tables = sorted(path.parent.glob(f"{glob.escape(prefix)}-*.table"), key=lambda file: file.stat().st_mtime_ns)
        for old in tables[:-KEPT_TABLES]:
            old.unlink()
