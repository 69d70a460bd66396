"""The filter inside Jasmin: put this file and smsgate where interceptord's Python finds them (Python 3.11 or later).

Rules are read once, when interceptord runs the first script: restart it after a change. Limits are not asked, and the parts of
a long message are judged one by one; a gate in front of Jasmin does both.
"""

from __future__ import annotations

import os
from typing import Any

from smsgate import Filter
from smsgate.smpp.coding import GSM7, LATIN_1, UCS2, Alphabet

RULES = os.environ.get("SMSGATE_RULES", "/etc/smsgate/rules")
"""Packs, or folders of packs, divided by colons."""
ALPHABETS: dict[str, Alphabet] = {"UCS2": UCS2, "LATIN_1": LATIN_1}
GATE = Filter.load(*RULES.split(":"))


def status(routable: Any) -> int:
    """The command_status to refuse a message with; 0 lets it pass. `routable` is Jasmin's."""
    params = routable.pdu.params
    verdict = GATE.check(
        _text(params),
        sender=params.get("source_addr", b"").decode("latin-1"),
        client=str(routable.user.uid),
        destination=params.get("destination_addr", b"").decode("latin-1"),
    )
    return verdict.status if verdict.refused else 0


def _text(params: dict[str, Any]) -> str:
    body: bytes = params.get("short_message") or params.get("message_payload") or b""
    declared = getattr(getattr(params.get("data_coding"), "schemeData", None), "name", "")
    return ALPHABETS.get(declared, GSM7).read(body).text
