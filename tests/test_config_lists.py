"""List files: short ones are read whole, long ones become tables that are built once, trusted only when whole and our own."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from smsgate.config import lists
from smsgate.config.lists import KEPT_TABLES, MAX_LIST_FAULTS, MIN_TABLE_LINES, MappedTable, read_list
from smsgate.config.rules import load, load_rules
from smsgate.rules.lists import DigestTable
from smsgate.rules.model import ListKind

PACK = """\
pack: long
lists:
  bad: {domains_file: bad.txt}
  trusted: {domains_file: good.txt}
  callers: {numbers_file: callers.txt}
rules:
  - id: L-1
    title: a host on a long list
    if: link_host in bad and foreign_link
    action: block
    matches: ["voir http://www.host77.example/x", "voir http://host78.example"]
    passes: ["voir http://host7.invalid/x", "voir http://a.host79.example", "Bonjour"]
  - id: L-2
    title: a sender on a long list
    if: sender in callers
    action: block
    matches: [{text: Bonjour, sender: "+33639980077"}, {text: Bonjour, sender: "06 39 98 00 78"}]
    passes: [{text: Bonjour, sender: "+33639970001"}, {text: Bonjour, sender: Banque}]
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "smsgate"


def write(folder: Path, name: str = "bad.txt", tail: str = "", count: int = MIN_TABLE_LINES) -> Path:
    file = folder / name
    file.write_text("# invented\n" + "".join(f"Host{n}.example # why\n" for n in range(count)) + tail)
    return file


def table_in(file: Path, kind: ListKind = ListKind.DOMAINS) -> DigestTable:
    read = read_list(file, kind)
    assert read.faults == ()
    assert read.table is not None
    return read.table


def test_a_short_list_is_read_whole(tmp_path: Path, cache: Path) -> None:
    read = read_list(write(tmp_path, count=3, tail="\n  \n"), ListKind.DOMAINS)
    assert read == (("host0.example", "host1.example", "host2.example"), None, ())
    assert not cache.exists()


def test_a_long_list_is_a_table_that_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path)
    table = table_in(file)
    assert len(table) == MIN_TABLE_LINES
    assert "host77.example" in table
    assert "Host77.example" not in table
    monkeypatch.setattr(lists, "build", None)
    again = table_in(file)
    assert isinstance(again, MappedTable)
    assert "host77.example" in again
    other = pickle.loads(pickle.dumps(again))
    assert (other.path, "host77.example" in other) == (again.path, True)


def test_a_changed_list_has_another_table_even_with_the_same_size_and_time(tmp_path: Path) -> None:
    file = write(tmp_path, tail="old.example\n")
    before = file.stat()
    old = table_in(file)
    write(tmp_path, tail="new.example\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    new = table_in(file)
    assert ("old.example" in new, "new.example" in new) == (False, True)
    assert "old.example" in old, "who has the old one mapped keeps it"
    assert repr(old) != repr(new)


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign source", "writable by others", "garbage"])
def test_a_table_that_can_not_be_trusted_is_built_again(tmp_path: Path, damage: str) -> None:
    file = write(tmp_path)
    table_in(file)
    (path,) = (tmp_path / "cache" / "smsgate").iterdir()
    whole = path.read_bytes()
    match damage:
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "empty":
            path.write_bytes(b"")
        case "foreign source":
            path.write_bytes(whole[:40] + bytes(16) + whole[56:64] + bytes(len(whole) - 64))
        case "writable by others":
            path.write_bytes(whole[:64] + bytes(len(whole) - 64))
            path.chmod(0o622)
        case "garbage":
            path.write_bytes(b"x" * len(whole))
    assert "host77.example" in table_in(file)
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]


def test_kinds_have_tables_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("".join(f"+336399{n:05}\n" for n in range(MIN_TABLE_LINES)))
    assert "33639900042" in table_in(file, ListKind.NUMBERS)
    assert "33639900042" in table_in(file, ListKind.SENDERS)
    assert repr(table_in(file, ListKind.NUMBERS)) != repr(table_in(file, ListKind.SENDERS))


def test_of_one_list_the_newest_tables_are_kept_and_those_of_others_left_alone(tmp_path: Path, cache: Path) -> None:
    other = write(tmp_path, "other*.txt")
    table_in(other)
    for number in range(KEPT_TABLES + 2):
        table_in(write(tmp_path, tail=f"new{number}.example\n"))
    assert len(list(cache.iterdir())) == KEPT_TABLES + 1
    assert "new4.example" in table_in(tmp_path / "bad.txt")


@pytest.mark.parametrize("hindrance", ["no folder", "none for temporary files", "open to others"])
def test_where_nothing_can_be_cached_the_table_is_held_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hindrance: str
) -> None:
    folder = tmp_path / "cache" / "smsgate"
    if hindrance == "no folder":
        monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
        monkeypatch.setattr("tempfile.gettempdir", lambda: "/dev/null")
    elif hindrance == "none for temporary files":  # as in a container with a read-only root
        monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
        monkeypatch.setattr("tempfile.tempdir", None)
        monkeypatch.setattr("tempfile._candidate_tempdir_list", lambda: ["/dev/null"])
    else:
        folder.mkdir(parents=True)
        folder.chmod(0o777)
    table = table_in(write(tmp_path))
    assert type(table) is DigestTable
    assert "host77.example" in pickle.loads(pickle.dumps(table))


def test_without_a_home_the_folder_for_temporary_files_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    table = table_in(write(tmp_path))
    assert isinstance(table, MappedTable)
    assert table.path.parent.stat().st_mode & 0o777 == 0o700


def test_faults_of_a_long_list_are_told_with_their_lines_and_nothing_is_cached(tmp_path: Path, cache: Path) -> None:
    read = read_list(write(tmp_path, tail="no domain\n" * 100), ListKind.DOMAINS)
    assert read.table is None
    assert [fault.line for fault in read.faults] == list(
        range(MIN_TABLE_LINES + 2, MIN_TABLE_LINES + 2 + MAX_LIST_FAULTS)
    )
    assert not cache.exists() or not list(cache.iterdir())


def long_pack(folder: Path) -> Path:
    write(folder)
    write(folder, "good.txt", count=0).write_text(
        "host79.example\n" + "".join(f"good{n}.example\n" for n in range(MIN_TABLE_LINES))
    )
    (folder / "callers.txt").write_text("".join(f"06 39 98 {n // 100:02} {n % 100:02}\n" for n in range(10_000)))
    (folder / "pack.yaml").write_text(PACK)
    return folder / "pack.yaml"


def test_rules_look_up_hosts_senders_and_trusted_sites_in_tables(tmp_path: Path) -> None:
    load_rules([long_pack(tmp_path)])  # the examples say what


def test_the_version_of_a_rule_set_is_that_of_the_contents_of_its_lists(tmp_path: Path) -> None:
    first = load_rules([long_pack(tmp_path)]).version
    assert load_rules([tmp_path / "pack.yaml"]).version == first
    write(tmp_path, tail="more.example\n")
    assert load_rules([tmp_path / "pack.yaml"]).version != first


def test_packs_with_tables_travel_to_other_processes(tmp_path: Path) -> None:
    loaded = load([long_pack(tmp_path)])
    packs = pickle.loads(pickle.dumps(loaded.packs))
    assert repr(packs) == repr(loaded.packs)
    assert len(pickle.dumps(loaded.packs)) < 10_000
