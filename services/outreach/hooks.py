"""What one part of outreach tells the others inside the same transaction, without importing them.

The allowed imports are sequences -> drafts -> sending -> suppression <- replies. An opt-out must end drafts all
the same, and a reply must count as evidence that a message arrived: so the lower part rings, and
`app.py` connects who listens.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from shared.db import UnitOfWork

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing may be sent to the lead any more (`channel` all), or not on one channel: an opt-out, a dead address."""

    tenant: str
    lead_id: UUID
    channel: str
    why: str


@dataclass(frozen=True, slots=True)
class Word:
    """A reply was labelled, at once or again by a human. `event_id`: of the reply.received that says so."""

    tenant: str
    lead_id: UUID
    reply_id: UUID
    channel: str
    label: str
    at: datetime
    event_id: str
    by_human: bool
    first_label: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Proof that a message of unknown outcome did leave: a bounce, a reply, our own copy, a status."""

    tenant: str
    dispatch_id: UUID
    what: str


class Hook(Generic[T]):
    """Listeners are called in the order in which they were connected, each once."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[UnitOfWork, T], Awaitable[None]]] = []

    def connect(self, listener: Callable[[UnitOfWork, T], Awaitable[None]]) -> None:
        if listener not in self._listeners:
            self._listeners.append(listener)

    async def ring(self, work: UnitOfWork, said: T) -> None:
        for listener in self._listeners:
            await listener(work, said)


closed: Hook[Closed] = Hook()
word: Hook[Word] = Hook()
evidence: Hook[Evidence] = Hook()
