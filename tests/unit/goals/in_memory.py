"""The goals database in memory: records, and counters that change only by differences, as in the use case."""

from collections import defaultdict
from uuid import UUID

from services.goals.rules.batches import LeadBatch, LeadHistory, needs_transitions
from services.goals.rules.counters import CounterChanges, TenantStage
from services.goals.rules.leads import LeadRecord
from services.goals.rules.metrics import counts_of
from services.goals.rules.moves import moves_of, rebuild
from shared.events import LeadErased, LeadMerged
from shared.ids import LeadKey


class InMemoryGoals:
    def __init__(self):
        self.leads: dict[LeadKey, LeadRecord] = {}
        self.transitions = defaultdict(dict)
        self.signals = defaultdict(list)
        self.merged: dict[LeadKey, UUID] = {}
        self.versions: dict[LeadKey, int] = {}
        self.inbox: set[tuple[str, str]] = set()
        self.erased: set[LeadKey] = set()
        self.live = CounterChanges()

    def record(self, batch, now) -> None:
        """A batch of events, as the consumer passes it on."""
        fresh = []
        for event in batch:
            identity = (event.source, event.id)
            concerned = {event.lead_id, getattr(event.event, "alias_id", event.lead_id)}
            if identity not in self.inbox and not {(event.tenant, lead) for lead in concerned} & self.erased:
                self.inbox.add(identity)
                fresh.append(event)
        merges = [event for event in fresh if isinstance(event.event, LeadMerged) and self._newest(event)]
        others = sorted((event for event in fresh if not isinstance(event.event, LeadMerged)), key=lambda r: r.order)
        by_key = defaultdict(list)
        for event in others:
            by_key[event.tenant, event.lead_id].append(event)
        ids = set(by_key) | {(m.tenant, m.event.alias_id) for m in merges} | {(m.tenant, m.lead_id) for m in merges}
        every = self._with_groups(ids)
        whole = merges or any(isinstance(event.event, LeadErased) for event in others)
        histories = {}
        for key in every:
            lead = self.leads.get(key, LeadRecord(key[1]))
            loaded = whole or needs_transitions(lead, by_key[key])
            transitions = [self.transitions[key][n] for n in sorted(self.transitions[key])] if loaded else []
            histories[key] = LeadHistory(lead, transitions, list(self.signals[key]))
        leads = LeadBatch(histories, {key: kept for key, kept in self.merged.items() if key in every})
        for event in merges:
            leads.apply_merge(event)
            alias = (event.tenant, event.event.alias_id)
            if event.event.undone:
                self.merged.pop(alias, None)
            else:
                self.merged[alias] = event.lead_id
        leads.apply_events(others)
        self._save(leads.changes(now))

    def record_passed_meetings(self, now) -> None:
        """A round of the worker: meetings whose end has passed."""
        for key in [key for key, lead in self.leads.items() if lead.due_on and lead.due_on <= now]:
            group = self._with_groups({key})
            histories = {k: LeadHistory(self.leads.get(k, LeadRecord(k[1])), [], list(self.signals[k])) for k in group}
            leads = LeadBatch(histories, {alias: kept for alias, kept in self.merged.items() if alias in group})
            leads.apply_time(key)
            self._save(leads.changes(now))

    def recount(self) -> CounterChanges:
        """The counters, from the records alone."""
        found = CounterChanges()
        for key, lead in self.leads.items():
            for count, number in counts_of(lead).items():
                found.metrics[key[0], count] += number
            if lead.counted_stage is not None:
                found.stages[TenantStage(key[0], lead.counted_stage)] += 1
            if lead.is_counted:
                for move in moves_of(rebuild(self.transitions[key].values())[1]):
                    found.moves[key[0], move] += 1
        return found

    def value(self, metric, start=None, end=None, **dimensions) -> int:
        """The live value of a goal."""
        return sum(
            number
            for (_, count), number in self.live.metrics.items()
            if count.metric == metric
            and (start is None or count.at >= start)
            and (end is None or count.at < end)
            and all(getattr(count.dimensions, name) == value for name, value in dimensions.items())
        )

    def _with_groups(self, ids) -> set[LeadKey]:
        """The ids, and all that are merged with one of them."""
        every = set(ids)
        while True:
            more = {(key[0], self.merged[key]) for key in every if key in self.merged}
            more |= {alias for alias, kept in self.merged.items() if (alias[0], kept) in every | more}
            if more <= every:
                return every
            every |= more

    def _newest(self, event) -> bool:
        alias = (event.tenant, event.event.alias_id)
        if self.versions.get(alias, 0) >= event.event.version:
            return False
        self.versions[alias] = event.event.version
        return True

    def _save(self, changes) -> None:
        self.leads.update(changes.leads)
        for key, transition in changes.new_transitions + changes.corrected_transitions:
            self.transitions[key][transition.revision] = transition
        for key, signal in changes.new_signals:
            self.signals[key].append(signal)
        self.live.metrics.update(changes.counters.metrics)
        self.live.stages.update(changes.counters.stages)
        self.live.moves.update(changes.counters.moves)
        self.live.drop_zeros()
        for key in changes.erased:
            self.erased.add(key)
            lead, transitions = self.leads.pop(key), self.transitions.pop(key, {})
            self.signals.pop(key, None)
            if lead.is_counted:
                anonymous = (key[0], UUID(int=10**9 + len(self.leads) + len(self.erased)))
                self.leads[anonymous], self.transitions[anonymous] = lead, transitions
