"""The patterns of dates in seven languages, the most exact first, each with its reader. For folded text.

No part of a pattern is unbounded, so that no text is slow.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from services.outreach.replies.rules import date_parsing as parsing
from services.outreach.replies.rules import date_words as words
from services.outreach.replies.rules.date_parsing import WEEKDAY, Reader

_MONTH = words.one_of(parsing.MONTH_OF)
_CLEAR_MONTH = words.one_of([month for month in parsing.MONTH_OF if month not in words.NEEDS_A_DAY])
_SHORT_WEEKDAY = words.one_of(words.numbered(words.SHORT_WEEKDAYS, 0))
_COUNT, _ORDINAL = words.one_of(parsing.COUNT_OF), words.one_of(parsing.ORDINAL_OF)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|ste|de|e|o|°|\.)?"
_YEAR = rf"(?:,? (?:de |del |do )?(?:(?P<year>20\d\d)|(?:of )?(?P<year_on>{words.NEXT_YEAR})))?"
_OF = r"(?:of |de |di |d'|do |del )?"


def _readings() -> Iterator[tuple[str, str, Reader]]:
    """Patterns with what they name and their readers, the most exact first."""
    yield r"\b(?P<year>20\d\d)[-/](?P<b>\d\d)[-/](?P<a>\d\d)\b(?P<sep>)", "figures", parsing.year
    yield (
        r"(?<![\d.])(?P<a>\d{1,2})(?P<sep>[./-]) ?(?P<b>\d{1,2})(?P=sep) ?(?P<year>20\d\d|\d\d)\b(?![.:]\d)",
        "figures",
        parsing.year,
    )
    yield (
        r"(?<![\d.,/])(?P<a>\d{1,2})(?P<sep>\.) ?(?P<b>\d{1,2})\.(?P<year>)(?!\d)",
        "figures",
        parsing.year,
    )
    before = (
        rf"(?:am|ab|bis|zum|vom|dem|den|der|nach|le|el|il|on|until|till?|from|em|dia|o dia|a|al|au|as of|back"
        rf"|{WEEKDAY}|ma|di|wo|do|vr|za"
        rf"|zo|{_SHORT_WEEKDAY}|op|tot|t/m|vanaf|rientro|volto|retorno|vuelvo|retour|fino al|dal|ate|de|through"
        rf"|thru|ooo|off|weer|terug|return\w{{0,4}}|resum\w{{1,4}}|reopen\w{{0,4}}|wieder|zuruck|reprise|rentree|regreso|vuelta"
        rf"|regresso|volta|ritorno|torno)"
    )
    yield (
        rf"(?:\b{before}[,:]? |\(|-|–|^)(?P<named>(?P<a>\d{{1,2}})(?P<sep>[./])(?P<b>\d{{1,2}}))(?P<year>)(?![\d%/]"
        rf"|[.,:]\d)",
        "figures",
        parsing.year,
    )
    yield (
        r"(?<![\d.,/])(?P<a>\d{1,2})(?P<sep>[./])(?P<b>\d{1,2})(?P<year>)"
        r"(?= (?:wieder|zuruck|back|weer|terug|de retour|de nuevo|de vuelta|de volta|di nuovo)\b)",
        "figures",
        parsing.year,
    )
    until = rf"(?: ?[-–] ?| {words.CONNECTORS} |, ?)"
    many = (
        rf"(?:(?P<first>\d{{1,2}})(?:st|nd|rd|th|er|o|\.)?(?:, ?\d{{1,2}}\.?){{0,4}}"
        rf"{until}(?:(?:the|le|el|{WEEKDAY}) )?)?"
    )
    week = r"(?:week|semaine|woche|semana|settimana)"
    yield (
        rf"\b{week} (?:of|du|vom|del|da|van|do|dal)(?: the)?(?: dia)? {_DAY} {_OF}(?P<month>{_MONTH})\b{_YEAR}",
        "day",
        parsing.week_of,
    )
    yield rf"(?<![\d.,:]){many}{_DAY} ?{_OF}(?P<month>{_MONTH})\b\.?{_YEAR}", "day", parsing.of_month
    yield (
        rf"\b(?P<month>{_MONTH})\.? (?:the |le )?(?:(?P<first>\d{{1,2}})(?:st|nd|rd|th)?{until})?{_DAY}(?![\d:]"
        rf"|h\b){_YEAR}",
        "day",
        parsing.of_month,
    )
    nth = rf"\b(?P<nth>{_ORDINAL}) "
    yield (
        rf"{nth}(?:full )?(?:{week}|(?P<weekday>{WEEKDAY})) (?:of|in|im|de|d'|do|van|di"
        rf"|en) ?(?P<month>{_MONTH})\b{_YEAR}",
        "day",
        parsing.nth_in_month,
    )
    yield (
        rf"{nth}(?:half|halfte|quincena|quinzena|quinzaine|helft|meta) (?:of|im|de|d'|do|van"
        rf"|di) ?(?P<month>{_MONTH})\b{_YEAR}",
        "day",
        parsing.half_of_month,
    )
    half_month = r"(?:half|halfte|quincena|quinzena|quinzaine|helft|meta)"
    yield rf"{nth}{half_month}\b(?! (?:of|im|de|d'|do|van|di)\b)", "day", parsing.half_of_base
    yield r"\b(?:kw|wk|week|semaine|semana|settimana) ?(?P<week>\d{1,2})\b(?! (?:weeks|times))", "day", parsing.iso_week
    part = rf"(?:(?P<mid>{words.MID})[ -]|(?P<end>{words.END}) |{words.EARLY} )"
    yield rf"\b{part}{_OF}(?P<month>{_MONTH})\b\.?{_YEAR}", "part", parsing.month
    year = r"(?P<year>20\d\d)"
    yield (
        rf"\b(?:for|in|until|till?|from|erst|ab|en|em|nel|dal|voor|vanaf|pas in|auf|pour|para|haushalt|jusqu'en"
        rf"|begin|inicio de|principios de|debut|inizio|early|beginning of|start of|anfang|fruhestens"
        rf"|(?P<mid>medio|mitte|mid|mediados de|meados de|mi))[ -]{year}\b",
        "period",
        parsing.year,
    )
    yield rf"\b{words.BEFORE_MONTH} (?P<named>(?P<month>{_MONTH})\b\.?{_YEAR})", "month", parsing.month
    yield rf"\b(?P<named>(?P<month>{_CLEAR_MONTH})\b\.?{_YEAR})(?! \d)", "month", parsing.month
    yield from _parts_of_years()
    yield from _spans()
    yield from _periods()
    yield from _single_days()


def _parts_of_years() -> Iterator[tuple[str, str, Reader]]:
    """Quarters and half years by number, the next ones, the next month and year; and the end or middle of each."""
    part = rf"(?:(?:(?P<mid>{words.MID})|(?P<end>{words.END})|{words.EARLY})[ -]{words.OF_A_PART})?"
    end = rf"(?P<end>{words.END}) {words.OF_A_PART}"
    half = r"(?:half|halbjahr|jahreshalfte|semestre|halfjaar|helft|semester)"
    for unit, letters, months in ((words.QUARTER, "qt", 3), (half, "hs", 6)):
        numbers = f"1-{12 // months}"
        yield (
            rf"\b{part}(?:[{letters}](?P<figure>[{numbers}])|(?P<figure_before>[{numbers}])\S{{0,2}} ?(?:{unit}|tri\b)"
            rf"|(?P<word>{_ORDINAL}) {unit})\b(?: of the year)?(?: (?:of|de|van|del|do))?{_YEAR}",
            "period",
            parsing.part_of_year(months),
        )
    yield rf"\b{part}{words.NEXT_QUARTER}\b", "period", parsing.next_part_of_year(3)
    yield rf"\b{part}{words.NEXT_HALF_YEAR}\b", "period", parsing.next_part_of_year(6)
    yield rf"\b{part}{words.NEXT_MONTH}\b", "month", parsing.next_month
    yield (
        rf"\b{part}(?:{words.MONTH_AFTER_NEXT})\b",
        "month",
        lambda hit, today: parsing.next_month(hit, parsing.months_on(today.replace(day=1), 1)),
    )
    yield rf"\b{part}{words.NEXT_YEAR}\b", "period", parsing.next_year
    yield rf"\b{end}{words.QUARTER}\b|\bquartalsende\b|\bkwartaaleinde\b", "part", parsing.end_of_quarter


def _spans() -> Iterator[tuple[str, str, Reader]]:
    ahead = (
        r"\b(?:in|within|another|after|dans|ds|en|dentro de|daqui a|daqui|em|tra|fra|over|binnen|nach|give (?:me"
        r"|us|him|her|it|them)|need|allow|wait"
        r"|laissez-moi|laissez-nous|donnez-moi|donnez-nous|laisse-moi|respirar|dale|dame|deme|denos|danos|gib mir"
        r"|gebt (?:uns|mir)|geben sie (?:mir|uns|ihr|ihm)"
        r"|me da|me de|espera|espere|aguarde|dammi|datemi|mi dia|geef (?:me|mij|ons)|wacht|noch|encore|ainda"
        r"|ancora|nog|bel over) "
    )
    about = r"(?:about |around |etwa |environ |unos? |una |circa |ongeveer |another |other |noch |good |ca\.? |guten )?"
    from_now = r"(?: (?:from (?:now|today)|later|hence|out)\b|'? time\b)"
    yield rf"{ahead}a fortnight\b|\bfortnight{from_now}", "span", lambda hit, today: (today + timedelta(days=14), None)
    yield (
        rf"\b(?:in|over|dans|en|tra|fra|daqui a|binnen|after|nach) {about}(?:a |an |een |einem |un |une |um )?"
        r"(?:half (?:a )?year|half jaar|halben jahr|medio ano|mezz(?:o |')anno|meio ano|demi-annee)\b",
        "span",
        lambda hit, today: (parsing.months_on(today, 6), None),
    )
    yield (
        rf"\b(?:een|a|un|una|uma|eine?n?) (?:{words.WEEKS_UNIT}) (?:of|or|ou|o|oder) (?P<more>{_COUNT})\b(?P<count>)",
        "span",
        parsing.ahead(days=7),
    )
    yield (
        rf"\b(?:een|a|un|una|uma|eine?n?) (?:{words.MONTHS_UNIT}) (?:of|or|ou|o"
        rf"|oder) (?P<more>{_COUNT})\b(?P<count>)",
        "span",
        parsing.ahead(months=1),
    )
    more = (
        rf"(?:(?:un|um|een|a|una) (?=par|couple|paio))?(?P<count>\d{{1,2}}|{_COUNT})(?: (?:of|de|di))?"
        rf"(?: ?(?:or|oder|ou|o|a|of|-|to|bis|,|,? oder) ?(?P<more>\d{{1,2}}|{_COUNT}))?"
    )
    units: tuple[tuple[str, Reader], ...] = (
        (words.DAYS_UNIT, parsing.ahead(days=1)),
        (words.WEEKS_UNIT, parsing.ahead(days=7)),
        (words.MONTHS_UNIT, parsing.ahead(months=1)),
        (words.YEARS_UNIT, parsing.ahead(months=12)),
    )
    for unit, read in units:
        yield rf"{ahead}{about}{more} {unit}\b(?! (?:ago|back ago))", "span", read
        yield rf"\b{more} {unit}{from_now}", "span", read
        yield rf"(?:^|[.!?] ){more} {unit}\b(?! (?:ago|later|alt|old))", "span", read


def _periods() -> Iterator[tuple[str, str, Reader]]:
    yield rf"\b{words.CHRISTMAS}\b", "feast", lambda hit, today: (parsing.in_year(12, 25, None, today), None)
    yield rf"\b{words.END_OF_MONTH}\b", "part", parsing.end_of_month
    yield rf"\b{words.MID_OF_MONTH}\b", "part", parsing.mid_of_month
    yield rf"\b{words.END_OF_YEAR}\b", "part", lambda hit, today: (date(today.year, 12, 31), None)
    yield rf"\b(?:{words.NEW_YEAR})\b", "period", lambda hit, today: (date(today.year + 1, 1, 1), None)
    yield (
        rf"\b(?:after|nach|apres|despues de|dsp de|dps d[ae]|pasado|depois d[ae]|na|dopo|passee?s?) (?:the |la "
        rf"|le |de )?{words.EASTER}\b",
        "period",
        parsing.after_easter,
    )


def _single_days() -> Iterator[tuple[str, str, Reader]]:
    yield rf"\b(?:{words.AFTER_TOMORROW})\b", "day", lambda hit, today: (today + timedelta(days=2), None)
    yield rf"\b(?:{words.TOMORROW})\b", "tomorrow", lambda hit, today: (today + timedelta(days=1), None)
    yield (
        rf"\b(?:{words.WEEK_AFTER_NEXT})\b",
        "week",
        lambda hit, today: parsing.next_monday(hit, today + timedelta(days=7)),
    )
    of_week = r"(?:(?:on|of|in|der|in der|de|de la|da|am|op|van|della|den) )?"
    yield rf"\b(?P<weekday>{WEEKDAY}),? {of_week}(?:{words.NEXT_WEEK})\b", "day", parsing.weekday_of_next_week
    yield rf"\b(?:{words.NEXT_WEEK}),? {of_week}(?P<weekday>{WEEKDAY})\b", "day", parsing.weekday_of_next_week
    yield rf"\b(?:{words.NEXT_WEEK})\b", "week", parsing.next_monday
    week = r"(?:week|semaine|woche|semana|settimana)"
    yield rf"\b{week} (?:of|du|vom|del|da|van|do|dal)(?: the)?(?: dia)? {_DAY}(?!\d)", "day", parsing.week_of_day
    no_unit = rf"(?![\w:/%]|[.,]\d|h\b| ?{words.UNITS_OF_OTHER_THINGS})"
    yield (
        rf"\b(?P<weekday>{WEEKDAY}|{_SHORT_WEEKDAY}),? (?:the |den |le |el |il |dem |dia "
        rf"|de )?(?:dia )?{_DAY}{no_unit}",
        "day",
        parsing.named_weekday,
    )
    yield (
        rf"\b(?P<named>{_DAY})(?<=st|nd|rd|th)\b"
        r"(?= ?[^\w ]|$| (?:and|or|to|if|please|pls|then|thx|at|it|i|we|onwards?|is|will)\b)",
        "day",
        parsing.day_of_month,
    )
    yield (
        rf"\b(?:the|o dia|el dia|dia|dias|al|dal|dall'|l'|au|den|dem|zum) ?(?:{WEEKDAY} )?(?P<named>{_DAY}){no_unit}",
        "day",
        parsing.day_of_month,
    )
    yield (
        rf"\b(?:le|el|il|am|de|del|do|ab|bis|tot|op|til|until|on|from|after|back|les|um den|port|na) "
        rf"(?P<named>{_DAY}){no_unit}(?= ?(?:[.,;:!?)\n]|$|inclu|compris|y |e |et |und |en ))",
        "day",
        parsing.day_of_month,
    )
    yield (
        rf"\b(?:after the|despues del|dsp del|pasado el|depois do dia|dps do dia|nach dem|apres le|na de"
        rf"|dopo il) (?P<named>{_DAY}){no_unit}",
        "day",
        parsing.day_of_month,
    )
    yield r"\bde (?P<named>(?P<day>\d{1,2})(?:e|ste|de))\b", "day", parsing.day_of_month
    not_second = (
        r"(?:quinzena|quincena|semana|half|halfte|semester|semestre|week|metade|parte|vez|via|fase|opcion|opcao)"
    )
    exclude = rf"(?!-feira| {words.AFTER_IT}\b| {not_second}|s\b|,? (?:the |den |le |el |il |dem |dia )?(?:dia )?\d)"
    yield (
        rf"\b(?P<named>(?P<weekday>{WEEKDAY}))(?:ochtend|middag|avond|morgen|fruh|abend|vormittag"
        rf"|nachmittag)?\b{exclude}",
        "weekday",
        parsing.weekday,
    )
    yield (
        rf"\b(?:on|until|till?|back|by|see you|from|next|this"
        rf"|through) (?P<named>(?P<weekday>{_SHORT_WEEKDAY}))\b(?!-)",
        "weekday",
        parsing.weekday,
    )
    yield rf"\b(?P<weekday>{WEEKDAY}) {words.AFTER_IT}\b", "day", parsing.weekday_after
    yield rf"\b{week} {words.AFTER_IT}\b", "day", parsing.week_after


COUNTED_ON: frozenset[Reader] = frozenset(
    (
        parsing.day_of_month,
        parsing.week_of_day,
        parsing.weekday_after,
        parsing.week_after,
        parsing.named_weekday,
        parsing.end_of_month,
        parsing.mid_of_month,
        parsing.half_of_base,
    )
)
"""Readers that count on from the day that the text named before."""
READINGS = [(re.compile(pattern, re.M), kind, read) for pattern, kind, read in _readings()]
