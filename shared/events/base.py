"""What every event is: a frozen model with a type, a version and one publisher."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic_core import CoreSchema, core_schema

from shared.attributes import MAX_ATTRIBUTE_CHARACTERS, MAX_ATTRIBUTE_DEPTH, MAX_ATTRIBUTES


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
    """What the subject is the id of: a lead, or (goals only) a goal."""
    needs_subject: ClassVar[bool] = True
    """Whether an event without a subject is refused."""

    def data(self) -> dict[str, Any]:
        """The content as JSON values, without the optional fields that are not set."""
        return self.model_dump(mode="json", exclude_none=True)


class open_enum:
    """A string whose list of values may grow: a reader keeps one it does not know as `otherwise`.

    The JSON Schema lists the known values as `x-extensible-enum`, because `enum` would forbid new ones.
    """

    def __init__(self, *known: str, otherwise: str = "other") -> None:
        self.known = known
        self.otherwise = otherwise

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._known_or_otherwise, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"x-extensible-enum": list(self.known)}

    def _known_or_otherwise(self, value: str) -> str:
        return value if value in self.known else self.otherwise


DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z")


def _date_time(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and DATE_TIME.match(value)):
        return value
    raise ValueError("not an RFC 3339 date-time with an offset")


# Not strict itself: behind a validator of ours pydantic no longer knows that the text came from JSON.
Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_date_time)]
"""RFC 3339 with an offset; a time without one is refused."""

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Between these are the moments of a lead's life: beyond them are slips, and no calendar can reckon with the last."""


def check_moment(at: datetime) -> datetime:
    """The moment. Raises ValueError, with a sentence for people, for one that is none of a lead's life."""
    if not EARLIEST <= at < LATEST:
        raise ValueError("is before the year 2000 or after 2199, which is no moment of a lead's life")
    return at


LifeMoment = Annotated[Moment, AfterValidator(check_moment)]
"""A moment that strangers give in the body of a request."""

NOT_BLANK = {"pattern": r"\S"}
LIMITED = {
    "maxProperties": MAX_ATTRIBUTES,
    "$comment": f"nested at most {MAX_ATTRIBUTE_DEPTH} levels, {MAX_ATTRIBUTE_CHARACTERS} characters in all",
}
"""What the JSON Schema says besides of texts and free fields that a function checks."""

Text = Annotated[str, Field(max_length=2_000)]
LongText = Annotated[str, Field(max_length=100_000)]
