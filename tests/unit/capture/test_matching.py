import pytest

from services.capture.rules.lead import Mark, take
from services.capture.rules.matching import MOST_PAIRS, Book, Reason, pair_of
from services.capture.rules.names import names_agree
from tests.unit.capture.builders import a_contact, a_lead, at

MOBILE, DESK = "+4915123456789", "+4930123456"


def a_book(*leads, **identities):
    return Book(
        leads,
        {("acme", source, external): lead.lead_id for (source, external), lead in identities.get("known", {}).items()},
    )


def test_an_unknown_person_is_new():
    assert a_book(a_lead(1)).match("acme", a_contact(email="new@acme.example")).lead is None


def test_the_same_external_id_of_the_same_source_is_the_same_lead_whatever_the_email():
    lead = a_lead(1, source="crm", external_id="5", email="old@acme.example")
    book = a_book(lead, known={("crm", "5"): lead})
    assert book.match("acme", a_contact(source="crm", external_id="5", email="new@acme.example")).lead is lead
    assert book.match("acme", a_contact(source="web", external_id="5", email="new@acme.example")).lead is None


def test_the_same_email_is_the_same_lead_in_the_same_tenant_only():
    lead = a_lead(1, email="ada@acme.example")
    assert a_book(lead).match("acme", a_contact(email="ADA@acme.example")).lead is lead
    assert a_book(lead).match("other", a_contact(email="ada@acme.example")).lead is None


def test_an_email_of_another_lead_than_the_external_id_says_is_not_taken_and_makes_a_pair():
    one, two = a_lead(1, email="one@acme.example"), a_lead(2, email="two@acme.example")
    match = a_book(one, two, known={("crm", "5"): one}).match(
        "acme", a_contact(source="crm", external_id="5", email="two@acme.example")
    )
    assert match.lead is one
    assert match.without == ("email",)
    assert match.alike == [(two, Reason.SAME_EMAIL)]


@pytest.mark.parametrize(
    ("known", "said", "same"),
    [
        ({"phone": MOBILE}, {"phone": MOBILE}, True),
        ({"phone": MOBILE, "email": "a@x.example"}, {"phone": MOBILE}, True),
        ({"phone": MOBILE}, {"phone": MOBILE, "email": "a@x.example"}, True),
        ({"phone": MOBILE, "first_name": "Ada"}, {"phone": MOBILE, "full_name": "Ada Lovelace"}, True),
        ({"phone": MOBILE, "first_name": "Ada"}, {"phone": MOBILE, "first_name": "Grace"}, False),
        ({"phone": MOBILE, "email": "a@x.example"}, {"phone": MOBILE, "email": "b@x.example"}, False),
        ({"phone": DESK}, {"phone": DESK}, False),
        ({"phone": DESK, "full_name": "Ada Lovelace"}, {"phone": DESK, "full_name": "Ada Lovelace"}, False),
        ({"phone": DESK, "email": "a@x.example"}, {"phone": DESK}, False),
        ({"phone": DESK, "full_name": "Ada Lovelace"}, {"phone": DESK, "full_name": "Grace Hopper"}, False),
    ],
)
def test_the_same_phone_is_the_same_person_or_a_pair_for_review(known, said, same):
    lead = a_lead(1, **known)
    match = a_book(lead).match("acme", a_contact(**said))
    if same:
        assert (match.lead, match.alike) == (lead, [])
    else:
        assert (match.lead, match.alike) == (None, [(lead, Reason.SAME_PHONE)])


def test_a_switchboard_makes_a_few_pairs_and_not_hundreds():
    book = a_book(*(a_lead(n, minutes=n, phone=DESK, email=f"{n}@x.example") for n in range(50)))
    match = book.match("acme", a_contact(phone=DESK, email="new@x.example"))
    assert [lead.lead_id.int for lead, _ in match.alike] == list(range(MOST_PAIRS))


def test_the_same_name_and_company_make_a_pair():
    lead = a_lead(1, email="ada@home.example", full_name="Ada Lovelace", company="Acme Ltd.")
    match = a_book(lead).match(
        "acme", a_contact(email="ada@acme.example", first_name="ADA", last_name="Lovelace", company="acme ltd")
    )
    assert match.lead is None
    assert match.alike == [(lead, Reason.SAME_NAME_AND_COMPANY)]


def test_the_address_of_an_alias_leads_to_the_kept_lead():
    kept, alias = a_lead(1, email="kept@x.example"), a_lead(2, email="alias@x.example", phone=MOBILE)
    alias.merged_into = kept.lead_id
    book = a_book(kept, alias, known={("crm", "5"): alias})
    assert book.match("acme", a_contact(email="alias@x.example")).lead is kept
    assert book.match("acme", a_contact(source="crm", external_id="5")).lead is kept
    assert book.match("acme", a_contact(phone=MOBILE)).lead is kept


def test_a_changed_address_no_longer_leads_to_the_lead():
    lead = a_lead(1, email="old@x.example")
    book = a_book(lead)
    take(lead, {"email": "new@x.example"}, Mark(at(1)))
    book.changed(lead)
    assert book.match("acme", a_contact(email="old@x.example")).lead is None
    assert book.match("acme", a_contact(email="new@x.example")).lead is lead


def test_a_lead_of_the_same_batch_is_known_to_the_next_submission():
    book = a_book()
    lead = a_lead(1, source="crm", external_id="5")
    book.add(lead)
    assert book.identify("acme", a_contact(source="crm", external_id="5"), lead)
    assert not book.identify("acme", a_contact(source="crm", external_id="5"), lead)
    assert book.match("acme", a_contact(source="crm", external_id="5", email="b@x.example")).lead is lead


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ({"first_name": "José", "last_name": "García"}, {"full_name": "Garcia, Jose"}, True),
        ({"full_name": "A. Lovelace"}, {"full_name": "Ada Lovelace"}, True),
        ({"full_name": "Ada"}, {"full_name": "Ada Lovelace"}, True),
        ({"full_name": "Ada Lovelace"}, {"full_name": "Ada King"}, False),
        ({"full_name": "Ada"}, {}, None),
    ],
)
def test_names_agree_when_the_shorter_is_part_of_the_longer(one, other, agree):
    assert names_agree(one, other) is agree
    assert names_agree(other, one) is agree


def test_a_pair_says_how_likely_and_why():
    one, two = (a_lead(n, phone=MOBILE, email=f"{n}@x.example", full_name="Ada Lovelace") for n in (2, 1))
    pair = pair_of(one, two, Reason.SAME_PHONE)
    assert [id.int for id in pair.lead_ids] == [1, 2]
    assert pair.score == 0.85
    assert pair.reasons == ("same_phone", "names_agree")
