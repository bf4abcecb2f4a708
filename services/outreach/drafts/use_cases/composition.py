"""Composing one draft in two transactions: `prepare` before the text is written, `save` after it."""

from dataclasses import dataclass
from datetime import timedelta

import orjson

from services.outreach.drafts import store
from services.outreach.drafts.composer import ComposedText, ComposerTask
from services.outreach.drafts.composer.facts import facts_of, values_of
from services.outreach.drafts.rules import (
    AUTOMATIC_CAUSES,
    COMPOSER,
    WRITTEN_SINCE,
    choose_channel,
    superseded_by_facts,
)
from services.outreach.drafts.store import compositions
from services.outreach.drafts.store.compositions import CompositionRequest
from services.outreach.drafts.store.conversations import Conversation, conversation_of
from services.outreach.drafts.strategies import Strategy, from_body
from services.outreach.drafts.use_cases.addressing import SenderAddresses, addressed_message, signature_of
from services.outreach.drafts.use_cases.channels import channels_of
from services.outreach.drafts.use_cases.events import publish_created
from services.outreach.drafts.use_cases.strategies import strategy_for
from services.outreach.rules import first_cause, is_recent, stage_for, stage_refusal
from services.outreach.schemas import OutreachSettings
from services.outreach.store import Lead, last_reply_at, lead_ids_of, lead_of, settings_of
from services.outreach.use_cases.answers import answer_refused
from shared.db import UnitOfWork
from shared.events import Envelope


class CompositionDropped(Exception):
    """The requested draft makes no sense any more; the message gives the reason."""


class FactsChanged(Exception):
    """A fact that the text cites has changed while it was written: it is to be written again."""


@dataclass(frozen=True, slots=True)
class Composition:
    """A leased request with all that its composer needs."""

    request: CompositionRequest
    lead: Lead
    settings: OutreachSettings
    channel: str
    task: ComposerTask
    conversation: Conversation


async def prepare(work: UnitOfWork, request: CompositionRequest, sender: SenderAddresses) -> Composition:
    """Gather what is known for a requested draft. Raises CompositionDropped when it makes no sense any more."""
    lead = await lead_of(work, request.tenant, request.lead_id)
    settings = await settings_of(work, request.tenant)
    lead, stage = await _still_wanted(work, request, lead, settings)
    channel, why = choose_channel(
        lead.mode or settings.mode,
        await channels_of(work, lead, settings),
        settings.unknown_consent_allows,
        request.channel,
    )
    if channel is None:
        raise CompositionDropped(why)
    if request.cause not in AUTOMATIC_CAUSES and request.channel not in (None, channel):
        raise CompositionDropped(f"nothing can be sent by {request.channel}")
    conversation = await conversation_of(work, lead, channel)
    replaced = await store.get(work, request.tenant, request.replaces) if request.replaces else None
    is_answer = request.kind == "answer"
    task = ComposerTask(
        kind=request.kind,
        channel=channel,
        strategy=await _strategy(work, request, stage),
        facts=facts_of(lead),
        sender=signature_of(lead, settings, sender),
        label=conversation.label if is_answer else None,
        reply_subject=conversation.subject if is_answer else None,
        own_domains=sender.own_domains(settings, request.tenant),
        conversation=conversation.messages,
        instruction=request.instruction,
        earlier_hints=replaced["made_from"].get("hints") if replaced else None,
    )
    return Composition(request, lead, settings, channel, task, conversation)


async def _strategy(work: UnitOfWork, request: CompositionRequest, stage: str) -> Strategy:
    """How the draft is written: by the strategy of its kind and stage, or by that of its step of a sequence."""
    if request.kind != "sequence":
        return await strategy_for(work, request.tenant, request.kind, stage)
    step = await compositions.step_of(work, request.tenant, request.draft_id)
    if step is None:
        raise CompositionDropped("the step of the sequence is not known any more")
    return from_body("sequence", stage, 0, orjson.loads(step)["strategy"])


async def save(work: UnitOfWork, composition: Composition, text: ComposedText, sender: SenderAddresses) -> None:
    """Store the draft and publish it.

    Raises CompositionDropped when it makes no sense any more, or one is pending; FactsChanged when it is out of date.
    """
    request, settings = composition.request, composition.settings
    lead = await lead_of(work, request.tenant, request.lead_id, lock=True)
    lead, _ = await _still_wanted(work, request, lead, settings)
    channel = composition.channel
    if lead.address(channel) != composition.lead.address(channel):
        raise CompositionDropped("the lead's address has changed")
    if reason := superseded_by_facts(text.claims, values_of(lead)):
        raise FactsChanged(reason)
    if not await compositions.end(work, request.tenant, request.draft_id, "done", None):
        raise CompositionDropped("it was dropped meanwhile")
    conversation = composition.conversation if request.kind == "answer" else None
    message = addressed_message(lead, settings, sender, channel, text.subject, text.body, conversation)
    step = await compositions.step_of(work, request.tenant, request.draft_id)
    shown = orjson.loads(step)["made_from"] if step else {}
    new = store.NewDraft(
        tenant=request.tenant,
        draft_id=request.draft_id,
        lead_id=request.lead_id,
        kind=request.kind,
        message=message,
        author=COMPOSER,
        cause=request.cause,
        cause_id=request.cause_id,
        cause_at=request.cause_at,
        expires_at=work.now + timedelta(hours=settings.draft_ttl_hours),
        claims=text.claims,
        made_from={**text.made_from, **shown, **({"instruction": request.instruction} if request.instruction else {})},
        replaces=request.replaces,
    )
    if not await store.add(work, new):
        raise CompositionDropped("a draft of that kind is pending already")
    publish_created(work, new, _cause(request))


async def _still_wanted(
    work: UnitOfWork, request: CompositionRequest, lead: Lead | None, settings: OutreachSettings
) -> tuple[Lead, str]:
    """The lead and the stage to write for. Raises CompositionDropped when the cause does not hold any more."""
    if lead is None or not lead.captured:
        raise CompositionDropped("the lead is not known any more")
    if lead.merged_into:
        raise CompositionDropped("merged")
    if lead.opted_out:
        raise CompositionDropped("the lead has opted out")
    stage, rule = stage_for(
        request.kind, request.cause, request.cause_at, lead.stage, lead.stage_rule, lead.stage_since
    )
    reason = stage_refusal(request.kind, stage, rule)
    if reason:
        raise CompositionDropped(reason)
    if request.cause in AUTOMATIC_CAUSES:
        if request.replaces is None and not is_recent(request.cause_at, work.now, settings.react_within_hours):
            raise CompositionDropped("its cause is too old")
        if not settings.drafts_automatically(request.kind):
            raise CompositionDropped(f"automatic drafts of kind {request.kind} are switched off")
    lead_ids = await lead_ids_of(work, request.tenant, request.lead_id)
    if reason := await answer_refused(work, request.tenant, lead_ids, request.cause, request.cause_id, {}):
        raise CompositionDropped(reason)
    last_reply = await last_reply_at(work, request.tenant, lead_ids)
    if last_reply and last_reply > request.cause_at:
        raise CompositionDropped(WRITTEN_SINCE)
    return lead, stage


def _cause(request: CompositionRequest) -> Envelope | None:
    """The event that brought the draft about, where one did."""
    if request.cause not in ("stage", "hot"):
        return None
    id_ = first_cause(request.cause_id)
    return Envelope(id_, "", "", request.cause_at, request.tenant, str(request.lead_id), correlation_id=id_)
