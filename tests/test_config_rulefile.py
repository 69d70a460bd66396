"""A rule file becomes the values of `rules.model`, each with its place; a broken rule does not take the others along."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.lists import MAX_LIST_FAULTS
from smsgate.config.rulefile import read_pack
from smsgate.rules.condition import parse
from smsgate.rules.model import (
    Action,
    Brand,
    EntryList,
    Example,
    HostTokens,
    KeywordSet,
    Limit,
    LimitKey,
    ListKind,
    Mode,
    Official,
    Pack,
    Rule,
    Unit,
    Where,
)

FULL = """\
pack: full
owner: 007
use: [lexicon]
brands:
  bank:
    names: [My Bank, MB]
    company: [account]
    group: banks
    host: {anywhere: [mybank], whole: [mb], with_bait: [bank]}
    official: {domains: [MyBank.example], senders: [MyBank], phones: [01 99 00 12 34]}
keywords:
  yes_no: [yes, no, 0x10*]
lists:
  trusted: {domains: [Shop.example]}
  known: {senders: [38100, Bank]}
  hosts: {domains_file: hosts.list, source: a friend, since: 2026-10-01, expires: 2026-12-31}
rules:
  - id: R-1
    title: A rule
    why: a reason
    if: yes_no and link
    action: block
    status: 0x432
    mode: monitor
    expires: 2027-06-30
    matches: ["yes a.example", {text: "no b.example", sender: Bank, client: bank1}]
    passes:
      - 21:30
  - id: R-2
    title: Another
    if: client in [bank1] and yes_no
    action: allow
    matches: [yes]
    passes: [hello]
limits:
  - id: L-1
    title: A limit
    if: link
    count: messages
    per: link_host
    over: 20 in 10m
    action: flag
    status: ESME_RTHROTTLED
    mode: monitor
  - {id: L-2, title: Another, per: client, over: 5 in 1s}
  - {id: L-3, title: Third, count: segments, per: [client, destination_prefix 5], over: 5 in 1s, burst: 9}
  - {id: L-4, title: Fourth, if: 'client in [a]', per: [client, sender], over: 5 in 1s, action: shape}
  - {id: L-5, title: Fifth, count: distinct senders, per: template, over: 20 in 10m}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "pack.yaml"
    file.write_text(text, encoding="utf-8")
    return file


WEIGHTED = """
pack: scores
timezone: Asia/Kathmandu
keywords:
  plain: [yes, no]
  signs:
    yes: 3
    not yet: -2
    "0x10*": "+1"
rules:
  - id: R-1
    title: all that an example may say
    if: score(signs) > 2
    action: flag
    matches: [{text: yes, destination: "0639980001", alphabet: ucs2, segments: 3, hour: 23}]
    passes: [not yet]
"""


def test_weights_a_time_zone_and_what_an_example_comes_in(tmp_path: Path) -> None:
    found = read_pack(write(tmp_path, WEIGHTED))
    assert found.pack is not None
    assert found.pack.timezone == ZoneInfo("Asia/Kathmandu")
    assert [(each.keywords, each.weights) for each in found.pack.keywords] == [
        (("yes", "no"), ()),
        (("yes", "not yet", "0x10*"), (3, -2, 1)),
    ]
    (example,) = found.pack.rules[0].matches
    assert (example.destination, example.alphabet, example.segments, example.hour) == ("0639980001", "ucs2", 3, 23)
    (example,) = found.pack.rules[0].passes
    assert (example.destination, example.alphabet, example.segments, example.hour) == ("", "", 1, 12)


def test_every_key_of_a_pack_arrives_in_the_model_with_its_place(tmp_path: Path) -> None:
    file = write(tmp_path, FULL)
    (tmp_path / "hosts.list").write_text("# hosts\nA.example\n\nb.example # why\n")

    def at(line: int, column: int) -> Where:
        return Where(str(file), line, column)

    read = read_pack(file)
    assert read.diagnostics == ()
    assert read.pack == Pack(
        name="full",
        file=str(file),
        where=at(1, 1),
        owner="007",
        use=("lexicon",),
        brands=(
            Brand(
                "bank",
                ("My Bank", "MB"),
                at(5, 3),
                "banks",
                ("account",),
                HostTokens(("mybank",), ("mb",), ("bank",)),
                Official(("mybank.example",), ("MyBank",), ("01 99 00 12 34",)),
            ),
        ),
        keywords=(KeywordSet("yes_no", ("yes", "no", "0x10*"), at(12, 3)),),
        lists=(
            EntryList("trusted", ListKind.DOMAINS, ("shop.example",), at(14, 3)),
            EntryList("known", ListKind.SENDERS, ("38100", "Bank"), at(15, 3)),
            EntryList(
                "hosts",
                ListKind.DOMAINS,
                ("a.example", "b.example"),
                at(16, 3),
                None,
                "a friend",
                date(2026, 10, 1),
                date(2026, 12, 31),
            ),
        ),
        rules=(
            Rule(
                id="R-1",
                title="A rule",
                condition=parse("yes_no and link"),
                action=Action.BLOCK,
                where=at(18, 5),
                why="a reason",
                status=0x432,
                mode=Mode.MONITOR,
                expires=date(2027, 6, 30),
                matches=(
                    Example("yes a.example", at(26, 15)),
                    Example("no b.example", at(26, 32), "Bank", "bank1"),
                ),
                passes=(Example("21:30", at(28, 9)),),
                owner="007",
            ),
            Rule(
                id="R-2",
                title="Another",
                condition=parse("client in [bank1] and yes_no"),
                action=Action.ALLOW,
                where=at(29, 5),
                matches=(Example("yes", at(33, 15)),),
                passes=(Example("hello", at(34, 14)),),
                owner="007",
            ),
        ),
        limits=(
            Limit(
                id="L-1",
                title="A limit",
                per=(LimitKey.LINK_HOST,),
                count=20,
                window_s=600.0,
                where=at(36, 5),
                condition=parse("link"),
                action=Action.FLAG,
                status=0x58,
                mode=Mode.MONITOR,
            ),
            Limit("L-2", "Another", (LimitKey.CLIENT,), 5, 1.0, at(45, 5)),
            Limit(
                "L-3",
                "Third",
                (LimitKey.CLIENT, LimitKey.DESTINATION_PREFIX),
                5,
                1.0,
                at(46, 5),
                unit=Unit.SEGMENTS,
                burst=9,
                prefix_digits=5,
            ),
            Limit(
                "L-4",
                "Fourth",
                (LimitKey.CLIENT, LimitKey.SENDER),
                5,
                1.0,
                at(47, 5),
                parse("client in [a]"),
                action=Action.SHAPE,
            ),
            Limit("L-5", "Fifth", (LimitKey.TEMPLATE,), 20, 600.0, at(48, 5), unit=Unit.SENDERS),
        ),
    )


def test_sections_may_be_empty(tmp_path: Path) -> None:
    read = read_pack(write(tmp_path, "pack: bare\nbrands:\nkeywords: {}\nlists:\nrules:\nlimits: []\n"))
    assert read.diagnostics == ()
    assert read.pack == Pack("bare", str(tmp_path / "pack.yaml"), Where(str(tmp_path / "pack.yaml"), 1, 1))


def test_a_broken_rule_is_left_out_and_the_others_keep_their_places(tmp_path: Path) -> None:
    (tmp_path / "hosts.list").write_text("")
    read = read_pack(write(tmp_path, FULL.replace("action: block", "action: blok").replace("per: client", "per: me")))
    assert [fault.found for fault in read.diagnostics] == ["'blok'", "'me'"]
    assert read.pack is not None
    assert [(rule.id, rule.where.line) for rule in read.pack.rules] == [("R-2", 29)]
    assert [(limit.id, limit.where.line) for limit in read.pack.limits] == [
        ("L-1", 36),
        ("L-3", 46),
        ("L-4", 47),
        ("L-5", 48),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        FULL.replace("names: [My Bank, MB]", "names: []"),
        FULL.replace("owner: 007", "onwer: 007"),
        FULL + "pack: twice\n",
        FULL.replace("hosts.list", "missing.list"),
    ],
    ids=["brand", "unknown key", "duplicate key", "list file"],
)
def test_with_a_fault_elsewhere_there_is_no_pack(broken: str, tmp_path: Path) -> None:
    (tmp_path / "hosts.list").write_text("")
    read = read_pack(write(tmp_path, broken))
    assert len(read.diagnostics) == 1
    assert read.pack is None


@pytest.mark.parametrize(
    ("condition", "accepted"),
    [
        ("client in [a]", True),
        ("client in partners", True),
        ("link and client in [a]", True),
        ("all of (link, client in [a] and link)", True),
        ("client not in [a]", False),
        ("link or client in [a]", False),
        ("1 of (link, client in [a])", False),
        ("sender in [a]", False),
        ("not (link and client in [a])", False),
    ],
)
def test_an_allow_rule_must_be_bound_to_clients(condition: str, accepted: bool, tmp_path: Path) -> None:
    read = read_pack(
        write(tmp_path, FULL.replace("client in [bank1] and yes_no", condition).replace("hosts.list", ".x"))
    )
    found = [fault.found for fault in read.diagnostics if fault.line == 31]
    assert found == ([] if accepted else ["an allow rule that holds for every client"])


SHAPED = "if: 'client in [a]', per: client, over: 5 in 1s, action: shape"


@pytest.mark.parametrize(
    ("limit", "found"),
    [
        (SHAPED, None),
        (SHAPED.replace("client in [a]", "link and client in [a]"), None),
        (SHAPED.replace("client in [a]", "link"), "shape for every client"),
        (SHAPED.replace("if: 'client in [a]', ", ""), "shape for every client"),
        (SHAPED.replace("per: client", "per: sender"), "shape without the key client"),
        (SHAPED.replace("5 in 1s", "5 in 1m"), "shape to less than one a second"),
        (SHAPED + ", count: distinct senders", "shape of distinct senders"),
        (SHAPED + ", status: 0x45", "a status for shape"),
        ("per: [client, client], over: 5 in 1s", "the same key twice"),
        ("per: [destination, destination_prefix 4], over: 5 in 1s", "destination and destination_prefix"),
        ("per: destination_prefix, over: 5 in 1s", "'destination_prefix'"),
        ("per: destination_prefix 0, over: 5 in 1s", "'destination_prefix 0'"),
        ("per: destination_prefix 16, over: 5 in 1s", "'destination_prefix 16'"),
        ("per: destination 5, over: 5 in 1s", "'destination 5'"),
        ("per: [], over: 5 in 1s", "an empty list"),
        ("per: {client: 5}, over: 5 in 1s", "a mapping"),
        ("per: sender, count: distinct senders, over: 5 in 1s", "distinct senders for each of them"),
        (
            "per: [client, destination], count: distinct recipients, over: 5 in 1s",
            "distinct recipients for each of them",
        ),
        ("per: destination_prefix 5, count: distinct recipients, over: 5 in 1s", None),
        ("per: client, count: senders, over: 5 in 1s", "'senders'"),
        ("per: client, over: 5 in 1s, burst: 0", "'0'"),
        ("per: client, over: 5 in 1s, burst: many", "'many'"),
        ("per: client, over: 5 in 1s, rate: 5", "the unknown key 'rate'"),
        ("per: client, over: 5 in 1s, action: drop", "'drop'"),
    ],
)
def test_a_limit_that_contradicts_itself_is_told(limit: str, found: str | None, tmp_path: Path) -> None:
    read = read_pack(write(tmp_path, f"pack: one\nlimits:\n  - {{id: L, title: T, {limit}}}\n"))
    assert [fault.found for fault in read.diagnostics] == ([] if found is None else [found])


def test_faults_of_a_list_file_are_cut_off(tmp_path: Path) -> None:
    (tmp_path / "hosts.list").write_text("no domain\n" * 1000)
    read = read_pack(write(tmp_path, FULL))
    assert [(Path(fault.file).name, fault.line) for fault in read.diagnostics] == [
        ("hosts.list", line) for line in range(1, MAX_LIST_FAULTS + 1)
    ]


KEYS = [
    *("pack", "use", "brands", "names", "host", "domains", "official", "keywords", "lists", "rules", "limits"),
    *("id", "if", "action", "matches", "over", "per", "x"),
]
VALUES: Any = st.recursive(
    st.sampled_from(["", "x", "link", "block", "a.example", "20 in 1m", "sender"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES | st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8))
def test_any_tree_gives_a_pack_or_diagnostics_that_read_well(tmp_path: Path, value: Any) -> None:
    read = read_pack(write(tmp_path, yaml.safe_dump(value)))
    assert read.pack is not None or read.diagnostics
    for fault in read.diagnostics:
        assert fault.found
        assert fault.expected
        assert "Input should" not in str(fault)


def test_what_is_no_yaml_is_raised(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match="closing quote"):
        read_pack(write(tmp_path, "pack: 'x\n"))
