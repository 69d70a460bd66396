"""The form of a rule file, and the way from it to `rules.model`.

A pack is read in three steps: `source` gives texts with positions, the forms below and in `limitform` type each text by the
field it stands in (`fields`), `read_pack` makes frozen values of them, each with its `Where`. Whether names that conditions use
exist is for `rules.compile` to say, whether examples hold for `examples`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import (
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core.core_schema import CoreSchema, ValidationInfo

from smsgate.config.diagnostics import Diagnostic, Form, explain, fault, listed
from smsgate.config.fields import (
    ACTIONS,
    SCALAR,
    AlphabetName,
    AnywhereToken,
    Conditions,
    ConditionText,
    Day,
    Domain,
    HostToken,
    Keyword,
    Keywords,
    Name,
    Phone,
    RuleAction,
    RuleMode,
    Sender,
    StatusCode,
    Switch,
    Term,
    Text,
    TimeZone,
    number,
)
from smsgate.config.limitform import LimitForm, has_client
from smsgate.config.lists import ListFile, read_list
from smsgate.config.net_fields import SystemId
from smsgate.config.overrides import Override, exemptions, is_override_file, modes, read_overrides
from smsgate.config.senders import Senders
from smsgate.config.source import KeyPath, Source, read
from smsgate.rules.condition import Condition
from smsgate.rules.model import (
    Action,
    Brand,
    EntryList,
    Example,
    HostTokens,
    KeywordSet,
    ListKind,
    Mode,
    Official,
    Pack,
    Rule,
)
from smsgate.smpp.udh import MAX_PARTS

if TYPE_CHECKING:
    from pathlib import Path

_FILE: Final = "_file"
_CONTENT: Final = {str(kind): kind for kind in ListKind} | {f"{kind}{_FILE}": kind for kind in ListKind}
"""The keys under which the entries of a list may stand."""


class _Host(Form):
    anywhere: tuple[AnywhereToken, ...] = ()
    whole: tuple[HostToken, ...] = ()
    with_bait: tuple[HostToken, ...] = ()


class _Official(Form):
    domains: tuple[Domain, ...] = ()
    senders: tuple[Sender, ...] = ()
    phones: tuple[Phone, ...] = ()


class _Brand(Form):
    names: Annotated[tuple[Keyword, ...], Field(min_length=1)] = Field(
        description="the names that texts call it by, as a list"
    )
    company: tuple[Keyword, ...] = ()
    group: Term | None = None
    host: _Host = _Host()
    official: _Official = _Official()


class _List(Form):
    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in _CONTENT]})

    domains: tuple[Domain, ...] | None = None
    senders: tuple[Sender, ...] | None = None
    numbers: tuple[Phone, ...] | None = None
    domains_file: Text | None = None
    senders_file: Text | None = None
    numbers_file: Text | None = None
    source: str = ""
    since: Day | None = None
    expires: Day | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = sorted(self.model_fields_set & _CONTENT.keys())
        if len(given) != 1:
            raise fault(" and ".join(given) or "no entries", f"exactly {listed(_CONTENT)}")
        return self

    def content(self) -> tuple[ListKind, str]:
        """The kind of the entries, and the key under which they stand."""
        return next((kind, key) for key, kind in _CONTENT.items() if key in self.model_fields_set)


class _Example(Form):
    text: Text = Field(description="the text of the message")
    sender: str = ""
    client: str = ""
    ambiguous_body: Switch = False
    destination: str = ""
    alphabet: AlphabetName = ""
    segments: Annotated[int, PlainValidator(partial(number, least=1, most=MAX_PARTS))] = 1
    hour: Annotated[int, PlainValidator(partial(number, least=0, most=23))] = 12

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": SCALAR, "description": "a message"}, handler.resolve_ref_schema(handler(schema))]}


class _Rule(Form):
    id: Name = Field(description="a name that no other rule has")
    title: Text = Field(description="what the rule stops, in a few words")
    why: str = Field(default="", description="the fact that the rule stands on")
    action: RuleAction = Field(description=listed(ACTIONS))
    condition: ConditionText = Field(alias="if", description="the condition under which the rule hits")
    status: StatusCode | None = None
    exceptions: Conditions = Field(alias="except", default=())
    mode: RuleMode = Mode.ENFORCE
    clients: dict[SystemId, RuleMode] = Field(default_factory=dict, description="other modes for some clients")
    owner: str = Field(default="", description="who answers for the rule; the pack's owner unless given")
    reference: str = Field(default="", description="where the rule comes from: a ticket, a report")
    since: Day | None = Field(default=None, description="the day from which the rule is there")
    expires: Day | None = Field(default=None, description="the rule's last day")
    matches: tuple[_Example, ...] = Field(min_length=1, description="at least one message that the rule must hit")
    passes: tuple[_Example, ...] = Field(min_length=1, description="at least one message that must pass")

    @field_validator("condition")
    @classmethod
    def _allow_names_clients(cls, condition: Condition, info: ValidationInfo) -> Condition:
        if info.data.get("action") is Action.ALLOW and not has_client(condition):
            raise fault("an allow rule that holds for every client", "'client in [...]' joined by 'and'")
        return condition


class PackForm(Form):
    """A rule file."""

    pack: Name = Field(description="the name of the pack")
    owner: str = ""
    use: tuple[Name, ...] = ()
    typos: Switch = Field(default=False, description="whether keywords are also found with one slip in a long word")
    timezone: TimeZone = UTC
    brands: dict[Term, _Brand] = Field(default_factory=dict)
    keywords: dict[Term, Keywords] = Field(default_factory=dict)
    lists: dict[Term, _List] = Field(default_factory=dict)
    senders: Senders = Senders()
    rules: tuple[_Rule, ...] = ()
    limits: tuple[LimitForm, ...] = ()


@dataclass(frozen=True, slots=True)
class PackFile:
    """What came of one file, which is a pack or holds overrides. With faults in rules and limits only, `pack` holds the sound
    ones, so that these can be examined too; with any other fault there is nothing. `reads`: the file, and the lists that it
    names."""

    source: Source
    pack: Pack | None
    diagnostics: tuple[Diagnostic, ...]
    reads: tuple[Path, ...] = ()
    overrides: tuple[Override, ...] | None = None


def read_pack(path: Path) -> PackFile:
    """Read one rule file. Raises DiagnosticsError if it is not readable YAML; what is wrong in the YAML is returned."""
    source = read(path)
    if is_override_file(source):
        overrides, faults = read_overrides(source)
        return PackFile(source, None, faults, (path,), None if faults else overrides)
    value: Any = source.root.value
    diagnostics = list(source.diagnostics)
    broken: set[KeyPath] = set()
    try:
        form = PackForm.model_validate(value)
    except ValidationError as error:
        diagnostics += explain(error, PackForm, source)
        broken = {details["loc"][:2] for details in error.errors(include_url=False)}
        if any(len(place) < 2 or place[0] not in {"rules", "limits"} for place in broken):
            return PackFile(source, None, tuple(diagnostics))
        rules = [value["rules"][index] for index in _sound(value, "rules", broken)]
        limits = [value["limits"][index] for index in _sound(value, "limits", broken)]
        form = PackForm.model_validate({**value, "rules": rules, "limits": limits})
    converter = _Converter(source, path.parent)
    pack = converter.pack(form, _sound(value, "rules", broken), _sound(value, "limits", broken))
    diagnostics += converter.diagnostics
    usable = not source.diagnostics and not converter.diagnostics
    return PackFile(source, pack if usable else None, tuple(diagnostics), (path, *converter.lists))


def _sound(value: dict[str, Any], section: str, broken: set[KeyPath]) -> list[int]:
    """The indices of the entries of a section that have no fault."""
    return [i for i in range(len(value.get(section, ()))) if (section, i) not in broken]


class _Converter:
    """Forms to values of the model, with their places. `diagnostics` are the faults of list files."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source = source
        self.folder = folder
        self.diagnostics: list[Diagnostic] = []
        self.lists: list[Path] = []

    def pack(self, form: PackForm, rules: list[int], limits: list[int]) -> Pack:
        """`rules` and `limits` are the indices in the file of those of the form."""
        source = self.source
        return Pack(
            name=form.pack,
            file=source.file,
            where=source.key(("pack",)),
            owner=form.owner,
            use=form.use,
            typos=form.typos,
            brands=tuple(self.brand(name, brand) for name, brand in form.brands.items()),
            timezone=form.timezone,
            keywords=tuple(self.keyword_set(name, words) for name, words in form.keywords.items()),
            lists=tuple(self.entry_list(name, entries) for name, entries in form.lists.items()),
            senders=form.senders.ids(lambda key, name: self.opened(("senders", key), name), self.diagnostics),
            rules=tuple(self.rule(rule, i, form.owner) for rule, i in zip(form.rules, rules, strict=True)),
            limits=tuple(
                limit.limit(source.where(("limits", i))) for limit, i in zip(form.limits, limits, strict=True)
            ),
        )

    def brand(self, name: str, form: _Brand) -> Brand:
        return Brand(
            name=name,
            names=form.names,
            where=self.source.key(("brands", name)),
            group=form.group,
            company=form.company,
            host=HostTokens(form.host.anywhere, form.host.whole, form.host.with_bait),
            official=Official(form.official.domains, form.official.senders, form.official.phones),
        )

    def keyword_set(self, name: str, words: tuple[str, ...] | dict[str, int]) -> KeywordSet:
        weights = tuple(words.values()) if isinstance(words, dict) else ()
        return KeywordSet(name, tuple(words), self.source.key(("keywords", name)), weights)

    def entry_list(self, name: str, form: _List) -> EntryList:
        kind, key = form.content()
        value = getattr(form, key)
        listed = self.list_file(("lists", name, key), value, kind) if key.endswith(_FILE) else ListFile(value)
        return EntryList(
            name,
            kind,
            listed.entries,
            self.source.key(("lists", name)),
            listed.table,
            form.source,
            form.since,
            form.expires,
        )

    def opened(self, path: KeyPath, name: str) -> Path | None:
        """The file that is named at this place; None, and a fault, where there is none."""
        file = self.folder / name
        self.lists.append(file)
        if file.exists():
            return file
        where = self.source.where(path)
        self.diagnostics.append(Diagnostic.at(where, f"no file {str(file)!r}", "a list file, relative to the pack"))
        return None

    def list_file(self, path: KeyPath, name: str, kind: ListKind) -> ListFile:
        file = self.opened(path, name)
        if file is None:
            return ListFile()
        read = read_list(file, kind)
        self.diagnostics += read.faults
        return read

    def rule(self, form: _Rule, index: int, owner: str) -> Rule:
        path: KeyPath = ("rules", index)
        return Rule(
            id=form.id,
            title=form.title,
            condition=form.condition,
            action=form.action,
            where=self.source.where(path),
            why=form.why,
            status=form.status,
            mode=form.mode,
            expires=form.expires,
            matches=self.examples(form.matches, (*path, "matches")),
            passes=self.examples(form.passes, (*path, "passes")),
            exemptions=exemptions(self.source, (*path, "except"), form.exceptions),
            clients=modes(form.clients),
            owner=form.owner or owner,
            reference=form.reference,
            since=form.since,
        )

    def examples(self, forms: tuple[_Example, ...], path: KeyPath) -> tuple[Example, ...]:
        return tuple(Example(where=self.source.where((*path, i)), **form.model_dump()) for i, form in enumerate(forms))
