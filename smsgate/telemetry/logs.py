"""Where log lines go: standard error, one line each, with UTC time. Message texts and full numbers are never logged."""

from __future__ import annotations

import logging
import time
import traceback
from pathlib import Path


def configure(level: int = logging.INFO) -> None:
    """Set up logging for the process."""
    handler = logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it tells of every file that changes near the rules


def without_message(error: BaseException) -> str:
    """An exception for a log line: its type and where it came from. Its own words may quote the message."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {places}" if places else type(error).__name__
