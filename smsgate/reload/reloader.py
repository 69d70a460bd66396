"""When rules are loaded anew, and what comes of it: one attempt at a time, told, counted and written down.

    files change | SIGHUP | smsgate reload | smsgate rules rollback | midnight (UTC)
      -> prepared in another process -> compared with the guard's messages -> swapped in all workers, or refused

A set that is refused leaves the one in force as it is. At midnight nothing is read: the packs in force are compiled for the new
day, so that a rule that has expired stops whatever is in the files.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from smsgate.config.rules import Loaded
from smsgate.reload.history import MAX_FAULTS_KEPT, History
from smsgate.reload.prepare import Report, Request
from smsgate.reload.sealed import Sealed, anonymous_file
from smsgate.reload.watch import Signature, changes, signature
from smsgate.settings import Settings
from smsgate.telemetry.rule_set import RuleSetState

log = logging.getLogger(__name__)

PREPARE_S: Final = 300.0
"""Until a preparation that does not end is given up: a million domains and 100,000 messages of a guard take under a minute."""
MAX_FAULTS_TOLD: Final = 200
"""Lines in the log and in an answer: enough to see what happened; `smsgate check` shows all."""
WATCH_AGAIN_S: Final = 60.0
"""Before watching is tried again where the system refused it."""
DAY_CHECK_S: Final = 30.0
"""Between two looks at the calendar, which may jump, and does while a machine sleeps."""

RELOADING: Final = frozenset({"reload", "rollback"})
"""What an operator asks of the whole gate that `told` does."""

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


class Reloadable(Protocol):
    """The gate, in one process or in several."""

    rule_set: RuleSetState

    async def put(self, sealed: Sealed) -> None:
        """Put a set in force everywhere. Raises when it can't be; the old one is then in force everywhere."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt. `version` and `rules` are of the set in force now, `before` is the version until then."""

    accepted: bool
    version: str
    rules: int
    before: str
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class PreparationError(Exception):
    """The process that prepares rules has failed."""


def _today() -> date:
    return datetime.now(UTC).date()


class Reloader:
    """Made from what is loaded at start, begun by the gate that it serves."""

    def __init__(self, settings: Settings, loaded: Loaded, today: Callable[[], date] = _today) -> None:
        self._settings = settings
        self._today = today
        self._files = loaded.files
        self._seen = signature(settings.rules, loaded.files)  # as they were read, just now
        self._in_force = Sealed.of(loaded)
        self._history = None if settings.state is None else History(settings.state)
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._gate: Reloadable

    @property
    def in_force(self) -> Sealed:
        """The set that was put in force last, sealed."""
        return self._in_force

    def start(self, gate: Reloadable) -> None:
        """Begin to watch files and the calendar, on behalf of a gate."""
        self._gate = gate
        first = Outcome(accepted=True, version=gate.rule_set.version, rules=gate.rule_set.rules, before="")
        self._spawn(self._remember("start", "", first, self._seen, self._files))
        self._spawn(self._expire())
        if self._settings.watch:
            self._spawn(self._watch())

    async def stop(self) -> None:
        """End; an attempt under way comes to nothing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def soon(self, trigger: str) -> None:
        """`reload`, for those who can't wait."""
        self._spawn(self.reload(trigger))

    async def reload(self, trigger: str, by: str = "", *, force: bool = False) -> Outcome:
        """Take up what is in the files. With `force` the guard is heard, but not heeded."""
        guard = self._settings.guard
        request = Request(self._settings.rules, self._today(), None if guard is None else guard.messages)
        return await self._attempt(trigger, by, request, force=force)

    async def rollback(self, version: str | None, by: str = "") -> Outcome:
        """Put a kept version (None: the one before) in force until the files change. Raises ValueError when there is none."""
        if self._history is None:
            raise ValueError("no versions are kept: the configuration has no `state:`")
        try:
            if version is None:
                async with self._turn:  # an attempt under way decides which version is the one before
                    version = await asyncio.to_thread(self._history.before, self._in_force.contents.version)
            paths = await asyncio.to_thread(self._history.paths, version)
        except OSError as error:
            raise ValueError(f"the versions kept can't be read: {error}") from None
        return await self._attempt("rollback", by, Request(paths, self._today()), rollback=True)

    async def _attempt(
        self, trigger: str, by: str, request: Request, *, force: bool = False, rollback: bool = False
    ) -> Outcome:
        async with self._turn:
            state = self._gate.rule_set
            before = state.version
            notes: list[str] = []
            files = self._files
            seen = await asyncio.to_thread(signature, self._settings.rules, files)
            try:
                sealed, report = await self._prepared(request)
                faults = self._judged(report, notes, force=force)
                if not faults:
                    assert sealed is not None
                    await self._gate.put(sealed)
                    self._in_force = sealed
                    if request.paths == self._settings.rules:
                        self._files = report.files
            except (PreparationError, OSError) as error:
                faults = (str(error),)
            outcome = Outcome(
                not faults, state.version, state.rules, before, tuple(faults[:MAX_FAULTS_TOLD]), tuple(notes)
            )
            if request.paths is not None:
                state.refused = not outcome.accepted
                if outcome.accepted:
                    state.rolled_back = rollback
            state.reloads["accepted" if outcome.accepted else "refused"] += 1
            _log(f"{trigger}, {by}" if by else trigger, outcome, len(faults))
            await self._remember(trigger, by, outcome, seen if request.paths == self._settings.rules else None, files)
            return outcome

    async def _prepared(self, request: Request) -> tuple[Sealed | None, Report]:
        """What the other process makes of it. Raises PreparationError, OSError."""
        new, order = anonymous_file(), anonymous_file()
        sealed = None
        try:
            # no pipe: uvloop fails to write to a process that has ended already
            os.write(order, pickle.dumps((request, self._settings.log)))
            os.lseek(order, 0, os.SEEK_SET)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "smsgate.reload",
                str(new),
                str(self._in_force.descriptor),
                stdin=order,
                stdout=asyncio.subprocess.PIPE,
                pass_fds=(new, self._in_force.descriptor),
            )
            try:
                async with asyncio.timeout(PREPARE_S):
                    answer, _ = await process.communicate()
            except TimeoutError:
                raise PreparationError(f"the rules could not be prepared within {PREPARE_S:.0f} s") from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            if process.returncode:
                raise PreparationError(f"the process that prepares rules ended with {process.returncode}")
            report: Report = pickle.loads(answer)  # noqa: S301  # of a process of this gate
            if report.contents is not None:
                sealed = Sealed(new, report.contents)
        finally:
            os.close(order)
            if sealed is None:
                os.close(new)
        return sealed, report

    def _judged(self, report: Report, notes: list[str], *, force: bool) -> tuple[str, ...]:
        """Why this set must not come into force. `notes` is told what else there is to say."""
        guard = self._settings.guard
        if report.faults or guard is None:
            return report.faults
        faults = [f"the guard can't judge: {fault}" for fault in report.change_faults]
        if report.change is not None:
            if report.change.share > guard.change:
                faults.append(f"the guard allows {guard.change:.2%} of verdicts to change: {report.change}")
            else:
                notes.append(str(report.change))
        if force and faults:
            notes += [f"forced: {fault}" for fault in faults]
            return ()
        return tuple(faults)

    async def _remember(
        self, trigger: str, by: str, outcome: Outcome, seen: Signature | None, files: Sequence[Path]
    ) -> None:
        """Write the attempt down, and keep the files, unless they are none of the operator's. `seen` is what those in `rules:`
        and `files` looked like before they were read. That it can't be done must not hinder anything."""
        if self._history is None:
            return
        entry: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "trigger": trigger,
            **({"by": by} if by else {}),
            "result": "accepted" if outcome.accepted else "refused",
            "version": outcome.version,
            "rules": outcome.rules,
        }
        try:
            if outcome.accepted and seen is not None:
                entry["files"] = await asyncio.to_thread(
                    self._history.keep,
                    outcome.version,
                    self._settings.rules,
                    self._files,
                    lambda: signature(self._settings.rules, files) == seen,
                )
            if outcome.faults:
                entry["faults"] = list(outcome.faults[:MAX_FAULTS_KEPT])
            await asyncio.to_thread(self._history.add, entry)
        except OSError as error:
            log.error("the history of rule sets can't be written", extra={"reason": str(error)})  # noqa: TRY400

    async def _watch(self) -> None:
        seen = self._seen
        while True:
            try:
                async for now in changes(self._settings.rules, lambda: self._files, seen):
                    seen = now
                    await self.reload("files changed")
            except OSError as error:  # the system has no more notices to give
                log.error("rule files can't be watched", extra={"reason": str(error)})  # noqa: TRY400
                await asyncio.sleep(WATCH_AGAIN_S)

    async def _expire(self) -> None:
        while True:
            now = datetime.now(UTC)
            left_s = 86_400 - (now.hour * 60 + now.minute) * 60 - now.second
            await asyncio.sleep(min(left_s, DAY_CHECK_S))
            await self.expire()

    async def expire(self) -> None:
        """Have the rules in force stop that have expired, if any has."""
        today = self._today()
        expired = {name: day for name, day in self._in_force.contents.expires.items() if day < today}
        if expired:
            outcome = await self._attempt("midnight", "", Request(None, today))
            for name, day in expired.items() if outcome.accepted else ():
                log.warning("expired", extra={"what": name, "last_day": str(day)})

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("reloading has failed", exc_info=task.exception())


def _log(trigger: str, outcome: Outcome, faults: int) -> None:
    for note in outcome.notes:
        log.warning("about the new rules", extra={"note": note})
    about = {"trigger": trigger, "rule_set": outcome.version, "rules": outcome.rules}
    if outcome.accepted:
        log.info("rules in force", extra=about | {"before": outcome.before})
        return
    for fault in outcome.faults:
        log.error("a fault in the rules", extra={"fault": fault})
    log.error("rules refused: those in force stay", extra=about | {"faults": faults})


async def told(what: str, arguments: Mapping[str, Any], reloader: Reloader | None, ask: Ask) -> dict[str, Any]:
    """What an operator is told who reloads or rolls back; of a reload also the `certificates` fault, "" for none, which `ask` is
    for. Raises ValueError."""
    by = arguments.get("by", "")
    if what == "rollback":
        if reloader is None:
            raise ValueError("this gate's rules are not reloaded")
        return asdict(await reloader.rollback(arguments.get("version"), by))
    certificates = await ask("certificates", {})
    if reloader is None:
        return {"certificates": certificates, "rules": None}
    outcome = await reloader.reload("smsgate reload", by, force=bool(arguments.get("force")))
    return {"certificates": certificates, "rules": asdict(outcome)}
