"""Queries on the tenants' settings, and the secret of the service."""

from collections.abc import Iterable, Sequence

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


async def hold_settings(work: UnitOfWork, tenants: Iterable[str]) -> dict[str, OutreachSettings]:
    """The settings of several tenants, which nobody changes before the transaction has ended."""
    wanted = sorted(set(tenants))
    held = await _held(work, wanted)
    if missing := [tenant for tenant in wanted if tenant not in held]:
        await _add_defaults(work, missing)
        held |= await _held(work, missing)
    return held


async def _held(work: UnitOfWork, tenants: Sequence[str]) -> dict[str, OutreachSettings]:
    rows = await work.fetch(
        "SELECT tenant_id, body FROM settings WHERE tenant_id = ANY (:tenants) ORDER BY tenant_id FOR SHARE",
        tenants=list(tenants),
    )
    return {row["tenant_id"]: OutreachSettings.model_validate(row["body"]) for row in rows}


async def _add_defaults(work: UnitOfWork, tenants: Sequence[str]) -> None:
    """Rows to lock, for tenants that have set nothing: their version stays 0."""
    await work.run(
        """
        INSERT INTO settings (tenant_id, body, version, mode, mode_announced, updated_at)
        SELECT tenant_id, '{}', 0, :mode, true, :now FROM unnest(CAST(:tenants AS text[])) AS t (tenant_id)
        ON CONFLICT DO NOTHING
        """,
        tenants=list(tenants),
        mode=OutreachSettings().mode,
        now=work.now,
    )


async def lock_settings(work: UnitOfWork, tenant: str) -> int:
    """Lock the tenant's settings, after waiting for whoever else saves them; their version, 0 = never saved."""
    await _add_defaults(work, [tenant])
    row = await work.fetch_one("SELECT version FROM settings WHERE tenant_id = :tenant FOR UPDATE", tenant=tenant)
    assert row is not None
    return int(row["version"])


async def settings_version(work: UnitOfWork, tenant: str) -> int:
    """How often the settings were saved; 0 = never."""
    row = await work.fetch_one("SELECT version FROM settings WHERE tenant_id = :tenant", tenant=tenant)
    return int(row["version"]) if row else 0


async def save_settings(work: UnitOfWork, tenant: str, settings: OutreachSettings) -> int:
    """Store the (locked) settings; their new version. A worker announces a changed mode lead by lead."""
    row = await work.fetch_one(
        """
        UPDATE settings SET body = CAST(:body AS jsonb), version = version + 1, updated_at = :now, mode = :mode,
               mode_announced = mode_announced AND mode = :mode
        WHERE tenant_id = :tenant RETURNING version
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
