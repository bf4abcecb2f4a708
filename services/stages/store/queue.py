"""The lead queue: keyset pages over index runs, so that a page costs the same at any depth and any size.

The index `lead_queue` (tenant, stage, band, score, last activity, id) holds a sorted run for each stage and band. A
page without a filter, by `stage` or by `band` merges the heads of its runs. `owner` and `hot` have an index each. With
other filters a page reads a bounded number of rows, so it may be short before the end of the list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.stages.rules import OPEN, Stage
from services.stages.store.leads import LeadRecord, columns, record_of
from shared.db import Row, UnitOfWork

BANDS = ("A", "B", "C", "D", "")
"""The bands, and the empty one of leads without a score."""

SCAN = 2_000
"""The most rows that one page reads when a filter has no index."""

Position = tuple[int, datetime, UUID]
"""(score, last activity, lead id): the place of a lead in the queue."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of the queue; without stages it lists the open ones."""

    stages: Sequence[str] = ()
    any_stage: bool = False
    status: str | None = None
    source: str | None = None
    campaign: str | None = None
    band: str | None = None
    owner: str | None = None
    hot: bool | None = None

    @property
    def listed(self) -> list[str]:
        """The stages whose leads are listed."""
        if self.stages and not self.any_stage:
            return list(self.stages)
        if self.any_stage or self.status in ("disqualified", "converted"):
            return [stage.value for stage in Stage]
        return [stage.value for stage in Stage if stage in OPEN]


@dataclass(frozen=True, slots=True)
class QueuePage:
    items: list[LeadRecord]
    next: Position | None


_KEYS = "score_total, last_activity_on, lead_id"
_ORDER = "score_total DESC, last_activity_on DESC, lead_id DESC"
# Only in statements that continue after a position. One condition for both cases ("no position, or after it") cannot
# use the index once Postgres has a generic plan, and would read the list from its top.
_AFTER = """
    AND (score_total, last_activity_on, lead_id) < (CAST(:score AS int), CAST(:at AS timestamptz), CAST(:lead AS uuid))
"""
_BY_RUNS = f"""
    SELECT k.score_total, k.last_activity_on, k.lead_id
    FROM unnest(CAST(:stages AS text[])) AS s (stage)
    CROSS JOIN unnest(CAST(:bands AS text[])) AS b (band)
    CROSS JOIN LATERAL (
        SELECT score_total, last_activity_on, lead_id FROM lead
        WHERE tenant_id = :tenant AND stage = s.stage AND band = b.band {{after}}
        ORDER BY {_ORDER} LIMIT :scan
    ) k
"""
_READ = f"{columns()}, lead.stage, lead.status, lead.hot"
"""The columns of a record, and those that `_NARROWED` filters by."""
_BY_OWNER = f"""
    SELECT {_READ} FROM lead WHERE tenant_id = :tenant AND owner = :owner {{after}} ORDER BY {_ORDER} LIMIT {SCAN}
"""
_BY_HOT = f"SELECT {_READ} FROM lead WHERE tenant_id = :tenant AND hot {{after}} ORDER BY {_ORDER} LIMIT {SCAN}"
_NARROWED = """
    l.stage = ANY (CAST(:stages AS text[])) AND l.band = ANY (CAST(:bands AS text[]))
    AND (CAST(:status AS text) IS NULL OR l.status = :status)
    AND (CAST(:source AS text) IS NULL OR l.source = :source)
    AND (CAST(:campaign AS text) IS NULL OR l.campaign = :campaign)
    AND (CAST(:hot AS bool) IS NULL OR l.hot = :hot)
"""


async def page(work: UnitOfWork, filters: Filters, *, after: Position | None, limit: int) -> QueuePage:
    """The leads after a position, best first."""
    by_runs = filters.owner is None and not filters.hot
    narrowed = filters.status or filters.source or filters.campaign or filters.hot is False
    keys = _BY_OWNER if filters.owner is not None else _BY_HOT if filters.hot else _BY_RUNS
    keys = keys.format(after=_AFTER if after else "")
    score, at, lead = after or (None, None, None)
    parameters = {
        "tenant": work.tenants[0],
        "stages": filters.listed,
        "bands": list(BANDS) if filters.band is None else [filters.band],
        "owner": filters.owner,
        "status": filters.status,
        "source": filters.source,
        "campaign": filters.campaign,
        "hot": filters.hot,
        "score": score,
        "at": at,
        "lead": lead,
        "limit": limit + 1,
    }
    if by_runs and not narrowed:
        rows = await work.fetch(
            f"""
            WITH k AS MATERIALIZED (SELECT {_KEYS} FROM ({keys}) r ORDER BY {_ORDER} LIMIT :scan)
            SELECT {columns("l")} FROM k JOIN lead l ON l.tenant_id = :tenant AND l.lead_id = k.lead_id
            ORDER BY k.score_total DESC, k.last_activity_on DESC, k.lead_id DESC
            """,
            **parameters,
            scan=limit + 1,
        )
        return _page(rows, limit) or QueuePage([record_of(row) for row in rows], None)
    if not by_runs:
        # The index has the order of the queue: read along it, and stop at the end of the page.
        rows = await work.fetch(
            f"SELECT {columns('l')} FROM ({keys}) l WHERE {_NARROWED} LIMIT :limit", **parameters, scan=SCAN
        )
        if (found := _page(rows, limit)) is not None:
            return found
    return await _bounded(work, keys, parameters, limit)


async def _bounded(work: UnitOfWork, keys: str, parameters: dict[str, Any], limit: int) -> QueuePage:
    """The leads among the next `SCAN` that pass the filters, and the position up to which they were read."""
    rows = await work.fetch(
        f"""
        WITH k AS MATERIALIZED (
            SELECT {_KEYS} FROM ({keys}) r ORDER BY {_ORDER} LIMIT :scan),
        hit AS MATERIALIZED (
            SELECT {columns("l")} FROM k JOIN lead l ON l.tenant_id = :tenant AND l.lead_id = k.lead_id
            WHERE {_NARROWED} ORDER BY {_ORDER} LIMIT :limit),
        tail AS (SELECT {_KEYS} FROM k ORDER BY score_total, last_activity_on, lead_id LIMIT 1)
        SELECT {columns("hit")}, (SELECT count(*) FROM k) AS scanned, tail.score_total AS tail_score,
               tail.last_activity_on AS tail_at, tail.lead_id AS tail_lead
        FROM tail LEFT JOIN hit ON true
        ORDER BY hit.score_total DESC, hit.last_activity_on DESC, hit.lead_id DESC
        """,
        **parameters,
        scan=SCAN,
    )
    hits = [row for row in rows if row["lead_id"] is not None]
    if (found := _page(hits, limit)) is not None:
        return found
    more = rows and rows[0]["scanned"] >= SCAN
    return QueuePage([record_of(row) for row in hits], _tail(rows[0]) if more else None)


def _page(rows: Sequence[Row], limit: int) -> QueuePage | None:
    """A full page that is not the last; None when there are fewer rows."""
    if len(rows) <= limit:
        return None
    items = [record_of(row) for row in rows[:limit]]
    return QueuePage(items, (items[-1].score_total, items[-1].last_activity_on, items[-1].lead_id))


def _tail(row: Row) -> Position:
    return row["tail_score"], row["tail_at"], row["tail_lead"]
