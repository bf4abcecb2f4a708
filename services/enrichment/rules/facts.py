"""Facts from the contact fields of a lead, and how the findings of several providers become the facts of a lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.enrichment.rules import titles
from services.enrichment.rules.shared_hosts import is_shared, is_shared_by_name
from shared import mail_addresses

FACT_FIELDS = ("email", "phone", "company", "job_title", "website", "country", "timezone")
"""The contact fields that facts are made from."""


@dataclass(frozen=True, slots=True)
class Phone:
    """What the numbering plan knows about a phone number: country (ISO 3166), type, time zones."""

    country: str | None
    type: str | None
    timezones: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """The lead that a provider is asked about: its contact fields, and reference data about its phone and country."""

    fields: Mapping[str, str]
    phone: Phone | None = None
    country_code: str | None = None
    """The ISO 3166 code of the country field."""
    zones: Mapping[str, str] | None = None
    """The time zone of each country where (nearly) all people use the same one."""

    @property
    def company_domain(self) -> str | None:
        """The company's registrable domain: that of the e-mail address, or else that of the website.

        None where they say nothing of a company: a free mail provider, a page at a social network or a site builder.
        """
        domain = mail_addresses.domain_of(self.fields.get("email"))
        if domain and not mail_addresses.is_free(domain) and not is_shared_by_name(domain):
            return mail_addresses.registrable(domain)
        return company_domain_of(self.fields.get("website"))


STATED = 0.9
"""The confidence in what the lead itself, or the tenant, has stated."""
SURE = 0.5
"""Below this, a value is a guess."""
GUESS = 0.3
"""In what is derived: a name from a domain, a country from a phone number."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The value of a fact, its source, how sure it is (0 to 1), and when it was fetched (None: just now)."""

    value: Any
    source: str
    confidence: float = STATED
    fetched_at: datetime | None = None

    @property
    def guess(self) -> bool:
        """A guess gives way to the value of a later provider that is not a guess."""
        return self.confidence < SURE


Findings = dict[str, Finding]


def join_findings(findings: Sequence[Findings]) -> Findings:
    """The facts of a chain: the value of the earlier provider wins, unless it is a guess."""
    joined: Findings = {}
    for found in findings:
        for name, finding in found.items():
            if name not in joined or (joined[name].guess and not finding.guess):
                joined[name] = finding
    return joined


def local_findings(subject: Subject) -> Findings:
    """The facts that follow from the lead's contact fields alone."""
    found: Findings = {}
    _mail(subject, found)
    _phone(subject, found)
    _person(subject, found)
    _company(subject, found)
    _place(subject, found)
    return found


def _mail(subject: Subject, found: Findings) -> None:
    domain = mail_addresses.domain_of(subject.fields.get("email"))
    if domain:
        found["email_free"] = Finding(mail_addresses.is_free(domain), "local:email")
        found["email_disposable"] = Finding(mail_addresses.is_disposable(domain), "local:email")
        found["email_role"] = Finding(mail_addresses.is_role_mailbox(subject.fields["email"]), "local:email")


def _phone(subject: Subject, found: Findings) -> None:
    if subject.phone and subject.phone.country:
        found["phone_country"] = Finding(subject.phone.country, "local:phone")
    if subject.phone and subject.phone.type:
        found["phone_type"] = Finding(subject.phone.type, "local:phone")


def _person(subject: Subject, found: Findings) -> None:
    title = subject.fields.get("job_title") or ""
    for name, value in (("seniority", titles.seniority(title)), ("department", titles.department(title))):
        if value:
            found[name] = Finding(value, "local:job_title")


def _company(subject: Subject, found: Findings) -> None:
    domain = subject.company_domain
    company = (subject.fields.get("company") or "").strip()
    if domain:
        by_mail = domain == mail_addresses.registrable(mail_addresses.domain_of(subject.fields.get("email")) or "")
        found["company_domain"] = Finding(domain, "local:email" if by_mail else "local:website")
    if company:
        found["company_name"] = Finding(company, "local:company")
    elif domain:
        found["company_name"] = Finding(_name_of(domain), "local:company_domain", confidence=GUESS)


def _place(subject: Subject, found: Findings) -> None:
    phone, domain = subject.phone, subject.company_domain
    if subject.country_code:
        found["country"] = Finding(subject.country_code, "local:country")
    elif phone and phone.country:
        found["country"] = Finding(phone.country, "local:phone", confidence=GUESS)
    elif domain and mail_addresses.country_of_domain(domain):
        found["country"] = Finding(mail_addresses.country_of_domain(domain), "local:company_domain", confidence=GUESS)
    country = found.get("country")
    given = subject.fields.get("timezone")
    zone = (subject.zones or {}).get(country.value) if country else None
    if given:
        found["timezone"] = Finding(given, "local:timezone")
    elif phone and len(phone.timezones) == 1 and (not country or country.value == phone.country):
        found["timezone"] = Finding(phone.timezones[0], "local:phone", confidence=GUESS)
    elif zone and country:
        found["timezone"] = Finding(zone, country.source, confidence=GUESS)


def company_domain_of(website: str | None) -> str | None:
    """The registrable domain of a web address; None if its host does not identify a company."""
    host = host_of(website)
    if host is None or mail_addresses.is_free(host) or is_shared(host):
        return None
    return mail_addresses.registrable(host)


def host_of(website: str | None) -> str | None:
    """The host of a web address, with or without a scheme; None if it is not a web address."""
    rest = (website or "").strip().partition("://")[2] or (website or "").strip()
    host = rest.partition("/")[0].rpartition("@")[2].partition(":")[0].partition("?")[0].strip(". ").lower()
    host = host.removeprefix("www.")
    return host if "." in host and " " not in host and not host.replace(".", "").isdigit() else None


def _name_of(domain: str) -> str:
    """A readable company name from a domain: `acme-tools.de` becomes Acme Tools."""
    return " ".join(part.capitalize() for part in domain.partition(".")[0].split("-") if part)
