"""Queries on drafts, their texts and approvals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.outreach.drafts.tables import ContentRow, DraftRow
from services.outreach.sending.message import Message
from services.outreach.store.due import in_turn
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import insert_rows
from shared.errors import NotFound
from shared.ids import LeadKey


@dataclass(frozen=True, slots=True)
class NewDraft:
    """A draft to be stored: for which lead, because of what, and the message itself."""

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
    approved_by: str | None = None
    """Who approved the template that the message follows; such a draft waits for nobody."""


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


_CONTENT = ("tenant_id", "draft_id", "canonical", "author", "created_at")
_ADD_CONTENT = f"{insert_rows(ContentRow, _CONTENT)} ON CONFLICT DO NOTHING"
_DRAFT = (
    "tenant_id",
    "draft_id",
    "lead_id",
    "kind",
    "channel",
    "sha256",
    "cause",
    "cause_id",
    "cause_at",
    "claims",
    "made_from",
    "author",
    "replaces",
    "expires_at",
    "created_at",
    "state",
    "decided_by",
    "decided_at",
    "score",
)
_ADD_DRAFT = f"""
    {insert_rows(DraftRow, _DRAFT)}
    ON CONFLICT (tenant_id, lead_id, kind, channel) WHERE state = 'pending' DO NOTHING
"""


async def add_text(work: UnitOfWork, tenant: str, draft_id: UUID, message: Message, author: str) -> None:
    """Store a text of a draft. A text is never changed; an edit adds another."""
    row = (tenant, draft_id, message.canonical(), author, work.now)
    await work.run(_ADD_CONTENT, **by_column(_CONTENT, [row]))


async def add(work: UnitOfWork, new: NewDraft) -> bool:
    """Store a draft with its text; False when a draft of that lead, kind and channel is pending already.

    The lead's row is locked, so that a score which is saved at the same time is that of the draft too. Raises NotFound
    for a lead that has been erased meanwhile.
    """
    lead = await work.fetch_one(
        "SELECT score_total FROM lead WHERE tenant_id = :tenant AND lead_id = :lead FOR SHARE",
        tenant=new.tenant,
        lead=new.lead_id,
    )
    if lead is None:
        raise NotFound("no such lead")
    await add_text(work, new.tenant, new.draft_id, new.message, new.author)
    row = (
        new.tenant,
        new.draft_id,
        new.lead_id,
        new.kind,
        new.message.channel,
        new.message.sha256,
        new.cause,
        new.cause_id,
        new.cause_at,
        _json(list(new.claims)),
        _json(new.made_from),
        new.author,
        new.replaces,
        new.expires_at,
        work.now,
        "approved" if new.approved_by else "pending",
        new.approved_by,
        work.now if new.approved_by else None,
        lead["score_total"] or 0,
    )
    return bool(await work.run(_ADD_DRAFT, **by_column(_DRAFT, [row])))


_TEXT = """
    c.from_address, c.to_address, c.subject, c.body, c.headers
    FROM draft d
    JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
"""
_WITH_TEXT = f"SELECT d.*, {_TEXT}"


async def get(work: UnitOfWork, tenant: str, draft_id: UUID, *, lock: bool = False) -> Row | None:
    """A draft with its present text.

    The lock is a statement before the query: a single statement that has waited for the row would join it with the
    other tables as they were before the wait, and find no text where the draft was edited meanwhile.
    """
    named = {"tenant": tenant, "draft": draft_id}
    if lock:
        await work.run("SELECT FROM draft WHERE tenant_id = :tenant AND draft_id = :draft FOR UPDATE", **named)
    return await work.fetch_one(f"{_WITH_TEXT} WHERE d.tenant_id = :tenant AND d.draft_id = :draft", **named)


async def lock_all(work: UnitOfWork, tenant: str, draft_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """These drafts with their present texts, locked in the order of their ids: two requests never wait for each other.

    The lock is a statement before the query, as in `get`.
    """
    named = {"tenant": tenant, "drafts": list(draft_ids)}
    await work.run(
        """
        SELECT draft_id FROM draft WHERE tenant_id = :tenant AND draft_id = ANY (:drafts) ORDER BY draft_id FOR UPDATE
        """,
        **named,
    )
    rows = await work.fetch(f"{_WITH_TEXT} WHERE d.tenant_id = :tenant AND d.draft_id = ANY (:drafts)", **named)
    return {row["draft_id"]: row for row in rows}


async def leads_of_drafts(work: UnitOfWork, tenant: str, draft_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The lead of each of these drafts."""
    rows = await work.fetch_tuples(
        "SELECT draft_id, lead_id FROM draft WHERE tenant_id = :tenant AND draft_id = ANY (:drafts)",
        tenant=tenant,
        drafts=list(draft_ids),
    )
    return dict(rows)


async def texts(work: UnitOfWork, tenant: str, draft_id: UUID) -> Sequence[Row]:
    """Every text that a draft has had, the oldest first."""
    return await work.fetch(
        """
        SELECT sha256, subject, body, author, created_at FROM content
        WHERE tenant_id = :tenant AND draft_id = :draft ORDER BY created_at
        """,
        tenant=tenant,
        draft=draft_id,
    )


async def dispatch_id(work: UnitOfWork, tenant: str, draft_id: UUID) -> UUID | None:
    """The dispatch of an approved draft; None before the approval."""
    row = await work.fetch_one(
        "SELECT dispatch_id FROM dispatch WHERE tenant_id = :tenant AND draft_id = :draft",
        tenant=tenant,
        draft=draft_id,
    )
    return row["dispatch_id"] if row else None


async def pending_of(work: UnitOfWork, leads: Iterable[LeadKey]) -> Sequence[Row]:
    """The pending drafts of these leads with their texts, locked in the order of their ids."""
    keys = sorted(set(leads))
    locked = await work.fetch(
        """
        SELECT d.tenant_id, d.draft_id FROM draft d
        JOIN unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
          ON w.tenant_id = d.tenant_id AND w.lead_id = d.lead_id
        WHERE d.state = 'pending' ORDER BY d.tenant_id, d.draft_id FOR UPDATE OF d
        """,
        tenants=[tenant for tenant, _ in keys],
        leads=[lead for _, lead in keys],
    )
    if not locked:
        return []
    return await work.fetch(
        f"""{_WITH_TEXT}
        JOIN unnest(CAST(:tenants AS text[]), CAST(:drafts AS uuid[])) AS w (tenant_id, draft_id)
          ON w.tenant_id = d.tenant_id AND w.draft_id = d.draft_id
        ORDER BY d.tenant_id, d.draft_id
        """,
        tenants=[row["tenant_id"] for row in locked],
        drafts=[row["draft_id"] for row in locked],
    )


_EXPIRED = in_turn("draft", "draft_id", "expires_at", "state = 'pending'", "expires_at <= :now")


async def expired(work: UnitOfWork, limit: int) -> Sequence[Row]:
    """(tenant_id, draft_id) of pending drafts whose time has run out, the tenants in turn."""
    return await work.fetch(_EXPIRED, now=work.now, limit=limit)


async def update(work: UnitOfWork, row: Row, **columns: Any) -> None:
    """Set columns of a locked draft. Another text or state raises the version that If-Match names; a claim does not."""
    await update_all(work, [row], **columns)


async def update_all(work: UnitOfWork, rows: Sequence[Row], **columns: Any) -> None:
    """Set columns of locked drafts of one tenant, the same for all."""
    if "claims" in columns:
        columns["claims"] = _json(columns["claims"])
    assignments = "".join(
        f", {name} = CAST(:{name} AS jsonb)" if name == "claims" else f", {name} = :{name}" for name in columns
    )
    raised = int(not columns.keys().isdisjoint({"sha256", "state"}))
    await work.run(
        f"UPDATE draft SET version = version + {raised}{assignments}"
        " WHERE tenant_id = :tenant AND draft_id = ANY (:drafts)",
        tenant=rows[0]["tenant_id"],
        drafts=[row["draft_id"] for row in rows],
        **columns,
    )


async def snooze(work: UnitOfWork, rows: Sequence[Row], until: datetime, expires_at: datetime) -> None:
    """Keep locked drafts of one tenant out of the lists until then; none expires before `expires_at`."""
    await work.run(
        """
        UPDATE draft SET snoozed_until = :until, expires_at = greatest(expires_at, :expires), claimed_by = NULL,
               lease_until = NULL
        WHERE tenant_id = :tenant AND draft_id = ANY (:drafts)
        """,
        until=until,
        expires=expires_at,
        tenant=rows[0]["tenant_id"],
        drafts=[row["draft_id"] for row in rows],
    )


async def rank(work: UnitOfWork, totals: Mapping[LeadKey, int]) -> None:
    """Give the pending drafts of these leads their lead's new score, locked in the order of their ids."""
    if not totals:
        return
    await work.run(
        """
        UPDATE draft d SET score = w.total
        FROM (SELECT p.tenant_id, p.draft_id, t.total
              FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:totals AS integer[]))
                   AS t (tenant_id, lead_id, total)
              JOIN draft p ON p.tenant_id = t.tenant_id AND p.lead_id = t.lead_id AND p.state = 'pending'
              WHERE p.score <> t.total
              ORDER BY p.tenant_id, p.draft_id FOR UPDATE OF p) w
        WHERE d.tenant_id = w.tenant_id AND d.draft_id = w.draft_id AND d.state = 'pending'
        """,
        tenants=[tenant for tenant, _ in totals],
        leads=[lead for _, lead in totals],
        totals=list(totals.values()),
    )
