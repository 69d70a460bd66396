"""Node scripts that speak SMPP with node-smpp: JSON lines in, JSON lines out."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Final

import pytest

from tests.interop.parties import TIMEOUT_S

HERE: Final = Path(__file__).parent
needs_node_smpp = pytest.mark.skipif(
    shutil.which("node") is None or not (HERE / "node_modules" / "smpp").is_dir(),
    reason="needs node, and node-smpp: npm ci --prefix tests/interop",
)


class NodeParty:
    """A running script of `node/`."""

    def __init__(self, script: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            ["node", HERE / "node" / script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put(json.loads(line))

    def tell(self, command: str, **fields: Any) -> None:
        """Have it send a request."""
        assert self._process.stdin is not None
        print(json.dumps({"command": command, "fields": fields}), file=self._process.stdin, flush=True)

    def hear(self, event: str) -> dict[str, Any]:
        """Its next event, which must be this one."""
        found = self._events.get(timeout=TIMEOUT_S)
        assert found["event"] == event, found
        return found

    def close(self) -> None:
        """Close its standard input, at which it ends."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(TIMEOUT_S)
        finally:
            self._process.kill()
            self._reader.join(TIMEOUT_S)
            self._process.stdout.close()
