"""What an operator allows by hand: the desk, and records as `rules.allowances` has them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, ClassVar

from smsgate.by_hand.desk import Desk, Record, named_value
from smsgate.rules.allowances import Allowances, AllowKind
from smsgate.rules.brands import squeezed
from smsgate.rules.engine import RuleSet
from smsgate.rules.near import nearest
from smsgate.text.hosts import public_suffix
from smsgate.text.phones import canonical


class AllowDesk(Desk):
    """Hosts, numbers, senders of a client, and rules. A week is enough to put a rule right; the rest is for the rules."""

    noun: ClassVar = "allow"
    kinds: ClassVar = AllowKind
    done: ClassVar = "allowed"
    file_name: ClassVar = "allows.json"
    most_s: ClassVar = 7 * 86_400

    def named(self, arguments: Mapping[str, Any]) -> Record:
        """See `Desk`."""
        kind, value, client = arguments.get("kind"), arguments.get("value"), arguments.get("client")
        if kind not in set(AllowKind):
            raise ValueError(f"found {kind!r}, expected one of {', '.join(AllowKind)}")
        if kind == AllowKind.SENDER and not client:
            raise ValueError("anybody can write a sender: say whose it is with a client")
        if kind != AllowKind.SENDER and client:
            raise ValueError("a client goes with a sender; for a rule, write `clients:` into an override")
        checked = str(value or "") if kind == AllowKind.RULE else named_value(kind, value)
        return {"kind": str(kind), "value": checked, **({"client": client} if client else {})}

    def objection(self, rules: RuleSet, named: Record) -> str:
        """See `Desk`."""
        value = named["value"]
        if named["kind"] == AllowKind.RULE:
            known = [rule.id for rule in rules.rules] + [limit.id for limit in rules.limits]
            if value not in known:
                near = nearest(value, known)
                hint = f" (did you mean '{near}'?)" if near else ""
                raise ValueError(f"found {value!r}, expected the id of a rule or limit in force{hint}")
        if named["kind"] == AllowKind.HOST and public_suffix(value) == value:
            return "a suffix under which anybody may have a site"
        return ""

    def key(self, record: Record) -> Hashable:
        """See `Desk`."""
        kind, value = record["kind"], record["value"]
        same = squeezed(value) if kind == AllowKind.SENDER else value
        return kind, same, record.get("client", "").casefold()

    def for_log(self, record: Record) -> dict[str, str]:
        """See `Desk`."""
        kind = str(record["kind"])
        about = {"kind": kind, "client": record.get("client", "")}
        return about | {kind: record["value"]} if kind in {AllowKind.HOST, AllowKind.RULE} else about


def allowances_of(records: Iterable[Record]) -> Allowances:
    """Records as `rules.allowances` has them."""
    of: dict[str, set[str]] = {kind: set() for kind in AllowKind}
    senders = set()
    for record in records:
        if record["kind"] == AllowKind.SENDER:
            senders.add((record["client"].casefold(), squeezed(record["value"])))
        else:
            of[record["kind"]].add(record["value"])
    numbers = frozenset(map(canonical, of[AllowKind.NUMBER]))
    return Allowances(frozenset(of[AllowKind.HOST]), numbers, frozenset(senders), frozenset(of[AllowKind.RULE]))
