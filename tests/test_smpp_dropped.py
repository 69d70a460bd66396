"""Messages accepted and dropped: their invented message_ids, the receipts owed, and what is said when somebody asks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.smpp.dropped import MESSAGE_ID_OCTETS, MessageIds, about, accepted, receipts
from tests import pdus

SECRET = b"a secret of 32 octets, or nearly"
AT = datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC)
DAY = b"2611221405"


def ids(secret: bytes = SECRET) -> MessageIds:
    return MessageIds(secret)


def test_every_process_with_the_secret_knows_the_id_and_no_other_does() -> None:
    made = ids().new(AT)
    assert len(made) == MESSAGE_ID_OCTETS
    assert made.isalnum()
    assert ids().made_at(made) == AT
    assert ids().made_at(made.lower()) == AT
    assert ids(SECRET[::-1]).made_at(made) is None


def test_no_two_ids_of_a_second_are_the_same() -> None:
    maker = ids()
    assert len({maker.new(AT) for _ in range(10_000)}) == 10_000


@given(st.binary(max_size=30) | st.text("0123456789abcdefABCDEF", min_size=20, max_size=20).map(str.encode))
def test_what_the_smsc_calls_its_messages_is_never_taken_for_ours(message_id: bytes) -> None:
    assert ids().made_at(message_id) is None


@given(st.integers(0, MESSAGE_ID_OCTETS - 1), st.sampled_from(b"0123456789ABCDEF"))
def test_one_digit_changed_is_noticed(place: int, digit: int) -> None:
    made = ids().new(AT)
    forged = made[:place] + bytes([digit]) + made[place + 1 :]
    assert (ids().made_at(forged) is None) == (forged != made)


@pytest.mark.parametrize(
    ("command", "body"),
    [
        (pdus.SUBMIT_SM, b"X1\0"),
        (pdus.DATA_SM, b"X1\0"),
        (pdus.BROADCAST_SM, b"X1\0"),
        (pdus.SUBMIT_MULTI, b"X1\0\0"),
        (pdus.DELIVER_SM, b"\0"),
        (pdus.REPLACE_SM, b""),
    ],
)
def test_the_answer_has_the_body_of_its_kind(command: int, body: bytes) -> None:
    assert accepted(command, 7, b"X1") == pdus.response(command, sequence=7, body=body)


def asked(registered: int, request: bytes) -> bytes:
    """The request with this registered_delivery in place of the builders'."""
    where = request.index(pdus.DESTINATION + b"\0") + len(pdus.DESTINATION) + 1 + (5 if request[7] == 4 else 1)
    return request[:where] + bytes([registered]) + request[where + 1 :]


@pytest.mark.parametrize("registered", [1, 2, 0x11])
@pytest.mark.parametrize("request_", [pdus.submit_sm(b"text"), pdus.data_sm(b"text")], ids=["submit_sm", "data_sm"])
def test_a_receipt_says_rejected_with_the_addresses_swapped(registered: int, request_: bytes) -> None:
    request_ = asked(registered, request_)
    command = int.from_bytes(request_[4:8], "big")
    (body,) = receipts(command, request_, 0, len(request_), message_id=b"X1", at=AT)
    text = b"id:X1 sub:001 dlvrd:000 submit date:%s done date:%s stat:REJECTD err:000 text:" % (DAY, DAY)
    expected = pdus.string(b"") + pdus.address(pdus.DESTINATION) + pdus.address(pdus.SOURCE) + bytes([4, 0, 0, 0, 0])
    expected += bytes([0, 0, 0, 0, len(text)]) + text + pdus.tlv(0x1E, b"X1\0") + pdus.tlv(0x427, b"\x08")
    assert body == expected


@pytest.mark.parametrize("registered", [0, 3, 0x10])
def test_who_asks_for_no_receipt_or_on_success_only_gets_none(registered: int) -> None:
    request = asked(registered, pdus.submit_sm(b"text"))
    assert list(receipts(pdus.SUBMIT_SM, request, 0, len(request), message_id=b"X1", at=AT)) == []


@pytest.mark.parametrize("field", ["source", "destination", "service_type"])
def test_a_field_of_any_length_is_not_repeated(field: str) -> None:
    for octets, count in ((64, 1), (65, 0), (60_000, 0)):
        request = pdus.submit_sm(b"text", **{field: b"1" * octets})  # type: ignore[arg-type]
        assert len(list(receipts(pdus.SUBMIT_SM, request, 0, len(request), message_id=b"X1", at=AT))) == count


def test_each_destination_has_its_receipt_and_a_distribution_list_none() -> None:
    request = pdus.submit_multi(b"text", destinations=(b"0639980001", b"0639980002"), lists=(b"staff",))
    found = list(receipts(pdus.SUBMIT_MULTI, request, 0, len(request), message_id=b"X1", at=AT))
    assert [pdus.string(b"") + pdus.address(number) for number in (b"0639980001", b"0639980002")] == [
        body[: 1 + 2 + 11] for body in found
    ]


@given(st.sampled_from([pdus.SUBMIT_SM, pdus.SUBMIT_MULTI, pdus.DATA_SM, pdus.REPLACE_SM]), st.binary(max_size=60))
def test_what_cannot_be_parsed_has_no_receipt(command: int, body: bytes) -> None:
    request = pdus.pdu(command, body)
    for receipt in receipts(command, request, 0, len(request), message_id=b"X1", at=AT):
        assert b"stat:REJECTD" in receipt


def query(message_id: bytes) -> bytes:
    return pdus.pdu(pdus.QUERY_SM, pdus.string(message_id) + pdus.address(pdus.SOURCE), sequence=9)


def cancel(message_id: bytes) -> bytes:
    body = pdus.string(b"") + pdus.string(message_id) + pdus.address(pdus.SOURCE) + pdus.address(pdus.DESTINATION)
    return pdus.pdu(pdus.CANCEL_SM, body, sequence=9)


def test_whoever_asks_is_told_what_the_receipt_says() -> None:
    made = ids().new(AT)
    told = pdus.string(made) + b"261122140509000+\0" + bytes([8, 0])
    request = query(made)
    assert about(ids(), pdus.QUERY_SM, request, 0, len(request)) == pdus.response(pdus.QUERY_SM, sequence=9, body=told)
    request = cancel(made)
    assert about(ids(), pdus.CANCEL_SM, request, 0, len(request)) == pdus.response(
        pdus.CANCEL_SM, sequence=9, status=0x11
    )
    request = pdus.replace_sm(b"text", message_id=made, sequence=9)
    assert about(ids(), pdus.REPLACE_SM, request, 0, len(request)) == pdus.response(
        pdus.REPLACE_SM, sequence=9, status=0x13
    )


@pytest.mark.parametrize("request_", [query(b"7f03"), cancel(b"7f03"), pdus.replace_sm(b"x"), pdus.pdu(3, b"")])
def test_messages_that_were_not_dropped_are_the_smscs(request_: bytes) -> None:
    assert about(ids(), int.from_bytes(request_[4:8], "big"), request_, 0, len(request_)) is None
