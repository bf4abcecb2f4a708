"""A lead as capture keeps it, and whose word counts for each of its fields.

Every field carries a mark: when its value was said, and whether a person said it. A human's edit outranks imports and
every other system; among equals the newest `time` wins. So the order in which submissions arrive does not matter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.capture.rules.contact import Contact, Permission
from services.capture.rules.names import NAMED_BY, likeness

_TICK = timedelta(microseconds=1)


class Mark(NamedTuple):
    """When a value was said, and whether by a person's edit."""

    time: datetime
    human: bool = False

    def yields_to(self, other: "Mark") -> bool:
        if self.human != other.human:
            return other.human
        return other.time >= self.time


@dataclass(slots=True)
class Lead:
    """One lead; rules change it in place and name what changed.

    `as_of` is the mark's time of every value without a mark of its own. `updated_on` is the time of its last event: its
    events are timed in the order of their versions.
    """

    tenant: str
    lead_id: UUID
    source: str
    created_on: datetime
    as_of: datetime
    updated_on: datetime
    version: int = 1
    external_id: str | None = None
    owner: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    consent: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    likeness: int | None = None
    merged_into: UUID | None = None
    merge_version: int = 0
    phone_first: bool = False
    """Whether it is the first lead with its phone: a unique index holds only one of them."""
    touched: bool = False
    """Whether the row differs from what is stored."""

    @property
    def key(self) -> tuple[str, UUID]:
        return (self.tenant, self.lead_id)

    @property
    def email(self) -> str | None:
        return self.fields.get("email")

    @property
    def phone(self) -> str | None:
        return self.fields.get("phone")

    def mark(self, name: str) -> Mark | None:
        """The mark of a field, or None when nothing was ever said of it."""
        if (mark := self.marks.get(name)) is not None:
            return mark
        return Mark(self.as_of) if self.says(name) is not None else None

    def says(self, name: str) -> Any:
        """The value of a field by its name in `changed` (`attributes.x` and `consent.email` for the parts)."""
        if name.startswith("attributes."):
            return self.attributes.get(name[len("attributes.") :])
        if name.startswith("consent."):
            return self.consent.get(name[len("consent.") :])
        return self.fields.get(name)

    def put(self, name: str, value: Any) -> None:
        """Set a field by its name in `changed`; None clears it."""
        home: dict[str, Any] = self.fields
        if name.startswith("attributes."):
            home, name = self.attributes, name[len("attributes.") :]
        elif name.startswith("consent."):
            home, name = self.consent, name[len("consent.") :]
        if value is None:
            home.pop(name, None)
        else:
            home[name] = value
        if home is self.fields and name in NAMED_BY:
            self.likeness = likeness(self.fields)

    def next_version(self, time: datetime) -> None:
        """Count a change up; its event is later than the lead's last one."""
        self.version += 1
        self.updated_on = max(time, self.updated_on + _TICK)
        self.touched = True


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
        likeness=contact.likeness,
    )
    if contact.permission is not None:
        _permit(lead, contact.permission, time, human=False)
    return lead


def update(
    lead: Lead, contact: Contact, time: datetime, *, human: bool = False, without: Iterable[str] = ()
) -> list[str]:
    """Take over what outranks the present values; the names of the fields that changed.

    `without` names fields that may not be taken (an address that another lead has). The version is not counted up here.
    """
    refused = set(without)
    said: dict[str, Any] = {name: value for name, value in contact.fields.items() if name not in refused}
    said |= {f"attributes.{name}": value for name, value in contact.attributes.items()}
    changed = take(lead, said, Mark(time, human))
    if contact.permission is not None:
        changed += _permit(lead, contact.permission, time, human)
    return changed


def take(lead: Lead, said: Mapping[str, Any], mark: Mark) -> list[str]:
    """Put each value that outranks the present one; None clears. The names of those that changed."""
    changed = []
    for name, value in said.items():
        present = lead.mark(name)
        if present is not None and not present.yields_to(mark):
            continue
        if lead.says(name) != value:
            lead.put(name, value)
            changed.append(name)
        elif present is None or present == mark:
            continue
        lead.marks[name] = mark
        lead.touched = True
    return changed


def _permit(lead: Lead, permission: Permission, time: datetime, human: bool) -> list[str]:
    """Consent counts by channel. A denial also beats an older grant that a person entered: anyone may withdraw."""
    at = min(permission.at or time, time)
    mark = Mark(at, human)
    changed = []
    for channel, choice in permission.channels.items():
        name = f"consent.{channel}"
        present = lead.mark(name)
        withdrawn = choice == "denied" and present is not None and at >= present.time
        if present is not None and not present.yields_to(mark) and not withdrawn:
            continue
        if lead.consent.get(channel) != choice:
            changed.append(name)
        lead.consent |= {channel: choice, "at": at.isoformat(), "source": permission.source or lead.source}
        lead.consent["basis"] = permission.basis or lead.consent.get("basis")
        if mark != Mark(lead.as_of):
            lead.marks[name] = mark
        lead.touched = True
    return changed


def changed_fields(names: Iterable[str]) -> list[str]:
    """The top-level names of what changed, as `lead.updated` says them."""
    return sorted({name.partition(".")[0] for name in names})
