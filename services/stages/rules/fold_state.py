"""The state of one fold, and its steps: fire timers, move the lead by the rules, record what was ignored."""

from collections.abc import Mapping
from datetime import datetime

from . import timers
from .hot import is_hot
from .ignored import ignored_reason
from .journey import PASSED, Journey
from .outcome import MANUAL, BecameHot, Ignored, Outcome, Transition
from .settings import SettingsHistory, TenantSettings
from .signals import Signal
from .stages import DISQUALIFIED, OPEN, REACHED_QUALIFIED, WON, Stage, status_of
from .timers import Timer
from .transitions import CANDIDATES, Trigger


class FoldState:
    """The journey of the lead `lead_id`, the outcome that this fold adds to, and `labels`: the label that counts of
    each reply folded now."""

    __slots__ = ("history", "journey", "labels", "lead_id", "outcome")

    def __init__(
        self, journey: Journey, history: SettingsHistory, labels: Mapping[str, str], lead_id: str = ""
    ) -> None:
        self.journey = journey
        self.history = history
        self.labels = labels
        self.lead_id = lead_id
        self.outcome = Outcome(journey)

    def settings_of(self, signal: Signal) -> TenantSettings:
        """The settings that decide about a signal: those of its time."""
        return self.history.at(signal.occurred_at)

    def fire_timers_before(self, moment: datetime) -> None:
        """Fire the timers that are due before this instant."""
        while (timer := timers.next_timer(self.journey, self.history)) is not None and timer.fires_at < moment:
            self._fire_timer(timer)

    def fire_timers_until(self, moment: datetime) -> None:
        """Fire the timers that are due up to and at this instant."""
        while (timer := timers.next_timer(self.journey, self.history)) is not None and timer.fires_at <= moment:
            self._fire_timer(timer)

    def _fire_timer(self, timer: Timer) -> None:
        at = timer.fires_at
        signal = Signal(timer.id, timer.id, "", timer.kind, at, at, {"days": timer.days})
        self.journey.last_order = timers.timer_order(at)
        if timer.kind == timers.MEETING_PASSED:
            self.journey.meetings[str(timer.about)].state = PASSED
            self.fire(Trigger.MEETING_PASSED, signal)
        else:
            self.fire(Trigger.WENT_QUIET, signal)

    def fire(self, trigger: Trigger, signal: Signal) -> bool:
        """Move the lead by the first rule whose condition holds; False when no rule moves it."""
        journey = self.journey
        for rule in CANDIDATES[trigger, journey.stage]:
            if rule.condition(journey, signal):
                if rule.to is journey.stage:
                    return False
                reason = rule.reason
                if "{" in reason:
                    reason = reason.format_map(signal.data)
                self._move(rule.to, rule.id, rule.actor, reason, signal, rule.disqualification)
                return True
        return False

    def fire_or_ignore(self, trigger: Trigger, signal: Signal) -> None:
        """Move the lead by the rules, or record the reason why the signal does not move it."""
        if not self.fire(trigger, signal):
            reason, routine = ignored_reason(self.journey, trigger, signal)
            self.ignore(signal, reason, routine)

    def ignore(self, signal: Signal, reason: str, routine: bool = False) -> None:
        """Record that a signal changed nothing, and why."""
        self.outcome.ignored.append(Ignored(signal.digest, signal.id, signal.type, reason, signal.occurred_at, routine))

    def update_hot(self, signal: Signal) -> None:
        """Decide whether the lead is hot, and record it once from the score that makes it so until it cools.

        A lead may be hot only later than its score says: when a person opens it again.
        """
        journey, settings = self.journey, self.settings_of(signal)
        if journey.score is None:
            return
        if journey.score < settings.hot_down:
            journey.alerted = False
        journey.hot = is_hot(journey.alerted, journey.score, settings, journey.stage)
        if journey.hot and not journey.alerted:
            journey.alerted = True
            self.outcome.became_hot.append(BecameHot(journey.score, settings.hot_up, signal.id, signal.occurred_at))

    def move_by_hand(self, to: Stage, actor: str, reason: str, signal: Signal, disqualification: str | None) -> None:
        """Move the lead as a person asked for."""
        self._move(to, MANUAL, actor, reason, signal, disqualification)

    def change_status_in_nurture(self, signal: Signal) -> None:
        """Record the first message to a lead in nurture: the stage stays, and its status becomes `contacted`."""
        journey = self.journey
        stage = journey.stage
        self.outcome.transitions.append(
            Transition(
                stage,
                stage,
                "first-message",
                "system:first-message",
                "the first message was sent",
                signal.id,
                signal.occurred_at,
                status_of(stage, False),
                status_of(stage, True),
                facts=journey.facts(),
            )
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
        if (from_ in OPEN) != (to in OPEN):
            self.update_hot(signal)
        self.outcome.transitions.append(
            Transition(
                from_,
                to,
                rule,
                actor,
                reason,
                signal.id,
                at,
                status_of(from_, journey.contacted),
                status_of(to, journey.contacted),
                journey.disqualification_reason,
                journey.facts(),
            )
        )
