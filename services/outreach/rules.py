"""What all parts of outreach agree on: kinds and stages, channels and modes, consent, sending windows. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib import resources
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

Channel = Literal["email", "sms"]
Kind = Literal["first", "follow_up", "answer", "nurture", "sequence"]
Mode = Literal["email_only", "sms_only", "blended"]
Status = Literal["new", "contacted", "qualified", "disqualified", "converted"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

CHANNELS: tuple[Channel, ...] = get_args(Channel)
DAYS: tuple[Day, ...] = get_args(Day)

MODES: Mapping[str, tuple[str, ...]] = {"email_only": ("email",), "sms_only": ("sms",), "blended": ("email", "sms")}
"""The channels that each outreach mode may use."""

KIND_STAGES: Mapping[str, frozenset[str]] = {
    "first": frozenset({"new"}),
    "answer": frozenset({"contacted", "engaged", "qualified", "meeting_completed", "nurture"}),
    "follow_up": frozenset({"qualified", "contacted"}),
    "nurture": frozenset({"nurture"}),
    "sequence": frozenset({"new", "contacted", "engaged", "qualified", "meeting_completed", "nurture"}),
}
"""The stages in which a message of a kind makes sense (`contacted` for a follow-up only after a revival)."""

REPLY_MOVES_FROM = frozenset({"new", "contacted", "nurture", "exhausted"})
"""The stages from which a reply moves a lead to `engaged`: those of the stages' rule `reply`."""

USED_UP_MOVES_FROM = frozenset({"new", "contacted"})
"""The stages from which used-up channels move a lead to `exhausted`: those of the stages' rule `used-up`."""

MEETING_RULES = frozenset({"meeting-booked", "meeting-passed"})
"""The stages' rules by which a lead has, or has had, a meeting."""

STATUS_STAGES: Mapping[Status, frozenset[str]] = {
    "new": frozenset({"new"}),
    "contacted": frozenset({"contacted", "engaged", "exhausted"}),
    "qualified": frozenset({"qualified", "scheduled", "meeting_completed"}),
    "disqualified": frozenset({"lost", "bad_phone", "bad_contact", "moved_company", "dead"}),
    "converted": frozenset({"won"}),
}
"""The stages of each status. A lead in `nurture` is `contacted` once a message was sent to it, `new` before."""

HUMAN = "human"
"""The method of a label that a human gave."""
AUTOMATIC_LABELS = frozenset({"out_of_office", "auto_reply", "bounce"})
"""Labels of messages that no person wrote: they do not count as a reply of the lead."""
ANSWERED_LABELS = frozenset({"interested", "question", "meeting_request"})
"""Labels of replies that get an answer drafted automatically."""


def is_outcome_open(state: str, message_id: str | None) -> bool:
    """Whether evidence that names the message of a dispatch may still show that it was sent.

    One that is queued again counts, too: it has its id since its first attempt, and a server that answered "not now"
    may have accepted it nevertheless. Nobody else can name an id that has not left.
    """
    return state in ("sending", "unknown") or (state == "queued" and message_id is not None)


def stage_for(
    kind: str, cause: str, cause_at: datetime, stage: str, stage_rule: str | None, stage_since: datetime | None
) -> tuple[str, str | None]:
    """The (stage, rule) of a lead by which a message to it is written, judged and sent.

    A reply that is answered also moves the lead to `engaged`, at its own time. As long as the known stage is older than
    the reply, that `stage.changed` has not been received.
    """
    is_behind = stage_since is None or stage_since < cause_at
    if kind == "answer" and cause == "reply" and is_behind and stage in REPLY_MOVES_FROM:
        return "engaged", "reply"
    return stage, stage_rule


def stage_refusal(kind: str, stage: str, stage_rule: str | None) -> str | None:
    """The reason why a message of this kind makes no sense in this stage, or None.

    `stage_rule`: the id of the rule that moved the lead into the stage.
    """
    if stage not in KIND_STAGES[kind]:
        return f"a message of kind {kind} makes no sense in stage {stage}"
    if kind == "follow_up" and stage == "contacted" and stage_rule != "revived":
        return "a follow-up in stage contacted makes sense only after a revival"
    return None


NOT_THEIRS = "the reply that it answers is not the lead's"
NOT_ANSWERED = "the reply that it answers has a label that gets no answer"
"""Stored as the reason, and found by it when the reply gets another label."""


def answer_refusal(label: str | None, *, automatic: bool) -> str | None:
    """The reason why a reply with this label (None: it is none of the lead's, any more) is not answered, or None.

    `automatic`: the label called for the answer. What a person asked for holds whatever the label.
    """
    if label is None:
        return NOT_THEIRS
    return NOT_ANSWERED if automatic and label not in ANSWERED_LABELS else None


def first_cause(cause_id: str) -> str:
    """The cause of a draft without the events after which it was rewritten."""
    return cause_id.partition("#")[0]


def consent_refusal(channel: str, consent: str, unknown_allows: Sequence[str]) -> str | None:
    """The reason why the lead's consent forbids the channel, or None. `unknown_allows`: a setting of the tenant."""
    if consent == "denied":
        return f"consent for {channel} is denied"
    if consent == "unknown" and channel not in unknown_allows:
        return f"nobody gave consent for {channel}"
    return None


FURTHEST = timedelta(days=3_650)
"""How far ahead people may put something off: what is further is a slip, and near the end of the calendar."""


def far_fault(until: datetime, now: datetime) -> str | None:
    """Why nothing can be put off until then, or None."""
    if until <= now:
        return "must be in the future"
    return f"must be within {FURTHEST.days} days" if until - now > FURTHEST else None


def is_recent(occurred_at: datetime, now: datetime, within_hours: float) -> bool:
    """Whether a cause is recent enough to start something. Imports and replays only change state."""
    return now - occurred_at <= timedelta(hours=within_hours)


CHECK_IN_INTERVAL = timedelta(days=30)


def next_check_in(entered_at: datetime, later_until: datetime | None, now: datetime) -> datetime:
    """When the next check-in of a lead in nurture falls due: when it asked for that, else 30 days after it entered.

    One whose time has passed already (an imported history) falls due 30 days from now.
    """
    due = later_until if later_until and later_until > entered_at else entered_at + CHECK_IN_INTERVAL
    return due if due >= now else now + CHECK_IN_INTERVAL


@lru_cache(maxsize=500)
def _holidays_of(country: str) -> holidays.HolidayBase:
    code, _, subdivision = country.partition("-")
    return holidays.country_holidays(code, subdiv=subdivision or None)


def is_country(country: str) -> bool:
    """Whether the holidays of this country (ISO 3166: `DE`, `DE-BY`) are known."""
    try:
        _holidays_of(country)
    except NotImplementedError:
        return False
    return True


def is_holiday(day: date, country: str | None) -> bool:
    """Whether the day is a public holiday of the country; None: of no country."""
    return country is not None and day in _holidays_of(country)


def is_working_day(day: date, country: str | None) -> bool:
    """Whether people work on that day: by the weekend and the holidays of the country, else from Monday to Friday."""
    return day.weekday() < 5 if country is None else bool(_holidays_of(country).is_working_day(day))


def local_moment(wanted: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC) at which the clocks of the zone first show that time (without a zone) or a later one.

    A time that exists twice is the first of the two; one that is skipped, when clocks are put forward, is the moment
    at which they are.
    """
    at = wanted.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wanted:
        return at
    before, after = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC), at
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        before, after = (before, middle) if middle.astimezone(zone).utcoffset() == offset else (middle, after)
    return after.replace(microsecond=0)


MORNING = time(9)
"""The hour, by the clocks of a lead, from which on it is written to on a day that it named."""


def morning_of(day: date, timezone: str | None) -> datetime:
    """When a lead may be written to that named this day (for its return, or "write again in March"), in UTC."""
    return local_moment(datetime.combine(day, MORNING), zone_of(timezone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """When messages may be sent, in the lead's time zone. `days`: 0 = Monday; `start`, `end`: minutes of the day.

    `holidays`: the country on whose public holidays the window stays shut.
    """

    days: frozenset[int]
    start: int
    end: int
    holidays: str | None = None

    @staticmethod
    def of(days: Sequence[str], start: str, end: str, holidays: str | None = None) -> "Window":
        """A window from the values of the settings ("mon", "09:00"). ValueError when it would never open."""
        window = Window(frozenset(DAYS.index(day) for day in days), _minutes(start), _minutes(end), holidays)
        if not window.days or window.start >= window.end:
            raise ValueError("a window needs at least one day and a start before its end")
        return window

    def next_open(self, now: datetime, timezone: str | None) -> datetime:
        """`now` when the window is open, otherwise the moment at which it opens next (UTC)."""
        zone = zone_of(timezone)
        local = now.astimezone(zone)
        minute = local.hour * 60 + local.minute
        if self._opens_on(local.date()) and self.start <= minute < self.end:
            return now
        for ahead in range(_LONGEST_SHUT):
            day = local.date() + timedelta(days=ahead)
            if not self._opens_on(day):
                continue
            opens = local_moment(datetime.combine(day, time(self.start // 60, self.start % 60)), zone)
            if opens > now:
                return opens
        raise ValueError("the window never opens")

    def _opens_on(self, day: date) -> bool:
        return day.weekday() in self.days and not is_holiday(day, self.holidays)


_LONGEST_SHUT = 60
"""Days for which a window may stay shut: one weekday, and holidays on it for weeks."""


def open_in_all(windows: Iterable[Window], now: datetime, timezone: str | None) -> datetime | None:
    """When all these windows are open next, `now` at the earliest; None when they are not within two months."""
    windows, at = tuple(windows), now
    while at - now < timedelta(days=_LONGEST_SHUT):
        latest = max((window.next_open(at, timezone) for window in windows), default=at)
        if latest == at:
            return at
        at = latest
    return None


@lru_cache(maxsize=1)
def _zones_of_countries() -> Mapping[str, str]:
    """The first zone of each country in the `zone.tab` of the IANA time zone database: the most populous one."""
    found: dict[str, str] = {}
    lines = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            found.setdefault(country, zone)
    return found


def known_zone(timezone: str | None, country: str | None) -> str | None:
    """The name of a lead's time zone: its own, else its country's (ISO 3166); None where neither is known."""
    if timezone and (timezone == "UTC" or zone_of(timezone).key != "UTC"):
        return timezone
    return _zones_of_countries().get((country or "").upper())


def zone_of_lead(timezone: str | None, country: str | None, tenants: str) -> str:
    """The name of the time zone by whose clocks a lead is written to: that of the lead, else the tenant's."""
    return known_zone(timezone, country) or tenants


def zone_of(name: str | None) -> ZoneInfo:
    """The time zone of that name; UTC when it is unknown."""
    return _known_zone(name) or ZoneInfo("UTC")


def local_time(now: datetime, timezone: str | None) -> datetime | None:
    """The time on the clocks of a time zone; None when the zone is unknown."""
    zone = _known_zone(timezone)
    return now.astimezone(zone) if zone else None


def is_night(local: datetime) -> bool:
    """Whether a message would disturb somebody whose clock shows this time: before 8 or from 21 o'clock on.

    Source: 47 CFR 64.1200(c)(1), the hours in which calls and texts to consumers are not allowed in the USA.
    """
    return not DAY_BEGINS <= local.hour < DAY_ENDS


DAY_BEGINS, DAY_ENDS = 8, 21


def _known_zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    value = int(hours) * 60 + int(minutes)
    if not 0 <= value <= 24 * 60:
        raise ValueError(f"{text} is not a time of day between 00:00 and 24:00")
    return value
