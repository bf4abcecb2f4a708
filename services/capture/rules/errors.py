"""Errors in the content of a submission."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.capture.rules.text import MAX_TEXT, text_of
from shared.text import clean


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field, as a sentence without the value.

    `value` is only for the error file of an import, never for answers, logs or events.
    """

    field: str
    message: str
    value: str = ""


_NAMED = 500
"""Characters of the names in one message."""


def listed(names: Iterable[str]) -> str:
    """Names of attributes for a message, which stays short however many they are."""
    return ", ".join(names)[:_NAMED]


def read_text(raw: Mapping[str, Any], name: str, most: int, errors: list[FieldError], *, group: str = "") -> str:
    """A field as text; what is none, or is too long, becomes an error, and "". `group`: of a field within another."""
    try:
        return text_of(raw.get(name), most)
    except ValueError as error:
        errors.append(FieldError(f"{group}{name}", str(error), clean(str(raw[name])[:MAX_TEXT])))
        return ""
