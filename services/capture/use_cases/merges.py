"""Merges of leads that are one person: merge, undo, and decisions on pairs for review."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.capture.rules import merging
from services.capture.rules.lead import Lead
from services.capture.store import blocks, consents, duplicates, merges
from services.capture.store import leads as store
from services.capture.use_cases.lead_events import emit_updated
from shared.db import IntegrityError, UnitOfWork
from shared.errors import Conflict, Invalid, NotFound
from shared.events import LeadMerged
from shared.ids import revision_id, uuid7


async def merge_leads(work: UnitOfWork, tenant: str, kept_id: UUID, alias_id: UUID, actor: str) -> UUID:
    """Make `alias_id` an alias of `kept_id`; the id of the merge, for an undo.

    Raises NotFound for an unknown lead, Conflict for a cycle or an alias of an alias.
    """
    leads = {lead.lead_id: lead for lead in await store.lock(work, [(tenant, kept_id), (tenant, alias_id)])}
    for lead_id in (kept_id, alias_id):
        if lead_id not in leads:
            raise NotFound(f"there is no lead {lead_id}")
    kept, alias = leads[kept_id], leads[alias_id]
    refusal = merging.refusal(kept, alias, bool(await merges.aliases_of(work, tenant, alias_id)))
    if refusal is not None:
        raise Conflict(refusal)
    changed, record = merging.merge(kept, alias)
    merge_id = uuid7()
    alias.merged_into = kept_id
    at = _count_versions(work, kept, alias, changed)
    # The alias first: the kept lead may take over its e-mail, which only one lead that is no alias can have.
    await store.save(work, [alias])
    await store.save(work, [kept])
    await consents.save_changes(work, [kept])
    await merges.insert(
        work,
        tenant,
        merge_id,
        lead_id=kept_id,
        alias_id=alias_id,
        version=alias.merge_version,
        record=record,
        by=actor,
    )
    await duplicates.decide_by_merge(work, tenant, kept_id, alias_id, merge_id, actor)
    await blocks.request_search(work, [kept.key, alias.key])
    _emit(work, kept, alias, merge_id, at)
    if changed:
        emit_updated(work, kept, changed)
    return merge_id


async def undo_merge(work: UnitOfWork, tenant: str, merge_id: UUID, actor: str) -> None:
    """Make the alias a lead again, and restore the kept lead where nobody has changed it since the merge.

    A second undo changes nothing. Raises NotFound for an unknown merge, and Conflict when the kept lead would have no
    address, or the alias an e-mail that another lead has by now.
    """
    row = await merges.lock(work, tenant, merge_id)
    if row is None:
        raise NotFound(f"there is no merge {merge_id}")
    if row["undone_on"] is not None:
        return
    others = {one["alias_id"]: one for one in await merges.others_of(work, tenant, row["lead_id"], merge_id)}
    ids = [row["lead_id"], row["alias_id"], *others]
    leads = {lead.lead_id: lead for lead in await store.lock(work, [(tenant, lead_id) for lead_id in ids])}
    kept, alias = leads[row["lead_id"]], leads[row["alias_id"]]
    consent_before = dict(kept.consent)
    records = [(leads[alias_id], other["record"]) for alias_id, other in others.items()]
    denied = merging.take_denials(kept, alias, row["record"], records)
    changed = merging.undo(kept, alias, row["record"])
    for alias_id, other in others.items():
        record = merging.forget_undone(other["record"], row["record"], alias)
        withheld, record = merging.take_again(kept, leads[alias_id], record)
        if record != other["record"]:
            await merges.set_record(work, tenant, other["merge_id"], record)
        changed += withheld
    changed = [name for name in dict.fromkeys(changed) if not _is_as_before(name, kept, consent_before)]
    if kept.email is None and kept.phone is None:
        raise Conflict("the kept lead's own addresses were removed since; add one, then undo")
    if kept.email is not None and kept.email == alias.email:
        raise Conflict(f"the kept lead {kept.lead_id} has the merged lead's e-mail by now; change it there, then undo")
    alias.merged_into = None
    at = _count_versions(work, kept, alias, changed)
    if denied:
        alias.next_version(work.now)
    await store.save(work, [kept])
    try:
        await store.save(work, [alias])
    except IntegrityError:
        raise Conflict("another lead has the merged lead's e-mail by now; change that lead first") from None
    await consents.save_changes(work, [kept, alias])
    await merges.mark_undone(work, tenant, merge_id, actor)
    await duplicates.reopen(work, tenant, merge_id)
    await blocks.request_search(work, [kept.key, alias.key])
    _emit(work, kept, alias, merge_id, at, undone=True)
    for lead, names in ((kept, changed), (alias, denied)):
        if names:
            emit_updated(work, lead, names)


def _is_as_before(name: str, kept: Lead, consent: Mapping[str, Any]) -> bool:
    """Whether it is a channel on which consent was restored, and withheld again by another alias."""
    group, _, channel = name.partition(".")
    return group == "consent" and kept.consent.get(channel) == consent.get(channel)


def _count_versions(work: UnitOfWork, kept: Lead, alias: Lead, changed: Sequence[str]) -> datetime:
    """Count the merge or undo; its time. A human's decision is later than all events of both leads that they saw."""
    alias.merge_version += 1
    at = kept.updated_on = alias.updated_on = max(work.now, kept.updated_on, alias.updated_on)
    if changed:
        kept.next_version(work.now)
    return at


def _emit(work: UnitOfWork, kept: Lead, alias: Lead, merge_id: UUID, at: datetime, *, undone: bool = False) -> None:
    undo = {"undone": True} if undone else {}
    work.emit(
        LeadMerged(
            lead_id=kept.lead_id, alias_id=alias.lead_id, merge_id=merge_id, version=alias.merge_version, **undo
        ),
        tenant=kept.tenant,
        subject=kept.lead_id,
        time=at,
        event_id=revision_id(LeadMerged.type, alias.lead_id, alias.merge_version),
    )


async def decide_pair(
    work: UnitOfWork, tenant: str, pair_id: UUID, decision: str, keep: UUID | None, actor: str
) -> UUID | None:
    """Decide that a pair is one person (`merge`; the id of the merge) or two (`distinct`; None).

    `keep` names the lead that stays, by default the older one. A repeated decision changes nothing. Raises NotFound for
    an unknown pair, Invalid when `keep` is a lead outside the pair, Conflict for another decision or leads that are
    merged already.
    """
    pair = await duplicates.lock_pair(work, tenant, pair_id)
    if pair is None:
        raise NotFound(f"there is no pair {pair_id}")
    state = "merged" if decision == "merge" else "distinct"
    if pair["state"] != "open":
        if pair["state"] == state:
            merge_id: UUID | None = pair["merge_id"]
            return merge_id
        raise Conflict(f"this pair was decided already: {pair['state']}")
    if state == "distinct":
        await duplicates.store_decision(work, tenant, pair_id, state, by=actor)
        return None
    both = {pair["lead_a"], pair["lead_b"]}
    if keep is not None and keep not in both:
        message = "must be one of the two leads"
        raise Invalid(f"keep {message}", [{"field": "keep", "message": message}])
    if len(both) == 1:
        raise Conflict("the two leads are merged already")
    kept = keep or await _older(work, tenant, both)
    (alias,) = both - {kept}
    merge_id = await merge_leads(work, tenant, kept, alias, actor)
    await duplicates.store_decision(work, tenant, pair_id, state, by=actor, merge_id=merge_id)
    return merge_id


async def _older(work: UnitOfWork, tenant: str, ids: set[UUID]) -> UUID:
    leads = await store.lock(work, [(tenant, lead_id) for lead_id in ids])
    return min(leads, key=lambda lead: (lead.created_on, lead.lead_id)).lead_id
