"""What a calendar sends (RFC 5546) in words: an answer to our invitation, an invitation, a cancellation."""

import re
from dataclasses import dataclass
from datetime import datetime

MAX_TEXT = 200_000
MAX_LINES = 5_000

_ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
_BY_METHOD = {"COUNTER": "countered", "REQUEST": "invited", "CANCEL": "cancelled"}
_WORDS = {
    "accepted": "Accepted",
    "declined": "Declined",
    "tentative": "Tentatively accepted",
    "countered": "Proposed another time",
    "invited": "Invited",
    "cancelled": "Cancelled",
}
WANTS_TO_MEET = frozenset({"accepted", "tentative", "countered", "invited"})
"""Answers of somebody who wants to meet; the others say no to a time, and nothing of the rest."""
_PARTSTAT = re.compile(r";\s?PARTSTAT=\"?([A-Z-]{1,30})", re.I)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d{0,2}(Z?))?")
_ZONE = re.compile(r";\s?TZID=\"?([^\";:]{1,60})", re.I)


@dataclass(frozen=True, slots=True)
class CalendarAnswer:
    """`answer`: accepted, declined, tentative, countered (with another time), invited or cancelled.

    `words`: the same for people, with the meeting. `comment`: what the writer typed for it.
    """

    answer: str
    words: str
    comment: str = ""


def read(text: str, method: str = "") -> CalendarAnswer | None:
    """What a text/calendar part says, or None where it is none of these. `method`: of its Content-Type."""
    lines = _unfolded(text)
    fields: dict[str, tuple[str, str]] = {}
    status = ""
    inside = ""
    for line in lines:
        name, parameters, value = _parts(line)
        if name == "BEGIN":
            inside = value.upper()
        elif name == "ATTENDEE" and inside in ("VEVENT", "VTODO") and (hit := _PARTSTAT.search(parameters)):
            status = status or hit.group(1).upper()
        elif inside not in ("VTIMEZONE", "STANDARD", "DAYLIGHT", "VALARM"):
            fields.setdefault(name, (parameters, value))
    method = (fields.get("METHOD", ("", ""))[1] or method).strip().upper()
    answer = _ANSWERS.get(status, "") if method == "REPLY" else _BY_METHOD.get(method, "")
    if not answer:
        return None
    what = ", ".join(part for part in (_text(fields, "SUMMARY"), _time(fields)) if part)
    words = f"{_WORDS[answer]}: {what}" if what else _WORDS[answer]
    return CalendarAnswer(answer, words, _text(fields, "COMMENT"))


def _unfolded(text: str) -> list[str]:
    lines: list[list[str]] = []
    for line in text[:MAX_TEXT].split("\n", MAX_LINES)[:MAX_LINES]:
        line = line.rstrip("\r")
        if line[:1] in (" ", "\t") and lines:
            lines[-1].append(line[1:])
        else:
            lines.append([line])
    return ["".join(pieces) for pieces in lines]


def _parts(line: str) -> tuple[str, str, str]:
    """(name, parameters, value): the value begins after the first colon that is not in quotes."""
    quoted = False
    for index, letter in enumerate(line[:2_000]):
        if letter == '"':
            quoted = not quoted
        elif letter == ":" and not quoted:
            name, _, parameters = line[:index].partition(";")
            return name.strip().upper(), f";{parameters}", line[index + 1 :].strip()
    return "", "", ""


def _text(fields: dict[str, tuple[str, str]], name: str) -> str:
    value = fields.get(name, ("", ""))[1][:2_000]
    return re.sub(r"\\([\\;,nN])", lambda hit: "\n" if hit.group(1) in "nN" else hit.group(1), value).strip()


def _time(fields: dict[str, tuple[str, str]]) -> str:
    parameters, value = fields.get("DTSTART", ("", ""))
    hit = _TIME.match(value)
    if not hit:
        return ""
    year, month, day, hour, minute, utc = hit.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0))
    except ValueError:
        return ""
    words = f"{moment:%A} {moment.day} {moment:%B} {moment.year}"
    if hour is None:
        return words
    zone = _ZONE.search(parameters)
    return f"{words} at {moment:%H:%M}" + (" UTC" if utc else f" ({zone.group(1).strip()})" if zone else "")
