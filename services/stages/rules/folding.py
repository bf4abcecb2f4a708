"""A journey on its way through one fold: moving it by the table, firing its timers, noting what was ignored."""

from collections.abc import Mapping
from datetime import datetime

from . import timers
from .ignoring import why_ignored
from .journey import PASSED, Journey
from .outcome import MANUAL, BecameHot, Ignored, Outcome, Transition
from .settings import Settings, SettingsHistory
from .signals import Signal
from .stages import DISQUALIFIED, OPEN, REACHED_QUALIFIED, WON, Stage, status_of
from .table import CANDIDATES, Trigger
from .timers import Timer


class Folding:
    """The journey, what happened to it in this fold, and `labels`: of the replies now folded, the labels that count."""

    __slots__ = ("_outcome", "history", "journey", "labels")

    def __init__(self, journey: Journey, history: SettingsHistory, labels: Mapping[str, str]) -> None:
        self.journey = journey
        self.history = history
        self.labels = labels
        self._outcome = Outcome(journey)

    def outcome(self) -> Outcome:
        return self._outcome

    def settings_of(self, signal: Signal) -> Settings:
        """A signal is judged by the settings of its time."""
        return self.history.at(signal.occurred_at)

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
            self.journey.meetings[str(timer.about)].state = PASSED
            self.fire(Trigger.MEETING_PASSED, signal)
        else:
            self.fire(Trigger.WENT_QUIET, signal)

    def fire(self, trigger: Trigger, signal: Signal) -> bool:
        """Moves the lead by the first rule of the table that holds; False when none does."""
        journey = self.journey
        for rule in CANDIDATES[trigger, journey.stage]:
            if rule.when(journey, signal):
                if rule.to is journey.stage:
                    return False
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

    def became_hot(self, total: int, threshold: int, signal: Signal) -> None:
        self._outcome.became_hot.append(BecameHot(total, threshold, signal.id, signal.occurred_at))

    def move_by_hand(self, to: Stage, actor: str, reason: str, signal: Signal, disqualification: str | None) -> None:
        self._move(to, MANUAL, actor, reason, signal, disqualification)

    def contacted_first(self, signal: Signal) -> None:
        """The first message went to a lead in nurture: the stage stays, its status changes, and that is told too."""
        journey = self.journey
        stage = journey.stage
        self._outcome.transitions.append(
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
        if to not in OPEN:
            journey.hot = False
        elif from_ not in OPEN and journey.score is not None:
            journey.hot = journey.score >= self.history.at(at).hot_up
        self._outcome.transitions.append(
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
