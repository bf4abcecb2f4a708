"""Publishing: the events `stage.changed` and `lead.became_hot`, and the entries of the timeline that belong to them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.stages.rules import (
    Ignored,
    Journey,
    Outcome,
    Signal,
    Stage,
    Transition,
    correction_without_move,
    last_moment,
)
from services.stages.store.activities import IGNORED, STATUS_CHANGE, ActivityRecord
from services.stages.store.alerts import HotAlert
from services.stages.store.leads import LeadRecord
from shared.db import UnitOfWork
from shared.events import LeadBecameHot, Received, StageChanged
from shared.events.envelope import Envelope
from shared.ids import derived_id, revision_id

_LAST_POSITION = 32_767
"""The greatest value of the column `position`."""


class StagePublisher:
    """Publishes the changes of a batch's leads, and collects their timeline entries, which the batch stores."""

    def __init__(self, work: UnitOfWork) -> None:
        self.work = work
        self.received: dict[tuple[str, UUID, str], Received[Any]] = {}
        """The events received in this batch, by tenant, lead and id: what they cause continues their trace."""
        self.entries: list[ActivityRecord] = []

    def publish_move(self, record: LeadRecord, move: Transition) -> None:
        """Publish one move, with the facts of the journey just after it."""
        record.revision += 1
        event = self._emit(record, move, from_=move.from_, from_status=move.from_status, facts=move.facts)
        self._add_entries(record, [move], event)

    def publish_correction(
        self,
        record: LeadRecord,
        old: Journey,
        outcome: Outcome,
        added: Sequence[Transition],
        corrects: list[str],
        cause: str | None,
    ) -> None:
        """Publish one `stage.changed` from the stage published last to the present one, for all `added` moves.

        `corrects` are the ids of the events that no longer hold, `cause` is the id of the event that is the reason.
        """
        record.revision += 1
        last = outcome.transitions[-1] if outcome.transitions else correction_without_move(outcome.journey)
        facts = outcome.journey.facts()
        event = self._emit(
            record, last, from_=old.stage, from_status=old.status, facts=facts, corrects=corrects, cause=cause
        )
        self._add_entries(record, added, event, corrects)

    def publish_fact_change(
        self,
        record: LeadRecord,
        signal: Signal | None,
        *,
        corrects: list[str] | None = None,
        cause: str | None = None,
    ) -> None:
        """Publish that a fact of the journey changed while the stage stays, by a signal or (None) by a timer."""
        record.revision += 1
        journey = record.journey
        change = Transition(
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
            record,
            change,
            from_=change.from_,
            from_status=change.status,
            facts=change.facts,
            corrects=corrects,
            cause=cause,
        )

    def publish_hot(self, alert: HotAlert) -> None:
        """Publish `lead.became_hot` for a new alert."""
        self.work.emit(
            LeadBecameHot(total=alert.total, threshold=alert.threshold),
            tenant=alert.tenant_id,
            subject=alert.lead_id,
            time=alert.at,
            cause=self.received.get((alert.tenant_id, alert.lead_id, alert.caused_by)),
            event_id=str(alert.alert_id),
        )

    def _emit(
        self,
        record: LeadRecord,
        change: Transition,
        *,
        from_: Stage,
        from_status: str,
        facts: Mapping[str, Any],
        corrects: list[str] | None = None,
        cause: str | None = None,
    ) -> Envelope:
        caused_by = cause or change.caused_by
        fields: dict[str, Any] = {
            "lead_id": record.lead_id,
            "from_": from_.value,
            "to": change.to.value,
            "from_status": from_status,
            "status": change.status,
            "rule": change.rule,
            "actor": change.actor,
            "reason": change.reason,
            "caused_by": caused_by,
            "occurred_at": change.occurred_at,
            "recorded_at": self.work.now,
            "revision": record.revision,
            "journey": facts,
            "disqualification_reason": change.disqualification_reason,
        }
        if corrects is not None:
            fields["corrects"] = corrects
        return self.work.emit(
            StageChanged(**fields),
            tenant=record.tenant,
            subject=record.lead_id,
            time=change.occurred_at,
            cause=self.received.get((record.tenant, record.lead_id, caused_by)),
            event_id=revision_id(StageChanged.type, record.lead_id, record.revision),
        )

    def _add_entries(
        self, record: LeadRecord, moves: Sequence[Transition], event: Envelope, corrects: list[str] | None = None
    ) -> None:
        """The timeline entries of moves, with the id of the event that published them."""
        self.entries += [self._entry(record, each, n, corrects, event.id) for n, each in enumerate(moves)]

    def _entry(
        self, record: LeadRecord, move: Transition, index: int, corrects: list[str] | None, event_id: str
    ) -> ActivityRecord:
        data: dict[str, Any] = {
            "from": move.from_.value,
            "to": move.to.value,
            "from_status": move.from_status,
            "status": move.status,
            "rule": move.rule,
            "reason": move.reason,
        }
        if move.disqualification_reason is not None:
            data["disqualification_reason"] = move.disqualification_reason
        if corrects:
            data["corrects"] = corrects
        return ActivityRecord(
            tenant=record.tenant,
            digest=derived_id("status_change", record.lead_id, record.revision, index),
            lead_id=record.lead_id,
            type=STATUS_CHANGE,
            event_id=event_id,
            source=self.work.source,
            occurred_at=move.occurred_at,
            recorded_at=self.work.now,
            actor=move.actor,
            caused_by=move.caused_by,
            data=data,
            # The timeline shows moves of the same instant in the order of publication, however high revisions are.
            position=1 + (record.revision + index - 1) % _LAST_POSITION,
            revision=record.revision,
        )

    def ignored_entry(self, record: LeadRecord, ignored: Ignored) -> ActivityRecord:
        """The timeline entry of a signal that changed nothing; the same signal and reason give the same entry."""
        return ActivityRecord(
            tenant=record.tenant,
            digest=derived_id("ignored", record.lead_id, ignored.digest, ignored.reason),
            lead_id=record.lead_id,
            type=IGNORED,
            event_id=ignored.event_id,
            source=self.work.source,
            occurred_at=ignored.occurred_at,
            recorded_at=self.work.now,
            actor="system:stages",
            caused_by=ignored.event_id,
            data={"type": ignored.type, "reason": ignored.reason},
            position=1,
        )
