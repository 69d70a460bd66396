"""Packs built by hand, without YAML, for tests of rules, limits and policy; and those that ship, loaded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from smsgate.config.rules import load_rules
from smsgate.rules.compile import compile_packs
from smsgate.rules.condition import parse
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import (
    Action,
    Brand,
    EntryList,
    HostTokens,
    KeywordSet,
    Limit,
    LimitKey,
    ListKind,
    Mode,
    Official,
    Pack,
    Rule,
    SenderIds,
    Where,
)

HERE = Where("pack.yaml", 1)
SHIPPED = Path(__file__).parents[1] / "rules"


@cache
def shipped() -> RuleSet:
    """The packs that ship: loading them takes a second or more."""
    return load_rules([SHIPPED])


def rule(condition: str, action: Action = Action.BLOCK, name: str = "R-1", **fields: Any) -> Rule:
    """A rule with this condition."""
    return Rule(name, name, parse(condition), action, fields.pop("where", HERE), **fields)


def limit(
    per: LimitKey | tuple[LimitKey, ...], count: int, window_s: float = 60.0, name: str = "L-1", **fields: Any
) -> Limit:
    """A limit; `condition` as text."""
    condition = fields.pop("condition", None)
    keys = per if isinstance(per, tuple) else (per,)
    return Limit(name, name, keys, count, window_s, HERE, condition and parse(condition), **fields)


def brand(name: str, *names: str, **fields: Any) -> Brand:
    """A brand; `anywhere`, `whole`, `with_bait`, `domains`, `senders`, `phones` go where they belong."""
    tokens = {key: tuple(fields.pop(key, ())) for key in ("anywhere", "whole", "with_bait")}
    official = {key: tuple(fields.pop(key, ())) for key in ("domains", "senders", "phones")}
    fields["company"] = tuple(fields.get("company", ()))
    return Brand(name, names, HERE, host=HostTokens(**tokens), official=Official(**official), **fields)


def pack(
    *entries: Rule | Limit | Brand,
    name: str = "test",
    sets: Mapping[str, Sequence[str] | Mapping[str, int]] | None = None,
    domains: dict[str, Sequence[str]] | None = None,
    senders: dict[str, Sequence[str]] | None = None,
    numbers: dict[str, Sequence[str]] | None = None,
    ids: SenderIds = SenderIds(),  # noqa: B008  # frozen
    use: Sequence[str] = (),
) -> Pack:
    """A pack of rules, limits and brands, with keyword sets (words, or words with weights) and lists by name; `ids` under its
    `senders:`."""
    lists = [EntryList(key, ListKind.DOMAINS, tuple(found), HERE) for key, found in (domains or {}).items()]
    lists += [EntryList(key, ListKind.SENDERS, tuple(found), HERE) for key, found in (senders or {}).items()]
    lists += [EntryList(key, ListKind.NUMBERS, tuple(found), HERE) for key, found in (numbers or {}).items()]
    return Pack(
        name,
        "pack.yaml",
        HERE,
        use=tuple(use),
        brands=tuple(entry for entry in entries if isinstance(entry, Brand)),
        keywords=tuple(
            KeywordSet(key, tuple(words), HERE, tuple(words.values()) if isinstance(words, Mapping) else ())
            for key, words in (sets or {}).items()
        ),
        lists=tuple(lists),
        senders=ids,
        rules=tuple(entry for entry in entries if isinstance(entry, Rule)),
        limits=tuple(entry for entry in entries if isinstance(entry, Limit)),
    )


def rule_set(*entries: Rule | Limit | Brand, **fields: Any) -> RuleSet:
    """One pack, compiled."""
    return compile_packs([pack(*entries, **fields)])


__all__ = ["HERE", "Action", "LimitKey", "Mode", "brand", "limit", "pack", "rule", "rule_set"]
