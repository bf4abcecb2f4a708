"""Which lead a submission is about: a known one, or a new one that may be the same person as another.

| what is the same | decision |
|---|---|
| source and external id | that lead |
| e-mail | that lead |
| mobile phone, one side (or both) without e-mail, names do not differ | that lead |
| any other phone; an e-mail that another lead has | a pair for review |

Other likenesses are found after capture (`likeness`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal
from uuid import UUID

from services.capture.rules.contact import ADDRESSES, Contact, spellings_of
from services.capture.rules.lead import Lead
from services.capture.rules.likeness import likeness
from services.capture.rules.names import names_agree
from services.capture.rules.profiles import profile_of
from shared.ids import LeadKey

MOST_HOLDERS = 50
"""Leads with its mobile that a submission is compared with, the oldest: a family or a shop may share one."""
MOST_PAIRS = 3
"""A switchboard's number may belong to hundreds of leads: a new lead makes pairs with the oldest few only."""


Address = Literal["email", "phone"]
"""A field of an address, such as the one that two leads share."""


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two leads for review. `score`: how likely they are one person, from 0 to 1; the reasons are for people."""

    tenant: str
    lead_ids: tuple[UUID, UUID]
    score: float
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Match:
    """The known lead, if any; the leads that are similar; the fields that the known lead must not take over."""

    lead: Lead | None
    similar: list[tuple[Lead, Address]] = field(default_factory=list)
    without: tuple[str, ...] = ()
    by: str = ""
    """What the known lead was found by: external id, e-mail or phone."""
    holder: Lead | None = None
    """Whose address it was found by: the known lead, or its alias. A new external id is the holder's."""


class LeadIndex:
    """The leads that a batch may be about, found by external id, e-mail and phone.

    The batch keeps it up to date: `add` for a new lead, `reindex` for a changed one.
    """

    def __init__(self, leads: Iterable[Lead], external_ids: Mapping[tuple[str, str, str], UUID]) -> None:
        self.leads: dict[LeadKey, Lead] = {}
        self._holders: dict[Address, dict[tuple[str, str], dict[UUID, Lead]]] = {"email": {}, "phone": {}}
        self._indexed: dict[tuple[LeadKey, Address], str | None] = {}
        self._first_with: dict[tuple[str, str], Lead] = {}
        self._aliases: dict[LeadKey, list[Lead]] = {}
        for lead in sorted(leads, key=lambda lead: (lead.created_on, lead.lead_id)):
            self.add(lead)
        self._external_ids = {key: id for key, id in external_ids.items() if (key[0], id) in self.leads}

    def add(self, lead: Lead) -> None:
        self.leads[lead.key] = lead
        if lead.merged_into is not None:
            self._aliases.setdefault((lead.tenant, lead.merged_into), []).append(lead)
        if lead.phone_first and lead.phone is not None:
            self._first_with[lead.tenant, lead.phone] = lead
        self.reindex(lead)

    def reindex(self, lead: Lead) -> None:
        """Index a lead by its present addresses, in the place of those that it had before."""
        for name in ADDRESSES:
            before, now = self._indexed.get((lead.key, name)), lead.fields.get(name)
            if before == now:
                continue
            if before is not None:
                del self._holders[name][lead.tenant, before][lead.lead_id]
            if now is not None:
                self._holders[name].setdefault((lead.tenant, now), {})[lead.lead_id] = lead
            self._indexed[lead.key, name] = now

    def add_external_id(self, tenant: str, contact: Contact, lead: Lead) -> bool:
        """Index a lead by the contact's external id; False when it has none, or it is known already."""
        if contact.external_id is None:
            return False
        key = (tenant, contact.source, contact.external_id)
        if key in self._external_ids:
            return False
        self._external_ids[key] = lead.lead_id
        return True

    def resolve_alias(self, lead: Lead | None) -> Lead | None:
        """The kept lead of an alias; any other lead itself."""
        while lead is not None and lead.merged_into is not None:
            lead = self.leads.get((lead.tenant, lead.merged_into))
        return lead

    def _with(self, tenant: str, name: Address, value: str | None) -> Iterator[Lead]:
        """The leads and aliases that have this e-mail or phone, the oldest of each spelling."""
        for spelling in _spellings(name, value):
            yield from islice(self._holders[name].get((tenant, spelling), {}).values(), MOST_HOLDERS)

    def by_email(self, tenant: str, email: str | None) -> Lead | None:
        """The lead with this e-mail; an alias counts as its kept lead, where no lead has it itself."""
        holders = self._with(tenant, "email", email)
        return self.resolve_alias(min(holders, key=lambda lead: lead.merged_into is not None, default=None))

    def by_phone(self, tenant: str, phone: str | None) -> list[Lead]:
        """The leads with this phone, the oldest first; an alias counts as its kept lead."""
        found: dict[UUID, Lead] = {}
        for holder in self._with(tenant, "phone", phone):
            if (lead := self.resolve_alias(holder)) is not None:
                found[lead.lead_id] = lead
        return list(found.values())

    def decide_phone_first(self, lead: Lead) -> None:
        """Set `phone_first` of a lead whose phone is new: true if it has a phone and is the first lead with it."""
        lead.phone_first = False
        if lead.phone is not None:
            first = self._first_with.setdefault((lead.tenant, lead.phone), lead)
            if not (first.phone_first and first.phone == lead.phone):
                lead.phone_first = True
                self._first_with[lead.tenant, lead.phone] = lead

    def match(self, tenant: str, contact: Contact) -> Match:
        """Which lead a submission is about; see the table above."""
        match = self._match(tenant, contact)
        if match.lead is not None:
            self._look_at_aliases(match, match.lead, contact)
        return match

    def _match(self, tenant: str, contact: Contact) -> Match:
        found: Lead | None = None
        if contact.external_id is not None:
            lead_id = self._external_ids.get((tenant, contact.source, contact.external_id))
            found = self.resolve_alias(self.leads.get((tenant, lead_id))) if lead_id else None
        by = "external id" if found is not None else "e-mail"
        with_email = self.by_email(tenant, contact.email)
        if found is not None and with_email is not None and with_email is not found:
            return Match(found, [(with_email, "email")], without=("email",), by=by)
        found = found or with_email
        with_phone = self.by_phone(tenant, contact.phone)
        if found is None:
            by, found = "phone", next((lead for lead in with_phone if _same_person(lead, contact)), None)
        if found is not None and found.phone == contact.phone:
            return Match(found, by=by)
        others: list[tuple[Lead, Address]] = [(lead, "phone") for lead in with_phone if lead is not found]
        return Match(found, others[:MOST_PAIRS], by=by if found is not None else "")

    def _look_at_aliases(self, match: Match, found: Lead, contact: Contact) -> None:
        """An address of the lead's alias is known of the lead already: it does not take the place of its own."""
        match.holder = found
        for name in reversed(ADDRESSES):
            spellings = _spellings(name, contact.fields.get(name))
            if found.fields.get(name) in spellings:
                match.holder = found
            elif own := [alias for alias in self._aliases.get(found.key, ()) if alias.fields.get(name) in spellings]:
                match.holder = own[0]
                if found.fields.get(name) is not None:
                    match.without += (name,)


def _spellings(name: Address, value: str | None) -> tuple[str, ...]:
    """The forms in which an e-mail or phone may be stored."""
    return () if value is None else spellings_of(value) if name == "phone" else (value,)


def most_holders(contact: Contact) -> int:
    """How many of the leads with its phone a submission is compared with: where none can be the same person, as many as
    it makes pairs with."""
    may_be_mobile = contact.mobile or len(_spellings("phone", contact.phone)) > 1
    return MOST_HOLDERS if may_be_mobile else MOST_PAIRS


def _same_person(lead: Lead, contact: Contact) -> bool:
    """Whether a submission with the lead's phone, but not with its e-mail, is about the same person.

    Many people may share the phone of a desk; hardly anybody shares a mobile. An absent name does not speak against it.
    """
    one_without_email = lead.email is None or contact.email is None
    # Of two spellings of one number, one is a mobile's.
    mobile = contact.mobile or (contact.phone is not None and lead.phone in spellings_of(contact.phone)[1:])
    return mobile and one_without_email and names_agree(lead.fields, contact.fields) is not False


def pair_of(lead: Lead, other: Lead, address: Address, value: str) -> DuplicatePair:
    """The pair of two leads that share an address, be it one that only a submission or an alias has."""
    one, two = (profile_of({**each.fields, address: value}, each.attributes) for each in (lead, other))
    a, b = sorted((lead.lead_id, other.lead_id))
    return DuplicatePair(lead.tenant, (a, b), *likeness([one], [two]))
