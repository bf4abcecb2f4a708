"""What reviewers do with a draft. Approval is bound to the hash that the reviewer saw."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.outreach.drafts import store
from services.outreach.drafts.composer.claims import check
from services.outreach.drafts.composer.known import known_of
from services.outreach.drafts.store import compositions
from services.outreach.drafts.use_cases.voiding import supersede, tell
from services.outreach.keys import Keys
from services.outreach.sending import store as dispatches
from services.outreach.sending.message import compose
from services.outreach.store import lead_of
from shared.db import UnitOfWork
from shared.errors import Conflict, Invalid, LeadflowError, NotFound
from shared.http import check_if_match
from shared.ids import uuid7

LEASE = timedelta(minutes=15)


async def present(work: UnitOfWork, tenant: str, draft_id: UUID) -> RowMapping:
    """The draft; NotFound says where one is that was asked for and is not there."""
    row = await store.get(work, tenant, draft_id)
    if row is None:
        raise await _absent(work, tenant, draft_id)
    return row


async def _absent(work: UnitOfWork, tenant: str, draft_id: UUID) -> NotFound:
    asked = await compositions.get(work, tenant, draft_id)
    if asked is None:
        return NotFound("no such draft")
    if asked["state"] == "queued":
        return NotFound("the draft is still being written")
    return NotFound(f"the draft was not written: {asked['reason']}")


async def _open(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str) -> RowMapping:
    """The pending draft, locked, if nobody else has claimed it; Conflict says why not."""
    row = await store.get(work, tenant, draft_id, lock=True)
    if row is None:
        raise await _absent(work, tenant, draft_id)
    if row["state"] != "pending":
        raise Conflict(f"the draft is {row['state']}" + (f": {row['reason']}" if row["reason"] else ""))
    if row["expires_at"] <= work.now:
        raise Conflict("the draft has expired")
    if _claimed_by_another(row, actor, work.now):
        raise Conflict(f"{row['claimed_by']} is working on the draft until {row['lease_until'].isoformat()}")
    return row


def _claimed_by_another(row: RowMapping, actor: str, now: datetime) -> bool:
    return row["claimed_by"] not in (None, actor) and row["lease_until"] > now


async def claim(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str) -> None:
    """Keep others off the draft for a quarter of an hour; claiming again prolongs it."""
    row = await _open(work, tenant, draft_id, actor)
    await store.change(work, row, claimed_by=actor, lease_until=work.now + LEASE)


async def release(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str) -> None:
    """Give a claim up; nothing happens where there is none."""
    row = await _open(work, tenant, draft_id, actor)
    if row["claimed_by"] is not None:
        await store.change(work, row, claimed_by=None, lease_until=None)


async def approve(work: UnitOfWork, keys: Keys, tenant: str, draft_id: UUID, actor: str, sha256: str) -> UUID:
    """Approve the text with this hash and queue it; the dispatch's id. Any other hash: Conflict."""
    row = await _open(work, tenant, draft_id, actor)
    if row["sha256"] != sha256:
        raise Conflict("the draft is not the text that this hash names any more: read it again")
    await store.approve(work, row, actor)
    dispatch_id = await dispatches.queue(
        work,
        dispatches.Approved(
            tenant,
            draft_id,
            sha256,
            row["lead_id"],
            row["kind"],
            row["channel"],
            keys.address(tenant, row["to_address"]),
            row["from_address"],
            row["cause_at"],
        ),
    )
    await _decide(work, row, "approved", actor)
    return dispatch_id


async def _decide(work: UnitOfWork, row: RowMapping, decision: str, actor: str, reason: str | None = None) -> None:
    await store.change(
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
    tell(work, row, decision, actor, reason)


async def edit(
    work: UnitOfWork,
    tenant: str,
    draft_id: UUID,
    actor: str,
    if_match: str | None,
    subject: str | None,
    body: str | None,
) -> str:
    """Another text for the draft; its hash. The texts before it are kept. 428 without If-Match, 412 if stale."""
    row = await _open(work, tenant, draft_id, actor)
    check_if_match(if_match, row["version"], required=True)
    if row["channel"] == "sms" and subject:
        raise Invalid("the message cannot be sent as it is", [{"field": "subject", "message": "an SMS has none"}])
    message = compose(
        row["channel"],
        row["from_address"],
        row["to_address"],
        subject if subject is not None else row["subject"],
        body if body is not None else row["body"],
        row["headers"],
    )
    lead = await lead_of(work, tenant, row["lead_id"])
    known = known_of(lead) if lead else {}
    cited = [
        (claim["sentence"], known[name])
        for claim in row["claims"]
        if (name := claim.get("fact") or claim.get("field")) in known
    ]
    await store.put_text(work, tenant, draft_id, message, actor)
    await store.change(work, row, sha256=message.sha256, claims=check(message.body, cited, known))
    return message.sha256


async def reject(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str, reason: str) -> None:
    """The draft is not to be sent, with the reason."""
    row = await _open(work, tenant, draft_id, actor)
    await _decide(work, row, "rejected", actor, reason)


async def regenerate(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str, instruction: str | None) -> UUID:
    """Ask for another draft in place of this one; the id that the other will have."""
    row = await _open(work, tenant, draft_id, actor)
    await supersede(work, row, "another draft was asked for")
    wanted = compositions.Wanted(
        tenant,
        uuid7(),
        row["lead_id"],
        row["kind"],
        "regenerate",
        f"regenerate:{draft_id}",
        work.now,
        actor,
        channel=row["channel"],
        instruction=instruction,
        replaces=draft_id,
    )
    await compositions.want(work, [wanted])
    return wanted.draft_id


async def snooze(work: UnitOfWork, tenant: str, draft_id: UUID, actor: str, until: datetime) -> None:
    """Leave the draft out of the lists until then; it does not expire meanwhile, nor on the day after."""
    row = await _open(work, tenant, draft_id, actor)
    if until <= work.now:
        raise Invalid("that moment has passed", [{"field": "until", "message": "lies in the past"}])
    expires = max(row["expires_at"], until + timedelta(days=1))
    await store.change(work, row, snoozed_until=until, expires_at=expires, claimed_by=None, lease_until=None)


async def each(
    work: UnitOfWork, items: list[dict[str, Any]], act: Callable[[dict[str, Any]], Awaitable[None]]
) -> list[dict[str, Any]]:
    """Do the same with many drafts, each behind a savepoint; a result for each, in order.

    `act` emits only after its last statement, so that what fails has said nothing.
    """
    await store.lock_all(work, [item["draft_id"] for item in items])
    results = []
    for item in items:
        try:
            async with work.connection.begin_nested():
                await act(item)
        except LeadflowError as error:
            results.append({"draft_id": item["draft_id"], "status": error.status, "error": error.detail})
        else:
            results.append({"draft_id": item["draft_id"], "status": 200})
    return results
