"""Ids: time-ordered ones for what is new, derived ones for what must have the same id each time it is published."""

from collections.abc import Callable
from hashlib import blake2b
from uuid import UUID

import uuid_utils
from asyncpg.pgproto import pgproto

LeadKey = tuple[str, UUID]
"""(tenant, lead id): the identity of a lead."""

EventKey = tuple[str, str, UUID]
"""(tenant, type, digest of source and id): the identity of an event."""

_row_uuid: Callable[[str | bytes], UUID] = pgproto.UUID
_REVISIONS = uuid_utils.UUID("6f2c9d52-2b5e-5c55-9d0b-0c1f5b9d7a11")


def uuid7() -> UUID:
    """A UUIDv7 (RFC 9562): ids sort by the time at which they were made."""
    return _row_uuid(uuid_utils.uuid7().bytes)


def revision_id(type: str, lead_id: UUID | str, revision: int) -> str:
    """The event id of a state-carrying event: the same whenever (type, lead, revision) is published."""
    return str(uuid_utils.uuid5(_REVISIONS, f"{type}/{lead_id}/{revision}"))


def derived_id(*parts: object) -> UUID:
    """A UUID that follows from its parts, for effects that must exist once for each cause."""
    return _row_uuid(uuid_utils.uuid5(_REVISIONS, "/".join(map(str, parts))).bytes)


def read_id(text: str) -> UUID:
    """The id in a text, of the class that database rows carry: equal to `uuid.UUID`, but made and hashed in C.

    orjson writes only `uuid.UUID` itself, so both this and what came from a row go into JSON as `str(id)`.
    """
    return _row_uuid(text)


def digest(source: str, id: str) -> UUID:
    """The digest of an event's source and id: 128 bits of BLAKE2b."""
    return _row_uuid(blake2b(f"{source}\0{id}".encode(), digest_size=16).digest())
