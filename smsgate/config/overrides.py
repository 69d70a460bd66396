"""Overrides: how a site changes rules of packs that it does not edit, and what is left of its changes when a pack is renewed.

A file whose top-level key is `overrides:` is no pack; it lies in a folder `overrides/` beside the packs, or anywhere among them.
It changes how a rule acts and whom it spares, never what it is about: for that a site writes a rule of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from smsgate.config.diagnostics import Diagnostic, Form, explain, fault, listed, quoted
from smsgate.config.fields import Conditions, Day, Name, OverrideAction, RuleMode, StatusCode
from smsgate.config.net_fields import SystemId
from smsgate.config.source import KeyPath, Source
from smsgate.rules.condition import Condition
from smsgate.rules.model import Action, Exemption, Pack, Rule, Where
from smsgate.rules.model import RuleMode as AnyMode
from smsgate.rules.near import nearest


class _Override(Form):
    mode: RuleMode | None = None
    action: OverrideAction | None = None
    status: StatusCode | None = None
    exceptions: Conditions = Field(alias="except", default=())
    expires: Day | None = None
    clients: dict[SystemId, RuleMode] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise fault("an override of nothing", listed(self.keys()))
        return self


class OverrideFile(Form):
    """A file of overrides. `use`: packs whose names their conditions may refer to, besides those of the rule's pack."""

    use: tuple[Name, ...] = ()
    overrides: dict[Name, _Override] = Field(min_length=1, description="ids of rules, each with what changes")


@dataclass(frozen=True, slots=True)
class Override:
    """What changes of one rule; None and empty leave it as it is."""

    rule: str
    where: Where
    mode: AnyMode | None
    action: Action | None
    status: int | None
    exemptions: tuple[Exemption, ...]
    expires: date | None
    clients: tuple[tuple[str, AnyMode], ...]

    def of(self, rule: Rule) -> Rule:
        """The rule as it is with this."""
        return replace(
            rule,
            mode=self.mode or rule.mode,
            action=self.action or rule.action,
            status=self.status or rule.status,
            exemptions=(*rule.exemptions, *self.exemptions),
            expires=self.expires or rule.expires,
            clients=tuple({**dict(rule.clients), **dict(self.clients)}.items()),
            overridden=self.where,
        )


def is_override_file(source: Source) -> bool:
    """Whether a file that was read holds overrides rather than a pack."""
    value: Any = source.root.value
    return isinstance(value, dict) and "overrides" in value and "pack" not in value


def read_overrides(source: Source) -> tuple[tuple[Override, ...], tuple[Diagnostic, ...]]:
    """The overrides of a file, and its faults."""
    try:
        form = OverrideFile.model_validate(source.root.value)
    except ValidationError as error:
        return (), (*source.diagnostics, *explain(error, OverrideFile, source))
    overrides = tuple(
        Override(
            rule,
            source.key(("overrides", rule)),
            override.mode,
            override.action,
            override.status,
            exemptions(source, ("overrides", rule, "except"), override.exceptions, form.use),
            override.expires,
            modes(override.clients),
        )
        for rule, override in form.overrides.items()
    )
    return overrides, source.diagnostics


def exemptions(
    source: Source, path: KeyPath, conditions: Sequence[Condition], use: tuple[str, ...] = ()
) -> tuple[Exemption, ...]:
    """The conditions under `except:`, each with its place."""
    return tuple(Exemption(found, source.where((*path, i)), use) for i, found in enumerate(conditions))


def modes(clients: Mapping[str, AnyMode]) -> tuple[tuple[str, AnyMode], ...]:
    """The modes of a rule by client, as `Rule.clients` has them."""
    return tuple((client.casefold(), mode) for client, mode in clients.items())


def overridden(packs: Iterable[Pack], overrides: Iterable[Override]) -> tuple[tuple[Pack, ...], list[Diagnostic]]:
    """The packs with their rules changed, and what is wrong with the overrides."""
    packs = tuple(packs)
    names = {pack.name for pack in packs}
    known = {rule.id: rule for pack in packs for rule in pack.rules}
    faults: list[Diagnostic] = []
    of: dict[str, Override] = {}
    for override in overrides:
        if override.rule not in known:
            expected = "the id of a rule that is loaded with this file"
            faults.append(Diagnostic.at(override.where, quoted(override.rule), expected, nearest(override.rule, known)))
        elif override.rule in of:
            expected = f"one: {of[override.rule].where} has one already"
            faults.append(Diagnostic.at(override.where, f"another override of {override.rule}", expected))
        elif override.action is not None and known[override.rule].action is Action.ALLOW:
            expected = "no action: what allows would refuse"
            faults.append(Diagnostic.at(override.where, f"the action {override.action} for {override.rule}", expected))
        of.setdefault(override.rule, override)
        for exemption in override.exemptions:
            for name in exemption.use:
                if name not in names:
                    expected = "under use the name of a pack that is loaded with this file"
                    faults.append(Diagnostic.at(exemption.where, quoted(name), expected, nearest(name, names)))
    if faults:
        return packs, faults
    return tuple(
        replace(pack, rules=tuple(of[rule.id].of(rule) if rule.id in of else rule for rule in pack.rules))
        for pack in packs
    ), []
