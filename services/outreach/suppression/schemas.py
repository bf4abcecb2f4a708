"""HTTP bodies of the suppression list."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.outreach.schemas import Body


class NewSuppression(Body):
    """Suppress an address on one channel or on all, or a whole mail domain."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"channel": "email", "address": "ada@lovelace.example", "reason": "She asked on the phone."}]
        }
    )

    channel: Literal["email", "sms", "all"] = "all"
    address: Annotated[str, Field(min_length=3, max_length=320)] | None = None
    domain: Annotated[str, Field(pattern=r"^@?[A-Za-z0-9.-]+\.[A-Za-z0-9-]{2,}$", max_length=253)] | None = None
    reason: Annotated[str, Field(max_length=2_000)] | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.address is None) == (self.domain is None):
            raise ValueError("give either an address or a domain, not both")
        if self.address is not None:
            is_mail = "@" in self.address
            if (self.channel == "email" and not is_mail) or (self.channel == "sms" and is_mail):
                raise ValueError("the address does not belong to the channel")
        return self


class SuppressionView(BaseModel):
    """A row of the suppression list. Of an opt-out by the lead itself only a keyed hash of the address is kept."""

    suppression_id: UUID
    channel: Literal["email", "sms", "all"]
    address: str | None
    domain: str | None
    how: str
    reason: str | None
    actor: str
    created_at: datetime
    retracted_at: datetime | None
