"""Where a database is and how it is reached: address, password, TLS. Every connection of the house is made here.

Files are read for each connection, so that a password or a certificate that rotates is used from the next one on.
The TLS modes are those of libpq (PostgreSQL, "SSL Support"): `verify-full` is the one that knows whom it talks to.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from shared.errors import Invalid
from shared.secret_files import Settings, current, read_setting


class DatabaseSecurity(Settings):
    """TLS for all databases, where an address does not say it itself: `LEADFLOW_DATABASE_*`."""

    model_config = SettingsConfigDict(env_prefix="LEADFLOW_DATABASE_", extra="ignore", hide_input_in_errors=True)

    sslmode: Literal["", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = ""
    """Empty: as the address says, else `prefer`."""
    ca_file: Path | None = None
    """The authorities that the server's certificate is verified by (PEM)."""
    certificate_file: Path | None = None
    """Our own certificate (PEM), for servers that ask for one."""
    key_file: Path | None = None


_PARAMETERS = {"sslmode": "sslmode", "ca_file": "sslrootcert", "certificate_file": "sslcert", "key_file": "sslkey"}
"""Our settings, and libpq's names for them in an address."""


@dataclass(frozen=True)
class DatabaseAddress:
    """The address of a database: itself, or the file that has it. The password may be in it, or beside it."""

    url: str = ""
    url_file: Path | None = None
    password: SecretStr = field(default_factory=lambda: SecretStr(""))
    password_file: Path | None = None

    @classmethod
    def of(cls, address: "str | DatabaseAddress") -> "DatabaseAddress":
        return cls(address) if isinstance(address, str) else address

    def resolve(self) -> str:
        """The address as it is now, with password and TLS parameters.

        Raises Invalid for a file that is not there, and for an address without a usable host and port.
        """
        parts = _split(read_setting(self.url_file) if self.url_file is not None else self.url)
        # SQLAlchemy's way to name a driver; which one is used is not for an address to say.
        parts = parts._replace(scheme=parts.scheme.partition("+")[0])
        if password := current(self.password, self.password_file):
            user, _, host = parts.netloc.rpartition("@")
            netloc = f"{user.partition(':')[0]}:{quote(password, safe='')}@{host}"
            parts = parts._replace(netloc=netloc)
        security = DatabaseSecurity()
        query = dict(parse_qsl(parts.query))
        for name, parameter in _PARAMETERS.items():
            if value := getattr(security, name):
                query.setdefault(parameter, str(value))
        return urlunsplit(parts._replace(query=urlencode(query)))

    @property
    def place(self) -> str:
        """Host and port, to be shown; '' where the address cannot be read."""
        try:
            return urlsplit(self.resolve()).netloc.rpartition("@")[2]
        except Invalid:
            return ""

    async def connect(self, **options: Any) -> "asyncpg.Connection[Any]":
        """A connection. Raises OSError or asyncpg.PostgresError when the server cannot be used."""
        try:
            return await asyncpg.connect(self.resolve(), **options)
        except Invalid as error:
            raise ConnectionError(error.detail) from error
        except asyncpg.exceptions.ClientConfigurationError as error:
            raise ConnectionError(f"the address of the database is not usable: {error}") from None


def _split(address: str) -> SplitResult:
    """The parts of an address, which may name several hosts. Raises Invalid, and repeats nothing of the address: with a
    slash in a password, a part of that stands where the port is searched for."""
    try:
        parts = urlsplit(address)
        for host in parts.netloc.rpartition("@")[2].split(","):
            _ = urlsplit(f"//{host}").port  # reading it is what checks it
    except ValueError:
        raise Invalid("the address of the database is not usable: its host or port is wrong") from None
    return parts
