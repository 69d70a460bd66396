"""The condition language of rules: text to a small tree, with the column of every fault.

    cond = term {and term} | term {or term}          and/or mixed without brackets is an error
    term = not term | (cond) | (N|any|all) of (cond, ...)
         | links|segments|hour OP n | score(set)|count(set) OP n
         | FIELD [not] in LIST|[a, b] | FIELD startswith "x"
         | predicate(brand | @group | any) | name

A bare `name` is a fact (`FACTS`) or a keyword set. Which sets, brands, groups and lists exist is not known
here: `rules.compile` resolves names. A reader by hand rather than a grammar library: the language has a dozen forms, and
the point of it is what it says when an analyst mistypes one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from smsgate.rules.near import nearest

WEAK_FACTS = ("mixed_script", "hidden_characters", "ambiguous_body")
"""Genuine messages have them too: alone they flag at most."""
SENDER_FACTS = (
    "forbidden_sender",
    "reserved_sender",
    "similar_sender",
    "malformed_sender",
    "alphanumeric_sender",
    "short_code_sender",
    "number_sender",
    "mobile_sender",
)
LIST_FACTS: Final = {"shortener": "shorteners", "messenger": "messengers"}
"""Facts that some link's host is on a list of this name, those of all packs together."""
FACTS = (
    "link",
    "foreign_link",
    "ip_link",
    "bait_host",
    "phone",
    "premium_number",
    "mobile_number",
    "amount",
    *LIST_FACTS,
    *SENDER_FACTS,
    *WEAK_FACTS,
)
PREDICATES = ("names", "lookalike", "official", "foreign_phone", "impersonates")
FIELDS = ("sender", "client", "destination", "phone", "link_host", "alphabet")
QUANTITIES = ("links", "segments", "hour")
"""What is compared with a number."""
MEASURES = ("score", "count")
"""What of a keyword set is: the weights, or the number, of its keywords in the text."""
MAX_NUMBER: Final = 1_000_000
"""Compared with: no score gets there."""
MAX_CONDITION_CHARS = 4096
MAX_DEPTH = 32
"""Brackets and `not` nested deeper than this are refused: a rule that needs more cannot be read, and recursion is bounded."""


@dataclass(frozen=True, slots=True)
class Name:
    """A fact or a keyword set."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Predicate:
    """`names(cpf)`, `official(@banks)`, `lookalike(any)`."""

    name: str
    target: str
    column: int


@dataclass(frozen=True, slots=True)
class Member:
    """`sender in [A, B]`, `link_host not in trusted` (the `not` becomes a `Not` around this)."""

    field: str
    entries: tuple[str, ...]
    list_name: str | None
    column: int


@dataclass(frozen=True, slots=True)
class StartsWith:
    """`sender startswith "+33 6"`."""

    field: str
    prefix: str
    column: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """`links >= 2`, `score(signs) > 5`: one of QUANTITIES, or one of MEASURES with the keyword set that it is `of`."""

    quantity: str
    of: str
    operator: Literal["<", "<=", "==", "!=", ">=", ">"]
    number: int
    column: int


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: Condition


@dataclass(frozen=True, slots=True)
class AtLeast:
    """At least `count` of the terms hold. `and` is all of them, `or` is one of them."""

    count: int
    terms: tuple[Condition, ...]


Condition = Name | Predicate | Member | StartsWith | Comparison | Not | AtLeast


def leaves(condition: Condition, *, positive: bool = True) -> Iterator[tuple[Condition, bool]]:
    """The terms that a condition is made of, each with whether it is wanted (an even number of `not` before it)."""
    match condition:
        case Not(term=term):
            yield from leaves(term, positive=not positive)
        case AtLeast(terms=terms):
            for term in terms:
                yield from leaves(term, positive=positive)
        case _:
            yield condition, positive


class ConditionError(ValueError):
    """A condition that cannot be read. `column` counts from 1 inside the condition."""

    def __init__(self, column: int, found: str, expected: str, suggestion: str = "") -> None:
        super().__init__(f"column {column}: found {found}, expected {expected}")
        self.column = column
        self.found = found
        self.expected = expected
        self.suggestion = suggestion


TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"[^"]*"|'[^']*')
      | (?P<operator><=|>=|==|!=|<|>)
      | (?P<mark>[()\[\],])
      | (?P<word>@?[^\s()\[\],<>=!"']+)
      )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[+-]?[0-9]{1,7}")
RESERVED = {"and", "or", "not", "of", "in", "startswith"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def parse(text: str) -> Condition:
    """Read one condition. Raises ConditionError at the first fault, with its column."""
    if len(text) > MAX_CONDITION_CHARS:
        raise ConditionError(1, f"{len(text)} characters", f"at most {MAX_CONDITION_CHARS}")
    return _Reader(text).whole()


def _tokens(text: str) -> list[_Token]:
    tokens = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            column = position + len(text[position:]) - len(text[position:].lstrip()) + 1
            raise ConditionError(column, repr(text[column - 1]), "a word, a bracket, a comparison or a quoted text")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1))
        position = match.end()
    return tokens


class _Reader:
    """Recursive descent over the tokens; `depth` bounds the recursion."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.position = 0
        self.end = _Token("end", "the end of the condition", len(text) + 1)
        self.depth = 0

    def whole(self) -> Condition:
        condition = self.condition()
        if self.peek().kind != "end":
            raise self.error("and, or, or the end of the condition", ("and", "or"))
        return condition

    def peek(self, ahead: int = 0) -> _Token:
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else self.end

    def take(self) -> _Token:
        token = self.peek()
        self.position += 1
        return token

    def expect(self, text: str) -> None:
        if self.peek().text != text:
            raise self.error(repr(text))
        self.take()

    def error(self, expected: str, known: tuple[str, ...] = ()) -> ConditionError:
        token = self.peek()
        found = token.text if token.kind == "end" else repr(token.text)
        return ConditionError(token.column, found, expected, nearest(token.text, known))

    def condition(self) -> Condition:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"at most {MAX_DEPTH} levels of brackets")
        terms = [self.term()]
        joiner = self.peek().text
        if joiner in {"and", "or"}:
            while self.peek().text == joiner:
                self.take()
                terms.append(self.term())
            if self.peek().text in {"and", "or"}:
                raise self.error("brackets round one of the two: 'and' and 'or' are mixed here")
        self.depth -= 1
        if len(terms) == 1:
            return terms[0]
        return AtLeast(len(terms) if joiner == "and" else 1, tuple(terms))

    def term(self) -> Condition:
        token = self.peek()
        if token.text == "not":
            self.take()
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.error(f"at most {MAX_DEPTH} levels of brackets")
            term = self.term()
            self.depth -= 1
            return Not(term)
        if token.text == "(":
            self.take()
            inner = self.condition()
            self.expect(")")
            return inner
        if token.kind != "word" or token.text.lower() in RESERVED:
            meant = () if token.text in RESERVED else tuple(RESERVED)
            raise self.error("a keyword set, a fact, a predicate or a bracket", meant)
        following = self.peek(1).text
        if following == "of":
            return self.several()
        if following == "(":
            return self.comparison() if token.text in MEASURES else self.predicate()
        if following in {"in", "not", "startswith"}:
            return self.member()
        if self.peek(1).kind == "operator":
            return self.comparison()
        self.take()
        return Name(token.text, token.column)

    def several(self) -> Condition:
        number = self.take()
        self.take()
        self.expect("(")
        terms = [self.condition()]
        while self.peek().text == ",":
            self.take()
            terms.append(self.condition())
        self.expect(")")
        if number.text in {"any", "all"}:
            return AtLeast(1 if number.text == "any" else len(terms), tuple(terms))
        if not number.text.isdecimal() or not 1 <= int(number.text) <= len(terms):
            raise ConditionError(number.column, repr(number.text), f"any, all, or a number from 1 to {len(terms)}")
        return AtLeast(int(number.text), tuple(terms))

    def predicate(self) -> Condition:
        if self.peek().text not in PREDICATES:
            known = (*PREDICATES, *MEASURES)
            raise self.error(f"one of {', '.join(known)}", known)
        name = self.take()
        self.expect("(")
        if self.peek().kind != "word":
            raise self.error("a brand, @group or any")
        target = self.take()
        self.expect(")")
        return Predicate(name.text, target.text, target.column)

    def field(self) -> _Token:
        if self.peek().text not in FIELDS:
            raise self.error(f"one of the fields {', '.join(FIELDS)}", FIELDS)
        return self.take()

    def member(self) -> Condition:
        field = self.field()
        if self.peek().text == "startswith":
            self.take()
            if self.peek().kind not in {"string", "word"}:
                raise self.error("a quoted text")
            return StartsWith(field.text, self.value(), field.column)
        negated = self.peek().text == "not"
        if negated:
            self.take()
        self.expect("in")
        if self.peek().text == "[":
            found: Condition = Member(field.text, self.entries(), None, field.column)
        else:
            if self.peek().kind != "word":
                raise self.error("the name of a list, or [entries]")
            name = self.take()
            found = Member(field.text, (), name.text, name.column)
        return Not(found) if negated else found

    def entries(self) -> tuple[str, ...]:
        self.expect("[")
        entries = [self.value()]
        while self.peek().text == ",":
            self.take()
            entries.append(self.value())
        self.expect("]")
        return tuple(entries)

    def value(self) -> str:
        if self.peek().kind not in {"string", "word"}:
            raise self.error("a word or a quoted text")
        token = self.take()
        return token.text[1:-1] if token.kind == "string" else token.text

    def comparison(self) -> Condition:
        quantity = self.peek()
        if quantity.text in FIELDS:
            self.take()
            raise self.error(f"in, not in or startswith after {quantity.text}")
        if quantity.text not in {*QUANTITIES, *MEASURES}:
            raise self.error(f"one of {', '.join(QUANTITIES)}, score(set), count(set) before a comparison", QUANTITIES)
        self.take()
        of, column = "", quantity.column
        if quantity.text in MEASURES:
            self.expect("(")
            if self.peek().kind != "word":
                raise self.error("a keyword set")
            of, column = self.peek().text, self.take().column
            self.expect(")")
        if self.peek().kind != "operator":
            raise self.error("a comparison such as '>= 3'")
        operator = self.take().text
        return Comparison(quantity.text, of, operator, self.number(quantity.text), column)  # type: ignore[arg-type]  # see TOKEN

    def number(self, quantity: str) -> int:
        """A number that the quantity can be."""
        least, most = {"hour": (0, 23), "score": (-MAX_NUMBER, MAX_NUMBER)}.get(quantity, (0, MAX_NUMBER))
        text = self.peek().text
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise self.error("an hour from 0 to 23" if quantity == "hour" else f"a number from {least} to {most}")
        return int(self.take().text)
