"""What all parts of outreach agree on: kinds and stages, channels and modes, sending windows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

CHANNELS = ("email", "sms")
MODES: Mapping[str, tuple[str, ...]] = {"email_only": ("email",), "sms_only": ("sms",), "blended": ("email", "sms")}

KIND_STAGES: Mapping[str, frozenset[str]] = {
    "first": frozenset({"new"}),
    "answer": frozenset({"contacted", "engaged", "qualified", "meeting_completed", "nurture"}),
    "follow_up": frozenset({"qualified", "contacted"}),
    "nurture": frozenset({"nurture"}),
    "sequence": frozenset({"new", "contacted", "engaged", "qualified", "meeting_completed", "nurture"}),
}
"""The stages in which a message of a kind makes sense (`contacted` for a follow-up only after a revival)."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def misplaced(kind: str, stage: str, stage_rule: str | None) -> str | None:
    """Why a message of this kind makes no sense in this stage, or None. `stage_rule`: the rule that led there."""
    if stage not in KIND_STAGES[kind]:
        return f"a message of kind {kind} makes no sense in stage {stage}"
    if kind == "follow_up" and stage == "contacted" and stage_rule != "revived":
        return "a follow-up in stage contacted makes sense only after a revival"
    return None


@dataclass(frozen=True, slots=True)
class Window:
    """When messages may leave, in the lead's own time zone; `start` and `end` as minutes of the day."""

    days: frozenset[int]
    start: int
    end: int

    @staticmethod
    def of(days: Sequence[str], start: str, end: str) -> "Window":
        """From the settings' words ("mon", "09:00"). ValueError when they make no window."""
        window = Window(frozenset(DAYS.index(day) for day in days), _minutes(start), _minutes(end))
        if not window.days or window.start >= window.end:
            raise ValueError("a window needs at least one day and a start before its end")
        return window

    def next_open(self, now: datetime, timezone: str | None) -> datetime:
        """`now` when the window is open, otherwise the moment it opens next (UTC)."""
        zone = zone_of(timezone)
        local = now.astimezone(zone)
        minute = local.hour * 60 + local.minute
        if local.weekday() in self.days and self.start <= minute < self.end:
            return now
        for ahead in range(9):
            day = (local + timedelta(days=ahead)).date()
            opens = datetime.combine(day, time(self.start // 60, self.start % 60), zone).astimezone(UTC)
            if day.weekday() in self.days and opens > now:
                return opens
        raise ValueError("the window never opens")


def zone_of(name: str | None) -> ZoneInfo:
    """The time zone of that name; UTC when it is unknown."""
    try:
        return ZoneInfo(name) if name else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    value = int(hours) * 60 + int(minutes)
    if not 0 <= value <= 24 * 60:
        raise ValueError(f"{text} is no time of day")
    return value


def reacts(occurred_at: datetime, now: datetime, within_hours: float) -> bool:
    """May something be started because of a cause of that age? Imports and replays only change state."""
    return now - occurred_at <= timedelta(hours=within_hours)


def consent_allows(channel: str, consent: str, unknown_allows: Sequence[str]) -> str | None:
    """Why consent forbids the channel, or None."""
    if consent == "denied":
        return f"consent for {channel} is denied"
    if consent == "unknown" and channel not in unknown_allows:
        return f"nobody gave consent for {channel}"
    return None
