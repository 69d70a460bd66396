"""What a text in a file may be: one function and one type for each kind of field, with the words for what it must be.

Everything here gets a text, or whatever else stands in the place of one, and returns the typed value or raises
`diagnostics.fault`. Which field is of which kind is said by the forms in `rulefile` and `load`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, tzinfo
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from smsgate.config.diagnostics import LIST_TAG, MAPPING_TAG, fault, listed, quoted
from smsgate.rules import condition as cond
from smsgate.rules.condition import Condition, ConditionError
from smsgate.rules.model import Action, LimitKey, Mode, Sample, Unit
from smsgate.rules.model import RuleMode as AnyMode
from smsgate.rules.near import nearest
from smsgate.rules.words import keyword_entries
from smsgate.smpp.coding import NAMES
from smsgate.smpp.constants import Status
from smsgate.text.hosts import ascii_host
from smsgate.text.normalize import fold

MAX_NAME_CHARS: Final = 64
"""Names and ids become metric labels and columns of reports."""
MAX_SENDER_CHARS: Final = 20
"""SMPP 3.4, 5.2.8: a source_addr has 21 octets with its NUL; a longer sender can't occur."""
MAX_DOMAIN_CHARS: Final = 253
"""RFC 1035, 2.3.4."""
MIN_ANYWHERE_LETTERS: Final = 6
"""Shorter ones are inside many innocent names: `free` in 188 of the popular domains, `ups` in 27."""
MAX_STATUS: Final = 0xFFFFFFFF
"""command_status has four octets (SMPP 3.4, 3.2)."""
MAX_WEIGHT: Final = 1_000
"""Of a keyword, either way: three digits tell apart what a sample can tell apart."""
MAX_LIMIT_COUNT: Final = 1_000_000_000
"""More than any SMSC carries in a month."""
MAX_WINDOW_S: Final = 31 * 86_400
"""State of limits lives in memory and starts anew with the process: a month is already more than it keeps."""
MAX_PREFIX_DIGITS: Final = 15
"""ITU-T E.164: no number is longer."""

SCALAR: Final = ["string", "number", "boolean"]
"""What editors take a scalar for, before it is read as text."""

_NAME: Final = re.compile(r"[^\W_][\w.-]*")
_RESERVED: Final = cond.RESERVED.union(
    cond.FACTS, cond.PREDICATES, cond.FIELDS, cond.QUANTITIES, cond.MEASURES, ("any", "all")
)
_LABEL: Final = r"(?:[a-z0-9_]|[^\x00-\x7f\s\u3002\uff0e\uff61])"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:-*{_LABEL})*(?:\.{_LABEL}(?:-*{_LABEL})*)+")
_HOST_IN_URL: Final = re.compile(r"(?:[a-z]+:/*)?(?:\*\.)?([^\s/:@?#*]+?)\.?(?:[:/?#].*)?")
_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}")
_PHONE: Final = re.compile(r"\+?[\d ().-]*")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,9}")
_OVER: Final = re.compile(r"([0-9]{1,12}) in ([0-9]{1,9}) ?([smhd])")
_PREFIX: Final = re.compile(r"(destination_prefix)(?: ([0-9]{1,3}))?")
_KEYS: Final = {str(key): key for key in LimitKey}
_SAMPLE: Final = re.compile(r"sample ([0-9]{1,2}(?:\.[0-9]{1,3})?) ?%")
_SWITCH: Final = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

T = TypeVar("T")


def text(value: str) -> str:
    """Not blank."""
    if not value.strip():
        raise fault(quoted(value), "a text")
    return value


def name(value: str) -> str:
    """Of a pack, a rule or a limit."""
    if not _NAME.fullmatch(value) or len(value) > MAX_NAME_CHARS:
        raise fault(quoted(value), f"a name of letters, digits, _ - and ., at most {MAX_NAME_CHARS} long")
    return value


def term(value: str) -> str:
    """Of a brand, a group, a keyword set or a list: what conditions refer to."""
    if name(value).lower() in _RESERVED:
        raise fault(quoted(value), "another name: this one is a word of the condition language")
    return value


def keyword(value: str) -> str:
    """Whole words, or a prefix with a `*`."""
    try:
        keyword_entries(value)
    except ValueError as error:
        raise fault(quoted(value), str(error)) from None
    return value


def domain(value: str) -> str:
    """A domain as `text.urls.Link.host` has it: lower case, IDN labels as punycode."""
    host = unicodedata.normalize("NFC", value.lower())
    if not _DOMAIN.fullmatch(host):
        inner = _HOST_IN_URL.fullmatch(host)
        near = inner[1] if inner and _DOMAIN.fullmatch(inner[1]) else ""
        raise fault(quoted(value), "a domain such as name.example (its sub-domains are included)", near)
    if not host.isascii():
        host = ascii_host(host)
    if not host or len(host) > MAX_DOMAIN_CHARS:
        raise fault(quoted(value), f"a domain of at most {MAX_DOMAIN_CHARS} characters")
    return host


def sender(value: str) -> str:
    """A sender id or number, as a submit_sm could carry it."""
    if not value.strip() or len(value) > MAX_SENDER_CHARS:
        raise fault(quoted(value), f"a sender of 1 to {MAX_SENDER_CHARS} characters")
    if fold(value).isspace():
        raise fault(quoted(value), "a sender with letters or digits")
    return value


def phone(value: str) -> str:
    """A phone number in the usual ways of writing."""
    if not _PHONE.fullmatch(value) or sum(map(str.isdigit, value)) < 3:
        raise fault(quoted(value), "a phone number of three digits or more")
    return value


def token(value: str) -> str:
    """A part of a host name."""
    if not fold(value).replace(" ", "").isalpha():
        raise fault(quoted(value), "letters only: host names are cut at digits, hyphens and dots to be compared")
    return value


def anywhere_token(value: str) -> str:
    """What counts anywhere in a host name."""
    if sum(map(str.isalpha, fold(value))) < MIN_ANYWHERE_LETTERS:
        raise fault(quoted(value), f"{MIN_ANYWHERE_LETTERS} letters or more, or the token under whole or with_bait")
    return value


def number(value: object, *, least: int, most: int) -> int:
    """A whole number in these bounds."""
    if not isinstance(value, str) or not _WHOLE.fullmatch(value) or not least <= int(value) <= most:
        raise fault(quoted(value), f"a whole number from {least} to {most}")
    return int(value)


def weight(value: object) -> int:
    """Of a keyword in a set that is scored."""
    if value == "0":
        raise fault(quoted(value), "another weight: with this one the keyword counts for nothing")
    return number(value, least=-MAX_WEIGHT, most=MAX_WEIGHT)


def timezone(value: object) -> ZoneInfo:
    """A zone of the IANA database."""
    known = available_timezones()
    if not isinstance(value, str) or value not in known:
        near = nearest(value, known) if isinstance(value, str) else ""
        raise fault(quoted(value), "a time zone such as Europe/Paris", near)
    return ZoneInfo(value)


def alphabet(value: object) -> str:
    """What readings call theirs."""
    if not isinstance(value, str) or value not in NAMES:
        raise fault(quoted(value), listed(NAMES), nearest(value, NAMES) if isinstance(value, str) else "")
    return value


def choice(table: Mapping[str, T], value: object) -> T:
    """The value that a word stands for."""
    if not isinstance(value, str) or value not in table:
        raise fault(quoted(value), listed(table), nearest(value, table) if isinstance(value, str) else "")
    return table[value]


def switch(value: object) -> bool:
    """True or false, in the three spellings that people bring from other YAML files."""
    if not isinstance(value, str) or value not in _SWITCH:
        near = nearest(value, ("true", "false")) if isinstance(value, str) else ""
        raise fault(quoted(value), "true or false", near)
    return _SWITCH[value]


def word_of(words: type[StrEnum]) -> PlainValidator:
    """Validates a word of an enumeration."""
    known = {str(word): word for word in words}
    return PlainValidator(
        partial(choice, known), json_schema_input_type=Annotated[str, WithJsonSchema({"enum": [*known]})]
    )


def status(value: object) -> int:
    """A command_status that refuses."""
    known = Status.__members__
    text = value if isinstance(value, str) else ""
    if text in known:
        number = int(known[text])
    elif _NUMBER.fullmatch(text):
        number = int(text, 16 if text[:2] in {"0x", "0X"} else 10)
    else:
        near = nearest(text, known) if text else ""
        raise fault(quoted(value), "the name of a status such as ESME_RX_R_APPN, or a number such as 0x66", near)
    if not 0 < number <= MAX_STATUS:
        raise fault(quoted(value), f"an error status, 1 to 0x{MAX_STATUS:X}: the message is refused with it")
    return number


def expires(value: object) -> date:
    """An ISO date."""
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        day = None
    if day is None or str(day) != value:
        raise fault(quoted(value), "a day such as 2027-06-30")
    return day


def over(value: object) -> tuple[int, float]:
    """How many, and in how many seconds."""
    match = _OVER.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise fault(quoted(value), "a number and a window such as '20 in 10m' (s, m, h, d)")
    count, window_s = int(match[1]), float(int(match[2]) * _SECONDS[match[3]])
    if not 1 <= count <= MAX_LIMIT_COUNT or not 1 <= window_s <= MAX_WINDOW_S:
        raise fault(quoted(value), f"1 to {MAX_LIMIT_COUNT:,} messages in 1s to {MAX_WINDOW_S // 86_400}d")
    return count, window_s


def per(value: object) -> tuple[tuple[LimitKey, ...], int]:
    """The keys of a limit, and how many digits of a destination are a prefix."""
    words = value if isinstance(value, list | tuple) else [value]
    keys: list[LimitKey] = []
    digits = 0
    for word in words:
        prefix = _PREFIX.fullmatch(word) if isinstance(word, str) else None
        if prefix is not None:
            digits = int(prefix[2] or 0)
            if not 1 <= digits <= MAX_PREFIX_DIGITS:
                raise fault(quoted(word), f"how many digits, such as 'destination_prefix 5' (1 to {MAX_PREFIX_DIGITS})")
        keys.append(choice(_KEYS, prefix[1] if prefix is not None else word))
    if not keys:
        raise fault("an empty list", "at least one entry")
    if len(set(keys)) < len(keys):
        raise fault("the same key twice", "each once")
    if {LimitKey.DESTINATION, LimitKey.DESTINATION_PREFIX} <= set(keys):
        raise fault("destination and destination_prefix", "one of them: the longer key says it all")
    return tuple(keys), digits


def burst(value: object) -> int:
    """How many at once."""
    if not isinstance(value, str) or not re.fullmatch("[0-9]{1,10}", value) or not 1 <= int(value) <= MAX_LIMIT_COUNT:
        raise fault(quoted(value), f"a number from 1 to {MAX_LIMIT_COUNT:,}")
    return int(value)


def condition(value: object) -> Condition:
    """A condition, parsed."""
    if not isinstance(value, str):
        raise fault(quoted(value), "a condition")
    try:
        return cond.parse(value)
    except ConditionError as error:
        raise fault(error.found, error.expected, error.suggestion, error.column - 1) from None


def mode(value: object) -> AnyMode:
    """The mode of a rule."""
    text = value if isinstance(value, str) else ""
    if text in set(Mode):
        return Mode(text)
    match = _SAMPLE.fullmatch(text)
    if match is None or not float(match[1]):
        expected = "monitor, enforce, or sample with a percentage such as 'sample 10%'"
        raise fault(quoted(value), expected, nearest(text, Mode))
    return Sample(float(match[1]) / 100)


def one_or_more(value: object) -> Any:
    """A single entry may be written without its list."""
    return [value] if isinstance(value, str) else value


ACTIONS: Final = {
    str(action): action
    for action in sorted(Action, key=lambda action: action is Action.ALLOW)
    if action is not Action.SHAPE
}
OVERRIDE_ACTIONS: Final = {word: action for word, action in ACTIONS.items() if action is not Action.ALLOW}
LIMIT_ACTIONS: Final = {str(action): action for action in Action if action not in {Action.ALLOW, Action.DROP}}


def shown(description: str, **more: Any) -> WithJsonSchema:
    """How the JSON Schema has a field (see `schema`): any scalar, as all are read as text, and what more is said."""
    kind = {} if more.keys() & {"enum", "anyOf", "type"} else {"type": SCALAR}
    return WithJsonSchema({**kind, "description": description, **more})


_DAY = "a day such as 2027-06-30"
_MODE = shown(
    "monitor: hits are counted; sample 10%: acts on that share of its hits; enforce: acts",
    anyOf=[{"enum": [*Mode]}, {"type": "string", "pattern": rf"^{_SAMPLE.pattern}$"}],
)
_STATUS = shown(
    "the command_status to answer: a name, or a number such as 0x45",
    anyOf=[
        {"enum": [name for name, status in Status.__members__.items() if status]},
        {"type": "string", "pattern": rf"^(?:{_NUMBER.pattern})$"},
        {"type": "integer", "minimum": 1, "maximum": MAX_STATUS},
    ],
)

Text = Annotated[str, AfterValidator(text)]
Name = Annotated[str, AfterValidator(name), shown("a name of letters, digits, _ - and .", maxLength=MAX_NAME_CHARS)]
Term = Annotated[str, AfterValidator(term), shown("a name for conditions to refer to", maxLength=MAX_NAME_CHARS)]
Keyword = Annotated[
    str, AfterValidator(keyword), shown("whole words, or the start of one with a *", pattern=r"^[^*]*[^\W_][^*]*\*?$")
]
Weight = Annotated[int, PlainValidator(weight), shown("a whole number", type=["integer", "string"])]
Keywords = Annotated[
    Annotated[tuple[Keyword, ...], Field(min_length=1), Tag(LIST_TAG)]
    | Annotated[dict[Keyword, Weight], Field(min_length=1), Tag(MAPPING_TAG)],
    Discriminator(lambda value: MAPPING_TAG if isinstance(value, dict) else LIST_TAG),
]
"""A list, or a mapping to weights."""
TimeZone = Annotated[tzinfo, PlainValidator(timezone), shown("a time zone such as Europe/Paris", type="string")]
AlphabetName = Annotated[str, PlainValidator(alphabet), shown("an alphabet", enum=[*NAMES])]
Domain = Annotated[
    str,
    AfterValidator(domain),
    shown("a domain; its sub-domains are included", pattern=r"^[^\s/:@?#*]+\.[^\s/:@?#*]+$"),
]
Sender = Annotated[str, AfterValidator(sender), shown("a sender id or number", minLength=1, maxLength=MAX_SENDER_CHARS)]
Phone = Annotated[str, AfterValidator(phone), shown("a phone number", pattern=rf"^{_PHONE.pattern}$")]
HostToken = Annotated[str, AfterValidator(token), shown("letters only")]
AnywhereToken = Annotated[
    str, AfterValidator(anywhere_token), shown("six letters or more", minLength=MIN_ANYWHERE_LETTERS)
]
ConditionText = Annotated[
    Condition,
    PlainValidator(condition),
    shown(
        "terms joined by and, or, not and brackets, such as: names(cpf) and demand and not official(cpf)", minLength=1
    ),
]
Conditions = Annotated[
    tuple[ConditionText, ...],
    BeforeValidator(one_or_more),
    shown(
        "conditions under which the rule does not hit: one, or a list",
        anyOf=[{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    ),
]
RuleAction = Annotated[Action, PlainValidator(partial(choice, ACTIONS)), shown("what happens", enum=[*ACTIONS])]
LimitAction = Annotated[
    Action, PlainValidator(partial(choice, LIMIT_ACTIONS)), shown("what happens", enum=[*LIMIT_ACTIONS])
]
OverrideAction = Annotated[
    Action, PlainValidator(partial(choice, OVERRIDE_ACTIONS)), shown("what happens", enum=[*OVERRIDE_ACTIONS])
]
RuleMode = Annotated[AnyMode, PlainValidator(mode), _MODE]
LimitMode = Annotated[Mode, word_of(Mode), shown("whether it acts or only counts", enum=[*Mode])]
LimitUnit = Annotated[Unit, word_of(Unit), shown("what is counted", enum=[*Unit])]
_KEY = {"anyOf": [{"enum": [*LimitKey]}, {"type": "string", "pattern": f"^(?:{_PREFIX.pattern})$"}]}
Per = Annotated[
    tuple[tuple[LimitKey, ...], int],
    PlainValidator(per),
    shown("what is counted by: a key, or a list of keys", anyOf=[_KEY, {"type": "array", "items": _KEY}]),
]
Burst = Annotated[int, PlainValidator(burst), shown("how many at once", type=["integer", "string"])]
StatusCode = Annotated[int, PlainValidator(status), _STATUS]
Switch = Annotated[bool, PlainValidator(switch), shown("true or false", enum=[True, False, *_SWITCH])]
Day = Annotated[date, PlainValidator(expires), shown(_DAY, type="string", pattern=r"^\d{4}-\d\d-\d\d$")]
Over = Annotated[
    tuple[int, float],
    PlainValidator(over),
    shown("how many in which time, such as 20 in 10m (s, m, h, d)", type="string", pattern=rf"^{_OVER.pattern}$"),
]
