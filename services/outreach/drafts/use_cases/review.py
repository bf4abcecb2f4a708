"""What reviewers do with a draft. An approval is bound to the hash of the text that the reviewer saw."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.outreach import hooks
from services.outreach.drafts import store
from services.outreach.drafts.composer.claims import check_claims
from services.outreach.drafts.composer.facts import facts_of
from services.outreach.drafts.rules import cited_name, unsupported
from services.outreach.drafts.store import approvals, compositions
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.drafts.use_cases.events import publish_decided
from services.outreach.drafts.use_cases.supersession import supersede
from services.outreach.keys import Keys
from services.outreach.rules import far_fault
from services.outreach.sending import store as dispatches
from services.outreach.sending.message import valid_message
from services.outreach.store import lead_of, settings_of
from shared.db import Row, UnitOfWork
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.http import Principal, check_if_match
from shared.ids import uuid7
from shared.observability import DECISIONS

LEASE = timedelta(minutes=15)
HAD_ALREADY = "the address has had this step of the sequence already"


class Unacknowledged(Conflict):
    """The text has sentences that nothing known supports, and the approval does not acknowledge them."""

    title = "Unsupported claims"


def person(principal: Principal) -> str:
    """The actor of a decision: always a person. The token of a machine never decides, whatever other roles it has."""
    if principal.is_service:
        raise Forbidden("only people decide on drafts")
    return principal.actor


async def get(work: UnitOfWork, tenant: str, draft_id: UUID) -> Row:
    """The draft with its present text. Raises NotFound, with the reason where it was requested and not written."""
    row = await store.get(work, tenant, draft_id)
    if row is None:
        raise await _not_found(work, tenant, draft_id)
    return row


async def _not_found(work: UnitOfWork, tenant: str, draft_id: UUID) -> NotFound:
    request = await compositions.get(work, tenant, draft_id)
    if request is None:
        return NotFound("no such draft")
    if request["state"] == "queued":
        return NotFound("the draft is still being written")
    return NotFound(f"the draft was not written: {request['reason']}")


async def _lock_pending(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str) -> Row:
    """The draft, locked. Raises Conflict unless it is pending and no other reviewer has leased it."""
    row = await store.get(work, tenant, draft_id, lock=True)
    return await check_pending(work, tenant, draft_id, row, actor)


async def check_pending(work: UnitOfWork, tenant: str, draft_id: UUID, row: Row | None, actor: str) -> Row:
    """The (locked) draft. Raises NotFound without one, Conflict unless it waits for this reviewer too."""
    if row is None:
        raise await _not_found(work, tenant, draft_id)
    if row["state"] != "pending":
        raise Conflict(await _why_not_pending(work, row))
    if row["expires_at"] <= work.now:
        raise Conflict("the draft has expired")
    if row["claimed_by"] not in (None, actor) and row["lease_until"] > work.now:
        raise Conflict(f"{row['claimed_by']} is working on the draft until {row['lease_until'].isoformat()}")
    return row


async def _why_not_pending(work: UnitOfWork, row: Row) -> str:
    """The state of a draft that nobody can decide on any more, with the reason and the draft that replaces it."""
    why = f"the draft is {row['state']}" + (f": {row['reason']}" if row["reason"] else "")
    successor = await compositions.successor(work, row["tenant_id"], row["draft_id"])
    return f"{why}; the draft {successor} replaces it" if successor else why


async def lease(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str) -> None:
    """Keep other reviewers from the draft for `LEASE`; a second call prolongs it."""
    await lease_all(work, [await _lock_pending(work, tenant, draft_id, actor)], actor)


async def lease_all(work: UnitOfWork, rows: Sequence[Row], actor: str) -> None:
    """Keep other reviewers from these (locked) drafts."""
    await store.update_all(work, rows, claimed_by=actor, lease_until=work.now + LEASE)


async def release(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str) -> None:
    """End the reviewer's lease, if there is one."""
    await release_all(work, [await _lock_pending(work, tenant, draft_id, actor)])


async def release_all(work: UnitOfWork, rows: Sequence[Row]) -> None:
    """End the leases of these (locked) drafts."""
    await store.update_all(work, rows, claimed_by=None, lease_until=None)


async def approve(
    work: UnitOfWork,
    keys: Keys,
    tenant: str,
    draft_id: UUID,
    actor: str,
    sha256: str,
    *,
    acknowledge: bool = False,
) -> UUID:
    """Approve the text with this hash and queue it; the dispatch's id. Raises Conflict for any other hash.

    Raises Unacknowledged, with the sentences, for a text with unsupported claims unless `acknowledge`.
    """
    row = await _lock_pending(work, tenant, draft_id, actor)
    check_approval(row, sha256, acknowledge=acknowledge)
    queued = await approve_all(work, keys, [row], actor)
    if draft_id not in queued:
        raise Conflict(HAD_ALREADY)
    return queued[draft_id]


def check_approval(row: Row, sha256: str, *, acknowledge: bool) -> None:
    """Raise Conflict unless this is the hash of the present text, Unacknowledged for claims that nothing supports."""
    if row["sha256"] != sha256:
        raise Conflict("this is not the hash of the draft's present text: read the draft again")
    marked = unsupported(row["claims"])
    if marked and not acknowledge:
        raise _unacknowledged(row, marked)


async def approve_all(work: UnitOfWork, keys: Keys, rows: Sequence[Row], actor: str) -> dict[UUID, UUID]:
    """Approve the present texts of these (locked, checked) drafts and queue them: draft id -> dispatch id.

    A draft whose address has had the same step of a sequence is left out, and stays pending.
    """
    acknowledged = {
        row["draft_id"]: list(dict.fromkeys(claim["sentence"] for claim in unsupported(row["claims"]))) for row in rows
    }
    queued = await approvals.approve(work, actor, [_approved(row, keys) for row in rows], acknowledged)
    done = [row for row in rows if row["draft_id"] in queued]
    for row in done:
        draft = (row["tenant_id"], row["draft_id"], row["sha256"], row["kind"], row["made_from"])
        await hooks.draft_approved.notify(work, hooks.DraftApproved(*draft, actor))
    await _decide(work, done, "approved", actor, acknowledged=acknowledged)
    return queued


def _approved(row: Row, keys: Keys) -> dispatches.Approved:
    return dispatches.Approved(
        row["tenant_id"],
        row["draft_id"],
        row["sha256"],
        row["lead_id"],
        row["kind"],
        row["channel"],
        keys.address(row["tenant_id"], row["to_address"]),
        row["from_address"],
        row["cause_at"],
    )


def _unacknowledged(row: Row, marked: Sequence[Mapping[str, Any]]) -> Unacknowledged:
    errors = []
    for claim in marked:
        field = "subject" if row["subject"] and claim["sentence"] in row["subject"] else "body"
        errors.append({"field": field, "message": claim["sentence"], "value": claim.get("value")})
    one = len(marked) == 1
    return Unacknowledged(
        f"{len(marked)} {'sentence is' if one else 'sentences are'} not supported by anything that is known of the lead"
        " or of you: change the text, or send acknowledge_unsupported: true",
        errors,
    )


async def _decide(
    work: UnitOfWork,
    rows: Sequence[Row],
    decision: str,
    actor: str,
    reason: str | None = None,
    acknowledged: Mapping[UUID, Sequence[str]] | None = None,
) -> None:
    """Store a person's decision on locked drafts, and publish it after the last statement."""
    if not rows:
        return
    await store.update_all(
        work,
        rows,
        state=decision,
        reason=reason,
        decided_by=actor,
        decided_at=work.now,
        claimed_by=None,
        lease_until=None,
        snoozed_until=None,
    )
    for row in rows:
        publish_decided(work, row, decision, actor, reason, (acknowledged or {}).get(row["draft_id"], ()))
    work.after_commit.append(lambda: DECISIONS.labels(decision).inc(len(rows)))


async def edit(
    work: UnitOfWork,
    tenant: str,
    draft_id: UUID,
    actor: str,
    if_match: str | None,
    subject: str | None,
    body: str | None,
    sender: SenderAddresses,
) -> str:
    """Give the draft another text, whose author is the actor; its hash. Earlier texts are kept.

    428 without If-Match, 412 if it is stale.
    """
    row = await _lock_pending(work, tenant, draft_id, actor)
    check_if_match(if_match, row["version"], required=True)
    if row["channel"] == "sms" and subject:
        raise Invalid("the message cannot be sent as it is", [{"field": "subject", "message": "an SMS has none"}])
    message = valid_message(
        row["channel"],
        row["from_address"],
        row["to_address"],
        subject if subject is not None else row["subject"],
        body if body is not None else row["body"],
        row["headers"],
    )
    lead = await lead_of(work, tenant, row["lead_id"])
    facts = facts_of(lead) if lead else {}
    cited = [(claim["sentence"], facts[name]) for claim in row["claims"] if (name := cited_name(claim)) in facts]
    await store.add_text(work, tenant, draft_id, message, actor)
    own_domains = sender.own_domains(await settings_of(work, tenant), tenant)
    claims = check_claims(message.body, cited, facts, own_domains, message.subject)
    await store.update(work, row, sha256=message.sha256, claims=claims, author=actor)
    return message.sha256


async def reject(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str, reason: str) -> None:
    """Decide that the draft is not sent."""
    await reject_all(work, [await _lock_pending(work, tenant, draft_id, actor)], actor, reason)


async def reject_all(work: UnitOfWork, rows: Sequence[Row], actor: str, reason: str) -> None:
    """Decide that these (locked) drafts are not sent."""
    await _decide(work, rows, "rejected", actor, reason)


async def regenerate(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str, instruction: str | None) -> UUID:
    """Request another draft in place of this one; the id that it will have."""
    return await regenerate_locked(work, await _lock_pending(work, tenant, draft_id, actor), actor, instruction)


async def regenerate_locked(work: UnitOfWork, row: Row, actor: str, instruction: str | None) -> UUID:
    """Request another draft in place of this (locked) one; the id that it will have."""
    await supersede(work, row, "another draft was asked for")
    request = compositions.CompositionRequest(
        tenant=row["tenant_id"],
        draft_id=uuid7(),
        lead_id=row["lead_id"],
        kind=row["kind"],
        cause="regenerate",
        cause_id=f"regenerate:{row['draft_id']}",
        cause_at=work.now,
        asked_by=actor,
        channel=row["channel"],
        instruction=instruction,
        replaces=row["draft_id"],
    )
    await compositions.add(work, [request])
    return request.draft_id


async def snooze(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str, until: datetime) -> None:
    """Keep the draft out of the lists until then; it expires one day later at the earliest."""
    await snooze_all(work, [await _lock_pending(work, tenant, draft_id, actor)], until)


async def snooze_all(work: UnitOfWork, rows: Sequence[Row], until: datetime) -> None:
    """Keep these (locked) drafts out of the lists until then. Raises Invalid for a moment that has passed."""
    if fault := far_fault(until, work.now):
        raise Invalid("nothing can be put off until then", [{"field": "until", "message": fault}])
    await store.snooze(work, rows, until, until + timedelta(days=1))
