"""What a text of each kind of field of smsgate.yaml may be, and what it becomes."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from smsgate.config import net_fields as fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("198.51.100.0/24", "198.51.100.0/24"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
    ],
)
def test_a_network_is_addresses_with_a_prefix_or_one_address(text: str, network: str) -> None:
    assert str(fields.network(text)) == network


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("198.51.100.7/24", "198.51.100.0/24"), ("10.1.2.3/0", "0.0.0.0/0"), ("2001:db8::1/32", "2001:db8::/32")],
)
def test_a_network_with_host_bits_is_refused_with_the_network_it_lies_in(text: str, suggestion: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        fields.network(text)
    assert (caught.value.context or {})["suggestion"] == suggestion


@pytest.mark.parametrize(
    "value",
    ["", "bank.example", "10.0.0.0/33", "10.0/8", "10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255", "10.0.0.0/",
     "::/129", "fe80::%eth0/64", "[::1]", "10.0.0.1:2775", "010.0.0.0/8", "1", "٣.1.1.1", " ::1", ["::1"]],
)  # fmt: skip
def test_what_is_no_network_or_could_be_read_two_ways_is_refused(value: object) -> None:
    with pytest.raises(PydanticCustomError, match="expected a network such as"):
        fields.network(value)


@given(st.ip_addresses())
def test_every_ip_address_is_one_and_is_the_network_of_itself(address: object) -> None:
    assert ip_address(fields.ip(str(address))) == address
    assert fields.network(str(address)).network_address == address


@pytest.mark.parametrize("value", ["", "smsc.example", "192.0.2.1/32", "192.0.2.1:0", "[::1]", "fe80::1%eth0", "7", {}])
def test_what_is_no_ip_address_is_refused(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        fields.ip(value)


@pytest.mark.parametrize("text", ["smsc", "mt.smsc.example", "192.0.2.1", "2001:db8::1", "xn--crdit-csa.example"])
def test_a_host_is_a_name_or_an_address(text: str) -> None:
    assert fields.host(text) == text


@pytest.mark.parametrize("value", ["", "smsc.example:2775", "*.smsc.example", "a b", "crédit.example", "[::1]", []])
def test_what_no_certificate_names_is_no_host(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        fields.host(value)


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10.0), ("1ms", 0.001), ("1.5 m", 90.0), ("60m", 3600.0)])
def test_a_duration_is_a_number_with_its_unit(text: str, seconds: float) -> None:
    assert fields.duration(text) == fields.timer(text) == seconds


@pytest.mark.parametrize("value", ["", "10", "0s", "0.0m", "-1s", "1h", "61m", "off", "1e3s", "1 s ", ["1s"]])
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        fields.duration(value)


@pytest.mark.parametrize("text", ["1s", "3600s"])
def test_the_bounds_of_a_duration_belong_to_it(text: str) -> None:
    assert fields.duration(text, min_s=1.0) == float(text[:-1])
    with pytest.raises(PydanticCustomError, match="from 2s to 3599s"):
        fields.duration(text, min_s=2.0, max_s=3599.0)


def test_a_timer_runs_up_to_a_day_or_is_off() -> None:
    assert fields.timer("1440m") == 86_400.0
    assert fields.timer("off") == 0.0


@pytest.mark.parametrize("value", ["1441m", "0s", "0", "no", "OFF", ""])
def test_what_is_no_timer_is_refused_with_the_word_that_stops_one(value: str) -> None:
    with pytest.raises(PydanticCustomError, match=r", or off$"):
        fields.timer(value)


def test_a_count_is_digits_from_one_to_its_bound() -> None:
    assert [fields.count("binds", 100, text) for text in ("1", "007", "100")] == [1, 7, 100]


@pytest.mark.parametrize("value", ["", "0", "101", "-1", "1.0", "1_0", "٣", "9" * 5000, ["1"]])
def test_what_is_no_count_is_refused(value: object) -> None:
    with pytest.raises(PydanticCustomError, match="a number of binds from 1 to 100"):
        fields.count("binds", 100, value)


def _read(kind: Any, value: object, folder: Path) -> Path:
    path: Path = TypeAdapter(kind).validate_python(value, context={fields.FOLDER: folder})
    return path


def test_a_pem_file_is_a_file_and_a_rule_path_may_be_a_folder_too(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert _read(fields.PemFile, "x", tmp_path) == _read(fields.RulePath, "x", tmp_path) == tmp_path / "x"
    assert _read(fields.RulePath, ".", tmp_path) == tmp_path
    with pytest.raises(ValidationError, match="a PEM file"):
        _read(fields.PemFile, ".", tmp_path)


@pytest.mark.parametrize("kind", [fields.PemFile, fields.RulePath])
@pytest.mark.parametrize("value", ["", " ", "nowhere", "a\0b", ["x"], {}])
def test_what_is_no_file_is_refused(kind: object, value: object, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="relative to this file"):
        _read(kind, value, tmp_path)


@pytest.mark.parametrize("kind", [fields.PemFile, fields.RulePath])
def test_why_the_system_refuses_a_file_is_said(kind: object, tmp_path: Path) -> None:
    """A name beyond what file systems take, because a test that runs as root may read all the rest."""
    with pytest.raises(ValidationError, match=r"…' \(file name too long\), expected"):
        _read(kind, "x" * 300, tmp_path)


@pytest.mark.parametrize(
    "check",
    [fields.address, fields.network, fields.ip, fields.host, fields.rate, partial(fields.count, "binds", 9),
     fields.duration, fields.timer, fields.system_id],
)  # fmt: skip
@given(st.text(max_size=40) | st.from_regex(r"[0-9a-f.:]{0,20}(/[0-9]{0,4})?", fullmatch=True))
def test_any_text_is_accepted_or_refused_with_words_of_ours(check: Callable[[str], object], text: str) -> None:
    refused: dict[str, object] = {"found": "x", "expected": "y"}
    try:
        check(text)
    except PydanticCustomError as error:
        refused = error.context or {}
    assert refused["found"]
    assert refused["expected"]


class KeyFile:
    """A key file, as the field sees it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "audit.key"
        self.adapter: TypeAdapter[Path] = TypeAdapter(fields.KeyFile)

    def checked(self, octets: int, mode: int) -> Path:
        self.path.write_bytes(b"k" * octets)
        self.path.chmod(mode)
        return self.adapter.validate_python("audit.key", context={fields.FOLDER: self.path.parent})


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_a_key_is_a_file_of_its_owners(mode: int, tmp_path: Path) -> None:
    assert KeyFile(tmp_path).checked(32, mode) == tmp_path / "audit.key"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602, 0o777])
def test_a_key_that_others_may_use_is_refused_with_what_to_do(mode: int, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=rf"mode {mode:04o}\).*chmod 600 audit\.key"):
        KeyFile(tmp_path).checked(32, mode)


@pytest.mark.parametrize("octets", [0, 31, 4097])
def test_a_key_that_is_too_short_or_no_key_at_all_is_refused(octets: int, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=f"a key of {octets} octets, expected 32 to 4096"):
        KeyFile(tmp_path).checked(octets, 0o600)
