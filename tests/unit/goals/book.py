"""The goals database in memory: rows, and counters that are changed by differences only, as the use case does it."""

from collections import Counter, defaultdict
from uuid import UUID

from services.goals.rules.leads import Lead, counted
from services.goals.rules.ledger import Differences, Dossier, Key, Ledger, StandCount, needs_history
from services.goals.rules.path import moves, walk
from shared.events import LeadErased, LeadMerged


class Book:
    def __init__(self):
        self.leads: dict[Key, Lead] = {}
        self.steps = defaultdict(dict)
        self.signals = defaultdict(list)
        self.kept: dict[Key, UUID] = {}
        self.versions: dict[Key, int] = {}
        self.seen: set[tuple[str, str]] = set()
        self.gone: set[Key] = set()
        self.live = Differences()

    def deliver(self, batch, now) -> None:
        fresh = []
        for event in batch:
            name = (event.source, event.id)
            speaks_of = {event.lead_id, getattr(event.event, "alias_id", event.lead_id)}
            if name not in self.seen and not {(event.tenant, lead) for lead in speaks_of} & self.gone:
                self.seen.add(name)
                fresh.append(event)
        merges = [event for event in fresh if isinstance(event.event, LeadMerged) and self._newest(event)]
        others = sorted((event for event in fresh if not isinstance(event.event, LeadMerged)), key=lambda r: r.order)
        by_key = defaultdict(list)
        for event in others:
            by_key[event.tenant, event.lead_id].append(event)
        ids = set(by_key) | {(m.tenant, m.event.alias_id) for m in merges} | {(m.tenant, m.lead_id) for m in merges}
        every = self._closure(ids)
        whole = merges or any(isinstance(event.event, LeadErased) for event in others)
        dossiers = {}
        for key in every:
            lead = self.leads.get(key, Lead(key[1]))
            loaded = whole or needs_history(lead, by_key[key])
            steps = [self.steps[key][n] for n in sorted(self.steps[key])] if loaded else []
            dossiers[key] = Dossier(lead, steps, list(self.signals[key]))
        ledger = Ledger(dossiers, {key: kept for key, kept in self.kept.items() if key in every})
        for event in merges:
            ledger.regroup(event)
            alias = (event.tenant, event.event.alias_id)
            if event.event.undone:
                self.kept.pop(alias, None)
            else:
                self.kept[alias] = event.lead_id
        ledger.take_all(others)
        self._save(ledger.settle(now))

    def tick(self, now) -> None:
        """The worker: meetings whose end has passed."""
        for key in [key for key, lead in self.leads.items() if lead.due_on and lead.due_on <= now]:
            group = self._closure({key})
            dossiers = {k: Dossier(self.leads.get(k, Lead(k[1])), [], list(self.signals[k])) for k in group}
            ledger = Ledger(dossiers, {alias: kept for alias, kept in self.kept.items() if alias in group})
            ledger.touch(key)
            self._save(ledger.settle(now))

    def recount(self) -> Differences:
        """The counters, from the rows alone."""
        found = Differences()
        for key, lead in self.leads.items():
            for count, number in counted(lead).items():
                found.counts[key[0], count] += number
            if lead.stands_in is not None:
                found.stands[StandCount(key[0], lead.stands_in)] += 1
            if lead.counts:
                for move in moves(walk(self.steps[key].values())[1]):
                    found.moves[key[0], move] += 1
        return found

    def value(self, metric, start=None, end=None, **traits) -> int:
        """The live value of a goal."""
        return sum(
            number
            for (_, count), number in self.live.counts.items()
            if count.metric == metric
            and (start is None or count.at >= start)
            and (end is None or count.at < end)
            and all(getattr(count.traits, name) == value for name, value in traits.items())
        )

    def _closure(self, ids) -> set[Key]:
        every = set(ids)
        while True:
            more = {(key[0], self.kept[key]) for key in every if key in self.kept}
            more |= {alias for alias, kept in self.kept.items() if (alias[0], kept) in every | more}
            if more <= every:
                return every
            every |= more

    def _newest(self, event) -> bool:
        alias = (event.tenant, event.event.alias_id)
        if self.versions.get(alias, 0) >= event.event.version:
            return False
        self.versions[alias] = event.event.version
        return True

    def _save(self, outcome) -> None:
        self.leads.update(outcome.leads)
        for key, step in outcome.new_steps + outcome.changed_steps:
            self.steps[key][step.revision] = step
        for key, signal in outcome.new_signals:
            self.signals[key].append(signal)
        for mine, theirs in zip(
            (self.live.counts, self.live.stands, self.live.moves),
            (outcome.differences.counts, outcome.differences.stands, outcome.differences.moves),
            strict=True,
        ):
            mine.update(theirs)
            for name in [name for name, number in mine.items() if not number]:
                del mine[name]
        for key in outcome.erased:
            self.gone.add(key)
            lead, steps = self.leads.pop(key), self.steps.pop(key, {})
            self.signals.pop(key, None)
            if lead.counts:
                nameless = (key[0], UUID(int=10**9 + len(self.leads) + len(self.gone)))
                self.leads[nameless], self.steps[nameless] = lead, steps


def as_counter(differences: Differences) -> tuple[Counter, Counter, Counter]:
    return differences.counts, differences.stands, differences.moves
