"""Queries on the tenants' settings, and the secret of the service."""

from collections.abc import Iterable

import orjson

from services.outreach.rules import zone_of_lead
from services.outreach.schemas import Mailbox, OutreachSettings
from services.outreach.store.leads import Lead
from shared.db import UnitOfWork


async def settings_of(work: UnitOfWork, tenant: str) -> OutreachSettings:
    """The tenant's settings, with defaults where it has set none."""
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
    """Store the settings; their new version. A worker announces a changed mode lead by lead."""
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
    """The tenant's mailboxes, or the default one of a tenant that has set none."""
    return settings.mailboxes or [Mailbox.model_validate({"from": f"sales@{tenant}.{mail_domain}"})]


def zone_name(lead: Lead, settings: OutreachSettings) -> str:
    """The time zone by whose clocks the lead is written to: its own, its country's, or the tenant's."""
    return zone_of_lead(lead.timezone, lead.country, settings.timezone)


async def service_key(work: UnitOfWork) -> str:
    """The secret that migration 0001 made, for a deployment that has set none."""
    row = await work.fetch_one("SELECT key FROM service_key")
    assert row is not None, "migration 0001 makes a key"
    return str(row["key"])
