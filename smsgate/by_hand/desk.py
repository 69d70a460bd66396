"""A desk: takes an operator's orders of one kind, keeps them in a file, tells them to whoever judges messages.

The main process owns the file, in the folder `state:`, one order a line. A change is written beside it and renamed into place
before it is put in force and answered, so what was answered survives any end. Workers hold copies. Here is what needs a clock
and a disk; orders that are over are left out whenever the file is written.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic_core import PydanticCustomError

from smsgate.config.fields import domain, phone, sender
from smsgate.rules.blocks import BlockKind, compared
from smsgate.rules.engine import RuleSet

log = logging.getLogger(__name__)

MAX_ORDERS: Final = 1_000
"""Of one kind. Each was typed by somebody; more belong in a list of a pack."""
MIN_NUMBER_DIGITS: Final = 8
"""Shorter numbers are not read in texts: any sum could be one."""

Record = dict[str, Any]
"""An order as in the file: kind, value, since, until (ISO times in UTC), reason."""
Records = list[Record]


class Desk(ABC):
    """Takes requests. `tell` is given the file's name and all records after each change."""

    noun: ClassVar[str]
    kinds: ClassVar[type[StrEnum]]
    done: ClassVar[str]
    file_name: ClassVar[str]
    most_s: ClassVar[int]

    def __init__(self, folder: Path | None, tell: Callable[[str, Records], None]) -> None:
        self._file = folder / self.file_name if folder else None
        self._tell = tell
        self._turn = asyncio.Lock()
        self.records: Records = []

    @abstractmethod
    def named(self, arguments: Mapping[str, Any]) -> Record:
        """What is asked for as it is kept: the kind, the value, and what else tells it from others. Raises ValueError."""

    @abstractmethod
    def objection(self, rules: RuleSet, named: Record) -> str:
        """Why this should rather not be ordered, "" when nothing is against it. Raises ValueError where it can't be."""

    @abstractmethod
    def key(self, record: Record) -> Hashable:
        """What records of the same thing have in common."""

    @abstractmethod
    def for_log(self, record: Record) -> dict[str, str]:
        """Fields of the order for the log, where no number is written, and a sender may be one."""

    @property
    def file(self) -> str:
        """The file's name, for verdicts."""
        return str(self._file)

    def load(self) -> None:
        """Put in force what the file says. One that can't be read is put aside: the gate starts, and the log says so."""
        if self._file is None:
            return
        try:
            self.records = self._parsed(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            aside = self._file.with_suffix(".unreadable")
            about = {"file": str(self._file), "reason": str(error), "kept_as": str(aside)}
            log.error("no %s is in force: the file can't be read", self.noun, extra=about)  # noqa: TRY400
            with suppress(OSError):
                self._file.replace(aside)
            return
        self._tell(self.file, self.records)

    async def order(self, arguments: Mapping[str, Any], rules: Callable[[], Awaitable[RuleSet]]) -> Records:
        """With a kind the one new order is answered, without all that are in force. `rules` is asked for those in force, which
        may take a while, when there is something to order. Raises ValueError."""
        if arguments.get("kind") is None:
            return in_force(self.records)
        known = await rules()
        async with self._turn:
            return [await self._add(arguments, known)]

    async def end(self, arguments: Mapping[str, Any]) -> Records:
        """End whatever was ordered about this name; answers that. Raises ValueError."""
        async with self._turn:
            standing = in_force(self.records)
            gone = [record for record in standing if self._is_about(record, arguments.get("value"))]
            if gone:
                await self._keep([record for record in standing if record not in gone])
            for record in gone:
                log.warning("no longer %s by the operator", self.done, extra=self.for_log(record))
            return gone

    def _is_about(self, record: Record, value: Any) -> bool:
        with suppress(ValueError):  # a host is no number
            return self.key(record) == self.key({**record, **self.named({**record, "value": value})})
        return False

    async def _add(self, arguments: Mapping[str, Any], rules: RuleSet) -> Record:
        named = self.named(arguments)
        for_s, reason = arguments.get("for_s"), arguments.get("reason") or ""
        if not isinstance(for_s, int) or not 0 < for_s <= self.most_s:
            raise ValueError(f"for how long? At most {self.most_s // 86_400} days")
        against = self.objection(rules, named)
        if against and not arguments.get("force"):
            raise ValueError(f"{named['value']} is {against}: --force to {self.noun} it all the same")
        now = datetime.now(UTC).replace(microsecond=0)
        record = {**named, "since": _iso(now), "until": _iso(now + timedelta(seconds=for_s)), "reason": reason}
        kept = [other for other in in_force(self.records) if self.key(other) != self.key(record)]
        if len(kept) >= MAX_ORDERS:
            raise ValueError(f"{MAX_ORDERS:,} are in force: what is to last belongs in a list of a pack")
        await self._keep([*kept, record])
        about = self.for_log(record) | {"until": record["until"], "reason": reason}
        log.warning("%s by the operator", self.done, extra=about)
        return record

    async def _keep(self, records: Records) -> None:
        if self._file is None:
            raise ValueError("no folder to keep it in: add `state: DIR` to the configuration and restart (SIGUSR2)")
        try:
            await asyncio.to_thread(_write, self._file, records)  # a slow disk must not hold messages up
        except OSError as error:
            raise ValueError(f"nothing changed: {self._file} can't be written: {error.strerror}") from None
        self.records = records
        self._tell(self.file, records)

    def _parsed(self, text: str) -> Records:
        """The records of a file. Raises ValueError."""
        records = json.loads(text)
        if not isinstance(records, list) or len(records) > MAX_ORDERS:
            raise ValueError(f"expected a list of at most {MAX_ORDERS:,}")
        for record in records:
            if not isinstance(record, dict) or not {"kind", "value", "since", "until", "reason"} <= record.keys():
                raise ValueError("expected entries with kind, value, since, until and reason")
            self.named(record)
            if _iso(datetime.fromisoformat(str(record["until"]))) != record["until"]:
                raise ValueError(f"found {record['until']!r}, expected a time such as 2027-01-31T12:00:00Z")
        return records


def named_value(kind: str, value: Any) -> str:
    """A host, number or sender as it is kept. Raises ValueError."""
    checks = {"host": domain, "number": phone, "sender": sender}
    try:
        checked = checks[kind](str(value or ""))
    except PydanticCustomError as error:
        context: Any = error.context
        near = f" (did you mean '{context['suggestion']}'?)" if context["suggestion"] else ""
        raise ValueError(f"found {context['found']}, expected {context['expected']}{near}") from None
    form = compared(BlockKind(kind), checked)
    if kind == "number":
        if len(form) < MIN_NUMBER_DIGITS:
            raise ValueError(f"a number of {MIN_NUMBER_DIGITS} digits or more; a short code counts as a sender")
        checked = f"+{form}"
    return checked


def in_force(records: Sequence[Record]) -> Records:
    """Those that are not over."""
    now = _iso(datetime.now(UTC))
    return [record for record in records if record["until"] > now]


def ends_at(record: Record) -> float:
    """When an order is over, in seconds since 1970."""
    return datetime.fromisoformat(record["until"]).timestamp()


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def _write(file: Path, records: Records) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    new = file.with_name(f".{file.name}.{os.getpid()}")
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:  # noqa: PTH123
            stream.write(f"[\n{lines}\n]\n")
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)  # what a full disk has cut off
