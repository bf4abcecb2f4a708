"""Refusals: the errors that a person can fix, each as one line on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Refused(Exception):
    """The command cannot be done; the message says why, and what would help."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the errors of services, databases, brokers, files and settings that a person can fix into `Refused`."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        reason = _explained(error)
        if reason is None:
            raise
        raise Refused(reason) from error


def _explained(error: Exception) -> str | None:
    """What a person can do about an error; None for any other. The libraries are imported only now."""
    from deploy.errors import MigrationError
    from deploy.local.run_record import NotRunning
    from shared.errors import LeadflowError

    if isinstance(error, NotRunning | LeadflowError | MigrationError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return f"the package {error.name} is not installed; pip install 'leadflow[local]' brings all of a local run"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used: {error.strerror}"
    return _of_a_library(error)


def _of_a_library(error: Exception) -> str | None:
    import httpx
    from aiokafka.errors import KafkaConnectionError, KafkaError
    from pydantic import ValidationError

    from shared.db import DatabaseError
    from shared.db.errors import is_outage

    if isinstance(error, ValidationError):
        # A rule for several settings has no place, and names them itself.
        parts = [(part["loc"], part["msg"].removeprefix("Value error, ")) for part in error.errors()]
        names = ", ".join(str(place[-1]) if place else message for place, message in parts)
        return f"these settings are missing or wrong: {names}"
    if isinstance(error, httpx.HTTPStatusError):
        return describe_problem(error.response)
    if isinstance(error, KafkaConnectionError):
        return f"Kafka does not answer ({error}); `leadflow status` shows whether it runs"
    if isinstance(error, KafkaError):
        return f"Kafka refuses it: {error}"
    if isinstance(error, httpx.TransportError):
        return f"{error.request.url} does not answer ({error}); `leadflow status` shows whether the services run"
    if isinstance(error, DatabaseError):
        return f"the database {'cannot be used' if is_outage(error) else 'refuses it'}: {' '.join(str(error).split())}"
    return None


def describe_problem(response: Any) -> str:
    """An error response (RFC 9457) in one line: status, detail or title, and the wrong fields."""
    request = f"{response.request.method} {response.request.url.path}"
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return f"{request} was answered with {response.status_code}"
    fields = "; ".join(f"{part.get('field')}: {part.get('message')}" for part in body.get("errors") or [])
    reason = body.get("detail") or body.get("title") or ""
    return f"{request} was answered with {response.status_code}: {reason}" + (f" ({fields})" if fields else "")


def read_text(file: Path) -> str:
    """The content of a file that a person names. Raises Refused for what is not text in UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"{file} is not text in UTF-8: its byte {error.start + 1} is not") from None
