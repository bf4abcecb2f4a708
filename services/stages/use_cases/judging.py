"""Judging leads: fold what is new, write what changed, say it.

Newer signals are applied to the stored journey; an older one folds the lead again from all its signals, and what had
been told wrongly is corrected by one `stage.changed`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.stages.rules import (
    Ignored,
    Outcome,
    SettingsHistory,
    Signal,
    Transition,
    advance,
    can_advance,
    compare,
    fold,
    next_due,
    standing_at,
)
from services.stages.store import activities, alerts, leads, settings
from services.stages.store.activities import IGNORED, STATUS_CHANGE, Entry, Told
from services.stages.store.leads import Standing
from shared.aliases import Lead, aliases_of
from shared.db import UnitOfWork
from shared.events import JourneySummary, LeadBecameHot, Received, StageChanged
from shared.events.envelope import Envelope
from shared.ids import derived_id, revision_id

Arrivals = Mapping[Lead, Sequence[Signal]]


class Judging:
    """One round over leads that are locked: `standings` may be changed (score, details) before `decide` saves them."""

    def __init__(
        self, work: UnitOfWork, standings: dict[Lead, Standing], histories: Mapping[str, SettingsHistory]
    ) -> None:
        self.work = work
        self.standings = standings
        self.histories = histories
        self.heard: dict[tuple[str, str], Received[Any]] = {}
        """The events that arrived in this round, by tenant and id: what is said because of them is on their trace."""
        self.moved: dict[Lead, list[Transition]] = {}
        """What each lead did in this round, for those who want to answer it."""
        self._entries: list[Entry] = []
        self._alerts: list[alerts.Alert] = []

    @classmethod
    async def begin(cls, work: UnitOfWork, keys: Iterable[Lead]) -> "Judging":
        """Lock these leads (ids already resolved) and load what judges them."""
        standings = await leads.lock(work, keys)
        histories = await settings.histories(work, (tenant for tenant, _ in standings))
        return cls(work, standings, histories)

    async def decide(
        self, arrivals: Arrivals, *, again: Iterable[Lead] = (), causes: Mapping[Lead, str] | None = None
    ) -> None:
        """Fold the arrivals (and timers due) into their leads, those in `again` from the beginning; save and emit."""
        again = set(again)
        refold = []
        for key, standing in self.standings.items():
            if standing.merged_into is not None:
                continue
            signals = arrivals.get(key, ())
            if not standing.known and key not in again:
                self._begin(standing, signals)
            elif key not in again and can_advance(standing.journey, signals):
                before = standing.journey.facts()
                outcome = advance(standing.journey, signals, self.histories[key[0]], self.work.now)
                self._go_on(standing, before, outcome, signals)
            elif signals or key in again:
                refold.append(key)
        if refold:
            await self._refold(refold, causes or {})
        await activities.add(self.work, self._entries)
        for alert in await alerts.add(self.work, self._alerts):
            self._say_hot(alert)
        await leads.save(self.work, self.standings.values())

    def _begin(self, standing: Standing, signals: Sequence[Signal]) -> None:
        """A lead that we never heard of: what has arrived is all there is."""
        outcome = fold(signals, self.histories[standing.tenant], self.work.now)
        if outcome.journey.created_on is not None:
            self._go_on(standing, outcome.journey.facts(), outcome, signals)

    def _go_on(self, standing: Standing, before: dict[str, Any], outcome: Outcome, signals: Sequence[Signal]) -> None:
        """Everything new came after everything known: tell each move by itself."""
        standing.journey = outcome.journey
        for transition in outcome.transitions:
            self._tell(standing, [transition], corrects=None)
        if not outcome.transitions and outcome.journey.facts() != before and signals:
            self._tell_fact(standing, signals[-1])
        self._note_ignored(standing, outcome.ignored)
        if outcome.became_hot and outcome.journey.hot:
            self._alert(standing, outcome)
        self._settle(standing)

    async def _refold(self, keys: Sequence[Lead], causes: Mapping[Lead, str]) -> None:
        names = await aliases_of(self.work, keys)
        stored = await activities.signals(self.work, [(k[0], id) for k in keys for id in (k[1], *names[k])])
        told = await activities.told(self.work, heard_of := [key for key in keys if self.standings[key].captured])
        ignored = await activities.ignored(self.work, heard_of)
        for key in keys:
            standing = self.standings[key]
            signals = [signal for id in (key[1], *names[key]) for signal in stored.get((key[0], id), ())]
            outcome = fold(signals, self.histories[key[0]], self.work.now)
            if outcome.journey.created_on is None:
                continue  # not captured yet: the signals wait
            await self._correct(standing, outcome, told.get(key, []), signals, causes.get(key))
            await self._correct_ignored(standing, outcome.ignored, ignored.get(key, {}))
            self._settle(standing)

    async def _correct(
        self, standing: Standing, outcome: Outcome, told: list[Told], signals: Sequence[Signal], cause: str | None
    ) -> None:
        before, was_hot, first = standing.journey.facts(), standing.journey.hot, not standing.captured
        correction = compare([each.transition for each in told], outcome.transitions)
        superseded = [each for each in told if each.transition in correction.superseded]
        standing.journey = outcome.journey
        if superseded:
            await activities.supersede(self.work, standing.tenant, [each.digest for each in superseded])
            corrects = [
                revision_id(StageChanged.type, standing.lead_id, revision)
                for revision in sorted({each.revision for each in superseded})
            ]
            self._tell(standing, correction.added, corrects=corrects, before=told[-1].transition, cause=cause)
        elif correction.added and correction.added == outcome.transitions[-len(correction.added) :]:
            for transition in correction.added:
                self._tell(standing, [transition], corrects=None)
        elif correction.added:
            self._tell(standing, correction.added, corrects=[], before=told[-1].transition, cause=cause)
        elif not first and outcome.journey.facts() != before:
            self._tell_fact(standing, signals[-1], corrects=[], cause=cause)
        if outcome.became_hot and outcome.journey.hot and not was_hot:
            self._alert(standing, outcome)

    def _settle(self, standing: Standing) -> None:
        journey = standing.journey
        standing.captured = True
        standing.owner = journey.owner
        standing.next_due = next_due(journey, self.histories[standing.tenant])

    # -- what is said

    def _tell(
        self,
        standing: Standing,
        transitions: Sequence[Transition],
        *,
        corrects: list[str] | None,
        before: Transition | None = None,
        cause: str | None = None,
    ) -> None:
        """One `stage.changed` for these entries; a correction goes from where we last said the lead stood."""
        standing.revision += 1
        journey = standing.journey
        last = transitions[-1] if transitions else standing_at(journey, before)
        told_from = before.to if before is not None else last.from_
        told_status = before.status if before is not None else last.from_status
        correction = corrects is not None
        said = self._emit(
            standing,
            from_=told_from,
            to=journey.stage.value if correction else last.to,
            from_status=told_status,
            status=standing.status if correction else last.status,
            transition=last,
            corrects=corrects,
            cause=cause,
        )
        self._entries += [self._entry(standing, each, n, corrects, said.id) for n, each in enumerate(transitions)]
        self.moved.setdefault(standing.key, []).extend(transitions)

    def _tell_fact(
        self, standing: Standing, signal: Signal, *, corrects: list[str] | None = None, cause: str | None = None
    ) -> None:
        """The stage stays; another fact of the journey changed."""
        standing.revision += 1
        journey = standing.journey
        self._emit(
            standing,
            from_=journey.stage.value,
            to=journey.stage.value,
            from_status=standing.status,
            status=standing.status,
            transition=Transition(
                from_=journey.stage,
                to=journey.stage,
                rule="fact",
                actor=signal.actor or "system:fact",
                reason="the stage stays; another fact of the journey changed",
                caused_by=cause or signal.id,
                occurred_at=signal.occurred_at,
                from_status=standing.status,
                status=standing.status,
                disqualification_reason=journey.disqualification_reason,
            ),
            corrects=corrects,
            cause=cause,
        )

    def _emit(
        self,
        standing: Standing,
        *,
        from_: str,
        to: str,
        from_status: str,
        status: str,
        transition: Transition,
        corrects: list[str] | None,
        cause: str | None,
    ) -> Envelope:
        facts: dict[str, Any] = {
            "lead_id": standing.lead_id,
            "from_": str(from_),
            "to": str(to),
            "from_status": from_status,
            "status": status,
            "rule": transition.rule,
            "actor": transition.actor,
            "reason": transition.reason,
            "caused_by": cause or transition.caused_by,
            "occurred_at": transition.occurred_at,
            "recorded_at": self.work.now,
            "revision": standing.revision,
            "journey": JourneySummary(**standing.journey.facts()),
            "disqualification_reason": standing.journey.disqualification_reason,
        }
        if corrects is not None:
            facts["corrects"] = corrects
        return self.work.emit(
            StageChanged(**facts),
            tenant=standing.tenant,
            subject=standing.lead_id,
            time=transition.occurred_at,
            cause=self.heard.get((standing.tenant, cause or transition.caused_by)),
            event_id=revision_id(StageChanged.type, standing.lead_id, standing.revision),
        )

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
            position=position + 1,
            revision=standing.revision,
        )

    def _note_ignored(self, standing: Standing, ignored: Iterable[Ignored]) -> None:
        self._entries += [self._ignored(standing, each) for each in ignored if not each.routine]

    def _ignored(self, standing: Standing, each: Ignored) -> Entry:
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

    async def _correct_ignored(
        self, standing: Standing, ignored: Sequence[Ignored], known: Mapping[UUID, bool]
    ) -> None:
        entries = {entry.digest: entry for entry in (self._ignored(standing, e) for e in ignored if not e.routine)}
        self._entries += [entry for digest, entry in entries.items() if digest not in known]
        gone = [digest for digest, superseded in known.items() if digest not in entries and not superseded]
        back = [digest for digest, superseded in known.items() if digest in entries and superseded]
        if gone:
            await activities.supersede(self.work, standing.tenant, gone)
        if back:
            await activities.reinstate(self.work, standing.tenant, back)

    # -- alerts

    def _alert(self, standing: Standing, outcome: Outcome) -> None:
        """One alert for each crossing, and only if it happened lately enough to do something about it."""
        present = self.histories[standing.tenant].at(self.work.now)
        self._alerts += [
            alerts.Alert(
                standing.tenant,
                derived_id("hot", standing.lead_id, crossing.caused_by),
                standing.lead_id,
                crossing.total,
                crossing.threshold,
                crossing.occurred_at,
            )
            for crossing in outcome.became_hot
            if present.reacts_to(crossing.occurred_at, self.work.now)
        ]

    def _say_hot(self, alert: alerts.Alert) -> None:
        self.work.emit(
            LeadBecameHot(total=alert.total, threshold=alert.threshold),
            tenant=alert.tenant,
            subject=alert.lead_id,
            time=alert.at,
            event_id=str(alert.id),
        )
