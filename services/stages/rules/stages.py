"""The fourteen stages of the journey, and the status of each."""

from enum import StrEnum


class Stage(StrEnum):
    """Where the lead is in its journey."""

    NEW = "new"
    CONTACTED = "contacted"
    ENGAGED = "engaged"
    QUALIFIED = "qualified"
    SCHEDULED = "scheduled"
    MEETING_COMPLETED = "meeting_completed"
    NURTURE = "nurture"
    EXHAUSTED = "exhausted"
    WON = "won"
    LOST = "lost"
    BAD_PHONE = "bad_phone"
    BAD_CONTACT = "bad_contact"
    MOVED_COMPANY = "moved_company"
    DEAD = "dead"

    # The hash of Enum is Python code, and stages are looked up for every signal.
    __hash__ = str.__hash__


NEW, CONTACTED, ENGAGED, QUALIFIED = Stage.NEW, Stage.CONTACTED, Stage.ENGAGED, Stage.QUALIFIED
SCHEDULED, MEETING_COMPLETED, NURTURE = Stage.SCHEDULED, Stage.MEETING_COMPLETED, Stage.NURTURE
EXHAUSTED, WON, LOST, DEAD = Stage.EXHAUSTED, Stage.WON, Stage.LOST, Stage.DEAD
BAD_PHONE, BAD_CONTACT, MOVED_COMPANY = Stage.BAD_PHONE, Stage.BAD_CONTACT, Stage.MOVED_COMPANY

ACTIVE = frozenset({NEW, CONTACTED, ENGAGED, QUALIFIED, SCHEDULED, MEETING_COMPLETED, NURTURE})
PAUSED = frozenset({EXHAUSTED})
END = frozenset({WON, LOST, BAD_PHONE, BAD_CONTACT, MOVED_COMPANY})
SEALED = frozenset({DEAD})
OPEN = ACTIVE | PAUSED
"""The stages of leads that the queue lists and that can be hot."""

REACHED_QUALIFIED = frozenset({QUALIFIED, SCHEDULED, MEETING_COMPLETED, WON})
"""A lead in one of these stages counts as having reached `qualified`."""

KINDS: dict[Stage, str] = {
    stage: kind
    for kind, stages in (("active", ACTIVE), ("paused", PAUSED), ("end", END), ("sealed", SEALED))
    for stage in stages
}

MEANINGS: dict[Stage, str] = {
    NEW: "Just added, hasn't been contacted yet",
    CONTACTED: "First message sent, waiting for a reply",
    ENGAGED: "The lead is answering, the conversation is active",
    QUALIFIED: "Meets your criteria, ready for a meeting",
    SCHEDULED: "A meeting is on the calendar",
    MEETING_COMPLETED: "The meeting happened, its outcome is pending",
    NURTURE: "Not ready now, followed up periodically",
    EXHAUSTED: "All channels of the current outreach mode are used up; can be revived",
    WON: "Became a customer",
    LOST: "Declined, went elsewhere, or not a fit",
    BAD_PHONE: "The phone number does not work, and it was the only way to reach them",
    BAD_CONTACT: "There is no valid way to reach them",
    MOVED_COMPANY: "The contact is no longer at the company",
    DEAD: "Opted out, blocklisted or genuinely uninterested; never revived",
}

_STATUS: dict[Stage, str] = {
    NEW: "new",
    CONTACTED: "contacted",
    ENGAGED: "contacted",
    QUALIFIED: "qualified",
    SCHEDULED: "qualified",
    MEETING_COMPLETED: "qualified",
    EXHAUSTED: "contacted",
    WON: "converted",
    LOST: "disqualified",
    BAD_PHONE: "disqualified",
    BAD_CONTACT: "disqualified",
    MOVED_COMPANY: "disqualified",
    DEAD: "disqualified",
}
STATUSES = ("new", "contacted", "qualified", "disqualified", "converted")
DISQUALIFIED = frozenset(stage for stage, status in _STATUS.items() if status == "disqualified")


def title_of(stage: Stage) -> str:
    """The name for people: "Meeting Completed"."""
    return stage.value.replace("_", " ").title()


def status_of(stage: Stage, contacted: bool) -> str:
    """The five-value CRM view of a stage; `contacted`: whether a message was ever sent to the lead."""
    if stage is NURTURE:
        return "contacted" if contacted else "new"
    return _STATUS[stage]
