"""Signatures of webhooks: what was signed, where the signature stands, and how old it may be.

A signature is an HMAC (RFC 2104) over the raw bytes of the body, or over a text that has them in it.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

_PART = re.compile(rb"\{(body|timestamp|method|url)\}")
_MILLISECONDS = 100_000_000_000
"""A timestamp beyond this is in milliseconds: in seconds it would be in the year 5138."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


class Signature(NamedTuple):
    """How a sender signs. `element`: the part of the header that is the signature, of headers such as `t=1,v1=ab`.

    `signed`: what is signed, with `{body}`, `{timestamp}`, `{method}` and `{url}` in their places. The timestamp
    stands in a header of its own or in an element of the signature's.
    """

    header: str
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    element: str = ""
    signed: str = "{body}"
    timestamp_header: str = ""
    timestamp_element: str = ""
    tolerance_seconds: float = 300


class Sent(NamedTuple):
    """A request as it arrived. `headers`: names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def problem_of(signature: Signature, secret: bytes, sent: Sent, now: datetime) -> str | None:
    """Why a request is not the sender's, as a sentence for people; None for one that is."""
    given = sent.headers.get(signature.header.lower(), "")
    if not given:
        return f"the header {signature.header} is missing"
    elements = _elements(given)
    timestamp = elements.get(signature.timestamp_element, [""])[0] if signature.timestamp_element else ""
    if signature.timestamp_header:
        timestamp = sent.headers.get(signature.timestamp_header.lower(), "")
    if signature.timestamp_header or signature.timestamp_element:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 16):
            return "the signature has no timestamp"
        seconds = int(timestamp) / (1_000 if int(timestamp) > _MILLISECONDS else 1)
        if abs(now.timestamp() - seconds) > signature.tolerance_seconds:
            return f"the signature is not of the last {signature.tolerance_seconds:g} seconds"
    expected = _digest(signature, secret, sent, timestamp)
    candidates = elements.get(signature.element, []) if signature.element else [given]
    if any(hmac.compare_digest(expected, _decoded(text.strip(), signature)) for text in candidates):
        return None
    return "the signature is not the one of this body and secret"


def _digest(signature: Signature, secret: bytes, sent: Sent, timestamp: str) -> bytes:
    """The HMAC of what the sender signs. The parts are put in at once, so that a body cannot stand for another part."""
    parts = {
        b"body": sent.body,
        b"timestamp": timestamp.encode(),
        b"method": sent.method.encode(),
        b"url": sent.url.encode(),
    }
    content = _PART.sub(lambda match: parts[match[1]], signature.signed.encode())
    return hmac.new(secret, content, signature.algorithm).digest()


def _elements(header: str) -> dict[str, list[str]]:
    """The elements of a header such as `t=1,v1=ab`; a name may come more than once."""
    found: dict[str, list[str]] = {}
    for element in header[:4_000].split(","):
        name, _, value = element.partition("=")
        found.setdefault(name.strip(), []).append(value.strip())
    return found


def _decoded(text: str, signature: Signature) -> bytes:
    text = text.removeprefix(signature.prefix)
    try:
        return bytes.fromhex(text) if signature.encoding == "hex" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def sign(signature: Signature, secret: bytes, sent: Sent, timestamp: str = "") -> str:
    """What a sender writes into the signature's header; for tests, and for senders that are written anew."""
    mac = _digest(signature, secret, sent, timestamp)
    text = signature.prefix + (mac.hex() if signature.encoding == "hex" else base64.b64encode(mac).decode())
    text = f"{signature.element}={text}" if signature.element else text
    return f"{signature.timestamp_element}={timestamp},{text}" if signature.timestamp_element else text


def answer_to_facebook(verify_token: str, query: Mapping[str, str]) -> str | None:
    """The challenge of Meta's verification request, if it knows the token; else None.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started
    """
    known = hmac.compare_digest(verify_token.encode(), query.get("hub.verify_token", "").encode())
    challenge = query.get("hub.challenge", "")
    return challenge[:200] if known and query.get("hub.mode") == "subscribe" and challenge.isalnum() else None


def answer_to_linkedin(secret: bytes, query: Mapping[str, str]) -> dict[str, str] | None:
    """The answer to LinkedIn's validation of a webhook's owner; None for what is no challenge.

    https://learn.microsoft.com/en-us/linkedin/shared/api-guide/webhook-validation. The code is a UUID by that page:
    anything else is not signed, for whoever could have texts signed could forge notifications.
    """
    code = query.get("challengeCode", "")
    if not _UUID.match(code):
        return None
    return {"challengeCode": code, "challengeResponse": hmac.new(secret, code.encode(), "sha256").hexdigest()}
