"""Keyed hashes of addresses and unsubscribe tokens, both made with the service's secret; and message ids."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from services.outreach.address_forms import known_address, known_domain


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The content of an unsubscribe token. The address is given by its hash, so that it works after an erasure."""

    tenant: str
    lead_id: UUID
    channel: str
    address_hash: bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """Everything that needs the secret."""

    secret: bytes

    def address(self, tenant: str, address: str) -> bytes:
        """The keyed hash (HMAC-SHA256) by which an address is stored in `address` and `suppression`.

        It is the same for every spelling of the address, and the one that capture keeps has it without any change.
        """
        return self._mac("address", tenant, known_address(address))

    def domain(self, tenant: str, domain: str) -> bytes:
        """The keyed hash of a mail domain."""
        return self._mac("domain", tenant, known_domain(domain))

    def domain_of(self, tenant: str, email: str) -> bytes:
        """The keyed hash of the domain of an e-mail address."""
        return self.domain(tenant, email.rpartition("@")[2])

    def unsubscribe_token(self, content: Unsubscribe) -> str:
        """An opaque token for a public link, signed: nobody else can make one."""
        raw = (
            b"\0".join([content.tenant.encode(), content.channel.encode()])
            + b"\0"
            + content.lead_id.bytes
            + content.address_hash
        )
        return _text(raw + self._mac("unsubscribe", raw)[:16])

    def read_unsubscribe_token(self, token: str) -> Unsubscribe | None:
        """The content of a token, or None when its signature is not ours."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            return None
        content, signature = raw[:-16], raw[-16:]
        if len(content) < 52 or not hmac.compare_digest(self._mac("unsubscribe", content)[:16], signature):
            return None
        tenant, channel, rest = content.split(b"\0", 2)
        return Unsubscribe(tenant.decode(), UUID(bytes=rest[:16]), channel.decode(), rest[16:])

    def _mac(self, purpose: str, *parts: str | bytes) -> bytes:
        content = b"\0".join(part.encode() if isinstance(part, str) else part for part in (purpose, *parts))
        return hmac.new(self.secret, content, sha256).digest()


def message_id(dispatch_id: UUID, domain: str) -> str:
    """The Message-ID of a dispatch, without angle brackets; the same for every attempt.

    It is short, because some mail programs break long ids when they answer, and unguessable, because half of a UUIDv7
    is random.
    """
    return f"{base64.b32encode(dispatch_id.bytes).decode().rstrip('=').lower()}@{domain}"


def sms_reference(dispatch_id: UUID) -> str:
    """Our id for an SMS. It is the message id for as long as the provider has given none."""
    return f"SM{dispatch_id.hex}"


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
