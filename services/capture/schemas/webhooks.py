"""HTTP bodies of webhooks."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.capture.schemas.bodies import Body
from services.capture.schemas.forms import Name

Expression = Annotated[str, Field(min_length=1, max_length=2_000)]
Header = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9-]*$")]


class SignatureIn(Body):
    """How the sender signs: an HMAC of `signed`, in which {body}, {timestamp}, {method} and {url} may stand."""

    header: Annotated[Header, Field(min_length=1)]
    algorithm: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: Annotated[str, Field(max_length=50)] = ""
    element: Annotated[str, Field(max_length=50)] = ""
    """The part of the header that is the signature, for headers such as `t=1700000000,v1=ab12`."""
    signed: Annotated[str, Field(max_length=200)] = "{body}"
    timestamp_header: Header = ""
    timestamp_element: Annotated[str, Field(max_length=50)] = ""
    tolerance_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300
    """How old, or how far ahead, a signature with a timestamp may be."""


class WebhookSettings(Body):
    """What becomes of a body, and how it is verified."""

    mapping: Annotated[dict[str, Expression], Field(max_length=200)]
    """Lead field -> JMESPath."""
    items: Annotated[str, Field(max_length=2_000)] = ""
    """JMESPath to the list of leads in a body; empty: the body is one."""
    when: Annotated[str, Field(max_length=2_000)] = ""
    """JMESPath that is true of the items that count; the others are ignored."""
    meeting: dict[Literal["id", "starts_at", "ends_at", "title", "cancelled", "at"], Expression] = {}
    """Part of an appointment -> JMESPath: an item books the meeting, or cancels it where `cancelled` is true.

    `at`: when it was booked; by it a booking that is sent again is known.
    """
    signature: SignatureIn | None = None
    challenge: Literal["", "facebook", "linkedin"] = ""
    """How the sender verifies the address before it sends."""
    verify_token: Annotated[str, Field(max_length=200)] = ""
    """What Meta sends when it verifies the address."""


class WebhookIn(Body):
    """A new webhook, with a mapping or with a `preset`: a sender that is known (`GET /v1/webhook-presets`).

    What is given beside a preset replaces its parts. `secret`: what the sender signs with, where it gives one;
    otherwise one is made and shown once.
    """

    model_config = ConfigDict(
        extra="allow",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {"name": "CRM", "source": "crm", "mapping": {"email": "contact.mail", "external_id": "contact.id"}}
            ]
        },
    )

    name: Name
    source: Name
    preset: Annotated[str, Field(max_length=100)] | None = None
    secret: Annotated[str, Field(min_length=8, max_length=500)] | None = None


class WebhookEdit(Body):
    """Changes of a webhook, each as in `WebhookIn`; `active`: whether it takes deliveries."""

    model_config = ConfigDict(
        extra="allow",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"mapping": {"email": "contact.email"}, "active": True}]},
    )

    active: bool | None = None
    secret: Annotated[str, Field(min_length=8, max_length=500)] | None = None


class WebhookOut(BaseModel):
    """A webhook; `url` is what the sender calls. `secret` is there only when it has just been made."""

    token: str
    url: str
    name: str
    source: str
    active: bool
    mapping: dict[str, str]
    settings: dict[str, Any]
    has_secret: bool
    secret: str | None = None
    note: str = ""
    kept: int = 0
    created_on: AwareDatetime
    created_by: str
    changed_on: AwareDatetime


class PresetOut(BaseModel):
    """A sender that is known."""

    name: str
    note: str
    settings: dict[str, Any]


class DeliveryOutcome(BaseModel):
    """How many items of a delivery made or changed a lead, were kept for review, and are ignored by `when`."""

    taken: int
    kept: int
    ignored: int


class ReplayOutcome(BaseModel):
    """How many kept deliveries passed, and how many of those tried are still kept.

    `next_cursor`: where to go on; null after the last kept delivery.
    """

    taken: int
    kept: int
    next_cursor: str | None = None


class LinkedInAnswer(BaseModel):
    """The answer to LinkedIn, which verifies the address of a webhook."""

    challengeCode: str
    challengeResponse: str


class DeliveryOut(BaseModel):
    """What arrived and made no lead. `body` is there when one delivery is asked for."""

    id: UUID
    state: Literal["kept", "replayed"]
    whole: bool
    errors: list[dict[str, str]]
    lead_id: UUID | None
    received_on: AwareDatetime
    replayed_on: AwareDatetime | None
    body: str | None = None


class TestedItem(BaseModel):
    """What one item of a body would become."""

    outcome: Literal["taken", "kept", "ignored"]
    lead: dict[str, Any] | None
    meeting: dict[str, Any] | None
    warnings: list[dict[str, str]]
    errors: list[dict[str, str]]
