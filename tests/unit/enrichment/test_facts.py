from typing import Any

import pytest

from services.enrichment.gateways.reference_data import phone_of, subject_of
from services.enrichment.rules import GUESS, Finding, join_findings, local_findings
from shared.mail_addresses import country_of_domain, is_disposable, is_free, registrable


def facts(**fields: str) -> dict[str, Any]:
    return {name: finding.value for name, finding in local_findings(subject_of(fields)).items()}


def test_a_lead_with_a_company_mail_a_phone_and_a_title() -> None:
    fields = {
        "email": "eva@vertrieb.acme-tools.de",
        "phone": "+491701234567",
        "job_title": "Leiterin Einkauf",
    }
    assert facts(**fields) == {
        "email_free": False,
        "email_disposable": False,
        "email_role": False,
        "phone_country": "DE",
        "phone_type": "mobile",
        "seniority": "head",
        "department": "procurement",
        "timezone": "Europe/Berlin",
        "company_name": "Acme Tools",
        "company_domain": "acme-tools.de",
        "country": "DE",
    }


def test_a_lead_without_contact_fields_gets_no_facts() -> None:
    assert facts() == {}


def test_a_free_mail_domain_does_not_identify_a_company() -> None:
    assert facts(email="x@gmail.com") == {"email_free": True, "email_disposable": False, "email_role": False}


def test_the_website_identifies_the_company_where_the_mail_does_not() -> None:
    found = facts(email="x@gmail.com", website="https://www.shop.acme.co.uk:8443/path?q=1", company="Acme Ltd")
    assert (found["company_domain"], found["company_name"], found["country"]) == ("acme.co.uk", "Acme Ltd", "GB")
    assert found["timezone"] == "Europe/London"


@pytest.mark.parametrize(
    "fields",
    [
        {"website": "https://www.linkedin.com/in/ada-lovelace"},
        {"website": "de.linkedin.com/company/acme", "email": "ada@gmail.com"},
        {"website": "https://www.google.com/maps/place/Acme"},
        {"website": "https://linktr.ee/acme"},
        {"website": "https://ada.wixsite.com/acme"},
        {"website": "acme.github.io"},
        {"website": "https://acme.uk.com"},
        {"email": "ada@acme.onmicrosoft.com"},
    ],
)
def test_a_host_that_many_share_identifies_no_company(fields: dict[str, str]) -> None:
    assert not {"company_domain", "company_name"} & facts(**fields).keys()


def test_the_company_that_such_a_host_belongs_to_is_one() -> None:
    assert facts(email="jo@linkedin.com")["company_domain"] == "linkedin.com"
    assert facts(website="https://www.squarespace.com/about")["company_domain"] == "squarespace.com"
    assert facts(website="https://notlinkedin.com")["company_domain"] == "notlinkedin.com"


def test_a_phone_number_of_no_country_says_none() -> None:
    found = facts(phone="+80012345678")
    assert (found["phone_type"], "phone_country" in found, "country" in found) == ("toll_free", False, False)


def test_the_leads_own_country_and_time_zone_win_over_those_of_its_phone() -> None:
    found = facts(phone="+491701234567", country="Austria", timezone="Europe/Vienna")
    assert (found["country"], found["timezone"], found["phone_country"]) == ("AT", "Europe/Vienna", "DE")


def test_no_time_zone_is_guessed_for_a_country_with_many() -> None:
    assert "timezone" not in facts(country="US")
    assert facts(phone="+14155552671")["timezone"] == "America/Los_Angeles"
    assert "timezone" not in facts(phone="+18005551234")


def test_the_time_zone_follows_the_country_and_not_a_phone_from_elsewhere() -> None:
    assert facts(country="FR", phone="+491701234567")["timezone"] == "Europe/Paris"


@pytest.mark.parametrize(
    "domain", ["gmail.com", "gmx.de", "yahoo.co.uk", "hotmail.fr", "web.de", "qq.com", "orange.fr"]
)
def test_free_mail_providers_are_known_under_many_endings(domain: str) -> None:
    assert is_free(domain) and not is_disposable(domain)


@pytest.mark.parametrize("domain", ["mailinator.com", "x.mailinator.com", "yopmail.fr", "10minutemail.com"])
def test_a_disposable_domain_is_free_too(domain: str) -> None:
    assert is_disposable(domain) and is_free(domain)


@pytest.mark.parametrize("domain", ["acme.de", "outlook-consulting.com", "yahoo.acme.de.com", "notgmail.com"])
def test_a_company_with_a_similar_name_is_not_a_mail_provider(domain: str) -> None:
    assert not is_free(domain)


def test_the_registrable_domain_keeps_endings_of_two_parts() -> None:
    assert [registrable(host) for host in ("a.b.acme.de", "shop.acme.com.br", "acme.de", "www.acme.co.jp")] == [
        "acme.de",
        "acme.com.br",
        "acme.de",
        "acme.co.jp",
    ]


def test_endings_that_are_used_everywhere_indicate_no_country() -> None:
    assert [country_of_domain(domain) for domain in ("acme.io", "acme.com", "acme.uk", "acme.it")] == [
        None,
        None,
        "GB",
        "IT",
    ]


def test_a_text_that_is_not_an_international_number_gives_no_phone_details() -> None:
    assert phone_of("0170 1234567") is None
    assert phone_of("call me") is None
    assert phone_of(None) is None


def test_the_earlier_value_wins_unless_it_is_a_guess() -> None:
    first = {"company_name": Finding("Acme", "local", GUESS), "country": Finding("DE", "local")}
    second = {"company_name": Finding("Acme GmbH", "directory"), "country": Finding("AT", "directory")}
    third = {"company_name": Finding("ACME", "other"), "employees": Finding(7, "other")}
    joined = join_findings([first, second, third])
    assert {name: finding.value for name, finding in joined.items()} == {
        "company_name": "Acme GmbH",
        "country": "DE",
        "employees": 7,
    }


@pytest.mark.parametrize(
    ("email", "role"),
    [
        ("info@acme.example", True),
        ("Sales+fair@acme.example", True),
        ("vertrieb-de@acme.example", True),
        ("kontakt2@acme.example", True),
        ("ada.king@acme.example", False),
        ("infomann@acme.example", False),
    ],
)
def test_a_mailbox_of_a_role_is_known_as_such(email, role):
    assert facts(email=email)["email_role"] is role
