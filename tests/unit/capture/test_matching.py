import pytest

from services.capture.rules.lead import Provenance
from services.capture.rules.matching import MOST_PAIRS, LeadIndex, pair_of
from services.capture.rules.names import names_agree
from services.capture.rules.precedence import apply_values
from services.capture.use_cases.submissions import Submission, _Changes, _decide
from tests.unit.capture.builders import a_contact, a_lead, at, calls

MOBILE, DESK = "+4915123456789", "+4930123456"


def an_index(*leads, known=None):
    """An index of leads; `known`: (source, external id) -> lead."""
    return LeadIndex(leads, {("acme", *external_id): lead.lead_id for external_id, lead in (known or {}).items()})


def test_an_unknown_person_is_new():
    assert an_index(a_lead(1)).match("acme", a_contact(email="new@acme.example")).lead is None


def test_the_same_external_id_of_the_same_source_is_the_same_lead_whatever_the_email():
    lead = a_lead(1, source="crm", external_id="5", email="old@acme.example")
    index = an_index(lead, known={("crm", "5"): lead})
    assert index.match("acme", a_contact(source="crm", external_id="5", email="new@acme.example")).lead is lead
    assert index.match("acme", a_contact(source="web", external_id="5", email="new@acme.example")).lead is None


def test_the_same_email_is_the_same_lead_in_the_same_tenant_only():
    lead = a_lead(1, email="ada@acme.example")
    assert an_index(lead).match("acme", a_contact(email="ADA@acme.example")).lead is lead
    assert an_index(lead).match("other", a_contact(email="ada@acme.example")).lead is None


def test_an_email_of_another_lead_than_the_external_id_names_is_not_taken_over_and_makes_a_pair():
    one, two = a_lead(1, email="one@acme.example"), a_lead(2, email="two@acme.example")
    match = an_index(one, two, known={("crm", "5"): one}).match(
        "acme", a_contact(source="crm", external_id="5", email="two@acme.example")
    )
    assert match.lead is one
    assert match.without == ("email",)
    assert match.similar == [(two, "email")]


@pytest.mark.parametrize(
    ("known", "submitted", "same"),
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
def test_the_same_phone_is_the_same_person_or_a_pair_for_review(known, submitted, same):
    lead = a_lead(1, **known)
    match = an_index(lead).match("acme", a_contact(**submitted))
    if same:
        assert (match.lead, match.similar) == (lead, [])
    else:
        assert (match.lead, match.similar) == (None, [(lead, "phone")])


def test_a_switchboard_makes_a_few_pairs_and_not_hundreds():
    index = an_index(*(a_lead(n, minutes=n, phone=DESK, email=f"{n}@x.example") for n in range(50)))
    match = index.match("acme", a_contact(phone=DESK, email="new@x.example"))
    assert [lead.lead_id.int for lead, _ in match.similar] == list(range(MOST_PAIRS))


def test_the_address_of_an_alias_finds_the_kept_lead():
    kept, alias = a_lead(1, email="kept@x.example"), a_lead(2, email="alias@x.example", phone=MOBILE)
    alias.merged_into = kept.lead_id
    index = an_index(kept, alias, known={("crm", "5"): alias})
    assert index.match("acme", a_contact(email="alias@x.example")).lead is kept
    assert index.match("acme", a_contact(source="crm", external_id="5")).lead is kept
    assert index.match("acme", a_contact(phone=MOBILE)).lead is kept


def test_the_old_address_of_a_lead_no_longer_finds_it():
    lead = a_lead(1, email="old@x.example")
    index = an_index(lead)
    apply_values(lead, {"email": "new@x.example"}, Provenance(at(1)))
    index.reindex(lead)
    assert index.match("acme", a_contact(email="old@x.example")).lead is None
    assert index.match("acme", a_contact(email="new@x.example")).lead is lead


def test_a_lead_of_the_same_batch_is_found_for_the_next_submission():
    index = an_index()
    lead = a_lead(1, source="crm", external_id="5")
    index.add(lead)
    assert index.add_external_id("acme", a_contact(source="crm", external_id="5"), lead)
    assert not index.add_external_id("acme", a_contact(source="crm", external_id="5"), lead)
    assert index.match("acme", a_contact(source="crm", external_id="5", email="b@x.example")).lead is lead


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


def test_a_pair_has_a_score_and_all_its_reasons():
    one, two = (a_lead(n, phone=MOBILE, email=f"{n}@x.example", full_name="Ada Lovelace") for n in (2, 1))
    pair = pair_of(one, two, "phone", MOBILE)
    assert [id.int for id in pair.lead_ids] == [1, 2]
    assert pair.score > 0.9
    assert {"same name", "same phone"} <= set(pair.reasons)


def test_an_address_that_only_the_submission_had_counts_in_its_pair():
    one, two = a_lead(1, email="one@acme.example"), a_lead(2, email="two@acme.example")
    assert "same e-mail" in pair_of(one, two, "email", "two@acme.example").reasons


def test_an_alias_keeps_its_address_however_many_leads_share_it():
    kept, alias = a_lead(1, email="kept@x.example", phone="+4915199999999"), a_lead(2, minutes=99, phone=MOBILE)
    alias.merged_into = kept.lead_id
    others = (a_lead(n, minutes=n, phone=MOBILE, email=f"{n}@x.example") for n in range(3, 70))
    match = an_index(kept, alias, *others).match("acme", a_contact(email="kept@x.example", phone=MOBILE))
    assert (match.lead, match.without) == (kept, ("phone",))


SHARING = {
    "e-mails": lambda n: {"email": f"{n}@x.example"},
    "names": lambda n: {"full_name": f"P{n} Q{n}"},
    "external ids": lambda n: {"email": f"{n % 7}@x.example", "external_id": str(n)},
}


@pytest.mark.parametrize("of", SHARING.values(), ids=SHARING)
@pytest.mark.parametrize("phone", [MOBILE, DESK])
def test_a_batch_whose_leads_share_a_phone_costs_as_much_for_each_lead_as_a_small_one(phone, of):
    def record(contacts):
        index, changes = an_index(), _Changes()
        for contact in contacts:
            _decide(index, Submission("acme", contact), at(1), changes)

    few, many = ([a_contact(phone=phone, **of(n)) for n in range(count)] for count in (100, 800))
    assert calls(lambda: record(many)) < 2 * 8 * calls(lambda: record(few))


def test_a_name_full_of_words_costs_no_more_than_a_long_name():
    def compare(words):
        names = [{"full_name": " ".join(f"w{n}" for n in order)} for order in (range(words), reversed(range(words)))]
        return calls(lambda: names_agree(*names))

    assert compare(500) < 2 * compare(20)
