"""Queries on addresses and suppressions. Whoever sends, or closes or changes an address, locks its row here first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.outreach.store import Lead
from services.outreach.suppression.rules import Suppression
from shared.db import UnitOfWork

Address = tuple[str, str, bytes]
"""(tenant, channel, keyed hash)."""


@dataclass(frozen=True, slots=True)
class AddressState:
    """What is known of an address, its row locked."""

    state: str
    soft_failures: list[datetime]


async def lock_addresses(work: UnitOfWork, addresses: Iterable[Address]) -> dict[Address, AddressState]:
    """Lock these address rows in one order everywhere, making those that are missing."""
    wanted = sorted(set(addresses))
    if not wanted:
        return {}
    columns = {
        "tenants": [tenant for tenant, _, _ in wanted],
        "channels": [channel for _, channel, _ in wanted],
        "hashes": [hash for _, _, hash in wanted],
    }
    await work.run(
        """
        INSERT INTO address (tenant_id, channel, address_hash)
        SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:channels AS text[]), CAST(:hashes AS bytea[]))
        ON CONFLICT DO NOTHING
        """,
        **columns,
    )
    rows = await work.fetch(
        """
        SELECT a.* FROM address a
        JOIN unnest(CAST(:tenants AS text[]), CAST(:channels AS text[]), CAST(:hashes AS bytea[]))
             AS w (tenant_id, channel, address_hash)
          ON a.tenant_id = w.tenant_id AND a.channel = w.channel AND a.address_hash = w.address_hash
        ORDER BY a.tenant_id, a.channel, a.address_hash
        FOR UPDATE OF a
        """,
        **columns,
    )
    return {
        (row["tenant_id"], row["channel"], bytes(row["address_hash"])): AddressState(row["state"], row["soft_failures"])
        for row in rows
    }


async def lock_domains(work: UnitOfWork, domains: Iterable[tuple[str, bytes]], *, shared: bool) -> None:
    """Lock mail domains: shared by those who use an address, exclusively by those who close the domain."""
    keys = sorted({int.from_bytes(hash[:8], "big", signed=True) for _, hash in domains})
    if keys:
        function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        await work.run(f"SELECT {function}(k) FROM unnest(CAST(:keys AS bigint[])) AS k", keys=keys)


async def states_of(work: UnitOfWork, lead: Lead) -> dict[str, str]:
    """The state of each of the lead's addresses, by channel."""
    rows = await work.fetch(
        """
        SELECT channel, state FROM address
        WHERE tenant_id = :tenant AND ((channel = 'email' AND address_hash = :email)
                                    OR (channel = 'sms' AND address_hash = :phone))
        """,
        tenant=lead.tenant,
        email=lead.email_hash,
        phone=lead.phone_hash,
    )
    return {"email": "valid", "sms": "valid"} | {row["channel"]: row["state"] for row in rows}


async def save_state(work: UnitOfWork, address: Address, state: str, soft_failures: Sequence[datetime]) -> None:
    """The new state of a locked address."""
    await work.run(
        """
        UPDATE address SET state = :state, soft_failures = CAST(:softs AS timestamptz[])
        WHERE tenant_id = :tenant AND channel = :channel AND address_hash = :hash
        """,
        state=state,
        softs=list(soft_failures),
        tenant=address[0],
        channel=address[1],
        hash=address[2],
    )


_ACTIVE = """
    SELECT s.*, r.at AS retracted_at FROM suppression s
    LEFT JOIN suppression_retraction r ON r.tenant_id = s.tenant_id AND r.suppression_id = s.suppression_id
"""


async def suppressions_of(work: UnitOfWork, lead: Lead) -> dict[str, list[Suppression]]:
    """The rows that speak of the lead's addresses, for each channel; a row for `all` counts on every channel."""
    rows = await work.fetch(
        f"""{_ACTIVE} WHERE s.tenant_id = :tenant
            AND (s.address_hash = ANY (CAST(:hashes AS bytea[])) OR s.domain_hash = :domain) AND r.at IS NULL""",
        tenant=lead.tenant,
        hashes=[hash for hash in (lead.email_hash, lead.phone_hash) if hash],
        domain=lead.domain_hash,
    )
    found: dict[str, list[Suppression]] = {"email": [], "sms": []}
    for row in rows:
        for channel in found:
            if row["channel"] == "all" or (
                row["channel"] == channel and row["address_hash"] == lead.address_hash(channel)
            ):
                found[channel].append(Suppression(row["channel"], row["how"]))
    return found


async def blocklisted_among(work: UnitOfWork, leads: Sequence[Lead]) -> set[tuple[str, UUID]]:
    """Those leads, not closed for good yet, whose addresses opted out by themselves or are blocklisted.

    A reply of the lead itself is no such row: it counts for the lead only as long as its label does.
    """
    rows = await work.fetch(
        """
        SELECT DISTINCT l.tenant_id, l.lead_id
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        JOIN suppression s ON s.tenant_id = l.tenant_id
             AND (s.address_hash IN (l.email_hash, l.phone_hash) OR s.domain_hash = l.domain_hash)
        WHERE NOT l.opted_out_for_good
          AND (s.how IN ('reply', 'stop_word', 'unsubscribe', 'blocklist') OR s.channel = 'all')
          AND NOT EXISTS (SELECT FROM suppression_retraction r
                          WHERE r.tenant_id = s.tenant_id AND r.suppression_id = s.suppression_id)
          AND NOT EXISTS (SELECT FROM reply y LEFT JOIN alias a
                          ON a.tenant_id = y.tenant_id AND a.alias_id = y.lead_id AND NOT a.undone
                          WHERE y.tenant_id = s.tenant_id AND y.reply_id = s.reply_id AND s.how = 'reply'
                            AND coalesce(a.lead_id, y.lead_id) = l.lead_id)
        """,
        tenants=[lead.tenant for lead in leads],
        leads=[lead.lead_id for lead in leads],
    )
    return {(row["tenant_id"], row["lead_id"]) for row in rows}


async def active_row(
    work: UnitOfWork, tenant: str, channel: str, hash: bytes, how: str, reply_id: UUID | None = None
) -> RowMapping | None:
    """The row that says just this already, if there is one that stands. Each reply has its own: it is mended alone."""
    return await work.fetch_one(
        f"""{_ACTIVE} WHERE s.tenant_id = :tenant AND s.channel = :channel AND s.how = :how AND r.at IS NULL
            AND (s.address_hash = :hash OR s.domain_hash = :hash)
            AND (s.how <> 'reply' OR s.reply_id IS NOT DISTINCT FROM CAST(:reply AS uuid))""",
        tenant=tenant,
        channel=channel,
        how=how,
        reply=reply_id,
        hash=hash,
    )


async def add(work: UnitOfWork, tenant: str, row: dict[str, Any]) -> None:
    """Append a row to the list."""
    await work.run(
        """
        INSERT INTO suppression (tenant_id, suppression_id, channel, address_hash, domain_hash, address, domain, how,
                                 reason, actor, reply_id, created_at)
        VALUES (:tenant, :suppression_id, :channel, :address_hash, :domain_hash, :address, :domain, :how,
                :reason, :actor, :reply_id, :now)
        """,
        tenant=tenant,
        now=work.now,
        **row,
    )


async def of_reply(work: UnitOfWork, tenant: str, reply_id: UUID) -> Sequence[RowMapping]:
    """The rows that stand because of one reply; a STOP word's and a link's are not taken back with a label."""
    return await work.fetch(
        f"{_ACTIVE} WHERE s.tenant_id = :tenant AND s.reply_id = :reply AND s.how = 'reply' AND r.at IS NULL",
        tenant=tenant,
        reply=reply_id,
    )


async def retract(work: UnitOfWork, tenant: str, suppression_id: UUID, actor: str, note: str) -> None:
    """Take a row back. The row stays, and so does who took it back."""
    await work.run(
        """
        INSERT INTO suppression_retraction (tenant_id, suppression_id, actor, note, at)
        VALUES (:tenant, :suppression, :actor, :note, :now) ON CONFLICT DO NOTHING
        """,
        tenant=tenant,
        suppression=suppression_id,
        actor=actor,
        note=note,
        now=work.now,
    )


async def leads_with(
    work: UnitOfWork, tenant: str, hash: bytes, *, after: UUID | None = None, limit: int = 1_000
) -> list[UUID]:
    """Leads with this address or mail domain, in the order of their ids."""
    rows = await work.fetch(
        """
        SELECT lead_id FROM lead WHERE tenant_id = :tenant
          AND (email_hash = :hash OR phone_hash = :hash OR domain_hash = :hash)
          AND (CAST(:after AS uuid) IS NULL OR lead_id > CAST(:after AS uuid))
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=tenant,
        hash=hash,
        after=after,
        limit=limit,
    )
    return [row["lead_id"] for row in rows]


async def mark_opted_out(
    work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID], *, for_good: bool = True
) -> list[UUID]:
    """Flag the leads; those for which that is news. What a reply says is not for good: its label can be mended."""
    rows = await work.fetch(
        """
        UPDATE lead l SET opted_out_at = coalesce(l.opted_out_at, :now), opted_out_for_good = :for_good
        FROM (SELECT lead_id FROM lead WHERE tenant_id = :tenant AND lead_id = ANY (:leads)
              ORDER BY lead_id FOR UPDATE) w
        WHERE l.tenant_id = :tenant AND l.lead_id = w.lead_id AND NOT l.opted_out_for_good
          AND (:for_good OR l.opted_out_at IS NULL)
        RETURNING l.lead_id
        """,
        now=work.now,
        for_good=for_good,
        tenant=tenant,
        leads=list(lead_ids),
    )
    return [row["lead_id"] for row in rows]


async def open_again(work: UnitOfWork, tenant: str, lead_ids: Sequence[UUID]) -> None:
    """Lift the flag of a lead under all its names, unless it is for good or another of its replies wants silence."""
    await work.run(
        """
        UPDATE lead SET opted_out_at = NULL
        WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND NOT opted_out_for_good AND NOT EXISTS (
            SELECT FROM reply WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND label = 'opt_out')
        """,
        tenant=tenant,
        leads=list(lead_ids),
    )


async def page(
    work: UnitOfWork, tenant: str, channel: str | None, before: UUID | None, limit: int
) -> Sequence[RowMapping]:
    """Rows of the list, the newest first."""
    return await work.fetch(
        f"""{_ACTIVE} WHERE s.tenant_id = :tenant AND (CAST(:channel AS text) IS NULL OR s.channel = :channel)
            AND (CAST(:before AS uuid) IS NULL OR s.suppression_id < CAST(:before AS uuid))
            ORDER BY s.suppression_id DESC LIMIT :limit""",
        tenant=tenant,
        channel=channel,
        before=before,
        limit=limit,
    )


async def get(work: UnitOfWork, tenant: str, suppression_id: UUID) -> RowMapping | None:
    """One row of the list."""
    return await work.fetch_one(
        f"{_ACTIVE} WHERE s.tenant_id = :tenant AND s.suppression_id = :id", tenant=tenant, id=suppression_id
    )
