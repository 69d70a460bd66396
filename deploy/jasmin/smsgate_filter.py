"""The filter inside Jasmin: put this file and smsgate where interceptord's Python finds them (Python 3.11 or later).

Rules are read once, when interceptord runs the first script: restart it after a change. Limits are not asked, and the parts of
a long message are judged one by one; a gate in front of Jasmin does both.
"""

from __future__ import annotations

import os
from typing import Any

from smsgate import Filter
from smsgate.smpp.coding import GSM7_BASIC

RULES = os.environ.get("SMSGATE_RULES", "/etc/smsgate/rules")
"""Packs, or folders of packs, divided by colons."""
GATE = Filter.load(*RULES.split(":"))


def status(routable: Any) -> int:
    """The command_status to refuse a message with; 0 lets it pass. `routable` is Jasmin's."""
    params = routable.pdu.params
    verdict = GATE.check(
        _text(params),
        sender=params.get("source_addr", b"").decode("latin-1"),
        client=str(routable.user.uid),
    )
    return verdict.status if verdict.refused else 0


def _text(params: dict[str, Any]) -> str:
    body: bytes = params.get("short_message") or params.get("message_payload") or b""
    coding = params.get("data_coding")
    match getattr(getattr(coding, "schemeData", None), "name", ""):
        case "UCS2":
            return body.decode("utf-16-be", "replace")
        case "LATIN_1":
            return body.decode("latin-1")
        case _:
            return "".join(GSM7_BASIC[octet] if octet < len(GSM7_BASIC) else chr(octet) for octet in body)
