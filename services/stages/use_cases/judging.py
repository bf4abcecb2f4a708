"""Judging leads: fold what is new, write what changed, say it.

Newer signals are applied to the stored journey; an older one folds the lead again from all its signals, and what had
been told wrongly is corrected by one `stage.changed`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.stages.rules import (
    Ignored,
    Outcome,
    SettingsHistory,
    Signal,
    advance,
    can_advance,
    compare,
    fold,
    next_due,
)
from services.stages.store import activities, alerts, leads, settings
from services.stages.store.activities import Told
from services.stages.store.leads import Standing
from services.stages.use_cases.telling import Telling
from shared.db import UnitOfWork
from shared.errors import Transient
from shared.events import StageChanged
from shared.ids import LeadKey, derived_id, revision_id
from shared.store.aliases import aliases_of, resolve

Arrivals = Mapping[LeadKey, Sequence[Signal]]


class Judging:
    """One round over leads that are locked: `standings` may be changed (score, details) before `decide` saves them."""

    def __init__(
        self, work: UnitOfWork, standings: dict[LeadKey, Standing], histories: Mapping[str, SettingsHistory]
    ) -> None:
        self.work = work
        self.standings = standings
        self.histories = histories
        self.telling = Telling(work)
        self._alerts: list[alerts.Alert] = []

    @classmethod
    async def begin(cls, work: UnitOfWork, keys: Iterable[LeadKey]) -> "Judging":
        """Lock these leads (ids already resolved) and load what judges them."""
        standings = await leads.lock(work, keys)
        histories = await settings.histories(work, (tenant for tenant, _ in standings))
        return cls(work, standings, histories)

    @classmethod
    async def begin_resolved(
        cls, work: UnitOfWork, asked: Collection[LeadKey], besides: Iterable[LeadKey] = ()
    ) -> tuple["Judging", dict[LeadKey, UUID]]:
        """Lock what these ids stand for (and `besides` as they are), and say what that is.

        Raises Transient when a merge or its undo was committed before the locks were ours: the next look sees it.
        """
        now = await resolve(work, asked)
        judging = await cls.begin(work, {*((tenant, kept) for (tenant, _), kept in now.items()), *besides})
        merging = any(kept != lead[1] or judging.standings[lead[0], kept].merged_into for lead, kept in now.items())
        if merging and await resolve(work, asked) != now:
            raise Transient("a merge came in between")
        return judging, now

    async def decide(
        self, arrivals: Arrivals, *, again: Iterable[LeadKey] = (), causes: Mapping[LeadKey, str] | None = None
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
            elif signals or key in again or standing.captured:
                refold.append(key)
        if refold:
            await self._refold(refold, causes or {})
        await activities.add(self.work, self.telling.entries)
        for alert in await alerts.add(self.work, self._alerts):
            self.telling.hot(alert)
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
            self.telling.tell(standing, transition)
        after = outcome.transitions[-1].facts if outcome.transitions else before
        if outcome.journey.facts() != after:
            self.telling.fact(standing, signals[-1] if signals else None)
        self._note_ignored(standing, outcome.ignored)
        if outcome.became_hot and outcome.journey.hot:
            self._alert(standing, outcome)
        self._settle(standing)

    async def _refold(self, keys: Sequence[LeadKey], causes: Mapping[LeadKey, str]) -> None:
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
            await self._correct_ignored(standing, outcome.ignored, ignored.get(key, {}), causes.get(key))
            self._settle(standing)

    async def _correct(
        self, standing: Standing, outcome: Outcome, told: list[Told], signals: Sequence[Signal], cause: str | None
    ) -> None:
        old, was_hot, first = standing.journey, standing.journey.hot, not standing.captured
        correction = compare([each.transition for each in told], outcome.transitions)
        superseded = [each for each in told if each.transition in correction.superseded]
        standing.journey = outcome.journey
        if superseded:
            await activities.supersede(self.work, standing.tenant, [each.digest for each in superseded], by=cause)
            corrects = [
                revision_id(StageChanged.type, standing.lead_id, revision)
                for revision in sorted({each.revision for each in superseded})
            ]
            self.telling.mend(standing, old, outcome, correction.added, corrects, cause)
        elif correction.added and correction.added == outcome.transitions[-len(correction.added) :]:
            for transition in correction.added:
                self.telling.tell(standing, transition)
        elif correction.added:
            self.telling.mend(standing, old, outcome, correction.added, [], cause)
        elif not first and outcome.journey.facts() != old.facts():
            self.telling.fact(standing, signals[-1], corrects=[], cause=cause)
        if outcome.became_hot and outcome.journey.hot and not was_hot:
            self._alert(standing, outcome)

    def _settle(self, standing: Standing) -> None:
        journey = standing.journey
        standing.captured = True
        standing.owner = journey.owner
        standing.next_due = next_due(journey, self.histories[standing.tenant])

    def _note_ignored(self, standing: Standing, ignored: Iterable[Ignored]) -> None:
        self.telling.entries += [self.telling.ignored(standing, each) for each in ignored if not each.routine]

    async def _correct_ignored(
        self, standing: Standing, ignored: Sequence[Ignored], known: Mapping[UUID, bool], cause: str | None
    ) -> None:
        entries = {
            entry.digest: entry for entry in (self.telling.ignored(standing, e) for e in ignored if not e.routine)
        }
        self.telling.entries += [entry for digest, entry in entries.items() if digest not in known]
        gone = [digest for digest, superseded in known.items() if digest not in entries and not superseded]
        back = [digest for digest, superseded in known.items() if digest in entries and superseded]
        if gone:
            await activities.supersede(self.work, standing.tenant, gone, by=cause)
        if back:
            await activities.reinstate(self.work, standing.tenant, back)

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
                crossing.caused_by,
            )
            for crossing in outcome.became_hot
            if present.reacts_to(crossing.occurred_at, self.work.now)
        ]
