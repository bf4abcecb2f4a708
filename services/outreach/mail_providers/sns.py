"""Requests to Amazon SNS: the certificates that messages are signed with, and confirmations of subscriptions.

The addresses come with the message, before its signature is checked. So they are asked only by HTTPS, at a host that is
SNS itself, without following redirects, and a certificate once.
"""

import asyncio
import re
import time
from collections import OrderedDict
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography.x509 import Certificate, NameOID, load_pem_x509_certificate

from shared.errors import Forbidden, Transient

_HOST = re.compile(r"sns\.[a-z]{2,3}(-[a-z]{2,12}){1,3}-\d{1,2}\.amazonaws\.com(\.cn)?")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]{8,64}\.pem")
_CACHED = 16
_LARGEST = 65_536
_NOT_AGAIN_WITHIN = 30.0
"""Seconds for which an address that gave no certificate is not asked again."""


class Sns:
    """Amazon SNS, asked over `transport` (the network unless a test gives another)."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.transport = transport
        self._known: OrderedDict[str, Certificate] = OrderedDict()
        self._failed: dict[str, float] = {}
        self._one_at_a_time = asyncio.Lock()

    async def certificate(self, url: str) -> Certificate:
        """The certificate at this address. Forbidden for any other address, Transient when it cannot be had now."""
        if not _CERTIFICATE.fullmatch(_path_at_sns(url)):
            raise Forbidden("the certificate is not at an address of Amazon SNS")
        async with self._one_at_a_time:
            known = self._known.get(url)
            if known is None:
                if self._failed.get(url, 0.0) > time.monotonic():
                    raise Transient("the certificate of Amazon SNS cannot be had now")
                known = await self._fetch(url)
                self._known[url] = known
                while len(self._known) > _CACHED:
                    self._known.popitem(last=False)
        if not known.not_valid_before_utc <= datetime.now(UTC) <= known.not_valid_after_utc:
            raise Forbidden("the certificate is not valid now")
        return known

    async def confirm(self, url: str) -> None:
        """Confirm a subscription at the address that a signed message names."""
        path = _path_at_sns(url)
        if path not in ("", "/") or parse_qs(urlsplit(url).query).get("Action") != ["ConfirmSubscription"]:
            raise Forbidden("the subscription is not confirmed at an address of Amazon SNS")
        await self._get(url)

    async def _fetch(self, url: str) -> Certificate:
        try:
            certificate = load_pem_x509_certificate(await self._get(url))
        except (Transient, ValueError):
            self._failed = {each: until for each, until in self._failed.items() if until > time.monotonic()}
            self._failed[url] = time.monotonic() + _NOT_AGAIN_WITHIN
            raise Transient("the certificate of Amazon SNS cannot be had now") from None
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if not any(
            re.fullmatch(r"sns\.amazonaws\.com(\.cn)?|sns\..*\.amazonaws\.com(\.cn)?", str(each.value))
            for each in names
        ):
            raise Forbidden("the certificate is not of Amazon SNS")
        return certificate

    async def _get(self, url: str) -> bytes:
        content = bytearray()
        try:
            async with (
                httpx.AsyncClient(transport=self.transport, timeout=5, follow_redirects=False) as client,
                client.stream("GET", url) as answer,
            ):
                if answer.status_code != 200:
                    raise Transient(f"Amazon SNS answers {answer.status_code}")
                async for part in answer.aiter_bytes():
                    content += part
                    if len(content) > _LARGEST:
                        raise Transient("the answer of Amazon SNS is too large")
        except httpx.HTTPError as error:
            raise Transient(f"Amazon SNS does not answer: {type(error).__name__}") from None
        return bytes(content)


def _path_at_sns(url: str) -> str:
    """The path of an address at SNS. Forbidden for an address anywhere else."""
    try:
        parts = urlsplit(url)
        at_sns = parts.scheme == "https" and parts.port in (None, 443) and not parts.username and not parts.password
    except ValueError:
        at_sns = False
    if not at_sns or not _HOST.fullmatch(parts.hostname or ""):
        raise Forbidden("the address is not one of Amazon SNS")
    return parts.path


SNS = Sns()
"""The one of this process."""
