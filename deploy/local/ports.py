"""The ports of a local run. `--port-base` moves all of them."""

import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import Invalid
from shared.names import SERVICES

DEFAULT_BASE = 8100


class PortTaken(RuntimeError):
    """Another process listens on a port that is needed."""

    def __init__(self, name: str, port: int, base: int) -> None:
        super().__init__(
            f"port {port} for {name} is taken by another process; choose other ports for all with --port-base "
            f"(for example: leadflow up --port-base {_another(base)})"
        )


@dataclass(frozen=True)
class Ports:
    """The ports of one local run."""

    base: int
    services: Mapping[str, int]
    smtp: int
    kafka: int
    kafka_controller: int
    postgres: int

    @classmethod
    def of(cls, base: int = DEFAULT_BASE, environment: Mapping[str, str] | None = None) -> "Ports":
        """The console has the base, the services base+1 to base+6, SMTP base+25.

        With the default base Kafka and Postgres keep the ports that other systems expect: 9092, 9093 and 5433. With
        any other they have base+92, base+93 and base+33. LEADFLOW_<SERVICE>_PORT moves one service. Raises
        Invalid for what is no port.
        """
        chosen = environment or {}
        services = {
            name: _chosen(chosen, f"LEADFLOW_{name.upper()}_PORT") or base + place
            for place, name in enumerate(SERVICES, start=1)
        }
        kafka, controller, postgres = (9092, 9093, 5433) if base == DEFAULT_BASE else (base + 92, base + 93, base + 33)
        return cls(base, services, base + 25, kafka, controller, postgres)

    def require_free(self, *, kafka: bool = True, postgres: bool = True) -> None:
        """Raises PortTaken for the first port that is needed and taken. Outside servers need no port here."""
        needed = {**self.services, "the SMTP mailbox": self.smtp}
        if kafka:
            needed |= {"Kafka": self.kafka, "Kafka's controller": self.kafka_controller}
        if postgres:
            needed["Postgres"] = self.postgres
        for name, port in needed.items():
            if is_taken(port):
                raise PortTaken(name, port, self.base)


def _chosen(environment: Mapping[str, str], variable: str) -> int | None:
    """The port that a variable has; None where it is not set."""
    text = environment.get(variable, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65_535):
        raise Invalid(f"{variable} is a port, a number from 1 to 65535, and not {text[:50]!r}")
    return int(text)


def free_port_base() -> int:
    """A port base of which all ports are free at this moment; chance chooses, so that two who ask at once differ."""
    bases = range(20_000, 30_000, 200)
    for base in random.sample(bases, len(bases)):
        try:
            Ports.of(base).require_free()
        except PortTaken:
            continue
        return base
    raise RuntimeError("no port base between 20000 and 30000 is free")


def _another(base: int) -> int:
    return base + 1000 if base < 60000 else DEFAULT_BASE


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    """Whether a process listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # The servers set this too: connections of a server that has just stopped do not keep the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False
