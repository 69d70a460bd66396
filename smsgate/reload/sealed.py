"""A rule set as one process hands it to another: packs and ready automata in an anonymous file.

Tests of conditions are closures, which can't be pickled, and automata are what takes long to build. So the packs travel with
their automata, and whoever takes them up compiles the packs again with these. For 50,000 keywords that is 210 ms of Python, which
runs in a thread in small pieces beside the event loop, and unpickling in two pieces of 20 ms.
The file is a memfd: it needs no writable disk, is passed as a descriptor, and is gone with the last process that holds it.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from errno import EFBIG
from time import sleep
from typing import Any, Final, Self
from weakref import finalize

import ahocorasick

from smsgate.config.rules import Loaded
from smsgate.rules.brands import automaton
from smsgate.rules.compile import compile_packs
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Pack
from smsgate.rules.tables import expired
from smsgate.telemetry.rule_set import rotating

BREATH_S: Final = 0.005
"""Between two steps that each hold the loop up: a message needs a few turns of the loop, and would wait for both else."""
LONG_OCTETS: Final = 1 << 20
"""Of what takes a millisecond or more to unpickle."""
SWITCH_S: Final = 0.0005
"""How long the thread that compiles may keep the event loop waiting. Python's own 5 ms are waited for at each event, so that
forty sessions that speak at once would wait 200."""
_LENGTH_OCTETS: Final = 8


@dataclass(frozen=True, slots=True)
class Contents:
    """What is known of a sealed set without opening it. `rotating`: limits that tell of rotation; `expires`: the last days of
    rules and lists in force that have one."""

    version: str
    rules: int
    rotating: tuple[str, ...]
    day: date
    expires: Mapping[str, date]

    @classmethod
    def of(cls, loaded: Loaded) -> Self:
        """Of a set on the day that it was loaded for."""
        expires = {f"rule {rule.id}": rule.expires for rule in loaded.rules.rules if rule.expires is not None}
        for entries in (entries for pack in loaded.packs for entries in pack.lists):
            if entries.expires is not None and not expired(entries, loaded.today):
                expires[f"list {entries.name}"] = entries.expires
        return cls(loaded.rules.version, len(loaded.rules.rules), rotating(loaded.rules), loaded.today, expires)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Sealed:
    """The anonymous file; it is closed when nobody refers to this any more."""

    descriptor: int
    contents: Contents

    def __post_init__(self) -> None:
        finalize(self, os.close, self.descriptor)

    @classmethod
    def of(cls, loaded: Loaded) -> Self:
        """Of a set that was loaded in this process. Without automata: who takes it up has no traffic yet."""
        sealed = cls(anonymous_file(), Contents.of(loaded))
        write(sealed.descriptor, loaded, ())
        return sealed


def anonymous_file(name: str = "rules") -> int:
    """The descriptor of an empty one."""
    return os.memfd_create(f"smsgate-{name}", os.MFD_CLOEXEC)


@contextmanager
def filling(what: str) -> Iterator[None]:
    """An OSError in it says what there is no room for. To the system an anonymous file is a file, though it is memory."""
    try:
        yield
    except OSError as error:
        about = "; the limit on file sizes (ulimit -f, LimitFSIZE=) applies to it" if error.errno == EFBIG else ""
        raise OSError(f"no room in memory for {what}: {error.strerror}{about}") from error


def write(descriptor: int, loaded: Loaded, automata: Sequence[ahocorasick.Automaton]) -> None:
    """Fill an empty anonymous file. `automata`: those that the compilation of the packs asked for, in order. Raises OSError."""
    with filling("the rules"), open(descriptor, "wb", closefd=False) as stream:  # a descriptor, no path
        for part in ((loaded.packs, loaded.today), *automata):
            octets = pickle.dumps(part, pickle.HIGHEST_PROTOCOL)
            stream.write(len(octets).to_bytes(_LENGTH_OCTETS, "big"))
            stream.write(octets)


def packs_in(descriptor: int) -> tuple[Pack, ...]:
    """The packs alone."""
    packs, _ = next(_parts(descriptor))
    return tuple(packs)


def unseal(descriptor: int) -> Loaded:
    """The rule set, compiled from the packs with their automata."""
    parts = _parts(descriptor)
    packs, day = next(parts)
    automata = list(parts)
    automata.reverse()

    def build(words: Mapping[str, int]) -> ahocorasick.Automaton:
        if not automata:
            return automaton(words)
        built = automata.pop()
        assert len(built) == max(1, len(words))  # an empty one holds one word: see `automaton`
        return built

    return Loaded(packs, day, compile_packs(packs, day, build))


async def taken_up(descriptor: int) -> RuleSet:
    """`unseal` beside a running loop, which is held up by no more than the unpickling of the largest automaton."""
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        return (await asyncio.to_thread(unseal, descriptor)).rules
    finally:
        sys.setswitchinterval(interval_s)


def _parts(descriptor: int) -> Iterator[Any]:
    """Each part by itself, so that the loop gets its turn between them. Nobody's file position is touched."""
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as octets, memoryview(octets) as view:
        start = 0
        while start < len(view):
            length = int.from_bytes(view[start : start + _LENGTH_OCTETS], "big")
            start += _LENGTH_OCTETS
            with view[start : start + length] as part:
                yield pickle.loads(part)  # noqa: S301  # of a process of this gate
            if length > LONG_OCTETS:
                sleep(BREATH_S)
            start += length
