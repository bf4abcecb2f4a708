"""A lead as capture stores it: its fields, and the provenance of each value."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.capture.rules.consent import ConsentChange
from services.capture.rules.contact import ADDRESSES

_TICK = timedelta(microseconds=1)


class Provenance(NamedTuple):
    """When a value was submitted or entered, and whether a human entered it."""

    time: datetime
    human: bool = False


@dataclass(slots=True, eq=False)
class Lead:
    """One lead: itself, whatever its fields. Rules change it in place and return the names of the fields that changed.

    A field's name is one of `FIELDS`, `attributes.<name>` or `consent.<part>`. A value without an entry in `provenance`
    was submitted at `as_of`. `updated_on` is the time of the lead's last event; the times of its events rise with their
    versions.
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
    provenance: dict[str, Provenance] = field(default_factory=dict)
    merged_into: UUID | None = None
    merge_version: int = 0
    phone_first: bool = False
    """Whether it is the first lead with its phone: a unique index allows only one."""
    unsaved: bool = False
    """Whether it differs from its stored row."""
    left_address: bool = False
    """Whether its stored row has an e-mail or a phone that it has no more."""
    replaced: dict[str, Any] = field(default_factory=dict)
    """The values that were replaced since the lead's last event, by the name of their field."""
    consent_changes: list[ConsentChange] = field(default_factory=list)
    """The changes of its consent that are not stored yet."""

    @property
    def key(self) -> tuple[str, UUID]:
        return (self.tenant, self.lead_id)

    @property
    def email(self) -> str | None:
        return self.fields.get("email")

    @property
    def phone(self) -> str | None:
        return self.fields.get("phone")

    def provenance_of(self, name: str) -> Provenance | None:
        """The provenance of a field, also of one that a human cleared; None for a field that never had a value."""
        if (provenance := self.provenance.get(name)) is not None:
            return provenance
        return Provenance(self.as_of) if self.value_of(name) is not None else None

    def value_of(self, name: str) -> Any:
        """The value of a field; None where it has none."""
        values, key = self._place_of(name)
        return values.get(key)

    def set_value(self, name: str, value: Any) -> None:
        """Set a field; None clears it."""
        values, key = self._place_of(name)
        self.remember(name)
        self.left_address = self.left_address or (name in ADDRESSES and key in values)
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value

    def remember(self, name: str) -> None:
        """Remember the present value of a field that is about to change, for the event that says so."""
        if name not in self.replaced and (present := self.value_of(name)) is not None:
            self.replaced[name] = present

    def take_replaced(self, names: Iterable[str]) -> dict[str, Any]:
        """The replaced values of the fields named, as `lead.updated` has them in `before`; they are forgotten here."""
        before: dict[str, Any] = {}
        for name in names:
            if name in self.replaced:
                group, dot, key = name.partition(".")
                if dot:
                    before.setdefault(group, {})[key] = self.replaced[name]
                else:
                    before[name] = self.replaced[name]
        self.replaced.clear()
        return before

    def _place_of(self, name: str) -> tuple[dict[str, Any], str]:
        """The dictionary that holds a field, and its key there."""
        group, dot, key = name.partition(".")
        if not dot:
            return self.fields, name
        return (self.attributes if group == "attributes" else self.consent), key

    def next_version(self, time: datetime) -> None:
        """Count a change. The time of its event is `time`, or just after the lead's last event if that is later."""
        self.version += 1
        self.updated_on = max(time, self.updated_on + _TICK)
        self.unsaved = True


def changed_fields(names: Iterable[str]) -> list[str]:
    """The top-level names of changed fields, as `lead.updated` has them in `changed`."""
    return sorted({name.partition(".")[0] for name in names})
