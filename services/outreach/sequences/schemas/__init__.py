"""HTTP bodies of requests on sequences and enrolments; `views` has those of the answers."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from services.outreach.rules import Mode, Status
from services.outreach.schemas import Body, Channel, SendingWindow
from services.outreach.sending.templates import MAX_TEMPLATE
from services.outreach.sequences.rules.definition import AfterBlock, AfterDraft, Review, StepChannel
from shared.events.base import LifeMoment
from shared.events.external import ConsentChoice
from shared.events.outreach import Label

MOST_STEPS = 50
MOST_IDS = 1_000
MOST_VERSIONS = 2_147_483_647
"""The greatest number that the database can hold as a version."""
LONGEST_DELAY = timedelta(days=730)

Stage = Literal[
    "new",
    "contacted",
    "engaged",
    "qualified",
    "scheduled",
    "meeting_completed",
    "nurture",
    "exhausted",
    "won",
    "lost",
    "bad_phone",
    "bad_contact",
    "moved_company",
    "dead",
]
EnrolmentState = Literal["active", "paused", "done", "exited"]
Template = Annotated[str, Field(min_length=1, max_length=MAX_TEMPLATE)]
Note = Annotated[str, Field(min_length=1, max_length=2_000)]
Delay = Annotated[timedelta, Field(ge=timedelta(0), le=LONGEST_DELAY, description="ISO 8601, such as P3D or PT4H")]
Sha256 = Annotated[str, Field(max_length=128)]


class StepStrategy(Body):
    """How a composer writes the message of a step. Parts that are left out are those of a follow-up."""

    aim: Annotated[str, Field(max_length=500)] | None = None
    tone: Annotated[str, Field(max_length=200)] | None = None
    length: Annotated[str, Field(max_length=200)] | None = None
    call_to_action: Annotated[str, Field(max_length=500)] | None = None
    forbidden_claims: (
        Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=100)] | None
    ) = None
    templates: dict[Channel, dict[Literal["subject", "body"], Template]] | None = None


class StepBody(Body):
    """One step: a text (`subject`, `body`) or a `strategy` by which a composer writes a draft."""

    step: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """In a new version: the number of the step before that this one continues."""
    channel: StepChannel = "email"
    delay: Delay = timedelta(0)
    """Since the step before left."""
    working_days: bool = False
    """Whether the days of the delay are working days: from Monday to Friday, or those of `holidays`."""
    review: Review | None = None
    """Who approves, where it is another rule than the sequence's."""
    template: bool = False
    """A human approves the text once, when the sequence is activated, and no message of it waits for another."""
    subject: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None
    body: Template | None = None
    strategy: Annotated[str, Field(min_length=1, max_length=500)] | StepStrategy | None = None
    """The name of a built-in strategy, an aim in one's own words, or a whole strategy."""

    @model_validator(mode="after")
    def _has_one_text(self) -> Self:
        if (self.body is None) == (self.strategy is None):
            raise ValueError("a step has either a body or a strategy")
        if self.strategy is not None:
            if self.subject is not None:
                raise ValueError("the strategy writes the subject")
            if self.template or self.review in ("first", "template"):
                raise ValueError("what a composer writes cannot be approved ahead: a human reviews each draft")
        elif self.subject is None and self.channel != "sms":
            raise ValueError("an e-mail needs a subject")
        elif self.subject is not None and self.channel == "sms":
            raise ValueError("an SMS has no subject")
        if self.template and self.review in ("each", "first"):
            raise ValueError("a template is approved ahead: review is template, or left out")
        return self


class EnrolWhen(Body):
    """A rule that enrols leads: those that enter a stage, of these sources (none named: of any)."""

    stage: Stage
    sources: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=100)] = []


class SequenceBody(Body):
    """A sequence as it is written: a new one, or the next version of one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "After the fair",
                    "steps": [
                        {
                            "channel": "email",
                            "delay": "P3D",
                            "subject": "{{ first_name }}, a question",
                            "body": "Dear {{ first_name }}, ...",
                            "template": True,
                        }
                    ],
                    "if_blocked": "skip",
                    "review": "each",
                }
            ]
        }
    )

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
    steps: Annotated[list[StepBody], Field(min_length=1, max_length=MOST_STEPS)]
    window: SendingWindow | None = None
    """When its messages may be sent, in the lead's time zone, besides the tenant's own window."""
    holidays: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Za-z0-9]{1,10})?$")] | None = None
    """The country whose public holidays are no days for messages."""
    review: Review = "each"
    if_blocked: AfterBlock = "skip"
    if_rejected: AfterDraft = "skip"
    if_expired: AfterDraft = "ask_again"
    exit_stages: list[Stage] = []
    """Stages that end an enrolment, besides those in which no message of a sequence makes sense."""
    enrol_when: EnrolWhen | None = None

    def given(self) -> dict[str, Any]:
        """The body as the use cases need it: plain values, delays in ISO 8601."""
        return self.model_dump(mode="json")


class Activate(Body):
    """The hashes of the templates that the reviewer saw and approves."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"template_sha256s": ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}]
        }
    )

    template_sha256s: Annotated[list[Sha256], Field(max_length=MOST_STEPS)] = []


class QueueFilter(Body):
    """A filter of the queue, as far as outreach knows leads: which of them are hot only the stage service knows."""

    stage: Stage | None = None
    status: Status | None = None
    source: Annotated[str, Field(max_length=200)] | None = None
    campaign: Annotated[str, Field(max_length=200)] | None = None
    owner: Annotated[str, Field(max_length=200)] | None = None
    band: Literal["A", "B", "C", "D"] | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("name at least one condition")
        return self


class Enrol(Body):
    """One lead (`lead_id`), or as a job many: by their ids, or by a filter of the queue."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"lead_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01"}]})

    lead_id: UUID | None = None
    lead_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_IDS)] | None = None
    filter: QueueFilter | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _names_leads_once(self) -> Self:
        if sum(each is not None for each in (self.lead_id, self.lead_ids, self.filter)) != 1:
            raise ValueError("give one of lead_id, lead_ids and filter")
        return self


class MoveMany(Body):
    """Enrolments to move to the newest version: these, or all of older ones. `dry_run`: only show who moves where."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dry_run": True}]})

    enrolment_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_IDS)] | None = None
    dry_run: bool = False
    note: Note | None = None


class Pause(Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"until": "2026-03-09T09:30:00Z", "note": "On holiday."}]}
    )

    until: LifeMoment | None = None
    """None: until somebody resumes it."""
    note: Note | None = None


class Noted(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "She is back."}]})

    note: Note | None = None


class Move(Body):
    """To a step of the enrolment's version, or (without one) to a version, or to a step of that version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"step": 2}]})

    step: Annotated[int, Field(ge=1, le=10_000)] | None = None
    version: Annotated[int, Field(ge=1, le=MOST_VERSIONS)] | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if self.step is None and self.version is None:
            raise ValueError("name a step or a version")
        return self


class MadeUpLead(Body, extra="ignore"):
    """A lead that does not exist."""

    email: Annotated[str, Field(max_length=254)] | None = "somebody@example.com"
    phone: Annotated[str, Field(max_length=30)] | None = None
    first_name: Annotated[str, Field(max_length=200)] | None = None
    last_name: Annotated[str, Field(max_length=200)] | None = None
    full_name: Annotated[str, Field(max_length=200)] | None = None
    company: Annotated[str, Field(max_length=200)] | None = None
    job_title: Annotated[str, Field(max_length=200)] | None = None
    country: Annotated[str, Field(max_length=2)] | None = None
    timezone: Annotated[str, Field(max_length=64)] | None = None
    stage: Stage = "contacted"
    mode: Mode = "blended"
    consent: dict[Channel, ConsentChoice] = {}


class ScriptedEvent(Body):
    """What happens on a day of the simulation, counted from its start (fractions allowed)."""

    day: Annotated[float, Field(ge=0, le=730)]
    kind: Literal["reply", "stage", "mode", "opt_out", "pause", "resume"] = Field(alias="event")
    label: Label = "interested"
    stage: Stage | None = None
    mode: Mode | None = None
    until_day: Annotated[float, Field(ge=0, le=1_000)] | None = None
    """When the lead is back, or when the pause ends."""

    @model_validator(mode="after")
    def _names_its_value(self) -> Self:
        if self.kind in ("stage", "mode") and getattr(self, self.kind) is None:
            raise ValueError(f"name the {self.kind}")
        return self

    @property
    def value(self) -> str:
        """The label, the stage, or the mode."""
        return {"reply": self.label, "stage": self.stage, "mode": self.mode}.get(self.kind) or ""


class Simulate(Body):
    """A made-up lead with a script of events."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"lead": {"first_name": "Ada"}, "events": [{"day": 2, "event": "reply", "label": "interested"}]}
            ]
        }
    )

    lead: MadeUpLead = MadeUpLead()
    events: Annotated[list[ScriptedEvent], Field(max_length=200)] = []
    starts_at: LifeMoment | None = None
    """Now, if left out."""
    review_hours: Annotated[float, Field(ge=0, le=8_760)] = 0
    """How long each draft waits for its reviewer."""
