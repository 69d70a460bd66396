"""What a pack says, as frozen values: brands, keyword sets, lists, rules and limits.

`config.rulefile` makes these out of YAML, `rules.compile` makes a `RuleSet` out of them. Every value that an operator wrote
carries its `Where`, so that a verdict, a diagnostic and `explain` can all name the line; places are left out of `repr`, which
is what a rule set's version is made of: the same rules in another folder are the same version. Nothing here knows YAML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smsgate.rules.condition import Condition
    from smsgate.rules.lists import DigestTable


class Action(StrEnum):
    """What a rule or limit does to a message. The strictest of several is what happens.

    SHAPE lets it pass, and holds up what its sender sends next. DROP refuses without saying so: the sender is told that the
    message was taken. ALLOW as a rule's action ends the matter when
    it holds in every plausible reading; as a verdict it also means that nothing hit.
    """

    ALLOW = "allow"
    SHAPE = "shape"
    FLAG = "flag"
    THROTTLE = "throttle"
    BLOCK = "block"
    DROP = "drop"

    @property
    def strictness(self) -> int:
        """0 for allow, rising."""
        return STRICTNESS[self]


STRICTNESS = {action: index for index, action in enumerate(Action)}
REFUSING = frozenset({Action.THROTTLE, Action.BLOCK, Action.DROP})
"""Actions after which a message does not reach the SMSC."""


class Mode(StrEnum):
    """Whether a rule acts (`enforce`) or only counts what it would have done (`monitor`)."""

    MONITOR = "monitor"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class Sample:
    """The mode of a rule that acts on a share of what it hits, 0 to 1, and monitors the rest (see `rules.sampling`)."""

    share: float

    def __str__(self) -> str:
        return f"sample {self.share * 100:g}%"


RuleMode = Mode | Sample


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place in a file of the operator's; line and column count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class HostTokens:
    """How a brand shows in a host name. `anywhere`: inside a label, one inner typo allowed, six letters or more.
    `whole`: a whole part of a label (parts are cut at hyphens and digits), or two parts together. `with_bait`: a whole part,
    beside a bait word."""

    anywhere: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    with_bait: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Official:
    """What really belongs to a brand: registrable or longer domains (sub-domains included), sender ids, phone numbers."""

    domains: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brand:
    """Who is impersonated. `names` are keywords; with `company`, a name counts only beside one of those words."""

    name: str
    names: tuple[str, ...]
    where: Where = field(repr=False)
    group: str | None = None
    company: tuple[str, ...] = ()
    host: HostTokens = HostTokens()
    official: Official = Official()


@dataclass(frozen=True, slots=True)
class KeywordSet:
    """A named set of keywords; a `*` at the end of one means a prefix. `weights`: one for each keyword, or none at all."""

    name: str
    keywords: tuple[str, ...]
    where: Where = field(repr=False)
    weights: tuple[int, ...] = ()


class ListKind(StrEnum):
    """What the entries of a list are."""

    DOMAINS = "domains"
    SENDERS = "senders"
    NUMBERS = "numbers"


@dataclass(frozen=True, slots=True)
class EntryList:
    """A named list that conditions refer to (`link_host in NAME`, `sender in NAME`).

    Domains come as `text.urls.Link.host` has them. A long list has a `table` in place of `entries`, in which they stand as they
    are looked up. `source` says where the list comes from, `since` from when; after the day `expires` it counts as empty.
    """

    name: str
    kind: ListKind
    entries: tuple[str, ...]
    where: Where = field(repr=False)
    table: DigestTable | None = None
    source: str = ""
    since: date | None = None
    expires: date | None = None

    def __len__(self) -> int:
        return len(self.entries) if self.table is None else len(self.table)


@dataclass(frozen=True, slots=True)
class ReservedSender:
    """A sender id that only some clients (system_ids) may use; nobody may where none is named."""

    sender: str
    clients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SenderIds:
    """Sender ids that nobody may use, and those that some may. A long list of forbidden ones has a `table` as `EntryList` has."""

    forbidden: tuple[str, ...] = ()
    reserved: tuple[ReservedSender, ...] = ()
    table: DigestTable | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A message beside a rule, run in the real engine when the pack loads. `ambiguous_body`: what its PDU would say; `alphabet`:
    that of its text, "" for none; `segments`: how many parts it has; `hour`: the one it comes in, in the zone of its rule."""

    text: str
    where: Where = field(repr=False)
    sender: str = ""
    client: str = ""
    ambiguous_body: bool = False
    destination: str = ""
    alphabet: str = ""
    segments: int = 1
    hour: int = 12


@dataclass(frozen=True, slots=True)
class Exemption:
    """A condition that keeps a rule from hitting. Its names are those that the rule may use, and those of the packs `use`."""

    condition: Condition
    where: Where = field(repr=False)
    use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: it hits where `condition` holds and none of `exemptions` does.

    `status` None means the default of the action (see `rules.engine`). `clients`: other modes for some of them, whose names
    are case folded. After the day `expires` it is left out. `overridden`: where an override has changed it.
    """

    id: str
    title: str
    condition: Condition
    action: Action
    where: Where = field(repr=False)
    why: str = ""
    status: int | None = None
    mode: RuleMode = Mode.ENFORCE
    expires: date | None = None
    matches: tuple[Example, ...] = ()
    passes: tuple[Example, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    clients: tuple[tuple[str, RuleMode], ...] = ()
    owner: str = ""
    reference: str = ""
    since: date | None = None
    overridden: Where | None = field(default=None, repr=False)

    def mode_for(self, client: str) -> RuleMode:
        """The mode of the rule for messages of a client."""
        if self.clients:
            folded = client.casefold()
            for name, mode in self.clients:
                if name == folded:
                    return mode
        return self.mode


class LimitKey(StrEnum):
    """What a limit counts by: of which client a message is, what its PDU says, what its text does."""

    CLIENT = "client"
    SENDER = "sender"
    DESTINATION = "destination"
    DESTINATION_PREFIX = "destination_prefix"
    LINK_HOST = "link_host"
    PHONE = "phone"
    TEMPLATE = "template"


TEXT_KEYS = frozenset({LimitKey.LINK_HOST, LimitKey.PHONE, LimitKey.TEMPLATE})
"""Of a message in parts, each part may show others."""


class Unit(StrEnum):
    """What a limit counts: a message in parts is one message of several segments."""

    MESSAGES = "messages"
    SEGMENTS = "segments"
    SENDERS = "distinct senders"
    RECIPIENTS = "distinct recipients"


DISTINCT = frozenset({Unit.SENDERS, Unit.RECIPIENTS})


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` units per `window_s` seconds, and `burst` of them at once (None: `count`), for each value of `per`, or
    each combination where it names several; of messages that meet `condition`. `prefix_digits`: how many of a destination
    make its prefix."""

    id: str
    title: str
    per: tuple[LimitKey, ...]
    count: int
    window_s: float
    where: Where = field(repr=False)
    condition: Condition | None = None
    unit: Unit = Unit.MESSAGES
    burst: int | None = None
    prefix_digits: int = 0
    action: Action = Action.THROTTLE
    status: int | None = None
    mode: Mode = Mode.ENFORCE

    @property
    def identity(self) -> str:
        """What makes a limit of another rule set the same one, which goes on counting. Its condition may change."""
        return repr((self.id, self.per, self.prefix_digits, self.unit, self.count, self.window_s, self.burst))


@dataclass(frozen=True, slots=True)
class Pack:
    """One rule file. `use` names other packs whose keyword sets, brands and lists its rules may refer to; with `typos` its
    keywords are also found with one slip in a long word. `timezone`: the one that `hour` is told in."""

    name: str
    file: str = field(repr=False)
    where: Where = field(repr=False)
    owner: str = ""
    use: tuple[str, ...] = ()
    typos: bool = False
    timezone: tzinfo = UTC
    brands: tuple[Brand, ...] = ()
    keywords: tuple[KeywordSet, ...] = ()
    lists: tuple[EntryList, ...] = ()
    senders: SenderIds = SenderIds()
    rules: tuple[Rule, ...] = ()
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a pack, found after parsing: where, what was found, what was expected, the nearest good word."""

    where: Where
    found: str
    expected: str
    suggestion: str = ""


class PackError(ValueError):
    """Packs that do not compile. Carries every problem found, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s), the first: {problems[0]}")
        self.problems = problems


def place(entry: Rule | Limit) -> str:
    """Where a rule or limit stands, for people: `rules/fr/cpf.yaml:87:5`, and where an override has changed it."""
    overridden = entry.overridden if isinstance(entry, Rule) else None
    return f"{entry.where}, overridden in {overridden}" if overridden else str(entry.where)
