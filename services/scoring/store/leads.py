"""The cached scores: locked in one order, written as sets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping

from services.scoring.rules import Score
from shared.db import UnitOfWork
from shared.ids import LeadKey


class Row(NamedTuple):
    """What is stored of a lead. `scored_at` is None while its capture is not known."""

    revision: int
    points: tuple[int, int, int]
    band: str
    model_version: int
    scored_at: datetime | None
    next_change_at: datetime | None


class Scored(NamedTuple):
    """What is to be stored of a lead; `score` None: nothing is known yet, or it is another lead's alias."""

    lead: LeadKey
    revision: int = 0
    score: Score | None = None
    scored_at: datetime | None = None


@dataclass(slots=True)
class Links:
    """How ids hang together: which were erased, which lead an alias stands for, which aliases a lead has."""

    erased: set[LeadKey] = field(default_factory=set)
    kept: dict[LeadKey, LeadKey] = field(default_factory=dict)
    aliases: dict[LeadKey, list[LeadKey]] = field(default_factory=dict)


async def lock_leads(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, Row]:
    """Lock the rows of these ids, in one order everywhere; what is not there yet is not in the answer."""
    wanted = sorted(leads)
    rows = await work.fetch_tuples(
        """
        SELECT l.tenant_id, l.lead_id, l.revision, l.fit, l.intent, l.engagement, l.band, l.model_version,
               l.scored_at, l.next_change_at
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        ORDER BY l.tenant_id, l.lead_id
        FOR UPDATE OF l
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    found: dict[LeadKey, Row] = {}
    for tenant, lead_id, revision, fit, intent, engagement, band, version, scored_at, next_change_at in rows:
        found[tenant, lead_id] = Row(revision, (fit, intent, engagement), band, version, scored_at, next_change_at)
    return found


async def links_of(work: UnitOfWork, leads: Iterable[LeadKey]) -> Links:
    """One look at erased and merged leads. Ask after locking: then no merge of these ids is under way."""
    wanted = list(leads)
    rows = await work.fetch_tuples(
        """
        WITH wanted AS MATERIALIZED (
            SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id))
        SELECT tenant_id, lead_id, NULL AS kept_id FROM wanted JOIN erased USING (tenant_id, lead_id)
        UNION ALL
        SELECT a.tenant_id, a.alias_id, a.lead_id
        FROM wanted w JOIN alias a ON a.tenant_id = w.tenant_id AND a.alias_id = w.lead_id AND NOT a.undone
        UNION ALL
        SELECT a.tenant_id, a.alias_id, a.lead_id
        FROM wanted w JOIN alias a ON a.tenant_id = w.tenant_id AND a.lead_id = w.lead_id AND NOT a.undone
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )
    links = Links()
    for tenant, lead_id, kept_id in rows:
        if kept_id is None:
            links.erased.add((tenant, lead_id))
        elif (tenant, lead_id) not in links.kept:
            links.kept[tenant, lead_id] = (tenant, kept_id)
            links.aliases.setdefault((tenant, kept_id), []).append((tenant, lead_id))
    return links


async def insert_scores(work: UnitOfWork, scored: Sequence[Scored]) -> None:
    """Leads that were not there. A unique violation means that another replica was first: the batch runs again."""
    await work.run(
        """
        INSERT INTO lead (tenant_id, lead_id, revision, fit, intent, engagement, band, model_version,
                          scored_at, next_change_at, seen_at)
        SELECT *, :now FROM unnest(
            CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:revisions AS int[]),
            CAST(:fit AS int[]), CAST(:intent AS int[]), CAST(:engagement AS int[]), CAST(:bands AS text[]),
            CAST(:versions AS int[]), CAST(:scored AS timestamptz[]), CAST(:changes AS timestamptz[]))
        """,
        now=work.now,
        **_columns(sorted(scored, key=lambda one: one.lead)),
    )


async def update_scores(work: UnitOfWork, scored: Sequence[Scored]) -> None:
    """Leads whose rows this transaction has locked."""
    await work.run(
        """
        UPDATE lead l
        SET revision = n.revision, fit = n.fit, intent = n.intent, engagement = n.engagement, band = n.band,
            model_version = n.model_version, scored_at = n.scored_at, next_change_at = n.next_change_at
        FROM unnest(
            CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:revisions AS int[]),
            CAST(:fit AS int[]), CAST(:intent AS int[]), CAST(:engagement AS int[]), CAST(:bands AS text[]),
            CAST(:versions AS int[]), CAST(:scored AS timestamptz[]), CAST(:changes AS timestamptz[]))
            AS n (tenant_id, lead_id, revision, fit, intent, engagement, band, model_version, scored_at, next_change_at)
        WHERE l.tenant_id = n.tenant_id AND l.lead_id = n.lead_id
        """,
        **_columns(scored),
    )


_NOTHING = Score(0, 0, 0, "D", 0, datetime.min)


def _columns(scored: Sequence[Scored]) -> dict[str, list[object]]:
    scores = [one.score or _NOTHING for one in scored]
    return {
        "tenants": [one.lead[0] for one in scored],
        "leads": [one.lead[1] for one in scored],
        "revisions": [one.revision for one in scored],
        "fit": [score.fit for score in scores],
        "intent": [score.intent for score in scores],
        "engagement": [score.engagement for score in scores],
        "bands": [score.band for score in scores],
        "versions": [score.model_version for score in scores],
        "scored": [one.scored_at for one in scored],
        "changes": [score.next_change_at for score in scores],
    }


async def read_lead(work: UnitOfWork, lead: LeadKey) -> Row | None:
    """What is stored of a lead, without a lock."""
    row = await work.fetch_one(
        """
        SELECT revision, fit, intent, engagement, band, model_version, scored_at, next_change_at
        FROM lead WHERE tenant_id = :tenant AND lead_id = :lead
        """,
        tenant=lead[0],
        lead=lead[1],
    )
    if row is None:
        return None
    return _row(row)


def _row(row: RowMapping) -> Row:
    return Row(
        row["revision"],
        (row["fit"], row["intent"], row["engagement"]),
        row["band"],
        row["model_version"],
        row["scored_at"],
        row["next_change_at"],
    )


async def published_scores(
    work: UnitOfWork, tenant: str, since: datetime, after: UUID | None, limit: int
) -> list[tuple[UUID, Row]]:
    """The next leads by id, but no aliases, whose present score was published since then."""
    rows = await work.fetch(
        """
        SELECT l.* FROM lead l
        WHERE l.tenant_id = :tenant AND l.scored_at >= :since
          AND l.lead_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
          AND NOT EXISTS (
              SELECT FROM alias a WHERE a.tenant_id = l.tenant_id AND a.alias_id = l.lead_id AND NOT a.undone)
        ORDER BY l.lead_id LIMIT :limit
        """,
        tenant=tenant,
        since=since,
        after=after,
        limit=limit,
    )
    return [(row["lead_id"], _row(row)) for row in rows]


async def forget(work: UnitOfWork, leads: Iterable[LeadKey]) -> None:
    wanted = list(leads)
    await work.run(
        """
        DELETE FROM lead l
        USING unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
        WHERE l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
        """,
        tenants=[tenant for tenant, _ in wanted],
        leads=[lead for _, lead in wanted],
    )


async def due_tenants(work: UnitOfWork, limit: int) -> list[str]:
    """The tenants of the leads whose scores have been due for longest."""
    rows = await work.fetch(
        """
        SELECT DISTINCT tenant_id FROM (
            SELECT tenant_id FROM lead WHERE next_change_at <= :now ORDER BY next_change_at LIMIT :limit) due
        """,
        now=work.now,
        limit=limit,
    )
    return [row["tenant_id"] for row in rows]


async def claim_due(work: UnitOfWork, limit: int) -> list[LeadKey]:
    """Lock leads of this transaction's tenants whose scores are due, but those that another replica is at."""
    rows = await work.fetch(
        """
        SELECT tenant_id, lead_id FROM lead
        WHERE next_change_at <= :now AND tenant_id = ANY (CAST(:tenants AS text[]))
        ORDER BY next_change_at LIMIT :limit FOR UPDATE SKIP LOCKED
        """,
        now=work.now,
        tenants=list(work.tenants),
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]


async def page_of_leads(work: UnitOfWork, tenant: str, after: UUID | None, limit: int) -> list[LeadKey]:
    """The next leads of a tenant by id."""
    rows = await work.fetch(
        """
        SELECT lead_id FROM lead
        WHERE tenant_id = :tenant AND lead_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
        ORDER BY lead_id LIMIT :limit
        """,
        tenant=tenant,
        after=after,
        limit=limit,
    )
    return [(tenant, row["lead_id"]) for row in rows]


async def waiting_leads(work: UnitOfWork, older_than: timedelta, limit: int = 500) -> list[LeadKey]:
    """Ids that something was said of, but that nobody captured in all that time."""
    rows = await work.fetch(
        """
        SELECT tenant_id, lead_id FROM lead l
        WHERE scored_at IS NULL AND seen_at < :before
          AND NOT EXISTS (SELECT FROM alias a WHERE a.tenant_id = l.tenant_id AND a.alias_id = l.lead_id)
        ORDER BY seen_at LIMIT :limit
        """,
        before=work.now - older_than,
        limit=limit,
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]
