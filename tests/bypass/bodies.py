"""Carriers by PDU and by the place in it: each command, each field, lengths that lie, octets that nobody claims."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests import pdus
from tests.bypass.carrier import CANNED_ID, Carrier, Carry
from tests.bypass.encoders import gsm7, ucs2
from tests.bypass.texts import GREETING
from tests.pdus import DELIVER_SM, broadcast_sm, data_sm, replace_sm, submit_multi, submit_sm, tlv

HELLO: Final = gsm7(GREETING)
VENDOR: Final = tlv(0x1401, b"vendor")
NUMBERS: Final = (b"0639980001", b"0639980002", b"0639980003")
deliver_sm = partial(submit_sm, command=DELIVER_SM)


def _halves(text: str) -> tuple[bytes, bytes]:
    """The text cut at the blank in its middle."""
    cut = text.index(" ", len(text) // 2) if " " in text[len(text) // 2 :] else text.rindex(" ")
    return gsm7(text[:cut]), gsm7(text[cut + 1 :])


def _atag(text: bytes, coding: int = 0) -> bytes:
    return tlv(0x0303, bytes([coding]) + text)


PDUS: Final[dict[str, Carry]] = {
    "submit_sm": lambda text: [submit_sm(gsm7(text))],
    "submit_sm, UCS-2": lambda text: [submit_sm(ucs2(text), data_coding=8)],
    "submit_sm, message_payload": lambda text: [submit_sm(payloads=[gsm7(text)])],
    "submit_sm, UCS-2 message_payload": lambda text: [submit_sm(payloads=[ucs2(text)], data_coding=8)],
    "submit_sm, message_payload of 20 KB": lambda text: [submit_sm(payloads=[(HELLO + b" ") * 1000 + gsm7(text)])],
    "submit_multi": lambda text: [submit_multi(gsm7(text), destinations=NUMBERS)],
    "submit_multi, message_payload": lambda text: [submit_multi(payloads=[gsm7(text)], destinations=NUMBERS)],
    "submit_multi, UCS-2": lambda text: [submit_multi(ucs2(text), destinations=NUMBERS, data_coding=8)],
    "submit_multi, distribution list": lambda text: [submit_multi(gsm7(text), destinations=(), lists=[b"everybody"])],
    "submit_multi, 254 destinations": lambda text: [submit_multi(gsm7(text), destinations=NUMBERS[:1] * 254)],
    "data_sm": lambda text: [data_sm(gsm7(text))],
    "data_sm, UCS-2": lambda text: [data_sm(ucs2(text), data_coding=8)],
    "replace_sm": lambda text: [replace_sm(gsm7(text))],
    "replace_sm, UCS-2": lambda text: [replace_sm(ucs2(text))],
    "replace_sm, message_payload": lambda text: [replace_sm(payloads=[gsm7(text)])],
    "broadcast_sm": lambda text: [broadcast_sm(gsm7(text))],
    "broadcast_sm, UCS-2": lambda text: [broadcast_sm(ucs2(text), data_coding=8)],
    "deliver_sm of the ESME": lambda text: [deliver_sm(gsm7(text))],
    "deliver_sm of the ESME as a receipt": lambda text: [deliver_sm(gsm7(text), esm_class=0x04)],
    "submit_sm as a receipt": lambda text: [submit_sm(gsm7(text), esm_class=0x04)],
    "submit_sm as an intermediate notification": lambda text: [submit_sm(gsm7(text), esm_class=0x20)],
    "data_sm as a receipt": lambda text: [data_sm(gsm7(text), esm_class=0x04)],
    "submit_sm, every other bit of esm_class": lambda text: [submit_sm(gsm7(text), esm_class=0xBF)],
    "submit_sm, a ussd_service_op": lambda text: [
        submit_sm(gsm7(text), service_type=b"USSD", tlvs=tlv(0x0501, b"\x02"))
    ],
    "submit_sm, overlong addresses and times": lambda text: [
        submit_sm(gsm7(text), source=b"9" * 60, destination=b"9" * 60, service_type=b"x" * 40, validity=b"0" * 99)
    ],
}

UPSTREAM: Final[dict[str, Carry]] = {
    "deliver_sm": lambda text: [deliver_sm(gsm7(text))],
    "deliver_sm, UCS-2": lambda text: [deliver_sm(ucs2(text), data_coding=8)],
    "deliver_sm, message_payload": lambda text: [deliver_sm(payloads=[gsm7(text)])],
    "deliver_sm, user acknowledgement": lambda text: [deliver_sm(gsm7(text), esm_class=0x10)],
    "data_sm": lambda text: [data_sm(gsm7(text))],
}

SEVERAL: Final[dict[str, Carry]] = {
    "message_payload beside a harmless short_message": lambda text: [submit_sm(HELLO, payloads=[gsm7(text)])],
    "short_message beside a harmless message_payload": lambda text: [submit_sm(gsm7(text), payloads=[HELLO])],
    "short_message beside the official link": lambda text: (
        [submit_sm(gsm7(text), payloads=[b"https://www.moncompteformation.gouv.fr https://assure.ameli.fr"])]
        if "gouv.fr" not in text
        else [submit_sm(gsm7(text))]
    ),
    "half in each": lambda text: [submit_sm(_halves(text)[0], payloads=[_halves(text)[1]])],
    "second of two message_payloads": lambda text: [submit_sm(payloads=[HELLO, gsm7(text)])],
    "first of two message_payloads": lambda text: [submit_sm(payloads=[gsm7(text), HELLO])],
    "last of three bodies": lambda text: [submit_sm(HELLO, payloads=[HELLO, gsm7(text)])],
    "one of fifty message_payloads": lambda text: [submit_sm(payloads=[*[HELLO] * 30, gsm7(text), *[HELLO] * 19])],
    "submit_multi, both bodies": lambda text: [submit_multi(HELLO, payloads=[gsm7(text)])],
    "replace_sm, both bodies": lambda text: [replace_sm(HELLO, payloads=[gsm7(text)])],
    "data_sm, two message_payloads": lambda text: [data_sm(HELLO, tlvs=tlv(0x0424, gsm7(text)))],
    "behind vendor TLVs": lambda text: [submit_sm(tlvs=VENDOR * 3 + tlv(0x0424, gsm7(text)) + VENDOR)],
    "behind an empty message_payload": lambda text: [submit_sm(payloads=[b"", gsm7(text)])],
    "callback_num_atag": lambda text: [submit_sm(HELLO, tlvs=_atag(gsm7(text)))],
    "callback_num_atag, UCS-2": lambda text: [submit_sm(HELLO, tlvs=_atag(ucs2(text), 8))],
    "half in callback_num_atag": lambda text: [submit_sm(_halves(text)[0], tlvs=_atag(_halves(text)[1]))],
}

LYING: Final[dict[str, Carry]] = {
    "sm_length 0": lambda text: [submit_sm(gsm7(text), sm_length=0)],
    "sm_length 0, UCS-2": lambda text: [submit_sm(ucs2(text), data_coding=8, sm_length=0)],
    "sm_length 1": lambda text: [submit_sm(gsm7(text), sm_length=1)],
    "sm_length in the middle of a word": lambda text: [submit_sm(gsm7(text), sm_length=7)],
    "sm_length half, UCS-2": lambda text: [submit_sm(ucs2(text), data_coding=8, sm_length=len(text))],
    "sm_length half of a UCS-2 letter": lambda text: [submit_sm(ucs2(text), data_coding=8, sm_length=9)],
    "sm_length over by one": lambda text: [submit_sm(gsm7(text), sm_length=len(gsm7(text)) + 1)],
    "sm_length 255": lambda text: [submit_sm(gsm7(text), sm_length=255)],
    "sm_length 255, UCS-2": lambda text: [submit_sm(ucs2(text), data_coding=8, sm_length=255)],
    "sm_length over, submit_multi": lambda text: [submit_multi(gsm7(text), sm_length=255)],
    "sm_length over, replace_sm": lambda text: [replace_sm(gsm7(text), sm_length=255)],
    "sm_length in data_sm": lambda text: [data_sm(None, tlvs=b"\0" + bytes([len(gsm7(text))]) + gsm7(text))],
    "message_payload longer than the PDU": lambda text: [submit_sm(tlvs=tlv(0x0424, gsm7(text), 0xFFFF))],
    "message_payload shorter than its text": lambda text: [submit_sm(tlvs=tlv(0x0424, gsm7(text), 5))],
    "text behind short_message": lambda text: [submit_sm(HELLO, tlvs=b"\0" + gsm7(text))],
    "text behind the last TLV": lambda text: [submit_sm(HELLO, tlvs=VENDOR + gsm7(text))],
    "text behind NUL padding": lambda text: [submit_sm(HELLO, tlvs=bytes(9) + gsm7(text))],
    "UCS-2 text behind the last TLV": lambda text: [submit_sm(ucs2(GREETING), data_coding=8, tlvs=VENDOR + ucs2(text))],
    "text behind data_sm's message_payload": lambda text: [data_sm(HELLO, tlvs=gsm7(text))],
    "text behind broadcast_sm's message_payload": lambda text: [broadcast_sm(HELLO, tlvs=gsm7(text))],
    "a TLV that no specification defines": lambda text: [submit_sm(HELLO, tlvs=tlv(0x0500, gsm7(text)))],
    "a vendor TLV and no text": lambda text: [submit_sm(tlvs=tlv(0x1400, gsm7(text)))],
    "NUL padding behind the text": lambda text: [submit_sm(gsm7(text), tlvs=bytes(12))],
    "NUL at the end of short_message": lambda text: [submit_sm(gsm7(text) + b"\0")],
    "NULs in front of the text": lambda text: [submit_sm(bytes(4) + gsm7(text))],
    "number_of_dests over": lambda text: [submit_multi(b" " + gsm7(text) + b" ", number=9)],
    "no terminator anywhere": lambda text: [pdus.pdu(pdus.SUBMIT_SM, b" " + gsm7(text) + b" ")],
    "nothing but a text, replace_sm": lambda text: [pdus.pdu(pdus.REPLACE_SM, b" " + gsm7(text) + b" ")],
}

CANNED: Final[dict[str, Carry]] = {
    "submit_sm": lambda _: [submit_sm(canned=CANNED_ID)],
    "submit_sm beside a harmless text": lambda _: [submit_sm(HELLO, canned=CANNED_ID)],
    "submit_multi": lambda _: [submit_multi(canned=CANNED_ID)],
    "replace_sm": lambda _: [replace_sm(canned=CANNED_ID)],
    "broadcast_sm": lambda _: [broadcast_sm(canned=CANNED_ID)],
}


def carriers() -> Iterator[Carrier]:
    for group, table in (("PDU", PDUS), ("Bodies", SEVERAL), ("Lengths", LYING)):
        for name, carry in table.items():
            yield Carrier(group, name, carry)
    for name, carry in UPSTREAM.items():
        yield Carrier("From the SMSC", name, carry, upstream=True)
    for name, carry in CANNED.items():
        yield Carrier("Canned", name, carry, canned=True)
