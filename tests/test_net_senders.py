"""Real sockets: a submit_sm is refused for its sender id, by client, type of number and numbering plan."""

from __future__ import annotations

from smsgate.rules.model import Action, ReservedSender, SenderIds
from tests.gates import both_loops, run_on, wire
from tests.packs import rule
from tests.packs import rule_set as packed
from tests.pdus import SUBMIT_SM, response, submit_sm

IDS = SenderIds(("INFO",), (ReservedSender("CreditAgric", ("bank1",)),))
RULES = (
    rule("forbidden_sender or reserved_sender or malformed_sender", name="R-1"),
    rule("similar_sender and link", name="R-2"),
    rule("mobile_sender and link", Action.THROTTLE, "R-3"),
)
LINK = b"voir https://a.example/x"


def sent(sequence: int, source: bytes, ton: int, npi: int, text: bytes = b"Bonjour") -> bytes:
    return submit_sm(text, source=source, source_type=(ton, npi), sequence=sequence)


@both_loops
def test_a_sender_id_is_answered_0x0a_where_it_is_not_the_clients(loop_name: str) -> None:
    refused = [
        sent(11, b"INFO", 5, 0),
        sent(12, b"CreditAgric", 5, 0),
        sent(13, b"CREDIT-AGRI", 1, 1),
        sent(14, b"38100", 5, 0),
        sent(15, b"Librairie", 5, 1),
        sent(16, b"0199001234", 1, 1),
        sent(17, b"", 5, 0),
    ]
    by_content = [sent(21, b"Cred1tAgric", 5, 0, LINK), sent(22, b"639980001", 2, 1, LINK)]
    passed = [
        sent(31, b"Librairie", 5, 0, LINK),
        sent(32, b"33199001234", 1, 1, LINK),
        sent(33, b"38100", 3, 0, LINK),
        sent(34, b"Cred1tAgric", 5, 0),
        sent(35, b"", 0, 0),
    ]

    async def body() -> None:
        async with wire(packed(*RULES, ids=IDS)) as running:
            esme, upstream = await running.bound("reseller9")
            esme.send(b"".join(refused + by_content + passed))
            assert await upstream.pdus(len(passed)) == passed
            answers = await esme.pdus(len(refused) + len(by_content))
            assert answers[: len(refused)] == [response(SUBMIT_SM, status=0x0A, sequence=n) for n in range(11, 18)]
            statuses = {21: 0x66, 22: 0x64}
            assert answers[len(refused) :] == [
                response(SUBMIT_SM, status=status, sequence=sequence) for sequence, status in statuses.items()
            ]

    run_on(loop_name, body)


@both_loops
def test_a_reserved_sender_id_passes_for_its_client(loop_name: str) -> None:
    messages = [sent(11, b"CreditAgric", 5, 0, LINK), sent(12, b"CreditAgri", 5, 0, LINK)]

    async def body() -> None:
        async with wire(packed(*RULES, ids=IDS)) as running:
            esme, upstream = await running.bound("bank1")
            esme.send(b"".join(messages))
            assert await upstream.pdus(2) == messages

    run_on(loop_name, body)
