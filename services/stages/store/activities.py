"""Activities: the entries of timelines. The table is also the store of signals, and the inbox."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from services.stages.rules import MANUAL_MOVE, Signal
from services.stages.tables import Activity
from shared.db import UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows
from shared.ids import EventKey, LeadKey

STATUS_CHANGE = "status_change"
IGNORED = "ignored"
NOTE = "note"

LAST_ACTIVITY_TYPES = frozenset(
    {
        "lead.captured",
        "engagement.recorded",
        "message.sent",
        "reply.received",
        "meeting.booked",
        "meeting.cancelled",
        NOTE,
    }
)
"""The types of activities that count for `last_activity_on`."""


@dataclass(slots=True)
class ActivityRecord:
    """One activity, as it is written. `folded`: the rules read it; `shown`: the timeline shows it."""

    tenant: str
    digest: UUID
    lead_id: UUID
    type: str
    event_id: str
    source: str
    occurred_at: datetime
    recorded_at: datetime
    data: Mapping[str, Any]
    actor: str | None = None
    caused_by: str | None = None
    folded: bool = False
    position: int = 0
    revision: int | None = None
    superseded: bool = False
    shown: bool = True

    @property
    def signal(self) -> Signal:
        """The activity as the rules read it."""
        return Signal(
            digest=str(self.digest),
            id=self.event_id,
            source=self.source,
            type=self.type,
            occurred_at=self.occurred_at,
            recorded_at=self.recorded_at,
            data=self.data,
            actor=self.actor,
            lead_id=str(self.lead_id),
        )


_COLUMNS = column_types(Activity)
_row = attrgetter(*("tenant" if name == "tenant_id" else name for name in _COLUMNS))
_ADD = f"{insert_rows(Activity)} ON CONFLICT DO NOTHING RETURNING tenant_id, type, digest"


async def add(work: UnitOfWork, records: Sequence[ActivityRecord]) -> set[EventKey]:
    """Write the activities that are not known yet; returns the (tenant, type, digest) of those that were written."""
    if not records:
        return set()
    first = {(record.tenant, record.type, record.digest): record for record in reversed(records)}
    ordered = sorted(first.values(), key=lambda record: (record.tenant, record.digest.int, record.type))
    columns = by_column(_COLUMNS, map(_row, ordered))
    columns["data"] = [orjson.dumps(data).decode() for data in columns["data"]]
    return {(tenant, type, digest) for tenant, type, digest in await work.fetch_tuples(_ADD, **columns)}


OF_LEADS = """
    FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
    JOIN activity a ON a.tenant_id = w.tenant_id AND a.lead_id = w.lead_id
"""
"""The activities `a` of the leads in the parameters that `lead_parameters` gives."""


def lead_parameters(leads: Iterable[LeadKey]) -> dict[str, Any]:
    """Leads as the parameters `tenants` and `leads`."""
    wanted = list(leads)
    return {"tenants": [tenant for tenant, _ in wanted], "leads": [lead for _, lead in wanted]}


async def signals(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, list[Signal]]:
    """The signals that were received with these lead ids, by that id."""
    rows = await work.fetch(
        f"""
        SELECT a.tenant_id, a.lead_id, a.digest, a.event_id, a.source, a.type, a.occurred_at, a.recorded_at,
               a.data, a.actor {OF_LEADS} AND a.folded
        """,
        **lead_parameters(leads),
    )
    found: dict[LeadKey, list[Signal]] = {}
    for row in rows:
        found.setdefault((row["tenant_id"], row["lead_id"]), []).append(
            Signal(
                digest=str(row["digest"]),
                id=row["event_id"],
                source=row["source"],
                type=row["type"],
                occurred_at=row["occurred_at"],
                recorded_at=row["recorded_at"],
                data=row["data"],
                actor=row["actor"],
                lead_id=str(row["lead_id"]),
            )
        )
    return found


async def last_activity(work: UnitOfWork, leads: Iterable[LeadKey]) -> dict[LeadKey, datetime]:
    """The time of the last activity that counts for `last_activity_on`, by the lead id that it was received with."""
    rows = await work.fetch(
        f"""
        SELECT a.tenant_id, a.lead_id, max(a.occurred_at) AS at
        {OF_LEADS} AND a.type = ANY (CAST(:types AS text[])) GROUP BY a.tenant_id, a.lead_id
        """,
        types=sorted(LAST_ACTIVITY_TYPES),
        **lead_parameters(leads),
    )
    return {(row["tenant_id"], row["lead_id"]): row["at"] for row in rows}


async def strip_person(work: UnitOfWork, tenant: str, lead_id: UUID) -> None:
    """Remove the person from the activities of an erased lead; what happened can still be counted.

    While it was an alias, the moves that people had made with it were moves of the lead that was kept, and stay in that
    timeline when the merge is undone, which may be read later.
    """
    await work.run(
        """
        UPDATE activity SET data = CASE WHEN folded OR type IN ('status_change', 'ignored')
            THEN data - '{before,note,evidence,email_key,phone_key,address_key}'::text[]
                      - '{excerpt,title,successor,detail,text}'::text[]
                 || CASE WHEN data ->> 'rule' = 'manual' THEN '{"reason": "moved by hand"}'::jsonb ELSE '{}' END
                 || CASE WHEN data ? 'disqualification_reason' THEN '{"disqualification_reason": "erased"}'::jsonb
                         ELSE '{}' END
            ELSE '{}'::jsonb END
        WHERE tenant_id = :tenant AND (
            lead_id = :lead
            OR type = 'status_change'
                AND lead_id = (SELECT lead_id FROM alias WHERE tenant_id = :tenant AND alias_id = :lead)
                AND caused_by IN (
                    SELECT event_id FROM activity WHERE tenant_id = :tenant AND lead_id = :lead AND type = :by_hand
                )
        )
        """,
        tenant=tenant,
        lead=lead_id,
        by_hand=MANUAL_MOVE,
    )
