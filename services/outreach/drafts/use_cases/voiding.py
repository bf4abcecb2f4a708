"""What makes pending drafts void. A fact or an address that changed asks the agent to write anew."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.outreach.drafts import store
from services.outreach.drafts.composer.known import known_of
from services.outreach.drafts.rules import (
    ANSWERED_LABELS,
    Pending,
    void_by_address,
    void_by_facts,
    void_by_stage,
    void_by_word,
)
from services.outreach.drafts.store import compositions
from services.outreach.hooks import Closed, Word
from services.outreach.store import Lead, settings_of
from shared.db import UnitOfWork
from shared.events import DraftDecided
from shared.ids import uuid7

Key = tuple[str, UUID]

_NO_WORD = frozenset({"out_of_office", "auto_reply", "bounce"})


def _pending(row: RowMapping) -> Pending:
    return Pending(
        row["kind"],
        row["channel"],
        row["to_address"],
        row["cause_id"].partition("#")[0],
        row["cause_at"],
        row["claims"],
    )


async def supersede(work: UnitOfWork, row: RowMapping, reason: str) -> None:
    """The draft is void, and says why."""
    await store.change(work, row, state="superseded", reason=reason, claimed_by=None, lease_until=None)
    tell(work, row, "superseded", "system:outreach", reason)


def tell(work: UnitOfWork, row: RowMapping, decision: str, actor: str, reason: str | None) -> None:
    """Publish that a draft no longer waits for review: by whose decision, and on which text."""
    said = {"draft_id": row["draft_id"], "decision": decision, "actor": actor, "sha256": row["sha256"]}
    work.emit(
        DraftDecided(**said, **({"reason": reason} if reason else {})), tenant=row["tenant_id"], subject=row["lead_id"]
    )


async def expire(work: UnitOfWork, row: RowMapping) -> None:
    """Nobody decided in time."""
    reason = "nobody decided in time"
    await store.change(work, row, state="expired", reason=reason)
    tell(work, row, "expired", "system:outreach", reason)


async def after_details(work: UnitOfWork, leads: dict[Key, Lead], event_ids: dict[Key, str]) -> None:
    """Contact details or facts of these leads are new: void what they contradict, and write it anew."""
    again = []
    for row in await store.pending_of(work, leads):
        lead = leads[row["tenant_id"], row["lead_id"]]
        draft = _pending(row)
        known = {each.name: each.value for each in known_of(lead).values()}
        addresses = {"email": lead.email, "sms": lead.phone}
        reason = (void_by_address(draft, addresses) if lead.captured else None) or void_by_facts(draft, known, known)
        if reason is None:
            continue
        await supersede(work, row, reason)
        if row["author"].startswith("agent:") and addresses[draft.channel]:
            again.append(_anew(row, event_ids[row["tenant_id"], row["lead_id"]]))
    await compositions.want(work, again)


def _anew(row: RowMapping, event_id: str) -> compositions.Wanted:
    return compositions.Wanted(
        row["tenant_id"],
        uuid7(),
        row["lead_id"],
        row["kind"],
        row["cause"],
        f"{row['cause_id'].partition('#')[0]}#{event_id}",
        row["cause_at"],
        "agent:composer",
        channel=row["channel"],
        replaces=row["draft_id"],
    )


async def after_moves(work: UnitOfWork, leads: dict[Key, Lead], causes: dict[Key, set[str]]) -> None:
    """These leads stand elsewhere now. `causes`: the events that brought the moves about."""
    for row in await store.pending_of(work, leads):
        lead = leads[row["tenant_id"], row["lead_id"]]
        draft = _pending(row)
        own = draft.cause_id if draft.cause_id in causes[row["tenant_id"], row["lead_id"]] else None
        reason = void_by_stage(draft, lead.stage, lead.stage_rule, own)
        if reason:
            await supersede(work, row, reason)


async def after_word(work: UnitOfWork, word: Word) -> None:
    """The lead wrote: drafts older than that are void, and an answer may be due."""
    if word.label in _NO_WORD:
        return
    for row in await store.pending_of(work, [(word.tenant, word.lead_id)]):
        reason = void_by_word(_pending(row), word.at, str(word.reply_id))
        if reason:
            await supersede(work, row, reason)
    settings = await settings_of(work, word.tenant)
    if word.label in ANSWERED_LABELS and settings.comes_by_itself("answer"):
        await compositions.want(
            work,
            [
                compositions.Wanted(
                    word.tenant,
                    uuid7(),
                    word.lead_id,
                    "answer",
                    "reply",
                    str(word.reply_id),
                    word.at,
                    "agent:composer",
                    channel=word.channel,
                )
            ],
        )


async def after_close(work: UnitOfWork, closed: Closed) -> None:
    """Nothing may be sent to the lead any more, or not on one channel."""
    channel = None if closed.channel == "all" else closed.channel
    await end_all(work, [(closed.tenant, closed.lead_id)], closed.why, lambda row: channel in (None, row["channel"]))
    await compositions.drop(work, closed.tenant, closed.lead_id, channel, closed.why)


async def end_all(
    work: UnitOfWork, leads: Iterable[Key], reason: str, which: Callable[[Any], bool] = lambda row: True
) -> None:
    """Every pending draft of the leads, as far as `which` says so."""
    for row in await store.pending_of(work, leads):
        if which(row):
            await supersede(work, row, reason)
