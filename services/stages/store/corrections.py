"""What a correction compares and marks: the published moves and the ignored signals of a timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.stages.rules import Stage, Transition
from services.stages.store.activities import IGNORED, OF_LEADS, STATUS_CHANGE, lead_parameters
from shared.db import UnitOfWork
from shared.ids import LeadKey


@dataclass(frozen=True, slots=True)
class PublishedMove:
    """A status change of the timeline, and the revision of the `stage.changed` that published it."""

    digest: UUID
    transition: Transition
    revision: int


async def moves(work: UnitOfWork, leads: Sequence[LeadKey]) -> dict[LeadKey, list[PublishedMove]]:
    """The published status changes of these leads that still hold, in order."""
    if not leads:
        return {}
    rows = await work.fetch(
        f"""
        SELECT a.tenant_id, a.lead_id, a.digest, a.data, a.actor, a.caused_by, a.occurred_at, a.revision
        {OF_LEADS} AND a.type = '{STATUS_CHANGE}' AND NOT a.superseded
        ORDER BY a.occurred_at, a.position
        """,
        **lead_parameters(leads),
    )
    found: dict[LeadKey, list[PublishedMove]] = {}
    for row in rows:
        data = row["data"]
        transition = Transition(
            from_=Stage(data["from"]),
            to=Stage(data["to"]),
            rule=data["rule"],
            actor=row["actor"],
            reason=data["reason"],
            caused_by=row["caused_by"],
            occurred_at=row["occurred_at"],
            from_status=data["from_status"],
            status=data["status"],
            disqualification_reason=data.get("disqualification_reason"),
        )
        found.setdefault((row["tenant_id"], row["lead_id"]), []).append(
            PublishedMove(row["digest"], transition, row["revision"])
        )
    return found


async def ignored(work: UnitOfWork, leads: Sequence[LeadKey]) -> dict[LeadKey, dict[UUID, bool]]:
    """The entries "ignored" of these leads: digest -> whether it is superseded."""
    if not leads:
        return {}
    rows = await work.fetch(
        f"SELECT a.tenant_id, a.lead_id, a.digest, a.superseded {OF_LEADS} AND a.type = '{IGNORED}'",
        **lead_parameters(leads),
    )
    found: dict[LeadKey, dict[UUID, bool]] = {}
    for row in rows:
        found.setdefault((row["tenant_id"], row["lead_id"]), {})[row["digest"]] = row["superseded"]
    return found


async def supersede(work: UnitOfWork, tenant: str, digests: Sequence[UUID], *, by: str | None) -> None:
    """Mark entries that no longer hold, with the event that is the cause; they stay in the timeline."""
    await work.run(
        """
        UPDATE activity SET superseded = true, data = data || jsonb_build_object('superseded_by', CAST(:by AS text))
        WHERE tenant_id = :tenant AND digest = ANY (CAST(:digests AS uuid[]))
        """,
        tenant=tenant,
        digests=list(digests),
        by=by,
    )


async def reinstate(work: UnitOfWork, tenant: str, digests: Sequence[UUID]) -> None:
    """Remove the mark from superseded entries that hold after all."""
    await work.run(
        """
        UPDATE activity SET superseded = false, data = data - 'superseded_by'
        WHERE tenant_id = :tenant AND digest = ANY (CAST(:digests AS uuid[]))
        """,
        tenant=tenant,
        digests=list(digests),
    )
