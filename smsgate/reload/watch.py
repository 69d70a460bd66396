"""Rule files watched: when one has changed, come or gone, and has settled, that is told once.

The system's notices (watchfiles: inotify on Linux) only wake this up; what counts is whether names, targets, times or sizes of
the files differ from what they were. So Kubernetes' swap of the symbolic link `..data` is seen as the change that it is, and what
notices don't reach, such as a network file system or a link far up the path, is found at the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

from watchfiles import awatch

from smsgate.config.folders import visible_files

SETTLED_MS: Final = 300
"""Files that nobody has touched for so long are taken as complete: editors and `git checkout` write several at once."""
MAX_SETTLING_MS: Final = 3000
"""A folder that something writes into all the time is looked at as often."""
LOOK_MS: Final = 2000
"""Between two looks without a notice; for 100 files one takes 2 ms of a thread."""
MAX_WATCHED_FILES: Final = 10_000
"""Files looked at in all: ten times as many as packs are loaded."""

Signature = dict[str, tuple[str, int, int, int]]
"""Real path, inode, time of change in ns and size of each file."""


def signature(paths: Iterable[Path], files: Iterable[Path]) -> Signature:
    """What the files in these paths, and these files wherever they are, look like now. Blocking."""
    found: Signature = {}
    for file in (*files, *(inner for path in paths for inner in _in(path))):
        if len(found) >= MAX_WATCHED_FILES:
            break
        try:
            status = file.stat()
            found[str(file)] = (str(file.resolve()), status.st_ino, status.st_mtime_ns, status.st_size)
        except OSError:  # gone, or not there yet
            continue
    return found


def _in(path: Path) -> Iterable[Path]:
    return visible_files(path) if path.is_dir() else (path,)


def _folders(paths: Iterable[Path], files: Iterable[Path]) -> set[str]:
    """Where notices are asked for: the folders of all files, those that links lead to, and those round each path."""
    folders = {path.parent for path in paths}
    for path in paths:
        if path.is_dir():
            folders |= {path, *(inner for inner in path.rglob("*") if inner.is_dir())}
    folders |= {file.parent for file in files} | {file.resolve().parent for file in files}
    return {str(folder.absolute()) for folder in folders if folder.is_dir()}


async def changes(
    paths: Sequence[Path], files: Callable[[], Sequence[Path]], seen: Signature
) -> AsyncGenerator[Signature, None]:
    """Yields what things look like whenever they differ from when they were last looked at, at first from `seen`. `files`: those
    outside of the paths, as the rules last named them."""
    while True:
        extra = tuple(files())
        folders = await asyncio.to_thread(_folders, paths, extra)
        now = await asyncio.to_thread(signature, paths, extra)
        if now != seen:
            seen = now
            yield now
            continue
        notices = awatch(
            *folders,
            watch_filter=None,
            recursive=False,
            step=SETTLED_MS,
            debounce=MAX_SETTLING_MS,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        async with aclosing(notices):
            async for _ in notices:
                if await asyncio.to_thread(signature, paths, extra) != seen:
                    break  # the folders may be others now
