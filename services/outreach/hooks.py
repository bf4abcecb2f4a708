"""Hooks by which a lower part of outreach notifies a higher one, inside the same transaction, without importing it.

Imports are allowed in one direction only: sequences -> drafts -> sending -> suppression <- replies. Yet an opt-out
(suppression) must end drafts, and a reply must prove that a message was sent. So the lower part notifies a hook, and
`app.py` connects the listeners of the higher parts.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from shared.db import UnitOfWork
from shared.events import Envelope

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """Nothing may be sent to the lead on this channel any more (`all`: on none): an opt-out or an invalid address."""

    tenant: str
    lead_id: UUID
    channel: str
    reason: str
    event: Envelope | None = None
    """The event that was published of it, if one was."""
    reply_id: UUID | None = None
    """The reply whose label is the reason: another label takes it back."""
    alias_id: UUID | None = None
    """The alias of the lead that has opted out: undoing its merge takes it back."""


@dataclass(frozen=True, slots=True)
class ReplyLabelled:
    """A reply was labelled: by the rules when it was received, or later by a human."""

    tenant: str
    lead_id: UUID
    reply_id: UUID
    channel: str
    label: str
    received_at: datetime
    return_date: datetime | None = None
    """When the lead is back, by its out-of-office reply."""
    event: Envelope | None = None
    """The `reply.received` that was published with the label."""
    alias_id: UUID | None = None
    """The alias of the lead whose reply it is: undoing its merge takes the reply with it."""
    by_human: bool = False
    """Whether a human gave the label."""


@dataclass(frozen=True, slots=True)
class SentEvidence:
    """Proof that a message of unknown outcome was sent. `source`: a delivery report, a reply, our own copy."""

    tenant: str
    dispatch_id: UUID
    source: str


@dataclass(frozen=True, slots=True)
class DraftApproved:
    """A human approves a draft. `made_from`, as the reviewer saw it, names the templates that are approved with it."""

    tenant: str
    draft_id: UUID
    sha256: str
    kind: str
    made_from: Mapping[str, Any]
    actor: str


class Hook(Generic[T]):
    """Calls its listeners in the order in which they were connected; each is connected once."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[UnitOfWork, T], Awaitable[None]]] = []

    def connect(self, listener: Callable[[UnitOfWork, T], Awaitable[None]]) -> None:
        """Call this listener from now on."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    async def notify(self, work: UnitOfWork, notice: T) -> None:
        """Call every listener in the caller's transaction."""
        for listener in self._listeners:
            await listener(work, notice)


channel_closed: Hook[ChannelClosed] = Hook()
reply_labelled: Hook[ReplyLabelled] = Hook()
sent_evidence: Hook[SentEvidence] = Hook()
draft_approved: Hook[DraftApproved] = Hook()
