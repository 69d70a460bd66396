"""What lies in a folder of rules: files that are not hidden, behind links to folders too.

Kubernetes shows the entries of a mounted ConfigMap, folders among them, by links into a hidden folder `..DATE`, of which there
are two while they change; editors hide their lock files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def visible_files(folder: Path) -> Iterator[Path]:
    """All files down to the bottom that are not hidden (`.name`) and in no hidden folder. A link may lead back up: no folder is
    entered twice."""
    entered = set()
    for name, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(name)
        folders[:] = () if real in entered else sorted(inner for inner in folders if not inner.startswith("."))
        if real not in entered:
            yield from (Path(name, file) for file in files if not file.startswith("."))
        entered.add(real)
