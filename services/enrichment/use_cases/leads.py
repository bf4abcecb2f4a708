"""Facts of leads: enrich captured and changed leads, publish later answers, apply merges and erasures.

A lead whose company is not known yet waits for its providers until `first_within` is over. Whatever they do, its first
`lead.enriched` is then published with the facts that need no network; answers that come later are published in a newer
one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.enrichment.gateways.reference_data import subject_of
from services.enrichment.providers.chain import chain_of, in_order, run_chain
from services.enrichment.rules import FACT_FIELDS, Findings
from services.enrichment.store import leads as store
from services.enrichment.store import lookups, publications
from services.enrichment.store.leads import LeadRecord
from services.enrichment.use_cases.provider_questions import Asked, ask_about, known_answers
from services.enrichment.use_cases.setups import read_setups
from shared.db import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.events import Fact, LeadCaptured, LeadEnriched, LeadErased, LeadMerged, LeadUpdated, ProviderRun, Received
from shared.events.envelope import Envelope
from shared.ids import LeadKey, revision_id
from shared.store.aliases import aliases_of, apply_merge, resolve
from shared.store.erasure import erased_among, record_erasure

_AFTER = timedelta(microseconds=1)

ContactEvent = Received[LeadCaptured | LeadUpdated]
"""An event with all contact fields of a lead, as they are since then."""


async def apply_events(work: UnitOfWork, batch: Sequence[Received[Any]], first_within: timedelta) -> None:
    """Apply a batch of capture's events: enrich new leads and those whose FACT_FIELDS changed, merge, erase."""
    latest: dict[LeadKey, ContactEvent] = {}
    for received in batch:
        lead = (received.tenant, received.lead_id)
        if isinstance(received.event, LeadMerged):
            await apply_merge(work, received)
        elif isinstance(received.event, LeadErased):
            await erase_lead(work, lead)
        elif lead not in latest or received.event.version > latest[lead].event.version:
            latest[lead] = received
    if not latest:
        return
    records = await store.lock_leads(work, latest)
    for lead in await erased_among(work, latest):
        del latest[lead]
    to_enrich: list[LeadRecord] = []
    unchanged: list[LeadRecord] = []
    for lead, received in latest.items():
        known, fields, version = records.get(lead), _fact_fields(received), received.event.version
        if known is None:
            to_enrich.append(LeadRecord(lead, version, fields, {}, [], 0, None))
        elif version > known.version:
            record = replace(known, version=version, fields=fields)
            is_same = fields == known.fields and (known.enriched_at or known.cause)
            (unchanged if is_same else to_enrich).append(record)
    if unchanged:
        # The facts stay, but the version is stored so that an older event that is received later is ignored.
        await store.update_leads(work, unchanged)
    if to_enrich:
        await _enrich(work, to_enrich, stored=records, causes=latest, first_within=first_within)


async def enrich_now(work: UnitOfWork, tenant: str, lead_id: UUID) -> LeadRecord:
    """Enrich one lead on request: publish what is known now even if it is the same, and ask all providers again.

    What they answer is published when it is known. Raises Conflict while enrichment is switched off, NotFound for an
    unknown lead.
    """
    lead = (tenant, (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id])
    records = await store.lock_leads(work, [lead])
    if lead not in records:
        raise NotFound("there is no such lead")
    if await store.disabled_tenants(work, [tenant]):
        raise Conflict("enrichment is switched off for this tenant")
    (record,) = await _enrich(
        work, [records[lead]], stored=records, causes={}, first_within=timedelta(0), on_request=True
    )
    return record


async def read_facts(work: UnitOfWork, tenant: str, lead_id: UUID) -> LeadRecord:
    """What is known about a lead; for an alias, about the lead that it belongs to. Raises NotFound."""
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    record = await store.read_lead(work, (tenant, kept))
    if record is None:
        raise NotFound("there is no such lead")
    return record


async def erase_lead(work: UnitOfWork, lead: LeadKey) -> None:
    """Erase a person: delete the lead and its aliases, and drop their later events."""
    erased = [lead, *((lead[0], alias) for alias in (await aliases_of(work, [lead]))[lead])]
    for tenant, lead_id in erased:
        await record_erasure(work, tenant, lead_id)
    await store.delete_leads(work, erased)
    await lookups.forget_leads(work, erased)
    await publications.forget_leads(work, erased)


async def publish_answers(work: UnitOfWork, due: Collection[LeadKey]) -> int:
    """Publish the leads that are due: the first time, or because an answer changed a fact. How many were looked at.

    A lead that was never published and waits for another provider still gets the rest of its time.
    """
    records = await store.lock_leads(work, due)
    publish_by = await publications.take(work, due)
    disabled = await store.disabled_tenants(work, (lead[0] for lead in due))
    records = {lead: record for lead, record in records.items() if lead in publish_by and lead[0] not in disabled}
    subjects = {lead: subject_of(record.fields) for lead, record in records.items()}
    setups = await read_setups(work, ((lead[0], subject) for lead, subject in subjects.items()), disabled)
    asked = await known_answers(work, subjects.items(), setups)
    published: list[LeadRecord] = []
    for lead, record in records.items():
        if record.enriched_at is None and publish_by[lead] > work.now and _waits(asked[lead]):
            await publications.schedule(work, [lead], publish_by[lead])
            continue
        waited = (
            timedelta(0) if record.cause is None else work.now - datetime.fromisoformat(record.cause["waits_since"])
        )
        answers = [each.answer(waited=waited) for each in asked[lead]]
        links = in_order(setups[lead[0]], [*chain_of(setups[lead[0]]), *answers])
        findings, runs = await run_chain(links, subjects[lead])
        published.append(_apply_findings(work, record, findings, runs, _envelope(record), publish_same=False))
    if published:
        await store.update_leads(work, published)
    return len(due)


def _waits(asked: Sequence[Asked]) -> bool:
    return any(each.is_unanswered for each in asked)


async def _enrich(
    work: UnitOfWork,
    records: Sequence[LeadRecord],
    *,
    stored: Collection[LeadKey],
    causes: Mapping[LeadKey, ContactEvent],
    first_within: timedelta,
    on_request: bool = False,
) -> list[LeadRecord]:
    """Run the chain for each lead, publish changed facts, store the records; the records as they are stored.

    `stored` are the leads that have a row already. Only providers without a network are asked: the transaction is open.
    """
    disabled = await store.disabled_tenants(work, (record.tenant for record in records))
    subjects = [subject_of(record.fields) for record in records]
    setups = await read_setups(
        work, [(record.tenant, each) for record, each in zip(records, subjects, strict=True)], disabled
    )
    asked = await ask_about(
        work,
        [(record.lead, each) for record, each in zip(records, subjects, strict=True) if record.tenant in setups],
        setups,
        stored=stored,
        again=on_request,
    )
    chains = {tenant: chain_of(setup) for tenant, setup in setups.items()}
    enriched: list[LeadRecord] = []
    waiting: list[LeadKey] = []
    for record, subject in zip(records, subjects, strict=True):
        if record.tenant in disabled:
            enriched.append(record)
            continue
        chain, questions = chains[record.tenant], asked.get(record.lead)
        if questions:
            answers = [each.answer(waited=None) for each in questions]
            findings, runs = await run_chain(in_order(setups[record.tenant], [*chain, *answers]), subject)
            if record.lead in causes:
                record = replace(record, cause=_cause(causes[record.lead], work.now))
            if _waits(questions):
                waiting.append(record.lead)
                if record.enriched_at is None and not on_request:
                    enriched.append(_with_findings(record, findings, runs, work.now))
                    continue
        else:
            findings, runs = await run_chain(chain, subject)
        cause = causes.get(record.lead)
        enriched.append(
            _apply_findings(work, record, findings, runs, cause.envelope if cause else None, publish_same=on_request)
        )
    inserts = [record for record in enriched if record.lead not in stored]
    updates = [record for record in enriched if record.lead in stored]
    if inserts:
        await store.insert_leads(work, inserts)
    if updates:
        await store.update_leads(work, updates)
    if waiting:
        await publications.schedule(work, waiting, work.now + first_within)
    return enriched


def _apply_findings(
    work: UnitOfWork,
    record: LeadRecord,
    findings: Findings,
    runs: Sequence[ProviderRun],
    cause: Envelope | None,
    *,
    publish_same: bool,
) -> LeadRecord:
    """The record with its new facts; they are published the first time, and when a value differs from the last event.

    With `publish_same` they are published in any case.
    """
    published = {name: fact["value"] for name, fact in record.facts.items()}
    same = record.enriched_at is not None and published == {name: finding.value for name, finding in findings.items()}
    if same and not publish_same:
        return _with_findings(record, findings, runs, work.now)  # perhaps younger, or of a better source
    # Readers take the newest by its time: never that of the event before, nor one before its cause.
    after = [record.enriched_at + _AFTER] if record.enriched_at is not None else []
    at = max([work.now, *([cause.time] if cause else []), *after])
    enriched = replace(_with_findings(record, findings, runs, work.now), revision=record.revision + 1, enriched_at=at)
    work.emit(
        enriched_event(enriched),
        tenant=enriched.tenant,
        subject=enriched.lead_id,
        time=at,
        cause=cause,
        event_id=revision_id(LeadEnriched.type, enriched.lead_id, enriched.revision),
    )
    return enriched


def _with_findings(record: LeadRecord, findings: Findings, runs: Sequence[ProviderRun], now: datetime) -> LeadRecord:
    facts = {
        name: {
            "value": finding.value,
            "source": finding.source,
            "fetched_at": (finding.fetched_at or now).isoformat(),
            "confidence": finding.confidence,
        }
        for name, finding in findings.items()
    }
    return replace(record, facts=facts, providers=[run.model_dump() for run in runs])


def _cause(received: ContactEvent, now: datetime) -> dict[str, Any]:
    """What later events need to know of the event that they are due to."""
    envelope = received.envelope
    return {
        "id": envelope.id,
        "type": envelope.type,
        "source": envelope.source,
        "time": envelope.time.isoformat(),
        "correlation_id": envelope.correlation_id,
        "traceparent": envelope.traceparent,
        "waits_since": now.isoformat(),
    }


def _envelope(record: LeadRecord) -> Envelope | None:
    if record.cause is None:
        return None
    cause = record.cause
    return Envelope(
        id=cause["id"],
        type=cause["type"],
        source=cause["source"],
        time=datetime.fromisoformat(cause["time"]),
        tenant=record.tenant,
        subject=str(record.lead_id),
        correlation_id=cause["correlation_id"],
        traceparent=cause["traceparent"],
    )


def enriched_event(record: LeadRecord) -> LeadEnriched:
    """The `lead.enriched` with all facts of a lead."""
    return LeadEnriched(
        lead_id=record.lead_id,
        facts={
            name: Fact(
                value=fact["value"],
                source=fact["source"],
                fetched_at=datetime.fromisoformat(fact["fetched_at"]),
                **({"confidence": fact["confidence"]} if "confidence" in fact else {}),
            )
            for name, fact in record.facts.items()
        },
        providers=[ProviderRun(**run) for run in record.providers],
    )


def _fact_fields(received: ContactEvent) -> dict[str, str]:
    """The contact fields of an event that facts are made from, without the empty ones."""
    values = ((name, getattr(received.event, name)) for name in FACT_FIELDS)
    return {name: value for name, value in values if value}
