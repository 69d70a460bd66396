"""The bypass matrix: whatever carries it, a blocked text is stopped, and a clean one passes untouched to the byte."""

from __future__ import annotations

from collections import Counter

import pytest

from smsgate.rules.model import Action
from smsgate.smpp.pdu import TEXT_BEARING, text_view
from tests.bypass import CARRIERS, NOT_YET, PAGE, counts, page
from tests.bypass.carrier import Carrier, sent_by
from tests.bypass.texts import BLOCKED, CLEAN, GREETING
from tests.gates import both_loops, run_on, wire
from tests.packs import shipped
from tests.pdus import ENQUIRE_LINK, pdu

PROBE = pdu(ENQUIRE_LINK, sequence=9)


@pytest.mark.parametrize(
    "carrier",
    [
        pytest.param(
            carrier, id=str(carrier), marks=pytest.mark.xfail(reason="not yet") if str(carrier) in NOT_YET else ()
        )
        for carrier in CARRIERS
    ],
)
def test_every_blocked_text_is_stopped(carrier: Carrier) -> None:
    assert counts(carrier).blocked == len(BLOCKED)


@pytest.mark.parametrize("carrier", CARRIERS, ids=str)
def test_every_clean_text_passes_untouched(carrier: Carrier) -> None:
    assert counts(carrier).untouched == len(CLEAN)


def test_the_matrix_is_as_large_as_it_says() -> None:
    assert len(BLOCKED) >= 12
    assert len(CLEAN) >= 12
    assert len(CARRIERS) - len(NOT_YET) >= 70
    assert not [name for name, number in Counter(map(str, CARRIERS)).items() if number > 1]
    assert set(map(str, CARRIERS)) >= NOT_YET


def test_the_texts_are_what_they_are_said_to_be() -> None:
    assert {shipped().check_text(text).action for text in BLOCKED} == {Action.BLOCK}
    assert not any(shipped().check_text(text).refused for text in (*CLEAN, GREETING))
    assert not any(shipped().check_text(f"{GREETING} {text} {GREETING}").refused for text in CLEAN)


@pytest.mark.parametrize("carrier", CARRIERS, ids=str)
def test_carriers_send_what_they_say(carrier: Carrier) -> None:
    """Requests with a text, that only the carriers of lies fail to spell."""
    for sent in sent_by(carrier, BLOCKED[0]):
        command = int.from_bytes(sent[4:8], "big")
        assert command in TEXT_BEARING
        assert len(sent) == int.from_bytes(sent[:4], "big")
        assert carrier.group == "Lengths" or not text_view(command, sent, 0, len(sent)).malformed


def test_the_page_shows_what_the_code_gives() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make bypass-matrix writes it anew"


@both_loops
def test_a_sample_over_real_sockets(loop_name: str) -> None:
    """Every seventh carrier, over one session; an enquire_link behind each tells that all of it has been handled."""

    async def body() -> None:
        async with wire(shipped(), inspect_mo=True) as running:
            esme, smsc = await running.bound()
            for number, carrier in enumerate(CARRIERS):
                if (
                    number % 7
                    or str(carrier) in NOT_YET
                    or carrier.binds > 1
                    or carrier.canned
                    or carrier.group == "Segments"
                ):
                    continue
                sender, receiver = (smsc, esme) if carrier.upstream else (esme, smsc)
                clean = sent_by(carrier, CLEAN[number % len(CLEAN)])
                (blocked,) = sent_by(carrier, BLOCKED[number % len(BLOCKED)])
                sender.send(b"".join(clean) + blocked + PROBE)
                assert await receiver.pdus(len(clean) + 1) == [*clean, PROBE], carrier
                answer = pdu(int.from_bytes(blocked[4:8], "big") | 0x80000000, status=0x66, sequence=100)
                assert await sender.pdu() == answer, carrier

    run_on(loop_name, body)
