"""Hosts have one form, and what of them is registered is what the Public Suffix List says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.text.hosts import public_suffix, registered, registrable_domain, unicode_host


@pytest.mark.parametrize(
    ("name", "suffix", "domain"),
    [
        ("www.ameli.fr", "fr", "ameli.fr"),
        ("a.b.gouv.fr", "gouv.fr", "b.gouv.fr"),
        ("x.y.co.uk", "co.uk", "y.co.uk"),
        ("me.blogspot.com", "blogspot.com", "me.blogspot.com"),
        ("gouv.fr", "gouv.fr", "gouv.fr"),
        ("pay.example", None, None),
        ("192.0.2.1", None, None),
        ("fr", "fr", None),
        ("www.ameli.fr.", "fr", "ameli.fr"),
        ("gouv.fr.", "gouv.fr", "gouv.fr."),
        ("fr..fr", None, None),
        ("www.ck", "ck", "www.ck"),
        ("a.b.ck", "b.ck", "a.b.ck"),
        ("", None, None),
    ],
)
def test_public_suffix_and_registrable_domain(name: str, suffix: str | None, domain: str | None) -> None:
    assert public_suffix(name) == suffix
    assert registrable_domain(name) == domain
    assert registered(name) == (domain or name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("xn--t-9fab.com", "été.com"), ("www.ameli.fr", "www.ameli.fr"), ("xn--a-\x80.com", "xn--a-\x80.com")],
)
def test_unicode_host(name: str, shown: str) -> None:
    assert unicode_host(name) == shown


@given(st.text(st.sampled_from("abcxyz0189-"), max_size=30))
def test_no_punycode_raises(label: str) -> None:
    assert unicode_host(f"xn--{label}.com").endswith(".com")
