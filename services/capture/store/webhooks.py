"""Webhooks, and the deliveries that no lead could be made of."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import orjson

from services.capture.store.public_tokens import PublicTable
from services.capture.tables import WebhookDeliveryRow, WebhookRow
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows

MOST_KEPT = 10_000
"""Deliveries that one webhook keeps; the sender of another is asked to try again later."""
MOST_KEPT_BYTES = 500_000_000
"""Bytes of their bodies."""

WEBHOOKS = PublicTable(WebhookRow)
_DELIVERY_COLUMNS = ", ".join(name for name in column_types(WebhookDeliveryRow) if name != "body")
_NEW_DELIVERY = tuple(name for name in column_types(WebhookDeliveryRow) if name not in ("lead_id", "replayed_on"))
_INSERT_DELIVERIES = insert_rows(WebhookDeliveryRow, _NEW_DELIVERY)


class Kept(NamedTuple):
    """A delivery, or one item of it, that made no lead. `errors`: `{field, message}`."""

    delivery_id: UUID
    body: bytes
    content_type: str
    whole: bool
    errors: Sequence[Mapping[str, str]]


async def kept_of(work: UnitOfWork, tenant: str, tokens: Sequence[str]) -> dict[str, int]:
    """How many deliveries each of these webhooks keeps; none where it is not named."""
    rows = await work.fetch_tuples(
        """
        SELECT token, count(*) FROM webhook_delivery
        WHERE tenant_id = :tenant AND token = ANY (CAST(:tokens AS text[])) AND state = 'kept' GROUP BY token
        """,
        tenant=tenant,
        tokens=list(tokens),
    )
    return {token: int(kept) for token, kept in rows}


async def may_keep(work: UnitOfWork, tenant: str, token: str) -> bool:
    """Whether a webhook keeps fewer deliveries than it may, and smaller ones."""
    row = await work.fetch_one(
        f"""
        SELECT count(*) AS kept, coalesce(sum(bytes), 0) AS bytes FROM (
            SELECT octet_length(body) AS bytes FROM webhook_delivery
            WHERE tenant_id = :tenant AND token = :token AND state = 'kept'
            LIMIT {MOST_KEPT}) d
        """,
        tenant=tenant,
        token=token,
    )
    return row is not None and row["kept"] < MOST_KEPT and row["bytes"] < MOST_KEPT_BYTES


async def keep(work: UnitOfWork, tenant: str, token: str, deliveries: Sequence[Kept]) -> None:
    rows = [
        (
            tenant,
            token,
            each.delivery_id,
            "kept",
            each.body,
            each.content_type,
            each.whole,
            orjson.dumps(list(each.errors)).decode(),
            work.now,
        )
        for each in deliveries
    ]
    if rows:
        await work.run(_INSERT_DELIVERIES, **by_column(_NEW_DELIVERY, rows))


async def deliveries(
    work: UnitOfWork, tenant: str, token: str, *, state: str | None, before: UUID | None, limit: int
) -> Sequence[Row]:
    """The deliveries without their bodies, the newest first."""
    return await work.fetch(
        f"""
        SELECT {_DELIVERY_COLUMNS} FROM webhook_delivery
        WHERE tenant_id = :tenant AND token = :token AND (CAST(:state AS text) IS NULL OR state = :state)
          AND (CAST(:before AS uuid) IS NULL OR delivery_id < :before)
        ORDER BY delivery_id DESC LIMIT :limit
        """,
        tenant=tenant,
        token=token,
        state=state,
        before=before,
        limit=limit,
    )


async def kept_after(work: UnitOfWork, tenant: str, token: str, *, after: UUID | None, limit: int) -> list[UUID]:
    """The ids of the next kept deliveries, the oldest first."""
    rows = await work.fetch_tuples(
        """
        SELECT delivery_id FROM webhook_delivery
        WHERE tenant_id = :tenant AND token = :token AND state = 'kept'
          AND (CAST(:after AS uuid) IS NULL OR delivery_id > :after)
        ORDER BY delivery_id LIMIT :limit
        """,
        tenant=tenant,
        token=token,
        after=after,
        limit=limit,
    )
    return [delivery_id for (delivery_id,) in rows]


async def read_delivery(
    work: UnitOfWork, tenant: str, token: str, delivery_id: UUID, *, lock: bool = False
) -> Row | None:
    return await work.fetch_one(
        f"""
        SELECT {_DELIVERY_COLUMNS}, body FROM webhook_delivery
        WHERE tenant_id = :tenant AND token = :token AND delivery_id = :id {"FOR UPDATE" if lock else ""}
        """,
        tenant=tenant,
        token=token,
        id=delivery_id,
    )


async def mark_replayed(work: UnitOfWork, tenant: str, token: str, delivery_id: UUID, lead_id: UUID | None) -> None:
    """It has passed: what is left is that it arrived, and the lead that it became."""
    await work.run(
        """
        UPDATE webhook_delivery SET state = 'replayed', body = '', replayed_on = :now, lead_id = :lead
        WHERE tenant_id = :tenant AND token = :token AND delivery_id = :id
        """,
        tenant=tenant,
        token=token,
        id=delivery_id,
        lead=lead_id,
        now=work.now,
    )


async def set_errors(
    work: UnitOfWork, tenant: str, token: str, delivery_id: UUID, errors: Sequence[Mapping[str, str]]
) -> None:
    await work.run(
        """
        UPDATE webhook_delivery SET errors = CAST(:errors AS jsonb)
        WHERE tenant_id = :tenant AND token = :token AND delivery_id = :id
        """,
        tenant=tenant,
        token=token,
        id=delivery_id,
        errors=orjson.dumps(list(errors)).decode(),
    )
