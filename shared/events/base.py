"""What every event is: a frozen model with a type, a version and one publisher."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field


class Model(BaseModel):
    """Part of an event's data. Unknown fields are no error; wrong types are (strict: "5" is not 5)."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        hide_input_in_errors=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Event(Model):
    """The data of one event of one type and major version."""

    type: ClassVar[str]
    major: ClassVar[int] = 1
    publisher: ClassVar[str]
    about: ClassVar[str] = "lead"
    """What the subject names: a lead, or (goals only) a goal."""

    def data(self) -> dict[str, Any]:
        """The JSON-able content, without the optional fields that are not set."""
        return self.model_dump(mode="json", exclude_none=True)


def open_enum(*known: str, otherwise: str = "other") -> Any:
    """A string whose list of values may grow: a reader keeps one it does not know as `otherwise`.

    In the JSON Schema the known values stand as `x-extensible-enum`, since `enum` would forbid the growth.
    """

    def settle(value: object) -> object:
        return otherwise if isinstance(value, str) and value not in known else value

    return Annotated[str, BeforeValidator(settle), Field(json_schema_extra={"x-extensible-enum": list(known)})]


Moment = AwareDatetime
"""RFC 3339 with an offset; a time without one is refused."""

Text = Annotated[str, Field(max_length=2_000)]
LongText = Annotated[str, Field(max_length=100_000)]
Attributes = Mapping[str, Any]
