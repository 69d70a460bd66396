"""One YAML file as plain values in which every scalar is text, and the line and column of each key and value.

PyYAML's own types are not used: it would read `0123456` as 42798, `no` as False and `21:30` as 1290. What a text means
is the business of the field it stands in. An empty or null scalar is the text ''.

The tree is built from PyYAML's events, not by its composer, which recurses without a bound: 400,000 opening brackets
crash it. Which keys a file may have is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import yaml

from smsgate.config.diagnostics import Diagnostic, DiagnosticsError, quoted
from smsgate.rules.model import Where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE_BYTES: Final = 8 * 1024 * 1024
"""A pack with 100,000 keywords has about 2 MB; longer lists belong in plain files beside the pack."""
MAX_NODES: Final = 500_000
"""Values in one file, aliases written out: without this, ten lines of aliases of aliases make a billion values."""
MAX_DEPTH: Final = 16
"""Brackets and indentation nested deeper than this; the deepest form, an example of a rule, needs 5."""

Value = str | list[Any] | dict[str, Any]
KeyPath = tuple[str | int, ...]
"""A way into a file: keys and list indices, such as ('rules', 0, 'if')."""

_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_LINE_BREAK: Final = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML 1.1 forbids in a stream (its section 5.1)."""
_NULLS: Final = frozenset({"~", "null", "Null", "NULL"})
_IN_QUOTES: Final = {
    "'": re.compile("''|[^']"),
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|.)|[^\"]"),
}
"""What stands for one character of the value, by the quote round it."""
_COMMON_ERRORS: Final = {
    "mapping values are not allowed in this context": (
        "a ':' inside a value, or a line indented deeper than its neighbours",
        "quotes round a text that contains ': '",
    ),
    "found character that cannot start any token": (
        "a text that starts with @, %, ` or a tab",
        "quotes round it, and blanks instead of tabs to indent",
    ),
    "found unknown escape character": ("a backslash that is no escape", "it doubled, or the text in single quotes"),
    "found unexpected end of stream": ("a quote that nothing closes", "the closing quote"),
}
"""The commonest syntax errors by libyaml's words for them: what was found and what helps."""


@dataclass(slots=True)
class Node:
    """One value with its place. `style` is what begins a scalar: a quote, `|`, `>`, or nothing. `size` counts the value
    and all inside."""

    value: Value
    where: Where
    style: str = ""
    children: dict[str | int, Node] = field(default_factory=dict)
    keys: dict[str | int, Where] = field(default_factory=dict)
    size: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read. `diagnostics` are faults that did not hinder reading on: duplicate keys, tags."""

    file: str
    root: Node
    lines: list[str]
    diagnostics: tuple[Diagnostic, ...] = ()

    def where(self, path: KeyPath) -> Where:
        """Where the value at this path stands; of an absent or empty one, the key or the nearest value round it."""
        node = self.root
        where = node.where
        for step in path:
            if step not in node.children:
                break
            where = node.keys[step]
            node = node.children[step]
        return node.where if node.value else where

    def key(self, path: KeyPath) -> Where:
        """Where the key at the end of this path stands."""
        parent = self._node(path[:-1])
        return parent.keys.get(path[-1], parent.where) if parent else self.where(path)

    def inside(self, path: KeyPath, offset: int) -> Where:
        """Where the character at `offset` of a text stands, or the place just behind its end.

        Folding and indentation change nothing but blanks, so that the characters between them lead to the place. In
        quotes over several lines it is the start of the text.
        """
        node = self._node(path)
        if node is None and path[-1] == 0:  # one entry may be written where a list could stand
            node = self._node(path[:-1])
        if node is None or not isinstance(node.value, str):
            return self.where(path)
        length = len(node.value.rstrip())
        behind = offset >= length > 0
        offset = length - 1 if behind else offset
        line, column = node.where.line - 1, node.where.column - 1
        if node.style in _IN_QUOTES:
            shown = _IN_QUOTES[node.style].finditer(self.lines[line], column + 1)
            match = next(islice(shown, offset, None), None)
            return Where(self.file, line + 1, match.start() + 1 + behind) if match else node.where
        if node.style:
            line, column = line + 1, 0
        left = len("".join(node.value[:offset].split()))
        for number, text in enumerate(self.lines[line:], line + 1):
            for match in re.compile(r"\S").finditer(text, column):
                if left == 0:
                    return Where(self.file, number, match.start() + 1 + behind)
                left -= 1
            column = 0
        return node.where

    def _node(self, path: KeyPath) -> Node | None:
        node: Node | None = self.root
        for step in path:
            node = node.children.get(step) if node else None
        return node


def read(path: Path) -> Source:
    """Read one file. Raises DiagnosticsError if it cannot be read, is too large, or is not YAML."""
    return parse(read_text(path, MAX_FILE_BYTES), str(path))


def read_text(path: Path, max_bytes: int) -> str:
    """The text of a file. Raises DiagnosticsError if it cannot be read, is larger than `max_bytes`, or is not UTF-8."""
    try:
        return read_octets(path, max_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = _end(str(path), error.object[: error.start].decode())
        found = f"the byte 0x{error.object[error.start]:02x}"
        raise DiagnosticsError([Diagnostic.at(where, found, "text in UTF-8")]) from None


def read_octets(path: Path, max_bytes: int) -> bytes:
    """What a file holds. Raises DiagnosticsError if it cannot be read or is larger than `max_bytes`."""
    start = Where(str(path), 1)
    try:
        if path.exists() and not path.is_file():
            raise DiagnosticsError([Diagnostic.at(start, "something that is no regular file", "a file")])
        with path.open("rb") as stream:
            octets = stream.read(max_bytes + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DiagnosticsError([Diagnostic.at(start, reason, "a file that can be read")]) from None
    if len(octets) > max_bytes:
        raise DiagnosticsError([Diagnostic.at(start, "a larger file", f"at most {max_bytes:,} bytes")])
    return octets


def parse(text: str, file: str) -> Source:
    """Read YAML from a text; `file` is its name in diagnostics. Raises DiagnosticsError if it is not YAML."""
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        found = f"the control character U+{ord(forbidden[0]):04X}"
        raise DiagnosticsError([Diagnostic.at(_end(file, text[: forbidden.start()]), found, "printable text")])
    builder = _Builder(text, file)
    try:
        root = builder.document()
    except yaml.MarkedYAMLError as error:
        raise DiagnosticsError([*builder.diagnostics, _syntax_error(error, file)]) from None
    return Source(file, root, builder.lines, tuple(builder.diagnostics))


def _end(file: str, before: str) -> Where:
    lines = _LINE_BREAK.split(before.removeprefix("\ufeff"))
    return Where(file, len(lines), len(lines[-1]) + 1)


def _syntax_error(error: yaml.MarkedYAMLError, file: str) -> Diagnostic:
    problem = error.problem or "no YAML"
    mark = error.problem_mark or error.context_mark
    if problem == "found unexpected end of stream" and error.context_mark:
        mark = error.context_mark
    where = Where(file, mark.line + 1, mark.column + 1) if mark else Where(file, 1)
    if problem in _COMMON_ERRORS:
        return Diagnostic.at(where, *_COMMON_ERRORS[problem])
    missing = re.fullmatch(r"(?:did not find|could not find)(?: the)?(?: expected)? (.*)", problem)
    begun = ""
    if error.context and error.context_mark:
        begun = f" {error.context}, which began on line {error.context_mark.line + 1}"
    if missing:  # a condition such as `client in [a]` between the commas of a {...} is the commonest reason
        quotes = ", or quotes round a text with a comma or a bracket in it" if "','" in missing[1] else ""
        return Diagnostic.at(where, f"a YAML syntax error{begun}", missing[1] + quotes)
    return Diagnostic.at(where, f"a YAML syntax error ({problem}){begun}", "well-formed YAML")


class _Builder:
    """Recursive descent over the events of one document; MAX_DEPTH bounds the recursion, MAX_NODES the tree.

    Events are `Any`: what the stubs of PyYAML say of them holds for neither of its two parsers.
    """

    def __init__(self, text: str, file: str) -> None:
        self.lines = _LINE_BREAK.split(text)
        self.file = file
        self.events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self.diagnostics: list[Diagnostic] = []
        self.anchors: dict[str, Node] = {}
        self.nodes = 0

    def document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self.fatal(event, "a second document", "one document in a file")
                root = self.node(next(self.events), 0)
        return root or Node("", Where(self.file, 1))

    def node(self, event: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.fatal(event, f"more than {MAX_DEPTH} levels of nesting", "fewer")
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        self.count(1, event)
        node = Node("", self.where(event))
        if event.tag not in {None, "!"}:
            self.fault(
                node.where, f"the tag {quoted(event.tag)}", "no tag, or quotes round a text that starts with '!'"
            )
        if isinstance(event, yaml.ScalarEvent):
            self.scalar(event, node)
        elif isinstance(event, yaml.SequenceStartEvent):
            self.sequence(node, depth)
        else:
            self.mapping(node, depth)
        node.size += sum(child.size for child in node.children.values())
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: Any) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            found = f"the alias '*{event.anchor}'"
            raise self.fatal(event, found, f"'&{event.anchor}' before it, or quotes round a text that starts with '*'")
        self.count(node.size, event)
        return node

    def scalar(self, event: Any, node: Node) -> None:
        plain = event.implicit[0]
        node.value = "" if plain and event.value in _NULLS else event.value
        node.style = event.style or ""

    def sequence(self, node: Node, depth: int) -> None:
        values: list[Value] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            child = self.node(event, depth + 1)
            node.children[len(values)] = child
            node.keys[len(values)] = child.where
            values.append(child.value)
        node.value = values

    def mapping(self, node: Node, depth: int) -> None:
        values: dict[str, Value] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.node(event, depth + 1)
            child = self.node(next(self.events), depth + 1)
            if not isinstance(key.value, str):
                self.fault(key.where, "a list or mapping as a key", "a text before the ':'")
            elif key.value in values:
                first = node.keys[key.value].line
                self.fault(key.where, f"the key {quoted(key.value)} again", f"each key once: it stands on line {first}")
            else:
                node.children[key.value] = child
                node.keys[key.value] = key.where
                values[key.value] = child.value
        node.value = values

    def count(self, nodes: int, event: Any) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self.fatal(event, f"more than {MAX_NODES:,} values, aliases written out", "a smaller file")

    def where(self, event: Any) -> Where:
        return Where(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def fault(self, where: Where, found: str, expected: str) -> None:
        self.diagnostics.append(Diagnostic.at(where, found, expected))

    def fatal(self, event: Any, found: str, expected: str) -> DiagnosticsError:
        self.fault(self.where(event), found, expected)
        return DiagnosticsError(self.diagnostics)
