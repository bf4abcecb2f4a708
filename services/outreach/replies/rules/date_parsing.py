"""How each way of naming a date is read: from a match and today to a day, or a span. Pure.

`base` in the place of today: the day that the text named before, from which "the Monday after" is counted.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

from services.outreach.replies.rules import date_words as words

MONTH_OF = words.numbered(words.MONTHS, 1)
DAY_OF = words.numbered(words.WEEKDAYS, 0) | words.numbered(words.SHORT_WEEKDAYS, 0)
COUNT_OF = words.numbered(words.COUNTS, 1)
ORDINAL_OF = words.numbered(words.ORDINALS, 1)
_HALF_A_YEAR = timedelta(days=180)
_LONG_PAST = timedelta(days=120)

WEEKDAY = words.one_of(words.numbered(words.WEEKDAYS, 0))

Days = tuple[date, date | None]
"""A day and, of a span that ends with it, the first."""
Reader = Callable[[re.Match[str], date], Days | None]

_WEEKDAY_BEFORE = re.compile(rf"\b({WEEKDAY}),? ?(?:(?:the|den|dem|le|el|il|dia|de) ?)?$")
_NEXT = re.compile(r"\b(?:next|nachste[nrms]?) $")
_SEASON = re.compile(
    r"\b(?:spring|summer|autumn|fall|winter|fruhling|fruhjahr|sommer|herbst|printemps|ete|automne|hiver|primavera|verano"
    r"|otono|invierno|verao|outono|inverno|estate|autunno|voorjaar|zomer|najaar|herfst)\b[ a-z']{0,10}$"
)
_ENGLISH = re.compile(
    r"\b(?:the|i'm|i am|back|until|will|away|my|out|off|return\w{0,4}|from|please|ask|try|again"
    r"|call|we|you)\b"
)


def in_year(month: int, day: int, year: str | None, today: date) -> date:
    """The day in the named year, or without one the first such day that is not long past."""
    if year:
        return date(int(year), month, day)
    near = date(today.year, month, day)
    return near.replace(year=today.year + 1) if today - near > _LONG_PAST else near


def year_of(hit: re.Match[str], today: date) -> str | None:
    return hit["year"] or (str(today.year + 1) if hit["year_on"] else None)


def of_month(hit: re.Match[str], today: date) -> Days:
    month, day, year = MONTH_OF[hit["month"]], int(hit["day"]), year_of(hit, today)
    last = in_year(month, day, year, today)
    weekday = _WEEKDAY_BEFORE.search(hit.string[max(0, hit.start() - 30) : hit.start()])
    if weekday and not year and last.weekday() != DAY_OF[weekday[1]]:
        near = (date(today.year + years, month, day) for years in (0, 1))
        last = next((each for each in near if each > today and each.weekday() == DAY_OF[weekday[1]]), last)
    first = hit.groupdict().get("first")
    return last, last.replace(day=int(first)) if first and int(first) <= day else None


def in_figures(hit: re.Match[str], today: date, month_first: bool | None) -> Days | None:
    a, b, year = int(hit["a"]), int(hit["b"]), hit["year"]
    full = f"20{year[-2:]}" if year else None
    if hit["sep"] != "/":
        return in_year(b, a, full, today), None
    if (a, b) == (24, 7):
        return None
    english = bool(_ENGLISH.search(hit.string))
    if month_first is None and a != b and a <= 12 and b <= 12 and english:
        # 3/4 is the third of April or the fourth of March: the later one that is ahead
        both = [in_year(b, a, full, today), in_year(a, b, full, today)]
        ahead = [day for day in both if timedelta() < day - today < _HALF_A_YEAR]
        return (max(ahead) if ahead else max(both)), None
    if b > 12 and not english and not full:
        return None  # 11/26 is a month and a year
    day, month = (b, a) if month_first and b > 0 and a <= 12 else (a, b)
    return in_year(month, day, full, today), None


def month(hit: re.Match[str], today: date) -> Days | None:
    named = year_of(hit, today)
    month, year = MONTH_OF[hit["month"]], int(named or today.year)
    part = hit.groupdict()
    whole = not (part.get("mid") or part.get("end"))
    if not named and month < today.month + (1 if whole else 0):
        year += 1
        if month + 12 - today.month > 10:
            return None  # the last one is meant
    return part_of(date(year, month, 1), part.get("mid"), part.get("end"))


def part_of(first: date, mid: str | None, end: str | None) -> Days:
    if end:
        return months_on(first, 1) - timedelta(days=1), None
    return first.replace(day=15) if mid else first, None


def months_on(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    length = (date(first.year + first.month // 12, first.month % 12 + 1, 1) - first).days
    return first.replace(day=min(day.day, length))


def end_of_month(hit: re.Match[str], base: date) -> Days:
    return part_of(base.replace(day=1), None, "end")


def mid_of_month(hit: re.Match[str], base: date) -> Days:
    month = base if base.day < 15 else months_on(base, 1)
    return month.replace(day=15), None


def _of_period(first: date, months: int, hit: re.Match[str]) -> date:
    """The first day of a period, its middle, or its last day, by what the text says of it."""
    named = hit.groupdict()
    if named.get("end"):
        return months_on(first, months) - timedelta(days=1)
    if named.get("mid"):
        middle = months_on(first, months // 2)
        return middle if months > 3 else middle.replace(day=15)
    return first


def part_of_year(months: int) -> Reader:
    """Reads a quarter or half year by its number, in this year or the next."""

    def read(hit: re.Match[str], today: date) -> Days:
        number = next(value for value in (hit["figure"], hit["figure_before"], hit["word"]) if value)
        which = int(number) if number.isdigit() else ORDINAL_OF[number]
        year = year_of(hit, today)
        first = date(int(year or today.year), (which - 1) * months + 1, 1)
        day = _of_period(first, months, hit)
        return (day if year or day > today else _of_period(months_on(first, 12), months, hit)), None

    return read


def _first_of_period(day: date, months: int) -> date:
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def next_part_of_year(months: int) -> Reader:
    """Reads the quarter or half year after this one."""
    return lambda hit, today: (_of_period(months_on(_first_of_period(today, months), months), months, hit), None)


def next_month(hit: re.Match[str], today: date) -> Days:
    return _of_period(months_on(today.replace(day=1), 1), 1, hit), None


def next_year(hit: re.Match[str], today: date) -> Days | None:
    if _SEASON.search(hit.string[max(0, hit.start() - 20) : hit.start()]):
        return None  # "spring of next year" is no day
    return _of_period(date(today.year + 1, 1, 1), 12, hit), None


def end_of_quarter(hit: re.Match[str], today: date) -> Days:
    return months_on(_first_of_period(today, 3), 3) - timedelta(days=1), None


def counted(text: str) -> int:
    return int(text) if text.isdigit() else COUNT_OF[text]


def ahead(days: int = 0, months: int = 0) -> Reader:
    """Reads a distance from today, in so many days or months for each one counted. Of "two or three" the greater."""

    def read(hit: re.Match[str], today: date) -> Days:
        count = counted(hit["more"] or hit["count"])
        return (today + timedelta(days=days * count) if days else months_on(today, months * count)), None

    return read


def iso_week(hit: re.Match[str], today: date) -> Days:
    monday = date.fromisocalendar(today.year, int(hit["week"]), 1)
    return (monday if monday > today else date.fromisocalendar(today.year + 1, int(hit["week"]), 1)), None


def week_of(hit: re.Match[str], today: date) -> Days:
    day, _ = of_month(hit, today)
    return day - timedelta(days=day.weekday()), None


def week_of_day(hit: re.Match[str], today: date) -> Days:
    day, _ = day_of_month(hit, today)
    return day - timedelta(days=day.weekday()), None


def nth_in_month(hit: re.Match[str], today: date) -> Days | None:
    """The second week of a month starts on its second Monday; so for any other weekday."""
    named = month(hit, today)
    if not named:
        return None
    first, which = named[0], ORDINAL_OF[hit["nth"]]
    weekday = DAY_OF[hit["weekday"]] if hit["weekday"] else 0
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1)), None


def half_of_month(hit: re.Match[str], today: date) -> Days | None:
    named = month(hit, today)
    return (named[0].replace(day=16 if ORDINAL_OF[hit["nth"]] == 2 else 1), None) if named else None


def half_of_base(hit: re.Match[str], base: date) -> Days | None:
    first, second = base.replace(day=1), ORDINAL_OF[hit["nth"]] == 2
    return (first.replace(day=16) if second else months_on(first, 1), None)


def day_of_month(hit: re.Match[str], today: date) -> Days:
    """The next day with this number, today or later."""
    number = int(hit["day"])
    month = today.replace(day=1)
    for _ in range(13):
        day = month + timedelta(days=number - 1)
        if day.month == month.month and day >= today:
            return day, day.replace(day=int(first)) if (first := hit.groupdict().get("first")) and int(
                first
            ) < number else None
        month = months_on(month, 1)
    raise ValueError("no such day")


def weekday(hit: re.Match[str], today: date) -> Days:
    """The weekday after today; "next Friday", said on a Monday, is the one of the next week."""
    ahead = (DAY_OF[hit["weekday"]] - today.weekday() - 1) % 7 + 1
    if today.weekday() + ahead < 7 and _NEXT.search(hit.string[max(0, hit.start() - 12) : hit.start()]):
        ahead += 7
    return today + timedelta(days=ahead), None


def year(hit: re.Match[str], today: date) -> Days | None:
    year = int(hit["year"])
    if year <= today.year or year > today.year + 5:
        return None
    return date(year, 7 if hit["mid"] else 1, 1), None


def after_easter(hit: re.Match[str], today: date) -> Days:
    """The Tuesday after Easter, which is the first working day almost everywhere."""
    ahead = (easter(year) + timedelta(days=2) for year in (today.year, today.year + 1))
    return next(day for day in ahead if day > today), None


def easter(year: int) -> date:
    """Easter Sunday (Meeus, Jones and Butcher's computation for the Gregorian calendar)."""
    a, (b, c) = year % 19, divmod(year, 100)
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    month, day = divmod(h + k - 7 * ((a + 11 * h + 22 * k) // 451) + 114, 31)
    return date(year, month, day + 1)


def next_monday(hit: re.Match[str], today: date) -> Days:
    monday = today + timedelta(days=7 - today.weekday())
    return monday, None


def weekday_of_next_week(hit: re.Match[str], today: date) -> Days:
    return next_monday(hit, today)[0] + timedelta(days=DAY_OF[hit["weekday"]]), None


def weekday_after(hit: re.Match[str], base: date) -> Days:
    """ "The Monday after": counted from the day that the text named before."""
    return weekday(hit, base + timedelta(days=1))


def week_after(hit: re.Match[str], base: date) -> Days:
    return next_monday(hit, base + timedelta(days=1))


def named_weekday(hit: re.Match[str], base: date) -> Days:
    """ "Tuesday the 13th": the day with this number that is such a weekday, today too, or the next one."""
    number, weekday = int(hit["day"]), DAY_OF[hit["weekday"]]
    for months in range(3):
        day = months_on(base.replace(day=1), months) + timedelta(days=number - 1)
        if day >= base and day.weekday() == weekday:
            return day, None
    return day_of_month(hit, base)
