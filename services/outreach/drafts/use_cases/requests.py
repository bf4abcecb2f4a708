"""Requests for drafts: a person asks the agent for one or writes the text, and a reply requests an answer."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.outreach.drafts import store
from services.outreach.drafts.composer.claims import check_claims
from services.outreach.drafts.composer.facts import facts_of
from services.outreach.drafts.rules import REQUESTABLE_KINDS, rewrite_cause
from services.outreach.drafts.store import compositions
from services.outreach.drafts.store.conversations import conversation_of
from services.outreach.drafts.use_cases.addressing import SenderAddresses, addressed_message
from services.outreach.drafts.use_cases.channels import channels_of
from services.outreach.drafts.use_cases.events import publish_created
from services.outreach.hooks import ReplyLabelled
from services.outreach.rules import ANSWERED_LABELS, MODES, NOT_ANSWERED, stage_refusal
from services.outreach.schemas import OutreachSettings
from services.outreach.store import Lead, lead_of, settings_of
from shared.db import UnitOfWork
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import uuid7
from shared.store.aliases import resolve

_PENDING = "a draft of that kind and channel is pending already"


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """A person's request for a draft."""

    tenant: str
    actor: str
    lead_id: UUID
    """The lead, or an alias of it."""
    kind: str
    channel: str


async def request_draft(work: UnitOfWork, request: DraftRequest, instruction: str | None) -> UUID:
    """Ask the agent for a draft; the id that it will have. Raises Conflict when the draft makes no sense now."""
    lead, _ = await _check(work, request)
    draft_id = uuid7()
    composition = compositions.CompositionRequest(
        tenant=request.tenant,
        draft_id=draft_id,
        lead_id=lead.lead_id,
        kind=request.kind,
        cause="asked",
        cause_id=f"asked:{draft_id}",
        cause_at=work.now,
        asked_by=request.actor,
        channel=request.channel,
        instruction=instruction,
    )
    await compositions.add(work, [composition])
    return draft_id


async def add_draft(
    work: UnitOfWork, request: DraftRequest, sender: SenderAddresses, subject: str | None, body: str
) -> UUID:
    """Store a person's own text as a draft; its id. Raises Conflict when the draft makes no sense now."""
    lead, settings = await _check(work, request)
    draft_id = uuid7()
    conversation = await conversation_of(work, lead, request.channel) if request.kind == "answer" else None
    subject = subject or (conversation.subject if conversation else None)
    message = addressed_message(lead, settings, sender, request.channel, subject, body, conversation)
    new = store.NewDraft(
        tenant=request.tenant,
        draft_id=draft_id,
        lead_id=lead.lead_id,
        kind=request.kind,
        message=message,
        author=request.actor,
        cause="asked",
        cause_id=f"asked:{draft_id}",
        cause_at=work.now,
        expires_at=work.now + timedelta(hours=settings.draft_ttl_hours),
        claims=check_claims(
            message.body, [], facts_of(lead), sender.own_domains(settings, request.tenant), message.subject
        ),
        made_from={"composer": request.actor},
    )
    if not await store.add(work, new):
        raise Conflict(_PENDING)
    publish_created(work, new)
    return draft_id


async def request_answer(work: UnitOfWork, reply: ReplyLabelled) -> None:
    """Request an answer to a reply whose label calls for one, on the channel of the reply.

    Once for each reply, and again where another label has ended the answer meanwhile.
    """
    if reply.label not in ANSWERED_LABELS or not (await settings_of(work, reply.tenant)).drafts_automatically("answer"):
        return
    composition = compositions.CompositionRequest(
        tenant=reply.tenant,
        draft_id=uuid7(),
        lead_id=reply.lead_id,
        kind="answer",
        cause="reply",
        cause_id=str(reply.reply_id),
        cause_at=reply.received_at,
        channel=reply.channel,
    )
    if await compositions.add(work, [composition]) or reply.event is None:
        return
    if await compositions.why_unanswered(work, reply.tenant, reply.lead_id, composition.cause_id) == NOT_ANSWERED:
        again = rewrite_cause(composition.cause_id, reply.event.id)
        await compositions.add(work, [composition._replace(cause_id=again)])


async def _check(work: UnitOfWork, request: DraftRequest) -> tuple[Lead, OutreachSettings]:
    """The lead and the tenant's settings; raises Invalid, NotFound or Conflict with the reason against the draft."""
    if request.kind not in REQUESTABLE_KINDS:
        wrong = {"field": "kind", "message": f"must be one of {', '.join(REQUESTABLE_KINDS)}"}
        raise Invalid("drafts of this kind cannot be requested", [wrong])
    lead = await _lead_behind(work, request.tenant, request.lead_id)
    settings = await settings_of(work, request.tenant)
    if lead.opted_out:
        raise Conflict("the lead has opted out")
    reason = stage_refusal(request.kind, lead.stage, lead.stage_rule)
    if reason:
        raise Conflict(reason)
    mode = lead.mode or settings.mode
    if request.channel not in MODES[mode]:
        raise Conflict(f"outreach mode {mode} does not use {request.channel}")
    channel = (await channels_of(work, lead, settings))[request.channel]
    obstacle = channel.obstacle(settings.unknown_consent_allows)
    if obstacle:
        raise Conflict(obstacle)
    if await compositions.is_queued(work, request.tenant, lead.lead_id, request.kind, request.channel):
        raise Conflict("a draft of that kind and channel is being written already")
    pending = await store.pending_of(work, [(request.tenant, lead.lead_id)])
    if any((row["kind"], row["channel"]) == (request.kind, request.channel) for row in pending):
        raise Conflict(_PENDING)
    return lead, settings


async def _lead_behind(work: UnitOfWork, tenant: str, lead_id: UUID) -> Lead:
    """The lead behind an id or an alias, locked so that it is not erased meanwhile; raises NotFound."""
    kept = (await resolve(work, [(tenant, lead_id)]))[tenant, lead_id]
    lead = await lead_of(work, tenant, kept, lock=True)
    if lead is None or not lead.captured:
        raise NotFound("no such lead")
    return lead
