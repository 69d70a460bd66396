"""Readers of hosts files, domains and reports take what they can, count what they can't, and keep honest sites out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.config.imports import MAX_TOLD, Guard, merged, read_domains, read_hosts, read_reports
from smsgate.rules.lists import DigestTable, build
from smsgate.rules.model import EntryList, ListKind
from smsgate.text.phones import canonical
from tests.packs import HERE, brand, pack

TABLE = """\
Date,Num\u00e9ro,Message,Lien
2026-10-01,06 39 98 00 01,"Votre colis
attend, payez",https://a.ppx-hub.com/x
2026-10-02,36180,Bonjour,http://evil.github.io/x

2026-10-03,+33 6 39 98 00 01,Salut,-
2026-10-04,Banque,Salut,bad.example
2026-10-05,0639980002
2026-10-06,12,Salut,no host
"""


def test_a_hosts_file() -> None:
    found = read_hosts(
        "# a list\n127.0.0.1 localhost\n::1 ip6-localhost\n0.0.0.0 Bad.example www.bad.example # why\n\n"
        "192.0.2.1 printer.example\n0.0.0.0 b_a-d.example no/host\n"
    )
    assert found.domains == ["bad.example", "www.bad.example", "b_a-d.example"]
    assert (found.lines, found.unreadable) == (5, 2)
    assert found.told == [
        "line 6: found '192.0.2.1', expected 0.0.0.0 or 127.0.0.1 before a host",
        "line 7: found 'no/host', expected a domain such as name.example (its sub-domains are included)",
    ]


def test_domains_come_as_names_and_as_urls() -> None:
    found = read_domains("bad.example\n*.wild.example\nhttps://URL.example/x?y\nend.example.\ntwo words\n-\n")
    assert found.domains == ["bad.example", "wild.example", "url.example", "end.example"]
    assert [told.partition(":")[0] for told in found.told] == ["line 5", "line 6"]


def test_reports_are_taken_apart_by_the_names_of_their_columns() -> None:
    found = read_reports(TABLE)
    assert found.columns == {"number": "Num\u00e9ro", "text": "Message", "link": "Lien", "date": "Date"}
    assert found.numbers == ["+33639980001", "36180", "+33639980001"]
    assert found.domains == ["ppx-hub.com", "evil.github.io", "bad.example"]
    assert found.texts[0] == {"text": "Votre colis\nattend, payez", "date": "2026-10-01"}
    assert len(found.texts) == 5
    assert (found.lines, found.unreadable) == (6, 3)
    assert found.told[0] == "line 8: found 2 columns, expected 4, as in the header"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_links_are_taken_from_texts_where_there_is_no_column_of_links(delimiter: str) -> None:
    found = read_reports(f"from{delimiter}body\nBank{delimiter}go to http://bad.com now\n")
    assert (found.domains, found.columns) == (["bad.com"], {"number": "from", "text": "body"})


@pytest.mark.parametrize("text", ["", "\n", "a,b\n1,2\n", "date\n2026-10-01\n"])
def test_a_table_without_a_known_column_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a header with a column"):
        read_reports(text)


def test_a_cell_beyond_all_measure_is_a_line_that_can_not_be_read() -> None:
    found = read_reports(f"text\n{'x' * 200_000}\nvoir bad.com\n")
    assert (found.domains, found.unreadable) == (["bad.com"], 1)


def test_only_the_first_unreadable_lines_are_told() -> None:
    found = read_domains("-\n" * 100)
    assert (found.unreadable, len(found.told)) == (100, MAX_TOLD)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    read_hosts(text)
    read_domains(text)
    try:
        read_reports(f"number,text,link\n{text}")
    except ValueError:
        pytest.fail("the header is known")


@pytest.mark.parametrize(
    ("host", "against"),
    [
        ("ameli.fr", "official for ameli"),
        ("assure.ameli.fr", "official for ameli"),
        ("gouv.fr", "above impots.gouv.fr, official for state"),
        ("popular.com", "on the list ordinary"),
        ("www.popular.com", "on the list ordinary"),
        ("long.com", "on the list trusted"),
        ("github.io", "on the list ordinary"),
        ("evil.github.io", ""),
        ("ameli.fr.bad.com", ""),
        ("co.uk", "a public suffix"),
        ("bad.example", ""),
        ("203.0.113.5", ""),
        ("shop.com", ""),
    ],
)
def test_honest_sites_stay_off_lists_of_bad_ones(host: str, against: str) -> None:
    table = DigestTable(bytes(build(["long.com"], 1, 7, bytes(16))), bytes(16))
    trusted = pack(domains={"ordinary": ["popular.com", "github.io"], "bad": ["shop.com"]})
    brands = pack(brand("ameli", "Ameli", domains=["ameli.fr"]), brand("state", "State", domains=["impots.gouv.fr"]))
    long = EntryList("trusted", ListKind.DOMAINS, (), HERE, table)
    assert Guard([brands, trusted, replace(pack(), lists=(long,))]).against(host) == against


def test_new_entries_follow_what_stood_there_each_once() -> None:
    assert merged("", ["a", "b", "a"], str, "from x") == ("# from x\na\nb\n", 2)
    assert merged("# mine\na # why", ["a", "b"], str, "from x") == ("# mine\na # why\n# from x\nb\n", 1)
    assert merged("a\n", ["a"], str, "from x") == ("a\n", 0)
    assert merged("06 39 98 00 01\n", ["+33639980001"], canonical, "from x") == ("06 39 98 00 01\n", 0)
