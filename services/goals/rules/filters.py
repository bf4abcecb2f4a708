"""The filter of a goal: which leads it counts."""

from collections.abc import Mapping

from services.goals.rules.metrics import Dimensions
from shared.text import clean

Filter = tuple[tuple[str, tuple[str, ...]], ...]
"""Sorted (dimension, allowed values): a lead must have one of the values in every dimension."""


def normalise_filter(wanted: Mapping[str, str | list[str]] | None) -> Filter:
    """A filter in the one form in which equal filters are equal, its values written as those of leads are."""
    return tuple(
        (field, tuple(sorted({clean(value) for value in ([values] if isinstance(values, str) else values)})))
        for field, values in sorted((wanted or {}).items())
    )


def matches(wanted: Filter, dimensions: Dimensions) -> bool:
    """Whether the filter lets a lead with these dimensions count."""
    return all(getattr(dimensions, field) in values for field, values in wanted)
