"""The outreach mode: of one lead at once, of a tenant lead by lead. One event for each affected lead."""

from uuid import UUID

from services.outreach.sending.exhaustion import look_now
from services.outreach.store import Lead, lead_of, settings_of
from shared.db import Database, UnitOfWork
from shared.errors import NotFound
from shared.events import Envelope, OutreachModeChanged
from shared.store import outbox

PAGE = 500


def announce(
    work: UnitOfWork, tenant: str, lead_id: UUID, mode: str, previous: str, cause: Envelope | None = None
) -> None:
    """Publish that a lead's channels are others now."""
    event = OutreachModeChanged(mode=mode, previous=previous)
    work.emit(event, tenant=tenant, subject=lead_id, cause=cause)


async def set_lead_mode(work: UnitOfWork, tenant: str, lead_id: UUID, mode: str | None) -> tuple[Lead, str]:
    """Give a lead a mode of its own, or (None) the tenant's again; the lead and the mode that counts."""
    lead = await lead_of(work, tenant, lead_id, lock=True)
    if lead is None or not lead.captured:
        raise NotFound("no such lead")
    counts = mode or (await settings_of(work, tenant)).mode
    await work.run(
        """
        UPDATE lead SET mode = :mode, announced_mode = :counts,
               exhausted_at = CASE WHEN announced_mode = :counts THEN exhausted_at END
        WHERE tenant_id = :tenant AND lead_id = :lead
        """,
        mode=mode,
        counts=counts,
        tenant=tenant,
        lead=lead_id,
    )
    if counts != lead.announced_mode:
        announce(work, tenant, lead_id, counts, lead.announced_mode)
        await look_now(work, tenant, [lead_id])
    return lead, counts


async def announce_tenant_modes(database: Database) -> int:
    """One page of leads whose tenant has changed its mode; how many were told. Waits while the outbox is long."""
    async with database.worker() as work:
        job = await work.fetch_one("SELECT tenant_id FROM settings WHERE NOT mode_announced ORDER BY random() LIMIT 1")
        if job is None or not await outbox.is_short(work):
            return 0
    tenant = job["tenant_id"]
    async with database.worker([tenant]) as work:
        locked = await work.fetch_one(
            "SELECT mode FROM settings WHERE tenant_id = :tenant AND NOT mode_announced FOR UPDATE SKIP LOCKED",
            tenant=tenant,
        )
        if locked is None:
            return 0
        rows = await work.fetch(
            """
            UPDATE lead l SET announced_mode = :mode, exhausted_at = NULL FROM (
                SELECT tenant_id, lead_id, announced_mode AS previous FROM lead
                WHERE tenant_id = :tenant AND mode IS NULL AND version > 0 AND announced_mode <> :mode
                ORDER BY lead_id LIMIT :page FOR UPDATE
            ) o WHERE l.tenant_id = o.tenant_id AND l.lead_id = o.lead_id
            RETURNING l.lead_id, o.previous
            """,
            mode=locked["mode"],
            tenant=tenant,
            page=PAGE,
        )
        for row in rows:
            announce(work, tenant, row["lead_id"], locked["mode"], row["previous"])
        await look_now(work, tenant, [row["lead_id"] for row in rows])
        if len(rows) < PAGE:
            await work.run("UPDATE settings SET mode_announced = true WHERE tenant_id = :tenant", tenant=tenant)
    return max(1, len(rows))
