"""Pages of the documentation whose console blocks are run: `python -m tests.pages` writes them anew.

In a block, `cat FILE` makes the file that it shows; everything else is a command of smsgate, followed by what it prints.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from contextlib import chdir
from pathlib import Path

from tests.programs import invoke

RUN = [Path(__file__).parents[1] / "docs" / "tools.md"]


def written(page: str, folder: Path) -> str:
    """The page with what its commands print in `folder`, one after the other."""
    with chdir(folder):
        return re.sub(r"(?<=```console\n).*?(?=```)", lambda block: _run(block[0]), page, flags=re.DOTALL)


def _run(block: str) -> str:
    entries = []
    for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = entry.partition("\n")
        if command.startswith("cat "):
            file = Path(command.removeprefix("cat "))
            file.parent.mkdir(exist_ok=True)
            file.write_text(shown, encoding="utf-8")
        else:
            shown = _printed(command)
        entries.append(f"$ {command}\n{shown}")
    return "".join(entries)


def _printed(command: str) -> str:
    """What a command prints, its speed left out."""
    result = invoke(*shlex.split(command)[1:])
    assert result.exit_code == 0, result.stderr
    shown = re.sub(r"in [0-9.]+ s: [0-9,]+ messages/s", "in ... s: ... messages/s", result.stdout)
    return "".join(f"{line.rstrip()}\n" for line in shown.splitlines())


if __name__ == "__main__":
    for path in RUN:
        with tempfile.TemporaryDirectory() as folder:
            path.write_text(written(path.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")
