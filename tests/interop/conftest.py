"""A gate between taps in front of a simulated SMSC, for each test or for a whole file of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.parties import Background, Chain, SimulatedSmsc, chain_to


@pytest.fixture(scope="session")
def background() -> Iterator[Background]:
    """The event loop of taps and simulators."""
    running = Background()
    yield running
    running.close()


@pytest.fixture
def smsc(background: Background) -> Iterator[SimulatedSmsc]:
    """A simulated SMSC that lets `bank1` with the password `secret` bind."""
    running = SimulatedSmsc(background)
    yield running
    running.close()


@pytest.fixture
def chain(smsc: SimulatedSmsc, background: Background, tmp_path: Path) -> Iterator[Chain]:
    """A gate in front of the simulated SMSC. Whatever the test does, the gate changes no byte that it passes on."""
    with chain_to(smsc.address, tmp_path, background) as running:
        yield running
    running.check_untouched()
