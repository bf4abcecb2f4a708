"""Authentication: OIDC bearer tokens, verified by the issuer's published keys (RFC 7519, RFC 7517)."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import httpx
import jwt
import orjson
import structlog
from fastapi import Depends, Request
from fastapi.routing import APIRoute

from shared.errors import Forbidden, Transient, Unauthorized
from shared.http.token_claims import ClaimSettings, Principal

_ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]
_READ_AGAIN_AFTER = 10.0
"""Seconds between two readings of the keys for keys that are not known."""
_KEYS_LIVE = 45.0
"""Seconds after which the keys are read again, so that a withdrawn key is out within a minute."""
_PATIENCE = 1.0
"""Seconds that a request waits for keys which are read again; while the issuer hangs, the next ones do not wait."""
_CACHED = 1_000
"""Tokens whose verification is cached."""


class Verifier:
    """Verifies tokens with the JWKS at `url` (`https:`, `http:` or `file:`).

    Without `url` the keys are where the issuer's discovery document says. `audience` names one or more, separated by
    commas; a token for any of them is accepted.

    The keys are read again for an unknown key, and every 45 seconds: tokens of a key that is no longer in them are then
    refused, though they were accepted before. While the issuer does not answer, the last keys stay in use.
    """

    def __init__(self, *, url: str, issuer: str, audience: str, claims: ClaimSettings | None = None) -> None:
        if not url and not issuer.startswith(("https://", "http://")):
            raise ValueError(
                "LEADFLOW_OIDC_JWKS_URL is not set: without the keys of the issuer no token can be verified"
            )
        self.url = url
        self.issuer = issuer
        self.audiences = [name.strip() for name in audience.split(",") if name.strip()]
        if not self.audiences:
            raise ValueError("LEADFLOW_OIDC_AUDIENCE is empty: a token for somebody else would be accepted")
        self.claims = claims or ClaimSettings()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = self._searched_at = -_KEYS_LIVE
        self._digest = b""
        self._lock = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._hangs = False
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """The principal of a valid token; Unauthorized with the reason otherwise."""
        await self._keep_keys_fresh()
        known = self._known.get(token)
        if known and known[0] > time.time():
            return known[1]
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            claims = jwt.decode(
                token,
                await self._key(kid),
                algorithms=_ALGORITHMS,
                audience=self.audiences,
                issuer=self.issuer or None,
                leeway=self.claims.leeway_seconds,
                options={"require": ["exp"]},
            )
        except jwt.PyJWTError as error:
            raise Unauthorized(f"the token is not valid: {error}") from None
        principal = self.claims.principal(claims)
        self._known[token] = (float(claims["exp"]), principal)
        while len(self._known) > _CACHED:
            self._known.popitem(last=False)
        return principal

    async def _key(self, kid: str) -> jwt.PyJWK:
        if kid not in self._keys:
            async with self._lock:
                # A reading because of age does not count: the issuer may have made the key just after it.
                if kid not in self._keys and time.monotonic() - self._searched_at > _READ_AGAIN_AFTER:
                    await self._read()
                    self._searched_at = self._read_at
        try:
            return self._keys[kid]
        except KeyError:
            raise jwt.InvalidKeyError("it is signed by a key that the issuer does not publish") from None

    async def _keep_keys_fresh(self) -> None:
        if not self._keys or time.monotonic() - self._read_at < _KEYS_LIVE:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_again())
        if not self._hangs:
            done, _ = await asyncio.wait({self._reading}, timeout=_PATIENCE)
            self._hangs = not done

    async def _read_again(self) -> None:
        try:
            async with self._lock:
                await self._read()
            self._hangs = False
        except Transient:
            self._read_at = time.monotonic() - _KEYS_LIVE + _READ_AGAIN_AFTER

    async def _read(self) -> None:
        try:
            if not self.url:
                # OpenID Connect Discovery 1.0, 4: the document lies below the issuer.
                document = await _fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                self.url = str(orjson.loads(document)["jwks_uri"])
            content = await _fetch(self.url)
            published = orjson.loads(content)["keys"]
        except (httpx.HTTPError, OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            structlog.get_logger().error("auth.no_keys", url=self.url or self.issuer, error=repr(error)[:300])
            raise Transient("the issuer's keys cannot be read now") from None
        self._keys = {key.key_id or "": key for key in map(_key_of, published) if key is not None}
        self._read_at = time.monotonic()
        digest = sha256(content).digest()
        if digest != self._digest:
            self._known.clear()  # what was verified by another set of keys is verified again
            self._digest = digest


async def _fetch(url: str) -> bytes:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return await asyncio.to_thread(Path(unquote(parts.path)).read_bytes)
    async with httpx.AsyncClient(timeout=5) as client:
        return (await client.get(url)).raise_for_status().content


def _key_of(published: dict[str, Any]) -> jwt.PyJWK | None:
    """A key of the set; None for one of a kind that is not used here (RFC 7517, 5: ignore it)."""
    try:
        return jwt.PyJWK(published)
    except jwt.PyJWTError:
        return None


async def principal_of(request: Request) -> Principal:
    """The principal of the request, whose token was verified when the request was admitted."""
    principal: Principal | None = getattr(request.state, "principal", None)
    return principal if principal is not None else await authenticate(request)


async def authenticate(request: Request) -> Principal:
    """Verify the request's bearer token. Raises Unauthorized."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("a bearer token is needed")
    verifier: Verifier = request.app.state.verifier
    return await verifier.verify(token.strip())


@dataclass(frozen=True)
class Required:
    """A dependency that requires at least `role`, or with `service` the role of machines."""

    role: str
    service: bool = False

    async def __call__(self, principal: Annotated[Principal, Depends(principal_of)]) -> Principal:
        if not principal.at_least(self.role) and not (self.service and principal.is_service):
            raise Forbidden(f"this needs the role {self.role}{' or service' if self.service else ''}")
        return principal


async def check_caller(request: Request) -> None:
    """Check what the route of this request requires, for an answer that is made before its dependencies have run."""
    route = request.scope.get("route")
    if isinstance(route, APIRoute):
        for dependency in route.dependant.dependencies:
            if isinstance(dependency.call, Required):
                await dependency.call(await principal_of(request))


def public() -> None:
    """Marks a route that needs no token, because its path contains a secret."""


Viewer = Annotated[Principal, Depends(Required("viewer", service=True))]
"""Reads; a machine may too."""
ViewerOrService = Viewer
Reviewer = Annotated[Principal, Depends(Required("reviewer"))]
ReviewerOrService = Annotated[Principal, Depends(Required("reviewer", service=True))]
Operator = Annotated[Principal, Depends(Required("operator"))]
OperatorOrService = Annotated[Principal, Depends(Required("operator", service=True))]
Admin = Annotated[Principal, Depends(Required("admin"))]
