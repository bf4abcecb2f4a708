"""Expressions by which a tenant says what is read from JSON: JMESPath (jmespath.org) that cannot grow what it reads.

JMESPath has no loops, but `[@,@][]` doubles what it is given, and `join(to_string(@), @)` squares it. Whoever lets a
tenant write expressions checks them here when they are stored, and bounds the document.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import prod
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError

from shared.strict_json import has_half_pair

MOST_PARTS = 16
"""How many times as large as what it reads a value may be that an expression makes by lists of its own."""
_MOST_CALLS = 8
_LONGEST_LITERAL = 200
_LONGEST_GLUE = 20
"""Characters that `join` may put between two texts."""
_CALL = "function_expression"


class _Functions(functions.Functions):
    @functions.signature({"types": []})
    def _func_to_string(self, value: Any) -> str | None:
        """Nothing stays nothing: as the text `null`, which JMESPath makes of it, it would be a value of every lead."""
        text: str = super()._func_to_string(value)  # type: ignore[misc]  # the stubs leave the functions out
        return None if value is None else text

    @functions.signature({"types": ["array", "null"]}, {"types": ["string"]}, {"types": []})
    def _func_find(self, items: list[Any] | None, path: str, value: Any) -> Any:
        return next((item for item in items or () if value is not None and _at(item, path) == value), None)


def _at(item: Any, path: str) -> Any:
    for name in path.split("."):
        item = item.get(name) if isinstance(item, Mapping) else None
    return item


_OPTIONS = jmespath.Options(custom_functions=_Functions())
_KNOWN = frozenset(_Functions.FUNCTION_TABLE)


@lru_cache(maxsize=2_000)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def evaluate(expression: str, document: Any) -> Any:
    """The value of an expression in a document, None where there is none.

    Besides the functions of JMESPath there is `find(list, path, value)`: the first item of a list whose `path` (names
    separated by dots) has this value. It joins answers with the questions that they belong to. `to_string` of nothing
    is nothing.

    Raises ValueError, with a sentence for people, where the document is of another form than the expression expects.
    """
    try:
        return _compiled(expression).search(document, options=_OPTIONS)
    except JMESPathError:
        raise ValueError("the expression does not fit this body") from None
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        raise ValueError("the expression fails on this body") from None


def check_expression(expression: str, *, longest: int) -> None:
    """Raises ValueError, with a sentence for people, for what is no JMESPath or could grow what it reads.

    `longest`: characters that it may have.
    """
    if len(expression) > longest:
        raise ValueError(f"has more than {longest} characters")
    if has_half_pair(expression):
        raise ValueError("has half of a surrogate pair")
    try:
        nodes = list(_nodes(_compiled(expression).parsed))
    except JMESPathError as error:
        raise ValueError(f"is not JMESPath: {str(error).splitlines()[0][:200]}") from None
    except RecursionError:
        raise ValueError("is not JMESPath: it is nested too deeply") from None
    calls = [node for node in nodes if node["type"] == _CALL]
    if unknown := [node["value"] for node in calls if node["value"] not in _KNOWN]:
        raise ValueError(f"uses the function {unknown[0][:40]}, which there is not")
    if len(calls) > _MOST_CALLS:
        raise ValueError(f"has more than {_MOST_CALLS} functions")
    if prod(map(_parts, nodes)) > MOST_PARTS:
        raise ValueError(f"puts lists into lists: together they may have {MOST_PARTS} parts")
    if any(len(node["value"]) > _LONGEST_LITERAL for node in nodes if _is_text(node)):
        raise ValueError(f"has a text of more than {_LONGEST_LITERAL} characters")
    if not all(map(_joins_by_a_short_text, calls)):
        raise ValueError(f"joins by something else than a text of at most {_LONGEST_GLUE} characters")


def _parts(node: Mapping[str, Any]) -> int:
    """How many values a list or object in an expression puts in the place of one."""
    if node["type"].startswith("multi_select"):
        return len(node["children"])
    is_container = node["type"] == "literal" and isinstance(node["value"], list | dict)
    return str(node["value"]).count(",") + 1 if is_container else 1


def _is_text(node: Mapping[str, Any]) -> bool:
    return node["type"] == "literal" and isinstance(node["value"], str)


def _joins_by_a_short_text(call: Mapping[str, Any]) -> bool:
    if call["value"] != "join" or not call["children"]:
        return True
    glue = call["children"][0]
    return _is_text(glue) and len(glue["value"]) <= _LONGEST_GLUE


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    todo = [node]
    while todo:
        found = todo.pop()
        yield found
        todo += [child for child in found.get("children", ()) if isinstance(child, Mapping)]
