"""Delivery reports and complaints: which of our messages they are about, and what follows for the address."""

from collections.abc import Sequence
from datetime import timedelta

from services.outreach.keys import Keys
from services.outreach.replies import store
from services.outreach.replies.rules import Classification
from services.outreach.replies.rules.bounces import DeliveryReport
from services.outreach.replies.rules.complaints import Complaint
from services.outreach.replies.use_cases.received import ReceivedMessage, notify_sent
from services.outreach.store import lead_of
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import Failure
from services.outreach.suppression.use_cases import (
    Bounce,
    SuppressionRequest,
    opt_out_lead,
    record_bounce,
    suppress_hash,
)
from shared.db import Row, UnitOfWork

RECENT = timedelta(days=14)
"""A report that names no Message-ID is about the last message to its recipient, if that is not older."""
COMPLAINT = "system:complaint"
"""The actor of suppressions after a complaint."""
_ALL_ADDRESSES_OF = 1_000
"""Of so many leads with the address of a complaint all other addresses are closed too; the rest are opted out only."""


async def record_reports(
    work: UnitOfWork, keys: Keys, new: store.NewReply, reports: Sequence[DeliveryReport], references: Sequence[str]
) -> ReceivedMessage:
    """Record a mail with delivery reports. Each proves that a message was sent; a failure counts for its address."""
    found = [(report, await _dispatch_of(work, keys, new.tenant_id, report, references)) for report in reports]
    dispatches = [dispatch for _, dispatch in found if dispatch is not None]
    outcome = await _add(work, new, "bounce", "a delivery report", dispatches[0] if dispatches else None)
    if outcome.outcome == "duplicate":
        return outcome
    hashes = {bytes(dispatch["address_hash"]) for dispatch in dispatches}
    await addresses.lock_addresses(work, [(new.tenant_id, "email", hash) for hash in hashes])
    blamed = set()
    for report, dispatch in found:
        if dispatch is None:
            continue
        await notify_sent(work, dispatch, "a delivery report")
        if report.action != "failed" or dispatch["dispatch_id"] in blamed:
            continue
        blamed.add(dispatch["dispatch_id"])
        failure = Failure(report.severity, report.status, report.detail)
        await record_bounce(work, Bounce.of_dispatch(dispatch), failure)
    return outcome


async def record_complaint(work: UnitOfWork, keys: Keys, new: store.NewReply, complaint: Complaint) -> ReceivedMessage:
    """Record a complaint (RFC 5965). Whoever complained, or wants out, is suppressed for good on all channels."""
    tenant = new.tenant_id
    dispatch = await store.dispatch_by_message_ids(work, tenant, complaint.message_ids)
    outcome = await _add(work, new, "complaint", f"a complaint ({complaint.kind})", dispatch)
    if outcome.outcome == "duplicate":
        return outcome
    hashes = {keys.address(tenant, recipient) for recipient in complaint.recipients}
    if dispatch is not None:
        hashes = {bytes(dispatch["address_hash"])}  # the recipient may be a forwarding address
    await addresses.lock_addresses(work, [(tenant, "email", hash) for hash in hashes])
    if dispatch is not None:
        await notify_sent(work, dispatch, "a complaint")
    if not complaint.suppresses:
        return outcome
    request = SuppressionRequest("all", "blocklist", COMPLAINT, f"a complaint ({complaint.kind})")
    for hash in sorted(hashes):
        if dispatch is not None:
            leads = [dispatch["lead_id"]]
        else:
            leads = await addresses.leads_with(work, tenant, hash, limit=_ALL_ADDRESSES_OF)
        known = [lead for lead_id in sorted(leads) if (lead := await lead_of(work, tenant, lead_id)) is not None]
        for lead in known:
            await opt_out_lead(work, lead, request, also=("email", hash))
        if not known:
            await suppress_hash(work, tenant, request, "email", hash)
    return outcome


async def _add(
    work: UnitOfWork, new: store.NewReply, outcome: str, because: str, dispatch: Row | None
) -> ReceivedMessage:
    lead = await lead_of(work, new.tenant_id, dispatch["lead_id"]) if dispatch is not None else None
    row = new._replace(
        outcome=outcome,
        newest=new.newest[:2_000],
        lead_id=lead.lead_id if lead else None,
        dispatch_id=dispatch["dispatch_id"] if dispatch is not None else None,
    )
    if not await store.add(work, row, Classification("bounce", 1.0, because)):
        return ReceivedMessage(await store.find_by_key(work, new.tenant_id, new.key), "duplicate")
    return ReceivedMessage(new.reply_id, outcome)


async def _dispatch_of(
    work: UnitOfWork, keys: Keys, tenant: str, report: DeliveryReport, references: Sequence[str]
) -> Row | None:
    """Our message that a report is about: by Message-ID, or else the last one to its recipient in the last days."""
    by_id = await store.dispatch_by_message_ids(work, tenant, [*report.message_ids, *references])
    if by_id is not None:
        return by_id
    for recipient in (report.original_recipient, report.recipient):
        if recipient and "@" in recipient:
            last = await store.last_dispatch_to(work, tenant, keys.address(tenant, recipient), since=work.now - RECENT)
            if last is not None:
                return last
    return None
