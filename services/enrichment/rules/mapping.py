"""Which facts are read from a provider's JSON: an expression for each."""

from collections.abc import Mapping
from typing import Any

from shared.expressions import evaluate

MAX_EXPRESSION = 200
"""Characters of an expression."""
MAX_FACTS = 50


def apply_mapping(mapping: Mapping[str, str], document: Any) -> dict[str, Any]:
    """The value of each expression that has one in this document."""
    values: dict[str, Any] = {}
    for name, expression in mapping.items():
        try:
            value = evaluate(expression, document)
        except ValueError:
            continue  # a document of another form than expected: no such fact
        if value is not None:
            values[name] = value
    return values
