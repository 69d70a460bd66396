"""The notation of `.dialogue` files: octets, PDUs, steps. README.md tells it to those who write such files.

Nothing here uses smsgate's own reading or writing of PDUs: what a line stands for follows from the tables below, which list
the mandatory parameters as the specifications do (SMPP 3.4, 4; 5.0, 4).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

HEADER_BYTES = 16
RESPONSE = 0x80000000

_SOURCE = "source_addr_ton=1 source_addr_npi=1 source_addr$=0199001234"
_DESTINATION = "dest_addr_ton=1 dest_addr_npi=1 destination_addr$=0639980001"
_ONE_ADDRESS = 'dest_address*=010101+"0639980001"+00'
_TIMES = "schedule_delivery_time$ validity_period$"
_TEXT = "sm_length short_message*"
_ROUTING = f"service_type$ {_SOURCE} {_DESTINATION}"
_OPTIONS = f"esm_class protocol_id priority_flag {_TIMES} registered_delivery replace_if_present_flag data_coding"
_BIND = "system_id$=bank1 password$=secret system_type$ interface_version=0x34 addr_ton addr_npi address_range$"
_SUBMIT = f"{_ROUTING} {_OPTIONS} sm_default_msg_id {_TEXT}"
_MULTI = f"service_type$ {_SOURCE} number_of_dests=1 {_ONE_ADDRESS} {_OPTIONS} sm_default_msg_id {_TEXT}"
_REPLACE = f"message_id$=7f03 {_SOURCE} {_TIMES} registered_delivery sm_default_msg_id {_TEXT}"
_BROADCAST = (
    f"service_type$ {_SOURCE} message_id$ priority_flag {_TIMES} replace_if_present_flag data_coding sm_default_msg_id"
)

COMMANDS = {
    "bind_receiver": (0x01, _BIND, "system_id$=smsc"),
    "bind_transmitter": (0x02, _BIND, "system_id$=smsc"),
    "query_sm": (0x03, f"message_id$=7f03 {_SOURCE}", "message_id$=7f03 final_date$ message_state error_code"),
    "submit_sm": (0x04, _SUBMIT, "message_id$=7f03"),
    "deliver_sm": (0x05, _SUBMIT, "message_id$"),
    "unbind": (0x06, "", ""),
    "replace_sm": (0x07, _REPLACE, ""),
    "cancel_sm": (0x08, f"service_type$ message_id$=7f03 {_SOURCE} {_DESTINATION}", ""),
    "bind_transceiver": (0x09, _BIND, "system_id$=smsc"),
    "outbind": (0x0B, "system_id$=smsc password$=secret", ""),
    "enquire_link": (0x15, "", ""),
    "submit_multi": (0x21, _MULTI, "message_id$=7f03 no_unsuccess unsuccess_sme*"),
    "alert_notification": (0x102, f"{_SOURCE} esme_addr_ton=1 esme_addr_npi=1 esme_addr$=38100", ""),
    "data_sm": (0x103, f"{_ROUTING} esm_class registered_delivery data_coding", "message_id$=7f03"),
    "broadcast_sm": (0x111, _BROADCAST, "message_id$=7f03"),
    "query_broadcast_sm": (0x112, f"message_id$=7f03 {_SOURCE}", "message_id$=7f03"),
    "cancel_broadcast_sm": (0x113, f"service_type$ message_id$=7f03 {_SOURCE}", ""),
    "generic_nack": (0x80000000, "", ""),
}
"""command_id, then the mandatory parameters of the request and of the response in their order: `name` is one octet, `name$`
a C-octet string, `name*` octets as they are; behind `=` what stands there if the line does not say (else 0 or nothing)."""

_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*")+')
_COMMENT = re.compile(r'((?:[^"]|"[^"]*")*?)\s+# .*')
_PIECE = re.compile(r'(?:([\w-]*)"([^"]*)"|([0-9A-Fa-f]+))(?:\*(\d+))?')
_STEP = re.compile(r"(esme|smsc)(2?)([<>]) (.*)")
_HEADING = re.compile(r"([a-z ]+): (.*)")
_MORE = re.compile(r" +\w+=")


class NotationError(ValueError):
    """A line that does not follow the notation."""


def octets(text: str) -> bytes:
    """Hexadecimal digits, "ASCII text" or codec"text", each perhaps `*` a number of times, joined by `+`."""
    found = b""
    position = 0
    while position < len(text):
        match = _PIECE.match(text, position)
        if match is None or text[match.end() : match.end() + 1] not in {"+", ""}:
            raise NotationError(f"not octets: {text}")
        codec, words, digits, times = match.groups()
        piece = bytes.fromhex(digits) if digits else words.encode(codec or "ascii")
        found += piece * int(times or 1)
        position = match.end() + 1
    return found


def _behind(key: str, value: str) -> bytes:
    """An optional parameter (`tlv=TAG:OCTETS`), or octets as they are (`tail=OCTETS`)."""
    if key == "tail":
        return octets(value)
    tag, _, content = value.partition(":")
    return struct.pack(">HH", int(tag, 16), len(octets(content))) + octets(content)


def _mandatory(layout: str, given: dict[str, str]) -> bytes:
    body = b""
    given = {"sm_length": str(len(octets(given.get("short_message", "")))), **given} if _TEXT in layout else dict(given)
    for parameter in layout.split():
        name, _, default = parameter.partition("=")
        key = name.rstrip("$*")
        if name.endswith("$"):
            body += (octets(given.pop(key)) if key in given else default.encode()) + b"\0"
        elif name.endswith("*"):
            body += octets(given.pop(key, default))
        else:
            body += bytes([int(given.pop(key, default or "0"), 0)])
    if given:
        raise NotationError(f"no such parameter: {', '.join(given)}")
    return body


def _pdu(name: str, pairs: list[tuple[str, str]]) -> bytes:
    """A PDU by its name (or its command_id) and what the line says of it."""
    behind = b"".join(_behind(key, value) for key, value in pairs if key in {"tlv", "tail"})
    given = {key: value for key, value in pairs if key not in {"tlv", "tail"}}
    sequence, status = int(given.pop("seq", "1"), 0), int(given.pop("status", "0"), 0)
    length = given.pop("length", "")
    request = name.removesuffix("_resp")
    if name.startswith("0x"):
        command, layout = int(name, 16), ""
    else:
        command, of_request, of_response = COMMANDS[request]
        command, layout = (command, of_request) if request == name else (command | RESPONSE, of_response)
        if status and not given:  # an error response has no body unless the line gives it one
            layout = ""
    body = (octets(given["body"]) if "body" in given else _mandatory(layout, given)) + behind
    return (
        struct.pack(">IIII", int(length, 0) if length else HEADER_BYTES + len(body), command, status, sequence) + body
    )


def line_octets(line: str) -> bytes:
    """One line of a step: a PDU, or octets with blanks wherever they please."""
    first, *rest = _TOKEN.findall(line)
    if first.removesuffix("_resp") in COMMANDS or first.startswith("0x"):
        return _pdu(first, [(key, value) for key, _, value in (token.partition("=") for token in rest)])
    return b"".join(octets(token) for token in (first, *rest))


@dataclass(frozen=True)
class Step:
    """One side writes octets (`>`), or must receive just these (`<`). None: it ends its stream, or sees the gate's end.
    Connection 0 is the first ESME with its connection to the SMSC, 1 the second. `gate>` has no octets: the gate drains."""

    line: int
    side: str
    connection: int
    writes: bool
    octets: bytes | None


HEADINGS = {
    "rests on": re.compile(r".*(SMPP \d\.\d, \d|3GPP TS [\d.]+, \d|Unicode UTS \d|[\w.-]+/[\w.-]+#\d).*"),
    "topics": re.compile(r"[a-z0-9-]+(, [a-z0-9-]+)*"),
    "kind": re.compile("relay|refusal"),
    "begins": re.compile("bound|open"),
    "ends": re.compile("bound|open|closed"),
}
SETTINGS = frozenset({"clients", "caps"})


@dataclass
class Dialogue:
    """One file. `settings` are lines of smsgate.yaml."""

    title: str
    headings: dict[str, str] = field(default_factory=lambda: {"begins": "bound", "ends": "bound"})
    settings: str = ""
    steps: list[Step] = field(default_factory=list)

    @property
    def topics(self) -> list[str]:
        return self.headings["topics"].split(", ")

    @property
    def kind(self) -> str:
        return self.headings["kind"]

    def refusals(self) -> list[bytes]:
        """Error responses that some side receives and none has sent: the gate made them."""
        said = [pdu for step in self.steps if step.writes for pdu in pdus(step.octets or b"")]
        heard = [pdu for step in self.steps if not step.writes for pdu in pdus(step.octets or b"")]
        return [pdu for pdu in heard if pdu not in said and pdu[4:5] == b"\x80" and pdu[8:12] != bytes(4)]


def parse(text: str) -> Dialogue:
    """A dialogue. Raises NotationError with the number of the line."""
    title, *lines = text.splitlines()
    dialogue = Dialogue(title)
    for number, first, more in _statements(lines):
        try:
            _take(dialogue, number, first, more)
        except (ValueError, LookupError, struct.error) as error:
            raise NotationError(f"line {number}: {error}") from error
    if missing := {"rests on", "topics", "kind"} - set(dialogue.headings):
        raise NotationError(f"no heading {', '.join(sorted(missing))}")
    return dialogue


def _statements(lines: list[str]) -> list[tuple[int, str, list[str]]]:
    """Number of the line, the line, and the lines indented behind it; `name=value` goes on with the line above."""
    found: list[tuple[int, str, list[str]]] = []
    for number, raw in enumerate(lines, 2):
        comment = _COMMENT.match(raw)
        line = (comment[1] if comment else raw).rstrip()
        if not line.startswith(" "):
            found += [(number, line, [])] if line else []
        elif not _MORE.match(line):
            found[-1][2].append(line)
        elif found[-1][2]:
            found[-1][2][-1] += line
        else:
            found[-1] = (found[-1][0], found[-1][1] + line, [])
    return found


def _take(dialogue: Dialogue, number: int, line: str, more: list[str]) -> None:
    steps = dialogue.steps
    if step := _STEP.fullmatch(line):
        side, second, direction, what = step.groups()
        if what == "ends":
            content = None
        elif what == "same":
            content = [before.octets for before in steps if before.writes][-1]
        else:
            content = b"".join(line_octets(one) for one in (what, *more))
        steps.append(Step(number, side, 1 if second else 0, direction == ">", content))
    elif line == "gate> drains":
        steps.append(Step(number, "gate", 0, True, None))
    elif (heading := _HEADING.fullmatch(line)) and heading[1] in SETTINGS:
        dialogue.settings += line + "\n"
    elif heading and heading[1] in HEADINGS and HEADINGS[heading[1]].fullmatch(heading[2]):
        dialogue.headings[heading[1]] = heading[2]
    else:
        raise NotationError("neither a heading nor a step")


def pdus(stream: bytes) -> list[bytes]:
    """A stream cut into PDUs by their lengths; what is too short or too long for one is the last piece."""
    found = []
    while stream:
        length = int.from_bytes(stream[:4], "big")
        end = length if HEADER_BYTES <= length <= len(stream) else len(stream)
        found.append(stream[:end])
        stream = stream[end:]
    return found


def load(path: Path) -> Dialogue:
    """The dialogue of a file."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except NotationError as error:
        raise NotationError(f"{path.name}: {error}") from error
