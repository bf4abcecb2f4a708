"""Writes drafts: what it is given, what it gives back, and the two composers (template, language model)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.outreach.drafts.strategies import Strategy


@dataclass(frozen=True, slots=True)
class Known:
    """One thing known of the lead, with where it came from and since when."""

    kind: str
    """`fact` (enrichment) or `field` (what the lead said)."""
    name: str
    value: str
    source: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the conversation."""

    direction: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Task:
    """One message to write."""

    kind: str
    channel: str
    strategy: Strategy
    known: Mapping[str, Known]
    sender: str
    label: str | None = None
    reply_subject: str | None = None
    reasons: Sequence[str] = ()
    conversation: Sequence[Said] = ()
    instruction: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """What a composer wrote, and what it was made from."""

    subject: str | None
    body: str
    claims: list[dict[str, Any]]
    made_from: dict[str, Any] = field(default_factory=dict)
