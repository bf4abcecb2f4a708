"""What enrichment does: enrich captured and changed leads, enrich a lead on request, apply merges and erasures."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.enrichment import store
from services.enrichment.gateways import subject_of
from services.enrichment.providers.chain import chain_of, run_chain
from services.enrichment.providers.provider import TenantSetup
from services.enrichment.rules import FACT_FIELDS, Findings, Subject
from services.enrichment.store import LeadRecord
from shared.db import UnitOfWork
from shared.errors import Conflict, NotFound
from shared.events import Fact, LeadCaptured, LeadEnriched, LeadErased, LeadMerged, LeadUpdated, ProviderRun, Received
from shared.ids import LeadKey, revision_id
from shared.store.aliases import aliases_of, apply_merge, resolve
from shared.store.erasure import erased_among, record_erasure

ContactEvent = Received[LeadCaptured | LeadUpdated]
"""An event with all contact fields of a lead, as they are since then."""


async def apply_events(work: UnitOfWork, batch: Sequence[Received[Any]]) -> None:
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
            (unchanged if fields == known.fields and known.enriched_at else to_enrich).append(record)
    if unchanged:
        # The facts stay, but the version is stored so that an older event that is received later is ignored.
        await store.update_leads(work, unchanged)
    if to_enrich:
        await _enrich(work, to_enrich, stored=records, causes=latest)


async def enrich_now(work: UnitOfWork, tenant: str, lead_id: UUID) -> LeadRecord:
    """Enrich one lead on request, and publish its facts even if they are the same.

    Raises Conflict while enrichment is switched off, NotFound for an unknown lead.
    """
    if await store.disabled_tenants(work, [tenant]):
        raise Conflict("enrichment is switched off for this tenant")
    lead = (tenant, (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id])
    records = await store.lock_leads(work, [lead])
    if lead not in records:
        raise NotFound("there is no such lead")
    (record,) = await _enrich(work, [records[lead]], stored=records, causes={}, publish_same=True)
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


async def _enrich(
    work: UnitOfWork,
    records: Sequence[LeadRecord],
    *,
    stored: Collection[LeadKey],
    causes: Mapping[LeadKey, ContactEvent],
    publish_same: bool = False,
) -> list[LeadRecord]:
    """Run the chain for each lead, publish changed facts, store the records; the records as they are stored.

    `stored` are the leads that have a row already. Only providers without a network are asked: the transaction is open.
    """
    disabled = await store.disabled_tenants(work, (record.tenant for record in records))
    subjects = [subject_of(record.fields) for record in records]
    setups = await _read_setups(
        work, [(record.tenant, each) for record, each in zip(records, subjects, strict=True)], disabled
    )
    chains = {tenant: chain_of(setup, uses_network=False) for tenant, setup in setups.items()}
    enriched: list[LeadRecord] = []
    for record, subject in zip(records, subjects, strict=True):
        if record.tenant in disabled:
            enriched.append(record)
            continue
        findings, runs = await run_chain(chains[record.tenant], subject)
        enriched.append(_apply_findings(work, record, findings, runs, causes.get(record.lead), publish_same))
    inserts = [record for record in enriched if record.lead not in stored]
    updates = [record for record in enriched if record.lead in stored]
    if inserts:
        await store.insert_leads(work, inserts)
    if updates:
        await store.update_leads(work, updates)
    return enriched


async def _read_setups(
    work: UnitOfWork, subjects: Iterable[tuple[str, Subject]], disabled: Collection[str]
) -> dict[str, TenantSetup]:
    """The setup of each tenant for these leads, without the tenants that have enrichment switched off."""
    wanted = [(tenant, subject.company_domain) for tenant, subject in subjects if tenant not in disabled]
    domains = [(tenant, domain) for tenant, domain in wanted if domain]
    companies = await store.directory_companies(work, domains) if domains else {}
    return {tenant: TenantSetup(directory=companies.get(tenant, {})) for tenant, _ in wanted}


def _apply_findings(
    work: UnitOfWork,
    record: LeadRecord,
    findings: Findings,
    runs: Sequence[ProviderRun],
    cause: ContactEvent | None,
    publish_same: bool,
) -> LeadRecord:
    """The record with its new facts; they are published the first time, and when a value differs from the last event.

    With `publish_same` they are published in any case.
    """
    providers = [run.model_dump() for run in runs]
    published = {name: fact["value"] for name, fact in record.facts.items()}
    same = record.enriched_at is not None and published == {name: finding.value for name, finding in findings.items()}
    if same and not publish_same:
        return replace(record, providers=providers)
    at = max(work.now, cause.occurred_at) if cause else work.now
    fetched_at = work.now.isoformat()
    facts = {
        name: {"value": finding.value, "source": finding.source, "fetched_at": fetched_at}
        for name, finding in findings.items()
    }
    enriched = replace(record, facts=facts, providers=providers, revision=record.revision + 1, enriched_at=at)
    work.emit(
        enriched_event(enriched),
        tenant=enriched.tenant,
        subject=enriched.lead_id,
        time=at,
        cause=cause,
        event_id=revision_id(LeadEnriched.type, enriched.lead_id, enriched.revision),
    )
    return enriched


def enriched_event(record: LeadRecord) -> LeadEnriched:
    """The `lead.enriched` with all facts of a lead."""
    return LeadEnriched(
        lead_id=record.lead_id,
        facts={
            name: Fact(
                value=fact["value"], source=fact["source"], fetched_at=datetime.fromisoformat(fact["fetched_at"])
            )
            for name, fact in record.facts.items()
        },
        providers=[ProviderRun(**run) for run in record.providers],
    )


def _fact_fields(received: ContactEvent) -> dict[str, str]:
    """The contact fields of an event that facts are made from, without the empty ones."""
    values = ((name, getattr(received.event, name)) for name in FACT_FIELDS)
    return {name: value for name, value in values if value}
