"""Leads as tenants have them, made up, some of them twice: with the mistakes, gaps and other spellings of real ones.

Names are drawn with skewed frequencies, several leads work at one company, and some share a name or a phone. The lists,
nicknames and mistakes are this module's own; nothing of the rules that are measured is used.
"""

import random
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

_GIVEN = """
    James Mary John Patricia Robert Jennifer Michael Linda William Elizabeth David Barbara Thomas Anna Peter Maria Klaus
    Sabine Jürgen Ursula Stefan Monika Andreas Petra Wolfgang Katharina Hans Christine Jean Nathalie Pierre Isabelle
    François Céline Luc Élodie José Carmen Antonio Ana Manuel Dolores Francisco Pilar Javier Lucía Giuseppe Paola Marco
    Francesca Luca Chiara João Inês Paulo Beatriz Willem Anneke Jan Femke Piotr Agnieszka Oleksandr Iryna Mehmet Ayşe
    Priya Rahul Wei Yuki Olga Nikolai Fatima Omar Søren Ingrid Björn Aino
""".split()
_FAMILY = """
    Smith Johnson Williams Brown Jones Miller Davis Wilson Taylor Anderson Müller Schmidt Schneider Fischer Weber Meyer
    Wagner Becker Schulz Hoffmann Martin Bernard Dubois Durand Moreau Lefebvre Leroy Girard García González Rodríguez
    Fernández López Martínez Sánchez Pérez Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Silva Santos
    Ferreira Pereira Oliveira Costa Rodrigues Almeida Jansen Visser Bakker Smit Mulder Kowalski Nowak Wiśniewski Novák
    Svoboda Horvat Petrov Ivanova Shevchenko Yılmaz Kaya Sharma Patel Raghunathan Chen Nakamura Hansen Sørensen
    Lindqvist Virtanen O'Brien Fitzgerald Featherstone Cholmondeley Szczepański Oppenheimer Vandenberghe Papadopoulos
""".split()
_BEGINNINGS = """
    Berg Linden Stein Rosen Wald Hart Grün Kir Alt Neu Ober Unter Brand Ash Black Brom Chester Dun Ed Farn Green Haw
    Hol King Lang Mar Nor Oak Pem Raven Rad Sand Thorn Under Wake West Whit Win Yar Zell
""".split()
_ENDINGS = (
    "mann feld bach er ström wood ton ford ley berg dal hurst worth by stad vic ez eau ski ova ini elli sen".split()
)
_WORDS = """
    Nordwind Acme Globex Initech Zenith Helios Vertex Aurora Kestrel Lumen Orion Pinnacle Quartz Ridgeway Sable Tangent
    Umbra Vista Willow Argon Birch Cobalt Delta Ember Fjord Granite Harbour Iris Juniper Kite Larch Meridian
""".split()
_TRADES = "Software Logistics Consulting Energy Foods Systems Partners Media Bau Medical Design Robotics".split()
_FORMS = ["GmbH", "Ltd", "Inc.", "S.A.", "AG", "B.V.", "SL", "S.p.A.", "LLC", ""]
_FREE = ["gmail.com", "gmx.de", "yahoo.com", "outlook.com", "orange.fr", "libero.it"]
_NICKNAMES = {
    "James": "Jim", "Robert": "Bob", "Michael": "Mike", "William": "Bill", "Elizabeth": "Liz", "David": "Dave",
    "Thomas": "Tom", "Katharina": "Kathrin", "Wolfgang": "Wolf", "Stefan": "Steven", "Andreas": "Andi", "José": "Pepe",
    "Antonio": "Toni", "Francisco": "Paco", "Manuel": "Manolo", "Giuseppe": "Beppe", "Francesca": "Franca",
    "João": "John", "Willem": "Wim", "Oleksandr": "Sasha", "Jennifer": "Jenny", "Patricia": "Pat", "Nikolai": "Kolya",
    "Christine": "Tina", "Piotr": "Peter", "Dolores": "Lola", "Jean": "John", "Hans": "Johannes", "Peter": "Pete",
}  # fmt: skip
_GERMAN = str.maketrans({"ü": "ue", "ö": "oe", "ä": "ae", "ß": "ss", "ø": "o", "ı": "i", "ł": "l"})

Fields = dict[str, str]


class MadeUp(NamedTuple):
    """Leads in the order of their capture, and for each the number of the person that it is."""

    leads: list[Fields]
    persons: list[int]


def _ascii(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_GERMAN))
    return "".join(c for c in decomposed if c.isascii() and c.isalpha())


def make(count: int, *, twice: float = 0.15, seed: int = 7) -> MadeUp:
    """`count` persons, a share of whom (`twice`) is there once or twice more, in another source's words."""
    draw = random.Random(seed)
    companies = [_company(draw) for _ in range(max(2, count // 8))]
    leads: list[Fields] = []
    persons: list[int] = []
    mails: set[str] = set()
    for person in range(count):
        lead = _person(draw, companies)
        while lead.get("email") in mails:
            lead["email"] = f"{draw.randrange(10)}{lead['email']}"
        mails.add(lead.get("email", ""))
        leads.append(lead)
        persons.append(person)
        while draw.random() < twice:
            leads.append(_again(draw, lead))
            persons.append(person)
    order = list(range(len(leads)))
    draw.shuffle(order)
    return MadeUp([leads[at] for at in order], [persons[at] for at in order])


def _skewed(draw: random.Random, words: list[str]) -> str:
    return words[min(int(draw.expovariate(3) * len(words)), len(words) - 1)]


def _company(draw: random.Random) -> tuple[str, str, str]:
    name = f"{draw.choice(_WORDS)} {draw.choice(_TRADES)}"
    ending = draw.choice(["com", "de", "co.uk", "fr", "es", "it", "nl"])
    switchboard = f"+4930{draw.randrange(10**6, 10**7)}"
    return f"{name} {draw.choice(_FORMS)}".strip(), f"{name.replace(' ', '-').lower()}.{ending}", switchboard


def _person(draw: random.Random, companies: list[tuple[str, str, str]]) -> Fields:
    rare = f"{draw.choice(_BEGINNINGS)}{draw.choice(_ENDINGS)}"
    given, family = _skewed(draw, _GIVEN), rare if draw.random() < 0.7 else _skewed(draw, _FAMILY)
    company, domain, switchboard = draw.choice(companies)
    lead = {"first_name": given, "last_name": family}
    if draw.random() < 0.9:
        lead["company"] = company
    host = domain if draw.random() < 0.75 else draw.choice(_FREE)
    if draw.random() < 0.85:
        lead["email"] = f"{_local(draw, given, family)}@{host}"
    if "email" not in lead or draw.random() < 0.6:
        lead["phone"] = switchboard if draw.random() < 0.1 else _mobile(draw)
    return lead


def _local(draw: random.Random, given: str, family: str) -> str:
    one, two = _ascii(given) or "x", _ascii(family) or "x"
    forms = [f"{one}.{two}", f"{one[0]}.{two}", f"{one[0]}{two}", f"{two}.{one}", f"{one}{draw.randrange(100)}", one]
    return draw.choice(forms)


def _mobile(draw: random.Random) -> str:
    return f"+49151{draw.randrange(10**7, 10**8)}"


def _again(draw: random.Random, lead: Fields) -> Fields:
    """The same person once more. Equal e-mails, and equal mobiles without e-mails, are known at capture: not these."""
    again = dict(lead)
    for mistake in draw.sample(_MISTAKES, draw.choice([1, 1, 2, 3])):
        mistake(draw, again)
    if again.get("email") == lead.get("email"):
        again.pop("email", None)
        again["phone"] = lead.get("phone", _mobile(draw)) if draw.random() < 0.5 else _mobile(draw)
    return again


def _misspell(draw: random.Random, word: str) -> str:
    at = draw.randrange(1, max(2, len(word) - 1))
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
    kinds = [word[:at] + word[at + 1 :], word[:at] + letter + word[at:], word[:at] + letter + word[at + 1 :]]
    return draw.choice([*kinds, word[: at - 1] + word[at : at + 1] + word[at - 1 : at] + word[at + 1 :]])


def _typo(name: str) -> Callable[[random.Random, Fields], None]:
    def mistake(draw: random.Random, lead: Fields) -> None:
        if name in lead:
            lead[name] = _misspell(draw, lead[name])

    return mistake


def _nickname(draw: random.Random, lead: Fields) -> None:
    if given := lead.get("first_name"):
        lead["first_name"] = _NICKNAMES.get(given, given)


def _initial(draw: random.Random, lead: Fields) -> None:
    if given := lead.get("first_name"):
        lead["first_name"] = f"{given[0]}."


def _swap(draw: random.Random, lead: Fields) -> None:
    if {"first_name", "last_name"} <= lead.keys():
        lead["first_name"], lead["last_name"] = lead["last_name"], lead["first_name"]


def _full(draw: random.Random, lead: Fields) -> None:
    given, family = lead.pop("first_name", ""), lead.pop("last_name", "")
    if given or family:
        lead["full_name"] = draw.choice([f"{given} {family}", f"{family}, {given}", f"Dr. {given} {family}"]).strip()


def _plain(draw: random.Random, lead: Fields) -> None:
    for name in ("first_name", "last_name"):
        if name in lead:
            lead[name] = lead[name].lower().translate(_GERMAN).upper()


def _other_form(draw: random.Random, lead: Fields) -> None:
    if company := lead.get("company"):
        words = company.split()
        lead["company"] = draw.choice([words[0], " ".join(words[:2]), f"{' '.join(words[:2])} {draw.choice(_FORMS)}"])


def _no_company(draw: random.Random, lead: Fields) -> None:
    lead.pop("company", None)


def _private_mail(draw: random.Random, lead: Fields) -> None:
    given, family = lead.get("first_name", "x"), lead.get("last_name", "x")
    lead["email"] = f"{_local(draw, given, family)}@{draw.choice(_FREE)}"


_MISTAKES = [
    _typo("first_name"), _typo("last_name"), _typo("last_name"), _typo("company"), _nickname, _initial, _swap, _full,
    _plain, _other_form, _other_form, _no_company, _private_mail,
]  # fmt: skip
