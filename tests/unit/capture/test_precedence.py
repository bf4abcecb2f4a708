from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.rules.lead import Provenance, changed_fields
from services.capture.rules.precedence import apply_contact, apply_values
from tests.unit.capture.builders import a_contact, a_lead, at


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


def test_source_and_owner_count_at_capture_only():
    lead = a_lead(source="web", owner="grace")
    apply_contact(lead, a_contact(source="crm", owner="bob"), at(1))
    assert (lead.source, lead.owner) == ("web", "grace")


def test_consent_has_its_own_time_and_source():
    lead = a_lead(consent={"email": "granted", "source": "fair", "at": at(-30).isoformat(), "basis": "card"})
    assert lead.consent == {"email": "granted", "source": "fair", "at": at(-30).isoformat(), "basis": "card"}
    assert apply_contact(lead, a_contact(consent={"email": "denied", "at": at(-40).isoformat()}), at(5)) == []
    assert apply_contact(lead, a_contact(consent={"email": "denied"}), at(5)) == ["consent.email"]
    assert lead.consent["email"] == "denied"


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
