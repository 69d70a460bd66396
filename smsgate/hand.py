"""One worker process as its supervisor sees it: started, spoken to, ended. What is done with many is the supervisor's."""

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from smsgate.net.channel import Letters, Questions, Words
from smsgate.net.listener import Incoming
from smsgate.reload.sealed import Sealed
from smsgate.settings import Settings
from smsgate.worker import Setup

log = logging.getLogger(__name__)

ASK_S = 5.0
"""How long a worker may take to answer an operator's request."""
PUT_S = 60.0
"""How long it may take to put rules in force beside its traffic: as long as to start."""


class Hand:
    """A worker with all its lives. `sealed`: the rules it has; `record`: its latest counts; `addresses`: of its sessions."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.ready = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self.words: Words | None = None
        self.letters: Letters | None = None
        self.sealed: Sealed | None = None
        self.questions = Questions()
        self.record: dict[str, Any] | None = None
        self.addresses: Counter[str] = Counter()
        self.down_since = 0.0

    async def begin(
        self, settings: Settings, sealed: Sealed, limits: int, handed_back: Callable[[Incoming, str], None]
    ) -> Words:
        """Start a process with these rules; it says when it is ready. `limits`: the descriptor of the table of limits."""
        ours, theirs = socket.socketpair()
        our_letters, their_letters = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.questions = Questions()
        self.sealed = sealed
        with theirs, their_letters:
            for sock in (ours, our_letters):
                sock.setblocking(False)
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "smsgate.crew",
                str(theirs.fileno()),
                str(their_letters.fileno()),
                str(sealed.descriptor),
                str(limits),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(theirs.fileno(), their_letters.fileno(), sealed.descriptor, limits),
            )
        self.words = words = await Words.over(ours)
        self.letters = Letters(our_letters)
        self.letters.listen(handed_back)
        assert self.process.stdin is not None
        self.process.stdin.write(pickle.dumps(Setup(self.index, settings)))
        self.process.stdin.close()
        return words

    async def end(self) -> bool:
        """Wait for a process that says no more. True when it was ready once."""
        was_ready = self.ready.is_set()
        self.ready.clear()
        self.questions.end()
        assert self.letters is not None
        self.letters.close()
        assert self.words is not None
        await self.words.close()
        assert self.process is not None
        await self.process.wait()
        return was_ready

    async def ask(self, what: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Have it do what an operator asks: `ok`, or `error`."""
        assert self.words is not None
        question = self.questions.put()
        self.words.say(do="operate", question=question, what=what, arguments=dict(arguments))
        return await self.questions.answer(question, ASK_S)

    async def give(self, sealed: Sealed) -> bool:
        """Have it put rules in force. One that can't is killed, as the one that follows starts with them."""
        assert self.letters is not None
        question = self.questions.put()
        with suppress(OSError):  # it has died: so it is answered
            await self.letters.send_rules(sealed.descriptor, question)
        answer = await self.questions.answer(question, PUT_S)
        if "error" in answer:
            version = sealed.contents.version
            about = {"worker": self.index, "rule_set": version, "reason": answer["error"]}
            log.error("a worker has not put the rules in force", extra=about)
            self.kill()
            return False
        self.sealed = sealed
        return True

    def kill(self) -> None:
        """End it, if it has not ended."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
