"""Dates that a text names, in seven languages: "mid October", "KW 37", "in two months", "till the 21st". Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_MONTHS = (
    "january jan januar janvier enero janeiro januari gennaio",
    "february feb februar février fevrier febrero fevereiro februari febbraio",
    "march mar märz mars marzo março maart",
    "april apr avril abril aprile",
    "may mai mayo maio mei maggio",
    "june jun juni juin junio junho giugno",
    "july jul juli juillet julio julho luglio",
    "august aug août aout agosto augustus",
    "september sep sept septembre septiembre setembro settembre",
    "october oct oktober okt octobre octubre outubro ottobre",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre diciembre dezembro dicembre",
)
_MONTH_OF = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
_DAYS = (
    "monday montag lundi lunes segunda-feira lunedì maandag",
    "tuesday dienstag mardi martes terça-feira martedì dinsdag",
    "wednesday mittwoch mercredi miércoles quarta-feira mercoledì woensdag",
    "thursday donnerstag jeudi jueves quinta-feira giovedì donderdag",
    "friday freitag vendredi viernes sexta-feira venerdì vrijdag",
    "saturday samstag samedi sábado sabato zaterdag",
    "sunday sonntag dimanche domingo domenica zondag",
)
_DAY_OF = {word: number for number, words in enumerate(_DAYS) for word in words.split()}
_COUNT_OF = {
    word: number
    for number, words in enumerate(
        (
            "a one ein einem einer eine un une una um uma een",
            "two zwei deux dos dois duas twee due couple",
            "three drei trois tres três drie tre",
            "four vier quatre cuatro quatro quattro",
            "five fünf cinq cinco vijf cinque",
            "six sechs seis zes sei",
        ),
        1,
    )
    for word in words.split()
}
_ORDINAL_OF = {
    word: number
    for number, words in enumerate(
        (
            "first ersten erste premier primer primeiro eerste primo",
            "second zweiten zweite deuxième second segundo tweede secondo",
            "third dritten dritte troisième tercer terceiro derde terzo",
            "fourth vierten vierte quatrième cuarto quarto vierde",
        ),
        1,
    )
    for word in words.split()
}


def _one_of(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_MONTH, WEEKDAY, _COUNT, _ORDINAL = (_one_of(words) for words in (_MONTH_OF, _DAY_OF, _COUNT_OF, _ORDINAL_OF))
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?"
_YEAR = r"(?:,?\s+(?:de\s+)?(?P<year>20\d\d))?"
_PART = (
    r"(?:(?P<mid>mid|middle of|mitte|mi|mediados de|meados de|half|medio|metà)[\s-]+"
    r"|(?P<end>(?:the )?end of|late|ende|fin|fin de|finales de|final de|fim de|eind|fine)\s+"
    r"|(?:early|beginning of|start of|anfang|début|principios de|início de|begin|inizio)\s+)"
)
_PREPOSITION = (
    r"\b(?:in|by|until|till?|from|for|to|around|im|ab|bis|en|à|a|di|per|em|até|hasta|jusqu'en|tot|pour|after|nach|après"
    r"|before)\s+"
)
_AHEAD = r"\b(?:in|within|another|after|dans|ds|en|dentro de|daqui a|em|tra|fra|over|binnen|nach)\s+"
_FROM_NOW = r"(?:\s+(?:from (?:now|today)|later|hence)\b|'?\s+time\b)"
_WEEKS = r"(?:week(?:s)?|wochen?|semaines?|semanas?|we(?:e)?ken|settiman[ae])"
_MONTHS_LONG = r"(?:months?|monate?n?|mois|mes(?:es)?|maand(?:en)?|mesi?)"


@dataclass(frozen=True, slots=True)
class NamedDay:
    """A day that a text names, and where. `from_`: the first day of a span that ends with it.

    `whole`: the text names a whole month; the day is its first.
    """

    start: int
    end: int
    day: date
    from_: date | None = None
    whole: bool = False


def named_days(text: str, today: date) -> list[NamedDay]:
    """The days that a text names, in their order. Where several readings overlap, the most exact one counts."""
    found: list[NamedDay] = []
    for pattern, read in _READINGS:
        for hit in pattern.finditer(text):
            if any(hit.start() < other.end and other.start < hit.end() for other in found):
                continue
            try:
                named = read(hit, today)
            except (ValueError, OverflowError):
                continue
            if named:
                start = hit.start("named") if "named" in hit.groupdict() else hit.start()
                whole = read is _month and not hit["end"]
                found.append(NamedDay(start, hit.end(), *named, whole))
    return sorted(found, key=lambda each: each.start)


def next_workday(day: date) -> date:
    """The first Monday to Friday after a day."""
    after = day + timedelta(days=1)
    return after + timedelta(days=(7 - after.weekday()) % 7 if after.weekday() >= 5 else 0)


_MEANT_THE_LAST = 10
"""A month without a year that is more months ahead than this is taken for the past one."""

_Days = tuple[date, date | None]


def _in_year(month: int, day: int, year: str | None, today: date) -> date:
    """The day in the named year, or without one the first such day later than half a year ago."""
    if year:
        return date(int(year), month, day)
    near = date(today.year, month, day)
    return near.replace(year=today.year + 1) if today - near > timedelta(days=180) else near


def _of_month(hit: re.Match[str], today: date) -> _Days:
    month, day, year = _MONTH_OF[hit["month"].lower()], int(hit["day"]), hit["year"]
    last = _in_year(month, day, year, today)
    first = hit.groupdict().get("first")
    return last, last.replace(day=int(first)) if first and int(first) <= day else None


def _in_figures(hit: re.Match[str], today: date) -> _Days | None:
    a, b, year = int(hit["a"]), int(hit["b"]), hit["year"]
    if hit["sep"] == "/" and a != b and a <= 12 and b <= 12:
        return None  # 3/4 is the third of April or the fourth of March
    day, month = (b, a) if hit["sep"] == "/" and b > 12 else (a, b)
    return _in_year(month, day, f"20{year[-2:]}" if year else None, today), None


def _month(hit: re.Match[str], today: date) -> _Days:
    month, year = _MONTH_OF[hit["month"].lower()], int(hit["year"] or today.year)
    if not hit["year"] and month < today.month + (0 if hit["mid"] or hit["end"] else 1):
        year += 1
        if month + 12 - today.month > _MEANT_THE_LAST:
            raise ValueError("the last one is meant")
    if hit["end"]:
        return _months_on(date(year, month, 1), 1) - timedelta(days=1), None
    return date(year, month, 15 if hit["mid"] else 1), None


def _months_on(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    length = (date(first.year + first.month // 12, first.month % 12 + 1, 1) - first).days
    return first.replace(day=min(day.day, length))


def _span(months: int) -> Callable[[re.Match[str], date], _Days]:
    """Reads the first day of a quarter or half year, in this year or the next."""

    def read(hit: re.Match[str], today: date) -> _Days:
        number = next(value for value in (hit["figure"], hit["figure_before"], hit["word"]) if value)
        which = int(number) if number.isdigit() else _ORDINAL_OF[number.lower()]
        first = date(int(hit["year"] or today.year), (which - 1) * months + 1, 1)
        return (first if hit["year"] or first > today else first.replace(year=first.year + 1)), None

    return read


def _weeks_on(hit: re.Match[str], today: date) -> _Days:
    count = hit["count"].lower()
    return today + timedelta(weeks=int(count) if count.isdigit() else _COUNT_OF[count]), None


def _months_ahead(hit: re.Match[str], today: date) -> _Days:
    count = hit["count"].lower()
    return _months_on(today, int(count) if count.isdigit() else _COUNT_OF[count]), None


def _iso_week(hit: re.Match[str], today: date) -> _Days:
    monday = date.fromisocalendar(today.year, int(hit["week"]), 1)
    return (monday if monday > today else date.fromisocalendar(today.year + 1, int(hit["week"]), 1)), None


def _week_of(hit: re.Match[str], today: date) -> _Days:
    day, _ = _of_month(hit, today)
    return day - timedelta(days=day.weekday()), None


def _day_of_month(hit: re.Match[str], today: date) -> _Days:
    day = today.replace(day=1)
    while day.replace(day=1) + timedelta(days=int(hit["day"]) - 1) <= today:
        day = _months_on(day, 1)
    return day.replace(day=int(hit["day"])), None


def _weekday(hit: re.Match[str], today: date) -> _Days:
    return today + timedelta(days=(_DAY_OF[hit["weekday"].lower()] - today.weekday() - 1) % 7 + 1), None


def _readings() -> Iterator[tuple[str, Callable[[re.Match[str], date], _Days | None]]]:
    """Patterns with their readers, the most exact first."""
    yield r"\b(?P<year>20\d\d)-(?P<b>\d\d)-(?P<a>\d\d)\b(?P<sep>)", _in_figures
    yield r"\b(?P<a>\d{1,2})(?P<sep>[./])(?P<b>\d{1,2})(?P=sep)(?P<year>20\d\d|\d\d)\b", _in_figures
    yield (
        r"\b(?:am|ab|bis|zum|vom|dem|den|nach|le|el|il|on|until|till)\s+(?P<named>(?P<a>\d{1,2})(?P<sep>[./])"
        r"(?P<b>\d{1,2}))\b\.?(?P<year>)",
        _in_figures,
    )
    until = r"(?:\s*[-–]\s*|\s+(?:to|bis|zum|au|al|a|t/m|tot)\s+)"
    at = rf"(?:(?P<first>\d{{1,2}})\.?{until})?"
    yield (
        rf"\b(?:week|semaine|woche|semana|settimana) (?:of|du|vom|del|da|van)(?: the)? {_DAY}\s+(?:de |of )?"
        rf"(?P<month>{_MONTH})\b{_YEAR}",
        _week_of,
    )
    yield rf"\b{at}{_DAY}\s+(?:de |of )?(?P<month>{_MONTH})\b\.?{_YEAR}", _of_month
    yield rf"\b(?P<month>{_MONTH})\.?\s+{_DAY}(?!\d){_YEAR}", _of_month
    yield r"\b(?:kw|week|semaine|semana|settimana)\s?(?P<week>\d{1,2})\b", _iso_week
    yield rf"\b(?P<named>{_PART}(?P<month>{_MONTH})\b{_YEAR})", _month
    yield rf"{_PREPOSITION}(?P<named>(?P<mid>)(?P<end>)(?P<month>{_MONTH})\b{_YEAR})", _month
    quarter = r"(?:quarter|quartal|trimestre|kwartaal)"
    yield (
        rf"\b(?:q(?P<figure>[1-4])|(?P<figure_before>[1-4])\S{{0,2}} {quarter}|(?P<word>{_ORDINAL}) {quarter}){_YEAR}",
        _span(3),
    )
    half = r"(?:half|halbjahr|jahreshälfte|semestre|halfjaar|helft)"
    yield (
        rf"\b(?:h(?P<figure>[12])|(?P<figure_before>[12])\S{{0,2}} {half}|(?P<word>{_ORDINAL}) {half})"
        rf"(?: of the year)?\b{_YEAR}",
        _span(6),
    )
    yield rf"{_AHEAD}a fortnight\b|\bfortnight{_FROM_NOW}", lambda hit, today: (today + timedelta(days=14), None)
    for units, read in ((_WEEKS, _weeks_on), (_MONTHS_LONG, _months_ahead)):
        count = rf"(?P<count>\d{{1,2}}|{_COUNT})(?: of)? {units}\b"
        yield f"{_AHEAD}(?:about |a )?{count}", read
        yield rf"\b{count}{_FROM_NOW}", read
    yield (
        r"\bnext month\b|\bnächsten monat\b|\ble mois prochain\b|\bel (?:próximo mes|mes (?:que|q) viene)\b"
        r"|\b(?:no )?(?:mês que vem|próximo mês)\b|\bvolgende maand\b|\bil mese prossimo\b|\bil prossimo mese\b",
        lambda hit, today: (_months_on(today.replace(day=1), 1), None),
    )
    yield (
        r"\bnext year\b|\bnächste[ns]? jahr\b|\bl'an prochain\b|\bl'année prochaine\b|\b(?:el )?(?:próximo año"
        r"|año que viene)\b|\b(?:ano que vem|próximo ano)\b|\bvolgend jaar\b|\bl'anno prossimo\b|\bil prossimo anno\b",
        lambda hit, today: (date(today.year + 1, 1, 1), None),
    )
    yield r"\b(?:tomorrow|demain|mañana|amanhã|domani)\b", lambda hit, today: (today + timedelta(days=1), None)
    yield rf"\b(?:on|until|till?|by|after|before|from)\s+(?P<named>the {_DAY}(?!\d)(?<=[a-z]))", _day_of_month
    yield rf"\b(?P<weekday>{WEEKDAY})\b(?!,?\s+(?:the |den |le |el )?\d)", _weekday


_READINGS = [(re.compile(pattern, re.I), read) for pattern, read in _readings()]
