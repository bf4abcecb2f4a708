from typing import Any

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from services.capture.gateways.contact_details import OfflineContactNormaliser
from services.capture.rules.contact import normalise
from tests.unit.capture.builders import NOON, NORMALISER, a_contact, messages


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("  ada@example.com ", "ada@example.com"),
        ("mailto:ada@example.com", "ada@example.com"),
        ("Ada Lovelace <ada@example.com>", "ada@example.com"),
        ("ada+news@firm.example", "ada+news@firm.example"),
        ("ü@bücher.example", "ü@bücher.example"),
    ],
)
def test_an_email_has_one_normal_form(given, normal):
    assert a_contact(email=given).email == normal


@pytest.mark.parametrize("given", ["ada", "ada@", "@example.com", "a b@example.com", "ada@localhost", "a@b..example"])
def test_a_bad_email_is_refused_without_being_repeated(given):
    contact, errors = normalise({"source": "web", "email": given}, NORMALISER)
    assert contact is None
    assert [error.field for error in errors] == ["email"]
    assert given not in errors[0].message
    assert errors[0].value == given


@pytest.mark.parametrize(
    ("given", "country", "normal", "mobile"),
    [
        ("+49 151 234 56789", None, "+4915123456789", True),
        ("0151 23456789", "DE", "+4915123456789", True),
        ("0049 151 23456789", None, "+4915123456789", True),
        ("(030) 123456", "Germany", "+4930123456", False),
        ("(202) 555-0143", "US", "+12025550143", True),
        ("+1 (555) 123-4567", None, "+15551234567", True),
        ("+44 7700 900123", None, "+447700900123", True),
        ("020 7946 0958", "GB", "+442079460958", False),
        ("06 12 34 56 78", "FR", "+33612345678", True),
    ],
)
def test_a_phone_has_one_normal_form_read_with_the_country_of_the_lead(given, country, normal, mobile):
    contact = a_contact(phone=given, country=country)
    assert contact.phone == normal
    assert contact.mobile is mobile


def test_a_national_phone_needs_a_country():
    _, errors = normalise({"source": "web", "phone": "0151 23456789"}, NORMALISER)
    assert "country" in messages(errors)["phone"]


@pytest.mark.parametrize("given", ["garbage", "12345", "+49 1", "++"])
def test_a_bad_phone_is_refused(given):
    contact, errors = normalise({"source": "web", "phone": given, "country": "DE"}, NORMALISER)
    assert contact is None
    assert list(messages(errors)) == ["phone"]


def test_a_bad_phone_beside_a_good_email_is_left_out_and_reported():
    contact, errors = normalise({"source": "web", "phone": "nonsense", "email": "ada@acme.example"}, NORMALISER)
    assert contact is not None
    assert contact.fields == {"email": "ada@acme.example"}
    assert list(messages(errors)) == ["phone"]


def test_a_bad_email_beside_a_good_phone_is_left_out_and_reported():
    contact, errors = normalise({"source": "web", "phone": "+12025550143", "email": "nonsense"}, NORMALISER)
    assert contact is not None
    assert contact.fields == {"phone": "+12025550143"}
    assert list(messages(errors)) == ["email"]


def test_without_any_address_there_is_no_lead():
    contact, errors = normalise({"source": "web", "first_name": "Ada", "email": " "}, NORMALISER)
    assert contact is None
    assert messages(errors) == {"email": "at least one of email and phone is needed"}


def test_without_a_source_there_is_no_lead():
    contact, errors = normalise({"email": "ada@acme.example"}, NORMALISER)
    assert contact is None
    assert messages(errors) == {"source": "is missing"}


@pytest.mark.parametrize(
    ("given", "code"),
    [("de", "DE"), ("Germany", "DE"), ("Deutschland", "DE"), ("USA", "US"), ("U.K.", "GB"), ("日本", "JP")],
)
def test_a_country_becomes_its_iso_code(given, code):
    assert a_contact(country=given).fields["country"] == code


def test_a_phone_whose_country_cannot_be_read_is_not_taken_as_one_of_the_default_region():
    german = OfflineContactNormaliser("DE")
    contact, errors = normalise({"source": "web", "phone": "0612345678", "country": "Morroco"}, german)
    assert contact is None
    assert set(messages(errors)) == {"country", "phone"}
    contact, _ = normalise({"source": "web", "phone": "+212612345678", "country": "Morroco"}, german)
    assert contact is not None and contact.phone == "+212612345678"
    contact, _ = normalise({"source": "web", "phone": "0151 23456789"}, german)
    assert contact is not None and contact.phone == "+4915123456789"


def test_an_unknown_country_is_left_out():
    contact, errors = normalise({"source": "web", "email": "ada@acme.example", "country": "Atlantis"}, NORMALISER)
    assert contact is not None
    assert "country" not in contact.fields
    assert list(messages(errors)) == ["country"]


@pytest.mark.parametrize(
    ("given", "zone"), [("europe/berlin", "Europe/Berlin"), ("America/New York", "America/New_York")]
)
def test_a_time_zone_is_an_iana_name(given, zone):
    assert a_contact(timezone=given).fields["timezone"] == zone


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("Acme.example", "https://acme.example"),
        ("HTTP://Acme.example/", "http://acme.example"),
        ("https://acme.example/Team?x=1", "https://acme.example/Team?x=1"),
        ("acme.example:8443", "https://acme.example:8443"),
    ],
)
def test_a_website_has_a_scheme_and_a_lower_case_host(given, normal):
    assert a_contact(website=given).fields["website"] == normal


@pytest.mark.parametrize(
    "given", ["ftp://acme.example", "n/a", "http://user@acme.example", "https://127.0.0.1", "http://[::1"]
)
def test_an_invalid_web_address_is_left_out(given):
    assert "website" not in a_contact(website=given).fields


def test_text_loses_control_characters_and_double_spaces():
    contact = a_contact(first_name=" A\u0000d\ta\n ", company="Acme  \u0007 Ltd", last_name="Lovela\u0301ce")
    assert contact.fields["first_name"] == "Ad a"
    assert contact.fields["company"] == "Acme Ltd"
    assert contact.fields["last_name"] == "Loveláce"


def test_attributes_keep_their_types_and_lose_what_the_database_refuses():
    contact = a_contact(attributes={"n": 5, "deep": {"list": [1.5, None, "a\u0000b"]}, "big": 2**70, "yes": True})
    assert contact.attributes == {"n": 5, "deep": {"list": [1.5, None, "ab"]}, "big": str(2**70), "yes": True}


def test_a_thousand_attributes_are_too_many():
    contact, errors = normalise(
        {"source": "web", "email": "ada@acme.example", "attributes": {str(n): n for n in range(1_000)}}, NORMALISER
    )
    assert contact is None
    assert list(messages(errors)) == ["attributes"]


def test_an_unknown_consent_counts_as_absent():
    assert a_contact(consent={"email": "unknown"}).consent is None
    consent = a_contact(consent={"email": "yes", "sms": "unknown", "basis": "contract", "at": NOON.isoformat()}).consent
    assert consent is not None
    assert consent.channels == {"email": "granted"}
    assert (consent.basis, consent.at) == ("contract", NOON)


def test_consent_with_an_invalid_time_is_refused():
    contact, errors = normalise(
        {"source": "web", "email": "ada@acme.example", "consent": {"email": "granted", "at": "yesterday"}}, NORMALISER
    )
    assert contact is None
    assert list(messages(errors)) == ["consent.at"]


@given(st.one_of(st.emails(), st.from_regex(r"\A[a-z0-9.+_-]{1,12}@(xn--)?[a-z0-9.-]{1,20}\Z")))
def test_the_shortcut_for_plain_emails_decides_like_the_library(text):
    try:
        expected = validate_email(text, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        with pytest.raises(ValueError, match=r"\w"):
            NORMALISER.email(text)
    else:
        assert NORMALISER.email(text) == expected


@pytest.mark.parametrize(
    ("given", "country", "number"),
    [
        ("491602229999", "DE", "+491602229999"),
        ("46701234567", "SE", "+46701234567"),
        ("46 70 123 45 67", "SE", "+46701234567"),
        ("436641234567", "AT", "+436641234567"),
        ("447911123456", "GB", "+447911123456"),
        ("491602229999.0", "DE", "+491602229999"),
        ("0049 160 2229999", "US", "+491602229999"),
        ("0160 2229999", "DE", "+491602229999"),
        ("+52 1 55 1234 5678", None, "+525512345678"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("+55 11 8765 4321", None, "+5511987654321"),
        ("1187654321", "BR", "+5511987654321"),
    ],
)
def test_a_phone_is_the_one_that_was_meant(given, country, number):
    raw = {"source": "web", "phone": given} | ({"country": country} if country else {})
    contact, errors = normalise(raw, NORMALISER)
    assert contact is not None
    assert (contact.phone, contact.mobile, errors) == (number, True, [])


def test_a_phone_that_can_be_read_in_two_ways_is_taken_with_a_doubt():
    contact, errors = normalise({"source": "web", "phone": "4921 818180", "country": "DE"}, NORMALISER)
    assert contact is not None
    assert contact.phone == "+494921818180"
    assert "calling code" in messages(errors)["phone"]


def test_a_phone_that_a_spreadsheet_has_shortened_is_no_phone():
    contact, errors = normalise({"source": "web", "phone": "4.91602E+11", "country": "DE"}, NORMALISER)
    assert contact is None
    assert "shortened by a spreadsheet" in messages(errors)["phone"]


@pytest.mark.parametrize("depth", [33, 200, 254, 400])
def test_attributes_that_are_nested_too_deeply_are_refused_with_the_field(depth):
    deep: Any = 1
    for _ in range(depth - 1):
        deep = [deep]
    contact, errors = normalise({"source": "web", "email": "ada@acme.example", "attributes": {"a": deep}}, NORMALISER)
    assert contact is None
    assert messages(errors) == {"attributes": "is nested more than 32 levels deep"}
