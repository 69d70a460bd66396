"""The engine finds what a naive reader of the folded words finds, and orders verdicts as the design says."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smsgate.rules.verdict import Verdict
from smsgate.smpp.coding import GSM7, LATIN_1, UCS2, Alphabet
from smsgate.text.disguise import may_be_disguised
from smsgate.text.normalize import fold
from smsgate.text.reading import Reading
from tests.packs import Action, Mode, brand, rule, rule_set

WORDS = [
    "solde",
    "expire",
    "expirer",
    "expiration",
    "le",
    "l",
    "solde du",
    "droits",
    "été",
    "ete",
    "c p f",
    "cpf",
    "12",
]
keywords = st.lists(
    st.sampled_from([*WORDS, "exp*", "expir*", "solde d*", "Droits", "l'été", "ÉTE", "dro*", "sol-de"]),
    min_size=1,
    max_size=5,
    unique=True,
)
texts = st.lists(
    st.sampled_from(
        [*WORDS, "Exp", "SOLDES", "Droit", "L’été", "e\u0301te\u0301", "s\u200bolde", "12,50", "!", "\n", "€"]
    ),
    max_size=10,
).flatmap(lambda words: st.sampled_from([" ", "-", ".. ", "'"]).map(lambda glue: glue.join(words)))


def naive_hit(keyword: str, text: str) -> bool:
    """Whether the keyword's words stand beside each other in the text; the last one may be the start of a word."""
    there = fold(text).split()
    wanted = fold(keyword.removesuffix("*")).split()
    for start in range(len(there) - len(wanted) + 1):
        found = there[start : start + len(wanted)]
        if found == wanted or (
            keyword.endswith("*") and found[:-1] == wanted[:-1] and found[-1].startswith(wanted[-1])
        ):
            return True
    return False


@given(keywords, keywords, texts)
def test_keywords_against_a_naive_oracle(first: list[str], second: list[str], text: str) -> None:
    assume(not may_be_disguised(fold(text)))  # then words are found that are not written as words
    rules = rule_set(
        rule("first", Action.FLAG, "R-first"),
        rule("second", Action.FLAG, "R-second"),
        sets={"first": first, "second": second},
    )
    expected = {
        f"R-{name}"
        for name, words in (("first", first), ("second", second))
        if any(naive_hit(word, text) for word in words)
    }
    assert {entry.id for entry in rules.check_text(text).rules} == expected


@pytest.mark.parametrize(
    ("keyword", "text", "hit"),
    [
        ("droits", "Vos DROITS expirent", True),
        ("droits", "mal-droits!", True),
        ("droits", "maladroits", False),
        ("expir*", "Il expirera", True),
        ("expir*", "inexpiré", False),
        ("compte formation", "compte\nformation", True),
        ("compte formation", "compte de formation", False),
        ("échéance", "e\u0301che\u0301ance", True),
        ("carte vitale", "https://carte-vitale.example/x", True),
        ("c p f", "C.P.F", True),
        ("cpf", "C.P.F", False),
    ],
)
def test_word_boundaries(keyword: str, text: str, hit: bool) -> None:
    rules = rule_set(rule("words"), sets={"words": [keyword]})
    assert rules.check_text(text).refused is hit


@pytest.mark.parametrize("text", ["votre cpf", "votre C.P.F", "votre C. P. F. expire", "c p f"])
def test_an_acronym_among_a_brands_names_also_matches_dotted(text: str) -> None:
    rules = rule_set(brand("cpf", "CPF"), rule("names(cpf)"))
    assert rules.check_text(text).refused


@pytest.mark.parametrize("text", ["a cpfx", "c p o f", "c p fe", "c f p"])
def test_parts_of_words_do_not(text: str) -> None:
    assert not rule_set(brand("cpf", "CPF"), rule("names(any)")).check_text(text).refused


@pytest.mark.parametrize("text", ["Chronpost", "chronoppost", "CHORNOPOST", "creditagricole", "Crédit Agircole"])
def test_longer_names_match_under_one_slip(text: str) -> None:
    rules = rule_set(brand("post", "Chronopost", "Crédit Agricole"), rule("names(post)"))
    assert rules.check_text(f"votre {text} ici").refused


@pytest.mark.parametrize(
    "text", ["hronopost", "chronopos", "chronopast", "chrnpost", "amelli", "orage", "organe", "mopbile"]
)
def test_two_slips_short_names_and_ordinary_words_do_not(text: str) -> None:
    tel = brand("tel", "Orange", company=["mobile"])
    rules = rule_set(brand("post", "Chronopost", "Ameli"), tel, rule("names(any)"))
    assert not rules.check_text(f"votre {text} mobile").refused


def _shifted(start: int) -> dict[int, int]:
    """The small letters as those of an alphabet that starts elsewhere in Unicode."""
    return {code: start + code - ord("a") for code in range(ord("a"), ord("z") + 1)}


TRANSLATED: dict[str, dict[int, int] | dict[int, str]] = {
    "leet": str.maketrans("aeiost", "431057"),
    "signs": str.maketrans("ase", "@$€"),
    "Cyrillic": str.maketrans("aeopcx", "аеорсх"),
    "GSM 03.38": str.maketrans("aeo", "ΛΣø"),
    "full width": _shifted(0xFF41),
    "mathematical": _shifted(0x1D41A),
    "circled": _shifted(0x24D0),
    "squared": _shifted(0x1F170),
    "capital I": {ord("l"): "I"},
}
JOINED = {
    "spaced": " ",
    "dotted": ".",
    "dashed": "-",
    "a letter a line": "\n",
    "zero width": "\u200b",
    "soft hyphens": "\u00ad",
    "selectors": "\ufe0f",
    "tags": "\U000e0061",
    "NUL": "\0",
    "marks": "\u0336",
    "carriage returns": "\r",
}
KEYWORDS = ("carte vitale", "amende", "colis", "soldes", "expiration", "assurance maladie", "netflix")


def _tricked(keyword: str) -> list[tuple[str, str]]:
    return [
        *((name, keyword.translate(table)) for name, table in TRANSLATED.items()),
        *((name, joint.join(keyword)) for name, joint in JOINED.items()),
        ("capitals", keyword.upper()),
        ("spaced leet", " ".join(keyword.translate(TRANSLATED["leet"]))),
        ("backwards", f"\u202e{keyword[::-1]}\u202c"),
    ]


@pytest.mark.parametrize(
    ("keyword", "trick", "text"), [(keyword, *tricked) for keyword in KEYWORDS for tricked in _tricked(keyword)]
)
def test_a_keyword_in_disguise_is_the_keyword(keyword: str, trick: str, text: str) -> None:
    rules = rule_set(rule("words"), sets={"words": [keyword]})
    assert rules.check_text(f"Bonjour, votre {text} : voir http://pay.example/c4d3f").refused
    assert not rules.check_text("Bonjour, votre place : voir http://pay.example/c4d3f").refused


@pytest.mark.parametrize(
    "text",
    [
        "Paiement de 45,00 EUR (45€, $45, 50EUR) le 12/03 à 14h30",
        "G-482913 est votre code, ou 4567, ou 4R7T0, ou A1B2C3",
        "AB-123-CD, FR7699990000010000000000099, H2O, 4G, B2B, Covid-19, 1er, 2e",
        "https://pay.example/s0lde/c4rte?4mende=c0lis",
        "c0lis@pay.example/x",
        "solder, colisage, encarter",
    ],
)
def test_amounts_codes_and_links_are_no_words_in_disguise(text: str) -> None:
    words = ["asoeur", "aso", "heo", "arto", "tots", "ag", "bab", "solde", "carte", "colis", "amende"]
    assert not rule_set(rule("words"), sets={"words": words}).check_text(text).refused


def test_a_keyword_of_four_letters_needs_its_cuts() -> None:
    rules = rule_set(rule("words"), sets={"words": ["code", "carte"]})
    assert rules.check_text("le c o d e ici").refused
    assert rules.check_text("l e   c o d e   i c i").refused
    assert not rules.check_text("l e c o d e i c i").refused
    assert rules.check_text("l a c a r t e i c i").refused


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("mixed_script", "votre cаrte"),
        ("hidden_characters", "votre c\u200barte"),
        ("hidden_characters", "votre \u202eetrac"),
        ("foreign_link", "votre carte : pay point com"),
        ("foreign_link", "votre carte : pay%2ecom"),
    ],
)
def test_facts_about_characters(condition: str, text: str) -> None:
    rules = rule_set(rule(condition, Action.FLAG))
    assert rules.check_text(text).action is Action.FLAG
    assert rules.check_text("votre carte, l’été, 12 €").action is Action.ALLOW


def test_a_text_turned_round_is_judged_as_shown_and_as_written() -> None:
    rules = rule_set(rule("words or foreign_link"), sets={"words": ["carte"]})
    assert rules.check_text("\u202eetrac").refused
    assert rules.check_text("carte \u202eruojnob").refused
    assert rules.check_text("voir \u202emoc.elpmaxe-yap").refused


PRECEDENCE = {
    "allow": rule("allowed and client in [bank1]", Action.ALLOW, "R-allow"),
    "flag": rule("flagged", Action.FLAG, "R-flag"),
    "throttle": rule("throttled", Action.THROTTLE, "R-throttle"),
    "block": rule("blocked", Action.BLOCK, "R-block"),
    "shadow": rule("shadowed", Action.BLOCK, "R-shadow", mode=Mode.MONITOR),
    "shadow allow": rule("waved and client in [bank1]", Action.ALLOW, "R-wave", mode=Mode.MONITOR),
}
SETS = {name: [name] for name in ("allowed", "flagged", "throttled", "blocked", "shadowed", "waved")}


@pytest.mark.parametrize(
    ("text", "action", "status", "acting", "monitored"),
    [
        ("rien", Action.ALLOW, 0, [], []),
        ("flagged", Action.FLAG, 0, ["R-flag"], []),
        ("throttled", Action.THROTTLE, 0x64, ["R-throttle"], []),
        ("blocked", Action.BLOCK, 0x66, ["R-block"], []),
        ("flagged throttled", Action.THROTTLE, 0x64, ["R-throttle", "R-flag"], []),
        ("flagged throttled blocked", Action.BLOCK, 0x66, ["R-block", "R-throttle", "R-flag"], []),
        ("allowed", Action.ALLOW, 0, ["R-allow"], []),
        ("allowed flagged throttled blocked", Action.ALLOW, 0, ["R-allow"], []),
        ("shadowed", Action.ALLOW, 0, [], ["R-shadow"]),
        ("shadowed flagged", Action.FLAG, 0, ["R-flag"], ["R-shadow"]),
        ("shadowed allowed blocked", Action.ALLOW, 0, ["R-allow"], ["R-shadow"]),
        ("waved blocked", Action.BLOCK, 0x66, ["R-block"], ["R-wave"]),
    ],
)
def test_precedence(text: str, action: Action, status: int, acting: list[str], monitored: list[str]) -> None:
    verdict = rule_set(*PRECEDENCE.values(), sets=SETS).check_text(text, client="bank1")
    assert (verdict.action, verdict.status) == (action, status)
    assert [entry.id for entry in verdict.rules] == acting
    assert [entry.id for entry in verdict.monitored] == monitored
    assert verdict.refused is (action in {Action.THROTTLE, Action.BLOCK})


def readings(*texts: str) -> list[Reading]:
    return [Reading.of_text(text) for text in texts]


@pytest.mark.parametrize(
    ("texts", "action"),
    [
        (["allowed blocked", "allowed"], Action.ALLOW),
        (["allowed blocked", "blocked"], Action.BLOCK),
        (["allowed", "rien"], Action.ALLOW),
        (["rien", "blocked"], Action.BLOCK),
        (["flagged", "throttled"], Action.THROTTLE),
    ],
)
def test_every_reading_is_judged_and_the_strictest_counts(texts: list[str], action: Action) -> None:
    rules = rule_set(*PRECEDENCE.values(), sets=SETS)
    for order in (texts, texts[::-1]):
        finding = rules.check(readings(*order), "", "bank1")
        assert finding.verdict.action is action
        assert len(finding.readings) == 2


def test_a_rule_is_not_pieced_together_from_two_readings() -> None:
    rules = rule_set(rule("one and two"), sets={"one": ["un"], "two": ["deux"]})
    assert not rules.check(readings("un", "deux"), "", "").verdict.refused
    assert rules.check(readings("un", "deux un"), "", "").verdict.refused


@pytest.mark.parametrize(
    ("condition", "sender", "client", "text", "status"),
    [
        ("sender startswith '+33 6'", "+33 6 39", "", "x", 0x0A),
        ("sender in [INFO] and not client in [bank1]", "info", "other", "x", 0x0A),
        ("sender in [INFO] and not client in [bank1]", "INFO", "bank1", "x", 0),
        ("sender in known", "Ameli", "", "x", 0x0A),
        ("client startswith bulk", "", "bulk-7", "x", 0x0A),
        ("sender in [INFO] and pull", "INFO", "", "vite", 0x66),
        ("sender in [INFO] or pull", "INFO", "", "x", 0x66),
        ("not sender in known", "Autre", "", "x", 0x0A),
    ],
)
def test_a_rule_over_the_sender_alone_answers_0x0a(
    condition: str, sender: str, client: str, text: str, status: int
) -> None:
    rules = rule_set(rule(condition), sets={"pull": ["vite"]}, senders={"known": ["AMELI"]})
    assert rules.check_text(text, sender, client).status == status


@pytest.mark.parametrize("action", [Action.BLOCK, Action.THROTTLE])
def test_a_rules_own_status(action: Action) -> None:
    rules = rule_set(rule("words", action, status=0x45), sets={"words": ["x"]})
    assert rules.check_text("x") == Verdict(action, 0x45, rules.rules)


@pytest.mark.parametrize(
    ("condition", "text", "hit"),
    [
        ("link", "voir pay.com", True),
        ("link", "voir plus tard", False),
        ("not link", "voir plus tard", True),
        ("not link", "voir pay.com", False),
        ("links >= 2", "pay.com et un.fr", True),
        ("links >= 2", "pay.com", False),
        ("links == 0", "voir plus tard", True),
        ("links == 0", "fin.Ensuite", True),
        ("links < 2", "pay.com", True),
        ("link_host in bad", "http://login.evil.com/x", True),
        ("link_host in bad", "http://evil.com", True),
        ("link_host in bad", "http://notevil.com", False),
        ("link_host in bad", "http://evil.com.pay.fr", False),
        ("link_host in bad", "pay.fr et x.evil.com", True),
        ("link_host in [sub.pay.fr]", "http://a.sub.pay.fr", True),
        ("link_host in [sub.pay.fr]", "http://pay.fr", False),
        ("link_host not in bad", "http://pay.fr", True),
    ],
)
def test_facts_about_links(condition: str, text: str, hit: bool) -> None:
    rules = rule_set(rule(condition), domains={"bad": ["Evil.com"]})
    assert rules.check_text(text).refused is hit


@pytest.mark.parametrize(
    ("alphabet", "body"),
    [
        (GSM7, b"vos droits expirent"),
        (GSM7, b"vos dr\x0bits expirent"),
        (LATIN_1, b"vos dr\xf2its expirent"),
        (UCS2, "vos drоits expirent".encode("utf-16-be")),
    ],
)
def test_the_same_text_gets_the_same_verdict_in_every_alphabet(alphabet: Alphabet, body: bytes) -> None:
    rules = rule_set(rule("words"), sets={"words": ["droits"]})
    assert rules.check([alphabet.read(body)], "", "").verdict.refused


def test_a_word_that_only_excuses_does_not_count_inside_a_link() -> None:
    rules = rule_set(
        rule("pay and foreign_link and not honest"), sets={"pay": ["pay"], "honest": ["doctor"], "shown": ["photo"]}
    )
    assert rules.check_text("pay at https://a.example/doctor").refused
    assert not rules.check_text("doctor: pay at https://a.example").refused


def test_a_word_that_one_condition_wants_counts_inside_a_link() -> None:
    rules = rule_set(
        rule("foreign_link and photo"), rule("pay and not photo", name="R-2"), sets={"photo": ["photo"], "pay": ["pay"]}
    )
    assert rules.check_text("https://a.example/photo").refused


def test_an_official_site_beside_a_foreign_one_names_its_brand() -> None:
    rules = rule_set(brand("cpf", "CPF", domains=["cpf.example"]), rule("names(cpf)"))
    assert rules.check_text("cpf.example: https://evil.example and https://cpf.example").refused
    assert not rules.check_text("see https://cpf.example").refused
    assert not rules.check_text("see https://evil.example").refused
