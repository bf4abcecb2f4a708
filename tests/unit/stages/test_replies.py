"""Replies by label, and labels that change later."""

import pytest

from services.stages.rules import Stage, advance, can_advance
from tests.unit.stages.story import ONE_ITEM, PHONE, Lead, a_lead, day


def a_contacted_lead(**data: object) -> Lead:
    return a_lead(ONE_ITEM, **data).sent(at=0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "stage"),
    [
        ("interested", Stage.ENGAGED),
        ("question", Stage.ENGAGED),
        ("meeting_request", Stage.ENGAGED),
        ("other", Stage.ENGAGED),
        ("a label of a later version", Stage.ENGAGED),
        ("later", Stage.NURTURE),
        ("declined", Stage.LOST),
        ("moved_company", Stage.MOVED_COMPANY),
        ("opt_out", Stage.DEAD),
        ("wrong_person", Stage.CONTACTED),
        ("out_of_office", Stage.CONTACTED),
        ("auto_reply", Stage.CONTACTED),
        ("bounce", Stage.CONTACTED),
    ],
)
def test_a_reply_moves_the_lead_by_its_label(label: str, stage: Stage) -> None:
    assert a_contacted_lead().replied(label).stage is stage


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("wrong_person", "somebody else answered"),
        ("out_of_office", "an out-of-office notice is no answer"),
        ("auto_reply", "an automatic reply is no answer"),
        ("bounce", "a bounce is no answer"),
    ],
)
def test_a_reply_that_does_not_move_the_lead_is_explained(label: str, reason: str) -> None:
    assert a_contacted_lead().replied(label).ignored == reason


def test_where_the_address_is_not_the_leads_the_channel_is_invalid_from_then_on() -> None:
    lead = a_contacted_lead().replied("wrong_person", wrong_address=True)
    assert lead.stage is Stage.BAD_CONTACT
    lead = a_lead(email=None, phone=PHONE).replied("wrong_person", channel="sms", wrong_address=True)
    assert lead.stage is Stage.BAD_PHONE


def test_a_wrong_address_leaves_the_other_channel() -> None:
    lead = a_contacted_lead(phone=PHONE).replied("wrong_person", wrong_address=True)
    assert lead.stage is Stage.CONTACTED
    assert lead.ignored == "another channel of the outreach mode works"


def test_an_uncertain_reply_counts_as_other_until_a_human_labels_it() -> None:
    lead = a_contacted_lead().replied("other", at=1, reply_id="r", labelled_at=day(1))
    assert lead.stage is Stage.ENGAGED
    lead.replied("declined", at=1, reply_id="r", labelled_at=day(3))
    assert lead.stage is Stage.LOST


def test_the_last_label_counts_at_the_replys_own_time() -> None:
    lead = a_contacted_lead().replied("other", at=1, reply_id="r", labelled_at=day(1)).moved("nurture", at=2)
    lead.replied("declined", at=4, reply_id="r", labelled_at=day(4))
    assert lead.rules == ["first-message", "declined", "manual"]
    assert lead.stage is Stage.NURTURE
    assert lead.fold().transitions[1].occurred_at == day(1)


def test_an_older_label_that_arrives_late_does_not_count() -> None:
    lead = a_contacted_lead().replied("interested", at=1, reply_id="r", labelled_at=day(3))
    lead.replied("declined", at=1, reply_id="r", labelled_at=day(2))
    assert lead.stage is Stage.ENGAGED


def test_of_labels_of_the_same_instant_the_greater_event_id_counts() -> None:
    lead = a_contacted_lead()
    lead.add("reply.received", 1, id="b", reply_id="r", label="declined", labelled_at=day(2), channel="email")
    lead.add("reply.received", 1, id="a", reply_id="r", label="interested", labelled_at=day(2), channel="email")
    assert lead.stage is Stage.LOST


def test_a_label_with_the_same_effect_corrects_nothing() -> None:
    lead = a_contacted_lead().replied("other", at=1, reply_id="r", labelled_at=day(1))
    before = lead.fold().transitions
    assert lead.replied("interested", at=1, reply_id="r", labelled_at=day(2)).fold().transitions == before


def test_a_second_label_of_a_reply_needs_the_full_fold() -> None:
    lead = a_contacted_lead().replied("other", at=1, reply_id="r", labelled_at=day(1))
    journey = lead.journey
    relabelled = a_contacted_lead().replied("declined", at=2, reply_id="r", labelled_at=day(2)).signals[-1:]
    assert not can_advance(journey, relabelled)


def test_an_operator_corrects_a_wrong_machine_label_opt_out() -> None:
    lead = a_contacted_lead().replied("opt_out", at=1, reply_id="r", labelled_at=day(1))
    lead.opted_out("reply", at=1.1, reply_id="r")
    assert lead.stage is Stage.DEAD
    lead.moved("qualified", at=2).replied("interested", at=1, reply_id="r", labelled_at=day(3))
    assert lead.stage is Stage.QUALIFIED
    assert not lead.journey.opted_out
    assert [each.reason for each in lead.fold().ignored] == ['the reply it rests on is labelled "interested"']


def test_an_opt_out_counts_until_the_reply_that_it_names_is_known_to_be_another() -> None:
    lead = a_contacted_lead().opted_out("reply", at=1, reply_id="r")
    journey = lead.journey
    assert journey.stage is Stage.DEAD
    reply = Lead().numbered_from(50).replied("opt_out", at=2, reply_id="r").signals
    other = Lead().numbered_from(50).replied("question", at=2, reply_id="r").signals
    assert can_advance(journey, reply)
    assert not can_advance(journey, other)
    lead.signals += other
    assert lead.stage is Stage.ENGAGED


def test_an_opt_out_whose_reply_has_another_label_does_not_count_in_advance_either() -> None:
    lead = a_contacted_lead().replied("question", at=1, reply_id="r")
    journey = lead.journey
    late = a_contacted_lead().opted_out("reply", at=2, reply_id="r").signals[-1:]
    assert advance(journey, late, lead.history, day(2)).journey.stage is Stage.ENGAGED


@pytest.mark.parametrize("how", ["stop_word", "unsubscribe", "blocklist"])
def test_stop_words_links_and_blocklists_count_with_any_label(how: str) -> None:
    lead = a_contacted_lead().replied("opt_out", at=1, reply_id="r", labelled_at=day(1))
    lead.opted_out(how, channel="sms", at=1.1, reply_id="r")
    lead.replied("interested", at=1, reply_id="r", labelled_at=day(3))
    assert lead.stage is Stage.DEAD


def test_a_reply_with_the_last_missing_item_engages_and_qualifies() -> None:
    lead = a_contacted_lead().replied("interested", evidence=[{"item": "need", "sentence": "We need this by May."}])
    assert lead.rules == ["first-message", "reply", "checklist"]
    assert lead.journey.ticks["need"].evidence == "We need this by May."
    assert lead.journey.ticks["need"].by == "reply"


@pytest.mark.parametrize(("label", "stage"), [("later", Stage.NURTURE), ("declined", Stage.LOST)])
def test_a_reply_that_says_later_or_no_ticks_items_but_does_not_qualify_the_lead(label: str, stage: Stage) -> None:
    lead = a_contacted_lead().replied(label, evidence=[{"item": "need", "sentence": "We need it."}])
    assert lead.stage is stage
    assert lead.journey.ticks["need"].ticked
    assert lead.journey.first_qualified_on is None


def test_the_date_of_a_later_reply_is_kept_until_the_next_reply() -> None:
    lead = a_contacted_lead().replied("later", later_until="2025-06-01")
    assert lead.journey.later_until == "2025-06-01"
    assert lead.replied("question").journey.later_until is None
