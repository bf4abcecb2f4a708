"""The one way to a new score: lock the leads, load their signals, compute, store and publish what has changed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.scoring import store
from services.scoring.rules import Model, Reason, Score, Signal, history_at, main_reasons, score_at
from services.scoring.store import NOT_SCORED, LeadRecord
from services.scoring.use_cases.model_cache import ModelCache
from shared.db import UnitOfWork
from shared.events import LeadScored, Received
from shared.ids import LeadKey, revision_id
from shared.store.aliases import aliases_of
from shared.store.erasure import erased_among

_AFTER = timedelta(microseconds=1)

Cause = Received[Any] | None
"""The event that makes a new score necessary; None for the passage of time and for a new model."""


async def refresh_due_scores(work: UnitOfWork, models: ModelCache, limit: int) -> int:
    """Score up to `limit` leads of this transaction's tenants whose `next_change_at` has come; the number of leads."""
    due = await store.lock_due_leads(work, limit)
    await recompute_scores(work, models, dict.fromkeys(due))
    return len(due)


async def recompute_scores(
    work: UnitOfWork,
    models: ModelCache,
    causes: Mapping[LeadKey, Cause],
    *,
    new_signals: Mapping[LeadKey, list[Signal]] | None = None,
    publish_same: Collection[LeadKey] = (),
) -> None:
    """Bring the scores of these leads up to date, and publish those that changed.

    `new_signals` were stored in this transaction: they are all signals of a lead that has no record yet. The scores of
    `publish_same` are published even if they are the same: after a merge or its undo, consumers may know another one.
    """
    if not causes:
        return
    await store.lock_models(work, {tenant for tenant, _ in causes})
    versions = await models.load_active(work, {tenant for tenant, _ in causes})
    records = await store.lock_leads(work, causes)
    links = await store.merges_and_erasures(work, causes)
    present = [lead for lead in causes if lead not in links.erased]
    to_score: dict[LeadKey, Cause] = {}
    for lead in present:
        kept = links.kept.get(lead, lead)
        to_score[kept] = _later(to_score.get(kept), causes[lead])
    kept_elsewhere = [lead for lead in to_score if lead not in causes]
    if kept_elsewhere:
        records |= await store.lock_leads(work, kept_elsewhere)
        links.erased |= await erased_among(work, kept_elsewhere)
        for lead, aliases in (await aliases_of(work, kept_elsewhere)).items():
            links.aliases[lead] = [(lead[0], alias) for alias in aliases]
    if links.erased:
        # An alias of an erased lead keeps its signals: its own erasure follows, or an undo that was before the erasure.
        await store.delete_signals(work, links.erased)
        await store.delete_leads(work, links.erased)
        to_score = {lead: cause for lead, cause in to_score.items() if lead not in links.erased}
    signals = await _signals_of(work, to_score, records, links.aliases, new_signals or {})
    changed = _records_of_aliases([lead for lead in present if lead not in to_score], records)
    for lead, cause in to_score.items():
        record = records.get(lead)
        score = _score(work, models[lead[0], versions[lead[0]]], lead, signals[lead], record)
        if score is None:
            if record is None:
                changed[lead] = NOT_SCORED
            elif record.next_change_at is not None:
                changed[lead] = record._replace(next_change_at=None)
            continue
        if _has_changed(score, record) or lead in publish_same:
            changed[lead] = LeadRecord(
                revision=(record.revision if record else 0) + 1,
                points=score.points,
                band=score.band,
                model_version=score.model_version,
                scored_at=score.at,
                next_change_at=score.next_change_at,
            )
            _publish(work, lead, changed[lead], main_reasons(score), cause)
        elif record is not None:
            unpublished = record._replace(model_version=score.model_version, next_change_at=score.next_change_at)
            if unpublished != record:
                changed[lead] = unpublished
    inserts = {lead: record for lead, record in changed.items() if lead not in records}
    updates = {lead: record for lead, record in changed.items() if lead in records}
    if inserts:
        await store.insert_leads(work, inserts)
    if updates:
        await store.update_leads(work, updates)


def scored_event(lead_id: UUID, record: LeadRecord, reasons: Sequence[Reason]) -> LeadScored:
    """The `lead.scored` of a record that was scored."""
    assert record.scored_at is not None
    fit, intent, engagement = record.points
    # The model makes its own parts of dicts; made one by one they would take twice as long.
    parts: Any = [reason._asdict() for reason in reasons]
    return LeadScored(
        lead_id=lead_id,
        fit=fit,
        intent=intent,
        engagement=engagement,
        total=sum(record.points),
        band=record.band,
        model_version=record.model_version,
        scored_at=record.scored_at,
        revision=record.revision,
        reasons=parts,
    )


async def reasons_of(
    work: UnitOfWork, models: ModelCache, scored_at: Mapping[LeadKey, datetime]
) -> dict[LeadKey, list[Reason]]:
    """The reasons of the scores that these leads have had since `scored_at`, by the active model."""
    versions = await models.load_active(work, {tenant for tenant, _ in scored_at})
    aliases = await aliases_of(work, list(scored_at))
    ids = {lead: [lead, *((lead[0], alias) for alias in aliases[lead])] for lead in scored_at}
    signals = await store.load_signals(work, [one for of_lead in ids.values() for one in of_lead])
    reasons: dict[LeadKey, list[Reason]] = {}
    for lead, moment in scored_at.items():
        history = history_at([signal for one in ids[lead] for signal in signals.get(one, ())], lead[1], moment)
        model = models[lead[0], versions[lead[0]]]
        reasons[lead] = main_reasons(score_at(model, history, moment)) if history else []
    return reasons


def _records_of_aliases(aliases: Iterable[LeadKey], records: Mapping[LeadKey, LeadRecord]) -> dict[LeadKey, LeadRecord]:
    """The changed records of aliases: they have no score of their own, and so none that is due."""
    changed: dict[LeadKey, LeadRecord] = {}
    for alias in aliases:
        record = records.get(alias)
        if record is None:
            changed[alias] = NOT_SCORED
        elif record.next_change_at is not None:
            changed[alias] = NOT_SCORED._replace(revision=record.revision, scored_at=record.scored_at)
    return changed


async def _signals_of(
    work: UnitOfWork,
    leads: Iterable[LeadKey],
    records: Mapping[LeadKey, LeadRecord],
    aliases: Mapping[LeadKey, list[LeadKey]],
    new_signals: Mapping[LeadKey, list[Signal]],
) -> dict[LeadKey, list[Signal]]:
    """All signals of each lead and its aliases. A lead without a record has only new signals, which are not read."""
    to_read = [one for lead in leads if lead in records or lead in aliases for one in (lead, *aliases.get(lead, ()))]
    loaded = await store.load_signals(work, to_read) if to_read else {}
    return {
        lead: [signal for one in (lead, *aliases.get(lead, ())) for signal in loaded[one]]
        if lead in loaded
        else new_signals.get(lead, [])
        for lead in leads
    }


def _score(
    work: UnitOfWork, model: Model, lead: LeadKey, signals: list[Signal], record: LeadRecord | None
) -> Score | None:
    """The score now, or at the newest signal if that is ahead (by five minutes at most); None before the capture.

    It is later than the score before it: readers order signals by their time.
    """
    moment = max([work.now, *(signal.at for signal in signals)])
    if record is not None and record.scored_at is not None:
        moment = max(moment, record.scored_at + _AFTER)
    history = history_at(signals, lead[1], moment)
    return score_at(model, history, moment) if history is not None else None


def _has_changed(score: Score, record: LeadRecord | None) -> bool:
    """Whether the score differs from the one last published."""
    return record is None or record.scored_at is None or (score.points, score.band) != (record.points, record.band)


def _publish(work: UnitOfWork, lead: LeadKey, record: LeadRecord, reasons: Sequence[Reason], cause: Cause) -> None:
    tenant, lead_id = lead
    work.emit(
        scored_event(lead_id, record, reasons),
        tenant=tenant,
        subject=lead_id,
        time=record.scored_at,
        cause=cause,
        event_id=revision_id(LeadScored.type, lead_id, record.revision),
    )


def _later(one: Cause, other: Cause) -> Cause:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda received: received.order)
