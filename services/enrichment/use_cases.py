"""What enrichment does: facts for what is captured or changed, at once; facts again when asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.enrichment import store
from services.enrichment.gateways import subject_of
from services.enrichment.providers import Provider, Run, run_chain
from services.enrichment.providers.directory import Directory
from services.enrichment.providers.local import Local
from services.enrichment.rules import RELEVANT, Findings
from services.enrichment.store import Row
from shared.db import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.events import Fact, LeadCaptured, LeadEnriched, LeadErased, LeadMerged, LeadUpdated, ProviderRun, Received
from shared.ids import LeadKey, revision_id
from shared.store.aliases import aliases_of, apply_merge, resolve
from shared.store.erasure import erased_among, record_erasure

Snapshot = Received[LeadCaptured | LeadUpdated]


async def take_events(work: UnitOfWork, batch: Sequence[Received[Any]]) -> None:
    """Enrich what was captured, and what changed where it matters; forget what was erased."""
    newest: dict[LeadKey, Snapshot] = {}
    for received in batch:
        lead = (received.tenant, received.lead_id)
        if isinstance(received.event, LeadMerged):
            await apply_merge(work, received)
        elif isinstance(received.event, LeadErased):
            await forget_lead(work, lead)
        elif lead not in newest or received.event.version > newest[lead].event.version:
            newest[lead] = received
    if not newest:
        return
    rows = await store.lock_leads(work, newest)
    for lead in await erased_among(work, newest):
        del newest[lead]
    changed: list[Row] = []
    as_before: list[Row] = []
    for lead, received in newest.items():
        known, fields, version = rows.get(lead), _fields(received), received.event.version
        if known is None:
            changed.append(Row(lead, version, fields, {}, [], 0, None))
        elif version > known.version:
            row = replace(known, version=version, fields=fields)
            (as_before if fields == known.fields and known.enriched_at else changed).append(row)
    if as_before:
        # Nothing that facts are made from; but what is older than this must not come through any more.
        await store.update_leads(work, as_before)
    if changed:
        await _enrich(work, changed, known=rows, causes=newest)


async def enrich_now(work: UnitOfWork, tenant: str, lead_id: UUID) -> Row:
    """Enrich one lead again because somebody asks; published even if nothing changed. Conflict while switched off."""
    if await store.switched_off(work, [tenant]):
        raise Conflict("enrichment is switched off for this tenant")
    lead = (tenant, (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id])
    rows = await store.lock_leads(work, [lead])
    if lead not in rows:
        raise NotFound("there is no such lead")
    (row,) = await _enrich(work, [rows[lead]], known=rows, causes={}, say_anew=True)
    return row


async def facts_of(work: UnitOfWork, tenant: str, lead_id: UUID) -> Row:
    """What is known of a lead now; NotFound if it is not there. An alias answers for the lead that it stands for."""
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    row = await store.read_lead(work, (tenant, kept))
    if row is None:
        raise NotFound("there is no such lead")
    return row


async def forget_lead(work: UnitOfWork, lead: LeadKey) -> None:
    """Erase a person: the lead and what was merged into it; what comes later is dropped."""
    gone = [lead, *((lead[0], alias) for alias in (await aliases_of(work, [lead]))[lead])]
    for tenant, lead_id in gone:
        await record_erasure(work, tenant, lead_id)
    await store.forget(work, gone)


async def _enrich(
    work: UnitOfWork,
    rows: Sequence[Row],
    *,
    known: Collection[LeadKey],
    causes: Mapping[LeadKey, Snapshot],
    say_anew: bool = False,
) -> list[Row]:
    """Run the chain for each row, store the outcome, publish what is new; the rows as they are stored."""
    off = await store.switched_off(work, (row.lead[0] for row in rows))
    subjects = [subject_of(row.fields) for row in rows]
    domains = [
        (row.lead[0], subject.company_domain)
        for row, subject in zip(rows, subjects, strict=True)
        if subject.company_domain and row.lead[0] not in off
    ]
    directory = await store.directory_rows(work, domains) if domains else {}
    stored: list[Row] = []
    for row, subject in zip(rows, subjects, strict=True):
        if row.lead[0] in off:
            stored.append(row)
            continue
        chain: list[Provider] = [Local()]
        if row.lead[0] in directory:
            chain.append(Directory(directory[row.lead[0]]))
        findings, runs = await run_chain(chain, subject)
        stored.append(_enriched(work, row, findings, runs, causes.get(row.lead), say_anew))
    inserts = [row for row in stored if row.lead not in known]
    updates = [row for row in stored if row.lead in known]
    if inserts:
        await store.insert_leads(work, inserts)
    if updates:
        await store.update_leads(work, updates)
    return stored


def _enriched(
    work: UnitOfWork, row: Row, findings: Findings, runs: Sequence[Run], cause: Snapshot | None, say_anew: bool
) -> Row:
    """The row with its new facts; published the first time, and when a value differs from what was said before."""
    before = {name: fact["value"] for name, fact in row.facts.items()}
    providers = [{"name": run.name, "outcome": run.outcome, "ms": run.ms} for run in runs]
    facts = {name: _fact(finding.value, finding.source, work.now) for name, finding in findings.items()}
    same = row.enriched_at is not None and before == {name: finding.value for name, finding in findings.items()}
    if same and not say_anew:
        return replace(row, providers=providers)
    at = max(work.now, cause.occurred_at) if cause else work.now
    enriched = replace(row, facts=facts, providers=providers, revision=row.revision + 1, enriched_at=at)
    tenant, lead_id = row.lead
    work.emit(
        told(enriched),
        tenant=tenant,
        subject=lead_id,
        time=at,
        cause=cause,
        event_id=revision_id("lead.enriched", lead_id, enriched.revision),
    )
    return enriched


def told(row: Row) -> LeadEnriched:
    """The event that tells what a row knows."""
    return LeadEnriched(
        lead_id=row.lead[1],
        facts={
            name: Fact(
                value=fact["value"], source=fact["source"], fetched_at=datetime.fromisoformat(fact["fetched_at"])
            )
            for name, fact in row.facts.items()
        },
        providers=[ProviderRun(**run) for run in row.providers],
    )


def _fact(value: Any, source: str, fetched_at: datetime) -> dict[str, Any]:
    return {"value": value, "source": source, "fetched_at": fetched_at.isoformat()}


def _fields(received: Snapshot) -> dict[str, str]:
    told = ((name, getattr(received.event, name)) for name in RELEVANT)
    return {name: value for name, value in told if value}
