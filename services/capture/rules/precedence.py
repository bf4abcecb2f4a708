"""Which of two values for a field counts (master data management calls such rules "survivorship").

A human's edit outranks imports and other systems; otherwise the newest `time` wins. So the order in which submissions
arrive does not matter.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.capture.rules.consent import ConsentChange, SubmittedConsent, given, known
from services.capture.rules.contact import Contact
from services.capture.rules.lead import Lead, Provenance
from shared.attributes import MAX_ATTRIBUTE_CHARACTERS, MAX_ATTRIBUTES, free_fields_error

_NEVER = Provenance(datetime.min.replace(tzinfo=UTC))


def outranks(new: Provenance, present: Provenance | None) -> bool:
    """Whether a new value replaces the present one. Of two values of the same time the one that arrives last does."""
    if present is None:
        return True
    if new.human != present.human:
        return new.human
    return new.time >= present.time


def new_lead(tenant: str, lead_id: UUID, contact: Contact, time: datetime) -> Lead:
    """The lead that a submission makes."""
    lead = Lead(
        tenant=tenant,
        lead_id=lead_id,
        source=contact.source,
        created_on=time,
        as_of=time,
        updated_on=time,
        external_id=contact.external_id,
        owner=contact.owner,
        fields=dict(contact.fields),
        attributes={name: value for name, value in contact.attributes.items() if value is not None},
    )
    if contact.consent is not None:
        _apply_consent(lead, contact.consent, time, human=False)
    return lead


def apply_contact(
    lead: Lead, contact: Contact, time: datetime, *, human: bool = False, without: Iterable[str] = ()
) -> list[str]:
    """Set the values of a submission that outrank the present ones; the names of the fields that changed.

    `without` names fields to skip, such as an e-mail that another lead has. The caller counts the version.
    """
    skipped = set(without)
    values: dict[str, Any] = {name: value for name, value in contact.fields.items() if name not in skipped}
    values |= {f"attributes.{name}": value for name, value in contact.attributes.items()}
    changed = apply_values(lead, values, Provenance(time, human))
    if contact.consent is not None:
        changed += _apply_consent(lead, contact.consent, time, human)
    return changed


def split_by_room(lead: Lead, attributes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The attributes that a lead has room for, and the names of the others: what it has already stays.

    A lead has as many in all as one submission may have.
    """
    if free_fields_error({**lead.attributes, **attributes}) is None:
        return dict(attributes), []
    fitting: dict[str, Any] = {}
    # Their sum is the size of all: each is written down once, and not once for each that may be added.
    sizes = {name: len(repr({name: value})) for name, value in lead.attributes.items()}
    total = sum(sizes.values())
    for name, value in attributes.items():
        before, size = sizes.get(name, 0), len(repr({name: value}))
        fits = len(sizes) + (name not in sizes) <= MAX_ATTRIBUTES and total - before + size <= MAX_ATTRIBUTE_CHARACTERS
        if value is None or (name in lead.attributes and size <= before) or fits:
            fitting[name] = value
            sizes[name], total = size, total - before + size
    return fitting, [name for name in attributes if name not in fitting]


def apply_values(lead: Lead, values: Mapping[str, Any], provenance: Provenance) -> list[str]:
    """Set each value that outranks the present one (None clears a field); the names of the fields that changed.

    An equal value changes nothing, but its newer provenance is kept.
    """
    changed = []
    for name, value in values.items():
        present = lead.provenance_of(name)
        if not outranks(provenance, present):
            continue
        if lead.value_of(name) != value:
            lead.set_value(name, value)
            changed.append(name)
        elif present is None or present == provenance:
            continue
        lead.provenance[name] = provenance
        lead.unsaved = True
    return changed


def _apply_consent(lead: Lead, consent: SubmittedConsent, time: datetime, human: bool) -> list[str]:
    """Consent is decided channel by channel. A denial also replaces an older grant that a human entered, and after a
    merge only a grant newer than the choices that the merge found lifts one.

    The same choice from another source, on another basis or for another text is a change too. A repeated one that says
    nothing new changes nothing, but its newer provenance is kept.
    """
    at = min(consent.at or time, time)
    provenance = Provenance(at, human)
    before = dict(lead.consent)
    changed = []
    for channel, choice in consent.channels.items():
        name = f"consent.{channel}"
        present = lead.provenance_of(name)
        withdrawn = choice == "denied" and present is not None and at >= present.time
        if not outranks(provenance, present) and not withdrawn:
            continue
        lifts = (before.get(channel), choice) == ("denied", "granted")
        if lifts and not human and at <= lead.provenance.get(known(channel), _NEVER).time:
            continue
        was = before.get(given(channel)) or [before.get("source"), before.get("basis"), None]
        how = _given(consent, lead.source, was if before.get(channel) == choice else [None, None, None])
        if (before.get(channel), was) != (choice, how):
            source, basis, text_id = how
            lead.remember(name)
            changed.append(name)
            lead.consent_changes.append(
                ConsentChange(
                    channel,
                    choice,
                    before.get(channel) or "unknown",
                    at,
                    source,
                    basis,
                    UUID(text_id) if text_id else None,
                    "edit" if human else "submission",
                )
            )
            lead.consent |= {channel: choice, given(channel): how, "at": at.isoformat(), "source": source}
            lead.consent["basis"] = basis or lead.consent.get("basis")
        if provenance != Provenance(lead.as_of):
            lead.provenance[name] = provenance
        lead.unsaved = True
    return changed


def _given(consent: SubmittedConsent, source: str, was: list[str | None]) -> list[str | None]:
    """How a choice is given; what its submission does not say is as it was, but no text of another source."""
    given_by = consent.source or was[0] or source
    text_id = str(consent.text_id) if consent.text_id else was[2] if given_by == was[0] else None
    return [given_by, consent.basis or was[1], text_id]
