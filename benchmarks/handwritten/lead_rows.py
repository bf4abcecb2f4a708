"""The rows of the stages' `lead` table: locked and read, inserted, updated."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.stages.rules import Journey, SettingsHistory, next_due, status_of

_BEFORE_ANY_ACTIVITY = datetime.fromisoformat("1900-01-01T00:00:00+00:00")

LOCK = """
    SELECT l.tenant_id, l.lead_id, l.captured, l.journey, l.revision, l.score_total, l.band, l.score_revision,
           l.scored_at, l.last_activity_on, l.source, l.campaign, l.name, l.company, l.contact_version
    FROM unnest($1::text[], $2::uuid[]) AS w (tenant_id, lead_id)
    JOIN lead l ON l.tenant_id = w.tenant_id AND l.lead_id = w.lead_id
    ORDER BY l.tenant_id, l.lead_id FOR UPDATE OF l
"""
_TYPES = (
    "text uuid bool text text int text timestamptz int text int timestamptz bool "
    "timestamptz text text text text text int"
).split()
_NAMES = (
    "tenant_id lead_id captured stage status revision journey next_due score_total band score_revision scored_at hot "
    "last_activity_on source campaign owner name company contact_version"
).split()
_UNNEST = ", ".join(f"${place}::{type}[]" for place, type in enumerate(_TYPES, start=1))
_COLUMNS = ", ".join(_NAMES)
_VALUES = ", ".join("v.journey::jsonb" if name == "journey" else f"v.{name}" for name in _NAMES)
INSERT = f"""
    INSERT INTO lead ({_COLUMNS}, drafts, updated_at)
    SELECT {_VALUES}, '{{}}', $21 FROM unnest({_UNNEST}) AS v ({_COLUMNS})
"""
UPDATE = f"""
    UPDATE lead SET ({_COLUMNS}, updated_at) = ({_VALUES}, $21) FROM unnest({_UNNEST}) AS v ({_COLUMNS})
    WHERE lead.tenant_id = v.tenant_id AND lead.lead_id = v.lead_id
"""


@dataclass(slots=True)
class Row:
    """A lead's locked row; `known` is False when it must be inserted."""

    tenant: str
    lead_id: UUID
    journey: Journey
    known: bool = False
    captured: bool = False
    revision: int = 0
    score_total: int = 0
    band: str = ""
    score_revision: int = 0
    scored_at: datetime | None = None
    last_activity_on: datetime = _BEFORE_ANY_ACTIVITY
    source: str | None = None
    campaign: str | None = None
    name: str | None = None
    company: str | None = None
    contact_version: int = 0


def values_of(row: Row, history: SettingsHistory) -> tuple[Any, ...]:
    journey = row.journey
    return (
        row.tenant,
        row.lead_id,
        row.captured,
        journey.stage.value if row.captured else "waiting",
        status_of(journey.stage, journey.contacted),
        row.revision,
        orjson.dumps(journey.to_json()).decode(),
        next_due(journey, history) if row.captured else None,
        row.score_total,
        row.band,
        row.score_revision,
        row.scored_at,
        journey.hot,
        row.last_activity_on,
        row.source,
        row.campaign,
        journey.owner,
        row.name,
        row.company,
        row.contact_version,
    )


def row_of(found: Any) -> Row:
    return Row(
        found["tenant_id"],
        found["lead_id"],
        Journey.from_json(orjson.loads(found["journey"])),
        True,
        *(found[name] for name in ("captured", "revision", "score_total", "band", "score_revision", "scored_at")),
        *(found[name] for name in ("last_activity_on", "source", "campaign", "name", "company", "contact_version")),
    )
