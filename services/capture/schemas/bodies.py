"""What the bodies of capture have in common."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.capture.rules.errors import FieldError
from services.capture.rules.text import MAX_TEXT

Line = Annotated[str, Field(max_length=MAX_TEXT)]


class Body(BaseModel):
    """A request body. Unknown fields are ignored, and validation errors do not repeat the input."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


def sentence_of(errors: Sequence[FieldError]) -> str:
    """All field errors in one sentence, without the values."""
    return "; ".join(f"{error.field}: {error.message}" for error in errors)


def errors_out(errors: Sequence[FieldError]) -> list[dict[str, str]]:
    """Field errors as answers have them, without the values."""
    return [{"field": error.field, "message": error.message} for error in errors]
