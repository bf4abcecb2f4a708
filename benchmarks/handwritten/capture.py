"""lead.submitted -> lead.captured."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from benchmarks.handwritten.cloudevents import Event, InvalidEvent, Outbox, by_int
from benchmarks.handwritten.loop import WHOLE_CONTRACT, Service
from services.capture.gateways import OfflineContactNormaliser
from services.capture.rules.contact import DETAILS, Contact, normalise
from services.capture.rules.lead import Lead, Provenance
from services.capture.rules.matching import DuplicatePair, LeadIndex, pair_of
from services.capture.rules.precedence import new_lead
from shared.ids import derived_id, revision_id, uuid7

_READERS = OfflineContactNormaliser()

_INBOX = """
    INSERT INTO inbox (tenant_id, digest) SELECT * FROM unnest($1::text[], $2::uuid[]) ON CONFLICT DO NOTHING
    RETURNING tenant_id, digest
"""
# Sub-selects with LIMIT stay probes of an index, however young the table's statistics are.
_FIND = """
    SELECT w.tenant_id, i.lead_id, w.source, w.external_id
    FROM unnest($1::text[], $2::text[], $3::text[]) AS w (tenant_id, source, external_id)
    CROSS JOIN LATERAL (
        SELECT lead_id FROM lead_identity
        WHERE tenant_id = w.tenant_id AND source = w.source AND external_id = w.external_id
        ORDER BY tenant_id, source, external_id LIMIT 1) i
  UNION ALL
    SELECT w.tenant_id, l.lead_id, NULL, NULL FROM unnest($4::text[], $5::text[]) AS w (tenant_id, email)
    CROSS JOIN LATERAL (
        SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND email = w.email AND merged_into IS NULL
        ORDER BY tenant_id, email LIMIT 1) l
  UNION ALL
    SELECT w.tenant_id, l.lead_id, NULL, NULL FROM unnest($6::text[], $7::text[]) AS w (tenant_id, phone)
    CROSS JOIN LATERAL (
        (SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND phone = w.phone AND phone_first
         ORDER BY tenant_id, phone LIMIT 1)
        UNION ALL
        (SELECT lead_id FROM lead WHERE tenant_id = w.tenant_id AND phone = w.phone AND NOT phone_first
         ORDER BY tenant_id, phone, lead_id LIMIT 3)) l
"""
_LOCK = """
    SELECT l.* FROM unnest($1::text[], $2::uuid[]) AS w (tenant_id, lead_id) JOIN lead l USING (tenant_id, lead_id)
    ORDER BY l.tenant_id, l.lead_id FOR UPDATE OF l
"""
_INSERT = """
    INSERT INTO lead (tenant_id, lead_id, version, source, external_id, owner, email, phone, phone_first,
                      details, attributes, consent, as_of, created_on, updated_on, merge_version)
    SELECT tenant_id, lead_id, 1, source, external_id, owner, email, phone, phone_first,
           details::jsonb, attributes::jsonb, consent::jsonb, at, at, at, 0
    FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[],
                $9::text[], $10::text[], $11::text[], $12::timestamptz[])
         AS t (tenant_id, lead_id, source, external_id, owner, email, phone, phone_first,
               details, attributes, consent, at)
"""
_IDENTIFY = """
    INSERT INTO lead_identity (tenant_id, source, external_id, lead_id)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[])
"""
_PAIR = """
    INSERT INTO duplicate (tenant_id, pair_id, lead_a, lead_b, score, reasons, state, found_on)
    VALUES ($1, $2, $3, $4, $5, $6, 'open', $7) ON CONFLICT (tenant_id, lead_a, lead_b) DO NOTHING
"""


_CONSENT = """
    INSERT INTO consent_change (tenant_id, lead_id, channel, choice, before, at, source, basis, text_id, cause,
                                recorded_on)
    SELECT tenant_id, lead_id, channel, choice, before, at, source, basis, text_id, cause, recorded_on
    FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[],
                $9::uuid[], $10::text[], $11::timestamptz[])
         WITH ORDINALITY AS v (tenant_id, lead_id, channel, choice, before, at, source, basis, text_id, cause,
                               recorded_on, position)
    ORDER BY position
"""
_SEARCH = "INSERT INTO duplicate_search (tenant_id, lead_id) SELECT * FROM unnest($1::text[], $2::uuid[])"


def prepare(event: Event) -> None:
    contact, problems = normalise(event.data, _READERS)
    if contact is None:
        raise InvalidEvent("; ".join(f"{problem.field} {problem.message}" for problem in problems))
    event.content = contact


async def handle(connection: asyncpg.Connection, now: datetime, events: list[Event], outbox: Outbox) -> None:
    first = {(event.tenant, event.digest): event for event in reversed(events)}
    keys = sorted(first, key=by_int)
    fresh = await connection.fetch(_INBOX, [tenant for tenant, _ in keys], [digest for _, digest in keys])
    events = sorted((first[row["tenant_id"], row["digest"]] for row in fresh), key=lambda event: event.order)
    if not events:
        return
    index = await _index(connection, events)
    new: list[Lead] = []
    identities: list[tuple[str, str, str, UUID]] = []
    pairs: dict[tuple[UUID, UUID], DuplicatePair] = {}
    for event in events:
        contact: Contact = event.content
        match = index.match(event.tenant, contact)
        if match.lead is not None:
            raise NotImplementedError("the measurement submits each lead once; updates are not implemented here")
        lead = new_lead(event.tenant, uuid7(), contact, event.time)
        index.decide_phone_first(lead)
        index.add(lead)
        new.append(lead)
        if index.add_external_id(event.tenant, contact, lead) and contact.external_id is not None:
            identities.append((event.tenant, contact.source, contact.external_id, lead.lead_id))
        for other, address in match.similar:
            pair = pair_of(lead, other, address, contact.fields[address])
            pairs.setdefault(pair.lead_ids, pair)
        id = revision_id("lead.captured", lead.lead_id, 1)
        outbox.add("lead.captured", lead.tenant, str(lead.lead_id), id, lead.updated_on, _captured_data(lead), event)
        if WHOLE_CONTRACT:
            _answer(outbox, event, lead, now)
    new.sort(key=lambda lead: (lead.tenant, lead.email or "", lead.phone or ""))
    await connection.execute(_INSERT, *map(list, zip(*map(_row, new), strict=True)))
    await connection.execute(_SEARCH, [lead.tenant for lead in new], [lead.lead_id for lead in new])
    if identities:
        await connection.execute(_IDENTIFY, *map(list, zip(*sorted(identities), strict=True)))
    changes = [(lead.tenant, lead.lead_id, *change, now) for lead in new for change in lead.consent_changes]
    if WHOLE_CONTRACT and changes:
        await connection.execute(_CONSENT, *map(list, zip(*changes, strict=True)))
    if pairs:
        await connection.executemany(
            _PAIR, [(p.tenant, uuid7(), *p.lead_ids, p.score, list(p.reasons), now) for p in pairs.values()]
        )


def _answer(outbox: Outbox, event: Event, lead: Lead, now: datetime) -> None:
    data = {
        "submission_id": event.id,
        "submission_source": event.source,
        "outcome": "new",
        "lead_id": str(lead.lead_id),
        "reason": "no lead had its external id, e-mail or phone",
    }
    id = str(derived_id("submission.answered", lead.tenant, event.digest, "recorded"))
    outbox.add("submission.answered", lead.tenant, str(lead.lead_id), id, now, data, event)


async def _index(connection: asyncpg.Connection, events: list[Event]) -> LeadIndex:
    contacts = [(event.tenant, event.content) for event in events]
    ids = [(t, c.source, c.external_id) for t, c in contacts if c.external_id is not None]
    mails = [(t, c.email) for t, c in contacts if c.email is not None]
    phones = [(t, c.phone) for t, c in contacts if c.phone is not None]
    rows = await connection.fetch(_FIND, *_columns(ids, 3), *_columns(mails, 2), *_columns(phones, 2))
    if not rows:
        return LeadIndex([], {})
    found = sorted({(row["tenant_id"], row["lead_id"]) for row in rows})
    known = await connection.fetch(_LOCK, [tenant for tenant, _ in found], [lead for _, lead in found])
    named = {(r["tenant_id"], r["source"], r["external_id"]): r["lead_id"] for r in rows if r["external_id"]}
    return LeadIndex(map(_lead, known), named)


def _columns(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def _row(lead: Lead) -> tuple[Any, ...]:
    return (
        lead.tenant,
        lead.lead_id,
        lead.source,
        lead.external_id,
        lead.owner,
        lead.email,
        lead.phone,
        lead.phone_first,
        orjson.dumps({name: lead.fields[name] for name in DETAILS if name in lead.fields}).decode(),
        orjson.dumps(lead.attributes).decode(),
        orjson.dumps(lead.consent).decode(),
        lead.created_on,
    )


def _captured_data(lead: Lead) -> dict[str, Any]:
    data = {
        "lead_id": str(lead.lead_id),
        "source": lead.source,
        "created_on": lead.created_on,
        "version": 1,
        **lead.fields,
        "consent": {"email": "unknown", "sms": "unknown"} | {k: v for k, v in lead.consent.items() if v is not None},
    }
    if lead.external_id is not None:
        data["external_id"] = lead.external_id
    if lead.owner is not None:
        data["owner"] = lead.owner
    if lead.attributes:
        data["attributes"] = lead.attributes
    return data


def _lead(row: Any) -> Lead:
    fields = dict(orjson.loads(row["details"]))
    fields |= {name: row[name] for name in ("email", "phone") if row[name] is not None}
    return Lead(
        tenant=row["tenant_id"],
        lead_id=row["lead_id"],
        source=row["source"],
        created_on=row["created_on"],
        as_of=row["as_of"],
        updated_on=row["updated_on"],
        version=row["version"],
        external_id=row["external_id"],
        owner=row["owner"],
        fields=fields,
        attributes=orjson.loads(row["attributes"]),
        consent=orjson.loads(row["consent"]),
        provenance={
            name: Provenance(datetime.fromisoformat(time), human)
            for name, (time, human) in orjson.loads(row["marks"]).items()
        },
        merged_into=row["merged_into"],
        merge_version=row["merge_version"],
        phone_first=row["phone_first"],
    )


SERVICE = Service("capture", ("lead.submitted",), handle, prepare)
