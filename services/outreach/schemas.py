"""HTTP bodies of what the whole service shares: the tenant's settings, the mode of a lead."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from services.outreach.rules import CHANNELS, Channel, Day, Kind, Mode, Window, zone_of

__all__ = [
    "DEFAULT_PER_DAY",
    "Body",
    "Channel",
    "Kind",
    "Mailbox",
    "ModeBody",
    "ModeView",
    "OutreachSettings",
    "SendingWindow",
    "SettingWarning",
    "SettingsBody",
    "SettingsView",
]

DEFAULT_PER_DAY = 500
"""E-mails that a mailbox sends in a UTC day where the settings give it no `per_day`."""

TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class Body(BaseModel):
    """A request's body. Unknown fields are refused, so that a typo is not taken for a setting."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, populate_by_name=True)


class Mailbox(Body):
    """A sender address, in a domain of the tenant: at most `per_day` messages in a UTC day, `spacing_seconds` apart."""

    from_: Annotated[
        str, Field(alias="from", pattern=r"^[^\s@<>,;:\"\\()\[\]]+@[^\s@<>,;:\"\\()\[\]]+$", max_length=254)
    ]
    per_day: Annotated[
        Annotated[int, Field(ge=1, le=100_000)] | None,
        Field(
            description=f"Messages in a UTC day; left out: {DEFAULT_PER_DAY}, null: no cap. A mailbox that the settings"
            f" no longer list sends at most {DEFAULT_PER_DAY} a day of what was approved for it before."
        ),
    ] = DEFAULT_PER_DAY
    spacing_seconds: Annotated[float, Field(ge=0, le=86_400)] = 0
    name: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f<>\"]*$")] | None = None
    """The name with which messages are signed."""


class SendingWindow(Body):
    """When messages may be sent, in the lead's time zone."""

    days: Annotated[list[Day], Field(min_length=1)]
    start: TimeOfDay
    end: TimeOfDay

    @model_validator(mode="after")
    def _opens(self) -> Self:
        Window.of(self.days, self.start, self.end)
        return self

    def window(self) -> Window:
        """The window as the rules need it."""
        return Window.of(self.days, self.start, self.end)


class OutreachSettings(Body):
    """A tenant's settings; all have defaults, so that a fresh tenant can send at once."""

    mode: Mode = "blended"
    mailboxes: list[Mailbox] = []
    window: SendingWindow | None = None
    draft_ttl_hours: Annotated[float, Field(gt=0, le=8_760)] = 168
    auto_drafts: dict[Kind, bool] = {"first": True, "follow_up": True, "answer": True, "nurture": True}
    unknown_consent_allows: list[Channel] = ["email"]
    exhaust_after_days: Annotated[float, Field(gt=0, le=3_650)] = 14
    exhaust_after_messages: Annotated[int, Field(ge=1, le=1_000)] = 4
    nurture_sequence_id: UUID | None = None
    react_within_hours: Annotated[float, Field(gt=0, le=87_600)] = 48
    lead_spacing_minutes: Annotated[float, Field(ge=0, le=43_200)] = 0
    """The least time between two messages to one lead; 0: none. The later one waits."""
    timezone: str = "UTC"
    """By whose clocks a lead is written to of whom neither time zone nor country is known."""
    sms_from: Annotated[str, Field(pattern=r"^\+?[A-Za-z0-9 ]{3,20}$")] | None = None

    def drafts_automatically(self, kind: str) -> bool:
        """Whether drafts of this kind are made without anybody asking for them."""
        return next((on for name, on in self.auto_drafts.items() if name == kind), True)

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, given: str) -> str:
        if given != "UTC" and zone_of(given).key == "UTC":
            raise ValueError("is not the name of a time zone")
        return given

    @field_validator("unknown_consent_allows")
    @classmethod
    def _each_once(cls, given: list[str]) -> list[str]:
        return [channel for channel in CHANNELS if channel in given]


class SettingsBody(OutreachSettings):
    """Settings to be saved. `warnings` are ignored, so that what was read can be changed and sent back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "mode": "blended",
                    "mailboxes": [{"from": "sales@example.org", "per_day": 200, "spacing_seconds": 30}],
                    "window": {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"},
                    "lead_spacing_minutes": 60,
                }
            ]
        }
    )

    warnings: Annotated[list[dict[str, str]] | None, Field(exclude=True)] = None


class SettingWarning(BaseModel):
    """What the settings lack, and why it matters."""

    field: str
    message: str


class SettingsView(OutreachSettings):
    """The tenant's settings, with its mailboxes as they count, and warnings about what is not set."""

    warnings: list[SettingWarning]


class ModeView(BaseModel):
    """The mode that counts for a lead; `own` when it is not the tenant's."""

    lead_id: UUID
    mode: Mode
    own: bool


class ModeBody(Body):
    """A lead's outreach mode; null: the tenant's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"mode": "email_only"}]})

    mode: Mode | None
