"""Fetches a web address that a stranger has chosen: only public addresses, and bounded in every way.

Each hop is checked anew: the URL by `rules/addresses.py`, then the addresses that its host resolves to. The connection
goes to one of exactly the addresses that were checked, while TLS verifies the certificate of the name, so a name that
resolves to something else a moment later changes nothing. The time is bounded by the caller.
"""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import certifi
import httpcore

from services.enrichment.gateways.resolver import Resolver
from services.enrichment.rules.addresses import (
    AllowedHosts,
    Refused,
    Target,
    is_literal,
    is_local_name,
    is_public,
    read_target,
)

_CONNECT_SECONDS = 3.0
_TRIED = 3
"""Addresses of a host that are tried."""
_HEAD_BYTES = 200_000
"""What is read of an answer besides its body, headers and frames included; h11 bounds the headers to half of it."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchFailed(Exception):
    """It could not be fetched. The reason is a sentence without the address, which may have contact details."""

    def __init__(self, reason: str, *, again: bool = True) -> None:
        super().__init__(reason)
        self.again = again
        """Whether it may work later."""


class NotPermitted(FetchFailed):
    """An address, or where it redirects to, may not be fetched."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: `body` is decompressed, and cut at the limit if `cut`."""

    target: Target
    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The label of the character set, as the server writes it; '' where it names none."""
        return self.headers.get("content-type", "").lower().partition("charset=")[2].partition(";")[0].strip("\"' ")

    def retry_after(self, now: datetime) -> float | None:
        """Seconds that the server asks to wait (RFC 9110, 10.2.3); None if it does not."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:6])
        try:
            at = parsedate_to_datetime(text)
            return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
        except (ValueError, TypeError, IndexError, OverflowError):
            return None


class _Counted(httpcore.AsyncNetworkStream):
    """A connection of which only so many bytes are read, whatever they are: headers, interim answers, body."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, left: int) -> None:
        self._inner = inner
        self._left = left

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._inner.read(max_bytes, timeout)
        self._left -= len(data)
        if self._left < 0:
            raise FetchFailed("the answer is too large", again=False)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _Counted(await self._inner.start_tls(ssl_context, server_hostname, timeout), self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to the addresses of a host that may be connected to, and to no other."""

    def __init__(self, fetcher: "Fetcher", target: Target, limit: int) -> None:
        self._fetcher = fetcher
        self._target = target
        self._limit = limit

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        last: Exception = FetchFailed("the host has no address")
        for address in (await self._fetcher.checked_addresses(self._target))[:_TRIED]:
            try:
                return _Counted(await self._fetcher.network.connect_tcp(address, port, _CONNECT_SECONDS), self._limit)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    async def connect_unix_socket(self, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        raise FetchFailed("sockets of this machine are not fetched", again=False)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Fetcher:
    """GET requests. `allowed`: hosts that the deployment has listed; `ca_file`: an authority besides the usual ones."""

    def __init__(
        self, allowed: AllowedHosts, user_agent: str, *, resolver: Resolver | None = None, ca_file: Path | None = None
    ) -> None:
        self.allowed = allowed
        self.network: httpcore.AsyncNetworkBackend = httpcore.AnyIOBackend()
        self._user_agent = user_agent
        self._resolver = resolver or Resolver()
        self._tls = ssl.create_default_context()
        self._tls.load_verify_locations(certifi.where())
        if ca_file is not None:
            self._tls.load_verify_locations(ca_file)

    async def get(
        self,
        url: str,
        *,
        limit: int,
        redirects: int = 0,
        headers: Mapping[str, str] | None = None,
        accept: str = "*/*",
        permits: Callable[[Target], Awaitable[bool]] | None = None,
    ) -> Response:
        """The answer of `url`, or of where it redirects to, and up to `limit` bytes of its body.

        `headers` of ours go to the first origin only: a redirect to another is refused if there are any. `permits` is
        asked before each address, also of a redirect. Raises FetchFailed, NotPermitted for what it does not permit.
        """
        target = self.target(url)
        for _ in range(redirects + 1):
            if permits is not None and not await permits(target):
                raise NotPermitted("it is not permitted", again=False)
            response = await self._get_once(target, limit, headers or {}, accept)
            location = response.headers.get("location")
            if response.status not in _REDIRECTS or not location:
                return response
            if not redirects:
                break
            target = self._redirected(target, location, secret=bool(headers))
        raise FetchFailed("it redirects too often" if redirects else "it redirects", again=False)

    def target(self, url: str) -> Target:
        """The target of a URL, checked. Raises FetchFailed."""
        try:
            return read_target(url, self.allowed)
        except Refused as error:
            raise FetchFailed(str(error), again=False) from None

    def _redirected(self, before: Target, location: str, *, secret: bool) -> Target:
        try:
            target = self.target(urljoin(before.url, _as_utf_8(location)))
        except ValueError:
            raise FetchFailed("it redirects to what is no web address", again=False) from None
        if before.scheme == "https" and target.scheme == "http":
            raise FetchFailed("it redirects from https to http", again=False)
        if self.allowed.has(target) and not self.allowed.has(before):
            raise FetchFailed("it redirects into a private network", again=False)
        if secret and target.origin != before.origin:
            raise FetchFailed("it redirects to another host, which is not to get our headers", again=False)
        return target

    async def checked_addresses(self, target: Target) -> list[str]:
        """The addresses of a target that may be connected to. Raises FetchFailed if there are none."""
        host = target.host
        if self.allowed.has(target):
            return [host] if is_literal(host) else await self._resolver.system_addresses(host)
        if is_local_name(host):
            raise FetchFailed("the host is in a private network", again=False)
        found = [host] if is_literal(host) else await self._resolver.addresses(host)
        if public := [address for address in found if is_public(address)]:
            return public
        raise FetchFailed("the host has a private or reserved address", again=False)

    async def _get_once(self, target: Target, limit: int, headers: Mapping[str, str], accept: str) -> Response:
        sent = {
            "Host": target.authority,
            "User-Agent": self._user_agent,
            "Accept": accept,
            "Accept-Encoding": "gzip, deflate",
            "Connection": "close",
            **headers,
        }
        url = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        request = httpcore.Request(
            "GET", url, headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in sent.items()]
        )
        network = _CheckedNetwork(self, target, limit + _HEAD_BYTES)
        try:
            # A pool for one request: what hangs here takes no connection from anybody else.
            async with httpcore.AsyncConnectionPool(ssl_context=self._tls, network_backend=network) as pool:
                response = await pool.handle_async_request(request)
                try:
                    received = _headers(response.headers)
                    body, cut = await _body(response.aiter_stream(), received.get("content-encoding", ""), limit)
                    return Response(target, response.status, received, body, cut)
                finally:
                    await response.aclose()
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise FetchFailed(_connect_reason(error)) from None
        except (httpcore.ProtocolError, zlib.error):
            raise FetchFailed("the answer is no valid HTTP") from None
        except (httpcore.NetworkError, httpcore.TimeoutException, ssl.SSLError):
            raise FetchFailed("the connection broke off") from None
        except OSError as error:
            raise FetchFailed(str(error) if type(error).__name__ == "Unresolved" else "the connection failed") from None


def _connect_reason(error: Exception) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "the certificate of the server cannot be verified"
    return "the connection could not be made"


def _as_utf_8(header: str) -> str:
    """What many servers send in UTF-8 though headers are read as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


def _headers(received: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in received}


async def _body(stream: AsyncIterator[bytes], encoding: str, limit: int) -> tuple[bytes, bool]:
    """Up to `limit` bytes, counted before and after decompression, and whether there was more."""
    decoder = _decoder(encoding.strip().lower())
    body, received = bytearray(), 0
    async for chunk in stream:
        received += len(chunk)
        body += decoder.decompress(chunk, limit + 1 - len(body)) if decoder else chunk
        if len(body) > limit or received > limit:
            return bytes(body[:limit]), True
    return bytes(body), False


def _decoder(encoding: str) -> "_Deflate | Any":
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip"):
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    if encoding == "deflate":
        return _Deflate()
    raise FetchFailed("the answer is compressed in a way that was not asked for", again=False)


class _Deflate:
    """`deflate`: the zlib format (RFC 9110, 8.4.1.2), or the raw one that some servers send."""

    def __init__(self) -> None:
        self._inner: Any = None

    def decompress(self, chunk: bytes, limit: int) -> bytes:
        if self._inner is None and chunk:
            is_zlib = chunk[0] & 0x0F == 8 and (len(chunk) < 2 or (chunk[0] << 8 | chunk[1]) % 31 == 0)
            self._inner = zlib.decompressobj(wbits=zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        data: bytes = self._inner.decompress(chunk, limit) if chunk else b""
        return data
