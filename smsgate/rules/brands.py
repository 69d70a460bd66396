"""Who a host, a path or a sender pretends to be.

`Impersonation` answers three questions with bits: which brands a host officially belongs to, which ones it carries without
belonging to them, and which lists it is on. Answers per host and per sender are remembered (bounded, least recently used
out first), since campaigns and genuine senders both repeat theirs: 0.1 µs again, some 10 the first time.

A host is looked at without its public suffix, in Unicode, folded (look-alike letters become what they imitate), cut into
parts at dots, hyphens and digits; once more with digits read as the letters they resemble (`ame1i`). Token classes are
those of `rules.model.HostTokens`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import add
from typing import Final, NamedTuple

import ahocorasick

from smsgate.rules.model import Brand
from smsgate.rules.words import slips
from smsgate.text.hosts import is_ip, public_suffix, unicode_host
from smsgate.text.normalize import fold
from smsgate.text.resemblance import skeleton
from smsgate.text.urls import Link

CACHE_ENTRIES: Final = 65_536
"""Hosts, and senders, remembered by each function that remembers its answers: 17 to 30 MB when full, 42 of the longest, and more
than one day of distinct genuine ones."""
MIN_TYPO_LETTERS: Final = 6
"""`anywhere` tokens, names, and keywords that ask for it are from this length on also found with one inner typo."""
MIN_WHOLE_TYPO_LETTERS: Final = 7
"""The same of `whole` tokens: with six, inpost would be found in ilpost.it and ezpass in enpass.io."""
MIN_ENDLESS_LETTERS: Final = 10
"""Tokens from this length on are also found without their last letter: `societegeneral`."""
_LIKENESSES: Final = (("m", "rn"), ("w", "vv"), ("d", "cl"))
MIN_GLUED_LETTERS: Final = 3
"""Shorter `with_bait` tokens must be parted from the bait: `ca` glued to `mail` is camail."""
MIN_UNCUT_LETTERS: Final = 5
"""Keywords from this length on are found in letters whose word cuts are lost; shorter ones are in every long run."""
MAX_GLUED_CHARS: Final = 63
"""RFC 1035: a label. Longer parts (senders, paths) are not segmented."""
MAX_SLUG_WORDS: Final = 4
"""A path segment of more words is a headline ("cpf-attention-aux-arnaques-par-sms"), not a label."""
MAX_PATH_CHARS: Final = 256
"""What is looked at of a path."""

_RUNS: Final = re.compile(r"[^\W\d_]+|\d+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_DIGITS_AS_LETTERS: Final = tuple(str.maketrans("013457", f"o{one}east") for one in "il")
_JOINTS: Final = b"-_.+"
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"


IP_LINK: Final = 1 << 11
BAIT_HOST: Final = 1 << 12
HOST_FACTS: Final = {"ip_link": IP_LINK, "bait_host": BAIT_HOST}


class HostFacts(NamedTuple):
    """What one host is: bits of OFFICIAL, of LOOKALIKE, of lists and of HOST_FACTS; and whether it is nobody's."""

    official: int
    lookalike: int
    listed: int
    foreign: bool


class BrandBits(NamedTuple):
    """The bits that stand for one brand in the fact integer (see `rules.compile`); 0 where nothing is known to ask."""

    names: int
    company: int
    official: int
    lookalike: int
    shown: int
    foreign_number: int


Build = Callable[[Mapping[str, int]], ahocorasick.Automaton]
"""What makes an automaton of words and their bits: `automaton`, or whoever has kept those of the same packs."""


class Impersonation:
    """Built once per rule set; `host`, `path` and `sender` are pure functions with a memory."""

    def __init__(
        self,
        brands: Mapping[Brand, BrandBits],
        bait: Iterable[str],
        trusted: Sequence[Container[str]],
        domain_lists: Mapping[str, int],
        domain_tables: Sequence[tuple[Container[str], int]],
        *,
        build: Build,
    ) -> None:
        self.brands = tuple(brands)
        self._bait = frozenset(bait)
        self._trusted = tuple(trusted)
        self._listed = dict(domain_lists)
        self._shown = 0
        self._allowed: frozenset[str] = frozenset()
        self._tables = tuple(domain_tables)
        self._official: dict[str, int] = {}
        self._whole: dict[str, int] = {}
        self._with_bait: dict[str, int] = {}
        self._senders: list[tuple[frozenset[str], int, frozenset[str]]] = []
        anywhere: dict[str, int] = {}
        for brand, bits in brands.items():
            for domain in brand.official.domains:
                self._official[domain] = self._official.get(domain, 0) | bits.official
                self._listed[domain] = self._listed.get(domain, 0) | bits.shown
                self._shown |= bits.shown
            for table, tokens in ((self._whole, brand.host.whole), (self._with_bait, brand.host.with_bait)):
                for token in tokens:
                    word = squeezed(token)
                    for variant in (
                        _typos(word) if table is self._whole and len(word) >= MIN_WHOLE_TYPO_LETTERS else {word}
                    ):
                        table[variant] = table.get(variant, 0) | bits.lookalike
            for token in brand.host.anywhere:
                for variant in _typos(squeezed(token)):
                    anywhere[variant] = anywhere.get(variant, 0) | bits.lookalike
            if brand.official.senders:
                own = frozenset(squeezed(sender) for sender in brand.official.senders)
                shapes = {skeleton(name) for name in (*brand.official.senders, *brand.names)}
                self._senders.append((own, bits.lookalike, frozenset(shapes - {""})))
        self._anywhere = build(anywhere)
        self._any_token = build({**anywhere, **self._whole, **self._with_bait})
        long = {word: bits for word, bits in self._with_bait.items() if bits and len(word) >= MIN_GLUED_LETTERS}
        glued = {**dict.fromkeys(self._bait, 0), **long}
        self._glued = tuple((len(word), bits) for word, bits in glued.items())
        self._any_glued = build({word: place for place, word in enumerate(glued)})
        self.host = lru_cache(maxsize=CACHE_ENTRIES)(self._host)
        self.sender = lru_cache(maxsize=CACHE_ENTRIES)(self._sender)

    def forget(self) -> None:
        """See `rules.engine.RuleSet.forget`."""
        del self.host, self.sender

    def allow(self, hosts: frozenset[str]) -> None:
        """From now on these, and what lies below them, are nobody's look-alikes, on no list, and not foreign."""
        if hosts != self._allowed:
            self._allowed = hosts
            self.host.cache_clear()

    def link(self, link: Link) -> HostFacts:
        """What a whole link is: its host, and what userinfo and path add."""
        facts = self.host(link.host)
        if link.userinfo:
            facts = facts._replace(official=0, lookalike=facts.lookalike | self._tokens(fold(link.userinfo)))
        if facts.foreign and len(link.path) > 1:
            carried = self._path(link.path[:MAX_PATH_CHARS])
            if carried:
                facts = facts._replace(lookalike=facts.lookalike | carried)
        return facts

    def _host(self, host: str) -> HostFacts:
        official = listed = 0
        trusted = allowed = False
        tail = host
        while tail:
            allowed = allowed or tail in self._allowed
            official |= self._official.get(tail, 0)
            listed |= self._listed.get(tail, 0)
            for table, bits in self._tables:
                if tail in table:
                    listed |= bits
            for entries in self._trusted:
                trusted = trusted or tail in entries
            tail = tail.partition(".")[2]
        if allowed:
            return HostFacts(official, 0, listed & self._shown, foreign=False)
        if official or trusted:
            return HostFacts(official, 0, listed, foreign=False)
        suffix = public_suffix(host)
        name = host.removesuffix(suffix or "")
        if suffix is None and is_ip(host):
            listed |= IP_LINK
        elif self._is_bait(name if suffix else host.rpartition(".")[0]):
            listed |= BAIT_HOST
        return HostFacts(0, self._tokens(fold(unicode_host(name))), listed, foreign=True)

    def _is_bait(self, name: str) -> bool:
        """Whether the registered label is made of bait words alone, of two at least: `mon-dossier`, `suivicolis`."""
        parts = _LETTERS.findall(fold(name.rstrip(".").rpartition(".")[2]))
        for part in parts:
            if self._segmented(part) != 0:
                return False
        return len(parts) > 1 or not self._bait.issuperset(parts)

    def _path(self, path: str) -> int:
        if path.isascii():
            glued = path.lower().encode().translate(None, _JOINTS).decode()
            if next(self._any_token.iter(glued), None) is None:
                return 0  # after 0.4 µs; most paths end here
        carried = 0
        for segment in re.split(r"[/?&=#]", path):
            words = fold(segment)
            if segment and words.count(" ") - 1 <= MAX_SLUG_WORDS:
                carried |= self._tokens(words, in_path=True)
        return carried

    def _sender(self, sender: str) -> int:
        """LOOKALIKE bits of the brands whose sender ids are known, of which this is none, and which it names."""
        if not self._senders or not sender:
            return 0
        words = fold(sender)
        plain = words.replace(" ", "")
        shape = skeleton(sender)
        tokens = self._tokens(words)
        carried = 0
        for own, lookalike, shapes in self._senders:
            if plain not in own and (tokens & lookalike or shape in shapes):
                carried |= lookalike
        return carried

    def _tokens(self, folded: str, *, in_path: bool = False) -> int:
        found = self._parts(_RUNS.findall(folded), in_path=in_path)
        if not folded.replace(" ", "").isalpha():
            for table in _DIGITS_AS_LETTERS if "1" in folded else _DIGITS_AS_LETTERS[:1]:
                found |= self._parts(folded.translate(table).split(), in_path=in_path)
        return found

    def _parts(self, parts: list[str], *, in_path: bool) -> int:
        """The brands that the parts carry. In a path `whole` tokens need a bait word too: articles have brands in theirs."""
        found = 0
        for _, bits in self._anywhere.iter("".join(parts)):
            found |= bits
        cut = [self._segmented(part) if len(part) <= MAX_GLUED_CHARS else None for part in parts]
        baited = 0 in cut
        if baited or any(cut):
            for part, glued in zip(parts, cut, strict=True):
                if glued:
                    found |= glued
                if baited and glued != 0:
                    found |= self._with_bait.get(part, 0)
        if baited or not in_path:
            for whole in (*parts, *map(add, parts, parts[1:])):  # la-poste
                found |= self._whole.get(whole, 0)
        return found

    def _segmented(self, part: str) -> int | None:
        """The tokens of a part that consists of tokens and bait words (`moncomptecpf`, `amelisante`), 0 for one of bait words
        alone (`servicegouv`), None for any other."""
        reached: dict[int, dict[bool, int]] = {0: {False: 0}}  # border -> bait seen? -> token bits
        for last, place in self._any_glued.iter(part):
            length, token = self._glued[place]
            if last + 1 - length in reached:
                states = reached.setdefault(last + 1, {})
                for baited, bits in reached[last + 1 - length].items():
                    states[baited or not token] = states.get(baited or not token, 0) | bits | token
        return reached[len(part)].get(True) if len(part) in reached else None


def squeezed(text: str) -> str:
    """Folded, without blanks: how tokens and sender ids are compared."""
    return fold(text).replace(" ", "")


def automaton(words: Mapping[str, int]) -> ahocorasick.Automaton:
    """An Aho-Corasick automaton from words to bits, ready to iterate; an empty one finds nothing."""
    built = ahocorasick.Automaton()
    for word, bits in words.items():
        built.add_word(word, bits)
    if not words:
        built.add_word("\0", 0)  # an automaton without words can't iterate; folded text holds no NUL
    built.make_automaton()
    return built


def without_blanks(words: Mapping[str, int]) -> dict[str, int]:
    """The longer words as they are looked for where word cuts are lost."""
    uncut: dict[str, int] = {}
    for word, bits in words.items():
        letters = word.replace(" ", "")
        if len(letters) >= MIN_UNCUT_LETTERS:
            uncut[letters] = uncut.get(letters, 0) | bits
    return uncut


def _typos(token: str) -> set[str]:
    """The token, its slips, and each string with another letter inside: hosts are chosen to look alike, not mistyped.

    Also what passes for it on a screen (`arnazon`, `iaposte`), and a long one without its end.
    """
    variants = {token}
    if len(token) >= MIN_TYPO_LETTERS:
        for letter, likeness in _LIKENESSES:
            places = [place for place, char in enumerate(token) if char == letter]
            variants.update(token[:place] + likeness + token[place + 1 :] for place in places)
            variants.add(token.replace(letter, likeness))
        if token[0] in "il":
            variants.add(("l" if token[0] == "i" else "i") + token[1:])
        if len(token) >= MIN_ENDLESS_LETTERS:
            variants.add(token[:-1])
        variants.update(slips(token))
        for i in range(1, len(token) - 1):
            variants.update(token[:i] + letter + token[i + 1 :] for letter in _ALPHABET)
    return variants
