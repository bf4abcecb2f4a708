"""Which facts are read from a provider's JSON: JMESPath expressions that cannot grow what they read."""

from collections.abc import Mapping
from typing import Any

import jmespath
from jmespath import exceptions

MAX_EXPRESSION = 200
"""Characters of an expression."""
MAX_FACTS = 50
_FUNCTIONS = frozenset(
    """
    abs avg ceil contains ends_with floor join keys length max max_by min min_by not_null reverse sort sort_by
    starts_with sum to_array to_number to_string type values
    """.split()
)


def check_expression(expression: str) -> None:
    """Raises ValueError, with a sentence, for what is no JMESPath or could make a large value of a small document.

    JMESPath has no loops, but `[@,@]` doubles what it is given: at most one such list stands in an expression, and few
    calls of functions.
    """
    if len(expression) > MAX_EXPRESSION:
        raise ValueError(f"has more than {MAX_EXPRESSION} characters")
    try:
        parsed = jmespath.compile(expression).parsed
    except (exceptions.JMESPathError, RecursionError):
        raise ValueError("is not a JMESPath expression") from None
    nodes = _nodes(parsed)
    calls = [node["value"] for node in nodes if node["type"] == "function_expression"]
    if unknown := [name for name in calls if name not in _FUNCTIONS]:
        raise ValueError(f"the function {unknown[0][:40]} is not available")
    if len(calls) > 4 or sum(node["type"].startswith("multi_select") for node in nodes) > 1:
        raise ValueError("is too complex: at most four functions and one list or object of expressions")


def _nodes(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found, todo = [], [node]
    while todo:
        found.append(todo.pop())
        todo += [child for child in found[-1].get("children", ()) if isinstance(child, Mapping)]
    return found


def apply_mapping(mapping: Mapping[str, str], document: Any) -> dict[str, Any]:
    """The value of each expression that has one in this document."""
    values: dict[str, Any] = {}
    for name, expression in mapping.items():
        try:
            value = jmespath.search(expression, document)
        except (exceptions.JMESPathError, TypeError, ValueError, RecursionError):
            continue  # a document of another form than expected: no such fact
        if value is not None:
            values[name] = value
    return values
