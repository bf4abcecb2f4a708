"""Webhooks, and the deliveries that no lead could be made of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.capture.tables import WebhookDeliveryRow, WebhookRow
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows

MOST_KEPT = 10_000
"""Deliveries that one webhook keeps; the sender of another is asked to try again later."""

_COLUMNS = ", ".join(column_types(WebhookRow))
_INSERT = insert_rows(WebhookRow)
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


async def insert(
    work: UnitOfWork,
    tenant: str,
    token: str,
    *,
    name: str,
    source: str,
    settings: Mapping[str, Any],
    secret: bytes | None,
    by: str,
) -> None:
    row = {
        "tenant_id": tenant,
        "token": token,
        "name": name,
        "source": source,
        "active": True,
        "settings": orjson.dumps(settings).decode(),
        "secret": secret,
        "created_on": work.now,
        "created_by": by,
        "changed_on": work.now,
    }
    names = tuple(column_types(WebhookRow))
    await work.run(_INSERT, **by_column(names, [[row[name] for name in names]]))


async def update(
    work: UnitOfWork,
    tenant: str,
    token: str,
    *,
    name: str,
    source: str,
    active: bool,
    settings: Mapping[str, Any],
    secret: bytes | None,
) -> None:
    await work.run(
        """
        UPDATE webhook SET name = :name, source = :source, active = :active, settings = CAST(:settings AS jsonb),
                           secret = :secret, changed_on = :now
        WHERE tenant_id = :tenant AND token = :token
        """,
        tenant=tenant,
        token=token,
        name=name,
        source=source,
        active=active,
        settings=orjson.dumps(settings).decode(),
        secret=secret,
        now=work.now,
    )


async def read(work: UnitOfWork, tenant: str, token: str, *, lock: bool = False) -> Row | None:
    return await work.fetch_one(
        f"SELECT {_COLUMNS} FROM webhook WHERE tenant_id = :tenant AND token = :token {'FOR UPDATE' if lock else ''}",
        tenant=tenant,
        token=token,
    )


async def page(work: UnitOfWork, tenant: str, *, before: tuple[datetime, str] | None, limit: int) -> Sequence[Row]:
    """The webhooks of a tenant, the newest first, with how many deliveries each keeps."""
    return await work.fetch(
        f"""
        SELECT {_COLUMNS}, (
            SELECT count(*) FROM webhook_delivery d
            WHERE d.tenant_id = w.tenant_id AND d.token = w.token AND d.state = 'kept') AS kept
        FROM webhook w
        WHERE tenant_id = :tenant
          AND (CAST(:at AS timestamptz) IS NULL OR (created_on, token) < (CAST(:at AS timestamptz), :token))
        ORDER BY created_on DESC, token DESC LIMIT :limit
        """,
        tenant=tenant,
        at=before[0] if before else None,
        token=before[1] if before else "",
        limit=limit,
    )


async def count_kept(work: UnitOfWork, tenant: str, token: str) -> int:
    """How many deliveries a webhook keeps, counted up to `MOST_KEPT`."""
    row = await work.fetch_one(
        f"""
        SELECT count(*) AS kept FROM (
            SELECT FROM webhook_delivery WHERE tenant_id = :tenant AND token = :token AND state = 'kept'
            LIMIT {MOST_KEPT}) d
        """,
        tenant=tenant,
        token=token,
    )
    return int(row["kept"]) if row else 0


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
