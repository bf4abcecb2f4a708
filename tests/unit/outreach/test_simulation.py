"""A simulation tells the story of production: who waits for a reviewer, what cannot be written, what a reply voids."""

from datetime import timedelta

import pytest

from services.outreach.sequences.rules import Happening, simulate
from tests.unit.outreach.test_sequences import NOW, WEEKDAYS, a_lead, a_sequence, a_step, an_enrolment


def told(sequence, script=(), lead=None, **more):
    """(what, whole days since the beginning) of each entry, without the happenings of the script."""
    story = simulate(sequence, an_enrolment(), lead or a_lead(), NOW, script, **more)
    return [(each.what, (each.at - NOW).days) for each in story if each.what != "reply"]


def steps(review: str, count: int = 3):
    return [a_step(number, days=2, review=review, template_sha256=f"{number}" * 64) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("review", "approved", "days"),
    [
        ("each", (), [3, 6, 9]),
        ("first", (), [3, 5, 7]),
        ("template", (), [3, 6, 9]),
        ("template", (1, 2, 3), [2, 4, 6]),
        ("template", (1, 2), [2, 4, 7]),
    ],
)
def test_a_message_waits_for_a_reviewer_where_nobody_has_approved_its_template(review, approved, days):
    told_of = told(a_sequence(*steps(review)), review_takes=timedelta(days=1), approved=approved)
    assert told_of == [("sent", day) for day in days] + [("done", days[-1])]


@pytest.mark.parametrize(
    ("rule", "rest"), [("skip", [("skipped", 4), ("sent", 6), ("done", 6)]), ("exit", [("exited", 4)])]
)
def test_a_step_that_cannot_be_written_is_left_out_or_ends_the_enrolment(rule, rest):
    def fault(step, channel, reviewed):
        return "the lead has no company" if step.number == 2 and not reviewed else None

    sequence = a_sequence(*steps("first"), if_blocked=rule)
    assert told(sequence, fault=fault) == [("sent", 2), *rest]
    assert told(a_sequence(*steps("each"), if_blocked=rule), fault=fault)[-1] == ("done", 6)


def test_a_reply_that_nobody_understands_makes_a_draft_void_that_is_then_written_and_reviewed_again():
    script = [Happening(NOW + timedelta(days=3), "reply", "other")]
    story = told(a_sequence(*steps("each", 1)), script, review_takes=timedelta(days=2))
    assert story == [("paused", 3), ("resumed", 6), ("sent", 8), ("done", 8)]


def test_drafts_that_become_void_again_and_again_end_the_enrolment():
    script = [Happening(NOW + timedelta(days=3 + 10 * n), "reply", "other") for n in range(4)]
    story = told(a_sequence(*steps("each", 1)), script, review_takes=timedelta(days=60))
    assert story[-1] == ("exited", 26) and "sent" not in dict(story)


@pytest.mark.parametrize(("rule", "end"), [("skip", "done"), ("exit", "exited")])
def test_an_approved_message_that_has_not_left_when_the_lead_writes_never_leaves(rule, end):
    script = [Happening(NOW + timedelta(days=2), "reply", "other")]  # Sunday: the window opens on Monday
    sequence = a_sequence(a_step(1, days=0), if_blocked=rule)
    friday_evening = a_lead("UTC", WEEKDAYS)
    late = NOW.replace(hour=16, minute=30)
    story = simulate(sequence, an_enrolment(late), friday_evening, late, script, timedelta(hours=1))
    assert [each.what for each in story] == [
        "reply",
        "paused",
        "resumed",
        *(["skipped"] if rule == "skip" else []),
        end,
    ]


def test_a_message_on_a_channel_that_the_mode_no_longer_uses_is_left_out():
    script = [Happening(NOW + timedelta(days=3), "mode", "sms_only")]
    story = simulate(
        a_sequence(*steps("each", 1)), an_enrolment(), a_lead(), NOW, script, review_takes=timedelta(days=2)
    )
    assert [each.what for each in story] == ["mode", "skipped", "done"]
