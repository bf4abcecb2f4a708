"""Queries on drafts, their texts and approvals, and on what is still to be composed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping

from services.outreach.sending.message import Message
from shared.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class NewDraft:
    """A draft to be stored: whose, why, and the message itself."""

    tenant: str
    draft_id: UUID
    lead_id: UUID
    kind: str
    message: Message
    author: str
    cause: str
    cause_id: str
    cause_at: datetime
    expires_at: datetime
    claims: Sequence[Mapping[str, Any]] = ()
    made_from: Mapping[str, Any] = field(default_factory=dict)
    replaces: UUID | None = None


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


async def put_text(work: UnitOfWork, tenant: str, draft_id: UUID, message: Message, author: str) -> None:
    """Store a text of a draft. It is never changed; an edit adds another."""
    await work.run(
        """
        INSERT INTO content (tenant_id, draft_id, canonical, author, created_at)
        VALUES (:tenant, :draft, :canonical, :author, :now) ON CONFLICT DO NOTHING
        """,
        tenant=tenant,
        draft=draft_id,
        canonical=message.canonical(),
        author=author,
        now=work.now,
    )


async def add(work: UnitOfWork, new: NewDraft) -> bool:
    """Store a draft with its text; False when one of that lead, kind and channel is pending already."""
    await put_text(work, new.tenant, new.draft_id, new.message, new.author)
    placed = await work.run(
        """
        INSERT INTO draft (tenant_id, draft_id, lead_id, kind, channel, sha256, cause, cause_id, cause_at, claims,
                           made_from, author, replaces, expires_at, created_at)
        VALUES (:tenant, :draft, :lead, :kind, :channel, :sha256, :cause, :cause_id, :cause_at,
                CAST(:claims AS jsonb), CAST(:made_from AS jsonb), :author, :replaces, :expires_at, :now)
        ON CONFLICT (tenant_id, lead_id, kind, channel) WHERE state = 'pending' DO NOTHING
        """,
        tenant=new.tenant,
        draft=new.draft_id,
        lead=new.lead_id,
        kind=new.kind,
        channel=new.message.channel,
        sha256=new.message.sha256,
        cause=new.cause,
        cause_id=new.cause_id,
        cause_at=new.cause_at,
        claims=_json(list(new.claims)),
        made_from=_json(new.made_from),
        author=new.author,
        replaces=new.replaces,
        expires_at=new.expires_at,
        now=work.now,
    )
    return bool(placed)


_TEXT = """
    c.from_address, c.to_address, c.subject, c.body, c.headers
    FROM draft d
    JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
"""
_WHOLE = f"SELECT d.*, {_TEXT}"


async def get(work: UnitOfWork, tenant: str, draft_id: UUID, *, lock: bool = False) -> RowMapping | None:
    """A draft with its present text.

    The lock comes first, in a statement of its own: a statement that has waited for a row joins it with what the other
    tables held before, and finds nothing where the text was edited meanwhile.
    """
    named = {"tenant": tenant, "draft": draft_id}
    if lock:
        await work.run("SELECT FROM draft WHERE tenant_id = :tenant AND draft_id = :draft FOR UPDATE", **named)
    return await work.fetch_one(f"{_WHOLE} WHERE d.tenant_id = :tenant AND d.draft_id = :draft", **named)


async def lock_all(work: UnitOfWork, draft_ids: Sequence[UUID]) -> None:
    """Lock these drafts in the order of their ids, so that two bulks never wait for each other."""
    await work.run(
        """
        SELECT draft_id FROM draft WHERE tenant_id = :tenant AND draft_id = ANY (:drafts) ORDER BY draft_id FOR UPDATE
        """,
        tenant=work.tenants[0],
        drafts=list(draft_ids),
    )


async def texts(work: UnitOfWork, tenant: str, draft_id: UUID) -> Sequence[RowMapping]:
    """Every text that a draft ever had, the first first."""
    return await work.fetch(
        """
        SELECT sha256, subject, body, author, created_at FROM content
        WHERE tenant_id = :tenant AND draft_id = :draft ORDER BY created_at
        """,
        tenant=tenant,
        draft=draft_id,
    )


async def pending_of(work: UnitOfWork, leads: Iterable[tuple[str, UUID]]) -> Sequence[RowMapping]:
    """The pending drafts of these leads, locked in the order of their ids."""
    wanted = sorted(set(leads))
    locked = await work.fetch(
        """
        SELECT d.tenant_id, d.draft_id FROM draft d
        JOIN unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
          ON w.tenant_id = d.tenant_id AND w.lead_id = d.lead_id
        WHERE d.state = 'pending' ORDER BY d.tenant_id, d.draft_id FOR UPDATE OF d
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    if not locked:
        return []
    return await work.fetch(
        f"""{_WHOLE}
        JOIN unnest(CAST(:tenants AS text[]), CAST(:drafts AS uuid[])) AS w (tenant_id, draft_id)
          ON w.tenant_id = d.tenant_id AND w.draft_id = d.draft_id
        ORDER BY d.tenant_id, d.draft_id
        """,
        tenants=[row["tenant_id"] for row in locked],
        drafts=[row["draft_id"] for row in locked],
    )


async def change(work: UnitOfWork, row: RowMapping, **columns: Any) -> None:
    """Set columns of a locked draft; every change is another version for If-Match."""
    names = "".join(f", {name} = :{name}" for name in columns if name != "claims")
    if "claims" in columns:
        names += ", claims = CAST(:claims AS jsonb)"
        columns["claims"] = _json(columns["claims"])
    await work.run(
        f"UPDATE draft SET version = version + 1{names} WHERE tenant_id = :tenant AND draft_id = :draft",
        tenant=row["tenant_id"],
        draft=row["draft_id"],
        **columns,
    )


async def approve(work: UnitOfWork, row: RowMapping, actor: str) -> None:
    """A human's approval of exactly the present text. Only the application's role may do this."""
    await work.run(
        """
        INSERT INTO approval (tenant_id, draft_id, sha256, actor, at)
        VALUES (:tenant, :draft, :sha256, :actor, :now)
        """,
        tenant=row["tenant_id"],
        draft=row["draft_id"],
        sha256=row["sha256"],
        actor=actor,
        now=work.now,
    )


ORDERS = {"oldest": ("d.created_at", ">"), "at_risk": ("d.expires_at", ">"), "hottest": ("s.score_total", "<")}
"""Sort -> (column, what comes after a position). The score is the lead's of now."""


async def page(
    work: UnitOfWork,
    tenant: str,
    filters: Mapping[str, Any],
    *,
    snoozed: bool,
    sort: str,
    after: tuple[Any, UUID] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Drafts in one of the orders. `filters`: columns of `draft`; snoozed ones are left out unless asked for."""
    column, sign = ORDERS[sort]
    direction = "ASC" if sign == ">" else "DESC"
    where = "".join(f" AND d.{name} = :{name}" for name in filters)
    if not snoozed:
        where += " AND (d.snoozed_until IS NULL OR d.snoozed_until <= :now)"
    if after:
        where += f" AND ({column}, d.draft_id) {sign} (:after_value, :after_id)"
    return await work.fetch(
        f"""
        SELECT d.*, s.score_total, {_TEXT}
        JOIN LATERAL (SELECT coalesce(max(l.score_total), 0) AS score_total FROM lead l
                      WHERE l.tenant_id = d.tenant_id AND l.lead_id = d.lead_id) s ON true
        WHERE d.tenant_id = :tenant{where}
        ORDER BY {column} {direction}, d.draft_id {direction} LIMIT :limit""",
        tenant=tenant,
        limit=limit,
        **({} if snoozed else {"now": work.now}),
        **({"after_value": after[0], "after_id": after[1]} if after else {}),
        **filters,
    )
