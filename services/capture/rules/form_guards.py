"""What keeps machines out of a form: time, work, origins, and how often one address may submit.

Nothing here needs anything but the form's own secret, so every replica decides alike.
"""

import hmac
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b, sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

import idna

STARTED_LASTS = timedelta(hours=24)
"""How long a form that was shown may be submitted, where it has a minimum time or a proof of work."""
MAX_WORK_BITS = 24
"""A browser needs some seconds for twenty bits; each more doubles them."""
_MAC = 32


class Shown(NamedTuple):
    """How a form that was shown asked for consent: the version of its text, 0 for none, and the channels."""

    version: int = 0
    channels: tuple[str, ...] = ()


def started_token(secret: bytes, now: datetime, nonce: str, shown: Shown) -> str:
    """What a form that is shown now carries, so that the submission proves when it was shown, and with which text."""
    content = f"{int(now.timestamp() * 1_000)}.{nonce}.{shown.version}-{'-'.join(shown.channels)}"
    return f"{content}.{_mac(secret, content)}"


def started_at(secret: bytes, token: str) -> int | None:
    """When the form with this token was shown, in milliseconds since 1970; None for a token that is not ours."""
    signed = _signed(secret, token)
    return int(signed[0]) if signed else None


def shown_with(secret: bytes, token: str) -> Shown | None:
    """How the form with this token asked for consent; None for a token that is not ours, or does not say it."""
    signed = _signed(secret, token)
    if signed is None or len(signed) < 3:
        return None
    version, *channels = signed[2].split("-")
    return Shown(int(version), tuple(filter(None, channels)))


def _signed(secret: bytes, token: str) -> list[str] | None:
    """The parts of a token, if it is ours."""
    content, _, mac = token[:200].rpartition(".")
    if not hmac.compare_digest(_mac(secret, content).encode(), mac.encode(errors="replace")):
        return None
    return content.split(".")


def _mac(secret: bytes, content: str) -> str:
    return hmac.new(secret, b"started\0" + content.encode(errors="replace"), sha256).hexdigest()[:_MAC]


def too_early_or_late(secret: bytes, token: str, now: datetime, least_seconds: float) -> str | None:
    """Why a submission comes too early or too late after its form was shown, as a sentence for people; or None."""
    at = started_at(secret, token)
    if at is None:
        return "the form has to be loaded before it is sent; load it again"
    seconds = now.timestamp() - at / 1_000
    if seconds > STARTED_LASTS.total_seconds():
        return "the form was open for too long; send it once more"
    if seconds < least_seconds:
        return "that was quick; look over what you entered, and send it once more"
    return None


def work_is_done(token: str, answer: str, bits: int) -> bool:
    """Whether SHA-256 of `token:answer` begins with so many zero bits: the proof of work of Hashcash (Back, 2002)."""
    digest = sha256(f"{token}:{answer[:100]}".encode(errors="replace")).digest()
    return int.from_bytes(digest) >> (256 - bits) == 0


def visitor_key(secret: bytes, address: str) -> bytes:
    """A keyed hash of the network that a request comes from: an IPv4 address, or the /64 that one IPv6 line has."""
    try:
        ip = ip_address(address)
    except ValueError:
        network = address[:100]
    else:
        mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
        ip = mapped or ip
        network = str(ip_network(f"{ip}/64", strict=False)) if ip.version == 6 else str(ip)
    return blake2b(network.encode(errors="replace"), key=secret[:64], digest_size=16).digest()


def use_key(secret: bytes, token: str) -> bytes:
    """A keyed hash of a solved proof of work, which counts once."""
    return blake2b(b"work\0" + token.encode(errors="replace"), key=secret[:64], digest_size=16).digest()


def client_address(peer: str, forwarded: str, trusted_proxies: int) -> str:
    """The address of the client behind so many proxies of our own, each of which appends to X-Forwarded-For.

    What stands further left was written by the client, and is not believed.
    """
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    if trusted_proxies <= 0 or not hops:
        return peer
    return hops[-min(trusted_proxies, len(hops))]


_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_PORTS = {"http": 80, "https": 443}


def read_origin(text: str) -> str:
    """An origin as a browser names it, such as https://www.example.org, or `*`. Raises ValueError for anything else.

    Browsers write international names in their ASCII form, and leave out the port that the scheme has anyway (RFC 6454;
    the URL standard). Pages carry it in a header, in which another character would begin something else.
    """
    if text == "*":
        return text
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            host = f"[{IPv6Address(host)}]"
        else:
            host = host if host.isascii() else idna.encode(host, uts46=True).decode()
            if not _HOST.fullmatch(host):
                raise ValueError
        if parts.scheme not in _PORTS or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError
    except ValueError:
        raise ValueError("has an entry that is not an origin such as https://www.example.org") from None
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, _PORTS[parts.scheme]) else "")


def may_send(origin: str | None, host: str, allowed: Iterable[str]) -> bool:
    """Whether a page of this origin may send the form. A request without an origin comes from no other page.

    The form's own page, on our host, always may; what is no origin at all never may.
    """
    if origin is None:
        return True
    try:
        own = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    origins = set(allowed)
    return "*" in origins or origin.lower() in origins or (bool(own) and own == host.lower())


def page_address(referer: str, most: int) -> str:
    """The address of the page that a request comes from, without query and fragment, which may name a person; "" for
    none."""
    try:
        page = urlsplit(referer[:most])
    except ValueError:
        return ""
    return f"{page.scheme}://{page.netloc}{page.path}"[:most] if page.scheme in ("http", "https") else ""
