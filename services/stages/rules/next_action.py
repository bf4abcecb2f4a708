"""The next action: what a person would do next for a lead, as the queue shows it."""

from datetime import datetime

from . import checklist, meetings
from .journey import Journey
from .settings import TenantSettings
from .stages import (
    CONTACTED,
    ENGAGED,
    EXHAUSTED,
    MEETING_COMPLETED,
    NEW,
    NURTURE,
    OPEN,
    QUALIFIED,
    SCHEDULED,
)


def next_action(journey: Journey, settings: TenantSettings, now: datetime) -> str | None:
    """The next action as a short sentence; None when there is nothing to do (end stages, erased leads)."""
    stage = journey.stage
    if journey.erased or stage not in OPEN:
        return None
    if journey.revived:
        return "follow up: revived"
    if journey.unanswered:
        return "answer the reply"
    if stage is NEW:
        return "send the first message now: hot" if journey.hot else "send the first message"
    if stage is CONTACTED:
        return "wait for a reply"
    if stage is ENGAGED:
        lacking = checklist.describe_missing(journey, settings)
        return f"qualify: {lacking}" if lacking else "qualify or book a meeting"
    if stage is QUALIFIED:
        return "book a meeting"
    if stage is SCHEDULED:
        starts_at = meetings.next_start(journey, now)
        return f"meet on {starts_at:%Y-%m-%d %H:%M} UTC" if starts_at else "mark the outcome of the meeting"
    if stage is MEETING_COMPLETED:
        return "mark won or lost"
    if stage is NURTURE:
        return f"check in on {journey.later_until[:10]}" if journey.later_until else "check in from time to time"
    assert stage is EXHAUSTED
    return "change the outreach mode, or find a new e-mail or phone"
