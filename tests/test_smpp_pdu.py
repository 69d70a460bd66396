"""Views of PDUs name the fields that were put in, whatever else the PDU holds, and never raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiosmpplib.protocol import BindReceiver, BindTransceiver, BindTransmitter, DeliverSm, PhoneNumber, SubmitSm
from hypothesis import given
from hypothesis import strategies as st
from smpplib.smpp import make_pdu

from smsgate.smpp.constants import Command, Status
from smsgate.smpp.pdu import (
    MAX_BIND_BYTES,
    MAX_BODIES,
    TEXT_BEARING,
    UNKNOWN_CODING,
    BindRefused,
    TextView,
    generic_nack,
    is_receipt,
    request,
    response,
    system_id,
    text_view,
)
from tests import pdus
from tests.pdus import DESTINATION, SOURCE

LINK = b"https://pay.example/x"
E164 = b"\1\1"
"""The types of `pdus.address`."""
VENDOR = pdus.tlv(0x1400, b"\x04\x24\x00\x02no")  # holds the octets of another TLV

addresses = st.binary(max_size=21).map(lambda octets: octets.replace(b"\0", b"0"))
strings = st.binary(max_size=18).map(lambda octets: octets.replace(b"\0", b""))
octets = st.integers(0, 255)
texts = st.binary(max_size=255)
payloads = st.lists(st.binary(max_size=300), max_size=2)


def view_of(pdu: bytes) -> TextView:
    """The view, with other PDUs before and behind this one in the buffer."""
    before, behind = b"\0" * 7, pdus.submit_sm(b"the next PDU", payloads=[b"is not read"])
    command = int.from_bytes(pdu[4:8], "big")
    return text_view(command, before + pdu + behind, len(before), len(before) + len(pdu))


def saying(*fields: Any, malformed: bool = False, ambiguous: bool = False, **others: Any) -> TextView:
    view = TextView(*fields, **others)
    view.malformed, view.ambiguous = malformed, ambiguous
    return view


def texts_of(text: bytes, payloads: list[bytes], otherwise: bytes = b"") -> dict[str, Any]:
    """What the view says of its bodies: empty ones count for none, and without any there is `otherwise`."""
    bodies = tuple(body for body in (text, *payloads) if body)
    return {"bodies": bodies or (otherwise,), "ambiguous": len(bodies) > 1}


@given(
    command=st.sampled_from([pdus.SUBMIT_SM, pdus.DELIVER_SM]),
    source=addresses,
    destination=addresses,
    esm_class=octets,
    coding=octets,
    text=texts,
    payloads=payloads,
    service=strings,
    source_type=st.tuples(octets, octets),
    times=st.tuples(strings, strings),
)
def test_submit_sm(
    command: int,
    source: bytes,
    destination: bytes,
    esm_class: int,
    coding: int,
    text: bytes,
    payloads: list[bytes],
    service: bytes,
    source_type: tuple[int, int],
    times: tuple[bytes, bytes],
) -> None:
    pdu = pdus.submit_sm(
        text,
        command=command,
        source=source,
        source_type=source_type,
        destination=destination,
        esm_class=esm_class,
        data_coding=coding,
        service_type=service,
        schedule=times[0],
        validity=times[1],
        payloads=payloads,
        tlvs=VENDOR,
    )
    said = texts_of(text, payloads, VENDOR[4:])
    expected = saying(source, (destination,), esm_class & 0x40 != 0, coding, **said, source_type=bytes(source_type))
    assert view_of(pdu) == expected


@given(
    destinations=st.lists(addresses, max_size=5),
    lists=st.lists(strings, max_size=3),
    esm_class=octets,
    coding=octets,
    text=texts,
    payloads=payloads,
)
def test_submit_multi(
    destinations: list[bytes], lists: list[bytes], esm_class: int, coding: int, text: bytes, payloads: list[bytes]
) -> None:
    pdu = pdus.submit_multi(
        text, destinations=destinations, lists=lists, esm_class=esm_class, data_coding=coding, payloads=payloads
    )
    assert view_of(pdu) == saying(
        SOURCE, tuple(destinations), esm_class & 0x40 != 0, coding, **texts_of(text, payloads), source_type=E164
    )


@given(source=addresses, destination=addresses, esm_class=octets, coding=octets, text=st.binary(max_size=400))
def test_data_sm(source: bytes, destination: bytes, esm_class: int, coding: int, text: bytes) -> None:
    pdu = pdus.data_sm(
        text, source=source, destination=destination, esm_class=esm_class, data_coding=coding, tlvs=VENDOR
    )
    said = texts_of(text, [], VENDOR[4:])
    assert view_of(pdu) == saying(source, (destination,), esm_class & 0x40 != 0, coding, **said, source_type=E164)


@given(message_id=strings, source=addresses, text=texts, payloads=payloads)
def test_replace_sm(message_id: bytes, source: bytes, text: bytes, payloads: list[bytes]) -> None:
    pdu = pdus.replace_sm(text, message_id=message_id, source=source, payloads=payloads)
    assert view_of(pdu) == saying(source, (), False, UNKNOWN_CODING, **texts_of(text, payloads), source_type=E164)


@given(source=addresses, coding=octets, text=st.binary(max_size=400))
def test_broadcast_sm(source: bytes, coding: int, text: bytes) -> None:
    pdu = pdus.broadcast_sm(text, source=source, data_coding=coding)
    assert view_of(pdu) == saying(source, (), False, coding, (text,), source_type=E164)


REFERENCE, TOTAL, PART = pdus.tlv(0x020C, b"\x01\x2a"), pdus.tlv(0x020E, b"\x03"), pdus.tlv(0x020F, b"\x02")


@pytest.mark.parametrize(
    ("tlvs", "sar"),
    [
        (REFERENCE + TOTAL + PART, (0x012A, 3, 2)),
        (PART + pdus.tlv(0x1401, b"vendor") + TOTAL + REFERENCE, (0x012A, 3, 2)),
        (REFERENCE + TOTAL + PART + pdus.tlv(0x020F, b"\x03"), (0x012A, 3, 3)),
        (REFERENCE + TOTAL, None),
        (pdus.tlv(0x1401, REFERENCE + TOTAL + PART), None),
        (pdus.tlv(0x1401, REFERENCE), None),
    ],
    ids=["all", "in another order", "twice", "one missing", "inside another", "hinted at"],
)
def test_segments_by_tlvs(tlvs: bytes, sar: tuple[int, int, int] | None) -> None:
    for pdu in (
        pdus.submit_sm(b"Bonjour", tlvs=tlvs),
        pdus.submit_multi(b"Bonjour", tlvs=tlvs),
        pdus.data_sm(b"Bonjour", tlvs=tlvs),
    ):
        view = view_of(pdu)
        assert (view.sar, view.bodies) == (sar, (b"Bonjour",))


@pytest.mark.parametrize("command", sorted(TEXT_BEARING), ids=lambda command: Command(command).name)
def test_requests_without_any_text_have_one_empty_body(command: int) -> None:
    pdu = {
        pdus.SUBMIT_SM: pdus.submit_sm(),
        pdus.DELIVER_SM: pdus.submit_sm(command=pdus.DELIVER_SM),
        pdus.SUBMIT_MULTI: pdus.submit_multi(),
        pdus.DATA_SM: pdus.data_sm(None),
        pdus.REPLACE_SM: pdus.replace_sm(),
        pdus.BROADCAST_SM: pdus.broadcast_sm(),
    }[command]
    view = view_of(pdu)
    assert (view.bodies, view.malformed) == ((b"",), False)


def after(text: bytes, tlvs: bytes, **fields: Any) -> tuple[bytes, bytes]:
    """A submit_sm, and everything of it behind sm_length."""
    return pdus.submit_sm(text, tlvs=tlvs, **fields), text + tlvs


CALLBACK = pdus.tlv(0x0381, b"\x01\x01\x010199001234")
ATAG = pdus.tlv(0x0303, b"\x08" + "écrire".encode("utf-16-be"))
BESIDE = ((1, b"0199001234"), (8, "écrire".encode("utf-16-be")))
PADDED, PADDED_ALL = after(b"one", b"\0\0\0\0\0")
BEHIND, BEHIND_ALL = after(b"one", VENDOR + LINK)
BEHIND_PADDING, BEHIND_PADDING_ALL = after(b"one", b"\0" * 6 + LINK)
SHORT = pdus.submit_sm(b"cut in" + LINK, sm_length=6)
UCS2 = LINK.decode().encode("utf-16-be")
WITHOUT_LENGTH = pdus.submit_sm(UCS2, sm_length=0)  # its first letters are a TLV's tag and length
UNDEFINED, UNDEFINED_ALL = after(b"one", pdus.tlv(0x0500, LINK))
PAYLOAD_SHORT = pdus.tlv(0x0424, b"one" + LINK, length=3)
SM_IN_DATA_SM = b"\0" + bytes([len(LINK)]) + LINK


@pytest.mark.parametrize(
    ("pdu", "bodies", "ambiguous"),
    [
        (pdus.submit_sm(b"one", payloads=[LINK]), (b"one", LINK), True),
        (pdus.submit_sm(payloads=[b"one", LINK]), (b"one", LINK), True),
        (pdus.submit_sm(b"one", payloads=[b"two", LINK]), (b"one", b"two", LINK), True),
        (pdus.submit_sm(payloads=[b"", LINK, b""]), (LINK,), False),
        (pdus.submit_sm(tlvs=VENDOR + pdus.tlv(0x0424, LINK) + VENDOR), (LINK,), False),
        (pdus.submit_sm(tlvs=pdus.tlv(0x0424, LINK, length=0xFFFF)), (LINK,), True),
        (pdus.submit_sm(tlvs=PAYLOAD_SHORT), (b"one", LINK, b"one" + LINK), True),
        (pdus.data_sm(b"one", tlvs=pdus.tlv(0x0424, LINK)), (b"one", LINK), True),
        (pdus.data_sm(None, tlvs=SM_IN_DATA_SM), (SM_IN_DATA_SM, SM_IN_DATA_SM, LINK), True),
        (pdus.replace_sm(b"one", payloads=[LINK]), (b"one", LINK), True),
        (pdus.submit_multi(b"one", payloads=[LINK]), (b"one", LINK), True),
        (pdus.submit_sm(b"one", tlvs=b"\x02\x04\x00"), (b"one", b"\x02\x04\x00", b"one\x02\x04\x00"), True),
        (pdus.submit_sm(b"one", tlvs=VENDOR), (b"one",), False),
        (PADDED, (b"one",), False),
        (BEHIND, (b"one", LINK, BEHIND_ALL), True),
        (BEHIND_PADDING, (b"one", b"\0\0" + LINK, BEHIND_PADDING_ALL), True),
        (SHORT, (b"cut in", LINK, b"cut in" + LINK), True),
        (WITHOUT_LENGTH, (UCS2, UCS2), True),
        (UNDEFINED, (b"one", LINK, UNDEFINED_ALL[3:], UNDEFINED_ALL), False),
        (pdus.submit_sm(tlvs=pdus.tlv(0x1400, LINK)), (LINK,), False),
        (pdus.submit_sm(b"one", tlvs=CALLBACK + ATAG), (b"one",), False),
    ],
    ids=[
        "both bodies",
        "duplicate payload",
        "three bodies",
        "empty payloads",
        "between vendor TLVs",
        "payload longer than the PDU",
        "payload shorter than its text",
        "data_sm twice",
        "sm_length in data_sm",
        "replace_sm",
        "submit_multi",
        "half a TLV",
        "0x0424 inside a vendor TLV",
        "padding",
        "text behind the TLVs",
        "text behind padding",
        "sm_length short",
        "sm_length 0",
        "a TLV that no specification defines",
        "a vendor TLV and no text",
        "texts beside the body",
    ],
)
def test_every_body_is_found(pdu: bytes, bodies: tuple[bytes, ...], ambiguous: bool) -> None:
    view = view_of(pdu)
    assert (view.bodies, view.ambiguous, view.malformed) == (bodies, ambiguous, False)


def test_bodies_beyond_the_bound_are_one_with_a_blank_between_in_every_alphabet() -> None:
    bodies = view_of(pdus.submit_sm(payloads=[b"%04d" % number for number in range(200)])).bodies
    assert len(bodies) == MAX_BODIES
    assert " ".join(body.decode() for body in bodies).split() == [f"{number:04d}" for number in range(200)]
    in_ucs2 = view_of(pdus.submit_sm(payloads=[str(number).encode("utf-16-be") for number in range(200)])).bodies
    assert " ".join(body.decode("utf-16-be") for body in in_ucs2).split() == [str(number) for number in range(200)]


def test_callback_number_and_its_tag_are_texts_of_their_own() -> None:
    pdu = pdus.submit_sm(b"one", data_coding=3, tlvs=CALLBACK + ATAG + pdus.tlv(0x0303, b"") + CALLBACK * 50)
    assert view_of(pdu).beside[:2] == BESIDE
    assert len(view_of(pdu).beside) == MAX_BODIES


@pytest.mark.parametrize(("tag", "ported"), [(0x020A, True), (0x020B, True), (0x0204, False)])
def test_ports_of_tlvs(tag: int, ported: bool) -> None:
    assert view_of(pdus.submit_sm(b"one", tlvs=pdus.tlv(tag, b"\x0b\x84"))).ported is ported


def test_sm_default_msg_id() -> None:
    asked = [
        pdus.submit_sm(canned=7),
        pdus.submit_multi(canned=7),
        pdus.replace_sm(canned=7),
        pdus.broadcast_sm(canned=7),
    ]
    assert [view_of(pdu).canned for pdu in asked] == [7] * 4
    assert view_of(pdus.submit_sm(b"text", canned=7)).canned == 7
    assert view_of(pdus.data_sm(b"text")).canned == 0


@pytest.mark.parametrize("sm_length", [len(LINK) + 1, 255])
def test_an_sm_length_over_the_pdu_leaves_the_text_and_what_stands_before_it(sm_length: int) -> None:
    numbers = {"source": SOURCE, "destinations": (DESTINATION,), "udhi": False, "data_coding": UNKNOWN_CODING}
    expected = saying(**numbers, bodies=(LINK,), malformed=True, ambiguous=True, source_type=E164)
    assert view_of(pdus.submit_sm(LINK, sm_length=sm_length)) == expected
    assert view_of(pdus.submit_sm(LINK, sm_length=sm_length, command=pdus.DELIVER_SM)) == expected
    assert view_of(pdus.submit_multi(LINK, sm_length=sm_length)) == expected
    expected.destinations = ()
    assert view_of(pdus.replace_sm(LINK, sm_length=sm_length)) == expected


@pytest.mark.parametrize(
    "pdu",
    [
        pdus.submit_multi(LINK, number=9),
        pdus.pdu(pdus.SUBMIT_SM, b"\0\1\1" + LINK),
        pdus.pdu(pdus.SUBMIT_MULTI, b"\0\1\1" + LINK),
        pdus.pdu(pdus.SUBMIT_MULTI, b"\0\1\1" + LINK + b"\0\1\3" + LINK),
        pdus.pdu(pdus.DATA_SM, LINK),
        pdus.pdu(pdus.REPLACE_SM, LINK),
        pdus.pdu(pdus.BROADCAST_SM, LINK),
        pdus.pdu(pdus.SUBMIT_SM),
        pdus.pdu(pdus.QUERY_SM, LINK),
    ],
)
def test_what_cannot_be_parsed_is_one_body_behind_the_header(pdu: bytes) -> None:
    assert view_of(pdu) == saying(b"", (), False, UNKNOWN_CODING, (pdu[16:],), malformed=True, ambiguous=True)


ANY_BODY = st.one_of(
    st.binary(max_size=300),
    st.tuples(
        st.sampled_from(
            [pdus.submit_sm(LINK, payloads=[LINK]), pdus.submit_multi(LINK), pdus.data_sm(LINK, tlvs=CALLBACK + ATAG)]
        ),
        st.integers(16, 120),
        st.binary(max_size=60),
    ).map(lambda cut: cut[0][16 : cut[1]] + cut[2]),
)


@given(st.sampled_from([*TEXT_BEARING, pdus.QUERY_SM, 0x1FFFF]), ANY_BODY)
def test_no_octets_raise(command: int, body: bytes) -> None:
    pdu = pdus.pdu(command, body)
    view = view_of(pdu)
    assert 1 <= len(view.bodies) <= MAX_BODIES + 1
    assert len(view.bodies) >= MAX_BODIES or all(found in body for found in view.bodies)
    assert not view.malformed or len(view.bodies) == 1
    assert view.ambiguous or len(view.bodies) == 1 or not view.malformed
    assert is_receipt(command, pdu, 0, len(pdu)) in {True, False}


@given(esm_class=octets, text=texts)
def test_receipts_are_told_by_their_message_type(esm_class: int, text: bytes) -> None:
    expected = esm_class >> 2 & 0xF in {1, 8}
    for pdu in (
        pdus.submit_sm(text, command=pdus.DELIVER_SM, esm_class=esm_class),
        pdus.data_sm(text, esm_class=esm_class),
    ):
        command = int.from_bytes(pdu[4:8], "big")
        assert is_receipt(command, b"x" + pdu, 1, 1 + len(pdu)) is expected


@pytest.mark.parametrize(
    "pdu",
    [
        pdus.submit_sm(LINK, esm_class=0x04),
        pdus.submit_multi(LINK, esm_class=0x04),
        pdus.pdu(pdus.DELIVER_SM, b"\0\1\1" + LINK),
        pdus.pdu(pdus.DATA_SM, b"\0\1\1" + LINK),
    ],
)
def test_nothing_else_is_a_receipt(pdu: bytes) -> None:
    assert not is_receipt(int.from_bytes(pdu[4:8], "big"), pdu, 0, len(pdu))


@pytest.mark.parametrize("built", [SubmitSm, DeliverSm])
@given(text=st.text(st.sampled_from("abc é€@[]Δ"), min_size=1, max_size=300), udhi=st.booleans())
def test_the_view_of_what_aiosmpplib_builds(built: Callable[..., Any], text: str, udhi: bool) -> None:
    message = built(
        short_message=text,
        source=PhoneNumber("0199001234"),
        destination=PhoneNumber("0639980001"),
        esm_class=0x40 if udhi else 0,
        encoding="ucs2",
        sequence_num=5,
    )
    encoded = text.encode("utf-16-be")
    assert view_of(message.pdu()) == saying(SOURCE, (DESTINATION,), udhi, 8, (encoded,), source_type=b"\0\0")


@pytest.mark.parametrize(
    ("name", "fields", "body"),
    [
        ("submit_sm", {"short_message": b"Bonjour"}, b"Bonjour"),
        ("deliver_sm", {"short_message": b"Bonjour"}, b"Bonjour"),
        ("submit_sm", {"message_payload": LINK, "short_message": b""}, LINK),
        ("data_sm", {"message_payload": LINK}, LINK),
    ],
)
def test_the_view_of_what_smpplib_builds(name: str, fields: dict[str, bytes], body: bytes) -> None:
    pdu = make_pdu(
        name,
        sequence=5,
        source_addr=SOURCE.decode(),
        destination_addr=DESTINATION.decode(),
        data_coding=3,
        esm_class=0x40,
        **fields,
    ).generate()
    assert view_of(pdu) == saying(SOURCE, (DESTINATION,), True, 3, (body,), source_type=b"\0\0")


@pytest.mark.parametrize("name", [b"a", b"bank1", b"fifteen octets!", b"caf\xe9"])
@pytest.mark.parametrize("tail", [b"", pdus.tlv(0x1401, b"vendor")])
def test_system_id_of_a_bind(name: bytes, tail: bytes) -> None:
    pdu = pdus.bind(name, address_range=b"33*", tail=tail)
    assert system_id(b"xy" + pdu + b"z", 2, 2 + len(pdu)) == name.decode("latin-1")


@pytest.mark.parametrize("built", [BindTransmitter, BindReceiver, BindTransceiver])
def test_system_id_of_a_bind_of_aiosmpplib(built: Callable[..., Any]) -> None:
    pdu = built(system_id="bank1", password="x", sequence_num=1).pdu()
    assert system_id(pdu, 0, len(pdu)) == "bank1"


@pytest.mark.parametrize(
    ("pdu", "status"),
    [
        (pdus.bind(b""), Status.ESME_RINVSYSID),
        (pdus.bind(b"sixteen octets!!"), Status.ESME_RINVSYSID),
        (pdus.bind(tail=b"x" * MAX_BIND_BYTES), Status.ESME_RBINDFAIL),
        (pdus.bind()[:-1], Status.ESME_RBINDFAIL),
        (pdus.pdu(pdus.BIND_TRANSCEIVER), Status.ESME_RBINDFAIL),
        (pdus.pdu(pdus.BIND_TRANSCEIVER, b"bank1"), Status.ESME_RBINDFAIL),
        (pdus.pdu(pdus.BIND_TRANSCEIVER, b"bank1\0secret\0\0\x34\0"), Status.ESME_RBINDFAIL),
    ],
)
def test_a_bind_that_is_not_well_formed_is_refused(pdu: bytes, status: Status) -> None:
    with pytest.raises(BindRefused) as caught:
        system_id(pdu + b"\0\0\0\0", 0, len(pdu))
    assert caught.value.status is status


@given(st.binary(max_size=280))
def test_no_bind_raises_anything_else(body: bytes) -> None:
    pdu = pdus.pdu(pdus.BIND_TRANSCEIVER, body)
    try:
        name = system_id(pdu, 0, len(pdu))
    except BindRefused:
        return
    assert body.startswith(name.encode("latin-1") + b"\0")


def test_pdus_of_the_gate_s_own() -> None:
    assert response(Command.SUBMIT_SM, 0x66, 0xFFFFFFFF) == pdus.submit_resp(status=0x66, sequence=0xFFFFFFFF)
    assert generic_nack(0x03, 9) == pdus.nack(0x03, sequence=9)
    assert request(Command.UNBIND, 0x7FFE0000) == pdus.pdu(pdus.UNBIND, sequence=0x7FFE0000)
