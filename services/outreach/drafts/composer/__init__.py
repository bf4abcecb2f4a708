"""Writes drafts: what a composer is given, what it returns, and the two composers (templates, language model)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.outreach.drafts.strategies import Strategy


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a message may state about the lead, with its source and date."""

    kind: str
    """`fact` (from enrichment) or `field` (a contact field)."""
    name: str
    value: str
    source: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ConversationMessage:
    """One message of the conversation; `direction` is `in` (from the lead) or `out`."""

    direction: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class ComposerTask:
    """All that a composer is given to write one message."""

    kind: str
    channel: str
    strategy: Strategy
    facts: Mapping[str, Fact]
    sender: str
    """How the message is signed."""
    label: str | None = None
    """The label of the reply that is answered."""
    reply_subject: str | None = None
    own_domains: Collection[str] = ()
    """The tenant's mail domains: a link to any other is marked for the reviewer."""
    conversation: Sequence[ConversationMessage] = ()
    instruction: str | None = None
    """The reviewer's instruction."""
    earlier_hints: Mapping[str, Any] | None = None
    """The hints that the draft which this one replaces was written by (`made_from`)."""


@dataclass(frozen=True, slots=True)
class ComposedText:
    """The text that a composer wrote, its claims, and what it was made from."""

    subject: str | None
    body: str
    claims: list[dict[str, Any]]
    made_from: dict[str, Any] = field(default_factory=dict)
