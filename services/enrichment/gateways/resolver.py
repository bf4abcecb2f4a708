"""The addresses of a host, by DNS: bounded in time, and never by a call that cannot be ended.

The system's own resolver would block a thread for as long as a name server keeps silent.
"""

import asyncio
import socket
from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.resolver

SECONDS = 3.0
"""For all questions to name servers about one host."""
_ADDRESSES = 8


class Unresolved(OSError):
    """The host has no address, or its name servers do not answer."""


class Resolver:
    """Asks the name servers of the system, or those given (address, port)."""

    def __init__(self, nameservers: Sequence[str] = (), port: int = 53, seconds: float = SECONDS) -> None:
        self._nameservers = nameservers
        self._port = port
        self._seconds = seconds
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def addresses(self, host: str) -> list[str]:
        """The IPv4 and IPv6 addresses of a public name. Raises Unresolved."""
        answers = await asyncio.gather(self._ask(host, "A"), self._ask(host, "AAAA"), return_exceptions=True)
        found = [address for answer in answers if not isinstance(answer, BaseException) for address in answer]
        if found:
            return found[:_ADDRESSES]
        silent = any(isinstance(answer, dns.exception.Timeout) for answer in answers)
        raise Unresolved("the name servers do not answer" if silent else "the host has no address")

    async def system_addresses(self, host: str) -> list[str]:
        """The addresses of a host that the deployment has listed, also by the system's file of hosts."""
        if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
            return ["127.0.0.1", "::1"]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            raise Unresolved("the host has no address") from None
        return [str(entry[4][0]) for entry in found][:_ADDRESSES]

    async def _ask(self, host: str, kind: str) -> list[str]:
        if self._resolver is None:
            self._resolver = self._made()
        answer = await self._resolver.resolve(host, kind, lifetime=self._seconds, search=False)
        return [record.address for record in answer]

    def _made(self) -> dns.asyncresolver.Resolver:
        if not self._nameservers:
            return dns.asyncresolver.Resolver()
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = list(self._nameservers)
        resolver.port = self._port
        return resolver
