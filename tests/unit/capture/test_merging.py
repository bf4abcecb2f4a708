import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.capture.rules.lead import Provenance
from services.capture.rules.merging import forget_undone, merge, refusal, take_again, take_denials, undo
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


def test_what_an_undo_gives_back_is_no_old_value_of_the_kept_lead():
    kept, alias = a_lead(1, company="Acme"), a_lead(2, phone="+12025550143", job_title="CTO")
    _, record = merge(kept, alias)
    kept.take_replaced([])
    apply_values(kept, {"company": "Acme plc"}, Provenance(at(1), human=True))
    assert kept.take_replaced(["company"]) == {"company": "Acme"}
    changed = undo(kept, alias, record)
    assert sorted(changed) == ["job_title", "phone"]
    assert kept.take_replaced(changed) == {}


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


def says(lead, choice, minutes, **how):
    """A system sends its record with this choice, given so many minutes after noon, an hour later."""
    apply_contact(lead, a_contact(consent={"email": choice, "at": at(minutes).isoformat()}), at(60), **how)
    return lead.consent.get("email")


@pytest.mark.parametrize("kept_s", ["granted", "denied"])
def test_only_a_grant_newer_than_the_choices_of_both_lifts_a_denial_after_a_merge(kept_s):
    kept, alias = (a_lead(n, -60, email=f"{n}@acme.example") for n in (1, 2))
    granted, denied = (kept, alias) if kept_s == "granted" else (alias, kept)
    says(granted, "granted", 5)
    says(denied, "denied", 2)
    before = snapshot(kept)
    _, record = merge(kept, alias)
    assert [says(kept, "granted", minutes) for minutes in (2, 3, 5)] == ["denied"] * 3, "both are sent once more"
    undo(kept, alias, json.loads(json.dumps(record)))
    assert snapshot(kept) == before
    merge(kept, alias)
    assert says(kept, "granted", 6) == "granted"
    assert says(kept, "denied", 6) == "denied"


def test_a_grant_that_the_lead_was_captured_with_lifts_no_denial_of_its_alias_either():
    kept, alias = a_lead(1, 5, consent={"email": "granted"}), a_lead(2, 2, consent={"email": "denied"})
    merge(kept, alias)
    assert says(kept, "granted", 5) == "denied"
    assert says(kept, "granted", 1, human=True) == "granted", "a person decides"


def test_what_an_undone_merge_found_holds_for_no_grant_any_more():
    kept, *aliases = (a_lead(n, -60, email=f"{n}@acme.example") for n in range(1, 4))
    merges = Merges(kept)
    for alias, choice, minutes in zip(aliases, ("granted", "denied"), (9, 2), strict=True):
        says(alias, choice, minutes)
        merges.toggle(alias)
    assert says(kept, "granted", 5) == "denied"
    merges.toggle(aliases[0])
    assert says(kept, "granted", 5) == "granted"


class Merges:
    """The merges of aliases into a lead, made and undone as the use cases do it."""

    def __init__(self, kept):
        self.kept, self.records = kept, {}

    def toggle(self, alias):
        if alias not in self.records:
            _, self.records[alias] = merge(self.kept, alias)
            return
        undone = self.records.pop(alias)
        take_denials(self.kept, alias, undone, self.records.items())
        undo(self.kept, alias, undone)
        for other, record in self.records.items():
            _, record = take_again(self.kept, other, forget_undone(record, undone, alias))
            self.records[other] = json.loads(json.dumps(record))


CHOICES = ("granted", "denied", None)


@st.composite
def some_lead(draw, number, of_one_import):
    """What it says itself, all at once or one thing after the other, and what a human entered."""
    said = {channel: draw(st.sampled_from(CHOICES)) for channel in ("email", "sms")}
    lead = a_lead(number)
    first = 0 if of_one_import else number
    for minutes in draw(st.permutations((first, number + 10))):
        channels = {channel: choice for channel, choice in said.items() if choice and draw(st.booleans())}
        if channels:
            consent = {**channels, "source": f"form {minutes}", "basis": draw(st.sampled_from((None, "card")))}
            apply_contact(lead, a_contact(consent=consent), at(minutes), human=draw(st.booleans()))
    for name in ("company", "attributes.plan"):
        by = draw(st.sampled_from(("nobody", "a form", "a human")))
        if by != "nobody":
            apply_values(lead, {name: f"{name} of {number}"}, Provenance(at(first), human=by == "a human"))
    return lead


def some_leads(count, *, of_one_import):
    return st.tuples(*(some_lead(number, of_one_import) for number in range(1, count + 1)))


GRANTED_THEN_DENIED = [{}, {"sms": "granted"}, {"sms": "denied"}]


def make_and_undo(leads, turns):
    """Toggle the merges of the aliases in these turns, then undo those that are left."""
    kept, *aliases = leads
    own = dict(kept.consent)
    merges = Merges(kept)
    for turn in [*turns, *(n for n in (1, 2, 3) if turns.count(n) % 2)]:
        merges.toggle(aliases[turn - 1])
        for channel in ("email", "sms"):
            choices = [own.get(channel), *(alias.consent.get(channel) for alias in merges.records)]
            assert kept.consent.get(channel) == min(choices, key=("denied", "granted", None).index)


@given(some_leads(3, of_one_import=False), st.lists(st.integers(1, 2), max_size=8))
@example([a_lead(n, n, consent=consent) for n, consent in enumerate(GRANTED_THEN_DENIED)], [1, 2])
def test_merges_undone_in_any_order_leave_each_lead_what_it_had_itself(leads, turns):
    before = [snapshot(lead) for lead in leads]
    make_and_undo(leads, turns)
    assert [snapshot(lead) for lead in leads] == before


@given(some_leads(4, of_one_import=True), st.lists(st.integers(1, 3), max_size=12))
def test_any_merges_of_leads_that_are_alike_leave_each_its_choices_and_values(leads, turns):
    def shown(lead):
        consent = {part: lead.consent[part] for part in lead.consent if part not in ("basis", "source", "at")}
        return (dict(lead.fields), dict(lead.attributes), consent, dict(lead.provenance))

    before = [shown(lead) for lead in leads]
    make_and_undo(leads, turns)
    assert [shown(lead) for lead in leads] == before
