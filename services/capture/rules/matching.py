"""Which lead a submission is about: a new one, a known one, or a new one that may be the same person as another.

| what is the same | decision |
|---|---|
| source and external id | that lead |
| e-mail | that lead |
| mobile phone, one side (or both) without e-mail, names do not differ | that lead |
| the phone otherwise; an e-mail that another lead has; name and company | a pair for review |
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from services.capture.rules.contact import Contact
from services.capture.rules.lead import Lead
from services.capture.rules.names import names_agree

K = TypeVar("K")

MOST_PAIRS = 3
"""A switchboard's number may stand on hundreds of leads: a new one is paired with the oldest few only."""

_SCORES = {"same_email": 0.9, "same_phone": 0.6, "same_name_and_company": 0.5}


class Reason(StrEnum):
    """Why two leads may be one person."""

    SAME_EMAIL = "same_email"
    SAME_PHONE = "same_phone"
    SAME_NAME_AND_COMPANY = "same_name_and_company"
    NAMES_AGREE = "names_agree"
    NAMES_DIFFER = "names_differ"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two leads for review; `score` from 0 to 1 says how likely they are one person."""

    tenant: str
    lead_ids: tuple[UUID, UUID]
    score: float
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Match:
    """The known lead, if any; the leads that look alike; the fields that may not be taken over."""

    lead: Lead | None
    alike: list[tuple[Lead, Reason]] = field(default_factory=list)
    without: tuple[str, ...] = ()


class Book:
    """The leads that a batch may be about, by what they are known by. It follows what the batch does to them."""

    def __init__(self, leads: Iterable[Lead], identities: Mapping[tuple[str, str, str], UUID]) -> None:
        self.leads: dict[tuple[str, UUID], Lead] = {}
        self._email: dict[tuple[str, str], list[Lead]] = {}
        self._phone: dict[tuple[str, str], list[Lead]] = {}
        self._alike: dict[tuple[str, int], list[Lead]] = {}
        for lead in sorted(leads, key=lambda lead: (lead.created_on, lead.lead_id)):
            self.add(lead)
        self._external = {key: lead_id for key, lead_id in identities.items() if (key[0], lead_id) in self.leads}

    def add(self, lead: Lead) -> None:
        self.leads[lead.key] = lead
        self._index(lead)

    def _index(self, lead: Lead) -> None:
        if lead.email is not None:
            _enter(self._email, (lead.tenant, lead.email), lead)
        if lead.phone is not None:
            _enter(self._phone, (lead.tenant, lead.phone), lead)
        if lead.likeness is not None:
            _enter(self._alike, (lead.tenant, lead.likeness), lead)

    def identify(self, tenant: str, contact: Contact, lead: Lead) -> bool:
        """Remember the external id; False when it was known already."""
        if contact.external_id is None:
            return False
        key = (tenant, contact.source, contact.external_id)
        known = self._external.get(key) is not None
        self._external.setdefault(key, lead.lead_id)
        return not known

    def changed(self, lead: Lead) -> None:
        """Follow a changed address: the old one no longer leads here."""
        self._index(lead)

    def standing(self, lead: Lead | None) -> Lead | None:
        """The lead that an alias stands for."""
        while lead is not None and lead.merged_into is not None:
            lead = self.leads.get((lead.tenant, lead.merged_into))
        return lead

    def by_email(self, tenant: str, email: str | None) -> Lead | None:
        if email is None:
            return None
        holders = [lead for lead in self._email.get((tenant, email), ()) if lead.email == email]
        holders.sort(key=lambda lead: lead.merged_into is not None)
        return self.standing(holders[0]) if holders else None

    def by_phone(self, tenant: str, phone: str | None) -> list[Lead]:
        """The leads with this phone, the oldest first; an alias counts as the lead it stands for."""
        if phone is None:
            return []
        found: list[Lead] = []
        for holder in self._phone.get((tenant, phone), ()):
            lead = self.standing(holder)
            if holder.phone == phone and lead is not None and lead not in found:
                found.append(lead)
        return found

    def phone_is_free(self, tenant: str, phone: str | None) -> bool:
        """Whether no lead is marked as the first with this phone."""
        holders = self._phone.get((tenant, phone), ()) if phone else ()
        return not any(lead.phone_first and lead.phone == phone for lead in holders)

    def match(self, tenant: str, contact: Contact) -> Match:
        """Which lead the submission is about; see the table above."""
        found: Lead | None = None
        if contact.external_id is not None:
            lead_id = self._external.get((tenant, contact.source, contact.external_id))
            found = self.standing(self.leads.get((tenant, lead_id))) if lead_id else None
        mail = self.by_email(tenant, contact.email)
        if found is not None and mail is not None and mail is not found:
            return Match(found, [(mail, Reason.SAME_EMAIL)], without=("email",))
        found = found or mail
        phones = self.by_phone(tenant, contact.phone)
        if found is None:
            found = next((lead for lead in phones if _same_person(lead, contact)), None)
        if found is not None:
            if found.phone == contact.phone:
                return Match(found)
            return Match(found, [(lead, Reason.SAME_PHONE) for lead in phones if lead is not found][:MOST_PAIRS])
        alike = [(lead, Reason.SAME_PHONE) for lead in phones]
        if contact.likeness is not None:
            known = {lead.lead_id for lead in phones}
            others = (self.standing(lead) for lead in self._alike.get((tenant, contact.likeness), ()))
            alike += [
                (lead, Reason.SAME_NAME_AND_COMPANY)
                for lead in others
                if lead is not None and lead.lead_id not in known and lead.likeness == contact.likeness
            ]
        return Match(None, alike[:MOST_PAIRS])


def _enter(index: dict[K, list[Lead]], key: K, lead: Lead) -> None:
    holders = index.setdefault(key, [])
    if lead not in holders:
        holders.append(lead)


def _same_person(lead: Lead, contact: Contact) -> bool:
    """Whether the same phone makes a submission the same person; the e-mails are not the same.

    A desk may be shared by many, a mobile hardly ever; where a side gives no name, none speaks against it.
    """
    one_without_email = lead.email is None or contact.email is None
    return contact.mobile and one_without_email and names_agree(lead.fields, contact.fields) is not False


def pair_of(lead: Lead, other: Lead, reason: Reason) -> Pair:
    """The pair of two leads that look alike, with a score and all reasons."""
    score, reasons = _SCORES[reason], [reason]
    agree = names_agree(lead.fields, other.fields)
    if reason is not Reason.SAME_NAME_AND_COMPANY and agree is not None:
        reasons.append(Reason.NAMES_AGREE if agree else Reason.NAMES_DIFFER)
        score += 0.25 if agree else -0.25
    a, b = sorted((lead.lead_id, other.lead_id))
    return Pair(lead.tenant, (a, b), round(min(score, 1.0), 2), tuple(reasons))
