"""Details of a label that a reply names: `later_until`, `return_date`, `successor`."""

import re
from datetime import date, timedelta

from services.outreach.replies.rules.date_parsing import WEEKDAY
from services.outreach.replies.rules.date_words import NEXT, TODAY, fold
from services.outreach.replies.rules.dates import NamedDay, named_days, next_workday
from services.outreach.replies.rules.line_wraps import unwrapped

_PAST = re.compile(
    r"\b(?:last|since|seit|letzten?|depuis|desde|dal|sinds|past|previous|vorigen?|passe|pasado|passado"
    r"|scorso)(?: (?:the|dem|le|el|o))? $"
)
_AFTER = re.compile(
    r"\b(?:after|nach|apres|despues del?|depois d[eoa]|dps d[oe]|na|dopo|passe-se|pasado el|nach dem)(?: (?:the"
    r"|dem|le|el|o|il|l'))?"
    rf"(?: {NEXT})?(?: dia)?"
    rf" ?(?:(?:{WEEKDAY}),? )?$"
)
_AFTERWARDS = re.compile(
    r"\b(?:danach|darauf|daarna|erna|afterwards?|after that|the day after|thereafter|ensuite|apres(?: ca"
    r"| cela)?[.,!?]|juste apres|le lendemain"
    r"|despues[.,!?]|luego|al dia siguiente|depois[.,!?]|depois disso|dia seguinte|successivamente|dopo[.,!?]"
    r"|il giorno dopo)"
)
_UNTIL = re.compile(
    r"\b(?:until|untill|till?|'til|through|thru|bis(?: und mit)?|t/m|tot(?: en met)?|hasta|ate|fino a(?:l|ll')?"
    r"|sino al?|jusqu'(?:au|a|en)|after|nach|apres"
    r"|depois de|despues de|dopo|na|to|au|al|a)"
    r"(?: (?:the|and including|einschliesslich|inklusive|zum|el|o|al|il|den|dem|le|de|dia|incl\.?|ao))*"
    rf"(?: {NEXT})? ?(?:(?:{WEEKDAY}),? ?(?:(?:the|den|le|el|dia|de),? ?)?)?$"
)
_FROM = re.compile(
    r"\b(?:from|as from|as of|as off|starting|ab|a partir d[eou]l?|a partir du|a compter du|des(?: le)?|dal?|dall'"
    r"|vanaf|per|desde)"
    r"(?: (?:the|dem|el|le|o|il|l'|de|dia))*"
    rf"(?: {NEXT})? ?(?:(?:{WEEKDAY}),? ?(?:(?:the|den|dem|le|el|dia),? ?)?)?$"
)
_BACK = re.compile(
    r"\b(?:back|return\w{0,4}|re-?open\w{0,3}|open again|answer(?:ed)?|pick up|online again|(?:again|be) available"
    r"|available again|get back|reappear|normal service"
    r"|due in|see you|reply|respond|hear from me|catch up|resume|here again|in again|try me|find us again|start on"
    r"|read this|see this"
    r"|wieder|zuruck|ruckkehr|erreichbar|zur verfugung|melde ich mich|antworte ich|antworten|kummere|da bin ich"
    r"|bin ich da"
    r"|retour|rentre\w{0,4}|reviens|reprise|reprend\w{0,4}|repond\w{0,4}|reponse|reouverture|rouvr\w{1,5}"
    r"|retrouv\w{1,4}|dispo\w{0,6}|refais surface|reparle|lirai|pas avant|not before|nicht vor|no antes|non prima"
    r"|nao antes|niet voor|au bureau"
    r"|vuelvo|vuelta|regres\w{1,4}|volver\w{1,3}|reincorpor\w{1,3}|retom\w{1,5}|reabri\w{1,4}|abrimos|contestare"
    r"|respond\w{2,5}|atender\w{1,3}|te leo|les leo|leere|disponible|de nuevo|por aqui|reanud\w{1,4}|al dia\b"
    r"|volto|voltar\w{0,3}|voltando|retorn\w{1,4}|regress\w{1,3}|reabr\w{2,4}|de volta|responderei|responde"
    r"|respondo|disponivel|falamos|assino|leio"
    r"|riapr\w{1,4}|torn\w{1,4}|rientr\w{1,4}|ritorn\w{1,3}|riprend\w{1,5}|rispond\w{1,4}|di nuovo|rivediamo"
    r"|sentiamo|in sede|al lavoro|in ufficio|mi trovate"
    r"|weer|terug|opnieuw|aanwezig|bereikbaar|antwoord|reageer|beantwoord|lees ik|lees uw|op kantoor|hervat\w{0,3})\b"
)
_AWAY = re.compile(
    r"\b(?:closed|shut|off|out|away|absent|not in|not be in|ooo|strike|geschlossen|abwesend|nicht (?:da|im)"
    r"|unterwegs|ferme\w{0,3}|absente?|pas la|en formation"
    r"|cerrad\w{1,2}|fuera|ausente|fechad\w{1,2}|encerrad\w{1,2}|fora|chius\w|assent\w|via|gesloten|afwezig|dicht"
    r"|er niet|vrij|leave|holidays?|vacation|urlaub|conges?|vacances|vacaciones|ferias|vakantie|verlof|ferie"
    r"|congedo)\b"
)
_TODAY_AND = re.compile(rf"\b{TODAY} (?:and|und|et|y|e|en|&) $")
_NOT_BEFORE = re.compile(
    r"\b(?:not|n't|no|nicht|erst|pas|ne|nao|non|niet|pas)\b[^.!?\n]{0,40}\b(?:back|return|zuruck|wieder|retour"
    r"|rentre|vuelvo|regreso|volto|torno|rientro|terug)\b"
)
_TOO_FAR = 80
_LONGEST = 3_000
"""Characters of a text that are read. Who gives a date or a successor does so at once."""
_SENTENCE_END = re.compile(r"[.!?](?=\s[^\W\d_])|\n")
_ENDS_IN_A_DOT = re.compile(r"\d\.\d{1,2}\.$")
"""The full stop of "16.02.", which ends no sentence."""
_ADDRESS = re.compile(r"[\w.+-](?:[\w.+-]|'(?=\w)){0,63}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_SPELLED = re.compile(r"\s{0,3}[\[(]\s?(at|dot)\s?[\])]\s{0,3}", re.I)
_OWN = re.compile(
    r"\b(my|meine|mon|ma|mi|meu|minha|mijn|mia|mio)( \w{1,20})? (e-?mail|mail|address|adresse|dirección|correo"
    r"|endereço"
    r"|adres|indirizzo)\b[^@.!?]{0,30}$",
    re.I,
)
_FAINT = frozenset({"weekday", "tomorrow", "week"})
"""Kinds of days that may be about anything in the text; they count where it names no other."""


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
    text = fold(unwrapped(text[:_LONGEST]))
    named = [each for each in named_days(text, today) if each.day > today and not _PAST.search(_before(text, each))]
    named = [each for each in named if each.kind not in _FAINT] or named
    if not named:
        return None
    last = named[-1]
    if _AFTER.search(_before(text, last)) or _AFTERWARDS.search(text, last.end, last.end + 120):
        return _day_after(last)
    return last.day


def _day_after(named: NamedDay) -> date:
    """The first day after a day, or after a month that is named as a whole."""
    if named.kind == "day":
        return named.day + timedelta(days=1)
    if named.kind == "month":
        return (named.day + timedelta(days=31)).replace(day=1)
    return named.day


def return_date(text: str, today: date) -> date | None:
    """The first working day of somebody who is away; None where the text names none, or a past one."""
    text = fold(unwrapped(text[:_LONGEST]))
    named = named_days(text, today)
    until = [
        each
        for each in named
        if each.from_
        or _TODAY_AND.search(_before(text, each))
        or (_UNTIL.search(_before(text, each)) and not _not_before(text, each))
    ]
    back = [(far, each.day) for each in named if each not in until and (far := _far_from_back(text, each)) < _TOO_FAR]
    ahead = [(far, -day.toordinal()) for far, day in back if day > today]
    if ahead:
        day = date.fromordinal(-min(ahead)[1])
    elif back and not until:
        return None
    elif until:
        first = next((each for each in until if each.day >= today), until[0])
        day = first.day if first.kind in ("month", "week", "period") else next_workday(first.day)
    elif named and all(each.kind in _FAINT for each in named) and not _away(text, named[-1]):
        day = named[-1].day  # "Off today. Monday is fine."
    elif named and named[-1].kind == "day":
        day = next_workday(named[-1].day) if _away(text, named[-1]) else named[-1].day
    else:
        return None
    return day if day > today else None


def _before(text: str, named: NamedDay) -> str:
    return text[max(0, named.start - 60) : named.start]


def _not_before(text: str, named: NamedDay) -> bool:
    return bool(_NOT_BEFORE.search(_before(text, named)))


def _far_from_back(text: str, named: NamedDay) -> int:
    """How many characters are between a day and a word for returning, within the same sentence."""
    start, end = _sentence(text, named)
    if _FROM.search(_before(text, named)) and named.kind == "tomorrow":
        return _TOO_FAR  # "on leave from tomorrow" starts an absence
    if _FROM.search(_before(text, named)) and not _AWAY.search(text, start, named.start):
        return 0
    words = _BACK.finditer(text, start, end)
    return min((max(hit.start() - named.end, named.start - hit.end()) for hit in words), default=_TOO_FAR)


def _sentence(text: str, named: NamedDay) -> tuple[int, int]:
    """Where the sentence with a day starts and ends."""
    earliest, latest = max(0, named.start - 200), min(len(text), named.end + 200)
    start = max((hit.end() for hit in _SENTENCE_END.finditer(text, earliest, named.start + 1)), default=earliest)
    after = named.end + bool(_ENDS_IN_A_DOT.search(text[named.start : named.end + 1]))
    end = _SENTENCE_END.search(text, after, latest + 2)
    return start, end.start() if end else latest


def _away(text: str, named: NamedDay) -> bool:
    return bool(_AWAY.search(text, *_sentence(text, named)))


def successor(text: str, sender: str | None) -> str | None:
    """The address to write to instead: the last one in the text that does not belong to the writer."""
    text = _SPELLED.sub(lambda hit: "@" if hit.group(1).lower() == "at" else ".", text[:_LONGEST])
    others = [
        hit.group(0).rstrip(".'-")
        for hit in _ADDRESS.finditer(text)
        if hit.group(0).lower() != (sender or "").lower()
        and not _OWN.search(text[max(0, hit.start() - 100) : hit.start()])
    ]
    return others[-1].lower() if others else None
