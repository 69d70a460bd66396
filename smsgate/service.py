"""A gate as a system's service: started once, then run by signals.

SIGTERM, SIGINT   drain and end
SIGHUP            take up what has changed on disk
SIGUSR2           start the next generation: the same command anew, which inherits the listening sockets; once it is
                  ready, this one drains and ends. If it does not get ready, this one stays.

systemd is told of all of it where it has started the program (sd_notify(3)), also that the main process is another one now.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import monotonic_ns

import uvloop

from smsgate.config.rules import Loaded
from smsgate.reload.reloader import Reloader
from smsgate.settings import SECRET_BYTES, Settings
from smsgate.supervisor import Supervisor
from smsgate.worker import Gate, Inherited

log = logging.getLogger(__name__)

INHERITANCE = "SMSGATE_INHERITANCE"
"""The environment variable that tells a generation of the descriptors it has been left."""
KEY_FILE = "secret"
"""In the folder `state:`, with `Settings.secret`."""
READY = b"ready"
NEXT_START_S = 120.0
"""How long the next generation may take until it is ready."""

Service = Gate | Supervisor


class ListenError(Exception):
    """An address can't be listened on, a file that is needed can't be read, or there is no memory for what all workers share."""


def run(settings: Settings, load: Callable[[], Loaded], started: Callable[[Service], None]) -> None:
    """Run until a signal ends it, with the rules that `load` reads. `started` is called once all is ready.

    Raises ListenError when it can't start, and what `load` raises.
    """
    settings = replace(settings, secret=_kept_secret(settings))
    factory = uvloop.new_event_loop if settings.event_loop == "uvloop" else asyncio.new_event_loop

    def service() -> Service:
        """In a function of its own: nobody may hold on to the first rules, some 80 MB, when others take their place."""
        loaded = load()
        reloader = Reloader(settings, loaded)
        if settings.workers > 1:
            return Supervisor(settings, loaded, reloader)
        return Gate(settings, loaded.rules, reloader)

    async def serve() -> None:
        try:
            made = service()
        except OSError as error:
            raise ListenError(str(error)) from error
        await _serve(made, started)

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve())


def _kept_secret(settings: Settings) -> bytes:
    """The secret that the generations before had too, if there is a folder for what outlives the process. Raises ListenError."""
    if settings.state is None:
        return settings.secret
    file = settings.state / KEY_FILE
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as new:
                new.write(settings.secret)
        secret = file.read_bytes()
    except OSError as error:
        raise ListenError(f"{file}: {error.strerror}") from error
    if len(secret) < SECRET_BYTES:
        raise ListenError(f"{file}: {len(secret)} octets, expected {SECRET_BYTES}; without the file a new one is made")
    return secret


async def _serve(service: Service, started: Callable[[Service], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    successions: set[asyncio.Task[None]] = set()

    def succeed() -> None:
        if not successions and not stop.is_set():
            task = loop.create_task(_succession(service, stop))
            successions.add(task)
            task.add_done_callback(successions.discard)

    def end() -> None:
        _notify("STOPPING=1")
        stop.set()

    def reload() -> None:
        _notify("RELOADING=1", f"MONOTONIC_USEC={monotonic_ns() // 1000}")
        service.reload()
        _notify("READY=1")

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    inherited, told = _inheritance()
    try:
        await service.start(inherited)
    except OSError as error:
        raise ListenError(str(error)) from error
    loop.add_signal_handler(signal.SIGHUP, reload)
    loop.add_signal_handler(signal.SIGUSR2, succeed)
    gc.collect()
    gc.freeze()  # rules and automaton live as long as the process: the collector need not look at them again
    started(service)
    _notify("READY=1", f"MAINPID={os.getpid()}")  # before the generation before ends: systemd follows without a gap
    if told is not None:
        os.write(told, READY)
        os.close(told)
    await stop.wait()
    await service.stop()


def _notify(*words: str) -> None:
    """Tell systemd, if it has asked to be told; a service manager that does not listen changes nothing."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        address = "\0" + path[1:] if path.startswith("@") else path
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, suppress(OSError):
            sock.sendto("\n".join(words).encode(), address)


def _inheritance() -> tuple[Inherited | None, int | None]:
    """What the generation before has left, and where to tell it that this one is ready."""
    left = os.environ.pop(INHERITANCE, None)
    if left is None:
        return None, None
    words = json.loads(left)
    listeners = {name: [_socket(number) for number in numbers] for name, numbers in words["listeners"].items()}
    admin = None if words["admin"] is None else _socket(words["admin"])
    os.set_inheritable(words["ready"], False)
    return Inherited(listeners, admin), words["ready"]


def _socket(number: int) -> socket.socket:
    sock = socket.socket(fileno=number)
    sock.setblocking(False)
    os.set_inheritable(number, False)
    return sock


async def _succession(service: Service, stop: asyncio.Event) -> None:
    """Start the next generation; when it is ready, hand HTTP and the control socket to it and end this one."""
    listening, answering = os.pipe()
    listeners = {name: [sock.fileno() for sock in sockets] for name, sockets in service.listener.sockets.items()}
    admin = None if service.admin is None else service.admin.socket.fileno()
    kept = [number for numbers in listeners.values() for number in numbers] + [answering]
    words = {"listeners": listeners, "admin": admin, "ready": answering}
    environment = {**os.environ, INHERITANCE: json.dumps(words)}
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *sys.orig_argv[1:],
            pass_fds=[*kept, *([] if admin is None else [admin])],
            env=environment,
        )
    except OSError as error:
        os.close(listening)
        log.error("the next generation can't be started", extra={"reason": str(error)})  # noqa: TRY400
        return
    finally:
        os.close(answering)
    log.info("the next generation starts", extra={"pid": process.pid})
    if await _said_ready(listening):
        log.info("the next generation is ready: this one drains")
        service.retire()
        stop.set()
    else:
        log.error("the next generation did not get ready: this one stays")
        if process.returncode is None:
            process.terminate()


async def _said_ready(descriptor: int) -> bool:
    """Whether the other end of a pipe says that it is ready before it closes, within NEXT_START_S."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            async with asyncio.timeout(NEXT_START_S):
                return await reader.readexactly(len(READY)) == READY
        except (TimeoutError, asyncio.IncompleteReadError):
            return False
        finally:
            transport.close()
