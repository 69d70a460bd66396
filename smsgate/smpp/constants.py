"""Numbers of SMPP 3.4 and 5.0 that the gate speaks about; everything else passes as bytes.

Names are the specification's. Vendor values (statuses 0x400-0x4FF, TLVs 0x1400-0x3FFF) have no name here and need none.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final

HEADER: Final = Struct(">IIII")
"""command_length, command_id, command_status, sequence_number (SMPP 3.4, 3.2)."""
HEADER_BYTES: Final = HEADER.size

RESPONSE: Final = 0x80000000
"""The bit that turns a request's command_id into its response's (SMPP 3.4, 5.1.2.1)."""

OTHER_COMMAND: Final = -1
"""What PDUs are counted under whose command_id has no count of its own."""

OWN_SEQUENCE_FIRST: Final = 0x7FFE0000
OWN_SEQUENCE_LAST: Final = 0x7FFEFFFF
"""Requests that the gate itself originates take their sequence_number from this range, per direction, never reused."""


class Command(IntEnum):
    """Requests (SMPP 3.4, 5.1.2.1; 5.0, 4.7.5), and generic_nack, the one response without a request."""

    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    QUERY_SM = 0x03
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    REPLACE_SM = 0x07
    CANCEL_SM = 0x08
    BIND_TRANSCEIVER = 0x09
    OUTBIND = 0x0B
    ENQUIRE_LINK = 0x15
    SUBMIT_MULTI = 0x21
    ALERT_NOTIFICATION = 0x102
    DATA_SM = 0x103
    BROADCAST_SM = 0x111
    QUERY_BROADCAST_SM = 0x112
    CANCEL_BROADCAST_SM = 0x113
    GENERIC_NACK = 0x80000000


class Status(IntEnum):
    """command_status values that the gate answers with, or that a pack may name (SMPP 3.4, 5.1.3)."""

    ESME_ROK = 0x00
    ESME_RINVMSGLEN = 0x01
    ESME_RINVCMDLEN = 0x02
    ESME_RINVCMDID = 0x03
    ESME_RINVBNDSTS = 0x04
    ESME_RALYBND = 0x05
    ESME_RSYSERR = 0x08
    ESME_RINVSRCADR = 0x0A
    ESME_RINVDSTADR = 0x0B
    ESME_RBINDFAIL = 0x0D
    ESME_RINVPASWD = 0x0E
    ESME_RINVSYSID = 0x0F
    ESME_RCANCELFAIL = 0x11
    ESME_RREPLACEFAIL = 0x13
    ESME_RMSGQFUL = 0x14
    ESME_RINVESMCLASS = 0x43
    ESME_RSUBMITFAIL = 0x45
    ESME_RINVSYSTYP = 0x53
    ESME_RTHROTTLED = 0x58
    ESME_RX_T_APPN = 0x64
    ESME_RX_P_APPN = 0x65
    ESME_RX_R_APPN = 0x66
    ESME_RINVOPTPARSTREAM = 0xC0
    ESME_ROPTPARNOTALLWD = 0xC1
    ESME_RINVPARLEN = 0xC2
    ESME_RDELIVERYFAILURE = 0xFE
    ESME_RUNKNOWNERR = 0xFF


class Tag(IntEnum):
    """TLV tags that are read; all others are only forwarded (SMPP 3.4, 5.3.2)."""

    RECEIPTED_MESSAGE_ID = 0x001E
    SOURCE_PORT = 0x020A
    DESTINATION_PORT = 0x020B
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    CALLBACK_NUM_ATAG = 0x0303
    CALLBACK_NUM = 0x0381
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


# fmt: off
DEFINED_TAGS: Final = frozenset({
    0x0005, 0x0006, 0x0007, 0x0008, 0x000D, 0x000E, 0x000F, 0x0010, 0x0017, 0x0019, 0x001D, 0x001E, 0x0030, 0x0201, 0x0202,
    0x0203, 0x0204, 0x0205, 0x020A, 0x020B, 0x020C, 0x020D, 0x020E, 0x020F, 0x0210, 0x0302, 0x0303, 0x0304, 0x0381, 0x0420,
    0x0421, 0x0422, 0x0423, 0x0424, 0x0425, 0x0426, 0x0427, 0x0428, 0x0501, 0x0600, 0x0601, 0x0602, 0x0603, 0x0604, 0x0605,
    0x0606, 0x0607, 0x0608, 0x0609, 0x060A, 0x060B, 0x060D, 0x060E, 0x060F, 0x0610, 0x0611, 0x0612, 0x0613, 0x1201, 0x1203,
    0x1204, 0x130C, 0x1380, 0x1383,
})
# fmt: on
"""Tags that a specification defines (SMPP 3.4, 5.3.2; 5.0, 4.8.1)."""
FIRST_VENDOR_TAG: Final = 0x1400
LAST_VENDOR_TAG: Final = 0x3FFF


_NAMES: Final = {
    **{int(command): command.name.lower() for command in Command},
    **{command | RESPONSE: f"{command.name.lower()}_resp" for command in Command if command != Command.GENERIC_NACK},
}


def command_name(command: int) -> str | None:
    """`submit_sm`, `submit_sm_resp`; None for a command_id that has no name here."""
    return _NAMES.get(command)


BINDS: Final = frozenset({Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER})

FROM_ESME: Final = frozenset(
    {
        *BINDS,
        Command.QUERY_SM,
        Command.SUBMIT_SM,
        Command.DELIVER_SM,
        Command.UNBIND,
        Command.REPLACE_SM,
        Command.CANCEL_SM,
        Command.ENQUIRE_LINK,
        Command.SUBMIT_MULTI,
        Command.DATA_SM,
        Command.BROADCAST_SM,
        Command.QUERY_BROADCAST_SM,
        Command.CANCEL_BROADCAST_SM,
    }
)
"""Requests that may come from downstream. Any other might carry text that nobody has judged: generic_nack 0x03.
deliver_sm is among them because peers of equal rank send it; it is judged like submit_sm."""

ESM_CLASS_UDHI: Final = 0x40
"""esm_class bit 6: the body starts with a user data header (SMPP 3.4, 5.2.12)."""
ESM_CLASS_TYPE: Final = 0x3C
"""esm_class bits 5-2: what kind of message it is."""
RECEIPT_TYPES: Final = frozenset({0x04, 0x20})
"""Delivery receipt and intermediate notification: the SMSC's own words. Acknowledgements (0x08, 0x10, 0x18) are subscribers'."""
