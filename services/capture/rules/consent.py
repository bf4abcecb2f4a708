"""Consent in a submission: how it is spelled, and which of two choices is stricter."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.capture.rules.errors import FieldError, read_text
from services.capture.rules.text import MAX_TEXT, text_of
from shared.events import Consent
from shared.events.base import EARLIEST
from shared.text import clean

CHANNELS = ("email", "sms")

_SPELLINGS = {
    "granted": "granted yes y true 1 opt-in opt_in optin opted-in subscribed ja j oui o sí si s sì sim",
    "denied": "denied no n false 0 opt-out opt_out optout opted-out unsubscribed nein non não nao nee",
    "unknown": "unknown none null n/a na - ?",
}
"""How systems and people write a choice, in seven languages."""
_CHOICE_OF = {spelling: choice for choice, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_STRICTNESS = {"granted": 1, "denied": 2}


class SubmittedConsent(NamedTuple):
    """The consent in one submission. `channels` has `granted` or `denied` for each channel that it mentions."""

    channels: Mapping[str, str]
    at: datetime | None
    basis: str | None
    source: str | None
    text_id: UUID | None = None
    """The text that the person agreed to, for a form that stores its texts."""


class ConsentChange(NamedTuple):
    """One change of a lead's consent. `choice` and `before`: granted, denied or unknown.

    `cause`: submission, edit, merge or undo.
    """

    channel: str
    choice: str
    before: str
    at: datetime
    source: str | None
    basis: str | None
    text_id: UUID | None
    cause: str


def read_consent(raw: object) -> tuple[SubmittedConsent | None, list[FieldError]]:
    """The consent in normal form, or what is wrong with it.

    `unknown` counts as absent, so that it never overwrites a known choice.
    """
    if raw is None or raw == "":
        return None, []
    if isinstance(raw, Consent):
        raw = {name: getattr(raw, name) for name in raw.model_fields_set}
    if not isinstance(raw, Mapping):
        return None, [FieldError("consent", "is not an object")]
    channels: dict[str, str] = {}
    for channel in CHANNELS:
        # Not left out where it cannot be read: a refusal that nobody understood must not be read as no choice.
        choice = _choice(raw.get(channel))
        if choice is None:
            message = "is none of granted, denied and unknown"
            return None, [FieldError(f"consent.{channel}", message, clean(str(raw[channel])[:MAX_TEXT]))]
        if choice != "unknown":
            channels[channel] = choice
    at = raw.get("at")
    try:
        at = datetime.fromisoformat(at) if isinstance(at, str) and at else at or None
        if at is not None and (not isinstance(at, datetime) or at.tzinfo is None):
            raise ValueError
    except ValueError:
        message = "is not an RFC 3339 date-time with an offset, such as 2026-03-02T12:00:00Z"
        return None, [FieldError("consent.at", message, clean(raw.get("at")))]
    if at is not None and at < EARLIEST:
        return None, [FieldError("consent.at", "is before the year 2000", clean(raw.get("at")))]
    errors: list[FieldError] = []
    basis, source = (read_text(raw, part, MAX_TEXT, errors, group="consent.") for part in ("basis", "source"))
    if errors or not channels:
        return None, errors[:1]
    return SubmittedConsent(channels, at, basis or None, source or None), []


def _choice(value: object) -> str | None:
    """granted, denied or unknown; None for what is none of them."""
    try:
        text = str(value) if isinstance(value, bool) else text_of(value, MAX_TEXT)
    except ValueError:
        return None
    return _CHOICE_OF.get(text.casefold().replace(" ", "-")) if text else "unknown"


def given(channel: str) -> str:
    """The part of a lead's consent that says how the choice on a channel was given: `[source, basis, text id]`.

    `source`, `basis` and `at`, which others see, are those of the last choice on any channel.
    """
    return f"{channel}_given"


def known(channel: str) -> str:
    """The name in a kept lead's provenance for the newest choice on a channel that was merged: that of an alias, or its
    own where a merge replaced it. A system that submits such a choice once more, even a grant newer than the denial
    that counts, says nothing new, so no grant as old as that lifts a denial.
    """
    return f"consent.{channel}.known"


def is_stricter(choice: str | None, other: str | None) -> bool:
    """Whether a choice restricts more than another: `denied` over `granted` over no choice."""
    return _STRICTNESS.get(choice or "", 0) > _STRICTNESS.get(other or "", 0)
