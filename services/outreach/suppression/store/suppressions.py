"""Queries on the suppression list. Its rows are never changed; a retraction is a row of its own table."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from services.outreach.store import Lead
from services.outreach.suppression.rules import Suppression
from services.outreach.suppression.tables import SuppressionRow
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import insert_rows


class NewSuppressionRow(NamedTuple):
    """A row to be added: for an address (`address_hash`) or for a mail domain (`domain_hash`)."""

    tenant_id: str
    suppression_id: UUID
    channel: str
    how: str
    actor: str
    reason: str | None = None
    reply_id: UUID | None = None
    address_hash: bytes | None = None
    address: str | None = None
    domain_hash: bytes | None = None
    domain: str | None = None


_COLUMNS = (*NewSuppressionRow._fields, "created_at")
_ADD = insert_rows(SuppressionRow, _COLUMNS)

_WITH_RETRACTION = """
    SELECT s.*, r.at AS retracted_at FROM suppression s
    LEFT JOIN suppression_retraction r ON r.tenant_id = s.tenant_id AND r.suppression_id = s.suppression_id
"""


async def add(work: UnitOfWork, row: NewSuppressionRow) -> None:
    """Append a row to the list."""
    await work.run(_ADD, **by_column(_COLUMNS, [(*row, work.now)]))


async def suppressions_of(work: UnitOfWork, lead: Lead) -> dict[str, list[Suppression]]:
    """The active rows for the lead's addresses, by channel; a row for `all` counts on every channel."""
    rows = await work.fetch(
        f"""{_WITH_RETRACTION} WHERE s.tenant_id = :tenant
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


async def find_active(
    work: UnitOfWork, tenant: str, channel: str, hash: bytes, how: str, reply_id: UUID | None = None
) -> Row | None:
    """The active row for this address or domain, channel and cause, if there is one.

    Each reply has its own row, because the label of each is corrected separately.
    """
    return await work.fetch_one(
        f"""{_WITH_RETRACTION} WHERE s.tenant_id = :tenant AND s.channel = :channel AND s.how = :how AND r.at IS NULL
            AND (s.address_hash = :hash OR s.domain_hash = :hash)
            AND (s.how <> 'reply' OR s.reply_id IS NOT DISTINCT FROM CAST(:reply AS uuid))""",
        tenant=tenant,
        channel=channel,
        how=how,
        reply=reply_id,
        hash=hash,
    )


async def active_of_reply(work: UnitOfWork, tenant: str, reply_id: UUID) -> Sequence[Row]:
    """The active rows that a reply caused by its label. Those of STOP words are not retracted with a label."""
    return await work.fetch(
        f"{_WITH_RETRACTION} WHERE s.tenant_id = :tenant AND s.reply_id = :reply AND s.how = 'reply' AND r.at IS NULL",
        tenant=tenant,
        reply=reply_id,
    )


async def retract(work: UnitOfWork, tenant: str, suppression_id: UUID, actor: str, note: str) -> None:
    """Retract a row: store who did so and why. The row itself stays."""
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


async def page(work: UnitOfWork, tenant: str, channel: str | None, before: UUID | None, limit: int) -> Sequence[Row]:
    """Rows of the list, the newest first."""
    return await work.fetch(
        f"""{_WITH_RETRACTION} WHERE s.tenant_id = :tenant AND (CAST(:channel AS text) IS NULL OR s.channel = :channel)
            AND (CAST(:before AS uuid) IS NULL OR s.suppression_id < CAST(:before AS uuid))
            ORDER BY s.suppression_id DESC LIMIT :limit""",
        tenant=tenant,
        channel=channel,
        before=before,
        limit=limit,
    )


async def get(work: UnitOfWork, tenant: str, suppression_id: UUID) -> Row | None:
    """One row of the list."""
    return await work.fetch_one(
        f"{_WITH_RETRACTION} WHERE s.tenant_id = :tenant AND s.suppression_id = :id", tenant=tenant, id=suppression_id
    )
