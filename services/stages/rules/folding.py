"""One run of the fold: how each type of signal changes the journey, and which triggers it brings about."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from . import channels, checklist, meetings, replies, timers
from .ignoring import why_ignored
from .journey import EMAIL, INVALID, PASSED, SMS, Journey
from .outcome import MANUAL, BecameHot, Ignored, Outcome, Transition
from .queue import hot_after
from .settings import SettingsHistory
from .signals import CHECKLIST_TICK, MANUAL_MOVE, Signal, moment
from .stages import DEAD, DISQUALIFIED, OPEN, REACHED_QUALIFIED, WON, Stage
from .table import CANDIDATES, Trigger
from .timers import Timer


class Folding:
    """A journey on its way, with what happened to it. `labels` are the labels that count, of the replies now folded."""

    __slots__ = ("_labels", "_outcome", "history", "journey")

    def __init__(self, journey: Journey, history: SettingsHistory, labels: Mapping[str, str]) -> None:
        self.journey = journey
        self.history = history
        self._labels = labels
        self._outcome = Outcome(journey)

    def outcome(self) -> Outcome:
        return self._outcome

    # -- order

    def apply(self, signal: Signal) -> None:
        """Applies the next signal. Its place becomes the journey's last, whatever the signal does."""
        journey = self.journey
        journey.last_order = signal.order
        if journey.erased:
            self.ignore(signal, "the lead was erased")
            return
        handler = HANDLERS.get(signal.type)
        if handler is not None:
            handler(self, signal, signal.data)

    def fire_timers_before(self, moment: datetime) -> None:
        """Fires what is due before the events of this instant."""
        while (timer := timers.next_timer(self.journey, self.history)) is not None and timer.fires_at < moment:
            self._fire_timer(timer)

    def fire_timers_until(self, moment: datetime) -> None:
        """Fires what is due up to and at this instant."""
        while (timer := timers.next_timer(self.journey, self.history)) is not None and timer.fires_at <= moment:
            self._fire_timer(timer)

    def _fire_timer(self, timer: Timer) -> None:
        at = timer.fires_at
        signal = Signal(timer.id, timer.id, "", timer.kind, at, at, {"days": timer.days})
        self.journey.last_order = timers.after_all(at)
        if timer.kind == timers.MEETING_PASSED:
            self.journey.meetings[timer.about].state = PASSED
            self.fire(Trigger.MEETING_PASSED, signal)
        else:
            self.fire(Trigger.WENT_QUIET, signal)

    # -- moves

    def fire(self, trigger: Trigger, signal: Signal) -> bool:
        """Moves the lead by the first rule of the table that holds; False when none does."""
        journey = self.journey
        for rule in CANDIDATES[trigger, journey.stage]:
            if rule.when(journey, signal):
                reason = rule.reason
                if "{" in reason:
                    reason = reason.format_map(signal.data)
                self._move(rule.to, rule.id, rule.actor, reason, signal, rule.disqualifies)
                return True
        return False

    def fire_or_ignore(self, trigger: Trigger, signal: Signal) -> None:
        if not self.fire(trigger, signal):
            reason, routine = why_ignored(self.journey, trigger, signal)
            self.ignore(signal, reason, routine)

    def ignore(self, signal: Signal, reason: str, routine: bool = False) -> None:
        self._outcome.ignored.append(
            Ignored(signal.digest, signal.id, signal.type, reason, signal.occurred_at, routine)
        )

    def _move(
        self, to: Stage, rule: str, actor: str, reason: str, signal: Signal, disqualification: str | None
    ) -> None:
        journey = self.journey
        from_ = journey.stage
        at = signal.occurred_at
        journey.stage = to
        journey.entered_at = at
        journey.rule, journey.because, journey.caused_by = rule, reason, signal.id
        journey.revived = rule == "revived"
        journey.disqualification_reason = (disqualification or reason) if to in DISQUALIFIED else None
        if to in REACHED_QUALIFIED and journey.first_qualified_on is None:
            journey.first_qualified_on = at
        journey.won_on = at if to is WON else None
        if to not in OPEN:
            journey.hot = False
        elif from_ not in OPEN and journey.score is not None:
            journey.hot = journey.score >= self.history.at(at).hot_up
        self._outcome.transitions.append(
            Transition(
                from_, to, rule, actor, reason, signal.id, at, journey.contacted, journey.disqualification_reason
            )
        )

    # -- the lead itself

    def captured(self, signal: Signal, data: Mapping[str, Any]) -> None:
        journey = self.journey
        first = journey.created_on is None
        created_on = moment(data.get("created_on") or signal.occurred_at)
        if journey.created_on is None or created_on < journey.created_on:
            journey.created_on = created_on
        if journey.entered_at is None:
            journey.entered_at = signal.occurred_at
        if journey.owner is None and not journey.assigned:
            journey.owner = data.get("owner")
        fresh = channels.learn_contact(journey, data.get("lead_id") or signal.lead_id, data, 0)
        if fresh and not first:
            self.fire(Trigger.REACHABLE_ANEW, signal)

    def updated(self, signal: Signal, data: Mapping[str, Any]) -> None:
        lead_id = data.get("lead_id") or signal.lead_id
        if channels.learn_contact(self.journey, lead_id, data, int(data.get("version") or 0)):
            self.fire(Trigger.REACHABLE_ANEW, signal)

    def erased(self, signal: Signal, data: Mapping[str, Any]) -> None:
        """Removes the person; stage, dates and counts stay."""
        journey = self.journey
        journey.erased = True
        journey.owner = journey.later_until = None
        journey.hot = journey.revived = journey.unanswered = False
        journey.contacts, journey.addresses, journey.replies, journey.trusted = {}, {}, {}, {}
        for tick in journey.ticks.values():
            tick.evidence = None

    def assigned(self, signal: Signal, data: Mapping[str, Any]) -> None:
        self.journey.owner = data.get("owner")
        self.journey.assigned = True

    def scored(self, signal: Signal, data: Mapping[str, Any]) -> None:
        journey = self.journey
        settings = self.history.at(signal.occurred_at)
        journey.score = total = int(data["total"])
        if settings.checklist:
            complete = checklist.is_complete(journey, settings)
            checklist.follow_score(journey, settings, signal.occurred_at)
            if not complete and checklist.is_complete(journey, settings):
                self.fire_or_ignore(Trigger.CHECKLIST_COMPLETED, signal)
        was_hot = journey.hot
        journey.hot = hot_after(was_hot, total, settings, journey.stage)
        if journey.hot and not was_hot:
            self._outcome.became_hot.append(BecameHot(total, settings.hot_up, signal.id, signal.occurred_at))

    # -- messages and replies

    def sent(self, signal: Signal, data: Mapping[str, Any]) -> None:
        journey = self.journey
        journey.contacted = True
        journey.unanswered = journey.revived = False
        self.fire_or_ignore(Trigger.MESSAGE_SENT, signal)

    def replied(self, signal: Signal, data: Mapping[str, Any]) -> None:
        journey = self.journey
        reply_id = data["reply_id"]
        label = replies.known_label(data.get("label"))
        journey.replies[reply_id] = label
        journey.trusted.pop(reply_id, None)
        trigger = replies.TRIGGERS.get(label)
        if trigger is not None:
            journey.last_word_at = signal.occurred_at
            channels.clear_used_up(journey)
            journey.unanswered = trigger is Trigger.REPLIED
            journey.later_until = data.get("later_until") if label == replies.LATER else None
            if label == replies.OPT_OUT:
                journey.opted_out = True
            self.fire_or_ignore(trigger, signal)
            self._tick_from_reply(signal, data, completes=trigger is Trigger.REPLIED)
        elif not data.get("wrong_address"):
            self.ignore(signal, replies.SILENT[label])
        if data.get("wrong_address"):
            channel = _channel(data)
            self._learn_state(signal, channel, list(channels.in_use(journey, channel, signal.lead_id)), INVALID)

    def _tick_from_reply(self, signal: Signal, data: Mapping[str, Any], completes: bool) -> None:
        evidence = data.get("evidence")
        if not evidence:
            return
        journey, at = self.journey, signal.occurred_at
        settings = self.history.at(at)
        checklist.follow_score(journey, settings, at)
        complete = checklist.is_complete(journey, settings)
        for entry in evidence:
            if not checklist.follows_score(settings, entry["item"]):
                checklist.tick(journey, entry["item"], True, checklist.BY_REPLY, at, entry.get("sentence"))
        if completes and not complete and checklist.is_complete(journey, settings):
            self.fire(Trigger.CHECKLIST_COMPLETED, signal)

    def opted_out(self, signal: Signal, data: Mapping[str, Any]) -> None:
        journey = self.journey
        if data.get("how") == "operator" and data.get("channel") in (EMAIL, SMS):
            self._suppressed(signal, data["channel"])
            return
        label = replies.opt_out_is_retracted(journey, data, self._labels)
        if label is not None:
            self.ignore(signal, f'the reply it rests on is labelled "{label}"')
            return
        reply_id = data.get("reply_id")
        known = reply_id in journey.replies or reply_id in self._labels
        if reply_id and not known and data.get("how") not in replies.STANDING:
            journey.trusted[reply_id] = signal.id
        journey.opted_out = True
        self.fire_or_ignore(Trigger.OPTED_OUT, signal)

    def _suppressed(self, signal: Signal, channel: str) -> None:
        worked = channels.works(self.journey, channel)
        changed = channels.suppress(self.journey, channel, signal.lead_id)
        if worked and not channels.works(self.journey, channel):
            self.fire(Trigger.SUPPRESSED, signal)
        elif not changed:
            self.ignore(signal, "no address in use on this channel, or it was suppressed before")

    # -- channels

    def bounced(self, signal: Signal, data: Mapping[str, Any]) -> None:
        journey = self.journey
        channel, state = _channel(data), data.get("address_state") or "soft"
        key = data.get("address_key")
        in_use = list(channels.in_use(journey, channel, signal.lead_id if key is None else ""))
        if key is None:
            self._learn_state(signal, channel, in_use, state)
        elif key in in_use:
            self._learn_state(signal, channel, [key], state)
        else:
            channels.learn_state(journey, channel, [key], state)
            self.ignore(signal, "the address is not in use")

    def _learn_state(self, signal: Signal, channel: str, keys: list[str], state: str) -> None:
        changed, failed = channels.learn_state(self.journey, channel, keys, state)
        if failed:
            self.fire_or_ignore(Trigger.FAILED, signal)
        elif not changed:
            self.ignore(signal, "it says nothing new about the address", routine=True)

    def used_up(self, signal: Signal, data: Mapping[str, Any]) -> None:
        # Marked only when it moves the lead.
        if self.fire(Trigger.USED_UP, signal):
            channels.mark_used_up(self.journey, data.get("channels") or ())
        else:
            reason, routine = why_ignored(self.journey, Trigger.USED_UP, signal)
            self.ignore(signal, reason, routine)

    def mode_changed(self, signal: Signal, data: Mapping[str, Any]) -> None:
        self.journey.mode = data["mode"]
        self.fire(Trigger.REACHABLE_ANEW, signal)

    def enrolled(self, signal: Signal, data: Mapping[str, Any]) -> None:
        self.journey.sequences.setdefault(data["enrolment_id"], True)

    def exited(self, signal: Signal, data: Mapping[str, Any]) -> None:
        self.journey.sequences[data["enrolment_id"]] = False
        self.journey.sequence_ended_at = signal.occurred_at

    # -- meetings

    def booked(self, signal: Signal, data: Mapping[str, Any]) -> None:
        meetings.book(self.journey, data["meeting_id"], moment(data["starts_at"]), moment(data["ends_at"]))
        channels.clear_used_up(self.journey)
        if not self.fire(Trigger.MEETING_BOOKED, signal) and self.journey.stage not in OPEN:
            self.ignore(signal, *why_ignored(self.journey, Trigger.MEETING_BOOKED, signal))

    def cancelled(self, signal: Signal, data: Mapping[str, Any]) -> None:
        reason = meetings.cancel(self.journey, data["meeting_id"])
        if reason is not None:
            self.ignore(signal, reason)
        else:
            self.fire(Trigger.MEETING_CANCELLED, signal)

    # -- people

    def ticked(self, signal: Signal, data: Mapping[str, Any]) -> None:
        journey, at = self.journey, signal.occurred_at
        settings = self.history.at(at)
        if checklist.follows_score(settings, data["item"]):
            self.ignore(signal, "this item follows the score")
            return
        checklist.follow_score(journey, settings, at)
        complete = checklist.is_complete(journey, settings)
        by = signal.actor or "human"
        checklist.tick(journey, data["item"], bool(data.get("ticked", True)), by, at, data.get("evidence"))
        if not complete and checklist.is_complete(journey, settings):
            self.fire_or_ignore(Trigger.CHECKLIST_COMPLETED, signal)

    def moved(self, signal: Signal, data: Mapping[str, Any]) -> None:
        journey = self.journey
        to = Stage(data["to"])
        if to is journey.stage:
            self.ignore(signal, f"the lead was already {to.value.replace('_', ' ')}", routine=True)
        elif journey.stage is DEAD:
            self.ignore(signal, "void: the lead is dead, and a dead lead is never revived")
        elif journey.stage is WON and journey.opted_out and to is not DEAD:
            self.ignore(signal, "void: the customer opted out and can only be moved to dead")
        else:
            reason = data.get("note") or "moved by hand"
            actor = signal.actor or "human"
            self._move(to, MANUAL, actor, reason, signal, data.get("disqualification_reason"))


def _channel(data: Mapping[str, Any]) -> str:
    return SMS if data.get("channel") == SMS else EMAIL


HANDLERS: dict[str, Callable[[Folding, Signal, Mapping[str, Any]], None]] = {
    "lead.captured": Folding.captured,
    "lead.updated": Folding.updated,
    "lead.erased": Folding.erased,
    "lead.scored": Folding.scored,
    "lead.assigned": Folding.assigned,
    "message.sent": Folding.sent,
    "message.bounced": Folding.bounced,
    "reply.received": Folding.replied,
    "contact.opted_out": Folding.opted_out,
    "outreach.exhausted": Folding.used_up,
    "outreach.mode_changed": Folding.mode_changed,
    "sequence.enrolled": Folding.enrolled,
    "sequence.exited": Folding.exited,
    "meeting.booked": Folding.booked,
    "meeting.cancelled": Folding.cancelled,
    CHECKLIST_TICK: Folding.ticked,
    MANUAL_MOVE: Folding.moved,
}
