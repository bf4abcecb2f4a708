"""Decisions about drafts: which come by themselves, by which channel, and what makes a pending one void. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.outreach.rules import MODES, consent_allows, misplaced

ANSWERED_LABELS = frozenset({"interested", "question", "meeting_request"})
NURTURE_EVERY = timedelta(days=30)
KINDS_ASKED_FOR = ("first", "follow_up", "answer", "nurture")
"""Kinds that a person may ask for; steps of a sequence come from their sequence."""


def kind_for_move(from_stage: str, to_stage: str, rule: str) -> str | None:
    """The draft that a move of the lead asks for by itself."""
    if from_stage == to_stage:
        return None
    if to_stage == "qualified" or (to_stage == "contacted" and rule == "revived"):
        return "follow_up"
    return None


def stage_for(kind: str, cause: str, stage: str, stage_rule: str | None) -> tuple[str, str | None]:
    """The stage to judge by. A reply that asks for an answer engages the lead; that move may still be on its way."""
    if kind == "answer" and cause == "reply" and stage in ("new", "contacted", "nurture", "exhausted"):
        return "engaged", "reply"
    return stage, stage_rule


@dataclass(frozen=True, slots=True)
class Reach:
    """One channel of a lead: address, its state, consent, suppression, and whether it has been tried long enough."""

    channel: str
    address: str | None
    state: str
    consent: str
    suppressed: str | None
    used_up: bool = False

    def hindrance(self, unknown_allows: Sequence[str]) -> str | None:
        """Why nothing can be sent there, or None."""
        if not self.address:
            return "the lead has no e-mail address" if self.channel == "email" else "the lead has no phone number"
        if self.state == "invalid":
            return f"the {self.channel} address does not work"
        return self.suppressed or consent_allows(self.channel, self.consent, unknown_allows)


def choose_channel(
    mode: str, reaches: Mapping[str, Reach], unknown_allows: Sequence[str], preferred: str | None = None
) -> tuple[str | None, str]:
    """(channel, "") or (None, why none will do).

    The preferred one (a person's choice, or where the lead wrote) goes first; then those that are not used up; then
    e-mail before SMS.
    """
    allowed = sorted(MODES[mode], key=lambda channel: (channel != preferred, reaches[channel].used_up))
    reasons = []
    for channel in allowed:
        hindrance = reaches[channel].hindrance(unknown_allows)
        if hindrance is None:
            return channel, ""
        reasons.append(hindrance)
    return None, "; ".join(reasons)


@dataclass(frozen=True, slots=True)
class Pending:
    """A pending draft, as far as it matters for its being void."""

    kind: str
    channel: str
    to: str
    cause_id: str
    cause_at: datetime
    claims: Sequence[Mapping[str, Any]] = ()


def void_by_stage(draft: Pending, stage: str, stage_rule: str | None, caused_by: str | None) -> str | None:
    """Why a move makes the draft void, or None. A move that the draft's own cause brought about never does."""
    if caused_by is not None and caused_by == draft.cause_id:
        return None
    return misplaced(draft.kind, stage, stage_rule)


def void_by_word(draft: Pending, word_at: datetime, reply_cause: str) -> str | None:
    """Why a human reply makes the draft void, or None; the reply that caused it never does."""
    if reply_cause == draft.cause_id or word_at <= draft.cause_at:
        return None
    return "the lead has written since"


def void_by_address(draft: Pending, addresses: Mapping[str, str | None]) -> str | None:
    """Why changed contact details make the draft void, or None."""
    return None if addresses.get(draft.channel) == draft.to else "the lead's address has changed"


def void_by_facts(draft: Pending, values: Mapping[str, Any], fields: Mapping[str, Any]) -> str | None:
    """Why changed facts make the draft void, or None: only what its text cites counts."""
    for claim in draft.claims:
        name, known = (claim["fact"], values) if claim.get("fact") else (claim.get("field"), fields)
        if name is None or claim.get("value") is None:
            continue
        if name in known and str(known[name]) != str(claim["value"]):
            return f"{name}, which the text cites, has changed"
    return None


def nurture_due(entered_at: datetime, last_at: datetime | None, later_until: datetime | None) -> datetime:
    """When the next check-in falls due: when the lead said, else 30 days after the last one or the entry."""
    if later_until and later_until > entered_at and (last_at is None or last_at < later_until):
        return later_until
    return max(filter(None, (entered_at, last_at)), default=entered_at) + NURTURE_EVERY


def unsupported(sentences: Iterable[str], claimed: Iterable[str]) -> list[str]:
    """Factual sentences that no claim covers."""
    covered = set(claimed)
    return [sentence for sentence in sentences if sentence not in covered]
