"""A change of rule files is seen once it has settled: written, come, gone, or swapped behind a link as Kubernetes does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from smsgate.reload.watch import changes, signature
from tests.gates import TIMEOUT_S, both_loops, run_on

LISTENING_S = 0.1
"""Until notices are listened for; a change before that is seen too, at the next look."""


async def seen(paths: list[Path], files: list[Path], steps: list[Callable[[], object]]) -> None:
    """Each step is a change that must be told."""
    async with aclosing(changes(paths, lambda: files, signature(paths, files))) as told:
        for step in steps:
            asyncio.get_running_loop().call_later(LISTENING_S, step)
            async with asyncio.timeout(TIMEOUT_S):
                await anext(told)


@both_loops
def test_files_that_are_written_come_and_go(loop_name: str, tmp_path: Path) -> None:
    rules, outside = tmp_path / "rules", tmp_path / "lists" / "bad.txt"
    (rules / "inner").mkdir(parents=True)
    outside.parent.mkdir()
    outside.write_text("a.example\n")

    def body() -> Awaitable[None]:
        steps: list[Callable[[], object]] = [
            lambda: (rules / "inner" / "a.yaml").write_text("pack: a\n"),
            lambda: (rules / "inner" / "a.yaml").write_text("pack: abc\n"),
            lambda: outside.write_text("b.example\nc.example\n"),
            (rules / "inner" / "a.yaml").unlink,
        ]
        return seen([rules], [outside], steps)

    run_on(loop_name, body)


def test_a_link_that_kubernetes_swaps_is_a_change_of_the_files_behind_it(tmp_path: Path) -> None:
    def publish(name: str, text: str) -> None:
        (tmp_path / name / "fr").mkdir(parents=True)
        for file in ("pack.yaml", "fr/pack.yaml"):
            (tmp_path / name / file).write_text(text)
        (tmp_path / "..data_tmp").symlink_to(name)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    publish("..2026_01", "pack: a\n")
    (tmp_path / "pack.yaml").symlink_to("..data/pack.yaml")
    (tmp_path / "fr").symlink_to("..data/fr")
    for paths in ([tmp_path], [tmp_path / "pack.yaml"], [tmp_path / "fr"]):
        name = f"..2026_02_{len(str(paths[0]))}"
        run_on("uvloop", lambda paths=paths, name=name: seen(paths, [], [lambda: publish(name, "pack: b\n")]))


def test_what_is_touched_without_a_change_of_the_rules_is_none(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yaml").write_text("pack: a\n")
    before = signature([rules], [])
    (tmp_path / "gate.log").write_text("a line\n")
    assert signature([rules], []) == before
    os.utime(rules / "a.yaml", ns=(1, 1))
    assert signature([rules], []) != before
    assert signature([tmp_path / "none"], [tmp_path / "none"]) == {}
