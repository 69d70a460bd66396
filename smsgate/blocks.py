"""What an operator has blocked by hand: kept in a file, told to whoever judges messages.

The main process owns the file, `blocks.json` in the folder `state:`, one block a line. A change is written beside it and renamed
into place before it is put in force and answered, so what was answered survives any end. Workers hold copies
(`rules.blocks`). Here is what needs a clock and a disk; blocks that are over are left out whenever the file is written.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic_core import PydanticCustomError

from smsgate.config.fields import domain, phone, sender
from smsgate.rules.blocks import Block, BlockKind, compared, objection
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Where

log = logging.getLogger(__name__)

FILE_NAME: Final = "blocks.json"
MAX_BLOCKS: Final = 1_000
"""Each was typed by somebody; more belong in a list of a pack."""
MAX_FOR_S: Final = 90 * 86_400
"""What is to be blocked for longer than a quarter belongs in a list of a pack, with its owner and source."""
MIN_NUMBER_DIGITS: Final = 8
"""Shorter numbers are not read in texts: any sum could be one."""

Records = list[dict[str, Any]]
"""Blocks as in the file: kind, value, since, until (ISO times in UTC), reason."""


class BlockDesk:
    """Takes an operator's requests. `tell` is given all records after each change."""

    def __init__(self, folder: Path | None, tell: Callable[[str, Records], None]) -> None:
        self._file = folder / FILE_NAME if folder else None
        self._tell = tell
        self._turn = asyncio.Lock()
        self.records: Records = []

    @property
    def file(self) -> str:
        """The file's name, for verdicts."""
        return str(self._file)

    def load(self) -> None:
        """Put in force what the file says. One that can't be read is put aside: the gate starts, and the log says so."""
        if self._file is None:
            return
        try:
            self.records = _parsed(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            aside = self._file.with_suffix(".unreadable")
            about = {"file": str(self._file), "reason": str(error), "kept_as": str(aside)}
            log.error("no block is in force: the file can't be read", extra=about)  # noqa: TRY400
            with suppress(OSError):
                self._file.replace(aside)
            return
        self._tell(self.file, self.records)

    async def operate(self, what: str, arguments: Mapping[str, Any], rules: RuleSet) -> Records:
        """`block` with a kind blocks and answers that block; without, it answers all that are in force. `unblock` answers what it
        took away. Raises ValueError."""
        async with self._turn:
            if what == "unblock":
                return await self._unblock(arguments)
            if arguments.get("kind") is None:
                return _in_force(self.records)
            return [await self._block(arguments, rules)]

    async def _block(self, arguments: Mapping[str, Any], rules: RuleSet) -> dict[str, Any]:
        kind, value = _named(arguments.get("kind"), arguments.get("value"))
        for_s, reason = arguments.get("for_s"), arguments.get("reason")
        if not reason:
            raise ValueError("a block needs a reason")
        if not isinstance(for_s, int) or not 0 < for_s <= MAX_FOR_S:
            raise ValueError(f"for how long? At most {MAX_FOR_S // 86_400} days")
        against = objection(rules, kind, value)
        if against and not arguments.get("force"):
            raise ValueError(f"{value} is {against}: to block it all the same, force it")
        now = datetime.now(UTC).replace(microsecond=0)
        record = {
            "kind": str(kind),
            "value": value,
            "since": _iso(now),
            "until": _iso(now + timedelta(seconds=for_s)),
            "reason": reason,
        }
        kept = [other for other in _in_force(self.records) if _key(other) != _key(record)]
        if len(kept) >= MAX_BLOCKS:
            raise ValueError(f"{MAX_BLOCKS:,} blocks are in force: what is to last belongs in a list of a pack")
        await self._keep([*kept, record])
        log.warning("blocked by the operator", extra=_for_log(record) | {"until": record["until"], "reason": reason})
        return record

    async def _unblock(self, arguments: Mapping[str, Any]) -> Records:
        """Whatever is blocked by this name."""
        named = set()
        for kind in BlockKind:
            with suppress(ValueError):  # a host is no number
                checked, value = _named(kind, arguments.get("value"))
                named.add((checked, compared(checked, value)))
        in_force = _in_force(self.records)
        gone = [record for record in in_force if _key(record) in named]
        if gone:
            await self._keep([record for record in in_force if record not in gone])
        for record in gone:
            log.warning("no longer blocked by the operator", extra=_for_log(record))
        return gone

    async def _keep(self, records: Records) -> None:
        if self._file is None:
            raise ValueError("no folder to keep blocks in: add `state: DIR` to the configuration and restart (SIGUSR2)")
        try:
            await asyncio.to_thread(_write, self._file, records)  # a slow disk must not hold messages up
        except OSError as error:
            raise ValueError(f"nothing changed: {self._file} can't be written: {error.strerror}") from None
        self.records = records
        self._tell(self.file, records)


def blocks_of(file: str, records: Sequence[Mapping[str, Any]], offset_s: float) -> list[Block]:
    """Records as `rules.blocks` has them. `offset_s`: what to add to a time of day for the clock that messages are judged by."""
    return [
        Block(
            BlockKind(record["kind"]),
            record["value"],
            datetime.fromisoformat(record["until"]).timestamp() + offset_s,
            record["reason"],
            Where(file, line),
        )
        for line, record in enumerate(records, 2)  # behind the bracket
    ]


def _named(kind: Any, value: Any) -> tuple[BlockKind, str]:
    """Kind and value as they are kept. Raises ValueError."""
    if kind not in set(BlockKind):
        raise ValueError(f"found {kind!r}, expected one of {', '.join(BlockKind)}")
    checks = {BlockKind.HOST: domain, BlockKind.NUMBER: phone, BlockKind.SENDER: sender}
    try:
        checked = checks[kind](str(value or ""))
    except PydanticCustomError as error:
        context: Any = error.context
        near = f" (did you mean '{context['suggestion']}'?)" if context["suggestion"] else ""
        raise ValueError(f"found {context['found']}, expected {context['expected']}{near}") from None
    form = compared(kind, checked)
    if kind == BlockKind.NUMBER:
        if len(form) < MIN_NUMBER_DIGITS:
            raise ValueError(f"a number of {MIN_NUMBER_DIGITS} digits or more; a short code is blocked as a sender")
        checked = f"+{form}"
    return BlockKind(kind), checked


def _key(record: Mapping[str, Any]) -> tuple[BlockKind, str]:
    kind = BlockKind(record["kind"])
    return kind, compared(kind, record["value"])


def _in_force(records: Records) -> Records:
    now = _iso(datetime.now(UTC))
    return [record for record in records if record["until"] > now]


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def _for_log(record: Mapping[str, Any]) -> dict[str, str]:
    """No number is logged, and a sender may be one."""
    kind = str(record["kind"])
    return {"kind": kind, "host": record["value"]} if kind == BlockKind.HOST else {"kind": kind}


def _parsed(text: str) -> Records:
    """The records of a file. Raises ValueError."""
    records = json.loads(text)
    if not isinstance(records, list) or len(records) > MAX_BLOCKS:
        raise ValueError(f"expected a list of at most {MAX_BLOCKS:,} blocks")
    for record in records:
        if not isinstance(record, dict) or record.keys() != {"kind", "value", "since", "until", "reason"}:
            raise ValueError("expected blocks with kind, value, since, until and reason")
        _named(record["kind"], record["value"])
        if _iso(datetime.fromisoformat(str(record["until"]))) != record["until"]:
            raise ValueError(f"found {record['until']!r}, expected a time such as 2027-01-31T12:00:00Z")
    return records


def _write(file: Path, records: Records) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    new = file.with_name(f".{file.name}.{os.getpid()}")
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:  # noqa: PTH123
        stream.write(f"[\n{lines}\n]\n")
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
