"""Errors by kind. The kind decides what happens, over HTTP and in a consumer alike.

| kind | over HTTP | in a consumer |
|---|---|---|
| `Invalid` and its subclasses | 4xx, with the reason | the record becomes a dead letter, the others are processed |
| `Conflict`, `Forbidden`, `NotFound` | 409, 403, 404 | the same |
| `Transient` | 503, try again | the batch backs off and is read again |
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class LeadflowError(Exception):
    """An error with a sentence for people in `detail`. It never carries a contact detail of a lead."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retry_after = 5
    """Seconds until the same request may pass, for kinds that pass later."""

    def __init__(self, detail: str, errors: Sequence[dict[str, Any]] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors or ())


class Invalid(LeadflowError):
    """The input will never be accepted as it is; `errors` names the fields: `{"field", "message"}`."""

    status = 422
    title = "Invalid content"


class Malformed(Invalid):
    """The input cannot even be read, such as JSON that does not parse."""

    status = 400
    title = "Malformed request"


class Unauthorized(LeadflowError):
    status = 401
    title = "No valid token"


class Forbidden(LeadflowError):
    status = 403
    title = "Not allowed"


class NotFound(LeadflowError):
    """It does not exist, or it is another tenant's: an answer never shows which of the two."""

    status = 404
    title = "Not found"


class Conflict(LeadflowError):
    """The present state forbids it; `detail` names the state and the reason."""

    status = 409
    title = "Conflict"


class Stale(LeadflowError):
    """The version in `If-Match` is not the present one."""

    status = 412
    title = "Changed meanwhile"


class TooLarge(Invalid):
    status = 413
    title = "Too large"


class UnsupportedMedia(Invalid):
    status = 415
    title = "Unsupported media type"


class PreconditionRequired(LeadflowError):
    """This request needs `If-Match`, so that two people do not overwrite each other's changes."""

    status = 428
    title = "Precondition required"


class TooManyRequests(LeadflowError):
    """The caller asks too often; after `retry_after` seconds the same request may pass."""

    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after: int = LeadflowError.retry_after) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Transient(LeadflowError):
    """It may work later: a lost connection, a service that does not answer."""

    status = 503
    title = "Not available now"
