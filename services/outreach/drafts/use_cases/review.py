"""What reviewers do with a draft. An approval is bound to the hash of the text that the reviewer saw."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.outreach import hooks
from services.outreach.drafts import store
from services.outreach.drafts.composer.claims import check_claims
from services.outreach.drafts.composer.facts import facts_of
from services.outreach.drafts.rules import cited_name, unsupported
from services.outreach.drafts.store import compositions
from services.outreach.drafts.use_cases.addressing import SenderAddresses
from services.outreach.drafts.use_cases.events import publish_decided
from services.outreach.drafts.use_cases.supersession import supersede
from services.outreach.keys import Keys
from services.outreach.sending import store as dispatches
from services.outreach.sending.message import valid_message
from services.outreach.store import lead_of, settings_of
from shared.db import Row, UnitOfWork
from shared.errors import Conflict, Forbidden, Invalid, LeadflowError, NotFound
from shared.http import Principal, check_if_match, problem_type
from shared.ids import uuid7
from shared.observability import DECISIONS

LEASE = timedelta(minutes=15)


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
    row = await _lock_pending(work, tenant, draft_id, actor)
    await store.update(work, row, claimed_by=actor, lease_until=work.now + LEASE)


async def release(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str) -> None:
    """End the reviewer's lease, if there is one."""
    row = await _lock_pending(work, tenant, draft_id, actor)
    if row["claimed_by"] is not None:
        await store.update(work, row, claimed_by=None, lease_until=None)


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
    if row["sha256"] != sha256:
        raise Conflict("this is not the hash of the draft's present text: read the draft again")
    marked = unsupported(row["claims"])
    if marked and not acknowledge:
        raise _unacknowledged(row, marked)
    acknowledged = list(dict.fromkeys(claim["sentence"] for claim in marked))
    await store.add_approval(work, row, actor, acknowledged)
    approved = dispatches.Approved(
        tenant,
        draft_id,
        sha256,
        row["lead_id"],
        row["kind"],
        row["channel"],
        keys.address(tenant, row["to_address"]),
        row["from_address"],
        row["cause_at"],
    )
    await hooks.draft_approved.notify(
        work, hooks.DraftApproved(tenant, draft_id, sha256, row["kind"], row["made_from"], actor)
    )
    dispatch_id = await dispatches.queue(work, approved)
    if dispatch_id is None:
        raise Conflict("the address has had this step of the sequence already")
    await _decide(work, row, "approved", actor, acknowledged=acknowledged)
    return dispatch_id


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
    row: Row,
    decision: str,
    actor: str,
    reason: str | None = None,
    acknowledged: Sequence[str] = (),
) -> None:
    await store.update(
        work,
        row,
        state=decision,
        reason=reason,
        decided_by=actor,
        decided_at=work.now,
        claimed_by=None,
        lease_until=None,
        snoozed_until=None,
    )
    publish_decided(work, row, decision, actor, reason, acknowledged)
    work.after_commit.append(DECISIONS.labels(decision).inc)


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
    row = await _lock_pending(work, tenant, draft_id, actor)
    await _decide(work, row, "rejected", actor, reason)


async def regenerate(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str, instruction: str | None) -> UUID:
    """Request another draft in place of this one; the id that it will have."""
    row = await _lock_pending(work, tenant, draft_id, actor)
    await supersede(work, row, "another draft was asked for")
    request = compositions.CompositionRequest(
        tenant=tenant,
        draft_id=uuid7(),
        lead_id=row["lead_id"],
        kind=row["kind"],
        cause="regenerate",
        cause_id=f"regenerate:{draft_id}",
        cause_at=work.now,
        asked_by=actor,
        channel=row["channel"],
        instruction=instruction,
        replaces=draft_id,
    )
    await compositions.add(work, [request])
    return request.draft_id


async def snooze(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str, until: datetime) -> None:
    """Keep the draft out of the lists until then; it expires one day later at the earliest."""
    row = await _lock_pending(work, tenant, draft_id, actor)
    if until <= work.now:
        raise Invalid("that moment has passed", [{"field": "until", "message": "must be in the future"}])
    expires = max(row["expires_at"], until + timedelta(days=1))
    await store.update(work, row, snoozed_until=until, expires_at=expires, claimed_by=None, lease_until=None)


async def for_each(
    work: UnitOfWork, draft_ids: Sequence[UUID], act: Callable[[int], Awaitable[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Act on many drafts, each behind a savepoint; a result for each, in order, with what `act` gives besides.

    `act` is given the place of the draft in the list. It publishes events only after its last statement, so that
    an item which fails publishes none.
    """
    await store.lock_all(work, draft_ids)
    results: list[dict[str, Any]] = []
    for place, draft_id in enumerate(draft_ids):
        try:
            async with work.savepoint():
                more = await act(place)
        except LeadflowError as error:
            refused = {"draft_id": draft_id, "status": error.status, "error": error.detail}
            if error.errors:
                refused |= {"type": problem_type(error), "errors": error.errors}
            results.append(refused)
        else:
            results.append({"draft_id": draft_id, "status": 200, **more})
    return results
