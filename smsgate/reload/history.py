"""What was in force and when: a folder of the gate's own, with one line for each reload and the files of past rule sets.

    history.jsonl                  one JSON object a line, the newest last
    versions/VERSION/paths.json    which of the files below are what `rules:` named
    versions/VERSION/files/...     packs and lists, placed to each other as they were; a file that has not changed since the
                                   version before is another name (hard link) of the one kept there

A version's files are loaded from where they are kept. Runs in threads and in commands: nothing here knows the event loop.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any, Final

MAX_VERSIONS: Final = 20
"""Rule sets kept: a month of working days, at some 100 KB each and their lists."""
MAX_ENTRIES: Final = 1000
"""Lines of history.jsonl, of which then the newer half stays: years of edits, or a day of a script gone wild."""
MAX_FAULTS_KEPT: Final = 20
"""Of a refused reload; the log has all."""
DIGEST_CHARS: Final = 12

_VERSION: Final = re.compile(r"[0-9a-f]{12}")


class History:
    """Reads and writes the folder, which is made with the first entry. Every method may raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._lines = folder / "history.jsonl"
        self._versions = folder / "versions"

    def entries(self) -> list[dict[str, Any]]:
        """All entries, the oldest first. A line that was cut off by a crash is left out."""
        try:
            lines = self._lines.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        entries = []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                entries.append(entry)
        return entries

    def add(self, entry: dict[str, Any]) -> None:
        """Append one, and forget the files of versions that are too old."""
        self._make()
        lines = self._lines.read_bytes().splitlines(keepends=True) if self._lines.exists() else []
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        if len(lines) < MAX_ENTRIES:
            with self._lines.open("ab") as stream:
                stream.write(line if not lines or lines[-1].endswith(b"\n") else b"\n" + line)
        else:
            shorter = self._lines.with_name(".history.jsonl")
            shorter.write_bytes(b"".join([*lines[-MAX_ENTRIES // 2 :], line]))
            shorter.replace(self._lines)
        self._prune()

    def keep(
        self, version: str, paths: Sequence[Path], files: Iterable[Path], unchanged: Callable[[], bool]
    ) -> dict[str, str]:
        """Keep the files that made a version (`paths` are those of `rules:`). Returns the digests of the files by their names;
        nothing is kept when they are not `unchanged` since they were read."""
        self._make()
        absolute = {_absolute(file): str(file) for file in files}
        roots = [_absolute(path) for path in paths]
        digests = {name: _digest(file) for file, name in absolute.items()}
        folder = self._versions / version
        if not folder.exists():
            top = Path(os.path.commonpath([*(file.parent for file in absolute), *(root.parent for root in roots)]))
            known = self._known()
            new = self._versions / f".{version}.{os.getpid()}"
            shutil.rmtree(new, ignore_errors=True)
            for file, name in absolute.items():
                copy = new / "files" / file.relative_to(top)
                copy.parent.mkdir(parents=True, exist_ok=True)
                if digests[name] in known:
                    os.link(known[digests[name]], copy)
                else:
                    shutil.copyfile(file, copy)
            named = [str(root.relative_to(top)) for root in roots]
            (new / "paths.json").write_text(json.dumps(named), "utf-8")
            if not unchanged():
                shutil.rmtree(new)
                return {}
            new.rename(folder)
        return digests

    def paths(self, version: str) -> tuple[Path, ...]:
        """What `rules:` named at that version. Raises ValueError when it isn't kept."""
        folder = self._versions / version
        if not _VERSION.fullmatch(version) or not folder.is_dir():
            kept = ", ".join(self.versions()) or "none"
            raise ValueError(f"found the version {version!r}, expected one that is kept: {kept}")
        named: list[str] = json.loads((folder / "paths.json").read_text("utf-8"))
        return tuple(folder / "files" / name for name in named)

    def before(self, version: str) -> str:
        """The version that was in force last before this one, of those that are kept. Raises ValueError when there is none."""
        for kept in self.versions():
            if kept != version:
                return kept
        raise ValueError("no earlier version is kept")

    def versions(self) -> list[str]:
        """The versions whose files are kept, the one that came into force last first."""
        accepted = [str(entry.get("version")) for entry in self.entries() if entry.get("result") == "accepted"]
        return [
            version
            for version in dict.fromkeys(reversed(accepted))
            if _VERSION.fullmatch(version) and (self._versions / version).is_dir()
        ]

    def _make(self) -> None:
        self._lines.parent.mkdir(mode=0o700, exist_ok=True)  # what is filtered is nobody else's to know
        self._versions.mkdir(exist_ok=True)

    def _known(self) -> dict[str, Path]:
        """The files of the newest version kept, by digest."""
        for version in self.versions()[:1]:
            return {_digest(file): file for file in (self._versions / version / "files").rglob("*") if file.is_file()}
        return {}

    def _prune(self) -> None:
        kept = set(self.versions()[:MAX_VERSIONS])
        for folder in self._versions.iterdir():
            if _VERSION.fullmatch(folder.name) and folder.name not in kept:
                shutil.rmtree(folder)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  # `resolve` would follow links, and lose how files stand to each other


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()[:DIGEST_CHARS]
