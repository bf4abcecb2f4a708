"""Which port is whose. `--port-base` moves all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.process import is_taken
from shared.names import SERVICES

DEFAULT_BASE = 8100


class PortTaken(RuntimeError):
    """Somebody else listens on a port that is needed."""

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
        """Console base, services base+1 to base+6, SMTP base+25.

        Kafka and Postgres keep 9092, 9093 and 5433 with the default base, so that other systems find them where they
        expect them; with another they are base+92, base+93 and base+33. LEADFLOW_<SERVICE>_PORT moves one service.
        """
        chosen = environment or {}
        services = {
            name: int(chosen.get(f"LEADFLOW_{name.upper()}_PORT") or base + place)
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


def _another(base: int) -> int:
    return base + 1000 if base < 60000 else DEFAULT_BASE
