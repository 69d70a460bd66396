"""What an operator has blocked by hand: the desk, and records as `rules.blocks` has them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

from smsgate.by_hand.desk import Desk, Record, ends_at, named_value
from smsgate.rules.blocks import Block, BlockKind, compared, objection
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Where


class BlockDesk(Desk):
    """Hosts, numbers and senders. What is to be blocked for longer than a quarter belongs in a list of a pack, with its owner and
    source."""

    noun: ClassVar = "block"
    kinds: ClassVar = BlockKind
    done: ClassVar = "blocked"
    file_name: ClassVar = "blocks.json"
    most_s: ClassVar = 90 * 86_400

    def named(self, arguments: Mapping[str, Any]) -> Record:
        """See `Desk`."""
        kind = arguments.get("kind")
        if kind not in set(BlockKind):
            raise ValueError(f"found {kind!r}, expected one of {', '.join(BlockKind)}")
        return {"kind": str(kind), "value": named_value(kind, arguments.get("value"))}

    def objection(self, rules: RuleSet, named: Record) -> str:
        """See `Desk`."""
        return objection(rules, BlockKind(named["kind"]), named["value"])

    def key(self, record: Record) -> Hashable:
        """See `Desk`."""
        return record["kind"], compared(BlockKind(record["kind"]), record["value"])

    def for_log(self, record: Record) -> dict[str, str]:
        """See `Desk`."""
        kind = str(record["kind"])
        return {"kind": kind, "host": record["value"]} if kind == BlockKind.HOST else {"kind": kind}


def blocks_of(file: str, records: Sequence[Record], offset_s: float) -> list[Block]:
    """Records as `rules.blocks` has them. `offset_s`: what to add to a time of day for the clock that messages are judged by."""
    return [
        Block(
            BlockKind(record["kind"]),
            record["value"],
            ends_at(record) + offset_s,
            record["reason"],
            Where(file, line),
        )
        for line, record in enumerate(records, 2)  # behind the bracket
    ]
