"""Dates that a text names, in seven languages: "mid October", "KW 37", "in two months", "till the 21st". Pure.

All texts here are folded (`date_words.fold`): lower case, no accents.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

from services.outreach.replies.rules import date_words as words
from services.outreach.replies.rules.date_parsing import WEEKDAY, in_figures
from services.outreach.replies.rules.date_patterns import COUNTED_ON, READINGS

_LONGEST = 3_000
"""Characters of a text that are searched for dates. The date of a letter stands in its first lines."""
_MOST = 60
"""Days that are read in one text. A text with more of them is a table, and names no day to come back."""


@dataclass(frozen=True, slots=True)
class NamedDay:
    """A day that a text names, and where. `from_`: the first day of a span that ends with it.

    `kind`: "day", "month" (the day is its first), "weekday", "span" (a distance from today), or "period".
    """

    start: int
    end: int
    day: date
    from_: date | None
    kind: str


def named_days(folded: str, today: date) -> list[NamedDay]:
    """The days that a folded text names, in their order. Where several readings overlap, the most exact one counts."""
    folded = folded[:_LONGEST]
    month_first = _month_first(folded)
    found: list[NamedDay] = []
    for pattern, kind, read in READINGS:
        for hit in pattern.finditer(folded):
            if len(found) >= _MOST:
                break
            if any(hit.start() < other.end and other.start < hit.end() for other in found):
                continue
            try:
                base = _named_before(found, hit, today) if read in COUNTED_ON else today
                named = in_figures(hit, today, month_first) if kind == "figures" else read(hit, base)
            except (ValueError, OverflowError):
                continue
            if named:
                start = hit.start("named") if "named" in hit.re.groupindex else hit.start()
                end = hit.end() - (folded[hit.end() - 1] == ".")
                found.append(NamedDay(start, end, *named, "day" if kind == "figures" else kind))
    found = [each for each in found if each.kind != "feast"]
    return _joined(folded, _without_doubles(folded, sorted(found, key=lambda each: each.start)))


def _named_before(found: list[NamedDay], hit: re.Match[str], today: date) -> date:
    """The last day that is named before a bare number: "in November, on the 30th" is a day of that month."""
    before = [
        each
        for each in found
        if each.end <= hit.start() and each.day > today and each.kind in ("day", "month", "part", "feast")
    ]
    return max(before, key=lambda each: each.end).day if before else today


def next_workday(day: date) -> date:
    """The first Monday to Friday after a day."""
    after = day + timedelta(days=1)
    return after + timedelta(days=(7 - after.weekday()) % 7 if after.weekday() >= 5 else 0)


def _without_doubles(text: str, found: list[NamedDay]) -> list[NamedDay]:
    """Without the weekday in "22 September, Tuesday", which names no other day."""
    return [
        each
        for index, each in enumerate(found)
        if each.kind != "weekday"
        or not any(
            other.kind == "day" and not text[min(other.end, each.end) : max(other.start, each.start)].strip(" ,()")
            for other in found[max(0, index - 1) : index + 2]
        )
    ]


_JOINT = re.compile(rf" ?{words.CONNECTORS} ?(?:(?:the|den|le|el|il|l'|o|il|de) ?)?(?:(?:{WEEKDAY}),? ?)?")


def _joined(text: str, found: list[NamedDay]) -> list[NamedDay]:
    """Two days with "to", "and" or a dash between them are one span."""
    spans: list[NamedDay] = []
    for each in found:
        last = spans[-1] if spans else None
        if (
            last
            and {last.kind, each.kind} <= {"day", "weekday"}
            and last.day <= each.day
            and _JOINT.fullmatch(text[last.end : each.start])
        ):
            spans[-1] = replace(last, end=each.end, day=each.day, from_=last.from_ or last.day)
        else:
            spans.append(each)
    return spans


def _month_first(text: str) -> bool | None:
    """Whether the text writes 8/25 for the 25th of August; None where nothing tells."""
    pairs = [
        (int(hit[1]), int(hit[2])) for hit in re.finditer(r"(?<![\d/])(\d{1,2})/(\d{1,2})(?![\d/%])", text[:_LONGEST])
    ]
    pairs += [(int(hit[1]), int(hit[2])) for hit in re.finditer(r"(?<!\d)(\d{1,2})/(\d{1,2})/\d{2,4}", text[:_LONGEST])]
    if any(a > 12 >= b for a, b in pairs):
        return False
    if any(b > 12 >= a for a, b in pairs if b <= 31 and (a, b) != (24, 7)):
        return True
    return None
