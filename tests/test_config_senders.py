"""The `senders:` of a pack, inline and from files: what is read, and what is told of a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.lists import MAX_LIST_FAULTS
from smsgate.config.rulefile import read_pack
from smsgate.config.rules import load, load_rules
from smsgate.config.senders import MAX_RESERVED_BYTES
from smsgate.rules.model import ReservedSender

INLINE = """\
pack: ids
senders:
  forbidden: [INFO, 0199001234]
  reserved:
    CreditAgric: [bank1, bank2]
    Ameli: []
"""
FILES = "pack: files\nsenders: {forbidden_file: si.txt, reserved_file: isa.csv}\n"
RULE = """\
pack: rules
use: [ids]
rules:
  - id: R-1
    title: whose sender
    if: forbidden_sender or reserved_sender
    action: block
    matches: [{text: a, sender: INFO}, {text: a, sender: CreditAgric, client: bank3}, {text: a, sender: Ameli}]
    passes: [{text: a, sender: CreditAgric, client: bank1}, {text: a, sender: Infos}]
"""


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_sender_ids_in_the_pack(tmp_path: Path) -> None:
    pack = read_pack(write(tmp_path, "ids.yaml", INLINE)).pack
    assert pack is not None
    assert pack.senders.forbidden == ("INFO", "0199001234")
    assert pack.senders.reserved == (ReservedSender("CreditAgric", ("bank1", "bank2")), ReservedSender("Ameli"))


def test_sender_ids_in_files_with_what_parts_them(tmp_path: Path) -> None:
    write(tmp_path, "si.txt", "# forbidden\nINFO\nService Client # why\n")
    lines = (
        "# id, clients\nCreditAgric: bank1, bank2\nAmeli;cnam\nCPAM\tcnam\nTotal+ , oil # since May\nNobody\nVide,\n\n"
    )
    write(tmp_path, "isa.csv", "\ufeff" + lines)
    file = read_pack(write(tmp_path, "files.yaml", FILES))
    assert file.diagnostics == ()
    assert file.pack is not None
    assert file.pack.senders.forbidden == ("INFO", "Service Client")
    assert {entry.sender: entry.clients for entry in file.pack.senders.reserved} == {
        "CreditAgric": ("bank1", "bank2"),
        "Ameli": ("cnam",),
        "CPAM": ("cnam",),
        "Total+": ("oil",),
        "Nobody": (),
        "Vide": (),
    }
    assert file.reads == (tmp_path / "files.yaml", tmp_path / "si.txt", tmp_path / "isa.csv")


def test_those_in_files_join_those_beside_them(tmp_path: Path) -> None:
    write(tmp_path, "isa.csv", "SFR,sfr1\n")
    pack = read_pack(write(tmp_path, "ids.yaml", INLINE + "  reserved_file: isa.csv\n")).pack
    assert pack is not None
    assert [entry.sender for entry in pack.senders.reserved] == ["CreditAgric", "Ameli", "SFR"]


def test_rules_of_one_pack_act_on_the_ids_of_all(tmp_path: Path) -> None:
    write(tmp_path, "ids.yaml", INLINE)
    write(tmp_path, "rules.yaml", RULE)
    rules = load_rules([tmp_path])
    assert rules.check_text("a", "CreditAgric", "bank3").status == 0x0A
    assert not rules.check_text("a", "CreditAgric", "bank2").refused


def test_ids_of_another_pack_break_no_example(tmp_path: Path) -> None:
    """Packs must go on loading when an operator reserves what the sender of some example is."""
    write(tmp_path, "ids.yaml", INLINE)
    write(tmp_path, "rules.yaml", RULE)
    write(
        tmp_path,
        "more.yaml",
        "pack: more\nsenders: {forbidden: [Infos], reserved: {CreditAgric: [bank3], Lnfos: []}}\n",
    )
    rules = load_rules([tmp_path])
    assert rules.check_text("a", "Infos").status == 0x0A
    assert not rules.check_text("a", "CreditAgric", "bank3").refused


def test_the_ids_are_a_part_of_the_version(tmp_path: Path) -> None:
    version = load([write(tmp_path, "ids.yaml", INLINE)]).rules.version
    assert load([write(tmp_path, "ids.yaml", INLINE.replace("bank2", "bank3"))]).rules.version != version


def test_faults_of_the_files_have_their_lines(tmp_path: Path) -> None:
    write(tmp_path, "si.txt", "INFO\n***\n")
    write(tmp_path, "isa.csv", "CreditAgric, bank1\nAmeli, a system id too long\n, bank1\n")
    faults = read_pack(write(tmp_path, "files.yaml", FILES)).diagnostics
    assert [(Path(fault.file).name, fault.line, fault.found) for fault in faults] == [
        ("si.txt", 2, "'***'"),
        ("isa.csv", 2, "'a system id too long'"),
        ("isa.csv", 3, "nothing"),
    ]


def test_of_a_file_of_another_kind_not_every_line_is_told(tmp_path: Path) -> None:
    write(tmp_path, "si.txt", "INFO\n")
    write(tmp_path, "isa.csv", "a sender that is far too long\n" * 2 * MAX_LIST_FAULTS)
    assert len(read_pack(write(tmp_path, "files.yaml", FILES)).diagnostics) == MAX_LIST_FAULTS


def test_files_that_are_missing_or_too_big(tmp_path: Path) -> None:
    write(tmp_path, "isa.csv", "a" * (MAX_RESERVED_BYTES + 1))
    missing, big = read_pack(write(tmp_path, "files.yaml", FILES)).diagnostics
    assert missing.found.startswith("no file ")
    assert (missing.line, missing.column) == (2, 27)
    assert Path(big.file).name == "isa.csv"


def test_faults_in_the_pack(tmp_path: Path) -> None:
    text = """\
pack: ids
senders:
  forbiden: [INFO]
  forbidden: []
  reserved: {"***": [bank1], Ameli: cnam, SFR: [a system id too long], SG: [x]}
"""
    with pytest.raises(DiagnosticsError) as caught:
        load([write(tmp_path, "ids.yaml", text)])
    assert [str(fault).partition("ids.yaml:")[2] for fault in caught.value.diagnostics] == [
        (
            "3:3: found the unknown key 'forbiden', expected one of forbidden, forbidden_file, reserved, reserved_file "
            "(did you mean 'forbidden'?)"
        ),
        "4:3: found an empty list, expected at least one entry",
        "5:14: found '***', expected a sender with letters or digits",
        "5:37: found 'cnam', expected a list: [cnam]",
        "5:49: found 'a system id too long', expected a system_id: 1 to 15 printable ASCII characters",
    ]
