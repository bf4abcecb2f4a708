"""What is said of a lead: `stage.changed`, `lead.became_hot`, and the entries of the timeline that go with them."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.stages.rules import Ignored, Journey, Outcome, Signal, Stage, Transition, last_moment, standing_at
from services.stages.store.activities import IGNORED, STATUS_CHANGE, Entry
from services.stages.store.alerts import Alert
from services.stages.store.leads import Standing
from shared.db import UnitOfWork
from shared.events import JourneySummary, LeadBecameHot, Received, StageChanged
from shared.events.envelope import Envelope
from shared.ids import derived_id, revision_id

_LAST_POSITION = 32_767


class Telling:
    """One round's words; `entries` wait until all has been said."""

    def __init__(self, work: UnitOfWork) -> None:
        self.work = work
        self.heard: dict[tuple[str, str], Received[Any]] = {}
        """The events that arrived in this round, by tenant and id: what is said because of them is on their trace."""
        self.entries: list[Entry] = []

    def tell(self, standing: Standing, move: Transition) -> None:
        """One `stage.changed` for a move, with the journey as it was after it."""
        standing.revision += 1
        said = self._emit(standing, move, from_=move.from_, from_status=move.from_status, facts=move.facts)
        self._enter(standing, [move], said)

    def mend(
        self,
        standing: Standing,
        old: Journey,
        outcome: Outcome,
        added: Sequence[Transition],
        corrects: list[str],
        cause: str | None,
    ) -> None:
        """One `stage.changed` from where we last said the lead stood to where it stands, and why it stands there."""
        standing.revision += 1
        now = outcome.transitions[-1] if outcome.transitions else standing_at(outcome.journey)
        facts = outcome.journey.facts()
        said = self._emit(
            standing, now, from_=old.stage, from_status=old.status, facts=facts, corrects=corrects, cause=cause
        )
        self._enter(standing, added, said, corrects)

    def fact(
        self,
        standing: Standing,
        signal: Signal | None,
        *,
        corrects: list[str] | None = None,
        cause: str | None = None,
    ) -> None:
        """The stage stays; another fact of the journey changed, by a signal or (None) by a timer."""
        standing.revision += 1
        journey = standing.journey
        told = Transition(
            from_=journey.stage,
            to=journey.stage,
            rule="fact",
            actor=(signal.actor if signal else None) or "system:fact",
            reason="the stage stays; another fact of the journey changed",
            caused_by=signal.id if signal else "timer",
            occurred_at=signal.occurred_at if signal else last_moment(journey),
            from_status=journey.status,
            status=journey.status,
            disqualification_reason=journey.disqualification_reason,
            facts=journey.facts(),
        )
        self._emit(
            standing, told, from_=told.from_, from_status=told.status, facts=told.facts, corrects=corrects, cause=cause
        )

    def _emit(
        self,
        standing: Standing,
        told: Transition,
        *,
        from_: Stage,
        from_status: str,
        facts: Mapping[str, Any],
        corrects: list[str] | None = None,
        cause: str | None = None,
    ) -> Envelope:
        caused_by = cause or told.caused_by
        said: dict[str, Any] = {
            "lead_id": standing.lead_id,
            "from_": from_.value,
            "to": told.to.value,
            "from_status": from_status,
            "status": told.status,
            "rule": told.rule,
            "actor": told.actor,
            "reason": told.reason,
            "caused_by": caused_by,
            "occurred_at": told.occurred_at,
            "recorded_at": self.work.now,
            "revision": standing.revision,
            "journey": JourneySummary(**facts),
            "disqualification_reason": told.disqualification_reason,
        }
        if corrects is not None:
            said["corrects"] = corrects
        return self.work.emit(
            StageChanged(**said),
            tenant=standing.tenant,
            subject=standing.lead_id,
            time=told.occurred_at,
            cause=self.heard.get((standing.tenant, caused_by)),
            event_id=revision_id(StageChanged.type, standing.lead_id, standing.revision),
        )

    def _enter(
        self, standing: Standing, moves: Sequence[Transition], said: Envelope, corrects: list[str] | None = None
    ) -> None:
        """Write moves into the timeline, under the event that told them."""
        self.entries += [self._entry(standing, each, n, corrects, said.id) for n, each in enumerate(moves)]

    def _entry(
        self, standing: Standing, transition: Transition, position: int, corrects: list[str] | None, event_id: str
    ) -> Entry:
        data: dict[str, Any] = {
            "from": transition.from_.value,
            "to": transition.to.value,
            "from_status": transition.from_status,
            "status": transition.status,
            "rule": transition.rule,
            "reason": transition.reason,
        }
        if transition.disqualification_reason is not None:
            data["disqualification_reason"] = transition.disqualification_reason
        if corrects:
            data["corrects"] = corrects
        return Entry(
            tenant=standing.tenant,
            digest=derived_id("status_change", standing.lead_id, standing.revision, position),
            lead_id=standing.lead_id,
            type=STATUS_CHANGE,
            event_id=event_id,
            source=self.work.source,
            occurred_at=transition.occurred_at,
            recorded_at=self.work.now,
            actor=transition.actor,
            caused_by=transition.caused_by,
            data=data,
            # Moves of one instant stand in the order in which they were told.
            position=min(standing.revision + position, _LAST_POSITION),
            revision=standing.revision,
        )

    def ignored(self, standing: Standing, each: Ignored) -> Entry:
        """The entry for a signal that changed nothing; it is for the caller to add it."""
        return Entry(
            tenant=standing.tenant,
            digest=derived_id("ignored", standing.lead_id, each.digest, each.reason),
            lead_id=standing.lead_id,
            type=IGNORED,
            event_id=each.event_id,
            source=self.work.source,
            occurred_at=each.occurred_at,
            recorded_at=self.work.now,
            actor="system:stages",
            caused_by=each.event_id,
            data={"type": each.type, "reason": each.reason},
            position=1,
        )

    def hot(self, alert: Alert) -> None:
        """`lead.became_hot`, once for each alert."""
        self.work.emit(
            LeadBecameHot(total=alert.total, threshold=alert.threshold),
            tenant=alert.tenant,
            subject=alert.lead_id,
            time=alert.at,
            cause=self.heard.get((alert.tenant, alert.caused_by)),
            event_id=str(alert.id),
        )
