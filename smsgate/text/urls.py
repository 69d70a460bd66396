"""Links as a handset or a gullible reader finds them: with and without scheme, disguised or plain.

`may_hold_link` is the cheap question asked of every message: one expression that starts at a literal dot (0.13 µs on 100
characters; the same question without a literal first character took 1.6). `links` is the reader, run only where the answer
was yes: it walks from dot to dot (and to `//` for hosts without one), and at each takes the name round it, then userinfo,
port and path. Work is in proportion to the text: no expression here can backtrack over more than one host. Nothing is
ever resolved.

A name without a scheme is a link when it ends in a known top-level domain; with a scheme any name is. Also read: `hxxp`,
`[.]`, `(dot)`, full-width dots, `%2e`, a blank beside the dot before a common top-level domain, ` point com`, userinfo before
`@`, IP addresses in every notation, IDN and punycode, and URLs nested in path or query, which count as links.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from smsgate.text.hosts import HOST_CACHE_ENTRIES, IPV4, MAX_HOST_CHARS, ascii_host, plain_address, public_suffix
from smsgate.text.normalize import CharacterTable, fold_char

MAX_LINKS: Final = 16
"""Links read from one text; a body of 64 KiB could hold 16,000, and no genuine message has ten. `rules.engine` takes
full ones for suspicious."""
MAX_AUTHORITY_CHARS: Final = 4 * MAX_HOST_CHARS
"""A host with every character percent-encoded, and some userinfo."""
MAX_REMEMBERED_CHARS: Final = 64
"""Of an authority that is remembered. Of the longest there are, the cache would hold 500 MB."""
MAX_SCHEME_CHARS: Final = 10
"""With its colon: longer than `https:` and its disguises."""
_SPACED_TLDS: Final = (
    "fr|com|net|org|eu|info|xyz|top|site|online|app|link|click|shop"
    "|biz|vip|icu|cfd|sbs|cyou|buzz|tk|ml|ga|cf|gq|pw|cc|io|co|ru"
)
"""Common in scams, and no words that begin a sentence."""
_PARTED_TLDS: Final = (
    f"{_SPACED_TLDS}|be|ch|club|cx|de|dev|do|gd|gg|gl|gy|host|life|live|lol|lu|ly|me|mobi|name"
    "|page|pro|quest|rest|space|store|su|support|to|tv|uk|us|website|world"
)
"""Read after a blank and a dot (`bit .ly`), which no sentence has; after a dot and a blank some of them begin sentences, but
none before a slash (`bit. ly/x`)."""
_CAPITAL_TLDS: Final = _PARTED_TLDS.upper().replace("|NET|", "|")
"""Without NET: "développeur .NET" is in every second job offer of that trade."""
_NO_NAME: Final = r"""\s!"'(,./:;?\-"""
_TRIGGER: Final = re.compile(
    rf"\.(?:[^{_NO_NAME}]|\s(?=[a-z])(?:(?:{_SPACED_TLDS})(?![0-9A-Za-z])|(?:{_PARTED_TLDS})/))"
)
"""Most dots end a sentence: asked for a small letter first, the expression takes 0.1 µs less for each."""
_DISGUISED: Final = re.compile(
    "[^\x01-\x7f\xa1-\xa7\xab\xb0\xb1\xbb\xbf-\u0130\u0386\u0388-\u03cf\u03d7-\u03ef\u03fa-\u0482"
    "\u2010\u2012-\u2016\u2018-\u2023\u20ac\u2600-\u27bf\U0001f300-\U0001faff]"
)
"""A character that is not one of the common ones (letters, quotes, emoji) that `plain` leaves alone."""
_BRACKETED_DOT: Final = re.compile(r"[\[({]\s?(?:\.|dot|point)\s?[\])}]", re.IGNORECASE)
_BLANK_BEFORE_DOT: Final = re.compile(
    rf"(?<=[\w-])\s\.(?:\s(?=(?:{_SPACED_TLDS})(?![\w-])|(?:{_PARTED_TLDS})/)"
    rf"|(?=(?:{_PARTED_TLDS}|{_CAPITAL_TLDS})(?![\w-])))"
)
_BLANK_BEHIND_DOT: Final = re.compile(rf"\.(?<=[\w-]\.)\s(?=(?:{_SPACED_TLDS})(?![\w-])|(?:{_PARTED_TLDS})/)")
"""Begins with its dot, since every second text has one before a blank: 0.2 µs, in one expression with the other 2.2."""
_WRITTEN_TLDS: Final = ("fr", "com", "net", "org")
_WRITTEN_DOT: Final = re.compile(
    rf"(?<=[\w-])(?:\s(?:dot|point)\s|%2e)(?=(?:{'|'.join(_WRITTEN_TLDS)})(?![\w-]))", re.IGNORECASE
)
WRITTEN_DOTS: Final = tuple(f" {dot}{tld} " for dot in ("dot ", "point ", "2e") for tld in _WRITTEN_TLDS)
"""Folded words that `may_hold_link` does not look for: whoever passes over the words anyway finds them for nothing."""
MANY_MARKS: Final = re.compile("([\u0300-\u036f]{4})[\u0300-\u036f]+")
"""No letter bears more than four; normalising a run of n of them costs n squared."""
_LABEL_BEHIND_DOT: Final = re.compile(r"\.[\w-]")
"""Passes over the dots that end a sentence."""
_LAST_LABEL_REVERSED: Final = re.compile(r"[\w-]*")
_MORE_LABELS: Final = re.compile(r"(?:\.[\w-]+)+")
_AUTHORITY: Final = re.compile(rf"""//+([^\s/\\?#"<>]{{0,{MAX_AUTHORITY_CHARS}}})""")
_BEHIND_HOST: Final = re.compile(r"(?:\.?(?::\d{1,5})?([/?#\\]\S*))?")
_TOKEN_BEFORE: Final = re.compile(r"\S*\Z")
_NESTED: Final = re.compile(
    r"(?P<mark>//|(?:url|uri|link|lien|redir\w*|goto|target|dest\w*|next|continue|to|u|r|q|v)=)"
    r"(?P<userinfo>[^\s/\\?#&=@]*@)?(?P<host>[\w-]+(?:\.[\w-]+)*)",
    re.IGNORECASE,
)
"""A name without `//` counts only where a parameter says that it is an address: `?email=` and `?file=` hold dots too."""
_NESTED_PATH: Final = re.compile(r"[^\s&]*")
_AFTER_PATH: Final = ".,;:!?)]}>»\"'…*"
_WORDS_THAT_ARE_TLDS: Final = frozenset({"au", "ca", "de", "et", "il", "je", "la", "ma", "me", "ne", "sa", "se", "si"})
"""French words: "oui.Je viens" has no link."""


class Link(NamedTuple):
    """A link at text[start:end] of `plain(text)`, its host at text[host_start:host_end].

    `host` is lower-case ASCII (IDN as punycode), without port and trailing dot. A nested link has the span of its outer one.
    """

    host: str
    userinfo: str
    path: str
    start: int
    end: int
    host_start: int
    host_end: int


def may_hold_link(text: str) -> bool:
    """False only when `links(plain(text))` would find nothing, or nothing but what WRITTEN_DOTS tell.

    `text` may also be the octets of an 8-bit alphabet as Latin-1, where dots, slashes and brackets are ASCII's. One
    character is looked for before an expression is tried: `in` takes 0.02 µs.
    """
    return (
        may_hold_common_link(text)
        or (("[" in text or "{" in text) and _BRACKETED_DOT.search(text) is not None)
        or is_disguised(text)
    )


def may_hold_common_link(text: str) -> bool:
    """The same for a text of which each character `is_common`."""
    return (
        ("." in text and _TRIGGER.search(text) is not None)
        or ("/" in text and "//" in text)
        or ("(" in text and _BRACKETED_DOT.search(text) is not None)
    )


def is_common(char: str) -> bool:
    """Whether a character, unless it is a dot, a slash or a round bracket, does not let a link be where none is seen."""
    return char not in "[{" and not is_disguised(char)


def _plain_char(char: str) -> str:
    """What the reader sees in place of a character: compatibility forms (full-width letters and dots) made plain, the
    invisible taken out, accented letters kept, since they make another host."""
    if char in "\u3002\uff61":
        return "."
    if fold_char(char):
        return unicodedata.normalize("NFKC", char)
    return char if "\u0300" <= char <= "\u036f" else ""


PLAIN_CHARS: Final = CharacterTable(_plain_char)
DISGUISED_DOTS: Final = (_BRACKETED_DOT, _BLANK_BEFORE_DOT, _BLANK_BEHIND_DOT, _WRITTEN_DOT)
"""What `plain` makes dots of, in this order. `text.traced` does the same with a trace."""


def is_disguised(text: str) -> bool:
    """Whether some character may be another one than it looks, or be invisible."""
    return (not text.isascii() or "\0" in text) and _DISGUISED.search(text) is not None


def undisguised(text: str) -> str:
    """The text with compatibility forms made plain and without what can't be seen."""
    if is_disguised(text):  # 0.1 µs; accented letters alone, which change nothing, would take 3
        return unicodedata.normalize("NFC", MANY_MARKS.sub(r"\1", text.translate(PLAIN_CHARS)))
    return text


def plain(text: str, *, written_dots: bool = True) -> str:
    """The text that `links` reads and counts its offsets in: disguises of dots and letters undone, all else as it was.

    `written_dots`: False for a text in whose folded words none of WRITTEN_DOTS is, which saves 0.4 µs.
    """
    text = undisguised(text)
    if "(" in text or "[" in text or "{" in text:
        text = _BRACKETED_DOT.sub(".", text)
    if " ." in text or "\n." in text:
        text = _BLANK_BEFORE_DOT.sub(".", text)
    if ". " in text or ".\n" in text:
        text = _BLANK_BEHIND_DOT.sub(".", text)
    if written_dots:
        lower = text.lower()
        if "dot" in lower or "point" in lower or "%2" in lower:
            text = _WRITTEN_DOT.sub(".", text)
    return text


def links(text: str) -> list[Link]:
    """The links of a `plain` text, in order, nested ones behind their outer one; about MAX_LINKS at most."""
    found: list[Link] = []
    position, end = 0, len(text)
    slashes = -1
    while position < end and len(found) < MAX_LINKS:
        if slashes < position:
            slashes = text.find("//", position)
            if slashes < 0:
                slashes = end
        dot = _LABEL_BEHIND_DOT.search(text, position, slashes)
        if dot is not None:
            position = _without_scheme(text, position, dot.start(), found)
        elif slashes < end:
            position = _with_scheme(text, position, slashes, found)
        else:
            break
    return found


def without_links(text: str, found: Iterable[Link]) -> str:
    """A `plain` text with blanks for its links: random paths are full of digits among letters."""
    for link in found:
        text = text[: link.start] + " " * (link.end - link.start) + text[link.end :]
    return text


def _with_scheme(text: str, position: int, slashes: int, found: list[Link]) -> int:
    """Read the link whose authority follows text[slashes:slashes+2]; returns where to go on.

    Whatever stands where a host must stand is taken for one: what a phone makes of `evil!.example` is for the phone to say.
    """
    written = _AUTHORITY.match(text, slashes)
    assert written is not None
    begin = written.start(1)
    read = _known_authority if len(written[1]) <= MAX_REMEMBERED_CHARS else _authority
    host, userinfo, host_start, host_end, end = read(written[1])
    if not host:
        return begin + end
    start = slashes - 6
    if text[start - 1 : slashes] != " https:":  # as nearly every link begins
        start = max(position, _scheme_start(text, slashes))
    return _finish(text, host, userinfo, start, begin + host_start, begin + host_end, found)


def _authority(written: str) -> tuple[str, str, int, int, int]:
    """What stands behind `//`: the host, "" where none is; userinfo; where the host starts and ends, and where to go on."""
    written = written.rstrip("@")  # says nothing: a NUL behind the text is one in GSM-7
    userinfo, at, name = written.rpartition("@")
    host_start = len(written) - len(name)
    shown = name[: name.find("]") + 1] if name.startswith("[") else name.partition(":")[0].rstrip(_AFTER_PATH)
    host = plain_address(ascii_host(unquote(shown) if "%" in shown else shown))
    if "." not in host and not host.startswith("["):
        host = ""
    return host, userinfo + at, host_start, host_start + len(shown), len(written)


_known_authority: Final = lru_cache(maxsize=HOST_CACHE_ENTRIES)(_authority)


def _scheme_start(text: str, slashes: int) -> int:
    earliest = max(0, slashes - MAX_SCHEME_CHARS)
    before = text[earliest:slashes]
    token = _TOKEN_BEFORE.search(before)
    if token is not None and token[0].startswith(("https:", "http:")):
        return earliest + max(token.start(), before.rfind(".") + 1)
    if not before.endswith(":"):
        return slashes
    letters = _LAST_LABEL_REVERSED.match(before[-2::-1])
    return slashes - 1 - (letters.end() if letters else 0)


def _without_scheme(text: str, position: int, dot: int, found: list[Link]) -> int:
    """Read the bare name round text[dot], if it is one; returns where to go on."""
    window = text[max(position, dot - MAX_HOST_CHARS) : dot]
    label = _LAST_LABEL_REVERSED.match(window[::-1])
    rest = _MORE_LABELS.match(text, dot, dot + MAX_HOST_CHARS)
    if label is None or label.end() == 0 or rest is None:
        return dot + 1
    start, end = dot - label.end(), rest.end()
    name = text[start:end]
    if not name.isascii() and public_suffix(ascii_host(name.rpartition(".")[2])) is None:
        return end  # before the whole name is turned to punycode, which takes 0.4 ms where labels are long
    host = ascii_host(name)
    is_address = public_suffix(host) is None
    if is_address and IPV4.fullmatch(host) is None:
        return end
    if is_address or text.startswith("@", start - 1) or _is_sentence_border(name):
        behind = _BEHIND_HOST.match(text, end)
        path = behind[1] if behind is not None else None
        if path is None or path.startswith("\\"):
            return end  # a version, a date; a mail address; two sentences
    return _finish(text, host, "", start, start, end, found)


def _is_sentence_border(name: str) -> bool:
    """ "oui.Je", "fini.la": two words of a text without a blank, not a host."""
    before, _, last = name.rpartition(".")
    return (
        last.lower() in _WORDS_THAT_ARE_TLDS
        and before.isalpha()
        and (last[0].isupper() or last not in {"ca", "de", "me"})
    )


def _finish(  # noqa: PLR0917  # once for each link
    text: str, host: str, userinfo: str, start: int, host_start: int, host_end: int, found: list[Link]
) -> int:
    """Append the link with its path and what is nested there; returns where to go on."""
    behind = _BEHIND_HOST.match(text, host_end)
    written = behind[1] if behind is not None else None
    if behind is None or written is None:
        found.append(Link(host, userinfo, "", start, host_end, host_start, host_end))
        return host_end
    path = written.rstrip(_AFTER_PATH)
    link = Link(host, userinfo, path, start, behind.start(1) + len(path), host_start, host_end)
    found.append(link)
    if "//" in path or "%" in path or ("=" in path and "." in path):
        _nested(link, found)
    return behind.end()


def _nested(outer: Link, found: list[Link]) -> None:
    """URLs inside the path or query: an open redirect on a good site leads to them."""
    path = unquote(unquote(outer.path))
    for match in _NESTED.finditer(path, 1):
        if len(found) >= MAX_LINKS:
            return
        host = ascii_host(match["host"][: MAX_HOST_CHARS + 1])
        if match["mark"] == "//":
            host = plain_address(host)
        if "." in host and (public_suffix(host) is not None or (match["mark"] == "//" and IPV4.fullmatch(host))):
            rest = _NESTED_PATH.match(path, match.end())
            found.append(
                outer._replace(host=host, userinfo=match["userinfo"] or "", path=rest[0] if rest is not None else "")
            )
