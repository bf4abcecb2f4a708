"""The limits of free fields: what a tenant stores beside the known fields, as attributes of a lead or properties."""

from collections.abc import Mapping
from typing import Any

from shared.strict_json import depth_of

MAX_ATTRIBUTES = 200
MAX_ATTRIBUTE_CHARACTERS = 64_000
MAX_ATTRIBUTE_DEPTH = 32
"""Far from the depth at which the JSON readers of other systems give up."""


def shape_error(fields: Mapping[str, Any]) -> str | None:
    """What is wrong with the number of free fields, or their depth; None if nothing is."""
    if len(fields) > MAX_ATTRIBUTES:
        return f"has more than {MAX_ATTRIBUTES} entries"
    if depth_of(fields, MAX_ATTRIBUTE_DEPTH) > MAX_ATTRIBUTE_DEPTH:
        return f"is nested more than {MAX_ATTRIBUTE_DEPTH} levels deep"
    return None


def free_fields_error(fields: Mapping[str, Any]) -> str | None:
    """What is wrong with the number, depth or size of free fields; None if nothing is."""
    if message := shape_error(fields):
        return message
    if len(repr(fields)) > MAX_ATTRIBUTE_CHARACTERS:
        return f"has more than {MAX_ATTRIBUTE_CHARACTERS} characters"
    return None
