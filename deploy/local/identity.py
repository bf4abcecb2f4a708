"""The local identity provider: one signing key for each data folder, and the tokens signed with it."""

import json
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

ISSUER = "urn:leadflow:local"
AUDIENCE = "leadflow"


class Identity:
    """The keys and passwords in `data`/identity. They are created on first use."""

    def __init__(self, data: Path, *, issuer: str = ISSUER, audience: str = AUDIENCE) -> None:
        self.issuer = issuer
        self.audience = audience
        self._folder = data.resolve() / "identity"
        self._key = self._load_key()

    @property
    def jwks_url(self) -> str:
        """The file: address of the public key (a JSON Web Key Set, RFC 7517)."""
        return (self._folder / "jwks.json").as_uri()

    def sign_token(
        self,
        tenant: str,
        roles: Sequence[str],
        subject: str = "local",
        ttl: float = 12 * 3600,
        audience: str | None = None,
    ) -> str:
        """A bearer token (a JWT, RFC 7519) that is valid for `ttl` seconds; a negative `ttl` makes an expired one."""
        now = datetime.now(UTC)
        claims = {
            "iss": self.issuer,
            "aud": audience or self.audience.partition(",")[0].strip(),  # services accept any of several
            "sub": subject,
            "tenant": tenant,
            "roles": list(roles),
            "iat": now,
            "exp": now + timedelta(seconds=ttl),
        }
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._kid})

    def database_password(self, login: str) -> str:
        """The password of a database login, created at the first call."""
        file = self._folder / "database.json"
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        if login not in known:
            known[login] = secrets.token_urlsafe(24)
            _write_secret(file, json.dumps(known, indent=2).encode())
        return known[login]

    def _load_key(self) -> ec.EllipticCurvePrivateKey:
        file = self._folder / "key.pem"
        if not file.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new_key = ec.generate_private_key(ec.SECP256R1())
            pem = new_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            _write_secret(file, pem)
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{file} does not contain an elliptic-curve key; remove it, and a new key is created")
        public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self._kid = str(public["x"])[:16]
        jwks = {"keys": [public | {"kid": self._kid, "use": "sig", "alg": "ES256"}]}
        published, content = self._folder / "jwks.json", json.dumps(jwks, indent=2)
        # Services may read the file at any moment: it is rewritten only if it differs.
        if not published.exists() or published.read_text() != content:
            published.write_text(content)
        return key


def _write_secret(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
