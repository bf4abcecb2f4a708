"""ETag and If-Match (RFC 9110, 13.1.1), where two people could overwrite each other."""

import re
from typing import Annotated

from fastapi import Header

from shared.errors import Invalid, PreconditionRequired, Stale

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag that the change is based on")]

_ETAG = re.compile(r'\*|(W/)?"[^"]*"')


def etag(version: object) -> str:
    return f'"{version}"'


def check_if_match(given: str | None, version: object, *, required: bool = False) -> None:
    """Raises PreconditionRequired (428) when it is missing but required, Stale (412) when it names another version.

    Raises Invalid (422) when it is no list of ETags. A client that reads again after a 412 must not do so for ever.
    """
    if given is None:
        if required:
            raise PreconditionRequired("send If-Match with the ETag that you last saw")
        return
    tags = [tag.strip() for tag in given.split(",")]
    if wrong := [tag for tag in tags if not _ETAG.fullmatch(tag)]:
        raise _no_etag(wrong[0])
    if "*" not in tags and etag(version) not in {tag.removeprefix("W/") for tag in tags}:
        raise Stale(f"If-Match names a version that is stale, the present one is {etag(version)}: read it again")


def _no_etag(tag: str) -> Invalid:
    """The error for a part of If-Match that is no ETag: most often the quotes are missing, which belong to it."""
    bare = tag.strip('"')
    hint = f'send "{bare}" with its quotes' if 0 < len(bare) <= 50 and '"' not in bare else "send it as it was received"
    message = f"an ETag has double quotes around it: {hint}"
    return Invalid(f"If-Match is not an ETag: {message}", [{"field": "If-Match", "message": message}])
