"""All desks of a gate, as whoever serves the operator's requests has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from smsgate.by_hand.allows import AllowDesk
from smsgate.by_hand.blocks import BlockDesk
from smsgate.by_hand.desk import Desk, Records, in_force
from smsgate.rules.engine import RuleSet

REQUESTS: Final = {"block": "block", "unblock": "block", "allow": "allow", "disallow": "allow"}
"""What an operator may ask, and whose desk it is."""


class Desks:
    """`tell` is given a desk's noun, its file and all its records after each change of these."""

    def __init__(self, folder: Path | None, tell: Callable[[str, str, Records], None]) -> None:
        self._desks: dict[str, Desk] = {
            desk.noun: desk(folder, partial(tell, desk.noun)) for desk in (BlockDesk, AllowDesk)
        }

    def load(self) -> None:
        """Put in force what the files say."""
        for desk in self._desks.values():
            desk.load()

    def orders(self) -> list[tuple[str, str, Records]]:
        """What `tell` was told last, for those who come later."""
        return [(noun, desk.file, desk.records) for noun, desk in self._desks.items()]

    def in_force(self) -> Iterator[tuple[tuple[str, str], int]]:
        """How many of each desk and kind are. Safe from another thread: records are put in place whole."""
        for noun, desk in self._desks.items():
            kinds = Counter(record["kind"] for record in in_force(desk.records))
            yield from (((noun, kind), kinds[kind]) for kind in desk.kinds)

    async def operate(
        self, what: str, arguments: Mapping[str, Any], rules: Callable[[], Awaitable[RuleSet]]
    ) -> Records:
        """`block` and `allow` order and answer that order; without a kind they answer all that are in force. `unblock` and
        `disallow` answer what they took away. Raises ValueError."""
        desk = self._desks[REQUESTS[what]]
        if what != desk.noun:
            return await desk.end(arguments)
        return await desk.order(arguments, rules)
