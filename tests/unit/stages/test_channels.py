"""Channels: what is known, what works, and what follows from a failure, a suppression, a change."""

import pytest

from services.stages.rules import Stage
from tests.unit.stages.story import ALIAS, EMAIL, PHONE, Lead, a_lead, day

OTHER_EMAIL, OTHER_PHONE = "lee@elsewhere.example", "+1 415 555 0199"


def a_contacted_lead(**data: object) -> Lead:
    return a_lead(**data).sent()  # type: ignore[arg-type]


class TestFailures:
    def test_a_failure_does_not_move_the_lead_while_another_channel_of_the_mode_works(self) -> None:
        lead = a_contacted_lead(phone=PHONE).bounced()
        assert lead.stage is Stage.CONTACTED
        assert lead.ignored == "another channel of the outreach mode works"

    def test_the_lead_is_exhausted_when_only_a_channel_outside_the_mode_works(self) -> None:
        assert a_contacted_lead(phone=PHONE).mode("email_only").bounced().stage is Stage.EXHAUSTED
        assert a_contacted_lead(phone=PHONE).mode("sms_only").sms_failed().stage is Stage.EXHAUSTED

    def test_a_failure_outside_the_mode_does_not_move_the_lead_while_the_mode_works(self) -> None:
        assert a_contacted_lead(phone=PHONE).mode("email_only").sms_failed().stage is Stage.CONTACTED

    def test_a_lead_of_which_only_a_phone_was_ever_known_is_bad_phone(self) -> None:
        assert a_contacted_lead(email=None, phone=PHONE).sms_failed().stage is Stage.BAD_PHONE

    def test_an_e_mail_that_was_known_once_makes_it_bad_contact(self) -> None:
        lead = a_contacted_lead(phone=PHONE).updated(email=None, phone=PHONE).sms_failed()
        assert lead.stage is Stage.BAD_CONTACT

    def test_a_lead_whose_known_addresses_are_all_invalid_is_bad_contact(self) -> None:
        assert a_contacted_lead().bounced().stage is Stage.BAD_CONTACT
        assert a_contacted_lead(phone=PHONE).sms_failed().bounced().stage is Stage.BAD_CONTACT

    def test_an_exhausted_lead_whose_last_address_fails_is_a_bad_contact(self) -> None:
        lead = a_contacted_lead(phone=PHONE).mode("email_only").bounced()
        assert lead.stage is Stage.EXHAUSTED
        assert lead.sms_failed().stage is Stage.BAD_CONTACT

    def test_a_meeting_on_the_calendar_is_not_paused_by_a_failure(self) -> None:
        lead = a_lead(phone=PHONE).booked(ends=9).mode("email_only").bounced()
        assert lead.stage is Stage.SCHEDULED
        assert lead.ignored == "a meeting is on the calendar"

    def test_a_soft_bounce_is_not_a_failure(self) -> None:
        assert a_contacted_lead().bounced("soft").stage is Stage.CONTACTED

    def test_a_state_that_this_version_does_not_know_counts_as_soft(self) -> None:
        assert a_contacted_lead().bounced("greylisted").stage is Stage.CONTACTED

    def test_a_failure_on_a_channel_that_this_version_does_not_know_closes_no_address(self) -> None:
        lead = a_contacted_lead(phone=PHONE).bounced(channel="other", address=None)
        assert lead.stage is Stage.CONTACTED
        assert lead.ignored == "it is about a channel that is not known here"
        lead = a_contacted_lead().replied("wrong_person", channel="other", wrong_address=True)
        assert lead.stage is Stage.CONTACTED

    def test_a_second_failure_of_an_address_changes_nothing(self) -> None:
        lead = a_contacted_lead(phone=PHONE).bounced().bounced()
        assert lead.ignored == "it says nothing new about the address"

    def test_a_bounce_of_an_earlier_address_does_not_count_for_the_new_one(self) -> None:
        lead = a_contacted_lead().updated(email=OTHER_EMAIL).bounced(address=EMAIL)
        assert lead.stage is Stage.CONTACTED
        assert lead.ignored == "the address is not in use"

    def test_a_bounce_without_an_address_is_of_the_one_in_use(self) -> None:
        assert a_contacted_lead().bounced(address=None).stage is Stage.BAD_CONTACT

    def test_an_address_is_the_same_however_it_is_written(self) -> None:
        assert a_contacted_lead().bounced(address=" LEE@Example.com").stage is Stage.BAD_CONTACT
        lead = a_contacted_lead(email=None, phone="+1 (415) 555-0100")
        assert lead.bounced(channel="sms", address="+14155550100").stage is Stage.BAD_PHONE

    def test_invalid_lasts_until_the_address_changes(self) -> None:
        lead = a_contacted_lead(phone=PHONE).bounced().bounced("soft").bounced("valid")
        assert lead.sms_failed().stage is Stage.BAD_CONTACT

    def test_a_changed_address_is_valid_again(self) -> None:
        lead = a_contacted_lead(phone=PHONE).bounced().updated(email=OTHER_EMAIL, phone=PHONE).sms_failed()
        assert lead.stage is Stage.CONTACTED

    def test_a_capture_moves_no_lead(self) -> None:
        assert a_lead(email=None).stage is Stage.NEW
        assert a_lead(email=None, phone=PHONE).mode("email_only").stage is Stage.NEW
        assert Lead().bounced(at=-1).captured().stage is Stage.NEW

    def test_a_bounce_of_an_address_counts_when_the_address_becomes_known(self) -> None:
        assert Lead().bounced(at=-1).captured(phone=PHONE).sms_failed().stage is Stage.BAD_CONTACT

    def test_an_address_that_only_an_event_named_was_never_known(self) -> None:
        lead = a_contacted_lead(email=None, phone=PHONE).bounced(address=OTHER_EMAIL).sms_failed()
        assert lead.stage is Stage.BAD_PHONE
        lead = Lead().bounced("soft", at=-1).captured(phone=PHONE).updated(email=None, phone=PHONE).sms_failed()
        assert lead.stage is Stage.BAD_CONTACT

    def test_a_changed_mode_or_address_can_only_revive(self) -> None:
        assert a_contacted_lead(phone=PHONE).bounced().mode("email_only").stage is Stage.CONTACTED
        assert a_contacted_lead(phone=PHONE).bounced().updated(email=EMAIL, phone=None).stage is Stage.CONTACTED

    def test_an_update_without_the_field_leaves_the_address(self) -> None:
        assert a_contacted_lead().updated(job_title="CEO", changed=["job_title"]).bounced().stage is Stage.BAD_CONTACT

    def test_an_older_version_of_the_details_is_ignored(self) -> None:
        lead = a_lead().updated(at=2, email=OTHER_EMAIL, version=3).updated(at=3, email=EMAIL, version=2)
        assert lead.bounced(address=OTHER_EMAIL).stage is Stage.BAD_CONTACT


class TestSuppressionByAnOperator:
    def test_one_suppressed_address_leaves_the_other_channel(self) -> None:
        assert a_contacted_lead(phone=PHONE).opted_out("operator", "email").stage is Stage.CONTACTED

    def test_a_suppression_is_not_a_failure_and_pauses_the_lead(self) -> None:
        assert a_contacted_lead().opted_out("operator", "email").stage is Stage.EXHAUSTED
        lead = a_contacted_lead(phone=PHONE).mode("email_only").opted_out("operator", "email")
        assert lead.stage is Stage.EXHAUSTED
        assert lead.rules[-1] == "no-channel"
        assert a_contacted_lead(phone=PHONE).sms_failed().opted_out("operator", "email").stage is Stage.EXHAUSTED

    def test_a_failure_that_leaves_only_a_suppressed_address_pauses_too(self) -> None:
        assert a_contacted_lead(phone=PHONE).opted_out("operator", "email").sms_failed().stage is Stage.EXHAUSTED

    def test_a_new_address_is_usable_again(self) -> None:
        lead = a_contacted_lead().opted_out("operator", "email").updated(email=OTHER_EMAIL)
        assert lead.stage is Stage.CONTACTED
        assert lead.rules[-1] == "revived"

    def test_a_second_suppression_changes_nothing(self) -> None:
        lead = a_contacted_lead().opted_out("operator", "email").opted_out("operator", "email")
        assert lead.ignored == "no address is in use on this channel, or it was suppressed before"

    def test_a_suppression_that_leaves_a_channel_of_the_mode_is_explained(self) -> None:
        lead = a_contacted_lead(phone=PHONE).opted_out("operator", "sms")
        assert lead.ignored == "another channel of the outreach mode works"


class TestUsedUp:
    def test_every_channel_of_the_mode_is_used_up(self) -> None:
        assert a_contacted_lead(phone=PHONE).used_up("email", "sms").stage is Stage.EXHAUSTED
        assert a_lead().used_up("email").stage is Stage.EXHAUSTED

    def test_a_channel_that_is_left_keeps_the_lead_going(self) -> None:
        lead = a_contacted_lead(phone=PHONE).used_up("email")
        assert lead.stage is Stage.CONTACTED
        assert lead.ignored == "a channel of the outreach mode is left"

    def test_only_known_and_working_channels_of_the_own_mode_count(self) -> None:
        assert a_contacted_lead().used_up("email").stage is Stage.EXHAUSTED
        assert a_contacted_lead(phone=PHONE).mode("email_only").used_up("email").stage is Stage.EXHAUSTED
        assert a_contacted_lead(phone=PHONE).sms_failed().used_up("email").stage is Stage.EXHAUSTED

    def test_an_event_that_does_not_move_the_lead_marks_no_channel(self) -> None:
        lead = a_contacted_lead(phone=PHONE).used_up("email").mode("email_only").used_up("sms")
        assert lead.stage is Stage.CONTACTED
        lead = a_lead().moved("engaged").used_up("email").moved("exhausted").mode("email_only")
        assert lead.rules[-1] == "revived"

    def test_a_contact_from_the_lead_clears_the_mark(self) -> None:
        lead = a_contacted_lead().used_up("email").replied()
        assert lead.stage is Stage.ENGAGED
        assert lead.moved("exhausted").mode("email_only").stage is Stage.CONTACTED
        lead = a_contacted_lead().used_up("email").booked(ends=9)
        assert lead.stage is Stage.SCHEDULED
        assert lead.moved("exhausted").mode("email_only").stage is Stage.CONTACTED

    def test_an_automatic_reply_is_not_a_contact_from_the_lead(self) -> None:
        lead = a_contacted_lead().used_up("email").replied("out_of_office").mode("email_only")
        assert lead.stage is Stage.EXHAUSTED

    def test_used_up_again_after_the_revival_counts_with_what_was_used_up_before(self) -> None:
        lead = a_contacted_lead(phone=PHONE).mode("email_only").used_up("email").mode("blended")
        assert lead.stage is Stage.CONTACTED
        assert lead.used_up("sms").stage is Stage.EXHAUSTED

    @pytest.mark.parametrize("stage", ["engaged", "qualified", "meeting_completed", "nurture"])
    def test_only_a_lead_that_waits_for_a_first_answer_is_moved(self, stage: str) -> None:
        lead = a_lead().moved(stage).used_up("email")
        assert lead.stage == stage
        assert lead.ignored.endswith("it is not waiting for a first answer")


class TestRevival:
    def an_exhausted_lead(self, **data: object) -> Lead:
        lead = a_contacted_lead(**data).mode("email_only").used_up("email")
        assert lead.stage is Stage.EXHAUSTED
        return lead

    def test_a_mode_change_revives(self) -> None:
        lead = self.an_exhausted_lead(phone=PHONE).mode("blended")
        assert lead.stage is Stage.CONTACTED
        assert lead.journey.revived

    def test_a_mode_change_that_opens_no_channel_does_not_revive(self) -> None:
        lead = self.an_exhausted_lead().mode("blended")
        assert lead.stage is Stage.EXHAUSTED
        assert lead.ignored == "no channel of the outreach mode is usable"

    def test_a_mode_change_to_a_broken_channel_does_not_revive(self) -> None:
        assert self.an_exhausted_lead(phone=PHONE).sms_failed().mode("blended").stage is Stage.EXHAUSTED

    def test_a_new_address_revives(self) -> None:
        assert self.an_exhausted_lead().updated(email=OTHER_EMAIL).stage is Stage.CONTACTED

    def test_a_new_address_outside_the_mode_does_not_revive(self) -> None:
        assert self.an_exhausted_lead().updated(email=EMAIL, phone=PHONE).stage is Stage.EXHAUSTED

    def test_an_update_without_a_new_address_does_not_revive(self) -> None:
        lead = a_contacted_lead().moved("exhausted").updated(email=EMAIL, company="Acme")
        assert lead.stage is Stage.EXHAUSTED

    def test_an_address_known_before_is_still_used_up(self) -> None:
        lead = a_contacted_lead().updated(email=OTHER_EMAIL).used_up("email").updated(email=EMAIL)
        assert lead.stage is Stage.EXHAUSTED

    def test_an_address_that_only_an_event_named_is_not_used_up(self) -> None:
        lead = a_contacted_lead().bounced("soft", OTHER_EMAIL).used_up("email").updated(email=OTHER_EMAIL)
        assert lead.stage is Stage.CONTACTED

    def test_the_capture_itself_does_not_revive_the_lead(self) -> None:
        assert Lead().moved("exhausted", at=-1).captured().stage is Stage.EXHAUSTED

    def test_a_revived_lead_is_queued_until_a_message_is_sent_or_received(self) -> None:
        assert not self.an_exhausted_lead(phone=PHONE).mode("blended").sent().journey.revived
        assert not self.an_exhausted_lead(phone=PHONE).mode("blended").replied().journey.revived

    def test_a_dead_lead_is_not_revived_which_is_explained(self) -> None:
        assert self.an_exhausted_lead(phone=PHONE).opted_out().mode("blended").ignored == "the lead is dead"

    def test_end_stages_are_left_only_by_a_human(self) -> None:
        lead = a_contacted_lead().bounced().updated(email=OTHER_EMAIL)
        assert lead.stage is Stage.BAD_CONTACT
        assert lead.ignored == "the lead is in the end stage Bad Contact, which only a person can leave"
        assert lead.moved("contacted").stage is Stage.CONTACTED


class TestMode:
    def test_the_mode_is_blended_until_it_changes(self) -> None:
        assert a_lead().journey.mode == "blended"
        assert a_contacted_lead(phone=PHONE).bounced().stage is Stage.CONTACTED

    def test_the_newest_mode_counts(self) -> None:
        assert a_lead().mode("sms_only", at=2).mode("email_only", at=1).journey.mode == "sms_only"


class TestMergedLeads:
    def test_a_channel_works_while_one_of_its_addresses_works(self) -> None:
        lead = a_contacted_lead().captured(at=1, lead_id=ALIAS, email=OTHER_EMAIL).bounced(address=EMAIL)
        assert lead.stage is Stage.CONTACTED
        assert lead.bounced(address=OTHER_EMAIL).stage is Stage.BAD_CONTACT

    def test_a_signal_without_an_address_is_about_the_lead_id_that_it_names(self) -> None:
        lead = a_contacted_lead().captured(at=1, lead_id=ALIAS, email=OTHER_EMAIL)
        lead.replied("wrong_person", wrong_address=True, lead_id=ALIAS)
        assert lead.stage is Stage.CONTACTED
        assert lead.bounced(address=EMAIL).stage is Stage.BAD_CONTACT

    def test_the_other_leads_fresh_address_revives(self) -> None:
        lead = a_contacted_lead().used_up("email").captured(at=1, lead_id=ALIAS, email=OTHER_EMAIL)
        assert lead.stage is Stage.CONTACTED

    def test_the_same_address_of_the_other_lead_does_not_revive(self) -> None:
        lead = a_contacted_lead().moved("exhausted").captured(at=1, lead_id=ALIAS, email=EMAIL)
        assert lead.stage is Stage.EXHAUSTED

    def test_the_earlier_creation_counts(self) -> None:
        lead = a_lead().captured(at=1, lead_id=ALIAS, created_on=day(-5))
        assert lead.journey.created_on == day(-5)
