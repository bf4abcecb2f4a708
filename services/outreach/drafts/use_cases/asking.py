"""A person asks for a draft, or brings a text."""

from datetime import timedelta
from uuid import UUID

from services.outreach.drafts import store
from services.outreach.drafts.composer import Known
from services.outreach.drafts.composer.claims import check
from services.outreach.drafts.composer.known import known_of
from services.outreach.drafts.rules import KINDS_ASKED_FOR
from services.outreach.drafts.store import compositions
from services.outreach.drafts.use_cases.composing import Sender, created, message_for, reaches_of, thread_of
from services.outreach.rules import MODES, misplaced
from services.outreach.store import Lead, lead_of, settings_of
from shared.db import UnitOfWork
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import uuid7
from shared.store.aliases import resolve


async def known_lead(work: UnitOfWork, tenant: str, lead_id: UUID) -> Lead:
    """The lead behind an id or an alias; NotFound where there is none."""
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    lead = await lead_of(work, tenant, kept)
    if lead is None or not lead.captured:
        raise NotFound("no such lead")
    return lead


async def ask(
    work: UnitOfWork,
    sender: Sender,
    actor: str,
    tenant: str,
    lead_id: UUID,
    kind: str,
    channel: str,
    subject: str | None,
    body: str | None,
    instruction: str | None,
) -> tuple[UUID, bool]:
    """(draft id, whether it is there already). Conflict with the reason when such a draft makes no sense now."""
    if kind not in KINDS_ASKED_FOR:
        raise Invalid(
            "that kind is not asked for", [{"field": "kind", "message": f"one of {', '.join(KINDS_ASKED_FOR)}"}]
        )
    lead = await known_lead(work, tenant, lead_id)
    settings = await settings_of(work, tenant)
    if lead.opted_out:
        raise Conflict("the lead has opted out")
    reason = misplaced(kind, lead.stage, lead.stage_rule)
    if reason:
        raise Conflict(reason)
    mode = lead.mode or settings.mode
    if channel not in MODES[mode]:
        raise Conflict(f"outreach mode {mode} does not use {channel}")
    hindrance = (await reaches_of(work, lead, settings))[channel].hindrance(settings.unknown_consent_allows)
    if hindrance:
        raise Conflict(hindrance)
    if await compositions.composing(work, tenant, lead.lead_id, kind, channel):
        raise Conflict("a draft of that kind and channel is being written already")
    pending = await store.pending_of(work, [(tenant, lead.lead_id)])
    if any((row["kind"], row["channel"]) == (kind, channel) for row in pending):
        raise Conflict("a draft of that kind and channel is pending already")
    draft_id = uuid7()
    if body is None:
        wanted = compositions.Wanted(
            tenant,
            draft_id,
            lead.lead_id,
            kind,
            "asked",
            f"asked:{draft_id}",
            work.now,
            actor,
            channel=channel,
            instruction=instruction,
        )
        await compositions.want(work, [wanted])
        return draft_id, False
    thread = await thread_of(work, lead, channel) if kind == "answer" else None
    message = message_for(
        lead, settings, sender, channel, subject or (thread.subject if thread else None), body, thread
    )
    known: dict[str, Known] = known_of(lead)
    new = store.NewDraft(
        tenant=tenant,
        draft_id=draft_id,
        lead_id=lead.lead_id,
        kind=kind,
        message=message,
        author=actor,
        cause="asked",
        cause_id=f"asked:{draft_id}",
        cause_at=work.now,
        expires_at=work.now + timedelta(hours=settings.draft_ttl_hours),
        claims=check(message.body, [], known),
        made_from={"composer": actor},
    )
    if not await store.add(work, new):
        raise Conflict("a draft of that kind and channel is pending already")
    created(work, new)
    return draft_id, True
