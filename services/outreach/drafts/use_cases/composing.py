"""Writing one draft: gather what is known (a transaction), write (outside any), store it if it still makes sense."""

import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import RowMapping

from services.outreach.drafts import store
from services.outreach.drafts.composer import Known, Said, Task, Text
from services.outreach.drafts.composer.known import known_of
from services.outreach.drafts.rules import Reach, choose_channel, stage_for
from services.outreach.drafts.store import compositions
from services.outreach.drafts.use_cases.strategies import strategy_for
from services.outreach.rules import misplaced, reacts
from services.outreach.schemas import OutreachSettings
from services.outreach.sending.exhaustion import used_up_from
from services.outreach.sending.message import Message, compose, thread_headers
from services.outreach.store import Lead, family, last_word_at, lead_of, mailboxes_of, settings_of
from services.outreach.suppression import store as addresses
from services.outreach.suppression.rules import closes
from shared.db import UnitOfWork
from shared.errors import Invalid
from shared.events import DraftCreated, Envelope

log = structlog.get_logger()

_BY_ITSELF = frozenset({"stage", "hot", "reply", "nurture"})
"""Causes that are not a person's wish: they start nothing once they are old."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom messages come from when the tenant has set nothing."""

    mail_domain: str
    sms_from: str


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation that a message continues."""

    subject: str | None
    label: str | None
    answers: str | None
    earlier: list[str]
    said: list[Said]


class Dropped(Exception):
    """The draft is not wanted any more; the message says why."""


async def reaches_of(work: UnitOfWork, lead: Lead, settings: OutreachSettings) -> dict[str, Reach]:
    """How the lead can be reached, by channel."""
    used_up = await used_up_from(work, lead, settings)
    states = await addresses.states_of(work, lead)
    closed = await addresses.suppressions_of(work, lead)
    return {
        channel: Reach(
            channel,
            lead.address(channel),
            states[channel],
            lead.consent_for(channel),
            closes(closed[channel], channel),
            used_up=channel in used_up and used_up[channel] <= work.now,
        )
        for channel in ("email", "sms")
    }


async def thread_of(work: UnitOfWork, lead: Lead, channel: str) -> Thread:
    """What was said so far with the lead on a channel."""
    ids = await family(work, lead.tenant, lead.lead_id)
    rows = await work.fetch(
        """
        SELECT * FROM (
            SELECT 'in' AS direction, received_at AS at, newest AS text, subject, message_id, label FROM reply
            WHERE tenant_id = :tenant AND lead_id = ANY (:leads) AND outcome = 'matched' AND channel = :channel
            UNION ALL
            SELECT 'out', d.sent_at, c.body, c.subject, d.message_id, NULL FROM dispatch d
            JOIN content c ON c.tenant_id = d.tenant_id AND c.draft_id = d.draft_id AND c.sha256 = d.sha256
            WHERE d.tenant_id = :tenant AND d.lead_id = ANY (:leads) AND d.state = 'sent' AND d.channel = :channel
        ) m ORDER BY at DESC LIMIT 10
        """,
        tenant=lead.tenant,
        leads=ids,
        channel=channel,
    )
    rows = list(reversed(rows))
    last = next((row for row in reversed(rows) if row["direction"] == "in"), None)
    return Thread(
        subject=_re(last["subject"]) if last is not None and last["subject"] else None,
        label=last["label"] if last is not None else None,
        answers=last["message_id"] if last is not None else None,
        earlier=[row["message_id"] for row in rows if row["message_id"] and row is not last],
        said=[Said(row["direction"], row["at"], row["text"]) for row in rows],
    )


def _re(subject: str) -> str:
    """The subject of an answer: one `Re:`, whatever prefixes mail programs have piled up."""
    bare = re.sub(r"^\s*((re|aw|sv|rv|res|r|antw|odp|wg|fw|fwd|tr)\s*(\[\d+\])?:\s*)+", "", subject, flags=re.I)
    return f"Re: {bare.strip()}"[:200]


def message_for(
    lead: Lead,
    settings: OutreachSettings,
    sender: Sender,
    channel: str,
    subject: str | None,
    body: str,
    thread: Thread | None,
) -> Message:
    """The message to the lead's present address, from the mailbox chosen for it. Invalid when it cannot be sent so."""
    address = lead.address(channel)
    if not address:
        raise Invalid(f"the lead has no address for {channel}")
    headers = thread_headers(thread.answers, thread.earlier) if thread and channel == "email" else {}
    if channel == "sms":
        return compose("sms", settings.sms_from or sender.sms_from, address, None, body)
    boxes = mailboxes_of(settings, lead.tenant, sender.mail_domain)
    # the same lead always hears from the same mailbox
    box = boxes[lead.lead_id.int % len(boxes)]
    return compose("email", box.from_, address, subject, body, headers)


def _signature(lead: Lead, settings: OutreachSettings, sender: Sender) -> str:
    boxes = mailboxes_of(settings, lead.tenant, sender.mail_domain)
    box = boxes[lead.lead_id.int % len(boxes)]
    return box.name or box.from_.partition("@")[0].replace(".", " ").title()


@dataclass(frozen=True, slots=True)
class Job:
    """One draft to write, with all that the composer needs."""

    row: RowMapping
    lead: Lead
    settings: OutreachSettings
    channel: str
    task: Task
    thread: Thread


async def gather(work: UnitOfWork, row: RowMapping, sender: Sender) -> Job:
    """What is known, for a draft that still makes sense; Dropped with the reason for one that does not."""
    tenant = row["tenant_id"]
    lead = await lead_of(work, tenant, row["lead_id"])
    settings = await settings_of(work, tenant)
    lead, stage, _ = await _still_wanted(work, row, lead, settings)
    channel, why = choose_channel(
        lead.mode or settings.mode,
        await reaches_of(work, lead, settings),
        settings.unknown_consent_allows,
        row["channel"],
    )
    if channel is None:
        raise Dropped(why)
    if row["cause"] in ("asked", "regenerate") and row["channel"] not in (None, channel):
        raise Dropped(f"nothing can be sent by {row['channel']}")
    thread = await thread_of(work, lead, channel)
    answering = row["kind"] == "answer"
    known: dict[str, Known] = known_of(lead)
    task = Task(
        kind=row["kind"],
        channel=channel,
        strategy=await strategy_for(work, tenant, row["kind"], stage),
        known=known,
        sender=_signature(lead, settings, sender),
        label=thread.label if answering else None,
        reply_subject=thread.subject if answering else None,
        reasons=[f"score {lead.score_total} of 100"] if lead.score_total else [],
        conversation=thread.said,
        instruction=row["instruction"],
    )
    return Job(row, lead, settings, channel, task, thread)


async def _still_wanted(
    work: UnitOfWork, row: RowMapping, lead: Lead | None, settings: OutreachSettings
) -> tuple[Lead, str, str | None]:
    """The lead and the stage to write for; Dropped when the cause does not hold any more."""
    if lead is None or not lead.captured:
        raise Dropped("the lead is not known any more")
    if lead.merged_into:
        raise Dropped("merged")
    if lead.opted_out:
        raise Dropped("the lead has opted out")
    stage, rule = stage_for(row["kind"], row["cause"], lead.stage, lead.stage_rule)
    reason = misplaced(row["kind"], stage, rule)
    if reason:
        raise Dropped(reason)
    if row["cause"] in _BY_ITSELF:
        if row["replaces"] is None and not reacts(row["cause_at"], work.now, settings.react_within_hours):
            raise Dropped("its cause is too old")
        if not settings.comes_by_itself(row["kind"]):
            raise Dropped(f"drafts of kind {row['kind']} do not come by themselves here")
    word = await last_word_at(work, row["tenant_id"], await family(work, row["tenant_id"], row["lead_id"]))
    if word and word > row["cause_at"]:
        raise Dropped("the lead has written since")
    return lead, stage, rule


async def save(work: UnitOfWork, job: Job, text: Text, sender: Sender) -> UUID:
    """Store the draft and say so; Dropped when it makes no sense any more, or another is pending."""
    row = job.row
    lead = await lead_of(work, row["tenant_id"], row["lead_id"], lock=True)
    lead, _, _ = await _still_wanted(work, row, lead, job.settings)
    if lead.address(job.channel) != job.lead.address(job.channel):
        raise Dropped("the lead's address has changed")
    if not await compositions.end(work, row["tenant_id"], row["draft_id"], "done", None):
        raise Dropped("it was dropped meanwhile")
    thread = job.thread if row["kind"] == "answer" else None
    message = message_for(lead, job.settings, sender, job.channel, text.subject, text.body, thread)
    new = store.NewDraft(
        tenant=row["tenant_id"],
        draft_id=row["draft_id"],
        lead_id=row["lead_id"],
        kind=row["kind"],
        message=message,
        author="agent:composer",
        cause=row["cause"],
        cause_id=row["cause_id"],
        cause_at=row["cause_at"],
        expires_at=work.now + timedelta(hours=job.settings.draft_ttl_hours),
        claims=text.claims,
        made_from={**text.made_from, **({"instruction": row["instruction"]} if row["instruction"] else {})},
        replaces=row["replaces"],
    )
    if not await store.add(work, new):
        raise Dropped("a draft of that kind is pending already")
    created(work, new, _cause(row))
    return new.draft_id


def created(work: UnitOfWork, new: store.NewDraft, cause: Envelope | None = None) -> None:
    """Publish `draft.created`."""
    work.emit(
        DraftCreated(draft_id=new.draft_id, kind=new.kind, channel=new.message.channel, sha256=new.message.sha256),
        tenant=new.tenant,
        subject=new.lead_id,
        cause=cause,
    )


def _cause(row: RowMapping) -> Envelope | None:
    """The event that brought the draft about, where one did."""
    if row["cause"] not in ("stage", "hot"):
        return None
    id_ = row["cause_id"].partition("#")[0]
    return Envelope(id_, "", "", row["cause_at"], row["tenant_id"], str(row["lead_id"]), correlation_id=id_)
