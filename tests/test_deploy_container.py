"""deploy/Containerfile: the image runs as the manual says, hardened, and with the manual's own commands.

Gate and SMSC share a network namespace of their own, so that they may have the ports that the image has.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

import pytest

IMAGE = "localhost/smsgate-test"
DEPLOY = Path(__file__).parents[1] / "deploy"
HARDENED = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--ulimit=nofile=4096:4096")
UNLIMITED = "--ulimit=nproc=4096:4096"  # podman asks for more than a container may give
METRICS = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:9464/metrics').read().decode())"
TIMEOUT_S = 30.0


def podman(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["podman", "--runtime=runc", *arguments], capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )


def answer(*arguments: str) -> str:
    """What podman prints. Fails when it does."""
    done = podman(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def until(tried: tuple[str, ...], pattern: str = "") -> None:
    """Run a command until it ends well and prints this: a container has no other way to say that it is ready."""
    end = monotonic() + TIMEOUT_S
    while (done := podman(*tried)).returncode or not re.search(pattern, done.stdout):
        assert monotonic() < end, done.stdout[-2000:] + done.stderr
        sleep(0.2)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[str]:
    """A gate's container, with an SMSC's beside it."""
    if shutil.which("podman") is None or podman("image", "exists", IMAGE).returncode:
        pytest.skip("no image: apt-get install podman runc debootstrap, then make image")
    config = tmp_path / "smsgate.yaml"
    config.write_text((DEPLOY / "container" / "smsgate.yaml").read_text().replace("smsc:2775", "127.0.0.1:2776"))
    config.chmod(0o644)
    name = f"smsgate-{uuid4().hex}"
    with ExitStack() as stack:
        for made, network, *command in (
            (f"{name}-smsc", "none", "simulate", "smsc", "--listen", "127.0.0.1:2776"),
            (name, f"container:{name}-smsc"),
        ):
            stack.callback(podman, "rm", "--force", "--volumes", "--time=0", made)
            mount = f"--volume={config}:/etc/smsgate/smsgate.yaml:ro"
            answer(
                "run",
                "--detach",
                f"--name={made}",
                f"--network={network}",
                mount,
                *HARDENED,
                UNLIMITED,
                IMAGE,
                *command,
            )
        until(("healthcheck", "run", name))
        yield name


@pytest.mark.timeout(180)
def test_the_image_filters_as_nobody_with_a_read_only_root_and_drains(gate: str) -> None:
    assert answer("exec", gate, "id", "-u").strip() == "10001"
    assert "Read-only file system" in podman("exec", gate, "touch", "/etc/smsgate/rules/x.yaml").stderr
    answer("exec", "--detach", gate, "smsgate", "simulate", "esme", "--connect", "127.0.0.1:2775", "--rate", "100")
    until(("exec", gate, "python", "-c", METRICS), r'smsgate_messages_total\{.*verdict="block"\} [1-9]')
    asked = ("--control", "/var/lib/smsgate/smsgate.sock")
    answer("exec", gate, "smsgate", "block", "host", "bad.example", "--for", "1h", "--reason", "a test", *asked)
    assert "bad.example" in answer("exec", gate, "cat", "/var/lib/smsgate/state/blocks.json")
    answer("stop", "--time=20", gate)
    assert answer("inspect", "--format={{.State.ExitCode}}", gate).strip() == "0"
