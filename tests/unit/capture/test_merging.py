import json

import pytest

from services.capture.rules.lead import Provenance
from services.capture.rules.merging import merge, refusal, take_denials, undo
from services.capture.rules.precedence import apply_contact, apply_values
from tests.unit.capture.builders import a_contact, a_lead, at


def snapshot(lead):
    return (dict(lead.fields), dict(lead.attributes), dict(lead.consent), dict(lead.provenance))


def test_the_kept_lead_fills_its_gaps_from_the_alias():
    kept = a_lead(1, email="ada@acme.example", company="Acme")
    alias = a_lead(2, phone="+12025550143", company="Other", job_title="CTO", attributes={"plan": "pro"})
    changed, _ = merge(kept, alias)
    assert sorted(changed) == ["attributes.plan", "job_title", "phone"]
    assert kept.fields == {"email": "ada@acme.example", "company": "Acme", "phone": "+12025550143", "job_title": "CTO"}


def test_a_human_edit_of_the_alias_outranks_an_import_but_never_replaces_the_kept_address():
    kept, alias = a_lead(1, email="a@acme.example", company="Acme"), a_lead(2, email="b@acme.example")
    apply_values(alias, {"company": "Acme Corporation", "email": "c@acme.example"}, Provenance(at(1), human=True))
    merge(kept, alias)
    assert kept.fields == {"email": "a@acme.example", "company": "Acme Corporation"}


def test_the_strictest_consent_holds():
    kept = a_lead(1, consent={"email": "granted", "sms": "denied"})
    alias = a_lead(2, consent={"email": "denied", "sms": "granted"})
    changed, _ = merge(kept, alias)
    assert changed == ["consent.email"]
    assert (kept.consent["email"], kept.consent["sms"]) == ("denied", "denied")


def test_undo_restores_the_kept_lead_exactly():
    kept = a_lead(1, company="Acme", consent={"email": "granted", "basis": "card"})
    alias = a_lead(2, phone="+12025550143", job_title="CTO", attributes={"plan": "pro"}, consent={"email": "denied"})
    apply_values(alias, {"company": "By hand"}, Provenance(at(1), human=True))
    before, alias_before = snapshot(kept), snapshot(alias)
    changed, record = merge(kept, alias)
    assert sorted(undo(kept, alias, json.loads(json.dumps(record)))) == sorted(changed)
    assert snapshot(kept) == before
    assert snapshot(alias) == alias_before


def test_undo_keeps_what_was_changed_after_the_merge():
    kept, alias = a_lead(1), a_lead(2, phone="+12025550143", job_title="CTO")
    _, record = merge(kept, alias)
    apply_values(kept, {"job_title": "CEO"}, Provenance(at(9), human=True))
    assert undo(kept, alias, record) == ["phone"]
    assert kept.fields["job_title"] == "CEO"


def test_a_cycle_and_an_alias_of_an_alias_are_refused():
    a, b, c = a_lead(1), a_lead(2), a_lead(3)
    assert refusal(a, b, alias_has_aliases=False) is None
    assert "itself" in refusal(a, a, alias_has_aliases=False)
    b.merged_into = a.lead_id
    assert "already" in refusal(c, b, alias_has_aliases=False)
    assert "merged into" in refusal(b, c, alias_has_aliases=False)
    assert "undo" in refusal(c, a, alias_has_aliases=True)


def test_an_address_submitted_once_more_goes_back_to_the_alias():
    kept, alias = a_lead(1, phone="+12025550143"), a_lead(2, email="a@acme.example")
    _, record = merge(kept, alias)
    apply_values(kept, {"email": "a@acme.example"}, Provenance(at(9)))
    assert undo(kept, alias, record) == ["email"]
    assert kept.fields == {"phone": "+12025550143"}


def test_consent_is_restored_channel_by_channel():
    kept = a_lead(1, consent={"email": "granted", "sms": "granted", "source": "form"})
    alias = a_lead(2, consent={"email": "denied", "source": "letter"})
    _, record = merge(kept, alias)
    kept.consent |= {"sms": "denied", "source": "call"}
    kept.provenance["consent.sms"] = Provenance(at(9))
    assert undo(kept, alias, record) == ["consent.email"]
    assert (kept.consent["email"], kept.consent["sms"], kept.consent["source"]) == ("granted", "denied", "call")


def deny(lead, channel="email", minutes=9.0):
    apply_contact(lead, a_contact(consent={channel: "denied", "source": "call"}), at(minutes))


@pytest.mark.parametrize("alias_s", ["granted", "unknown"])
@pytest.mark.parametrize("kept_s", ["granted", "unknown", "denied"])
def test_a_denial_since_the_merge_is_the_alias_s_too_and_an_earlier_one_is_not(kept_s, alias_s):
    kept, alias = a_lead(1, consent={"email": kept_s}), a_lead(2, consent={"email": alias_s, "sms": "granted"})
    _, record = merge(kept, alias)
    assert take_denials(kept, alias, json.loads(json.dumps(record)), ()) == []
    deny(kept)
    assert take_denials(kept, alias, json.loads(json.dumps(record)), ()) == ["consent.email"]
    undo(kept, alias, record)
    assert (kept.consent["email"], alias.consent["email"], alias.consent["sms"]) == ("denied", "denied", "granted")
    change = alias.consent_changes[-1]
    assert (change.choice, change.cause, change.source, change.at) == ("denied", "undo", "call", at(9))
    assert take_denials(kept, alias, record, ()) == []


def test_a_denial_of_one_alias_is_not_another_s():
    kept, one, two = a_lead(1), a_lead(2, consent={"email": "granted"}), a_lead(3, consent={"email": "denied"})
    _, first = merge(kept, one)
    _, second = merge(kept, two)
    assert take_denials(kept, one, first, [(two, second)]) == []
    deny(kept)
    assert take_denials(kept, one, first, [(two, second)]) == ["consent.email"]
