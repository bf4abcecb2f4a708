"""Query parameters that a route does not know are refused: a misspelt filter must not answer with everything."""

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.errors import Invalid
from shared.http.auth import public

_LONGEST_NAME = 50
"""Characters of a name that is compared with the known ones, and shown."""


def known_parameters(route: APIRoute) -> frozenset[str] | None:
    """The names of the query parameters that the route reads; None where any are let through.

    Those are the public routes: their addresses are given to people, mail programs and providers, who add parameters of
    their own, and an unsubscribe link has to work all the same.
    """
    if any(dependency.call is public for dependency in route.dependant.dependencies):
        return None
    return frozenset(_query_parameters(route.dependant))


def _query_parameters(dependant: Dependant) -> Iterator[str]:
    """The query parameters of an endpoint and of all that it depends on."""
    for parameter in dependant.query_params:
        yield parameter.alias
    for dependency in dependant.dependencies:
        yield from _query_parameters(dependency)


def check_query_parameters(given: Iterable[str], known: Collection[str]) -> None:
    """Raises Invalid, with the nearest known name, for a name that is not known."""
    errors = [
        {"field": name[:_LONGEST_NAME], "message": unknown_name(name, known, "query parameter")}
        for name in dict.fromkeys(given)
        if name not in known
    ]
    if errors:
        raise Invalid("; ".join(error["message"] for error in errors[:5]), errors[:20])


def unknown_name(name: str, known: Collection[str], what: str) -> str:
    """A sentence about a name that is not known: with the nearest one, or else with all that are known."""
    shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
    sentence = f"there is no {what} {shown!r}"
    nearest = nearest_name(name, known)
    if nearest:
        return f"{sentence}; did you mean {nearest!r}?"
    return f"{sentence}; known: {', '.join(sorted(known))}" if known else f"{sentence}: this route has none"


def nearest_name(name: str, known: Collection[str]) -> str | None:
    """The known name that is most like this one, in any case; None when none is like it."""
    by_folded = {each.casefold(): each for each in sorted(known)}
    found = get_close_matches(name[:_LONGEST_NAME].casefold(), by_folded, n=1, cutoff=0.5)
    return by_folded[found[0]] if found else None
