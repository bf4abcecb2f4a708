"""State that events bring, written for a whole batch at once. Each write says which leads it really changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.outreach.keys import Keys
from services.outreach.suppression.store import lock_addresses, lock_domains
from shared.db import UnitOfWork, array_parameters
from shared.events import LeadCaptured, LeadEnriched, LeadScored, LeadUpdated, Received, StageChanged

Key = tuple[str, UUID]

_FIELDS = (
    "first_name last_name full_name company job_title website country timezone campaign source owner external_id "
    "attributes"
).split()


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _newest(rows: Sequence[tuple[Key, Any, Any]]) -> dict[Key, Any]:
    """(key, order, value): the value with the greatest order for each key, in the order of the keys."""
    best: dict[Key, tuple[Any, Any]] = {}
    for key, order, value in rows:
        if key not in best or order >= best[key][0]:
            best[key] = (order, value)
    return {key: best[key][1] for key in sorted(best)}


async def contacts(
    work: UnitOfWork, keys: Keys, batch: Sequence[Received[LeadCaptured] | Received[LeadUpdated]]
) -> dict[Key, Received[Any]]:
    """Contact details and consent, under the locks of every address that is concerned; the leads that changed."""
    newest = _newest([((each.tenant, each.lead_id), each.event.version, each) for each in batch])
    if not newest:
        return {}
    hashed = {key: _hashes(keys, key[0], received.event) for key, received in newest.items()}
    before = await work.fetch(
        """
        SELECT l.tenant_id, l.email_hash, l.phone_hash FROM lead l
        JOIN unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[])) AS w (tenant_id, lead_id)
          ON w.tenant_id = l.tenant_id AND w.lead_id = l.lead_id
        """,
        tenants=[tenant for tenant, _ in newest],
        leads=[lead for _, lead in newest],
    )
    addresses = [(row["tenant_id"], "email", bytes(row["email_hash"])) for row in before if row["email_hash"]]
    addresses += [(row["tenant_id"], "sms", bytes(row["phone_hash"])) for row in before if row["phone_hash"]]
    for (tenant, _), (email, phone, _) in hashed.items():
        addresses += [(tenant, channel, hash) for channel, hash in (("email", email), ("sms", phone)) if hash]
    await lock_addresses(work, addresses)
    await lock_domains(work, [(key[0], each[2]) for key, each in hashed.items() if each[2]], shared=True)
    rows = await work.fetch(
        """
        INSERT INTO lead AS l (tenant_id, lead_id, version, email, phone, email_hash, phone_hash, domain_hash, fields,
                               fields_at, consent)
        SELECT t, i, v, e, p, eh, ph, dh, CAST(f AS jsonb), a, CAST(c AS jsonb)
        FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:versions AS int[]), CAST(:emails AS text[]),
                    CAST(:phones AS text[]), CAST(:email_hashes AS bytea[]), CAST(:phone_hashes AS bytea[]),
                    CAST(:domain_hashes AS bytea[]), CAST(:fields AS text[]), CAST(:ats AS timestamptz[]),
                    CAST(:consents AS text[])) AS w (t, i, v, e, p, eh, ph, dh, f, a, c)
        ON CONFLICT (tenant_id, lead_id) DO UPDATE
        SET version = excluded.version, email = excluded.email, phone = excluded.phone,
            email_hash = excluded.email_hash, phone_hash = excluded.phone_hash, domain_hash = excluded.domain_hash,
            fields = excluded.fields, fields_at = excluded.fields_at, consent = excluded.consent,
            exhausted_at = CASE WHEN l.email_hash IS NOT DISTINCT FROM excluded.email_hash
                                 AND l.phone_hash IS NOT DISTINCT FROM excluded.phone_hash THEN l.exhausted_at END
        WHERE l.version < excluded.version
        RETURNING tenant_id, lead_id
        """,
        tenants=[tenant for tenant, _ in newest],
        leads=[lead for _, lead in newest],
        versions=[each.event.version for each in newest.values()],
        emails=[each.event.email for each in newest.values()],
        phones=[each.event.phone for each in newest.values()],
        email_hashes=[each[0] for each in hashed.values()],
        phone_hashes=[each[1] for each in hashed.values()],
        domain_hashes=[each[2] for each in hashed.values()],
        fields=[_json(_fields(each.event)) for each in newest.values()],
        ats=[each.occurred_at for each in newest.values()],
        consents=[_json(_consent(each.event)) for each in newest.values()],
    )
    return {(row["tenant_id"], row["lead_id"]): newest[row["tenant_id"], row["lead_id"]] for row in rows}


def _hashes(
    keys: Keys, tenant: str, event: LeadCaptured | LeadUpdated
) -> tuple[bytes | None, bytes | None, bytes | None]:
    email = keys.address(tenant, event.email) if event.email else None
    phone = keys.address(tenant, event.phone) if event.phone else None
    return email, phone, keys.domain_of(tenant, event.email) if event.email else None


def _fields(event: LeadCaptured | LeadUpdated) -> dict[str, Any]:
    given = event.model_dump(mode="json", include=set(_FIELDS))
    return {name: value for name, value in given.items() if value is not None}


def _consent(event: LeadCaptured | LeadUpdated) -> dict[str, Any]:
    return event.consent.model_dump(mode="json", exclude_none=True) if event.consent else {}


async def facts(work: UnitOfWork, batch: Sequence[Received[LeadEnriched]]) -> dict[Key, Received[LeadEnriched]]:
    """Facts, as a whole: an enrichment names all that is known then. The leads whose facts are newer now."""
    newest = _newest([((each.tenant, each.lead_id), each.order, each) for each in batch])
    rows = await _upsert(
        work,
        "facts, facts_at",
        "CAST(x AS jsonb), y",
        ("text", "timestamptz"),
        "facts = excluded.facts, facts_at = excluded.facts_at",
        "l.facts_at IS NULL OR l.facts_at <= excluded.facts_at",
        newest,
        [_json(each.event.model_dump(mode="json")["facts"]) for each in newest.values()],
        [each.occurred_at for each in newest.values()],
    )
    return {key: newest[key] for key in rows}


async def scores(work: UnitOfWork, batch: Sequence[Received[LeadScored]]) -> None:
    """The newest score of each lead."""
    newest = _newest([((each.tenant, each.lead_id), (each.event.scored_at, each.order), each) for each in batch])
    await _upsert(
        work,
        "score_total, scored_at, score_band",
        "CAST(x AS int), y, z",
        ("text", "timestamptz", "text"),
        "score_total = excluded.score_total, scored_at = excluded.scored_at, score_band = excluded.score_band",
        "l.scored_at IS NULL OR l.scored_at <= excluded.scored_at",
        newest,
        [str(each.event.total) for each in newest.values()],
        [each.event.scored_at for each in newest.values()],
        [each.event.band for each in newest.values()],
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a lead stands after the moves of a batch. `last`: the last event that really moved it, if one did."""

    newest: Received[StageChanged]
    last: Received[StageChanged] | None
    causes: frozenset[str]
    """The events that brought these moves about, and the moves themselves."""
    met_at: datetime | None


async def stages(work: UnitOfWork, batch: Sequence[Received[StageChanged]]) -> dict[Key, Moved]:
    """The stage of the highest revision; the leads for which that was news."""
    grouped: dict[Key, list[Received[StageChanged]]] = {}
    for each in batch:
        grouped.setdefault((each.tenant, each.lead_id), []).append(each)
    moved = {key: _moved(grouped[key]) for key in sorted(grouped)}
    rows = await work.fetch(
        """
        INSERT INTO lead AS l (tenant_id, lead_id, stage, stage_revision, stage_rule, stage_since, met_at)
        SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[]), CAST(:stages AS text[]),
                             CAST(:revisions AS int[]), CAST(:rules AS text[]), CAST(:sinces AS timestamptz[]),
                             CAST(:mets AS timestamptz[]))
        ON CONFLICT (tenant_id, lead_id) DO UPDATE
        SET stage = excluded.stage, stage_revision = excluded.stage_revision,
            stage_rule = coalesce(excluded.stage_rule, l.stage_rule),
            stage_since = coalesce(excluded.stage_since, l.stage_since),
            met_at = greatest(l.met_at, excluded.met_at)
        WHERE l.stage_revision < excluded.stage_revision
        RETURNING tenant_id, lead_id
        """,
        tenants=[tenant for tenant, _ in moved],
        leads=[lead for _, lead in moved],
        stages=[each.newest.event.to for each in moved.values()],
        revisions=[each.newest.event.revision for each in moved.values()],
        rules=[each.last.event.rule if each.last else None for each in moved.values()],
        sinces=[each.last.occurred_at if each.last else None for each in moved.values()],
        mets=[each.met_at for each in moved.values()],
    )
    return {(row["tenant_id"], row["lead_id"]): moved[row["tenant_id"], row["lead_id"]] for row in rows}


def _moved(events: list[Received[StageChanged]]) -> Moved:
    events = sorted(events, key=lambda each: each.event.revision)
    moves = [each for each in events if each.event.from_ != each.event.to]
    last = moves[-1] if moves and moves[-1].event.to == events[-1].event.to else None
    meetings = [each.occurred_at for each in events if each.event.rule in ("meeting-booked", "meeting-passed")]
    causes = {each.event.caused_by for each in events if each.event.caused_by} | {each.id for each in events}
    return Moved(events[-1], last, frozenset(causes), max(meetings, default=None))


async def _upsert(
    work: UnitOfWork,
    columns: str,
    values: str,
    types: tuple[str, ...],
    update: str,
    newer: str,
    newest: dict[Key, Any],
    *lists: list[Any],
) -> list[Key]:
    """Set columns of leads that may not be captured yet, where what comes is newer; the leads that changed."""
    if not newest:
        return []
    names = "xyz"[: len(types)]
    typed = dict(zip(names, types, strict=True))
    rows = await work.fetch(
        f"""
        INSERT INTO lead AS l (tenant_id, lead_id, {columns})
        SELECT t, i, {values} FROM unnest(CAST(:tenants AS text[]), CAST(:leads AS uuid[]), {array_parameters(typed)})
                                   AS w (t, i, {", ".join(names)})
        ON CONFLICT (tenant_id, lead_id) DO UPDATE SET {update} WHERE {newer}
        RETURNING tenant_id, lead_id
        """,
        tenants=[tenant for tenant, _ in newest],
        leads=[lead for _, lead in newest],
        **dict(zip(names, lists, strict=True)),
    )
    return [(row["tenant_id"], row["lead_id"]) for row in rows]
