"""Outcomes of attempts: recorded by the sender, by evidence, or by an operator."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from services.outreach import hooks
from services.outreach.rules import is_outcome_open
from services.outreach.sending import store
from services.outreach.sending.rules import Outcome, retry_at
from services.outreach.store import address_hashes_of, lead_of, settings_of
from services.outreach.suppression.rules import OPT_OUT_SMS, mail_failure, sms_failure
from services.outreach.suppression.store import lock_addresses
from services.outreach.suppression.use_cases import Bounce, SuppressionRequest, opt_out_lead, record_bounce
from shared.db import Row, UnitOfWork
from shared.errors import Conflict, NotFound
from shared.events import MessageSent
from shared.ids import derived_id
from shared.observability import SENDS
from shared.store.aliases import resolve


async def lock_dispatch(work: UnitOfWork, tenant: str, dispatch_id: UUID) -> Row | None:
    """The dispatch with its text, locked; None when there is none (any more).

    Its address and its lead are locked before, because another state of it changes them too, and locks its enrolment.
    """
    rows = await store.page(work, tenant, {"dispatch_id": dispatch_id}, None, 1)
    if not rows:
        return None
    seen = rows[0]
    key = tenant, seen["lead_id"]
    leads = sorted({seen["lead_id"], (await resolve(work, [key]))[key]})
    known = await address_hashes_of(work, [(tenant, each) for each in leads])
    await lock_addresses(work, [(tenant, seen["channel"], bytes(seen["address_hash"])), *known])
    for each in leads:
        await lead_of(work, tenant, each, lock=True)
    return await store.lock(work, tenant, dispatch_id)


async def record_outcome(work: UnitOfWork, tenant: str, dispatch_id: UUID, outcome: Outcome) -> None:
    """Record the outcome of an attempt. A late answer also decides a dispatch that is `unknown` or `queued` by now."""
    row = await lock_dispatch(work, tenant, dispatch_id)
    if row is None:
        return
    work.after_commit.append(SENDS.labels(row["channel"], outcome.state).inc)
    if row["state"] in ("unknown", "queued") and outcome.state in ("sent", "failed"):
        await _record_final(work, row, outcome)
    elif row["state"] == "sending":
        if outcome.state == "queued":
            await store.give_back_attempt(work, tenant, row["mailbox"], row["sending_at"])
        retry = retry_at(row["attempts"], row["first_tried_at"], work.now) if outcome.state == "queued" else None
        if outcome.state == "queued" and retry:
            await store.change_state(work, row, "queued", reason=outcome.reason, due_at=retry, lease_until=None)
        elif outcome.state == "queued":
            reason = f"given up after {row['attempts']} attempts: {outcome.reason}"
            await store.change_state(work, row, "failed", reason=reason, lease_until=None)
        elif outcome.state == "unknown":
            await store.change_state(work, row, "unknown", reason=outcome.reason, lease_until=None)
        else:
            await _record_final(work, row, outcome)


async def _record_final(work: UnitOfWork, row: Row, outcome: Outcome) -> None:
    if outcome.state == "sent":
        await record_sent(work, row, provider_id=outcome.provider_id)
        return
    await store.change_state(work, row, "failed", reason=outcome.reason, lease_until=None)
    if outcome.blames_address:
        await record_address_failure(work, row, outcome.code, outcome.reason)


async def record_address_failure(work: UnitOfWork, row: Row, code: str, detail: str) -> None:
    """A failure of the address: its state, `message.bounced`, and the opt-out that a carrier may report.

    A provider's other codes (message filtered, trial account) are no failure of the number; nothing is published.
    """
    tenant, channel = row["tenant_id"], row["channel"]
    if channel == "sms" and code == OPT_OUT_SMS:
        lead = await lead_of(work, tenant, row["lead_id"])
        if lead:
            reason = "the carrier reports that the number has opted out"
            request = SuppressionRequest("sms", "stop_word", "system:sms-provider", reason)
            await opt_out_lead(work, lead, request, also=("sms", bytes(row["address_hash"])))
        return
    failure = mail_failure(code, detail) if channel == "email" else sms_failure(code)
    if channel == "sms" and failure.severity is None:
        return
    await record_bounce(work, Bounce.of_dispatch(row), failure)


async def record_sent(work: UnitOfWork, row: Row, *, provider_id: str | None = None, **columns: Any) -> None:
    """The message was sent: the state, and `message.sent`, whose id follows from the dispatch."""
    tenant, lead_id = row["tenant_id"], row["lead_id"]
    at = row["sending_at"] or work.now
    message_id = (provider_id if row["channel"] == "sms" else None) or row["message_id"]
    lead = await lead_of(work, tenant, lead_id)
    if lead and lead.opted_out:
        columns["crossed"] = True
    if row["state"] == "queued":
        # The database lets only a message with an id and a lease be sent.
        await store.change_state(work, row, "sending", message_id=row["message_id"], lease_until=work.now)
        row = {**row, "state": "sending"}
    await store.change_state(
        work,
        row,
        "sent",
        reason=None,
        sent_at=at,
        lease_until=None,
        message_id=message_id,
        provider_id=provider_id,
        **columns,
    )
    of_step = {"sequence_id": str(row["sequence_id"]), "step": row["step"]} if row["sequence_id"] else {}
    work.emit(
        MessageSent(
            message_id=message_id, draft_id=row["draft_id"], channel=row["channel"], kind=row["kind"], **of_step
        ),
        tenant=tenant,
        subject=lead_id,
        time=at,
        event_id=str(derived_id("message.sent", tenant, row["dispatch_id"])),
    )
    if row["kind"] != "nurture" and row["uses_up"]:
        settings = await settings_of(work, tenant)
        await store.check_at_latest(work, tenant, lead_id, work.now + timedelta(days=settings.exhaust_after_days))


async def apply_sent_evidence(work: UnitOfWork, evidence: hooks.SentEvidence) -> None:
    """Evidence that a message was sent decides a dispatch whose outcome is open."""
    row = await lock_dispatch(work, evidence.tenant, evidence.dispatch_id)
    if row is not None and is_outcome_open(row["state"], row["message_id"]):
        await record_sent(work, row, note=f"known by {evidence.source}")


async def resolve_unknown(
    work: UnitOfWork, tenant: str, dispatch_id: UUID, outcome: str, note: str, actor: str
) -> None:
    """An operator decides a message of unknown outcome: `sent` or `failed`. Conflict in any other state."""
    row = await lock_dispatch(work, tenant, dispatch_id)
    if row is None:
        raise NotFound("no such dispatch")
    if row["state"] != "unknown":
        raise Conflict(f"the dispatch is {row['state']}; only one of unknown outcome can be resolved")
    if outcome == "sent":
        await record_sent(work, row, note=note, resolved_by=actor)
    else:
        reason = "an operator found that it was not sent"
        await store.change_state(work, row, "failed", reason=reason, note=note, resolved_by=actor)
