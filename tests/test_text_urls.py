"""Links are found as a gullible reader finds them, and the cheap question never says no where there is one."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsgate.text.hosts import registrable_domain, unicode_host
from smsgate.text.normalize import fold
from smsgate.text.urls import MAX_LINKS, WRITTEN_DOTS, links, may_hold_link, plain

Found = tuple[str, str, str]
pieces = st.sampled_from(
    [
        *(
            "pay",
            "example",
            ".",
            ". ",
            " .",
            "com",
            "fr",
            "co.uk",
            "/",
            "//",
            "http:",
            "hxxps://",
            "?u=",
            "%2e",
            "@",
            ":",
            "443",
        ),
        *("[.]", "(dot)", "{ . }", "。", "．", "\u2024", "é", "xn--", "-", "1234567890", "192.168.0.1", "0xC0A80001"),
        *(
            "\u200b",
            "\xad",
            "\0",
            "\xa0",
            "⒈",
            "（",
            "］",
            "ⓒom",
            "ｆr",
            "sh\xbap",
            "€",
            "…",
            "\n",
            "\x0b",
            "\\",
            "%2f",
            "ю",
            " point ",
            "%25",
            "[::1]",
            "0x7f.1",
        ),
    ]
)
texts = st.one_of(st.text(max_size=60), st.lists(pieces, max_size=14).map("".join))


def found(text: str) -> list[Found]:
    """Host, userinfo and path of every link."""
    return [(link.host, link.userinfo.removesuffix("@"), link.path) for link in links(plain(text))]


def host(name: str) -> list[Found]:
    return [(name, "", "")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Voir https://pay.example/x?y=1.", [("pay.example", "", "/x?y=1")]),
        ("Voir (https://pay.example/x), merci", [("pay.example", "", "/x")]),
        ("http://pay.example", host("pay.example")),
        ("HTTPS://PAY.EXAMPLE/Path", [("pay.example", "", "/Path")]),
        ("https://pay.example:8443/x", [("pay.example", "", "/x")]),
        ("https://pay.example./x", [("pay.example", "", "/x")]),
        ("https://pay.example?x#y", [("pay.example", "", "?x#y")]),
        ("//pay.example", host("pay.example")),
        ("hxxp://pay.example", host("pay.example")),
        ("https:///pay.example", host("pay.example")),
        ("http://under_score.example", host("under_score.example")),
        ("http://nowhere/x", []),
        ("Cliquez ici:ameli-sante.fr", host("ameli-sante.fr")),
        ("AMELI-SANTE.FR", host("ameli-sante.fr")),
        ("ameli-sante.fr.", host("ameli-sante.fr")),
        ("bit.ly/x et is.gd/y", [("bit.ly", "", "/x"), ("is.gd", "", "/y")]),
        ("un.fr\ndeux.com", [*host("un.fr"), *host("deux.com")]),
        ("ameli.fr.session-x.com", host("ameli.fr.session-x.com")),
    ],
)
def test_plain_links(text: str, expected: list[Found]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "pay[.]com",
        "pay(.)com",
        "pay{.}com",
        "pay[dot]com",
        "pay(point)com",
        "pay[ . ]com",
        "pay.\ncom",
        "pay\n.com",
        "pay.\u200bcom",
        "pay. com",
        "pay .com",
        "pay . com",
        "pay. \u200bcom",
        "pay. co\xadm",
        "pay. ｃom",
        "pay. com€",
        "pay. com*",
        "pay.\xa0com",
        "pay。com",
        "pay．com",
        "pay｡com",
        "pay\u2024com",
        "pay﹒com",
        "pay［．］com",
        "pay（dot）com",
        "ｐａｙ．ｃｏｍ",
        "ⓟⓐⓨ.ⓒⓞⓜ",
        "𝐩𝐚𝐲.𝐜𝐨𝐦",
        "p\u200da\u00ady.com",
        "pa\0y.com",
        "https://pay%2ecom",
        "https://p%61y.com",
        "http:\\\\pay.com",
    ],
)
def test_disguised_dots_and_letters(text: str) -> None:
    assert may_hold_link(text)
    assert found(text) == host("pay.com")


@pytest.mark.parametrize("text", ["pay point com", "pay DOT com", "pay\xa0point\ncom", "pay%2ecom", "pay%2EcoM"])
def test_written_dots_are_told_by_the_folded_words(text: str) -> None:
    assert found(text) == host("pay.com")
    assert any(dot in fold(text) for dot in WRITTEN_DOTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://ameli.fr@evil.com/x", [("evil.com", "ameli.fr", "/x")]),
        ("http://ameli.fr:443@evil.com", [("evil.com", "ameli.fr:443", "")]),
        ("http://a@b@evil.com", [("evil.com", "a@b", "")]),
        ("https://ameli.fr%2f@evil.com", [("evil.com", "ameli.fr%2f", "")]),
        ("https://ameli.fr%23@evil.com", [("evil.com", "ameli.fr%23", "")]),
        ("https://evil.com/@ameli.fr", [("evil.com", "", "/@ameli.fr")]),
        ("https://evil.com\\@ameli.fr", [("evil.com", "", "\\@ameli.fr")]),
        ("https://evil.com#@ameli.fr", [("evil.com", "", "#@ameli.fr")]),
        ("https://evil.com?@ameli.fr", [("evil.com", "", "?@ameli.fr")]),
        ("moi@pay.com", []),
        ("moi@pay.com/x", [("pay.com", "", "/x")]),
    ],
)
def test_userinfo(text: str, expected: list[Found]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://192.0.2.1/x", [("192.0.2.1", "", "/x")]),
        ("192.0.2.1/x", [("192.0.2.1", "", "/x")]),
        ("http://3221225985/x", [("192.0.2.1", "", "/x")]),
        ("http://0xC0000201/", [("192.0.2.1", "", "/")]),
        ("http://030000001001/", [("192.0.2.1", "", "/")]),
        ("http://0300.0.2.0x1/", [("192.0.2.1", "", "/")]),
        ("http://192.0.513/", [("192.0.2.1", "", "/")]),
        ("http://192.513:80/", [("192.0.2.1", "", "/")]),
        ("http://300.1.1.1/", [("300.1.1.1", "", "/")]),
        ("http://192.0.2.09/", [("192.0.2.09", "", "/")]),
        ("http://99999999999/x", []),
        ("http://[2001:DB8:0::1]:8080/x", [("[2001:db8::1]", "", "/x")]),
        ("http://[::ffff:192.0.2.1]/x", [("192.0.2.1", "", "/x")]),
        ("http://[fish]/x", [("[fish]", "", "/x")]),
        ("https://été.com", host("xn--t-9fab.com")),
        ("vérification-ameli.com", host("xn--vrification-ameli-btb.com")),
        ("VÉRIFICATION-ameli.com", host("xn--vrification-ameli-btb.com")),
        ("xn--t-9fab.com/x", [("xn--t-9fab.com", "", "/x")]),
    ],
)
def test_addresses_and_idn(text: str, expected: list[Found]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("path", "nested"),
    [
        ("?u=https://evil.com/x", [("evil.com", "", "/x")]),
        ("?u=//evil.com", host("evil.com")),
        ("?url=evil.com&v=1", host("evil.com")),
        ("r/https://evil.com", host("evil.com")),
        ("?u=https%3A%2F%2Fevil.com", host("evil.com")),
        ("?u=https%253A%252F%252Fevil.com", host("evil.com")),
        ("?u=https://ameli.fr@evil.com", [("evil.com", "ameli.fr", "")]),
        ("?u=http://3221225985", host("192.0.2.1")),
        ("?url=un.com&next=deux.com", [*host("un.com"), *host("deux.com")]),
        ("?email=jean@gmail.com&file=doc.info", []),
        ("?a=https://un.com/?b=https://deux.com/y", [("un.com", "", "/?b=https://deux.com/y"), ("deux.com", "", "/y")]),
        ("?a=x.y&b=12.5", []),
        ("a//b", []),
    ],
)
def test_nested_urls_count_as_links(path: str, nested: list[Found]) -> None:
    outer, *inner = found(f"Voir https://www.ameli.fr/{path} merci")
    assert outer == ("www.ameli.fr", "", f"/{path}")
    assert inner == nested


@pytest.mark.parametrize(
    "text",
    [
        "Bonjour. Merci... A demain!",
        "Rdv à 14h.Merci",
        "oui.Je viens",
        "fini.La suite",
        "12.50 EUR le 03.04.2027",
        "12.05/13.06",
        "le point info du jour, un point relais, point com",
        "Merci. Com de toi, 20% 2en1",
        "500. Ml",
        "version 1.2.3 ou 192.0.2.1",
        "a.b p.ex. T.V.A. C.P.F",
        "et/ou 24h/24",
        "ici:/ ou :)",
        "",
    ],
)
def test_what_is_no_link(text: str) -> None:
    assert found(text) == []


def test_spans_lie_in_the_plain_text() -> None:
    text = plain("Voir https://moi@www．ameli.fr:443/x?u=//evil.com, ou pay. com !")
    first, nested, last = links(text)
    assert text[first.start : first.end] == "https://moi@www.ameli.fr:443/x?u=//evil.com"
    assert text[first.host_start : first.host_end] == "www.ameli.fr"
    assert (nested.host, nested.start, nested.end) == ("evil.com", first.start, first.end)
    assert text[last.start : last.end] == text[last.host_start : last.host_end] == "pay.com"


@given(texts)
@example("pay. com€")
@example("a⒈com")
@example("http:/\u200b/3232235777/")
@example("https://" + "é" * 70 + ".com")
@example("xn--99999999.com")
def test_no_text_raises_and_no_link_is_missed_by_the_cheap_question(text: str) -> None:
    read = plain(text)
    there = links(read)
    assert may_hold_link(text) or not there or any(dot in fold(text) for dot in WRITTEN_DOTS)
    for link in there:
        assert 0 <= link.start <= link.host_start <= link.host_end <= link.end <= len(read)
        assert link.host.isascii()
        assert link.host == link.host.lower()
        registrable_domain(link.host)
        unicode_host(link.host)


@given(texts)
@example("voir pay dot com, pay%2ecom")
def test_written_dots_need_not_be_looked_for_where_the_words_tell_of_none(text: str) -> None:
    told = any(dot in fold(text) for dot in WRITTEN_DOTS)
    assert plain(text, written_dots=told) == plain(text)


@given(texts)
def test_plain_is_stable_for_letters_and_dots(text: str) -> None:
    """What was read once is read the same again: `explain` shows spans in the plain text."""
    assert found(plain(text)) == found(text)


@pytest.mark.parametrize(
    "frame", ["pay{}com", "pay[{}]com", "pay{}dot]com", "pay. c{}m", "pay. com{}", "http:{}{}pay.com"]
)
def test_no_character_of_unicode_slips_past_the_cheap_question(frame: str) -> None:
    for code in range(0x110000):
        text = frame.replace("{}", chr(code))
        if not may_hold_link(text):
            assert not links(plain(text)), hex(code)


def test_at_most_so_many_links_are_read() -> None:
    assert len(found("a.fr " * (MAX_LINKS + 9))) == MAX_LINKS
    assert len(found("a.fr/?" + "&u=b.fr" * (MAX_LINKS + 9))) == MAX_LINKS


LONG = 64 * 1024


@pytest.mark.timeout(20)  # each takes milliseconds; in quadratic time, minutes
@pytest.mark.parametrize(
    "unit",
    [
        *(
            ".",
            "..",
            "a.",
            ".a",
            " .",
            ". ",
            " . ",
            ". fr",
            "/",
            "//",
            "// ",
            "//a",
            "//a.",
            "://",
            "http://",
            "@",
            "//a@",
            "//@a.",
        ),
        *(
            "[",
            "[.",
            "[ . ",
            "(dot",
            "=",
            "=a",
            "=a.",
            "=a.b&",
            "a.fr/=",
            "//a.fr/",
            "?u=",
            "%",
            "%25",
            "//%25",
            "-",
            "a-",
            "//-",
        ),
        *("é", "é.", "\0", "\u200b", "\u0301", "。", "0", "1.", "xn--", "xn--a.", "a.fr@", "a.fr\\"),
    ],
)
def test_the_work_is_in_proportion_to_the_text(unit: str) -> None:
    for text in (
        unit * (LONG // len(unit)),
        "http://a.fr/" + unit * (LONG // len(unit)),
        unit * (LONG // len(unit)) + ".fr",
    ):
        may_hold_link(text)
        links(plain(text))


@pytest.mark.timeout(20)  # Python's punycode takes time in proportion to the cube of a label
@pytest.mark.parametrize("form", ["http://{}.com ", "{}.com ", "a.fr/?u={}.com "])
@pytest.mark.parametrize("chars", [60, 240, 1000, LONG // 2])
def test_long_labels_are_no_hosts(form: str, chars: int) -> None:
    letters = "".join(chr(0x4E00 + index) for index in range(20_000))
    parts = [letters[i : i + chars] for i in range(0, len(letters), chars)]
    there = links(plain("".join(form.format(part) for part in parts)))
    assert any(link.host.startswith("xn--") for link in there) == (chars <= 63)


@pytest.mark.parametrize(
    "text",
    [
        "suivre bit .ly/4x9a",
        "voir compte .live",
        "ici t .co/4x",
        "VOIR COMPTE .COM AVANT",
        "suivre bit. ly/4x9a",
        "suivre rb . gy/4x9a",
        "suivre https://goo (point) su/4x9a",
    ],
)
def test_a_blank_before_the_dot_hides_no_short_link(text: str) -> None:
    assert may_hold_link(text)
    assert len(links(plain(text))) == 1


def test_a_sentence_that_begins_with_a_word_which_is_a_domain_is_no_link() -> None:
    assert links(plain("c'est fini. me voici. do ou re. de rien")) == []


def test_a_framework_with_a_dot_is_no_domain() -> None:
    assert links(plain("nous cherchons un développeur .NET confirmé")) == []


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://a.example@", "a.example"),
        ("https://a.example@@ ", "a.example"),
        ("https://b@a.example@", "a.example"),
        ('href="https://a.example">Bonjour', "a.example"),
        ("<https://a.example>", "a.example"),
    ],
)
def test_a_sign_that_ends_a_link_is_no_part_of_its_host(text: str, host: str) -> None:
    assert [link.host for link in links(text)] == [host]


@pytest.mark.parametrize("host", ["{}.evil.example", "\U0001f600{}@evil.example", "é{}.example"])
def test_long_links_are_not_remembered(host: str) -> None:
    tracemalloc.start()
    try:
        for number in range(300):
            links(f"https://{host.format('a' * 900 + str(number))}/x")
        assert tracemalloc.get_traced_memory()[0] < 50_000, "their authorities alone have 300,000 octets"
    finally:
        tracemalloc.stop()
