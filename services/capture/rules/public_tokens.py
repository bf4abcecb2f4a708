"""Tokens in public addresses: they name their tenant, so that a request without a token of ours finds its row."""

import base64
import binascii

_RANDOM_BYTES = 16


def public_token(tenant: str, random: bytes) -> str:
    """A token that nobody can guess (128 random bits). Who decodes it learns the tenant's name and no more."""
    assert len(random) == _RANDOM_BYTES
    return base64.urlsafe_b64encode(random + tenant.encode()).decode().rstrip("=")


def tenant_of(token: str) -> str | None:
    """The name of a tenant in a token, for the caller to check; None for what is no token."""
    try:
        raw = base64.b64decode(token[:200] + "=" * (-len(token[:200]) % 4), altchars=b"-_", validate=True)
        tenant = raw[_RANDOM_BYTES:].decode()
    except (binascii.Error, ValueError):
        return None
    return tenant if token == public_token(tenant, raw[:_RANDOM_BYTES].ljust(_RANDOM_BYTES)) else None
