"""What a test sees of the log: the lines as an operator reads them, without their time."""

from __future__ import annotations

import pytest

from smsgate.telemetry.logs import Text


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """`LEVEL event  field=value ...` of every line logged so far."""
    form = Text({})
    return [form.format(record).partition(" ")[2] for record in caplog.records]
