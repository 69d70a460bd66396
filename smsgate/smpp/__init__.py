"""SMPP without I/O: constants, framing, PDU views, text carriers and the state of one session."""
