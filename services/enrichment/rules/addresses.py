"""Which addresses may be fetched: public ones, and hosts that the deployment has listed.

Sources: the IANA registries of special-purpose addresses (RFC 6890), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056),
Teredo (RFC 4380), IPv4-mapped addresses (RFC 4291).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

import idna

PORTS = frozenset({80, 443, 8080, 8443})
"""Ports of a host that the deployment has not listed."""
MAX_URL = 2_000
"""Characters of the longest URL that is fetched."""
_TOO_LONG = f"the address is longer than {MAX_URL} characters"

_REFUSED = tuple(
    map(
        ip_network,
        # Besides what Python calls not global: addresses that contain another one, and former special ranges.
        """
        0.0.0.0/8 100.64.0.0/10 192.0.0.0/24 192.88.99.0/24 198.18.0.0/15 224.0.0.0/4 240.0.0.0/4
        ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16
        3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
        """.split(),
    )
)
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63}){0,30}\Z")
_REFUSED_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]|\\")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_LOCAL_NAMES = ("localhost", "local", "internal", "lan", "home.arpa")


class Refused(ValueError):
    """The address may not be fetched; the reason is a sentence without the address itself."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `host` is in the form of DNS, or an IP address without brackets; `path` has the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them (RFC 9110, 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self.path}"


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Hosts that the deployment lists: `host` with every port, or `host:port`. They may have private addresses."""

    entries: frozenset[tuple[str, int | None]]

    @classmethod
    def read(cls, entries: Iterable[str]) -> "AllowedHosts":
        """The hosts in `name`, `name:port`, `192.0.2.1`, `192.0.2.1:8080`, `::1` or `[::1]:8080`. Raises ValueError."""
        return cls(frozenset(_entry(each.strip()) for each in entries if each.strip()))

    def has(self, target: Target) -> bool:
        """Whether the host is listed, by the name that the URL has: what a name resolves to does not matter."""
        return (target.host, None) in self.entries or (target.host, target.port) in self.entries


def _entry(text: str) -> tuple[str, int | None]:
    if text.count(":") > 1 and not text.startswith("["):
        return str(IPv6Address(text)), None
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.path or parts.username is not None:
        raise ValueError("a host is listed as host or host:port")
    return _host(parts.hostname), parts.port


def read_target(url: str, allowed: AllowedHosts) -> Target:
    """The target of a URL. Raises Refused for what is no plain http or https address, and for strange ports."""
    text = url.partition("#")[0]
    if len(text) > MAX_URL:
        raise Refused(_TOO_LONG)
    if _REFUSED_CHARACTERS.search(text):
        raise Refused("the address has a line break, another control character, or a backslash")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = _host(parts.hostname or "")
        path = escaped(parts.path or "/") + (f"?{escaped(parts.query)}" if parts.query else "")
    except ValueError:
        raise Refused("the address is not a web address") from None
    if parts.scheme not in ("http", "https"):
        raise Refused("only http and https are fetched")
    if parts.username is not None or parts.password is not None:
        raise Refused("an address with a user name is not fetched")
    if len(path) > MAX_URL:
        raise Refused(_TOO_LONG)
    target = Target(parts.scheme, host, port if port is not None else (443 if parts.scheme == "https" else 80), path)
    if target.port not in PORTS and not allowed.has(target):
        raise Refused(f"port {target.port} is not fetched; {', '.join(map(str, sorted(PORTS)))} are")
    if is_literal(host) and not allowed.has(target):
        check_public(host)
    return target


def escaped(text: str) -> str:
    """A path, query or pattern with blanks and characters beyond ASCII as RFC 3986 has them: `%C3%BC`; else unchanged.

    Raises ValueError for half of a surrogate pair.
    """
    return quote(text, safe=_PRINTABLE)


def _host(host: str) -> str:
    """A host in the form of DNS. Raises ValueError."""
    if is_literal(host):
        return str(ip_address(host))
    name = host.rstrip(".").lower()
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode()  # IDNA 2008: by that of 2003, ß would be another firm's ss
    if not _HOST.match(name) or len(name) > 253:
        raise ValueError("not the name of a host")
    if name.rpartition(".")[2].isdigit() or name.rpartition(".")[2].startswith("0x"):
        raise ValueError("a number that some systems read as an address")
    return name


def is_literal(host: str) -> bool:
    """Whether the host is an IP address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_local_name(host: str) -> bool:
    """Whether a name is for private networks only (RFC 6761, RFC 6762, RFC 8375, and usage)."""
    return any(host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES)


def is_public(address: str) -> bool:
    """Whether an IP address is reached over the public internet, and contains no address of another kind."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False  # with a zone, for example
    return (
        ip.is_global and not ip.is_multicast and not any(ip in each for each in _REFUSED if each.version == ip.version)
    )


def check_public(address: str) -> None:
    """Raises Refused unless the address is public."""
    if not is_public(address):
        raise Refused("the host has a private or reserved address")
