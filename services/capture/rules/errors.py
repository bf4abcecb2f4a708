"""Errors in the content of a submission."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field, as a sentence without the value.

    `value` is only for the error file of an import, never for answers, logs or events.
    """

    field: str
    message: str
    value: str = ""
