"""Files of known messages: JSONL, one object a line, or tables (CSV) with a header.

An object has a `text`, or a `pdu` in hexadecimal; `label`, `sender` and `client` may stand beside it, other fields are let pass.
In a table the columns are found by the words of their names. A file is read in chunks, so that it may be longer than memory
and its chunks may be parsed in other processes.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from smsgate.config import columns
from smsgate.config.diagnostics import MAX_QUOTED_CHARS, Diagnostic, DiagnosticsError
from smsgate.policy import facts_beside
from smsgate.rules.engine import RuleSet
from smsgate.rules.verdict import Verdict
from smsgate.smpp.constants import HEADER, HEADER_BYTES, command_name
from smsgate.smpp.pdu import TEXT_BEARING, TextView, text_view
from smsgate.smpp.readings import readings

CHUNK_MESSAGES: Final = 500
"""Some 10 ms of judging: long beside the 0.3 ms in which a chunk goes from one process to another."""
MAX_CHUNK_OCTETS: Final = 1 << 20
MAX_LINE_OCTETS: Final = 1 << 20
"""A PDU of 66 KiB in hexadecimal, eight times."""
NOON_S: Final = 12 * 3600.0
"""When a PDU of a file comes, in UTC."""
STANDARD_INPUT: Final = Path("-")
TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv"})

_OPTIONAL: Final = ("label", "sender", "client")
_COLUMNS: Final = {
    "text": columns.TEXT,
    "label": columns.LABEL,
    "sender": columns.SENDER,
    "client": columns.CLIENT,
    "pdu": frozenset({"pdu"}),
}


class Message(NamedTuple):
    """One message of a file. `fields` is all that stands there, as it was read; `line` where. `view`: that of its PDU, if it came
    as one; `text` is then the declared reading of it, and `sender` what it says."""

    text: str
    label: str
    sender: str
    client: str
    fields: dict[str, Any]
    line: int
    view: TextView | None = None

    def judge(self, rules: RuleSet) -> Verdict:
        """The rules' verdict on it. Limits are not asked, and a part of a long message is judged by itself: a file has no
        clock, and it is always noon."""
        if self.view is None:
            return rules.check_text(self.text, self.sender, self.client)
        found = readings(self.view)
        carrier = facts_beside(rules.envelope, self.view, found, NOON_S)
        carrier |= rules.of_sender(self.sender, self.client, self.view.source_type)
        return rules.check(found, self.sender, self.client, carrier).verdict


class Chunk(NamedTuple):
    """Some messages of a file, not yet parsed. `rows`: line numbers with JSON, or with the fields of a table, in which
    `columns` tells what stands where. `octets`: how much of the file was read for it."""

    file: str
    rows: list[tuple[int, bytes | dict[str, Any]]]
    columns: Mapping[str, str]
    octets: int

    def messages(self) -> Iterator[Message]:
        """Parse. Raises DiagnosticsError at the first message that can't be read."""
        for line, row in self.rows:
            if isinstance(row, bytes):
                try:
                    fields = json.loads(columns.decoded(row)[0])
                except (ValueError, RecursionError):
                    raise _fault(self.file, line, "no JSON", "one object a line") from None
            else:
                fields = row
            yield _message(self.file, line, fields, self.columns)


def read_messages(path: Path) -> Iterator[Message]:
    """The messages in order. Raises DiagnosticsError at the first one that can't be read, or when the file can't."""
    for chunk in read_chunks(path):
        yield from chunk.messages()


def read_chunks(path: Path) -> Iterator[Chunk]:
    """A file (STANDARD_INPUT: that) in chunks of CHUNK_MESSAGES. Raises DiagnosticsError when it can't be read."""
    try:
        with nullcontext(sys.stdin.buffer) if path == STANDARD_INPUT else path.open("rb") as stream:
            lines = _Lines(path, stream)
            yield from _of_table(path, lines) if _is_table(path, stream) else _of_objects(path, lines)
    except OSError as error:
        raise _fault(str(path), 1, (error.strerror or str(error)).lower(), "a file that can be read") from None


def request(digits: str) -> tuple[int, bytes]:
    """The command_id and the octets of a request in hexadecimal. Raises ValueError, saying why, for what is no PDU or has no
    text."""
    try:
        octets = bytes.fromhex(digits)
    except ValueError:
        raise ValueError("not hexadecimal") from None
    if len(octets) < HEADER_BYTES or HEADER.unpack_from(octets)[0] != len(octets):
        raise ValueError("not one whole PDU: its first four octets are its length")
    command: int = HEADER.unpack_from(octets)[1]
    if command not in TEXT_BEARING:
        raise ValueError(f"a {command_name(command) or 'PDU'} has no text to judge")
    return command, octets


class _Lines(Iterator[bytes]):
    """The lines of a file, parted by newlines alone. `octets` counts what was read since it was last set."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self._file = str(path)
        self._stream = stream
        self.number = 0
        self.octets = 0

    def __next__(self) -> bytes:
        line = self._stream.readline(MAX_LINE_OCTETS + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > MAX_LINE_OCTETS:
            raise _fault(self._file, self.number, "a line without an end", f"at most {MAX_LINE_OCTETS:,} octets a line")
        self.octets += len(line)
        if self.number == 1 and line.startswith(columns.UTF16_MARKS):
            raise _fault(self._file, 1, "UTF-16", "UTF-8 or Windows-1252")
        return line.removeprefix(b"\xef\xbb\xbf") if self.number == 1 else line

    def counted(self) -> int:
        """What was read since this was last asked."""
        octets, self.octets = self.octets, 0
        return octets


def _is_table(path: Path, stream: BinaryIO) -> bool:
    if path == STANDARD_INPUT:  # a BufferedReader
        return not stream.peek(16).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")  # type: ignore[attr-defined]
    return path.suffix.lower() in TABLE_SUFFIXES


def _of_objects(path: Path, lines: _Lines) -> Iterator[Chunk]:
    rows: list[tuple[int, bytes | dict[str, Any]]] = []
    for line in lines:
        if not line.isspace():
            rows.append((lines.number, line))
        if len(rows) >= CHUNK_MESSAGES or lines.octets > MAX_CHUNK_OCTETS:
            yield Chunk(str(path), rows, {}, lines.counted())
            rows = []
    yield Chunk(str(path), rows, {}, lines.counted())


def _of_table(path: Path, lines: _Lines) -> Iterator[Chunk]:
    header = columns.decoded(next(lines, b""))[0]
    delimiter = columns.delimiter(header)
    names = next(csv.reader([header], delimiter=delimiter), [])
    found = columns.columns(names, _COLUMNS)
    if not found.keys() & {"text", "pdu"}:
        expected = "a first line with the names of the columns, parted by commas, semicolons or tabs"
        raise _fault(str(path), 1, "no column 'text'", expected)
    texts = (columns.decoded(line)[0] for line in lines)
    reader = csv.DictReader(texts, names, delimiter=delimiter)
    rows: list[tuple[int, bytes | dict[str, Any]]] = []
    try:
        for fields in reader:
            rows.append((lines.number, fields))
            if len(rows) >= CHUNK_MESSAGES or lines.octets > MAX_CHUNK_OCTETS:
                yield Chunk(str(path), rows, found, lines.counted())
                rows = []
    except csv.Error as error:
        raise _fault(str(path), lines.number, f"no CSV ({error})", "fields parted by commas") from None
    yield Chunk(str(path), rows, found, lines.counted())


def _message(file: str, line: int, fields: Any, names: Mapping[str, str]) -> Message:
    def field(kind: str) -> Any:
        return fields.get(names.get(kind, kind))

    if not isinstance(fields, dict):
        raise _fault(file, line, "no text", 'an object with a "text"')
    for kind in (*_OPTIONAL, "pdu"):
        if not isinstance(field(kind), str | None):
            raise _fault(file, line, f"{json.dumps(field(kind))[:MAX_QUOTED_CHARS]} as {kind}", "a text")
    label, sender, client = (field(kind) or "" for kind in _OPTIONAL)
    if field("pdu"):
        try:
            command, octets = request(field("pdu"))
        except ValueError as error:
            raise _fault(file, line, f"a pdu that is {error}", "a PDU in hexadecimal") from None
        view = text_view(command, octets, 0, len(octets))
        return Message(readings(view)[0].text, label, view.source.decode("latin-1"), client, fields, line, view)
    if not isinstance(field("text"), str):
        raise _fault(file, line, "no text", 'an object with a "text"')
    return Message(field("text"), label, sender, client, fields, line)


def _fault(file: str, line: int, found: str, expected: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(file, line, 1, found, expected)])
