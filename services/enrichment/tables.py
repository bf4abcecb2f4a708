"""The tables of the enrichment service: leads with their facts, directories, providers, and what these answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Double, Identity, Index, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.db.columns import moment

metadata = MetaData()


class Table(SQLModel):
    metadata = metadata


def _json() -> Any:
    return Column(JSONB, nullable=False)


class Lead(Table, table=True):
    """The contact fields that facts are made from, and the facts of the last `lead.enriched`."""

    __tablename__ = "lead"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    version: int
    """Capture's version of the contact fields."""
    fields: dict[str, Any] = Field(sa_column=_json())
    facts: dict[str, Any] = Field(sa_column=_json())
    """{name: {value, source, fetched_at}}"""
    providers: list[dict[str, Any]] = Field(sa_column=_json())
    """[{name, outcome, ms}] of the last run."""
    revision: int
    """Counts the lead's `lead.enriched` events."""
    enriched_at: datetime | None = Field(default=None, sa_column=moment(null=True))
    """The time of the last `lead.enriched`; null before the first."""
    cause: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    """The event of capture that later facts are due to; only where a provider uses a network."""


class Directory(Table, table=True):
    """One company of a tenant's company directory."""

    __tablename__ = "directory"
    __table_args__ = (
        Index("directory_domain", "tenant_id", "domain", unique=True),
        Index("directory_name", "tenant_id", "name_key", postgresql_where=text("name_key IS NOT NULL")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    domain: str | None = Field(default=None, sa_type=Text(collation="C"))
    name_key: str | None = Field(default=None, sa_type=Text(collation="C"))
    """The company's name as it is compared: without case, accents and legal form."""
    facts: dict[str, Any] = Field(sa_column=_json())


class Setting(Table, table=True):
    """Whether a tenant's leads are enriched. A tenant without a row has enrichment switched on."""

    __tablename__ = "setting"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    enabled: bool
    changed_at: datetime = Field(sa_column=moment())
    changed_by: str = Field(sa_type=Text)


class Provider(Table, table=True):
    """A provider that a tenant has configured."""

    __tablename__ = "provider"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    position: int
    """Its place in the tenant's list: the earlier one's facts win."""
    enabled: bool
    generation: UUID
    """Changes with all that answers depend on, so that older answers count no more."""
    config: dict[str, Any] = Field(sa_column=_json())
    """Address, mapping and limits, without the values of headers."""
    changed_at: datetime = Field(sa_column=moment())
    changed_by: str = Field(sa_type=Text)


class ProviderSecret(Table, table=True):
    """The value of a header that is sent to a provider. The role of the API cannot read it."""

    __tablename__ = "provider_secret"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    provider: str = Field(primary_key=True, sa_type=Text)
    header: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)


class ProviderState(Table, table=True):
    """How a provider has been doing: shared by all replicas."""

    __tablename__ = "provider_state"

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    provider: str = Field(primary_key=True, sa_type=Text)
    failures: int
    """In a row."""
    paused_until: datetime | None = Field(default=None, sa_column=moment(null=True))
    """By the circuit breaker, or because the provider asked for it (429)."""
    tokens: float | None = Field(default=None, sa_type=Double)
    """What the rate limit still allows, at `tokens_at`."""
    tokens_at: datetime | None = Field(default=None, sa_column=moment(null=True))
    minute_began: datetime | None = Field(default=None, sa_column=moment(null=True))
    minute_asked: int
    minute_before: int
    asked: int = Field(sa_type=BigInteger)
    failed: int = Field(sa_type=BigInteger)
    last_answer_at: datetime | None = Field(default=None, sa_column=moment(null=True))
    last_error: str | None = Field(default=None, sa_type=Text)
    last_error_at: datetime | None = Field(default=None, sa_column=moment(null=True))


class Lookup(Table, table=True):
    """One question to one provider, about a company or (`personal`) a person: when it is due, and the last answer."""

    __tablename__ = "lookup"
    __table_args__ = (
        Index("lookup_due", "tenant_id", "generation", "bulk", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("lookup_refresh", "tenant_id", "generation", "expires_at", postgresql_where=text("due_at IS NULL")),
    )

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    generation: UUID = Field(primary_key=True)
    key: UUID = Field(primary_key=True)
    """A digest of the question."""
    provider: str = Field(sa_type=Text)
    question: dict[str, Any] = Field(sa_column=_json())
    """The values that are put into the provider's address."""
    personal: bool
    outcome: str | None = Field(default=None, sa_type=Text)
    """Null until the provider was asked for the first time."""
    findings: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    """{name: {value, confidence}} of the last answer that was one."""
    error: str | None = Field(default=None, sa_type=Text)
    ms: int | None = None
    fetched_at: datetime | None = Field(default=None, sa_column=moment(null=True))
    expires_at: datetime | None = Field(default=None, sa_column=moment(null=True))
    due_at: datetime | None = Field(default=None, sa_column=moment(null=True))
    bulk: bool
    attempts: int
    leased_until: datetime | None = Field(default=None, sa_column=moment(null=True))


class LeadLookup(Table, table=True):
    """Which questions a lead's facts depend on."""

    __tablename__ = "lead_lookup"
    __table_args__ = (Index("lead_lookup_key", "tenant_id", "generation", "key"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    generation: UUID = Field(primary_key=True)
    key: UUID


class Publication(Table, table=True):
    """A lead whose facts are to be joined and published at `due_at`; the first time at `publish_by` at the latest."""

    __tablename__ = "publication"
    __table_args__ = (Index("publication_due", "bulk", "due_at"),)

    tenant_id: str = Field(primary_key=True, sa_type=Text)
    lead_id: UUID = Field(primary_key=True)
    due_at: datetime = Field(sa_column=moment())
    publish_by: datetime = Field(sa_column=moment())
    bulk: bool
