"""HTTP bodies of answers about sequences, enrolments and jobs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.outreach.sequences.store.enrolments import StoredEnrolment
from services.outreach.sequences.store.sequences import StoredSequence
from shared.db import Row

LocalTime = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time on the lead's clock, with its offset."""


# The fields of what is stored as JSON stand in the order in which the database answers them.
class WindowView(BaseModel):
    """When messages may be sent, in the lead's time zone."""

    end: str
    days: list[str]
    start: str


class EnrolWhenView(BaseModel):
    """The rule that enrols leads: those that enter a stage, of these sources (none named: of any)."""

    stage: str
    sources: list[str]


class StepView(BaseModel):
    """A step: a text (`subject`, `body`), or the strategy by which a composer writes one."""

    body: str | None
    step: int
    """Its number, the same in every version."""
    delay: str
    """Since the step before left; ISO 8601."""
    fields: list[str]
    """The contact fields and facts that the text uses."""
    review: str
    channel: str
    subject: str | None
    strategy: dict[str, Any] | None
    template: bool
    working_days: bool
    template_sha256: str | None
    """What an approval of its text names; null where a composer writes it."""
    approved_by: str | None
    """Who approved its text ahead."""


class SequenceView(BaseModel):
    """A sequence with one of its versions."""

    sequence_id: UUID
    name: str
    state: str
    version: int
    newest_version: int
    """Also the ETag."""
    built_in: str | None
    """The name of the built-in sequence that it was made from."""
    created_at: datetime
    updated_at: datetime
    steps: list[StepView]
    review: str
    window: WindowView | None
    holidays: str | None
    enrol_when: EnrolWhenView | None
    if_blocked: str
    if_expired: str
    exit_stages: list[str]
    if_rejected: str


def sequence_view(stored: StoredSequence, approved: Mapping[tuple[UUID, str], str]) -> dict[str, Any]:
    """A sequence as the API shows it, each step with its number, its hash, and who approved its template."""
    return {
        "sequence_id": stored.sequence_id,
        "name": stored.name,
        "state": stored.state,
        "version": stored.version,
        "newest_version": stored.newest,
        "built_in": stored.built_in,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
        **stored.body,
        "steps": [
            {**step, "approved_by": approved.get((stored.sequence_id, step["template_sha256"]))}
            for step in stored.body["steps"]
        ],
    }


class StepOutcome(BaseModel):
    """What became of one attempt at a step."""

    step: int
    attempt: int
    channel: str | None
    review: str
    state: str
    reason: str | None
    draft_id: UUID | None
    dispatch_id: UUID | None
    planned_at: datetime | None
    begun_at: datetime
    drafted_at: datetime | None
    decided_at: datetime | None
    decision: str | None
    ended_at: datetime | None
    dispatch_state: str | None
    dispatch_reason: str | None
    dispatch_due_at: datetime | None
    sent_at: datetime | None


class EnrolmentChange(BaseModel):
    """What happened to an enrolment besides its steps: by whom, with which note, because of which event."""

    change: str
    actor: str
    note: str | None
    detail: str | None
    caused_by: str | None
    at: datetime


class EnrolmentView(BaseModel):
    """One lead in one sequence. `step`: the number of the step that is taken next, `next_at`: when that is planned."""

    enrolment_id: UUID
    lead_id: UUID
    sequence_id: UUID
    version: int
    state: str
    step: int | None
    next_at: datetime | None
    why: str | None
    """What the step waits for."""
    paused_until: datetime | None
    reason: str | None
    detail: str | None
    draft_id: UUID | None
    cause: str
    enrolled_by: str
    created_at: datetime
    ended_at: datetime | None
    steps: list[StepOutcome] | None = None
    """What became of each step so far; only where one enrolment is read."""
    history: list[EnrolmentChange] | None = None
    """What happened besides: by whom, with which note, because of which event."""


_UNDER_WAY = {
    "composing": "its draft is being written",
    "review": "its draft waits for a human",
    "sending": "its message leaves",
}


def enrolment_view(
    stored: StoredEnrolment,
    steps: Sequence[Row] | None = None,
    history: Sequence[Row] | None = None,
) -> EnrolmentView:
    """An enrolment as the API shows it."""
    next_at, why = stored.planned_at, stored.why
    present = next((each for each in steps or () if each["draft_id"] == stored.draft_id), None)
    if stored.draft_id is not None:
        next_at, why = None, f"step {stored.step} is under way"
        if present is not None:
            next_at = present["dispatch_due_at"] if present["dispatch_state"] == "queued" else None
            why = present["dispatch_reason"] or _UNDER_WAY.get(present["state"], present["state"])
    reason = stored.reason or (stored.detail if stored.state == "paused" else None)
    return EnrolmentView(
        **{
            name: getattr(stored, name)
            for name in EnrolmentView.model_fields
            if name not in ("next_at", "why", "paused_until", "reason", "steps", "history")
        },
        paused_until=stored.paused_until if stored.state == "paused" else None,
        next_at=next_at if stored.running else None,
        why=why if stored.running else None,
        reason=reason,
        steps=[StepOutcome(**each) for each in steps] if steps is not None else None,
        history=[EnrolmentChange(**each) for each in history] if history is not None else None,
    )


class StartedJob(BaseModel):
    """A job that was started; `GET /v1/enrolment-jobs/{job_id}` follows it."""

    job_id: UUID


class JobView(BaseModel):
    """A job with its progress: `done` of `total` leads or enrolments."""

    job_id: UUID
    sequence_id: UUID
    kind: str
    state: str
    total: int
    done: int
    actor: str
    note: str | None
    created_at: datetime
    ended_at: datetime | None


def job_view(row: Row) -> JobView:
    """A job with its progress."""
    return JobView(**{name: row[name] for name in JobView.model_fields})


class JobResult(BaseModel):
    """One item of a job: `lead_id` where leads are enrolled; `status` and `error` are null until it was done."""

    enrolment_id: UUID | None
    lead_id: UUID | None = None
    status: int | None
    error: str | None


class PlannedMove(BaseModel):
    """Where an enrolment of an older version would go on; `to_step` is null where it would end."""

    enrolment_id: UUID
    lead_id: UUID
    from_version: int
    from_step: int
    to_version: int
    to_step: int | None


class PlannedMoves(BaseModel):
    """The enrolments that would move to the newest version: all are counted, the first thousand listed."""

    total: int
    moves: list[PlannedMove]


class _Planned(BaseModel):
    """What is planned at one moment of a sequence, and why not earlier, or not at all."""

    step: int | None
    at: datetime
    local_time: LocalTime
    channel: str | None
    subject: str | None
    body: str | None
    review: str | None
    what: str
    why: str | None


class PlannedStep(_Planned):
    """A step that is planned, and why it is not taken earlier, or not at all (`what`: `skipped`)."""

    draft_id: UUID | None = None
    """The draft of a step that is under way."""


class PlannedEnd(BaseModel):
    """When and why the enrolment will have ended."""

    at: datetime
    what: str
    why: str | None


class PreviewView(BaseModel):
    """What a lead will get. Without an enrolment there are no steps."""

    lead_id: UUID
    enrolment_id: UUID | None
    sequence_id: UUID | None
    steps: list[PlannedStep]
    ends: PlannedEnd | None


class StoryEntry(_Planned):
    """What happens at one moment of a simulation, `day` days after its start."""

    day: float


class SimulationView(BaseModel):
    """What would happen to a made-up lead."""

    sequence_id: UUID
    version: int
    starts_at: datetime
    story: list[StoryEntry]


class StepReport(BaseModel):
    """The figures of a step. `median_wait_seconds`: from the draft to the decision of a human."""

    step: int
    drafted: int
    approved: int
    edited: int
    rejected: int
    expired: int
    sent: int
    skipped: int
    replied: int
    median_wait_seconds: float | None


class SequenceReport(BaseModel):
    """The figures of a sequence: its enrolments by state, and the sums of its steps."""

    sequence_id: UUID
    name: str
    enrolled: int
    active: int
    paused: int
    done: int
    exited: int
    exited_by_reason: dict[str, int]
    drafted: int
    approved: int
    edited: int
    rejected: int
    expired: int
    sent: int
    skipped: int
    replied: int
    steps: list[StepReport]
