"""How Leadflow connects to Kafka: address, TLS and SASL. Every client of the house is made here (clients.py).

Passwords, tokens and certificates from files are read when a client is made, and `renew` hands a client that lives on
what has rotated since: it counts from its next connection on.
"""

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any, Literal, Self

import httpx
from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NodeNotReadyError
from faststream.security import BaseSecurity, SASLOAuthBearer, SASLPlaintext, SASLScram256, SASLScram512
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.errors import Invalid, Transient
from shared.messaging.clients import Broker, ConsumerClient, ProducerClient
from shared.secret_files import Settings, current, read_setting

DEFAULT_BOOTSTRAP = "127.0.0.1:9092"

_PASSWORDS = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
_TOKEN_SPARE = 30.0
"""Seconds before its end after which a token is not used for a new connection."""


class KafkaSecurity(Settings):
    """TLS and SASL for all clients: environment variables `LEADFLOW_KAFKA_*`. Kafka's own names for the values."""

    model_config = SettingsConfigDict(env_prefix="LEADFLOW_KAFKA_", extra="ignore", hide_input_in_errors=True)

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    ca_file: Path | None = None
    """The authorities that the brokers' certificates are verified by (PEM), instead of the system's."""
    certificate_file: Path | None = None
    """Our own certificate with its chain (PEM), for brokers that ask for one (mutual TLS)."""
    key_file: Path | None = None
    key_password: SecretStr = SecretStr("")
    key_password_file: Path | None = None
    oauth_token_url: str = ""
    """OAUTHBEARER by client credentials (RFC 6749, 4.4): the issuer's token endpoint."""
    oauth_client_id: str = ""
    oauth_client_secret: SecretStr = SecretStr("")
    oauth_client_secret_file: Path | None = None
    oauth_scope: str = ""
    oauth_token_file: Path | None = None
    """OAUTHBEARER by a token that the platform renews in this file, instead of a token endpoint."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        with_sasl = self.security_protocol.startswith("SASL_")
        if with_sasl != bool(self.sasl_mechanism):
            raise ValueError("sasl_mechanism is given with a security_protocol of SASL, and only then")
        if self.sasl_mechanism in _PASSWORDS and not self.username:
            raise ValueError(f"{self.sasl_mechanism} needs username, and password or password_file")
        ways = [bool(self.oauth_token_url), self.oauth_token_file is not None]
        if self.sasl_mechanism == "OAUTHBEARER" and sum(ways) != 1:
            raise ValueError("OAUTHBEARER needs one of oauth_token_url and oauth_token_file")
        if self.oauth_token_url and not self.oauth_client_id:
            raise ValueError("oauth_token_url needs oauth_client_id, and its secret")
        if self.key_file is not None and self.certificate_file is None:
            raise ValueError("key_file needs certificate_file")
        return self

    @property
    def with_tls(self) -> bool:
        return self.security_protocol.endswith("SSL")

    @property
    def files(self) -> list[Path]:
        """The files that may rotate."""
        named = (self.ca_file, self.certificate_file, self.key_file, self.password_file)
        return [file for file in named if file is not None]


class Kafka:
    """A cluster, as this process reaches it: makes every kind of client."""

    def __init__(self, bootstrap: str, security: KafkaSecurity | None = None) -> None:
        self.bootstrap = bootstrap
        self._security = security or KafkaSecurity()
        self._context: ssl.SSLContext | None = None
        self._token = _Token(self._security) if self._security.sasl_mechanism == "OAUTHBEARER" else None
        self._seen: list[bytes] | None = None

    @classmethod
    def from_environment(cls) -> "Kafka":
        """The cluster that `LEADFLOW_KAFKA_*` describe."""
        return cls(_Bootstrap().bootstrap)

    def consumer(self, *topics: str, **options: Any) -> ConsumerClient:
        return ConsumerClient(*topics, bootstrap_servers=self.bootstrap, **self._options(), **options)

    def producer(self, **options: Any) -> ProducerClient:
        """A producer that loses and doubles nothing: acknowledged by all replicas, idempotent."""
        safe = {"acks": "all", "enable_idempotence": True}
        return ProducerClient(bootstrap_servers=self.bootstrap, **self._options(), **safe, **options)

    def admin(self) -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, **self._options())

    def broker(self, **options: Any) -> Broker:
        """FastStream's broker, for reading only: it makes neither a producer nor an administrator of its own."""
        return Broker(
            self.bootstrap,
            security=self._faststream(),
            sasl_oauth_token_provider=self._token,
            consumer_only=True,
            logger=None,
            **options,
        )

    def explain(self, error: Exception) -> str:
        """What an error of a client means, in one line."""
        if self._token is not None and isinstance(error, NodeNotReadyError):
            # The client library takes the refusal of a token (RFC 7628, 3.2.3) for a welcome, and the next answer for a
            # cluster without brokers.
            return f"{error} That is so too when the broker refuses the token: its audience, its issuer, its principal."
        return str(error)

    def renew(self, *clients: ConsumerClient | ProducerClient | None) -> bool:
        """Give clients the secrets as they are now, if a file has changed since; whether one has.

        A connection that is open stays open. Raises Invalid when a file cannot be read: the old secrets stay in use.
        """
        content = self._content()
        if self._seen is None or content == self._seen:
            self._seen = content
            return False
        if self._context is not None:
            self._load_into(self._context)
        password = self._password()
        for client in clients:
            if client is not None:
                # The client keeps it for its next connections, and offers no way to change it.
                connections = client.client if isinstance(client, ProducerClient) else client._client
                connections._sasl_plain_password = password
        self._seen = content
        return True

    def _content(self) -> list[bytes]:
        return [_bytes(file) for file in self._security.files]

    def _remember(self) -> None:
        """The files as the first client got them: what differs from them later has rotated."""
        if self._seen is None:
            self._seen = self._content()

    def _options(self) -> dict[str, Any]:
        self._remember()
        security = self._security
        options: dict[str, Any] = {"security_protocol": security.security_protocol}
        if security.with_tls:
            options["ssl_context"] = self._tls()
        if security.sasl_mechanism:
            options["sasl_mechanism"] = security.sasl_mechanism
        if security.sasl_mechanism in _PASSWORDS:
            options |= {"sasl_plain_username": security.username, "sasl_plain_password": self._password()}
        if self._token is not None:
            options["sasl_oauth_token_provider"] = self._token
        return options

    def _faststream(self) -> BaseSecurity:
        self._remember()
        security = self._security
        context = self._tls() if security.with_tls else None
        if security.sasl_mechanism in _PASSWORDS:
            of_password = _PASSWORDS[security.sasl_mechanism]
            return of_password(security.username, self._password() or "", context, use_ssl=security.with_tls)
        if security.sasl_mechanism:
            return SASLOAuthBearer(context, use_ssl=security.with_tls)
        return BaseSecurity(context, use_ssl=security.with_tls)

    def _password(self) -> str | None:
        if self._security.sasl_mechanism not in _PASSWORDS:
            return None
        return current(self._security.password, self._security.password_file)

    def _tls(self) -> ssl.SSLContext:
        """One context for all clients: what is loaded into it later counts for their next connections."""
        if self._context is None:
            context = ssl.create_default_context()
            if self._security.ca_file is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._load_into(context)
            self._context = context
        return self._context

    def _load_into(self, context: ssl.SSLContext) -> None:
        security = self._security
        try:
            if security.ca_file is not None:
                context.load_verify_locations(cafile=security.ca_file)
            if security.certificate_file is not None:
                password = current(security.key_password, security.key_password_file)
                context.load_cert_chain(security.certificate_file, security.key_file, password or "")
        except (OSError, ssl.SSLError) as error:
            raise Invalid(f"Kafka's certificates cannot be used: {error}") from None


class _Bootstrap(Settings):
    model_config = SettingsConfigDict(env_prefix="LEADFLOW_KAFKA_", extra="ignore")

    bootstrap: str = DEFAULT_BOOTSTRAP


class _TokenAnswer(BaseModel):
    """The answer of a token endpoint (RFC 6749, 5.1)."""

    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: str = Field(min_length=1)
    expires_in: float = Field(default=60.0, gt=0)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid(f"the file {file} cannot be read: {error.strerror}") from None


class _Token(AbstractTokenProvider):  # type: ignore[misc, unused-ignore]
    """A bearer token for new connections: the platform's file, or the issuer's answer, kept until shortly before its
    end."""

    def __init__(self, security: KafkaSecurity) -> None:
        self._security = security
        self._lock = asyncio.Lock()
        self._kept = ""
        self._until = 0.0

    async def token(self) -> str:
        """Raises Transient when the issuer gives none; the client then tries again."""
        if self._security.oauth_token_file is not None:
            return read_setting(self._security.oauth_token_file).strip()
        async with self._lock:
            if time.monotonic() >= self._until:
                self._kept, lives = await self._ask()
                self._until = time.monotonic() + max(1.0, lives - _TOKEN_SPARE)
            return self._kept

    async def _ask(self) -> tuple[str, float]:
        security = self._security
        form = {"grant_type": "client_credentials"} | ({"scope": security.oauth_scope} if security.oauth_scope else {})
        secret = current(security.oauth_client_secret, security.oauth_client_secret_file)
        try:
            async with httpx.AsyncClient(timeout=10) as client:
                answer = await client.post(security.oauth_token_url, data=form, auth=(security.oauth_client_id, secret))
                answer.raise_for_status()
            body = _TokenAnswer.model_validate_json(answer.content)
        except (httpx.HTTPError, ValueError) as error:
            raise Transient(f"no token for Kafka from {security.oauth_token_url}: {type(error).__name__}") from None
        return body.access_token, body.expires_in
