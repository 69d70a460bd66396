"""How the operator's commands ask a running gate: through its control socket, one JSON object a line.

See `smsgate.net.control` for the other end. Blocking: a command has nothing else to do meanwhile.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from smsgate.cli.common import refuse, told_faults
from smsgate.config.load import load_settings

ANSWER_S = 10.0
"""How long the gate may take to answer, if the command says nothing else. It gives its workers 5 s."""

Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration of the gate.")]
Control = Annotated[Path | None, typer.Option(help="The control socket itself; no configuration is read then.")]
CONFIG = Path("smsgate.yaml")


class GateError(Exception):
    """The gate can't be asked, or refuses; for people."""


class Asker:
    """A connection to the gate."""

    def __init__(self, sock: socket.socket, timeout_s: float) -> None:
        self._sock = sock
        self._timeout_s = timeout_s
        self._stream = sock.makefile("rb")

    def ask(self, what: str, **arguments: Any) -> Any:
        """The answer to one request; arguments that are None are left out. Raises GateError."""
        request = {"do": what, **{key: value for key, value in arguments.items() if value is not None}}
        try:
            self._sock.settimeout(self._timeout_s)
            self._sock.sendall(json.dumps(request).encode() + b"\n")
            line = self._stream.readline()
        except TimeoutError:
            raise GateError(f"the gate does not answer within {self._timeout_s:.0f} s") from None
        except OSError as error:
            raise GateError(f"the gate has closed the control socket: {error.strerror}") from None
        answer = _record(line)
        if "error" in answer:
            raise GateError(f"the gate refuses: {answer['error']}")
        return answer.get("ok")

    def records(self) -> Iterator[dict[str, Any]]:
        """What a trace tells, until it ends. Raises GateError when the gate ends it."""
        self._sock.settimeout(None)
        while True:
            try:
                line = self._stream.readline()
            except OSError as error:
                raise GateError(f"the gate has closed the control socket: {error.strerror}") from None
            yield _record(line)

    def close(self) -> None:
        """End the connection."""
        self._stream.close()
        self._sock.close()


def _record(line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise GateError("the gate has closed the control socket: it ends, or its log says why")
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise GateError("what answers at the control socket is no smsgate")
    return record


@contextmanager
def asking(config: Path, control: Path | None, timeout_s: float | None = None) -> Iterator[Asker]:
    """A connection to the gate with this configuration, or at this socket. What goes wrong is told, and ends the command
    with 1 (2 for a configuration that is wrong)."""
    path = control or _path_in(config)
    try:
        asker = Asker(_connected(path), timeout_s or ANSWER_S)
        try:
            yield asker
        finally:
            asker.close()
    except GateError as error:
        refuse(str(error))


def asked_if_running(config: Path, control: Path | None, what: str) -> Any | None:
    """What a gate answers; None where there is none to ask, or the configuration has no control socket."""
    path = control
    if path is None and config.is_file():
        with told_faults():
            path = load_settings(config).control
    if path is None:
        return None
    try:
        asker = Asker(_connected(path), ANSWER_S)
        try:
            return asker.ask(what)
        finally:
            asker.close()
    except GateError:
        return None


def _path_in(config: Path) -> Path:
    with told_faults():
        path = load_settings(config).control
    if path is None:
        refuse(
            f"{config} has no control socket. Add the line\n\n    control: smsgate.sock\n\n"
            "restart the gate, and ask again"
        )
    return path


def _connected(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(ANSWER_S)
    try:
        sock.connect(str(path))
    except OSError as error:
        sock.close()
        match error:
            case FileNotFoundError():
                reason = "no such socket: the gate is not running, or listens elsewhere"
            case PermissionError():
                reason = "not permitted: only the user that the gate runs as may ask it, and root"
            case ConnectionRefusedError():
                reason = "nobody listens there: the gate is not running"
            case TimeoutError() | BlockingIOError():
                reason = "the gate does not take the connection"
            case _:
                reason = error.strerror or str(error)
        raise GateError(f"{path}: {reason}") from None
    return sock


def printable(text: str) -> str:
    """What a peer chose, such as a system_id, without what would steer the terminal."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()
