"""HTTP bodies of the suppression list."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from services.outreach.address_forms import read_address, read_domain, read_phone
from services.outreach.schemas import Body


class NewSuppression(Body):
    """Suppress an address on one channel or on all, or a whole mail domain.

    A domain is suppressed as `all`, whether `email` or `all` is given: nobody with an address in it is written to any
    more, on any channel.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"channel": "email", "address": "ada@lovelace.example", "reason": "She asked on the phone."}]
        }
    )

    channel: Literal["email", "sms", "all"] = "all"
    address: Annotated[str, Field(min_length=3, max_length=320)] | None = None
    domain: Annotated[str, Field(min_length=3, max_length=254)] | None = None
    reason: Annotated[str, Field(max_length=2_000)] | None = None

    @field_validator("address")
    @classmethod
    def _as_capture_keeps_it(cls, given: str | None) -> str | None:
        """A mail address alone, or a telephone number in E.164, so that it is the lead's."""
        if given is None or "@" in given:
            return given and read_address(given)
        try:
            return read_phone(given)
        except ValueError:
            raise ValueError("must be a mail address, or a phone number with its country code") from None

    @field_validator("domain")
    @classmethod
    def _in_unicode(cls, given: str | None) -> str | None:
        return given and read_domain(given)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.address is None) == (self.domain is None):
            raise ValueError("give either an address or a domain, not both")
        if self.domain is not None and self.channel == "sms":
            raise ValueError("a mail domain has no SMS: suppress each number")
        if self.address is not None:
            is_mail = "@" in self.address
            if (self.channel == "email" and not is_mail) or (self.channel == "sms" and is_mail):
                raise ValueError("the address does not belong to the channel")
        return self


class SuppressionView(BaseModel):
    """A row of the suppression list. Once the person is erased, only a keyed hash of the address is kept."""

    suppression_id: UUID
    channel: Literal["email", "sms", "all"]
    address: str | None
    domain: str | None
    how: str
    reason: str | None
    actor: str
    created_at: datetime
    retracted_at: datetime | None
