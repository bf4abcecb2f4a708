"""Templates that a human approved in advance: what they may contain, and which values fill them in."""

import pytest

from services.outreach.drafts.composer.sanitiser import plain_value
from services.outreach.sending.templates import ApprovedTemplate, check_template, fill_in, names_in
from shared.errors import Invalid

TEMPLATE = ApprovedTemplate(
    "best",
    "Hi {{ first_name }}",
    "{% if company %}For {{ company }}{% else %}For you{% endif %}, {{ title | default('friend') }}.",
    ("company", "first_name", "title"),
)


def test_the_listed_values_fill_a_template_in():
    assert fill_in(TEMPLATE, "email", {"first_name": "Ada", "company": "Acme"}) == ("Hi Ada", "For Acme, friend.\n")
    assert fill_in(TEMPLATE, "sms", {"first_name": "Ada"}) == (None, "For you, friend.")


def test_a_company_whose_name_is_a_domain_fills_a_template_in():
    company = plain_value("Booking.com")
    assert company != "Booking.com"
    assert fill_in(TEMPLATE, "email", {"first_name": "Ada", "company": company})[1] == f"For {company}, friend.\n"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "the template needs first_name, which the lead does not have"),
        ({"first_name": "x" * 81}, "first_name is longer than 80 characters"),
        ({"first_name": "a\nb"}, "first_name is more than one line of plain text"),
        ({"first_name": "Ada", "score": "9"}, "score is no field of the template"),
    ],
)
def test_a_value_that_is_missing_too_long_or_not_listed_stops_the_message(values, reason):
    with pytest.raises(Invalid) as refused:
        fill_in(TEMPLATE, "email", values)
    assert refused.value.detail == reason


def test_the_hash_covers_channel_subject_body_and_the_list_of_fields():
    others = [
        ApprovedTemplate("email", TEMPLATE.subject, TEMPLATE.body, TEMPLATE.fields),
        ApprovedTemplate("best", "Hello", TEMPLATE.body, TEMPLATE.fields),
        ApprovedTemplate("best", TEMPLATE.subject, f"{TEMPLATE.body} ", TEMPLATE.fields),
        ApprovedTemplate("best", TEMPLATE.subject, TEMPLATE.body, (*TEMPLATE.fields, "country")),
    ]
    assert len({TEMPLATE.sha256, *(each.sha256 for each in others)}) == 5
    assert ApprovedTemplate.read(TEMPLATE.canonical()) == TEMPLATE


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in b %}{% endfor %}",
        "{{ a.__class__ }}",
        "{{ f() }}",
        "{{ a | replace('a', 'b') }}",
        "{% set a = 1 %}",
        "{{ a",
        "x" * 20_001,
    ],
)
def test_a_template_contains_only_values_and_conditions(source):
    with pytest.raises(Invalid):
        check_template(source, "body")


def test_the_names_in_a_template_are_found():
    assert names_in("{{ a }}{% if b %}{{ c | default(d) }}{% endif %}") == {"a", "b", "c", "d"}
