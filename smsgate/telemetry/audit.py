"""The audit log: one JSON line for each message that a rule or limit hit, with keyed digests where it would say who and what.

    loop: note() appends a tuple      thread: digests, JSON, one write per POLL_S      files: FOLDER/2026-11-22.w0.001.jsonl

The loop wakes nobody and waits for nothing. When the queue is full, or the disk, lines are lost and counted
(`smsgate_audit_lost_total`), and a line says how many: traffic is never stopped for its record.

Each worker writes files of its own, a new one each day (UTC) and when one has grown too large; lines are appended whole, so two
generations may share a file. It is opened anew for each write: whoever moves, compresses or deletes one is not in the way.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event, Thread
from time import perf_counter
from typing import Any, Final, NamedTuple

from smsgate.rules.model import Limit, Rule
from smsgate.rules.verdict import Verdict
from smsgate.settings import AuditSettings, Reveal
from smsgate.smpp.coding import Alphabet
from smsgate.smpp.constants import HEADER, HEADER_BYTES
from smsgate.smpp.pdu import text_view
from smsgate.smpp.readings import readings
from smsgate.telemetry.digests import Digests
from smsgate.telemetry.logs import iso, without_message
from smsgate.text.fingerprint import template

log = logging.getLogger(__name__)

MAX_QUEUED: Final = 20_000
"""Messages: some seconds of nothing but blocked ones."""
MAX_QUEUED_BYTES: Final = 32 * 1024 * 1024
"""Of PDUs that wait: 500 of the longest."""
POLL_S: Final = 0.1
"""Between two looks at the queue. A thread that is woken for each message would cost the loop 5 µs each time."""
STEP: Final = 4
STEP_PAUSE_S: Final = 0.0005
"""The thread lets go of the interpreter after so many messages (0.1 ms): else the loop would wait up to 5 ms for its turn."""
CHUNK_BYTES: Final = 256 * 1024
"""Lines written at once."""
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
"""Then a new file is begun: 400,000 lines, which `gzip` and `smsgate audit find` go through in seconds."""
STOP_S: Final = 5.0
"""How long the end of the process waits for the queue to be written."""
MODE: Final = 0o600


class Entry(NamedTuple):
    """A message that was judged. `at`: seconds of perf_counter; `answer`: the PDU with its message_id, if there is one."""

    at: float
    client: str
    mo: bool
    verdict: Verdict
    version: str
    command: int
    pdu: bytes
    alphabet: Alphabet
    answer: bytes = b""


class Journal:
    """The audit log of one process. `lost` counts lines by reason; `written` those written."""

    def __init__(self, settings: AuditSettings, worker: int) -> None:
        self._settings = settings
        self._worker = worker
        self._queue: deque[Entry] = deque()
        # One thread adds to each: the queue holds the difference.
        self._bytes_in = 0
        self._bytes_out = 0
        self.lost = {"queue": 0, "disk": 0}
        self.written = 0
        self.awaited_bytes = 0  # what waits for an answer before it is noted: see `net.witness`
        self._lost_told = 0
        self._left = memoryview(b"")  # of the last chunk, not in the file
        self._torn = False  # a write has ended within a line
        self._file = ("", 1)  # day, number
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="audit", daemon=True)
        self._digests: Digests

    def start(self) -> Digests:
        """Begin; the first line says what lines show. Returns the digests in use. Raises OSError when the folder or the key
        can't be used."""
        self._digests = prepared(self._settings)
        reveal = [str(each) for each in self._settings.reveal]
        start = {
            "time": iso(datetime.now(UTC).timestamp()),
            "event": "start",
            "reveal": reveal,
            "key": self._digests.check,
        }
        self._append(_line(start))
        if reveal:
            log.warning("the audit log shows what digests would hide", extra={"reveal": " ".join(reveal)})
        self._thread.start()
        return self._digests

    def stop(self) -> None:
        """Write what is queued, for STOP_S at most, and end. Blocks."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)

    def note(self, entry: Entry) -> None:
        """Queue a message, or count it as lost. Called by the loop, and costs it 0.2 µs."""
        if len(self._queue) >= MAX_QUEUED or self._bytes_in - self._bytes_out > MAX_QUEUED_BYTES:
            self.lost["queue"] += 1
            return
        self._bytes_in += len(entry.pdu)
        self._queue.append(entry)

    # in the thread

    def _run(self) -> None:
        while not self._stopping.wait(POLL_S):
            self._write_queued()
        self._write_queued()

    def _write_queued(self) -> None:
        offset_s = datetime.now(UTC).timestamp() - perf_counter()
        lines: list[bytes] = []
        octets = 0
        for number in range(1, len(self._queue) + 1):
            entry = self._queue.popleft()
            self._bytes_out += len(entry.pdu)
            try:
                lines.append(_line(self._record(entry, offset_s)))
            except Exception as error:  # noqa: BLE001  # a fault of ours costs this line, not all that follow
                self.lost["queue"] += 1
                log.error("no audit line could be made", extra={"error": without_message(error)})  # noqa: TRY400
                continue
            octets += len(lines[-1])
            if octets > CHUNK_BYTES:
                self._keep(lines)
                lines, octets = [], 0
            if number % STEP == 0 and not self._stopping.is_set():
                time.sleep(STEP_PAUSE_S)
        if lines:
            self._keep(lines)

    def _keep(self, lines: Sequence[bytes]) -> None:
        lost = sum(self.lost.values())
        chunk = b"".join(lines)
        if lost > self._lost_told:
            now = iso(datetime.now(UTC).timestamp())
            chunk = _line({"time": now, "event": "lost", "lines": lost - self._lost_told}) + chunk
        gone = 0
        try:
            self._append(chunk)
        except OSError as error:
            unwritten = bytes(self._left).count(b"\n")
            gone = min(len(lines), unwritten)
            self.lost["disk"] += gone
            log.error("the audit log can't be written", extra={"reason": str(error), "lost": gone})  # noqa: TRY400
            if unwritten > gone:  # nor was what lines were lost before
                lost = self._lost_told
        self.written += len(lines) - gone
        self._lost_told = lost

    def _append(self, chunk: bytes) -> None:
        """Raises OSError; what is in the file by then stays, ended by the next chunk, and `_left` is not."""
        self._left = memoryview(chunk)
        descriptor = self._opened()
        try:
            if self._torn:
                os.write(descriptor, b"\n")
                self._torn = False
            while self._left:
                self._left = self._left[os.write(descriptor, self._left) :]
                self._torn = bool(self._left)
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        """The file of today that has room."""
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        day, number = self._file
        if day != today:
            number = 1
        while True:
            path = self._settings.folder / f"{today}.w{self._worker}.{number:03}.jsonl"
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)
            if os.fstat(descriptor).st_size < MAX_FILE_BYTES:
                self._file = (today, number)
                return descriptor
            os.close(descriptor)
            number += 1

    def _record(self, entry: Entry, offset_s: float) -> dict[str, Any]:
        """The line about a message."""
        verdict = entry.verdict
        view = text_view(entry.command, entry.pdu, 0, len(entry.pdu))
        reading = readings(view, entry.alphabet)[0]
        sender = view.source.decode("latin-1")
        recipients = [destination.decode("latin-1") for destination in view.destinations]
        about = template(reading.plain())
        digests = self._digests
        record: dict[str, Any] = {
            "time": iso(entry.at + offset_s),
            "client": entry.client,
            "direction": "mo" if entry.mo else "mt",
            "verdict": str(verdict.action),
            "status": verdict.status,
            "rules": [_rule(rule) for rule in verdict.rules],
            "monitored": [_rule(rule) for rule in verdict.monitored],
            "rule_set": entry.version,
            **_answered(entry.answer),
            "sender": digests.address(sender),
            "recipients": [digests.address(recipient) for recipient in recipients],
            "text": digests.words(reading.words),
            **({"template": digests.template(about)} if about else {}),
        }
        if self._settings.reveal:
            shown = {Reveal.TEXT: reading.text, Reveal.SENDER: sender, Reveal.RECIPIENT: recipients}
            record["revealed"] = {str(what): shown[what] for what in self._settings.reveal}
        return record


def prepared(settings: AuditSettings) -> Digests:
    """The key; and there is a folder that can be written. Raises OSError."""
    settings.folder.mkdir(mode=0o700, exist_ok=True)
    if not os.access(settings.folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "no permission to write there", str(settings.folder))
    return Digests.of_file(settings.key)


def _rule(rule: Rule | Limit) -> dict[str, str]:
    place = f"{rule.where.file}:{rule.where.line}"
    return {"id": rule.id, "at": place, "action": str(rule.action), "mode": str(rule.mode)}


def _answered(answer: bytes) -> dict[str, Any]:
    """What the response to a message says: its message_id, or the status with which the SMSC refuses."""
    if not answer:
        return {}
    status = HEADER.unpack_from(answer)[2]
    if status:
        return {"smsc_status": status}
    message_id = answer[HEADER_BYTES:].partition(b"\0")[0]
    return {"message_id": message_id.decode("latin-1")} if message_id else {}


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"
