"""Web forms, and how often their visitors use them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.capture.tables import FormRow
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows

_COLUMNS = ", ".join(column_types(FormRow))
_INSERT = insert_rows(FormRow)


async def insert(
    work: UnitOfWork,
    tenant: str,
    token: str,
    *,
    name: str,
    source: str,
    settings: Mapping[str, Any],
    honeypot: str,
    secret: bytes,
    consent_text_id: UUID | None,
    by: str,
) -> None:
    row = {
        "tenant_id": tenant,
        "token": token,
        "name": name,
        "source": source,
        "active": True,
        "settings": orjson.dumps(settings).decode(),
        "honeypot": honeypot,
        "secret": secret,
        "consent_text_id": consent_text_id,
        "created_on": work.now,
        "created_by": by,
        "changed_on": work.now,
    }
    names = tuple(column_types(FormRow))
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
    consent_text_id: UUID | None,
) -> None:
    await work.run(
        """
        UPDATE form SET name = :name, source = :source, active = :active, settings = CAST(:settings AS jsonb),
                        consent_text_id = :text_id, changed_on = :now
        WHERE tenant_id = :tenant AND token = :token
        """,
        tenant=tenant,
        token=token,
        name=name,
        source=source,
        active=active,
        settings=orjson.dumps(settings).decode(),
        text_id=consent_text_id,
        now=work.now,
    )


async def read(work: UnitOfWork, tenant: str, token: str, *, lock: bool = False) -> Row | None:
    return await work.fetch_one(
        f"SELECT {_COLUMNS} FROM form WHERE tenant_id = :tenant AND token = :token {'FOR UPDATE' if lock else ''}",
        tenant=tenant,
        token=token,
    )


async def page(work: UnitOfWork, tenant: str, *, before: tuple[datetime, str] | None, limit: int) -> Sequence[Row]:
    """The forms of a tenant, the newest first."""
    return await work.fetch(
        f"""
        SELECT {_COLUMNS} FROM form
        WHERE tenant_id = :tenant
          AND (CAST(:at AS timestamptz) IS NULL OR (created_on, token) < (CAST(:at AS timestamptz), :token))
        ORDER BY created_on DESC, token DESC LIMIT :limit
        """,
        tenant=tenant,
        at=before[0] if before else None,
        token=before[1] if before else "",
        limit=limit,
    )


async def count_use(work: UnitOfWork, tenant: str, token: str, visitor: bytes, *, seconds: float) -> int:
    """Count a use of a form by a visitor, known by a hash; how many there were, with this one, in such a time.

    The count is in the database, so that replicas count together and a restart forgets nothing.
    """
    row = await work.fetch_one(
        """
        INSERT INTO form_use AS f (tenant_id, token, visitor, until, uses)
        VALUES (:tenant, :token, :visitor, clock_timestamp() + make_interval(secs => :seconds), 1)
        ON CONFLICT (tenant_id, token, visitor) DO UPDATE
        SET uses = CASE WHEN f.until <= clock_timestamp() THEN 1 ELSE f.uses + 1 END,
            until = CASE WHEN f.until <= clock_timestamp() THEN excluded.until ELSE f.until END
        RETURNING uses
        """,
        tenant=tenant,
        token=token,
        visitor=visitor,
        seconds=float(seconds),
    )
    assert row is not None
    return int(row["uses"])


async def tenants_of_past_uses(work: UnitOfWork) -> list[str]:
    """Some tenants with counts that are over."""
    rows = await work.fetch_tuples(
        "SELECT DISTINCT tenant_id FROM (SELECT tenant_id FROM form_use WHERE until < clock_timestamp() LIMIT 1000) f"
    )
    return [tenant for (tenant,) in rows]


async def delete_past_uses(work: UnitOfWork, limit: int) -> int:
    """Delete counts that are over, of the tenants of this transaction; how many there were."""
    return await work.run(
        """
        DELETE FROM form_use WHERE (tenant_id, token, visitor) IN (
            SELECT tenant_id, token, visitor FROM form_use
            WHERE until < clock_timestamp() AND tenant_id = ANY (CAST(:tenants AS text[])) LIMIT :limit)
        """,
        tenants=list(work.tenants),
        limit=limit,
    )
