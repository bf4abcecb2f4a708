"""A provider's request, and what all of them are checked for: a shared login, the age of a signature, JSON."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from json import JSONDecodeError
from typing import Any

from shared.errors import Forbidden, Malformed
from shared.strict_json import read_json


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request to store a mail. `headers`: names in lower case. `now`: when it arrived."""

    tenant: str
    headers: Mapping[str, str]
    body: bytes
    now: datetime

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


def check_login(webhook: Webhook, login: str) -> None:
    """Forbidden unless the URL that the provider calls has this `user:password` (RFC 7617)."""
    scheme, _, given = webhook.headers.get("authorization", "").partition(" ")
    try:
        sent = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        sent = b""
    if scheme.lower() != "basic" or not hmac.compare_digest(sent, login.encode()):
        raise Forbidden("the request does not have the login of this webhook")


def check_age(webhook: Webhook, timestamp: float, most: float) -> None:
    """Forbidden when something was signed more than `most` seconds ago, or as long in the future."""
    if not abs(webhook.now.timestamp() - timestamp) <= most:  # a NaN compares with nothing
        raise Forbidden(f"the signature is not of the last {most / 60:g} minutes")


def seconds_of(text: str) -> float:
    """A timestamp in seconds. Forbidden when it is none."""
    try:
        return float(text)
    except ValueError:
        raise Forbidden("the signature has no timestamp") from None


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Malformed when it is none."""
    try:
        content = read_json(body)
    except JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise Malformed("the body is not a JSON object")
    return content


def lenient_json(text: str) -> Any:
    """The JSON value of a field that says more about a mail; None where it is none."""
    try:
        return read_json(text.encode(errors="replace"))
    except JSONDecodeError:
        return None


def bytes_of(encoded: object) -> bytes:
    """What a provider encoded in base64; the text itself when it is no base64, so that nothing is lost."""
    text = encoded if isinstance(encoded, str) else ""
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return text.encode(errors="replace")
