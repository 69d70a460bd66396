"""Log lines: what happened (the event, a constant text) and its fields, one line each on standard error, with UTC time.

    log.info("bound", extra={"client": "bank1", "address": "192.0.2.17:44006"})
    {"time": "2026-11-22T08:50:07.123Z", "level": "info", "event": "bound", "client": "bank1", ...}     for machines
    2026-11-22T08:50:07Z INFO bound  client=bank1 address=192.0.2.17:44006                              for a terminal

Message texts and full numbers are never logged; of an exception its type and places only, since its words may quote a message.
Whatever goes on, the log stays small: each event has a rate of its own, and lines beyond it are counted instead (`suppressed`).
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from smsgate.settings import LogFormat, LogSettings

EVENT_BURST: Final = 200
"""Lines of one event at once: a reload that is refused names so many faults."""
EVENT_RATE_PER_S: Final = 1.0
"""And from then on: a flood of refused binds adds 13 MB a day."""
MAX_EVENTS: Final = 1_000
"""Events with a rate of their own. The code has about 60; what other libraries say beyond this shares one."""

_STANDARD: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "suppressed"})


class Fields(logging.Formatter):
    """What both forms share: the fields of a record in the order in which they were given, `always` first."""

    def __init__(self, always: dict[str, Any]) -> None:
        super().__init__()
        self._always = always

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """All fields; of an exception its places."""
        given = {name: value for name, value in vars(record).items() if name not in _STANDARD and value != ""}
        found = {**self._always, **given}
        if record.exc_info and record.exc_info[1] is not None:
            found["error"] = without_message(record.exc_info[1])
        if suppressed := getattr(record, "suppressed", 0):
            found["suppressed"] = suppressed
        return found

    @staticmethod
    def event(record: logging.LogRecord) -> str:
        """What happened. Of another library's words the first line only: asyncio goes on with its objects."""
        return record.getMessage().partition("\n")[0]


class Json(Fields):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        head = {
            "time": iso(record.created),
            "level": record.levelname.lower(),
            "event": self.event(record),
            "logger": record.name,
        }
        return json.dumps({**head, **self.fields(record)}, default=str)


class Text(Fields):
    """For people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        time = f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ}"
        words = [f"{name}={_shown(value)}" for name, value in self.fields(record).items()]
        return f"{time} {record.levelname} {self.event(record)}{'  ' if words else ''}{' '.join(words)}"


def _shown(value: Any) -> str:
    text = str(value)
    return text if text.isprintable() and not set(' "=') & set(text) else json.dumps(text)


class Pace(logging.Filter):
    """Lets EVENT_BURST lines of an event pass at once, and EVENT_RATE_PER_S from then on; the next that passes says how many
    were suppressed since the one before. `logging` calls it under the handler's lock."""

    def __init__(self) -> None:
        super().__init__()
        self._events: dict[tuple[str, str], tuple[float, float, int]] = {}  # tokens, seen at, suppressed

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        key = (record.name, str(record.msg))
        if key not in self._events and len(self._events) >= MAX_EVENTS:
            key = ("", "")
        tokens, seen, suppressed = self._events.get(key, (float(EVENT_BURST), record.created, 0))
        tokens = min(EVENT_BURST, tokens + max(0.0, record.created - seen) * EVENT_RATE_PER_S)
        if tokens < 1:
            self._events[key] = (tokens, record.created, suppressed + 1)
            return False
        self._events[key] = (tokens - 1, record.created, 0)
        record.suppressed = suppressed
        return True


def configure(settings: LogSettings = LogSettings(), stream: TextIO | None = None, **always: Any) -> None:  # noqa: B008
    """Set up logging for the process; `always` are fields of every line. Without a format, the stream (standard error if none
    is given) decides: text on a terminal, JSON elsewhere."""
    out = stream or sys.stderr
    form = settings.format or (LogFormat.TEXT if out.isatty() else LogFormat.JSON)
    handler = logging.StreamHandler(out)
    handler.setFormatter(Json(always) if form is LogFormat.JSON else Text(always))
    handler.addFilter(Pace())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of every file that changes near the rules


def iso(timestamp: float) -> str:
    """A Unix time as lines for machines have it."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def without_message(error: BaseException) -> str:
    """An exception for a log line: its type and where it came from. Its own words may quote the message."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {places}" if places else type(error).__name__
