"""The form of a limit in a rule file: what it may say, and what in it contradicts itself."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from smsgate.config.diagnostics import Form, fault, listed
from smsgate.config.fields import (
    Burst,
    ConditionText,
    LimitAction,
    LimitMode,
    LimitUnit,
    Name,
    Over,
    Per,
    StatusCode,
    Text,
)
from smsgate.rules import condition as cond
from smsgate.rules.condition import Condition
from smsgate.rules.model import DISTINCT, Action, Limit, LimitKey, Mode, Unit, Where


def has_client(condition: Condition) -> bool:
    """Whether nothing can meet the condition without being one of some named clients."""
    match condition:
        case cond.Member(field="client"):
            return True
        case cond.AtLeast(count=count, terms=terms):
            return count == len(terms) and any(map(has_client, terms))
    return False


class LimitForm(Form):
    """A limit of a pack."""

    id: Name = Field(description="a name that no other rule or limit has")
    title: Text = Field(description="what the limit is for, in a few words")
    condition: ConditionText | None = Field(alias="if", default=None)
    count: LimitUnit = Unit.MESSAGES
    per: Per = Field(description=f"{listed(LimitKey)}, or a list of them")
    over: Over = Field(description="a number and a window such as '20 in 10m'")
    burst: Burst | None = None
    action: LimitAction = Action.THROTTLE
    status: StatusCode | None = None
    mode: LimitMode = Mode.ENFORCE

    @field_validator("per")
    @classmethod
    def _counts_others(cls, per: tuple[tuple[LimitKey, ...], int], info: ValidationInfo) -> Any:
        unit = info.data.get("count")
        if (unit, True) in {
            (Unit.SENDERS, LimitKey.SENDER in per[0]),
            (Unit.RECIPIENTS, LimitKey.DESTINATION in per[0]),
        }:
            raise fault(f"{unit} for each of them", "another key: there is never more than one")
        return per

    @field_validator("action")
    @classmethod
    def _shapes_whom_it_trusts(cls, action: Action, info: ValidationInfo) -> Action:
        """Whoever is shaped is told nothing and loses nothing, and could fill the gate's buffers if nobody vouched for it."""
        given = info.data
        if action is not Action.SHAPE or not {"condition", "count", "per", "over"} <= given.keys():
            return action
        if given["condition"] is None or not has_client(given["condition"]):
            raise fault("shape for every client", "'client in [...]' joined by 'and': those that are trusted to wait")
        if LimitKey.CLIENT not in given["per"][0]:
            raise fault("shape without the key client", "client under per: a pause holds up all that a session sends")
        if given["count"] in DISTINCT:
            raise fault(f"shape of {given['count']}", "count: messages or segments")
        if given["over"][0] < given["over"][1]:
            raise fault("shape to less than one a second", "a higher rate: a pause lasts a second at most")
        return action

    @field_validator("status")
    @classmethod
    def _answers(cls, status: int | None, info: ValidationInfo) -> int | None:
        if status is not None and info.data.get("action") is Action.SHAPE:
            raise fault("a status for shape", "none: the message passes")
        return status

    def limit(self, where: Where) -> Limit:
        """The limit that stands at this place."""
        count, window_s = self.over
        per, prefix_digits = self.per
        return Limit(
            id=self.id,
            title=self.title,
            per=per,
            count=count,
            window_s=window_s,
            where=where,
            condition=self.condition,
            unit=self.count,
            burst=self.burst,
            prefix_digits=prefix_digits,
            action=self.action,
            status=self.status,
            mode=self.mode,
        )
