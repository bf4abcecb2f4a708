"""Details of a label that a reply names: `later_until`, `return_date`, `successor`."""

import re
from datetime import date

from services.outreach.replies.rules.dates import WEEKDAY, NamedDay, named_days, next_workday

_PAST = re.compile(r"\b(last|since|seit|letzten?|depuis|desde|dal|sinds|past|previous)( (the|dem|le|el|o))?\s+$", re.I)
_UNTIL = re.compile(
    r"\b(until|till?|through|thru|bis|t/m|tot( en met)?|hasta|até|fino a|jusqu'(au|à)|after|nach|após|to|au|al|a)"
    rf"( (the|and including|einschließlich|zum|el|o|al|il|den|dem|le))*\s+(({WEEKDAY}),?\s+((the|den|le|el) )?)?$",
    re.I,
)
_BACK = re.compile(
    r"\b(back|return\w*|reopen\w*|answer(ed)?|pick up|wieder|zurück|retour|rentre\w*|reviens|vuelvo|regres\w+|volto"
    r"|retorn\w+|riapr\w+|torn\w+|rientr\w+|weer|terug)\b",
    re.I,
)
_TOO_FAR = 80
_SENTENCE_END = re.compile(r"[.!?](?=\s+[^\W\d_])|\n")
_ADDRESS = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
_SPELLED = re.compile(r"\s*[\[(](at|dot)[\])]\s*", re.I)
_OWN = re.compile(
    r"\b(my|meine|mon|ma|mi|meu|minha|mijn|mia|mio)( \w+)? (e-?mail|mail|address|adresse|dirección|correo|endereço"
    r"|adres|indirizzo)\b[^@.!?]{0,30}$",
    re.I,
)


def details_of(label: str, text: str, sender: str | None, today: date) -> dict[str, str]:
    """The detail of a label, by its field in `reply.received`; empty where the text names none."""
    if label == "later" and (day := later_until(text, today)):
        return {"later_until": day.isoformat()}
    if label == "out_of_office" and (day := return_date(text, today)):
        return {"return_date": day.isoformat()}
    if label in ("moved_company", "wrong_person") and (whom := successor(text, sender)):
        return {"successor": whom}
    return {}


def later_until(text: str, today: date) -> date | None:
    """The day from which the writer may be contacted again: the last future day that the text names, or None."""
    ahead = [each.day for each in named_days(text, today) if each.day > today and not _PAST.search(text[: each.start])]
    return ahead[-1] if ahead else None


def return_date(text: str, today: date) -> date | None:
    """The first working day of somebody who is away; None where the text names none, or a past one."""
    named = named_days(text, today)
    until = [each for each in named if each.from_ or _UNTIL.search(text[: each.start])]
    back = sorted((_far_from_back(text, each), each.day) for each in named if each not in until)
    if back and back[0][0] < _TOO_FAR:
        day = back[0][1]
    elif until:
        day = until[0].day if until[0].whole else next_workday(until[0].day)
    else:
        return None
    return day if day > today else None


def _far_from_back(text: str, named: NamedDay) -> int:
    """How many characters are between a day and a word for returning, within the same sentence."""
    start = max((hit.end() for hit in _SENTENCE_END.finditer(text, 0, named.start)), default=0)
    end = _SENTENCE_END.search(text, named.end)
    words = _BACK.finditer(text, start, end.start() if end else len(text))
    return min((max(hit.start() - named.end, named.start - hit.end()) for hit in words), default=_TOO_FAR)


def successor(text: str, sender: str | None) -> str | None:
    """The address to write to instead: the last one in the text that does not belong to the writer."""
    text = _SPELLED.sub(lambda hit: "@" if hit.group(1).lower() == "at" else ".", text)
    others = [
        hit.group(0).rstrip(".'-")
        for hit in _ADDRESS.finditer(text)
        if hit.group(0).lower() != (sender or "").lower() and not _OWN.search(text[: hit.start()])
    ]
    return others[-1].lower() if others else None
