"""HTTP bodies of the suppression list."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.outreach.schemas import Body


class NewSuppression(Body):
    """Suppress an address on one channel or on all, or a whole mail domain."""

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
