"""A batch of leads in one transaction: lock them, apply new signals, save them, publish the changes.

Newer signals are applied to the stored journey. An older signal folds its lead again from all its signals, and one
`stage.changed` corrects the moves that were published and no longer hold.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
)
from services.stages.store import activities, alerts, corrections, leads, settings
from services.stages.store.alerts import HotAlert
from services.stages.store.corrections import PublishedMove
from services.stages.store.leads import LeadRecord
from services.stages.use_cases.publishing import StagePublisher
from shared.db import UnitOfWork
from shared.errors import Transient
from shared.events import StageChanged
from shared.ids import LeadKey, derived_id, revision_id
from shared.store.aliases import aliases_of, resolve


class LeadBatch:
    """Leads that are locked until the transaction ends, with the settings of their tenants.

    A use case may change `records` (score, contact details) before `apply_signals`, which saves them.
    """

    def __init__(
        self, work: UnitOfWork, records: dict[LeadKey, LeadRecord], histories: Mapping[str, SettingsHistory]
    ) -> None:
        self.work = work
        self.records = records
        self.histories = histories
        self.publisher = StagePublisher(work)
        self._alerts: list[HotAlert] = []

    @classmethod
    async def lock(cls, work: UnitOfWork, keys: Iterable[LeadKey]) -> "LeadBatch":
        """Lock these leads, and load the settings of their tenants, which nobody changes meanwhile."""
        records = await leads.lock(work, keys)
        tenants = {tenant for tenant, _ in records}
        await settings.hold(work, tenants)
        return cls(work, records, await settings.histories(work, tenants))

    @classmethod
    async def lock_resolved(
        cls, work: UnitOfWork, keys: Collection[LeadKey], besides: Iterable[LeadKey] = ()
    ) -> tuple["LeadBatch", dict[LeadKey, UUID]]:
        """Lock the leads of these ids, which may be aliases, and `besides` as they are.

        Also returns the lead id that each id belongs to now.

        Raises Transient when a merge or its undo was committed while this transaction waited for the locks.
        """
        resolved = await resolve(work, keys)
        batch = await cls.lock(work, {*((tenant, kept) for (tenant, _), kept in resolved.items()), *besides})
        merging = any(kept != key[1] or batch.records[key[0], kept].merged_into for key, kept in resolved.items())
        if merging and await resolve(work, keys) != resolved:
            raise Transient("a merge was committed meanwhile")
        return batch, resolved

    async def apply_signals(
        self,
        signals: Mapping[LeadKey, Sequence[Signal]],
        *,
        refold: Iterable[LeadKey] = (),
        causes: Mapping[LeadKey, str] | None = None,
    ) -> None:
        """Apply new signals and due timers, then save the leads and publish their changes.

        The leads in `refold` are folded from all their signals in any case. `causes` are the ids of the events that a
        correction of a lead names as its cause.
        """
        refold = set(refold)
        to_refold = []
        for key, record in self.records.items():
            if record.merged_into is not None:
                continue
            new = signals.get(key, ())
            if not record.stored and key not in refold:
                self._begin(record, new)
            elif key not in refold and can_advance(record.journey, new):
                before = record.journey.facts()
                outcome = advance(record.journey, new, self.histories[key[0]], self.work.now, str(key[1]))
                self._publish(record, before, outcome, new)
            elif new or key in refold or record.captured:
                to_refold.append(key)
        if to_refold:
            await self._refold(to_refold, signals, causes or {})
        await activities.add(self.work, self.publisher.entries)
        for alert in await alerts.add(self.work, self._alerts):
            self.publisher.publish_hot(alert)
        await leads.save(self.work, self.records.values())

    def _begin(self, record: LeadRecord, signals: Sequence[Signal]) -> None:
        """Fold a lead that has no row yet: the new signals are all its signals."""
        outcome = fold(signals, self.histories[record.tenant], self.work.now, str(record.lead_id))
        if outcome.journey.created_on is not None:
            self._publish(record, outcome.journey.facts(), outcome, signals)

    def _publish(self, record: LeadRecord, before: dict[str, Any], outcome: Outcome, signals: Sequence[Signal]) -> None:
        """Publish each move of an outcome, or the change of another fact; nothing published before is corrected."""
        record.journey = outcome.journey
        self._publish_moves(record, outcome.transitions, before, signals[-1] if signals else None)
        entries = (self.publisher.ignored_entry(record, each) for each in outcome.ignored if not each.routine)
        self.publisher.entries += entries
        if outcome.became_hot and outcome.journey.hot:
            self._add_alerts(record, outcome)
        self._update_columns(record)

    def _publish_moves(
        self,
        record: LeadRecord,
        moves: Sequence[Transition],
        before: Mapping[str, Any],
        signal: Signal | None,
        cause: str | None = None,
    ) -> None:
        """Publish each move with the facts just after it, then the facts of the whole journey if they differ.

        `before`: the facts that were published last; `signal`: what changed other facts, None for a timer.
        """
        for move in moves:
            self.publisher.publish_move(record, move)
        if record.journey.facts() != (moves[-1].facts if moves else before):
            self.publisher.publish_fact_change(record, signal, cause=cause)

    async def _refold(
        self, keys: Sequence[LeadKey], new: Mapping[LeadKey, Sequence[Signal]], causes: Mapping[LeadKey, str]
    ) -> None:
        aliases = await aliases_of(self.work, keys)
        stored = await activities.signals(self.work, [(k[0], id) for k in keys for id in (k[1], *aliases[k])])
        captured = [key for key in keys if self.records[key].captured]
        published = await corrections.moves(self.work, captured)
        ignored = await corrections.ignored(self.work, captured)
        for key in keys:
            record = self.records[key]
            signals = [signal for id in (key[1], *aliases[key]) for signal in stored.get((key[0], id), ())]
            counting = [signal for signal in signals if signal.counts_for(str(key[1]))]
            outcome = fold(counting, self.histories[key[0]], self.work.now, str(key[1]))
            if outcome.journey.created_on is None:
                continue  # not captured yet: the signals wait
            cause = causes.get(key)
            await self._correct_moves(record, outcome, published.get(key, []), new.get(key, ()), cause)
            await self._correct_ignored(record, outcome.ignored, ignored.get(key, {}), cause)
            self._update_columns(record)

    async def _correct_moves(
        self,
        record: LeadRecord,
        outcome: Outcome,
        published: list[PublishedMove],
        signals: Sequence[Signal],
        cause: str | None,
    ) -> None:
        """Publish how the outcome differs from the published moves: new moves, a correction, or another fact.

        What is published last has the facts of the whole journey. `signals` are the new ones.
        """
        old, was_hot, first = record.journey, record.journey.hot, not record.captured
        newest = max(signals, key=lambda signal: signal.order, default=None)
        correction = compare([each.transition for each in published], outcome.transitions)
        superseded = [each for each in published if each.transition in correction.superseded]
        record.journey = outcome.journey
        if superseded:
            await corrections.supersede(self.work, record.tenant, [each.digest for each in superseded], by=cause)
            corrects = [
                revision_id(StageChanged.type, record.lead_id, revision)
                for revision in sorted({each.revision for each in superseded})
            ]
            self.publisher.publish_correction(record, old, outcome, correction.added, corrects, cause)
        elif correction.added and correction.added == outcome.transitions[-len(correction.added) :]:
            self._publish_moves(record, correction.added, old.facts(), newest, cause)
        elif correction.added:
            self.publisher.publish_correction(record, old, outcome, correction.added, [], cause)
        elif not first and outcome.journey.facts() != old.facts():
            self.publisher.publish_fact_change(record, newest, corrects=[], cause=cause)
        if outcome.became_hot and outcome.journey.hot and not was_hot:
            self._add_alerts(record, outcome)

    async def _correct_ignored(
        self, record: LeadRecord, ignored: Sequence[Ignored], known: Mapping[UUID, bool], cause: str | None
    ) -> None:
        """Add the new entries "ignored", supersede those that no longer hold, reinstate those that hold again."""
        made = (self.publisher.ignored_entry(record, each) for each in ignored if not each.routine)
        entries = {entry.digest: entry for entry in made}
        self.publisher.entries += [entry for digest, entry in entries.items() if digest not in known]
        void = [digest for digest, superseded in known.items() if digest not in entries and not superseded]
        valid = [digest for digest, superseded in known.items() if digest in entries and superseded]
        if void:
            await corrections.supersede(self.work, record.tenant, void, by=cause)
        if valid:
            await corrections.reinstate(self.work, record.tenant, valid)

    def _update_columns(self, record: LeadRecord) -> None:
        """Set the columns that follow from the journey."""
        record.captured = True
        record.owner = record.journey.owner
        record.next_due = next_due(record.journey, self.histories[record.tenant])

    def _add_alerts(self, record: LeadRecord, outcome: Outcome) -> None:
        """Add an alert for each crossing that is recent enough to react to."""
        present = self.histories[record.tenant].at(self.work.now)
        self._alerts += [
            HotAlert(
                record.tenant,
                derived_id("hot", record.lead_id, crossing.caused_by),
                record.lead_id,
                crossing.total,
                crossing.threshold,
                crossing.occurred_at,
                crossing.caused_by,
            )
            for crossing in outcome.became_hot
            if present.reacts_to(crossing.occurred_at, self.work.now)
        ]
