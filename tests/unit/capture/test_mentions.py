"""What is kept as it arrived is about a person, or about somebody whose address looks alike."""

import json

import pytest

from services.capture.rules.mentions import Person, Phone, spellings_of_domain, without_items
from tests.processor_time import processor_seconds
from tests.unit.capture.builders import NORMALISER, a_lead


def a_person(*, shared=False, **lead):
    lead = a_lead(**lead)
    phones = [Phone(lead.phone, NORMALISER.national_number(lead.phone), shared)] if lead.phone else []
    return Person([lead], frozenset(spellings_of_domain(lead.email)) if lead.email else frozenset(), phones)


LEE = a_person(email="lee@acme.com", first_name="Lee")


@pytest.mark.parametrize(
    "content",
    [
        "lee@acme.com",
        "x,LEE@Acme.com,y",
        "Write to lee@acme.com.",
        "'lee@acme.com",
        '{"mail": "\\nlee@acme.com"}',
        '{"mail": "\\u003clee@acme.com\\u003e"}',
        "mail=lee%40acme.com&name=x",
        "mail=%3Clee%40acme.com%3E",
    ],
)
def test_an_email_is_found_where_it_stands_as_a_whole(content):
    assert LEE.is_in(content.encode())


@pytest.mark.parametrize(
    "content",
    [
        "ashlee@acme.com",
        "ash.lee@acme.com",
        "ash+lee@acme.com",
        "o'lee@acme.com",
        "lee@acme.com.au",
        "lee@acme.community",
        "lee@acme.com-fr.com",
        "élee@acme.com",
        "mail=ash%2Blee%40acme.com",
        '{"mail": "\\u00e9lee@acme.com"}',
    ],
)
def test_an_email_is_not_found_in_a_longer_one(content):
    assert not LEE.is_in(content.encode())


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("+4741234567", "41 23 45 67,NO"),
        ("+4741234567", "+47 41234567"),
        ("+4930901820", "030 901820"),
        ("+4930901820", "+49 (0)30 / 901820"),
        ("+4930901820", "0049 30 90 18 20"),
        ("+37251234567"[:12], "5123 4567"[:9]),
        ("+4915123456789", "x;0151-234 567 89"),
        ("+4915123456789", '{"call": "+49\\u00a0151\\u00a0234 56-789"}'),
        ("+4915123456789", "call=%2B49%20151%2023456789"),
        ("+6591234567", "room 5 91234567"),
    ],
)
def test_a_phone_is_found_in_any_spelling(number, written):
    assert a_person(phone=number).is_in(written.encode())


@pytest.mark.parametrize("written", ["46412345678", "+46 41234567", "1412345679", "41234567@acme.com", "4123,4567"])
def test_a_short_phone_is_not_found_in_another_number(written):
    assert not a_person(phone="+4741234567").is_in(written.encode())


def test_a_phone_beside_another_email_or_of_many_leads_says_nothing_by_itself():
    lee = {"phone": "+442071838750", "first_name": "Lee"}
    assert not a_person(**lee).is_in(b"bob@acme.com,020 7183 8750")
    assert a_person(**lee).is_in(b"020 7183 8750")
    assert not a_person(**lee, shared=True).is_in(b"020 7183 8750,Bob")
    assert a_person(**lee, shared=True).is_in(b"020 7183 8750,Lee")


def test_a_row_is_the_person_s_by_its_own_address():
    lee = a_person(email="lee@acme.com", phone="+442071838750", first_name="Lee")
    assert lee.is_row({"email": "lee@acme.com"})
    assert not lee.is_row({"email": "bob@acme.com", "phone": "+442071838750"})
    assert lee.is_row({"phone": "+442071838750"})
    assert not lee.is_row({"phone": "+442071838750", "first_name": "Bob"})
    assert lee.is_row({"company": "Acme"}) is None


def test_one_item_is_taken_out_of_a_body_of_many():
    people = [{"mail": f"{name}@acme.com"} for name in ("ashlee", "lee", "bob")]
    for body in (people, {"batch": {"people": people}}, [{"batch": people}]):
        rest, theirs = without_items(json.dumps(body).encode(), LEE)
        assert json.loads(theirs) == [{"mail": "lee@acme.com"}]
        assert json.loads(rest) == json.loads(json.dumps(body).replace(', {"mail": "lee@acme.com"}', ""))


def test_a_body_of_one_person_is_not_divided():
    answers = [{"q": "mail", "a": "lee@acme.com"}, {"q": "size", "a": "10"}]
    for body in ({"name": "Lee", "answers": answers}, {"by": "lee@acme.com", "mails": [{"to": "b@b.example"}]}):
        content = json.dumps(body).encode()
        assert without_items(content, LEE) == (None, content)
    assert without_items(b"no JSON: lee@acme.com", LEE) == (None, b"no JSON: lee@acme.com")


def test_a_body_that_is_nested_too_deeply_is_the_persons_as_a_whole():
    for begins, ends in (("[", "]"), ('{"a":', "}")):
        content = (begins * 3_000 + '"lee@acme.com"' + ends * 3_000).encode()
        assert LEE.is_in(content) and without_items(content, LEE) == (None, content)


def test_many_digits_cost_little():
    content = (b"1 7 0 4 " * 30_000) + b"0151-234 567 89"
    lee = a_person(phone="+4915123456789")
    assert lee.is_in(content) and not lee.is_in(content[:-3])
    assert processor_seconds(lambda: lee.is_in(content)) < 0.5


def test_a_domain_with_a_sharp_s_is_not_the_one_with_two():
    assert spellings_of_domain("ada@straße.example") == {"ada@straße.example", "ada@xn--strae-oqa.example"}
    assert spellings_of_domain("ada@a_b.exämple") == {"ada@a_b.exämple"}
