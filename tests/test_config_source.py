"""YAML with positions: every scalar is text, every value has its place, no input does anything but parse or be refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from smsgate.config import source as source_module
from smsgate.config.diagnostics import Diagnostic, DiagnosticsError
from smsgate.config.source import MAX_DEPTH, KeyPath, Source, parse, read, read_text


def place(source: Source, path: KeyPath) -> tuple[int, int]:
    where = source.where(path)
    return where.line, where.column


def fault(text: str) -> str:
    with pytest.raises(DiagnosticsError) as caught:
        parse(text, "f.yaml")
    (diagnostic,) = caught.value.diagnostics
    return str(diagnostic)


def test_every_scalar_is_the_text_that_stands_there() -> None:
    text = "[no, 0123456, 21:30, 1e3, 2027-06-30, 0x66, 1_000, .5, =, <<, 'null', yes]"
    assert parse(text, "f").root.value == [
        "no", "0123456", "21:30", "1e3", "2027-06-30", "0x66", "1_000", ".5", "=", "<<", "null", "yes",
    ]  # fmt: skip


@pytest.mark.parametrize("null", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_the_empty_text(null: str) -> None:
    assert parse(f"a: {null}\n", "f").root.value == {"a": ""}


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_file_is_the_empty_text(text: str) -> None:
    assert parse(text, "f").root.value == ""


TEXT = """\
pack: x
rules:
  - id: A
    if: 'l''x and y'
  - id: B
    if: >-
      one two
        three

      four
empty:
flow: {a: [b, "c\\u00e9 d"]}
plain: one two
  three
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("pack",), (1, 7)),
        (("rules",), (3, 3)),
        (("rules", 1), (5, 5)),
        (("rules", 0, "if"), (4, 9)),
        (("flow", "a", 0), (12, 12)),
        (("empty",), (11, 1)),
        (("rules", 0, "absent"), (3, 5)),
        (("rules", 7, "id"), (3, 3)),
        ((), (1, 1)),
    ],
)
def test_a_value_has_its_place_or_that_of_the_nearest_round_it(path: KeyPath, expected: tuple[int, int]) -> None:
    assert place(parse(TEXT, "f"), path) == expected


def test_a_key_has_its_place() -> None:
    where = parse(TEXT, "f").key(("rules", 1, "if"))
    assert (where.file, where.line, where.column) == ("f", 6, 5)


@pytest.mark.parametrize("path", [("pack",), ("rules", 0, "if"), ("rules", 1, "if"), ("plain",)])
def test_each_character_of_a_text_leads_to_itself_in_the_file(path: KeyPath) -> None:
    source = parse(TEXT, "f")
    value = source.root.value
    for step in path:
        value = value[step]  # type: ignore[index]
    assert isinstance(value, str)
    lines = TEXT.splitlines()
    for offset, char in enumerate(value):
        if not char.isspace():
            where = source.inside(path, offset)
            assert lines[where.line - 1][where.column - 1] == char
    last, end = source.inside(path, len(value) - 1), source.inside(path, len(value))
    assert (end.line, end.column) == (last.line, last.column + 1)


def test_escapes_in_double_quotes_count_as_they_are_written() -> None:
    where = parse(TEXT, "f").inside(("flow", "a", 1), 3)
    assert (where.line, where.column) == (12, TEXT.splitlines()[11].index("d") + 1)


def test_wide_characters_count_once() -> None:
    assert place(parse("é𝄞: [𝄞, x]\n", "f"), ("é𝄞", 1)) == (1, 9)


def test_duplicate_keys_and_tags_are_faults_that_do_not_end_the_reading() -> None:
    source = parse("a: 1\na: 2\n? [k]\n: 3\nb: !!python/name:os.system x\n", "f.yaml")
    assert source.root.value == {"a": "1", "b": "x"}
    assert [(fault.line, fault.column, fault.found) for fault in source.diagnostics] == [
        (2, 1, "the key 'a' again"),
        (3, 3, "a list or mapping as a key"),
        (5, 4, "the tag 'tag:yaml.org,2002:python/name:os.system'"),
    ]


def test_an_alias_repeats_the_value_and_its_place() -> None:
    source = parse("a: &x [1, 2]\nb: *x\n", "f")
    assert source.root.value == {"a": ["1", "2"], "b": ["1", "2"]}
    assert place(source, ("b", 1)) == (1, 11)


def test_an_alias_to_itself_is_refused() -> None:
    assert "found the alias '*x'" in fault("a: &x [*x]\n")


def test_aliases_of_aliases_are_bounded() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    assert "aliases written out" in fault(bomb)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_is_bounded_before_it_exhausts_the_stack(opening: str) -> None:
    assert f"more than {MAX_DEPTH} levels" in fault(opening * 400_000)


def test_the_file_name_is_in_the_diagnostic_and_the_byte_that_is_not_utf8_in_its_place(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes("a: é\r\nb: ".encode() + b"\xe9")
    with pytest.raises(DiagnosticsError) as caught:
        read(file)
    assert str(caught.value) == f"{file}:2:4: found the byte 0xe9, expected text in UTF-8"


def test_a_missing_file_a_folder_and_a_large_file_are_diagnostics(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_text("a: 12345\n")
    assert read_text(large, 9) == "a: 12345\n"
    for path, limit, found in (
        (large, 8, "a larger file"),
        (tmp_path, 99, "something that is no regular file"),
        (tmp_path / "no.yaml", 99, "no such file or directory"),
    ):
        with pytest.raises(DiagnosticsError, match=found):
            read_text(path, limit)


def test_the_parser_in_python_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = parse(TEXT, "f")
    monkeypatch.setattr(source_module, "_LOADER", yaml.BaseLoader)
    plain = parse(TEXT, "f")
    assert plain.root.value == fast.root.value
    for path in (("pack",), ("rules", 1, "if"), ("flow", "a", 1)):
        assert plain.where(path) == fast.where(path)
        assert plain.inside(path, 1) == fast.inside(path, 1)


YAMLISH = st.text(st.sampled_from("ab:-?*&!|>'\"[]{},#%@`\\ \n\t\r~0é\u2028\x00𝄞"), max_size=60)


@given(YAMLISH | st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    lines = len(source_module._LINE_BREAK.split(text))
    faults: tuple[Diagnostic, ...] = ()
    try:
        source = parse(text, "f")
    except DiagnosticsError as error:
        faults = error.diagnostics
    else:
        if isinstance(source.root.value, str):
            assert all(1 <= source.inside((), offset).line <= lines for offset in range(len(source.root.value) + 1))
    assert all(1 <= fault.line <= lines + 1 and fault.column >= 1 for fault in faults)
