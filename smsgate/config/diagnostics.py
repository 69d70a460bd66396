"""What is wrong in a file of the operator's: where, what was found, what was expected, and the nearest good word.

Every fault that `smsgate.config` reports is a `Diagnostic`, and all that were found travel together in one
`DiagnosticsError`. How they are printed is the business of the commands.

The forms of files are pydantic models (`Form`). Their validators raise `fault(...)`; `explain` turns a ValidationError into
diagnostics, puts pydantic's own errors into our words, and leads each back to its line by way of the `Source`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Final, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from smsgate.rules.near import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smsgate.config.source import Source
    from smsgate.rules.model import Where

MAX_QUOTED_CHARS: Final = 40
"""As much of a value as a diagnostic repeats: enough to recognise it on one terminal line."""


LIST_TAG: Final = "[list]"
MAPPING_TAG: Final = "[mapping]"
"""What pydantic puts into the path of a value that may be either, to say which it is; no key of a file."""


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One fault. `line` and `column` count from 1, columns in characters. `suggestion` is a bare word or empty."""

    file: str
    line: int
    column: int
    found: str
    expected: str
    suggestion: str = ""

    @classmethod
    def at(cls, where: Where, found: str, expected: str, suggestion: str = "") -> Diagnostic:
        """The fault at this place."""
        return cls(where.file, where.line, where.column, found, expected, suggestion)

    def __str__(self) -> str:
        hint = f" (did you mean '{self.suggestion}'?)" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: found {self.found}, expected {self.expected}{hint}"


class DiagnosticsError(Exception):
    """Files that cannot be used. `diagnostics` holds every fault found, by file and line, each once."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(set(diagnostics)))
        super().__init__("\n".join(map(str, self.diagnostics)))


def quoted(value: object) -> str:
    """A value as a diagnostic names it: a text in quotes, cut after MAX_QUOTED_CHARS; of others only the kind."""
    if isinstance(value, str):
        if not value:
            return "nothing"
        return repr(value if len(value) <= MAX_QUOTED_CHARS else f"{value[:MAX_QUOTED_CHARS]}…")
    return "a list" if isinstance(value, list) else "a mapping"


def listed(words: Iterable[str]) -> str:
    """'a', 'a or b', 'one of a, b, c'."""
    known = list(words)
    return f"one of {', '.join(known)}" if len(known) > 2 else " or ".join(known)


def fault(found: str, expected: str, suggestion: str = "", offset: int = 0) -> PydanticCustomError:
    """What a validator raises. `offset` counts the characters of the text before the fault."""
    context = {"found": found, "expected": expected, "suggestion": suggestion, "offset": offset}
    return PydanticCustomError("fault", "{found}, expected {expected}", context)


class Form(BaseModel):
    """A mapping in a file: unknown keys are errors, an empty value counts as a key left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    protections: ClassVar[frozenset[str]] = frozenset()
    """Keys that are not left out when empty: their author would believe in a protection that is not there."""

    @classmethod
    def keys(cls) -> list[str]:
        """The keys it may have, as they are written."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: Any) -> Any:
        if value == "":
            return {}
        if not isinstance(value, dict):
            return value
        optional = set(cls.keys()) - cls.protections
        return {key: inner for key, inner in value.items() if inner != "" or key not in optional}


def explain(error: ValidationError, form: type[Form], source: Source) -> list[Diagnostic]:
    """One diagnostic for each error of a `form` that was filled with `source.root.value`."""
    return [
        _explain(details, form, source)
        for details in error.errors(include_url=False)
        if details["type"] != "too_short" or not details["input"]  # else: pydantic counts the sound entries only
    ]


def _explain(details: ErrorDetails, form: type[Form], source: Source) -> Diagnostic:
    path, value = tuple(step for step in details["loc"] if step not in {LIST_TAG, MAPPING_TAG}), details["input"]
    if path and path[-1] == "[key]":
        where = source.key(path[:-1])
    elif details["type"] == "extra_forbidden":
        where = source.key(path)
    else:
        where = source.where(path)
    match details["type"]:
        case "fault":
            context = details["ctx"]
            if context["offset"]:
                where = source.inside(path, context["offset"])
            return Diagnostic.at(where, context["found"], context["expected"], context["suggestion"])
        case "missing":
            return Diagnostic.at(where, f"no '{path[-1]}'", _field(form, path).description or "one")
        case "extra_forbidden":
            known = _form_at(form, path[:-1]).keys()
            key = str(path[-1])
            return Diagnostic.at(where, f"the unknown key {quoted(key)}", listed(known), nearest(key, known))
        case "too_short":
            return Diagnostic.at(where, "an empty list", "at least one entry")
        case "string_type":
            return Diagnostic.at(where, quoted(value), "a text")
        case "list_type" | "tuple_type":
            example = f": [{value}]" if isinstance(value, str) and 0 < len(value) <= MAX_QUOTED_CHARS else ""
            return Diagnostic.at(where, quoted(value), f"a list{example}")
        case _:
            return Diagnostic.at(where, quoted(value), "a mapping of keys to values")


def _form_at(form: type[Form], path: tuple[int | str, ...]) -> type[Form]:
    """The form at a path; lists and mappings of forms have it as their last type argument but `...`."""
    here: Any = form
    for step in path:
        if isinstance(here, type) and issubclass(here, Form):
            fields = here.model_fields
            here = next(field.annotation for name, field in fields.items() if step in {name, field.alias})
        else:
            here = [argument for argument in get_args(here) if argument is not ...][-1]
        if isinstance(here, UnionType):  # of a form and None
            here = get_args(here)[0]
    assert isinstance(here, type)
    assert issubclass(here, Form)
    return here


def _field(form: type[Form], path: tuple[int | str, ...]) -> Any:
    fields = _form_at(form, path[:-1]).model_fields
    return next(field for name, field in fields.items() if path[-1] in {name, field.alias})
