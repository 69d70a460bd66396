"""A condition back to text: `parse(describe(condition))` is the same condition, columns apart.

For `explain`, which shows a condition part by part; what the rule's author wrote is in the file that the rule names.
"""

from __future__ import annotations

from smsgate.rules.condition import TOKEN, AtLeast, Comparison, Condition, Member, Name, Not, Predicate, StartsWith


def describe(condition: Condition) -> str:
    """The condition as a rule would have it."""
    match condition:
        case Name(name=name):
            return name
        case Predicate(name=name, target=target):
            return f"{name}({target})"
        case Member():
            return _member(condition, "in")
        case Not(term=Member() as member):
            return _member(member, "not in")
        case StartsWith(field=field, prefix=prefix):
            return f"{field} startswith {_quoted(prefix)}"
        case Comparison(quantity=quantity, of=of, operator=operator, number=number):
            return f"{quantity}({of}) {operator} {number}" if of else f"{quantity} {operator} {number}"
        case Not(term=term):
            return f"not {_inner(term)}"
        case AtLeast(terms=terms):
            if _is_joined(condition):
                return (" or " if condition.count == 1 else " and ").join(map(_inner, terms))
            return f"{condition.count} of ({', '.join(map(describe, terms))})"


def head(condition: AtLeast) -> str:
    """What stands over the terms of a condition: "all of", "any of", "2 of"."""
    return (
        "all of"
        if condition.count == len(condition.terms)
        else "any of"
        if condition.count == 1
        else f"{condition.count} of"
    )


def _is_joined(condition: AtLeast) -> bool:
    """Whether the terms stand between `and` or `or`."""
    return len(condition.terms) > 1 and condition.count in {1, len(condition.terms)}


def _inner(condition: Condition) -> str:
    joined = isinstance(condition, AtLeast) and _is_joined(condition)
    return f"({describe(condition)})" if joined else describe(condition)


def _member(member: Member, relation: str) -> str:
    entries = f"[{', '.join(map(_value, member.entries))}]"
    return f"{member.field} {relation} {entries if member.list_name is None else member.list_name}"


def _value(text: str) -> str:
    """An entry of a list: in quotes where it would not be read as one word."""
    token = TOKEN.fullmatch(text)
    return text if token is not None and token["word"] == text else _quoted(text)


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'
