"""The message of a step for one lead: from its template, or by a composer that follows its strategy."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.outreach.drafts.composer import ComposedText, ComposerTask
from services.outreach.drafts.composer import template as draft_template
from services.outreach.drafts.composer.facts import facts_of
from services.outreach.drafts.store.compositions import CompositionRequest
from services.outreach.drafts.strategies import Strategy, from_body, to_body
from services.outreach.drafts.use_cases.addressing import SenderAddresses, addressed_message, signature_of
from services.outreach.schemas import OutreachSettings
from services.outreach.sending.templates import ApprovedTemplate, fill_in
from services.outreach.sequences.rules import Step
from services.outreach.sequences.store.enrolments import StoredEnrolment
from services.outreach.sequences.store.sequences import StoredSequence
from services.outreach.sequences.strategies import WRITTEN_BY_HAND
from services.outreach.store import Lead
from shared.errors import Invalid


def approved_template(step: Step | Mapping[str, Any]) -> ApprovedTemplate:
    """What a person approves of a step: channel, subject, body, and the list of the fields that it uses."""
    if isinstance(step, Step):
        return ApprovedTemplate(step.channel, step.subject, step.body or "", step.fields)
    return ApprovedTemplate(step["channel"], step["subject"], step["body"], tuple(step["fields"]))


def values_for(step: Step, lead: Lead, settings: OutreachSettings, sender: SenderAddresses) -> dict[str, str]:
    """The values of the lead for the fields of a template; those that the lead does not have are left out."""
    facts = facts_of(lead)
    known = {name: facts[name].value for name in step.fields if name in facts}
    return known | ({"sender": signature_of(lead, settings, sender)} if "sender" in step.fields else {})


def from_approved(
    step: Step, channel: str, lead: Lead, settings: OutreachSettings, sender: SenderAddresses
) -> tuple[str | None, str, dict[str, str]]:
    """(subject, body, values) of a message that nobody reviews. Raises Invalid where a value is missing or unfit."""
    values = values_for(step, lead, settings, sender)
    return *fill_in(approved_template(step), channel, values), values


def strategy_of(step: Step, stage: str) -> Strategy:
    """How the draft of a step is written."""
    if step.strategy is not None:
        return from_body("sequence", stage, 0, step.strategy)
    templates = {"email": {"subject": step.subject or "", "body": step.body or ""}, "sms": {"body": step.body or ""}}
    return from_body("sequence", stage, 0, {**WRITTEN_BY_HAND, "templates": templates})


def for_review(
    step: Step, channel: str, lead: Lead, settings: OutreachSettings, sender: SenderAddresses
) -> ComposedText:
    """The text of a step for a reviewer, with its claims. What the lead does not have is left out of it."""
    task = ComposerTask(
        kind="sequence",
        channel=channel,
        strategy=strategy_of(step, lead.stage),
        facts=facts_of(lead),
        sender=signature_of(lead, settings, sender),
        own_domains=sender.own_domains(settings, lead.tenant),
    )
    return draft_template.write(task)


def preview_of(
    step: Step, channel: str, reviewed: bool, lead: Lead, settings: OutreachSettings, sender: SenderAddresses
) -> tuple[str | None, str | None, str | None]:
    """(subject, body, why not) of a step as it would be written now; the text of a strategy is written when due.

    `reviewed`: a human looks at it, so that it does without what the lead does not have.
    """
    if step.strategy is not None:
        return None, None, None
    try:
        if reviewed:
            text = for_review(step, channel, lead, settings, sender)
            subject, body = text.subject, text.body
        else:
            subject, body, _ = from_approved(step, channel, lead, settings, sender)
        message = addressed_message(lead, settings, sender, channel, subject, body, None)
    except Invalid as error:
        return None, None, fault_of(error)
    return message.subject, message.body, None


def fault_of(error: Invalid) -> str:
    """Why a step cannot be written for its lead."""
    return "; ".join([error.detail, *(f"{each['field']} {each['message']}" for each in error.errors)])


def shown(sequence: StoredSequence, enrolment: StoredEnrolment, step: Step) -> dict[str, Any]:
    """What a reviewer is shown of the step: with the first one also the templates that are approved with it."""
    content: dict[str, Any] = {
        "sequence": sequence.name,
        "sequence_id": str(sequence.sequence_id),
        "enrolment_id": str(enrolment.enrolment_id),
        "step": step.number,
        "steps": len(sequence.definition.steps),
    }
    if step.review == "first":
        content["approves_templates"] = [
            {
                "step": each.number,
                "sha256": each.template_sha256,
                "channel": each.channel,
                "subject": each.subject,
                "body": each.body,
                "fields": list(each.fields),
            }
            for each in sequence.definition.approved_with(step)
        ]
    return content


def request_for(
    sequence: StoredSequence,
    enrolment: StoredEnrolment,
    lead: Lead,
    step: Step,
    channel: str,
    draft_id: UUID,
    now: datetime,
) -> CompositionRequest:
    """The request for the draft of a step: how it is written, and what its reviewer is shown."""
    given = {"strategy": to_body(strategy_of(step, lead.stage)), "made_from": shown(sequence, enrolment, step)}
    return CompositionRequest(
        tenant=enrolment.tenant_id,
        draft_id=draft_id,
        lead_id=lead.lead_id,
        kind="sequence",
        cause="sequence",
        cause_id=f"sequence:{draft_id}",
        cause_at=now,
        asked_by="system:sequences",
        channel=channel,
        from_step=orjson.dumps(given).decode(),
    )
