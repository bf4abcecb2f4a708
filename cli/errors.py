"""Refusals: the errors that a person can fix, each as one line on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Refused(Exception):
    """The command cannot be done; the message says why, and what would help."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the errors of services, databases and settings that a person can fix into `Refused`."""
    from deploy.local.run_record import NotRunning
    from shared.errors import LeadflowError

    try:
        yield
    except (NotRunning, LeadflowError) as error:
        raise Refused(str(error)) from error
    except Exception as error:
        reason = _explained(error)
        if reason is None:
            raise
        raise Refused(reason) from error


def _explained(error: Exception) -> str | None:
    """What a person can do about an error of a library; None for any other. The libraries are imported only now."""
    import httpx
    from aiokafka.errors import KafkaConnectionError
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        # A rule for several settings has no place, and names them itself.
        parts = [(part["loc"], part["msg"].removeprefix("Value error, ")) for part in error.errors()]
        names = ", ".join(str(place[-1]) if place else message for place, message in parts)
        return f"these settings are missing or wrong: {names}"
    if isinstance(error, httpx.HTTPStatusError):
        return describe_problem(error.response)
    if isinstance(error, KafkaConnectionError):
        return f"Kafka does not answer ({error}); `leadflow status` shows whether it runs"
    if isinstance(error, httpx.TransportError):
        return f"{error.request.url} does not answer ({error}); `leadflow status` shows whether the services run"
    return None


def describe_problem(response: Any) -> str:
    """An error response (RFC 9457) in one line: status, detail or title, and the wrong fields."""
    request = f"{response.request.method} {response.request.url.path}"
    try:
        body = response.json()
    except ValueError:
        return f"{request} was answered with {response.status_code}"
    fields = "; ".join(f"{part.get('field')}: {part.get('message')}" for part in body.get("errors") or [])
    reason = body.get("detail") or body.get("title") or ""
    return f"{request} was answered with {response.status_code}: {reason}" + (f" ({fields})" if fields else "")
