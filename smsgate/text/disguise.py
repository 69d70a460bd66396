"""Words in disguise: what a reader makes of digits, signs and gaps among letters, and characters that should not be there.

Folding reads each character by itself; here it takes the neighbours to tell. Almost no honest message has any of it, so
every message pays a few cheap questions, `is_odd` of its characters and `may_be_disguised` of its folded words or the parts
of these, and only those that say yes are read again:

- `c4rte v1tale`, `@mende`, `$olde`: digits and signs among letters, read as the letters they resemble. A word is read so
  only if it has two letters or more, none of the digits that resemble no letter, no three digits in a row and no two at its
  head: amounts, times and codes are never turned into words.
- `vitaIe`, `Iien`, `AMELl`: a capital I in a small word, a small l in a capital one.
- `c a r t e`, `A-N-T-A-I`, a letter a line: four or more single characters in a row. What stands most often between them
  joins letters, anything else parts words, so that "c a r t e   v i t a l e" is two words again. Where every gap is the
  same the cuts are lost: the run is then looked through for long keywords without their blanks.
- a carriage return, a star or an emoji inside a word, and a line break between small letters.

Every reading has the length of the text, a NUL in place of what is taken out: offsets in it are offsets in the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from smsgate.text.lookalikes import imitators
from smsgate.text.normalize import CharacterTable, fold, fold_char

_LETTERS_FOR: Final = dict(zip("03457@$€£¥¡|", "oeastaselyil", strict=True))
_LETTERS_FOR_ONE: Final = ("i", "l", "il", "li")
"""1 is an i or an l. All of a word, or by turns: `v1ta1e`."""
_SIGNS: Final = "@$€£¥¡|"
MIN_WORD_CHARS: Final = 4
"""Shorter words are 4G, B2B, 1er; no keyword worth a disguise is."""
MIN_WORD_LETTERS: Final = 2
MIN_RUN_LETTERS: Final = 2
"""Of four single characters or more; the others may be digits and signs in place of letters."""

_LATIN: Final = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_HIDDEN: Final = (
    "\\x00\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202d\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
"""NUL, and Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt): zero width, bidi, selectors, tags; without
U+202E, which is odd wherever it stands."""
_COMMON: Final = (
    "\t\n\f !-#%-?A-{}~\xa0\xa2\xa4\xa6-\xac\xae-\u024f\u0300-\u034e\u0350-\u036f\u2000-\u200a\u2010-\u2029\u202f-\u205f"
    "\u2070-\u209f\u20a0-\u20ab\u20ad-\u214f\u2190-\u2c7f\u2e00-\u3163\u3165-\ua48c\uac00-\ufaff\ufffd\U0001f000-\U0001f12f"
    "\U0001f18a-\U0001faff"
)
"""Latin text, its marks, symbols and emoji, without the signs that stand for letters; and Chinese, which nothing hides in:
it is what Latin octets make when they are read as UCS-2."""
_USUAL: Final = re.compile(f"[{_COMMON}]")
_ODD: Final = re.compile(
    rf"[^{_COMMON}](?:(?<![{_SIGNS}\r{_HIDDEN}])|(?<=[{_SIGNS}\r])(?=[^\W\d_])|(?<=[^\W\d_][{_SIGNS}\r])|(?<=[{_LATIN}][{_HIDDEN}]))"
)
"""What is not common, apart from signs that no letter stands beside, and hidden characters behind no Latin letter: emoji and
octets read in the wrong alphabet are full of those."""
_SWAPPED: Final = re.compile(r"(?<=[a-z])I+|(?<![A-Z])I(?=[aei])|(?<=[A-Z])l(?=[A-Z])|(?<=[A-Z]{3})l(?![^\W_])")
_CAPITAL_I: Final = re.compile(r"I(?:(?<=[a-z]I)|(?<![A-Z]I)(?=[aei]))")
_SMALL_L: Final = re.compile(r"l(?<=[A-Z]l)(?:(?=[A-Z])|(?<=[A-Z]{3}l))")
"""Each begins with its letter: both take 0.15 µs on 100 characters, as one expression 0.5."""

LETTER: Final = "a"
DOUBTFUL: Final = "?"
_KINDS: Final = dict.fromkeys("abcdefghijklmnopqrstuvwxyz", LETTER) | dict.fromkeys("013457", "0") | {" ": " "}
_OTHER_KIND: Final = "9"
_KIND_OF_OCTET: Final = bytes(ord(_KINDS.get(chr(code), _OTHER_KIND)) for code in range(0x100))
_DIGIT_BY_LETTERS: Final = re.compile("0a(?:0*a|(?<=a0a)|(?<=a00a)|(?<=a000a)|(?<=a0000a))")
"""In kinds. This or "aa0" is in each word that the next expression takes, and in hardly an honest one: 14h30 is passed over."""
_WORD_WITH_DIGITS: Final = re.compile(
    f" (?=[^ ]{{{MIN_WORD_CHARS}}})(?=[^ ]*0)(?=0{{0,4}}a+0*a)(?!(?:00+a+|a00+a) )(?![^ ]*(?:9|00000))"
)
"""In kinds. What `_is_word` takes, but for the likes of A13B: seats and rooms."""
_SINGLES: Final = re.compile(" . . . . ")
"""In folded words, whatever the letters: to ask for Latin ones and digits takes 0.1 µs more on 100 characters."""
_SINGLE: Final = tuple(char for char, kind in _KINDS.items() if kind != " ")
TWO_SINGLES: Final = tuple(f" {one} {other} " for one in _SINGLE for other in _SINGLE)
"""Every text with letters to join has one of these in its folded words. Whoever passes over the words anyway finds them for
nothing, and asks `is_spaced_out` of one text in ten."""

_HIDDEN_IN_LATIN: Final = re.compile(f"[{_HIDDEN}](?<=[{_LATIN}].)[{_HIDDEN}]*(?=[{_LATIN}])", re.DOTALL)
_IMITATORS: Final = re.compile(f"[{imitators()}]")
_BEYOND_LATIN: Final = re.compile("[\u0370-\u1dff\u2c00-\U0001efff]")
"""Where all imitators are; to ask for them at every character takes 10 µs, for this range 0.3."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_LATIN_LETTER: Final = re.compile(f"[{_LATIN}]")
_NOT_GREEK_CAPITAL: Final = re.compile("[^ABEZHIKMNOPTYX\u0391-\u03a9]")
_RIGHT_TO_LEFT: Final = "\u202e"
_OVERRIDDEN: Final = re.compile(f"{_RIGHT_TO_LEFT}([^\u202c\n\u2028\u2029]*)")
_STAR: Final = r"\*(?<=[^ \n\r*]\*)(?=[^ \n\r*])"
_LINE_BREAK: Final = r"\n(?<=[a-z]\n)(?=[a-z])"
_EMOJI: Final = rf"[\u2600-\u27bf\U0001f300-\U0001faff](?<=[{_LATIN}].)(?=[{_LATIN}])"
_RETURN: Final = r"\r(?<=[^\W\d_]\r)(?=[^\W\d_])"
_CUT: Final = re.compile(f"{_STAR}|{_LINE_BREAK}|{_EMOJI}|{_RETURN}")
"""What parts the letters of a word on the screen, and no reader minds. A line that ends without a full stop and goes on in
small letters is seldom: a second look finds nothing in it."""
_CUT_BY_STAR, _CUT_BY_LINE, _CUT_BY_EMOJI = map(re.compile, (_STAR, _LINE_BREAK, _EMOJI))
"""Each begins with its sign: together they take 1.5 µs on 100 characters, the one that is asked 0.1, the emoji 0.5."""

# Shapes: a letter that folds to a Latin one, 0 a digit that resembles one, @ a sign that does, 9 another letter or digit,
# _ nothing, blank all else.
_SHAPED_WORD: Final = re.compile("(?<![a09@_])(?=[a_]*+[0@])[a0@_]++(?!9)")
_NUMBER_AND_UNIT: Final = re.compile("00+a+")
_SHAPED_RUN: Final = re.compile("(?<![a09@_])[a0@]_*+(?: +_*+[a0@]_*+(?![a09@])){3,}")


class Disguised(NamedTuple):
    """Further readings of a text. `texts` are read like the text itself. In `runs` only spaced-out letters are left, each
    run as one word: whatever words are in it have no borders."""

    texts: tuple[str, ...]
    runs: tuple[str, ...]


def is_odd(text: str) -> bool:
    """Whether a text has characters that call for a second look: 0.6 µs on 100 characters of ASCII, 1.1 on others."""
    return has_odd_characters(text) or may_be_altered(text) or (not text.isascii() and may_be_cut_by_emoji(text))


def has_odd_characters(text: str) -> bool:
    """Whether a text has a character that is not usual (`is_usual`) where that is odd."""
    return _ODD.search(text) is not None


def is_usual(char: str) -> bool:
    """Whether a character by itself is never odd."""
    return _USUAL.match(char) is not None


def may_be_cut_by_emoji(text: str) -> bool:
    """Whether a word is cut by an emoji: 0.5 µs on 100 characters."""
    return _CUT_BY_EMOJI.search(text) is not None


def may_be_altered(text: str) -> bool:
    """Whether letters are swapped, or a word is cut by an ASCII character: 0.2 µs on 100 characters."""
    return (
        ("I" in text and _CAPITAL_I.search(text) is not None)
        or _SMALL_L.search(text) is not None
        or ("\n" in text and _CUT_BY_LINE.search(text) is not None)
        or ("*" in text and _CUT_BY_STAR.search(text) is not None)
    )


def may_be_disguised(words: str) -> bool:
    """Whether folded words hold digits among letters or spaced-out letters."""
    return is_spaced_out(words) or spells_with_digits(kinds(words))


def is_spaced_out(words: str) -> bool:
    """Whether four single characters follow each other in folded words."""
    return _SINGLES.search(words) is not None


def kind(folded: str) -> str:
    """What `spells_with_digits` knows of a character that becomes `folded`: a blank, a Latin letter, a digit that resembles one,
    or another letter or digit; DOUBTFUL where it does not become one character."""
    return _KINDS.get(folded, _OTHER_KIND) if len(folded) == 1 else DOUBTFUL


def kinds(words: str) -> str:
    """The kinds of folded characters; of those that are not ASCII's, several for each."""
    return words.encode().translate(_KIND_OF_OCTET).decode()


def spells_with_digits(shape: str, behind: str = "") -> bool:
    """Whether digits stand for letters in some word, of which `shape` has the kinds; `behind`: those of what follows it.

    0.2 µs on 100 characters, as it searches for two kinds in a row: for a digit, which is one of ten, it would take 0.7."""
    if "aa0" not in shape and _DIGIT_BY_LETTERS.search(shape) is None:
        return False
    return _WORD_WITH_DIGITS.search(f" {shape}{behind}") is not None


def has_hidden_characters(text: str) -> bool:
    """Whether something invisible stands between two Latin letters, or the direction of writing is overridden."""
    return _RIGHT_TO_LEFT in text or _HIDDEN_IN_LATIN.search(text) is not None


def has_mixed_script(text: str) -> bool:
    """Whether a word of Latin letters has look-alikes of another script in it.

    Greek in GSM 03.38 has its capitals from both scripts: a word that could be such one does not count.
    """
    if _BEYOND_LATIN.search(text) is None:
        return False
    for match in _WORD.finditer(text):
        word = match[0]
        if _IMITATORS.search(word) and len(_LATIN_LETTER.findall(word)) >= 2 and _NOT_GREEK_CAPITAL.search(word):
            return True
    return False


def display_order(text: str) -> list[int] | None:
    """The indices of a text in the order shown, where U+202E turns it round; None when it is shown as it is written."""
    if _RIGHT_TO_LEFT not in text:
        return None
    order = list(range(len(text)))
    for match in _OVERRIDDEN.finditer(text):
        order[match.start(1) : match.end(1)] = range(match.end(1) - 1, match.start(1) - 1, -1)
    return order


def disguised(text: str) -> Disguised:
    """All readings of a text but the plain one: 19 at most, and ten of its runs. What may cut a word may also end one."""
    uncut = _CUT.sub("\0", text)
    as_written = _readings(text)
    if uncut == text:
        return as_written
    joined = _readings(uncut)
    return Disguised((*as_written.texts, uncut, *joined.texts), as_written.runs + joined.runs)


def _readings(text: str) -> Disguised:
    texts = tuple(_with_letters(text))
    words, runs = _joined(text)
    if not runs:
        return Disguised(texts, ())
    return Disguised((*texts, words, *_with_letters(words)), (runs, *_with_letters(runs)))


def _shape(char: str) -> str:
    if char in _SIGNS:
        return "@"
    folded = fold_char(char)
    if not folded:
        return "_"
    if folded[0] in "013457 ":
        return " " if folded[0] == " " else "0"
    return "a" if "a" <= folded[0] <= "z" else "9"


_SHAPES: Final = CharacterTable(_shape)


def _with_letters(text: str) -> Iterator[str]:
    """The text with letters for what resembles them, once for each reading of its ones; nothing when no word has any."""
    plain = (
        _SWAPPED.sub(lambda match: "I" if match[0] == "l" else "l" * len(match[0]), text)
        if may_be_altered(text)
        else text
    )
    words = [match.span() for match in _SHAPED_WORD.finditer(plain.translate(_SHAPES)) if _is_word(match[0])]
    if not words and plain != text:
        yield plain
    several = any("1" in fold(plain[start:end]) for start, end in words)
    for ones in (_LETTERS_FOR_ONE if several else _LETTERS_FOR_ONE[:1]) if words else ():
        pieces = []
        position = 0
        for start, end in words:
            pieces += [plain[position:start], _letters(plain[start:end], ones)]
            position = end
        yield "".join((*pieces, plain[position:]))


def _letters(word: str, ones: str) -> str:
    letters = []
    turn = 0
    for char in word:
        sign = char if char.isascii() or char in _SIGNS else fold_char(char)
        if sign == "1":
            letters.append(ones[turn % len(ones)])
            turn += 1
        else:
            letters.append(_LETTERS_FOR.get(sign, char))
    return "".join(letters)


def _is_word(shape: str) -> bool:
    shape = shape.replace("_", "")
    return (
        len(shape) >= MIN_WORD_CHARS
        and shape.count("a") >= MIN_WORD_LETTERS
        and "00000" not in shape
        and _NUMBER_AND_UNIT.fullmatch(shape) is None
    )


def _joined(text: str) -> tuple[str, str]:
    """The text with spaced-out letters joined to words, and the runs alone with all cuts lost ("" when there are none)."""
    shape = text.translate(_SHAPES)
    words = list(text)
    runs = [" "] * len(text)
    found = False
    for match in _SHAPED_RUN.finditer(shape):
        if match[0].count("a") < MIN_RUN_LETTERS:
            continue
        found = True
        places = [index for index in range(*match.span()) if shape[index] in "a0@"]
        gaps = ["".join(text[i] for i in range(p + 1, q) if shape[i] == " ") for p, q in pairwise(places)]
        joint = Counter(gaps).most_common(1)[0][0]
        runs[match.start() : match.end()] = ["\0"] * len(match[0])
        for place in places:
            runs[place] = text[place]
        for (before, after), gap in zip(pairwise(places), gaps, strict=True):
            if gap == joint:
                words[before + 1 : after] = ["\0"] * (after - before - 1)
    return "".join(words), "".join(runs) if found else ""
