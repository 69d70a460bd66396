"""Files of a folder of rules, as operators and Kubernetes lay them out."""

from __future__ import annotations

from pathlib import Path

from smsgate.config.folders import visible_files


def write(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")


def names(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in visible_files(folder))


def test_hidden_files_and_what_is_in_hidden_folders_are_left_out(tmp_path: Path) -> None:
    for name in ("a.yaml", "in/b.yaml", ".#a.yaml", "in/.b.yaml.swp", ".git/c.yaml"):
        write(tmp_path / name)
    assert names(tmp_path) == ["a.yaml", "in/b.yaml"]


def test_links_to_folders_are_followed_also_those_that_kubernetes_makes(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    write(tmp_path / "shipped" / "x.yaml")
    write(rules / "..2026_01" / "fr" / "y.yaml")
    (rules / "..data").symlink_to("..2026_01")
    (rules / "fr").symlink_to("..data/fr")
    (rules / "shipped").symlink_to(tmp_path / "shipped")
    assert names(rules) == ["fr/y.yaml", "shipped/x.yaml"]


def test_a_link_that_leads_back_up_is_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.yaml")
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    assert names(tmp_path) == ["in/a.yaml"]
