"""What a submission may hold: whatever passes `normalise` can be published, and nothing vanishes without a word."""

from typing import Any
from uuid import UUID

import pytest

from services.capture.rules.contact import FIELDS, normalise
from services.capture.rules.forms import FormField, read_answers
from services.capture.rules.precedence import apply_contact, new_lead
from services.capture.rules.text import text_of
from services.capture.rules.webhook_mapping import WebhookMapping, read_item
from services.capture.use_cases.lead_events import captured_event, updated_event
from shared.events import Consent, LeadCaptured
from tests.unit.capture.builders import NOON, NORMALISER, a_lead, at, messages

ADA = {"source": "web", "email": "ada@acme.example", "phone": "+12025550143"}
TEXTS = [name for name in LeadCaptured.model_fields if name in (*FIELDS, "source", "external_id", "owner")]
PARTS = [name for name in Consent.model_fields if name != "at"]
LENGTHS = (199, 201, 299, 301, 1_993, 1_999, 2_000, 2_001, 2_002, 9_000)


def raw_with(name: str, value: Any) -> dict[str, Any]:
    group, _, part = name.partition(".")
    return ADA | ({"consent": {"email": "granted", part: value}} if part else {group: value})


@pytest.mark.parametrize("name", [*TEXTS, *(f"consent.{part}" for part in PARTS)])
@pytest.mark.parametrize("text", ["x", "é", "https://x.example/", "x.example/"])
def test_a_value_of_any_length_is_published_or_refused_by_its_field(name, text):
    """Also where its normal form is longer than the value."""
    for length in LENGTHS:
        raw = raw_with(name, (text + "y" * length)[:length])
        contact, errors = normalise(raw, NORMALISER)
        if contact is not None:
            lead = new_lead("acme", UUID(int=1), contact, NOON)
            captured_event(lead)
            other = a_lead(2)
            updated_event(other, apply_contact(other, contact, at(1)) or ["email"])
        assert length <= 2_000 or list(messages(errors)) == [name]
        assert contact is None or all(len(value) <= 2_000 for value in contact.fields.values())


def test_an_owner_longer_than_stages_takes_is_left_out_with_a_warning():
    contact, errors = normalise(ADA | {"owner": "名" * 200}, NORMALISER)
    assert contact is not None and (contact.owner, errors) == ("名" * 200, [])
    contact, errors = normalise(ADA | {"owner": "名" * 201}, NORMALISER)
    assert contact is not None and contact.owner is None
    assert messages(errors) == {"owner": "has more than 200 characters"}


TEXT_FIELDS = [*FIELDS, "source", "external_id", "owner", "consent.email", "consent.basis", "consent.source"]


@pytest.mark.parametrize("name", TEXT_FIELDS)
@pytest.mark.parametrize("value", [["a"], {"a": 1}, True, {}, [[]]])
def test_a_value_that_is_no_text_is_reported(name, value):
    if name == "consent.email" and value is True:
        return  # a box that was ticked
    _, errors = normalise(raw_with(name, value), NORMALISER)
    assert list(messages(errors)) == [name]


def test_no_attribute_is_lost_without_a_word():
    given = {"Budget": 1, "Budget ": 2, " ": 3, "x" * 201: 4, "x" * 202: 5, "plan\n": None}
    contact, errors = normalise(ADA | {"attributes": given}, NORMALISER)
    assert contact is not None and contact.attributes == {"Budget": 1, "x" * 200: 4, "plan": None}
    left_out = f"Budget, (blank), {'x' * 200}"
    assert [(error.field, error.message) for error in errors] == [
        ("attributes", f"has names that are blank or the same as one before, whose values were left out: {left_out}"),
        ("attributes", f"has names of more than 200 characters, which were cut: {'x' * 200}"),
    ]
    many = {"x" * 201 + str(n): n for n in range(200)}
    assert all(len(error.message) < 700 for error in normalise(ADA | {"attributes": many}, NORMALISER)[1])


@pytest.mark.parametrize("name", ["consent", "attributes"])
@pytest.mark.parametrize("value", [["a"], "denied", 7, False])
def test_a_group_of_fields_that_is_none_is_reported(name, value):
    contact, errors = normalise(ADA | {name: value}, NORMALISER)
    assert (contact, messages(errors)) == (None, {name: "is not an object"})


@pytest.mark.parametrize(
    ("value", "text"),
    [(4711, "4711"), (4711.0, "4711"), (-0.0, "0"), (1.5, "1.5"), (None, ""), ("  a  b ", "a b"), (2**63, str(2**63))],
)
def test_a_number_is_its_digits(value, text):
    assert text_of(value, 100) == text


@pytest.mark.parametrize("value", ["x" * 101, 10**100, 10**5_000, -(10**100)], ids=["text", "digits", "more", "minus"])
def test_a_long_text_and_a_long_number_are_too_long(value):
    with pytest.raises(ValueError, match="has more than 100 characters"):
        text_of(value, 100)


def test_numbers_of_a_table_with_gaps_are_read_alike_at_every_door():
    """A column of whole numbers with a gap is one of floats, as pandas writes it."""
    given = {"external_id": 4711.0, "phone": 491701234567.0, "country": "DE"}
    mapping = {name: name for name in given}
    item = read_item(WebhookMapping(mapping), given, "web")
    answers, _ = read_answers([FormField(name, name, "text") for name in given], given, "web", {})
    answers["external_id"] = answers.pop("attributes")["external_id"]
    for raw in ({"source": "web", **given}, item.submission, answers):
        contact, errors = normalise(raw, NORMALISER)
        assert contact is not None
        assert (contact.external_id, contact.phone, errors) == ("4711", "+491701234567", [])
