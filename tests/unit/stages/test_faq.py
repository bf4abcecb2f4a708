"""The questions of the stages page: each answer holds."""

from services.stages.rules import Stage
from services.stages.rules.stages_page import FAQ
from tests.unit.stages.story import PHONE, Lead, a_lead


def test_can_i_customize_stages() -> None:
    assert len(Stage) == 14
    assert FAQ["Can I customize stages?"].startswith("No.")


def test_whats_the_difference_between_lost_and_bad_contact() -> None:
    said_no = a_lead().sent().replied("declined")
    unreachable = a_lead(phone=PHONE).sent().bounced().sms_failed()
    assert said_no.stage is Stage.LOST
    assert unreachable.stage is Stage.BAD_CONTACT


def test_whats_the_difference_between_lost_and_moved_company() -> None:
    assert a_lead().sent().replied("declined").stage is Stage.LOST
    assert a_lead().sent().replied("moved_company", successor="Kim").stage is Stage.MOVED_COMPANY


def test_what_triggers_bad_phone() -> None:
    """Outreach makes one hard code or three failed attempts `invalid`; fewer are soft and move nobody."""
    lead = a_lead(email=None, phone=PHONE).sent(channel="sms")
    assert lead.bounced("soft", PHONE, "sms").stage is Stage.CONTACTED
    assert lead.bounced("invalid", PHONE, "sms").stage is Stage.BAD_PHONE


def test_whats_the_difference_between_exhausted_and_dead() -> None:
    def tried(lead: Lead) -> Lead:
        return lead.sent().mode("email_only").used_up("email")

    exhausted, dead = tried(a_lead(phone=PHONE)), tried(a_lead(phone=PHONE)).opted_out()
    assert exhausted.stage is Stage.EXHAUSTED
    assert exhausted.mode("blended").stage is Stage.CONTACTED
    assert tried(a_lead()).updated(email="new@example.com").stage is Stage.CONTACTED
    assert dead.mode("blended").updated(email="new@example.com").moved("contacted").stage is Stage.DEAD


def test_can_a_lead_go_backward() -> None:
    assert a_lead().sent().booked(ends=9).cancelled().stage is Stage.ENGAGED
    assert a_lead().sent().used_up("email").updated(email="new@example.com").stage is Stage.CONTACTED
    assert a_lead().moved("qualified").moved("new").stage is Stage.NEW


def test_how_long_does_nurture_last() -> None:
    lead = a_lead().sent().replied("later")
    assert lead.at(3650).stage is Stage.NURTURE
    assert lead.replied("interested", at=3650).stage is Stage.ENGAGED
    assert a_lead().moved("nurture").moved("lost", reason="no need").stage is Stage.LOST


def test_do_stages_affect_ai_behavior() -> None:
    """Each move is published, and outreach has a strategy for each stage."""
    assert [each.to for each in a_lead().sent().replied().fold().transitions] == [Stage.CONTACTED, Stage.ENGAGED]


def test_what_happens_after_meeting_completed() -> None:
    lead = a_lead().booked(at=1, ends=2)
    assert lead.at(3).stage is Stage.MEETING_COMPLETED
    assert lead.moved("won", at=4).stage is Stage.WON
    assert a_lead().booked(at=1, ends=2).moved("lost", at=4, reason="price").stage is Stage.LOST


def test_can_i_skip_stages() -> None:
    assert a_lead().moved("meeting_completed").stage is Stage.MEETING_COMPLETED
    assert a_lead().booked(ends=9).stage is Stage.SCHEDULED


def test_every_question_has_its_test() -> None:
    names = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    for question in FAQ:
        name = "".join(each for each in question.lower() if each.isalnum() or each == " ")
        assert name.replace(" ", "_") in names, question
