"""The `senders:` of a pack: forbidden sender ids, and reserved ones with the clients that may use them.

    senders:
      forbidden: [INFO]                  or forbidden_file: a list file (`lists`), one a line
      reserved: {CreditAgric: [bank1]}   or reserved_file: one a line, then its clients, all parted by commas

A line of a reserved file is `CreditAgric, bank1, bank2`; a colon, semicolon or tab parts as a comma does, since the lists that
operators have come in all of these. One without clients is reserved for nobody yet: another pack may name them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from smsgate.config.diagnostics import Form
from smsgate.config.fields import Sender, Text, sender
from smsgate.config.lists import entries_of, read_list
from smsgate.config.net_fields import SystemId, system_id
from smsgate.rules.model import ListKind, ReservedSender, SenderIds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smsgate.config.diagnostics import Diagnostic

MAX_RESERVED_BYTES: Final = 4 * 1024 * 1024
"""Of a file of reserved ids, some 100,000 lines: each costs a kilobyte in every worker, for what is one edit from it."""

_PARTS: Final = re.compile(r"\s*[,:;\t]\s*")


def reserved_line(line: str) -> ReservedSender:
    """One line of a reserved file."""
    name, *clients = _PARTS.split(line.rstrip(",:;\t "))
    return ReservedSender(sender(name), tuple(map(system_id, clients)))


class Senders(Form):
    """What may stand under `senders:`."""

    protections = frozenset({"forbidden", "reserved"})

    forbidden: Annotated[tuple[Sender, ...], Field(min_length=1)] = ()
    forbidden_file: Text | None = None
    reserved: dict[Sender, tuple[SystemId, ...]] = Field(default_factory=dict)
    reserved_file: Text | None = None

    def ids(self, opened: Callable[[str, str], Path | None], faults: list[Diagnostic]) -> SenderIds:
        """The sender ids here and in the files named here. `opened` gives the file that is named under a key, if there is one."""
        forbidden = self.forbidden
        reserved = tuple(ReservedSender(name, clients) for name, clients in self.reserved.items())
        table = None
        if self.forbidden_file and (file := opened("forbidden_file", self.forbidden_file)):
            read = read_list(file, ListKind.SENDERS)
            forbidden += read.entries
            table = read.table
            faults += read.faults
        if self.reserved_file and (file := opened("reserved_file", self.reserved_file)):
            reserved += entries_of(file, reserved_line, MAX_RESERVED_BYTES, faults)
        return SenderIds(forbidden, reserved, table)
