"""Queries on what all parts share: leads as outreach knows them, and the tenant's settings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping

from services.outreach.schemas import Mailbox, OutreachSettings
from shared.db import UnitOfWork
from shared.store.aliases import aliases_of


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead as outreach knows it. `captured` is false as long as only other events have named it."""

    tenant: str
    lead_id: UUID
    captured: bool
    email: str | None
    phone: str | None
    email_hash: bytes | None
    phone_hash: bytes | None
    domain_hash: bytes | None
    fields: dict[str, Any]
    fields_at: datetime | None
    consent: dict[str, Any]
    facts: dict[str, Any]
    stage: str
    stage_rule: str | None
    stage_since: datetime | None
    met_at: datetime | None
    later_until: datetime | None
    score_total: int
    mode: str | None
    announced_mode: str
    opted_out: bool
    exhausted_at: datetime | None
    merged_into: UUID | None

    def address(self, channel: str) -> str | None:
        return self.email if channel == "email" else self.phone

    def address_hash(self, channel: str) -> bytes | None:
        return self.email_hash if channel == "email" else self.phone_hash

    def consent_for(self, channel: str) -> str:
        return str(self.consent.get(channel, "unknown"))

    @property
    def timezone(self) -> str | None:
        """The lead's own time zone where it gave one, else the one that enrichment found."""
        fact = self.facts.get("timezone") or {}
        return self.fields.get("timezone") or fact.get("value")


def lead_from(row: RowMapping) -> Lead:
    """A Lead of a row of `lead` (joined with `alias`)."""
    return Lead(
        tenant=row["tenant_id"],
        lead_id=row["lead_id"],
        captured=row["version"] > 0,
        email=row["email"],
        phone=row["phone"],
        email_hash=row["email_hash"],
        phone_hash=row["phone_hash"],
        domain_hash=row["domain_hash"],
        fields=row["fields"],
        fields_at=row["fields_at"],
        consent=row["consent"],
        facts=row["facts"],
        stage=row["stage"],
        stage_rule=row["stage_rule"],
        stage_since=row["stage_since"],
        met_at=row["met_at"],
        later_until=row["later_until"],
        score_total=row["score_total"] or 0,
        mode=row["mode"],
        announced_mode=row["announced_mode"],
        opted_out=row["opted_out"],
        exhausted_at=row["exhausted_at"],
        merged_into=row["merged_into"],
    )


# An opt-out of a lead closes the one that it is merged into, for as long as it is.
_LEADS = """
    SELECT l.*, a.lead_id AS merged_into, l.opted_out_at IS NOT NULL OR EXISTS (
        SELECT FROM alias m JOIN lead o ON o.tenant_id = m.tenant_id AND o.lead_id = m.alias_id
        WHERE m.tenant_id = l.tenant_id AND m.lead_id = l.lead_id AND NOT m.undone AND o.opted_out_at IS NOT NULL
    ) AS opted_out
    FROM lead l LEFT JOIN alias a ON a.tenant_id = l.tenant_id AND a.alias_id = l.lead_id AND NOT a.undone
"""


async def lead_of(work: UnitOfWork, tenant: str, lead_id: UUID, *, lock: bool = False) -> Lead | None:
    """One lead, or None where nobody has named it."""
    row = await work.fetch_one(
        f"{_LEADS} WHERE l.tenant_id = :tenant AND l.lead_id = :lead {'FOR UPDATE OF l' if lock else ''}",
        tenant=tenant,
        lead=lead_id,
    )
    return lead_from(row) if row else None


async def leads_of(work: UnitOfWork, keys: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], Lead]:
    """Many leads at once, by (tenant, lead id)."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    rows = await work.fetch(
        f"""{_LEADS}
        JOIN unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
          ON w.tenant_id = l.tenant_id AND w.lead_id = l.lead_id
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    return {(row["tenant_id"], row["lead_id"]): lead_from(row) for row in rows}


async def family(work: UnitOfWork, tenant: str, lead_id: UUID) -> list[UUID]:
    """All the ids that name this lead now: its own, and those merged into it."""
    return [lead_id, *(await aliases_of(work, [(tenant, lead_id)]))[tenant, lead_id]]


async def hold_family(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Wait for the opt-outs of the lead that are under way, on whichever channel, and let none begin until we end."""
    await work.fetch(
        "SELECT lead_id FROM lead WHERE tenant_id = :tenant AND lead_id = ANY (:leads) ORDER BY lead_id FOR SHARE",
        tenant=tenant,
        leads=await family(work, tenant, lead_id),
    )


async def last_word_at(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> datetime | None:
    """When the lead last wrote by itself; machines' answers are no word."""
    row = await work.fetch_one(
        """
        SELECT max(received_at) AS at FROM reply
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND outcome = 'matched'
          AND label NOT IN ('out_of_office', 'auto_reply', 'bounce')
        """,
        tenant=tenant,
        leads=list(lead_ids),
    )
    return row["at"] if row else None


async def settings_of(work: UnitOfWork, tenant: str) -> OutreachSettings:
    """The tenant's settings, defaults where it never set any."""
    row = await work.fetch_one("SELECT body FROM settings WHERE tenant_id = :tenant", tenant=tenant)
    return OutreachSettings.model_validate(row["body"]) if row else OutreachSettings()


async def settings_of_all(work: UnitOfWork, tenants: Iterable[str]) -> dict[str, OutreachSettings]:
    """The settings of several tenants."""
    wanted = sorted(set(tenants))
    rows = await work.fetch("SELECT tenant_id, body FROM settings WHERE tenant_id = ANY (:tenants)", tenants=wanted)
    stored = {row["tenant_id"]: OutreachSettings.model_validate(row["body"]) for row in rows}
    return {tenant: stored.get(tenant) or OutreachSettings() for tenant in wanted}


async def settings_version(work: UnitOfWork, tenant: str) -> int:
    """How often the settings were saved; 0 = never."""
    row = await work.fetch_one("SELECT version FROM settings WHERE tenant_id = :tenant", tenant=tenant)
    return int(row["version"]) if row else 0


async def save_settings(work: UnitOfWork, tenant: str, settings: OutreachSettings) -> int:
    """Store the settings; the new version. A changed mode is announced lead by lead by a worker."""
    row = await work.fetch_one(
        """
        INSERT INTO settings AS s (tenant_id, body, mode, mode_announced, updated_at)
        VALUES (:tenant, CAST(:body AS jsonb), :mode, :mode = 'blended', :now)
        ON CONFLICT (tenant_id) DO UPDATE
        SET body = excluded.body, version = s.version + 1, updated_at = excluded.updated_at,
            mode = excluded.mode, mode_announced = s.mode_announced AND s.mode = excluded.mode
        RETURNING version
        """,
        tenant=tenant,
        body=orjson.dumps(settings.model_dump(mode="json", by_alias=True)).decode(),
        mode=settings.mode,
        now=work.now,
    )
    assert row is not None
    return int(row["version"])


def mailboxes_of(settings: OutreachSettings, tenant: str, mail_domain: str) -> list[Mailbox]:
    """The tenant's mailboxes, or the one that every fresh tenant has."""
    return settings.mailboxes or [Mailbox.model_validate({"from": f"sales@{tenant}.{mail_domain}"})]
