"""Queries on sequences, their versions, their templates, and the approvals of those."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from services.outreach.rules import Window
from services.outreach.sequences.rules import SequenceVersion, Step
from services.outreach.sequences.tables import (
    SequenceRow,
    SequenceTemplateRow,
    SequenceVersionRow,
    TemplateApprovalRow,
)
from shared.db import Row, UnitOfWork, by_column
from shared.db.columns import insert_rows

_DURATION = TypeAdapter(timedelta)


@dataclass(frozen=True, slots=True)
class StoredSequence:
    """A sequence with one of its versions: as it was given (`body`), and as the rules need it."""

    sequence_id: UUID
    name: str
    state: str
    version: int
    newest: int
    highest_step: int
    built_in: str | None
    created_at: datetime
    updated_at: datetime
    body: Mapping[str, Any]
    definition: SequenceVersion


def definition_of(body: Mapping[str, Any]) -> SequenceVersion:
    """The rules' form of a version as it is stored."""
    holidays, window = body.get("holidays"), body.get("window")
    return SequenceVersion(
        steps=tuple(_step(each) for each in body["steps"]),
        window=Window.of(**window, holidays=holidays) if window else None,
        holidays=holidays,
        review=body["review"],
        if_blocked=body["if_blocked"],
        if_rejected=body["if_rejected"],
        if_expired=body["if_expired"],
        exit_stages=frozenset(body["exit_stages"]),
    )


def _step(step: Mapping[str, Any]) -> Step:
    return Step(
        number=step["step"],
        channel=step["channel"],
        delay=_DURATION.validate_python(step["delay"]),
        working_days=step["working_days"],
        review=step["review"],
        subject=step["subject"],
        body=step["body"],
        strategy=step["strategy"],
        fields=tuple(step["fields"]),
        template_sha256=step["template_sha256"],
    )


_SEQUENCES = """
    SELECT s.*, s.version AS newest, v.version AS of_version, v.body FROM sequence s
    JOIN sequence_version v ON v.tenant_id = s.tenant_id AND v.sequence_id = s.sequence_id
"""


def _stored(row: Row) -> StoredSequence:
    return StoredSequence(
        sequence_id=row["sequence_id"],
        name=row["name"],
        state=row["state"],
        version=row["of_version"],
        newest=row["newest"],
        highest_step=row["highest_step"],
        built_in=row["built_in"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        body=row["body"],
        definition=definition_of(row["body"]),
    )


async def get(
    work: UnitOfWork, tenant: str, sequence_id: UUID, version: int | None = None, *, lock: bool = False
) -> StoredSequence | None:
    """A sequence with one of its versions, the newest by default."""
    if lock:
        # In a statement of its own: whoever waits for the lock then reads the version that the other one wrote.
        await work.run(
            "SELECT FROM sequence WHERE tenant_id = :tenant AND sequence_id = :sequence FOR UPDATE",
            tenant=tenant,
            sequence=sequence_id,
        )
    row = await work.fetch_one(
        f"""{_SEQUENCES} AND v.version = coalesce(CAST(:version AS integer), s.version)
        WHERE s.tenant_id = :tenant AND s.sequence_id = :sequence""",
        tenant=tenant,
        sequence=sequence_id,
        version=version,
    )
    return _stored(row) if row else None


async def page(work: UnitOfWork, tenant: str, after: UUID | None, limit: int) -> list[StoredSequence]:
    """The tenant's sequences with their newest versions, the oldest first."""
    rows = await work.fetch(
        f"""{_SEQUENCES} AND v.version = s.version
        WHERE s.tenant_id = :tenant AND (CAST(:after AS uuid) IS NULL OR s.sequence_id > CAST(:after AS uuid))
        ORDER BY s.sequence_id LIMIT :limit""",
        tenant=tenant,
        after=after,
        limit=limit,
    )
    return [_stored(row) for row in rows]


async def enrolling_by_stage(work: UnitOfWork, tenants: Sequence[str]) -> list[tuple[str, StoredSequence]]:
    """(tenant, sequence) of the active sequences that enrol leads by a rule on stage and source."""
    rows = await work.fetch(
        f"""{_SEQUENCES} AND v.version = s.version
        WHERE s.tenant_id = ANY (:tenants) AND s.state = 'active' AND v.body -> 'enrol_when' <> 'null'
        ORDER BY s.tenant_id, s.sequence_id""",
        tenants=list(tenants),
    )
    return [(row["tenant_id"], _stored(row)) for row in rows]


_SEQUENCE = ("tenant_id", "sequence_id", "name", "highest_step", "built_in", "created_at", "updated_at")
_ADD = f"{insert_rows(SequenceRow, _SEQUENCE)} ON CONFLICT DO NOTHING"
_VERSION = ("tenant_id", "sequence_id", "version", "body", "author", "created_at")
_ADD_VERSION = insert_rows(SequenceVersionRow, _VERSION)
_TEMPLATE = ("tenant_id", "sequence_id", "canonical")
_ADD_TEMPLATE = f"{insert_rows(SequenceTemplateRow, _TEMPLATE)} ON CONFLICT DO NOTHING"


async def add(
    work: UnitOfWork, tenant: str, sequence_id: UUID, name: str, highest_step: int, built_in: str | None
) -> bool:
    """Store a sequence; False when it (or this built-in one) exists already."""
    row = (tenant, sequence_id, name, highest_step, built_in, work.now, work.now)
    return bool(await work.run(_ADD, **by_column(_SEQUENCE, [row])))


async def add_version(
    work: UnitOfWork, tenant: str, sequence_id: UUID, version: int, body: Mapping[str, Any], author: str
) -> None:
    """Store a version."""
    row = (tenant, sequence_id, version, orjson.dumps(body).decode(), author, work.now)
    await work.run(_ADD_VERSION, **by_column(_VERSION, [row]))


async def set_version(
    work: UnitOfWork, tenant: str, sequence_id: UUID, name: str, version: int, highest_step: int
) -> None:
    """Let new enrolments follow that version."""
    await work.run(
        """
        UPDATE sequence SET name = :name, version = :version, highest_step = :highest, updated_at = :now
        WHERE tenant_id = :tenant AND sequence_id = :sequence
        """,
        name=name,
        version=version,
        highest=highest_step,
        now=work.now,
        tenant=tenant,
        sequence=sequence_id,
    )


async def set_state(work: UnitOfWork, tenant: str, sequence_id: UUID, state: str) -> None:
    """Switch a sequence on or off."""
    await work.run(
        "UPDATE sequence SET state = :state, updated_at = :now WHERE tenant_id = :tenant AND sequence_id = :sequence",
        state=state,
        now=work.now,
        tenant=tenant,
        sequence=sequence_id,
    )


async def pause_all(work: UnitOfWork, tenant: str) -> list[str]:
    """Switch all active sequences of the tenant off; their names."""
    rows = await work.fetch_tuples(
        """
        UPDATE sequence SET state = 'paused', updated_at = :now WHERE tenant_id = :tenant AND state = 'active'
        RETURNING name
        """,
        now=work.now,
        tenant=tenant,
    )
    return sorted(name for (name,) in rows)


async def add_templates(work: UnitOfWork, tenant: str, sequence_id: UUID, canonicals: Sequence[str]) -> None:
    """Store the templates of a version; those that are known stay as they are."""
    if canonicals:
        rows = [(tenant, sequence_id, canonical) for canonical in canonicals]
        await work.run(_ADD_TEMPLATE, **by_column(_TEMPLATE, rows))


async def approved_templates(work: UnitOfWork, tenant: str, scopes: Sequence[UUID]) -> dict[tuple[UUID, str], str]:
    """(scope, hash) -> who approved, of the templates that are approved for these sequences or enrolments."""
    rows = await work.fetch(
        "SELECT scope_id, sha256, actor FROM template_approval WHERE tenant_id = :tenant AND scope_id = ANY (:scopes)",
        tenant=tenant,
        scopes=list(scopes),
    )
    return {(row["scope_id"], row["sha256"]): row["actor"] for row in rows}


async def unapproved_steps(work: UnitOfWork, tenant: str, sequence: StoredSequence) -> str:
    """The numbers of the steps, with commas, whose template nobody reviews each time and nobody has approved."""
    by_template = [each for each in sequence.definition.steps if each.review == "template"]
    if not by_template:
        return ""
    approved = await approved_templates(work, tenant, [sequence.sequence_id])
    missing = [each for each in by_template if (sequence.sequence_id, each.template_sha256) not in approved]
    return ", ".join(str(each.number) for each in missing)


_APPROVAL = (
    "tenant_id", "scope_id", "sha256", "sequence_id", "enrolment_id", "draft_id", "draft_sha256", "actor", "at"
)  # fmt: skip
_ADD_APPROVAL = f"{insert_rows(TemplateApprovalRow, _APPROVAL)} ON CONFLICT DO NOTHING"


async def approve_templates(
    work: UnitOfWork,
    tenant: str,
    sequence_id: UUID,
    hashes: Sequence[str],
    actor: str,
    *,
    enrolment_id: UUID | None = None,
    draft: tuple[UUID, str] | None = None,
) -> None:
    """Store a person's approval of templates: for the sequence, or with a draft (id, hash) for one enrolment.

    Only the application's role may do this.
    """
    draft_id, draft_sha256 = draft or (None, None)
    scope = enrolment_id or sequence_id
    rows = [
        (tenant, scope, sha256, sequence_id, enrolment_id, draft_id, draft_sha256, actor, work.now) for sha256 in hashes
    ]
    if rows:
        await work.run(_ADD_APPROVAL, **by_column(_APPROVAL, rows))
