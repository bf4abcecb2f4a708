"""ETag and If-Match (RFC 9110, 13.1.1), where two people could overwrite each other."""

from typing import Annotated

from fastapi import Header

from shared.errors import PreconditionRequired, Stale

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag that the change is based on")]


def etag(version: object) -> str:
    return f'"{version}"'


def check_if_match(given: str | None, version: object, *, required: bool = False) -> None:
    """Raises PreconditionRequired (428) when it is missing but required, Stale (412) when it names another version."""
    if given is None:
        if required:
            raise PreconditionRequired("send If-Match with the ETag that you last saw")
        return
    tags = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    if "*" not in tags and etag(version) not in tags:
        raise Stale("it was changed meanwhile: read it again, then decide")
