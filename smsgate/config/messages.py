"""Files of known messages: JSONL, one object with `text` a line, or CSV (`.csv`) with a column `text`.

`label`, `sender` and `client` may stand beside the text; other fields are let pass.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

from smsgate.config.diagnostics import Diagnostic, DiagnosticsError, quoted

_OPTIONAL: Final = ("label", "sender", "client")


class Message(NamedTuple):
    """One message of a file. `fields` is all that stands there, as it was read."""

    text: str
    label: str
    sender: str
    client: str
    fields: dict[str, Any]


def read_messages(path: Path) -> Iterator[Message]:
    """The messages in order. Raises DiagnosticsError at the first one that can't be read, or when the file can't."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
            records = _csv(path, lines) if path.suffix.lower() == ".csv" else _json(path, lines)
            for number, fields in records:
                yield _message(path, number, fields)
    except OSError as error:
        raise _fault(path, 1, (error.strerror or str(error)).lower(), "a file that can be read") from None


def _json(path: Path, lines: TextIO) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                raise _fault(path, number, "no JSON", "one object a line") from None


def _csv(path: Path, lines: TextIO) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(lines)
    try:
        if "text" not in (reader.fieldnames or ()):
            raise _fault(path, 1, "no column 'text'", "a first line with the names of the columns, parted by commas")
        for fields in reader:
            yield reader.line_num, fields
    except csv.Error as error:
        raise _fault(path, reader.line_num, f"no CSV ({error})", "fields parted by commas") from None


def _message(path: Path, number: int, fields: Any) -> Message:
    if not isinstance(fields, dict) or not isinstance(fields.get("text"), str):
        raise _fault(path, number, "no text", 'an object with a "text"')
    for name in _OPTIONAL:
        if not isinstance(fields.get(name), str | None):
            raise _fault(path, number, f"{quoted(fields[name])} as {name}", "a text")
    label, sender, client = (fields.get(name) or "" for name in _OPTIONAL)
    return Message(fields["text"], label, sender, client, fields)


def _fault(path: Path, line: int, found: str, expected: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(str(path), line, 1, found, expected)])
