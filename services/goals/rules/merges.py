"""Which lead ids are one lead: aliases count with the lead that was kept, through any number of merges."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from shared.ids import LeadKey

Merges = Mapping[LeadKey, UUID]
"""Each alias, and the id of the lead that was kept."""


def kept_lead(merges: Merges, key: LeadKey) -> LeadKey:
    """The lead at the end of an id's merges; where they form a circle, its smallest id."""
    path = [key]
    while (kept := merges.get(path[-1])) is not None:
        following = (key[0], kept)
        if following in path:
            return min(path[path.index(following) :])
        path.append(following)
    return path[-1]


def groups_of(merges: Merges, keys: Iterable[LeadKey]) -> dict[LeadKey, list[LeadKey]]:
    """The ids by the lead with which they count."""
    groups: dict[LeadKey, list[LeadKey]] = {}
    for key in keys:
        groups.setdefault(kept_lead(merges, key), []).append(key)
    return groups
