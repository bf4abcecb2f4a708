"""Decisions about drafts: which are requested automatically, on which channel, and what supersedes a pending one."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.outreach.rules import (
    AUTOMATIC_LABELS,
    KIND_STAGES,
    MODES,
    answer_refusal,
    consent_refusal,
    first_cause,
    is_night,
    stage_for,
    stage_refusal,
)

COMPOSER = "agent:composer"
"""The actor that writes drafts, and that requests those which no person asked for."""
AUTOMATIC_CAUSES = frozenset({"stage", "hot", "reply", "nurture"})
"""Causes of a draft that are no person's request: they start nothing once they are old."""
REQUESTABLE_KINDS = tuple(kind for kind in KIND_STAGES if kind != "sequence")
"""Kinds that a person may request; the drafts of a sequence come from its steps."""
MAX_INSTRUCTION = 1_000
"""Characters of a reviewer's instruction to the composer."""

_SUBJECT_PREFIXES = re.compile(r"^\s*((re|aw|sv|rv|res|r|antw|odp|wg|fw|fwd|tr)\s*(\[\d+\])?:\s*)+", re.I)


def kind_for_stage_change(from_stage: str, to_stage: str, rule: str) -> str | None:
    """The kind of draft that a stage change requests automatically, or None."""
    if from_stage == to_stage:
        return None
    if to_stage == "qualified" or (to_stage == "contacted" and rule == "revived"):
        return "follow_up"
    return None


def reply_subject(subject: str) -> str:
    """The subject of an answer: one `Re:`, however many prefixes mail programs have added."""
    return f"Re: {_SUBJECT_PREFIXES.sub('', subject).strip()}"[:200]


@dataclass(frozen=True, slots=True)
class LeadChannel:
    """One channel of a lead: address and its state, consent, why it is suppressed, and whether it is used up."""

    channel: str
    address: str | None
    state: str
    consent: str
    suppressed: str | None
    used_up: bool = False

    def obstacle(self, unknown_allows: Sequence[str]) -> str | None:
        """Why nothing can be sent on this channel, or None. `unknown_allows`: channels that need no known consent."""
        if not self.address:
            return "the lead has no e-mail address" if self.channel == "email" else "the lead has no phone number"
        if self.state == "invalid":
            return f"the {self.channel} address does not work"
        return self.suppressed or consent_refusal(self.channel, self.consent, unknown_allows)


def choose_channel(
    mode: str, channels: Mapping[str, LeadChannel], unknown_allows: Sequence[str], preferred: str | None = None
) -> tuple[str | None, str]:
    """(channel, ""), or (None, the reasons) when no channel of the mode can be used.

    The order: the preferred channel (a person's choice, or where the lead wrote), those that are not used up, e-mail
    before SMS.
    """
    allowed = sorted(MODES[mode], key=lambda channel: (channel != preferred, channels[channel].used_up))
    reasons = []
    for channel in allowed:
        obstacle = channels[channel].obstacle(unknown_allows)
        if obstacle is None:
            return channel, ""
        reasons.append(obstacle)
    return None, "; ".join(reasons)


@dataclass(frozen=True, slots=True)
class PendingDraft:
    """A pending draft, as far as it decides what supersedes it. `cause_id`: of the event that first caused it."""

    kind: str
    channel: str
    to: str
    cause: str
    cause_id: str
    cause_at: datetime
    claims: Sequence[Mapping[str, Any]] = ()


def superseded_by_stage(
    draft: PendingDraft, stage: str, stage_rule: str | None, since: datetime | None, caused_by: str | None
) -> str | None:
    """Why a stage, in which the lead is `since` then, supersedes the draft, or None.

    A change brought about by the draft's own cause never does.
    """
    if caused_by is not None and caused_by == draft.cause_id:
        return None
    stage, rule = stage_for(draft.kind, draft.cause, draft.cause_at, stage, stage_rule, since)
    return stage_refusal(draft.kind, stage, rule)


WRITTEN_SINCE = "the lead has written since"


def superseded_by_reply(draft: PendingDraft, reply_at: datetime, reply_id: str, label: str) -> str | None:
    """Why a reply with this label supersedes the draft, or None. The one that caused the draft does by its label."""
    if reply_id == draft.cause_id:
        return answer_refusal(label, automatic=True)
    return WRITTEN_SINCE if label not in AUTOMATIC_LABELS and reply_at > draft.cause_at else None


def superseded_by_address(draft: PendingDraft, addresses: Mapping[str, str | None]) -> str | None:
    """Why changed contact details supersede the draft, or None. `addresses`: the lead's address by channel."""
    return None if addresses.get(draft.channel) == draft.to else "the lead's address has changed"


def superseded_by_facts(claims: Iterable[Mapping[str, Any]], values: Mapping[str, str]) -> str | None:
    """Why changed facts supersede a text with these claims, or None: only a fact that it cites counts.

    `values`: all that is known of the lead now, by name; what is not among them has been cleared.
    """
    for claim in claims:
        name = cited_name(claim)
        if name is None or claim.get("value") is None:
            continue
        if name not in values:
            return f"{name}, which the text cites, is not known any more"
        if values[name] != str(claim["value"]):
            return f"{name}, which the text cites, has changed"
    return None


def cited_name(claim: Mapping[str, Any]) -> str | None:
    """The name of the fact that a claim cites: an enriched fact or a contact field. None: the claim is unsupported."""
    name: str | None = claim.get("fact") or claim.get("field")
    return name


def unsupported(claims: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The claims that cite nothing: a reviewer has to acknowledge them before the text is approved."""
    return [claim for claim in claims if cited_name(claim) is None]


@dataclass(frozen=True, slots=True)
class Caution:
    """Something to know before a draft is approved; it does not prevent the approval."""

    kind: str
    """`other_message`, `night`, or `instruction` (one that the composer could not follow)."""
    message: str
    draft_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OtherMessage:
    """Another message to the same lead. `state`: pending, or that of its dispatch; `at`: created, due or sent."""

    draft_id: UUID
    kind: str
    channel: str
    state: str
    at: datetime


def cautions(
    others: Iterable[OtherMessage], spacing_minutes: float, local: datetime | None, *, has_window: bool
) -> list[Caution]:
    """What to know before a message is approved: other messages to the lead, and the night where it lives.

    `local`: the time on the lead's clock, None when that is not known.
    """
    found = [Caution("other_message", _other_message(other, spacing_minutes), other.draft_id) for other in others]
    if local is not None and not has_window and is_night(local):
        found.append(
            Caution(
                "night",
                f"it is {local:%H:%M} where the lead is, and no sending window is set: the message leaves at once",
            )
        )
    return found


_ON_ITS_WAY = {
    "pending": "is pending too",
    "queued": "is approved and waits to be sent",
    "sending": "is being sent",
    "unknown": "may have been sent",
    "sent": "was sent",
}


def _other_message(other: OtherMessage, spacing_minutes: float) -> str:
    text = f"another message to this lead ({other.kind}, {other.channel}) {_ON_ITS_WAY[other.state]}"
    if other.state == "sent":
        text += f" at {other.at:%H:%M} UTC"
    if spacing_minutes:
        return f"{text}; the later of the two waits until {spacing_minutes:g} minutes after the earlier"
    return f"{text}; nothing keeps the two apart (lead_spacing_minutes is 0)"


def rewrite_cause(cause_id: str, event_id: str) -> str:
    """The cause of a draft that replaces one with `cause_id` because of an event: once for each event."""
    return f"{first_cause(cause_id)}#{event_id}"
