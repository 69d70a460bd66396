"""The messages and the rules that every measurement uses: invented, and the same on every run and machine.

The pack has the size the load table is about (10,000 keywords, 100,000 domains) and the shape of real ones: keyword
sets, everyday words that genuine messages are full of, brands with official domains, rules that want several of these
at once. Messages are genuine ones of about 100 characters with names, amounts and dates filled in; a chosen share
carries a link, and every hundredth is a scam that the pack refuses.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import yaml

if TYPE_CHECKING:
    from pathlib import Path

KEYWORDS: Final = 10_000
DOMAINS: Final = 100_000
KEYWORD_SETS: Final = 20
LINK_SHARE: Final = 0.15
SCAM_EVERY: Final = 100
"""Every hundredth message is to be refused."""
GENUINE_HOSTS: Final = 300
"""Hosts that genuine links lead to, each met many times: senders of genuine messages use few."""

EVERYDAY: Final = (
    "colis",
    "commande",
    "compte",
    "livraison",
    "facture",
    "paiement",
    "rendez vous",
    "carte",
    "code",
    "dossier",
    "contrat",
    "abonnement",
)
BRANDS: Final = {
    "transval": (("Transval", "Transval Express"), "transval.example"),
    "banque-du-lac": (("Banque du Lac", "BDL"), "banquedulac.example"),
    "mutuelle-azur": (("Mutuelle Azur",), "mutuelleazur.example"),
    "telerive": (("Telerive",), "telerive.example"),
}
GENUINE: Final = (
    "Bonjour {name}, votre rendez-vous du {day} à {hour} à {city} est confirmé. Merci de prévenir en cas d'absence.",
    "{code} est votre code Banque du Lac pour un paiement de {amount} EUR. Ne le communiquez à personne.",
    "Transval : votre colis {reference} sera remis le {day} entre {hour} et 19h. Merci de votre confiance.",
    "{name}, ta commande {reference} est arrivée. Tu peux la chercher au magasin de {city} avant le {day}.",
    "Mutuelle Azur : le remboursement de {amount} EUR du dossier {reference} sera sur votre compte le {day}.",
    "Telerive : votre facture de {amount} EUR est disponible. Le paiement aura lieu le {day} comme d'habitude.",
    "Le lycée de {city} vous informe de l'absence de {name} le {day} à {hour}. Merci de contacter la vie scolaire.",
    "Salut c'est {name}, le train a du retard, je serai à {city} vers {hour}. Commencez le repas sans moi.",
    "Rappel : le contrat d'entretien de votre chaudière finit le {day}. Votre agence de {city}, au 01 99 00 12 34.",
    "Médiathèque de {city} : deux livres sont à rendre avant le {day} à {hour}. Vous pouvez aussi les prolonger.",
)
GENUINE_WITH_LINK: Final = (
    "Transval : votre colis {reference} arrive le {day}. Le suivre : https://suivi.transval.example/c/{reference}",
    "Bonjour {name}, votre avis sur la commande {reference} nous aide : https://{host}/a/{code} Merci !",
    "Banque du Lac : votre relevé du {day} est disponible ici : https://www.banquedulac.example/releves/{code}",
    "{name}, les soldes commencent le {day} à {hour} à {city} ! https://{host}/s{code} STOP au 36000",
    "Votre billet pour {city} le {day} à {hour} : https://{host}/b/{code} Bon voyage !",
)
SCAMS: Final = (
    "Transval : colis {reference} retenu, {amount} EUR de frais à régler avant le {day} : https://{listed}/{code}",
    "Dernier avis, {keyword} : votre compte ferme le {day}, à mettre à jour sur https://{host}/{code}",
)
GENUINE_UCS2: Final = (
    "Ça y est {name}, la commande {reference} est prête à {city} 🎁 Retrait dès le {day} à {hour}, à très vite !",
    "Mutuelle Azur : le contrat nº {reference} est renouvelé le {day} — la cotisation passe à {amount} € par mois…",
)
_NAMES = ("Camille", "Nadia", "Hugo", "Yasmine", "Paul", "Aurélie", "Karim", "Jeanne", "Mathis", "Rose")
_CITIES = ("Vannes", "Castres", "Dole", "Ajaccio", "Laon", "Mende", "Redon", "Gap")
_ONSETS = (
    "b",
    "br",
    "c",
    "ch",
    "d",
    "f",
    "fl",
    "g",
    "gr",
    "j",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "t",
    "tr",
    "v",
    "z",
)
_VOWELS = ("a", "e", "i", "o", "u", "ou", "an", "in", "eu", "oi")


@dataclass(frozen=True, slots=True)
class Message:
    """One text and whether the pack refuses it."""

    text: str
    refused: bool = False


def _word(chance: random.Random) -> str:
    """A pronounceable word of 5 to 12 letters."""
    word = ""
    length = chance.randint(5, 12)
    while len(word) < length:
        word += chance.choice(_ONSETS) + chance.choice(_VOWELS)
    return word[:12]


class Corpus:
    """Keywords, domains, the pack and messages, all drawn from one seed."""

    def __init__(self, keywords: int = KEYWORDS, domains: int = DOMAINS) -> None:
        self._chance = random.Random(20_000)
        everyday = {word for text in (*GENUINE, *GENUINE_WITH_LINK, *SCAMS) for word in text.lower().split()}
        drawn: dict[str, None] = {}
        while len(drawn) < keywords - len(EVERYDAY):
            words = [_word(self._chance) for _ in range(self._chance.choice((1, 1, 1, 1, 2, 3)))]
            if everyday.isdisjoint(words):
                drawn[" ".join(words)] = None
        self.keywords = list(drawn)
        hosts: dict[str, None] = {}
        while len(hosts) < domains + GENUINE_HOSTS:
            labels = (_word(self._chance), _word(self._chance))
            if drawn.keys().isdisjoint(labels):  # a keyword in a host would hit like one in the text
                hosts[f"{self._chance.choice(('', '-')).join(labels)}.example"] = None
        self.domains = list(hosts)[:domains]
        self.genuine_hosts = list(hosts)[domains:]

    def write_pack(self, directory: Path) -> None:
        """Write the pack and its list of domains into `directory`."""
        sets = {f"set_{n:02}": self.keywords[n::KEYWORD_SETS] for n in range(KEYWORD_SETS)}
        calm = "Bonjour, le magasin est ouvert dimanche de 9h à 12h."
        rules = [
            {
                "id": f"LOAD-{name}",
                "title": f"a keyword of {name}, an everyday word and a foreign link",
                "if": f"{name} and everyday and foreign_link",
                "action": "block",
                "matches": [f"{keywords[0]} : votre compte est sur https://{self.genuine_hosts[0]}/x"],
                "passes": [calm, f"{keywords[0]} : votre compte est ouvert"],
            }
            for name, keywords in sets.items()
        ]
        rules += [
            {
                "id": "LOAD-domains",
                "title": "a listed domain",
                "if": "link_host in listed",
                "action": "block",
                "matches": [f"C'est ici : https://www.{self.domains[0]}/x"],
                "passes": [calm],
            },
            {
                "id": "LOAD-brands",
                "title": "a look-alike of a brand",
                "if": "lookalike(any) and everyday",
                "action": "block",
                "matches": ["Votre colis est sur https://banquedulac.client.invalid/x"],
                "passes": ["Votre compte est sur https://www.banquedulac.example/x"],
            },
        ]
        brands = {
            brand: {
                "names": list(names),
                "host": {"anywhere": [domain.removesuffix(".example")]},
                "official": {"domains": [domain]},
            }
            for brand, (names, domain) in BRANDS.items()
        }
        pack = {
            "pack": "load",
            "owner": "load-tests",
            "brands": brands,
            "keywords": {"everyday": list(EVERYDAY), **sets},
            "lists": {"listed": {"domains_file": "domains.txt"}},
            "rules": rules,
        }
        (directory / "domains.txt").write_text("\n".join(self.domains) + "\n", encoding="utf-8")
        text = yaml.safe_dump(pack, allow_unicode=True, sort_keys=False, width=1_000)
        (directory / "load.yaml").write_text(text, encoding="utf-8")

    def _filled(self, template: str) -> str:
        chance = self._chance
        return template.format(
            name=chance.choice(_NAMES),
            city=chance.choice(_CITIES),
            day=f"{chance.randint(1, 28):02}/{chance.randint(1, 12):02}",
            hour=f"{chance.randint(8, 18)}h{chance.choice(('00', '15', '30', '45'))}",
            code=chance.randint(100_000, 999_999),
            amount=f"{chance.randint(2, 190)},{chance.randint(0, 99):02}",
            reference=f"{chance.choice('ABCXYZ')}{chance.randint(10**7, 10**8 - 1)}",
            host=f"www.{chance.choice(self.genuine_hosts)}",
            listed=f"www.{chance.choice(self.domains)}",
            keyword=chance.choice(self.keywords),
        )

    def texts(self, templates: tuple[str, ...], count: int) -> list[str]:
        """`count` texts of the given templates."""
        return [self._filled(self._chance.choice(templates)) for _ in range(count)]

    def texts_with_new_hosts(self, count: int) -> list[str]:
        """`count` genuine texts with a link, no two of them to the same host."""
        linked = [template for template in GENUINE_WITH_LINK if "{host}" in template]
        return [
            self._filled(self._chance.choice(linked).replace("{host}", f"{_word(self._chance)}{n}.example"))
            for n in range(count)
        ]

    def messages(self, count: int) -> list[Message]:
        """`count` messages as in traffic: genuine, some with a link, every hundredth a scam."""
        found = []
        for number in range(count):
            if number % SCAM_EVERY == SCAM_EVERY // 2:
                found.append(Message(self._filled(SCAMS[number // SCAM_EVERY % len(SCAMS)]), refused=True))
            else:
                linked = self._chance.random() < LINK_SHARE
                found.append(Message(self._filled(self._chance.choice(GENUINE_WITH_LINK if linked else GENUINE))))
        return found


_GSM7 = str.maketrans({"@": "\x00", "è": "\x04", "é": "\x05", "ù": "\x06", "ì": "\x07", "à": "\x7f", "_": "\x11"})


def gsm7(text: str) -> bytes:
    """GSM 03.38 octets, unpacked, of a text that keeps to the letters of this module. Raises UnicodeEncodeError."""
    return text.translate(_GSM7).encode("ascii")
