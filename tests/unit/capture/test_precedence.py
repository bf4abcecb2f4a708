from datetime import datetime
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.rules.lead import Provenance, changed_fields
from services.capture.rules.precedence import apply_contact, apply_values, split_by_room
from shared.attributes import free_fields_error
from tests.unit.capture.builders import a_contact, a_lead, at

TEXT, OTHER_TEXT = UUID(int=1), UUID(int=2)


def test_the_newest_time_wins_field_by_field():
    lead = a_lead(minutes=10, company="Acme", job_title="CTO")
    assert apply_contact(lead, a_contact(company="Acme Ltd"), at(20)) == ["company"]
    assert apply_contact(lead, a_contact(company="Older", job_title="CEO"), at(15)) == ["job_title"]
    assert (lead.fields["company"], lead.fields["job_title"]) == ("Acme Ltd", "CEO")


def test_an_older_submission_fills_a_gap():
    lead = a_lead(minutes=10)
    assert apply_contact(lead, a_contact(company="Acme"), at(5)) == ["company"]


def test_an_absent_field_clears_nothing():
    lead = a_lead(company="Acme")
    assert apply_contact(lead, a_contact(), at(5)) == []
    assert lead.fields["company"] == "Acme"


def test_a_human_edit_outranks_every_later_import():
    lead = a_lead(company="Acme")
    assert apply_values(lead, {"company": "Acme Corporation"}, Provenance(at(1), human=True)) == ["company"]
    assert apply_contact(lead, a_contact(company="ACME", job_title="CTO"), at(60)) == ["job_title"]
    assert lead.fields["company"] == "Acme Corporation"


def test_a_field_that_a_human_cleared_stays_clear():
    lead = a_lead(company="Acme")
    apply_values(lead, {"company": None}, Provenance(at(1), human=True))
    assert apply_contact(lead, a_contact(company="Acme"), at(60)) == []
    assert "company" not in lead.fields


def test_a_later_human_edit_wins_over_an_earlier_one():
    lead = a_lead()
    apply_values(lead, {"company": "A"}, Provenance(at(1), human=True))
    assert apply_values(lead, {"company": "B"}, Provenance(at(2), human=True)) == ["company"]


def test_an_equal_value_changes_nothing_but_counts_from_its_own_time():
    lead = a_lead(company="Acme")
    assert apply_contact(lead, a_contact(company="Acme"), at(20)) == []
    assert lead.unsaved
    assert apply_contact(lead, a_contact(company="Between"), at(10)) == []


def test_an_address_of_another_lead_is_not_taken_over():
    lead = a_lead(email="ada@acme.example")
    contact = a_contact(email="eve@acme.example", company="Acme")
    assert apply_contact(lead, contact, at(1), without=("email",)) == ["company"]
    assert lead.email == "ada@acme.example"


def test_attributes_are_merged_one_by_one():
    lead = a_lead(attributes={"plan": "free", "seats": 3})
    assert apply_contact(lead, a_contact(attributes={"plan": "pro"}), at(1)) == ["attributes.plan"]
    assert lead.attributes == {"plan": "pro", "seats": 3}


class Written(str):
    """A text that counts how often it is written down."""

    times = 0

    def __repr__(self) -> str:
        self.times += 1
        return super().__repr__()


@pytest.mark.parametrize("size", [1_200, 300])
def test_what_a_lead_has_is_measured_once_however_many_attributes_have_no_room(size):
    lead, held = a_lead(), Written("x" * size)
    lead.attributes = {f"a{n}": held if n == 0 else "x" * size for n in range(min(150, 60_000 // size))}
    fitting, left_out = split_by_room(lead, {f"b{n}": "y" * 200 for n in range(190)})
    assert fitting and left_out and held.times <= 3
    assert free_fields_error({**lead.attributes, **fitting}) is None
    assert free_fields_error({**lead.attributes, **fitting, left_out[0]: "y" * 200}) is not None


def test_source_and_owner_count_at_capture_only():
    lead = a_lead(source="web", owner="grace")
    apply_contact(lead, a_contact(source="crm", owner="bob"), at(1))
    assert (lead.source, lead.owner) == ("web", "grace")


def test_consent_has_its_own_time_and_source():
    lead = a_lead(consent={"email": "granted", "source": "fair", "at": at(-30).isoformat(), "basis": "card"})
    assert lead.consent == {
        "email": "granted",
        "email_given": ["fair", "card", None],
        "source": "fair",
        "at": at(-30).isoformat(),
        "basis": "card",
    }
    assert apply_contact(lead, a_contact(consent={"email": "denied", "at": at(-40).isoformat()}), at(5)) == []
    assert apply_contact(lead, a_contact(consent={"email": "denied"}), at(5)) == ["consent.email"]
    assert lead.consent["email"] == "denied"


@pytest.mark.parametrize(
    ("again", "recorded"),
    [
        ({}, None),
        ({"at": at(3).isoformat()}, None),
        ({"basis": "contract"}, ("web", "contract", TEXT)),
        ({"source": "fair"}, ("fair", "card", TEXT)),
        ({"source": "fair", "text_id": None}, ("fair", "card", None)),
        ({"text_id": OTHER_TEXT}, ("web", "card", OTHER_TEXT)),
        ({"text_id": None, "basis": None, "source": None}, None),
    ],
)
@pytest.mark.parametrize("choice", ["granted", "denied"])
def test_consent_given_again_otherwise_is_a_change_and_given_alike_is_none(choice, again, recorded):
    lead = a_lead()
    contact = a_contact(consent={"email": choice, "basis": "card"})
    assert contact.consent is not None
    first = contact.consent._replace(text_id=TEXT)
    apply_contact(lead, contact._replace(consent=first), at(1))
    state, _ = dict(lead.consent), lead.consent_changes.clear()
    moment = {"at": datetime.fromisoformat(again["at"])} if "at" in again else {}
    changed = apply_contact(lead, contact._replace(consent=first._replace(**{**again, **moment})), at(5))
    assert lead.provenance["consent.email"].time > at(1), "the newer one counts against what is older"
    if recorded is None:
        assert (changed, lead.consent, lead.consent_changes) == ([], state, [])
    else:
        (change,) = lead.consent_changes
        assert changed == ["consent.email"]
        assert (change.choice, change.before, change.at) == (choice, choice, at(5))
        assert (change.source, change.basis, change.text_id) == recorded
        assert (lead.consent["source"], lead.consent["basis"], lead.consent["at"]) == (*recorded[:2], at(5).isoformat())


def test_how_consent_was_given_is_known_of_each_channel():
    lead = a_lead()
    by_form = a_contact(source="form", consent={"email": "granted", "sms": "granted", "source": "form", "basis": "box"})
    apply_contact(lead, a_contact(consent={"email": "granted", "source": "fair", "basis": "card"}), at(1))
    apply_contact(lead, a_contact(consent={"sms": "granted", "source": "form", "basis": "box"}), at(2))
    assert apply_contact(lead, by_form, at(3)) == ["consent.email"]
    assert apply_contact(lead, by_form, at(4)) == []


def test_withdrawing_consent_beats_the_grant_that_a_person_entered():
    lead = a_lead()
    apply_contact(lead, a_contact(consent={"email": "granted"}), at(1), human=True)
    assert apply_contact(lead, a_contact(consent={"email": "granted", "sms": "granted"}), at(2)) == ["consent.sms"]
    assert apply_contact(lead, a_contact(consent={"email": "denied"}), at(3)) == ["consent.email"]


def test_a_consent_dated_in_the_future_counts_from_the_time_of_its_submission():
    lead = a_lead(consent={"email": "granted", "at": at(10_000).isoformat()})
    assert apply_contact(lead, a_contact(consent={"email": "denied"}), at(5)) == ["consent.email"]


def test_events_of_a_lead_are_timed_in_the_order_of_their_versions():
    lead = a_lead(minutes=10)
    lead.next_version(at(5))
    lead.next_version(at(5))
    assert lead.version == 3
    assert at(10) < lead.updated_on < at(10.001)


def test_the_event_names_the_changed_top_level_fields():
    assert changed_fields(["consent.email", "consent.sms", "attributes.plan", "company"]) == [
        "attributes",
        "company",
        "consent",
    ]


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.sampled_from(["company", "job_title", "phone"])),
        unique_by=lambda s: s[0],
        max_size=6,
    )
)
def test_the_order_of_arrival_does_not_matter(values):
    contacts = [
        (at(n), a_contact(email="ada@acme.example", **{name: f"+1202555{n:04d}" if name == "phone" else f"v{n}"}))
        for n, name in values
    ]
    ends = []
    for order in list(permutations(contacts))[:24]:
        lead = a_lead()
        for time, contact in order:
            apply_contact(lead, contact, time)
        ends.append(lead.fields)
    assert all(end == ends[0] for end in ends)


@pytest.mark.parametrize("human", [True, False])
def test_of_two_values_of_the_same_time_the_last_to_arrive_wins(human):
    lead = a_lead(company="Acme")
    apply_values(lead, {"company": "A"}, Provenance(at(1), human))
    assert apply_values(lead, {"company": "B"}, Provenance(at(1), human)) == ["company"]
