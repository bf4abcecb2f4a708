"""The ledger of a batch: the rows that it touches before and after, and the difference that this makes to all counts.

Counters are changed by differences, but a difference is always "what the row adds now" minus "what the same row added
before", both by the same function. So a counter equals the sum over the rows, however events repeat or overtake.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.goals.rules.leads import Count, Lead, counted, settled, with_details, with_journey
from services.goals.rules.meetings import MeetingSignal, fold
from services.goals.rules.path import Move, Step, extend, follows, moves, walk
from shared.events import (
    LeadCaptured,
    LeadErased,
    LeadMerged,
    LeadUpdated,
    MeetingBooked,
    MeetingCancelled,
    Received,
    StageChanged,
    revision_id,
)

Key = tuple[str, UUID]
"""(tenant, lead id): the identity of a lead."""


class StandCount(NamedTuple):
    tenant: str
    stage: str


@dataclass(slots=True)
class Dossier:
    """All that is known of one lead id. Steps and signals are loaded only where the batch needs them."""

    lead: Lead
    steps: list[Step] = field(default_factory=list)
    signals: list[MeetingSignal] = field(default_factory=list)


@dataclass(slots=True)
class Differences:
    """What the batch changes in the counters, zeros left out."""

    counts: Counter[tuple[str, Count]] = field(default_factory=Counter)
    stands: Counter[StandCount] = field(default_factory=Counter)
    moves: Counter[tuple[str, Move]] = field(default_factory=Counter)


@dataclass(slots=True)
class Outcome:
    """What is to be saved."""

    leads: dict[Key, Lead]
    """The rows that are new or changed."""
    new_steps: list[tuple[Key, Step]]
    changed_steps: list[tuple[Key, Step]]
    new_signals: list[tuple[Key, MeetingSignal]]
    erased: list[Key]
    """The lead ids whose rows are to lose their name, aliases included."""
    differences: Differences


def needs_history(lead: Lead, batch: Iterable[Received[Any]]) -> bool:
    """Whether the lead's earlier steps must be read to take these events: when one comes late, mends, or makes an
    uncounted row count. Otherwise the newest step alone is enough."""
    if lead.revision == 0:
        return False
    if not lead.counts:
        return True
    revision = lead.revision
    for event in sorted((r.event for r in batch if isinstance(r.event, StageChanged)), key=lambda e: e.revision):
        if event.revision != revision + 1 or event.corrects:
            return True
        revision = event.revision
    return False


class Ledger:
    """Take the events of a batch, then settle. `dossiers` holds every lead id of the batch with its whole group."""

    def __init__(self, dossiers: dict[Key, Dossier], kept: dict[Key, UUID]) -> None:
        self._dossiers = dossiers
        self._before = {key: dossier.lead for key, dossier in dossiers.items()}
        self._steps_before = {key: list(dossier.steps) for key, dossier in dossiers.items()}
        self._kept = dict(kept)
        self._touched: set[Key] = set()
        self._erased: list[Key] = []
        self._new_steps: dict[Key, list[Step]] = {}
        self._new_signals: list[tuple[Key, MeetingSignal]] = []

    def take_all(self, batch: Iterable[Received[Any]]) -> None:
        """The events of a batch but its merges. A lead's steps are taken by revision, and who is erased goes last."""
        for received in sorted(batch, key=_turn):
            self._take(received)

    def _take(self, received: Received[Any]) -> None:
        key = (received.tenant, received.lead_id)
        event = received.event
        if key in self._erased:
            return
        self._touched.add(key)
        if isinstance(event, LeadCaptured | LeadUpdated):
            self._dossiers[key].lead = with_details(self._dossiers[key].lead, event)
        elif isinstance(event, StageChanged):
            self._take_step(key, received.id, event)
        elif isinstance(event, MeetingBooked | MeetingCancelled):
            ends_at = event.ends_at if isinstance(event, MeetingBooked) else None
            signal = MeetingSignal(received.occurred_at, received.id, received.source, event.meeting_id, ends_at)
            self._dossiers[key].signals.append(signal)
            self._new_signals.append((key, signal))
        elif isinstance(event, LeadErased):
            root = self._root(key)
            group = [member for member in self._dossiers if self._root(member) == root]
            self._erased.extend(member for member in group if member not in self._erased)

    def regroup(self, merged: Received[LeadMerged]) -> None:
        """A merge, or its undo, that counts (no later version of the same alias is known)."""
        tenant, event = merged.tenant, merged.event
        alias = (tenant, event.alias_id)
        self._touched.update({alias, (tenant, merged.lead_id)})
        if alias in self._kept:
            self._touched.add((tenant, self._kept[alias]))
        if event.undone:
            self._kept.pop(alias, None)
        else:
            self._kept[alias] = merged.lead_id

    def touch(self, key: Key) -> None:
        """Nothing came for this lead, but time passed."""
        self._touched.add(key)

    def settle(self, now: datetime) -> Outcome:
        """The rows as they are to be saved, and what that changes in the counters."""
        groups = self._groups()
        for root in {self._root(key) for key in self._touched}:
            for key in groups[root]:
                self._settle_one(key, groups[root] if key == root else [], now)
        changed = {key: dossier.lead for key, dossier in self._dossiers.items() if dossier.lead != self._before[key]}
        new_steps, changed_steps = self._saved_steps()
        return Outcome(changed, new_steps, changed_steps, self._new_signals, self._erased, self._differences())

    def _take_step(self, key: Key, event_id: str, event: StageChanged) -> None:
        if self._follows_erasure(key, event):
            return
        dossier = self._dossiers[key]
        known = dossier.lead.revision
        step = Step(
            event.revision,
            event_id,
            event.from_,
            event.to,
            event.occurred_at,
            event.journey.created_on,
            tuple(event.corrects or ()),
        )
        if event.revision <= known and any(old.revision == event.revision for old in dossier.steps):
            return
        if follows(dossier.lead.stand, step):
            stand, step = extend(dossier.lead.stand, step)
            dossier.steps.append(step)
        else:
            stand, dossier.steps = walk([*dossier.steps, step])
        dossier.lead = replace(with_journey(dossier.lead, event), entered_on=stand.entered_on)
        self._new_steps.setdefault(key, []).append(step)

    def _follows_erasure(self, key: Key, event: StageChanged) -> bool:
        """Whether the stage service only says that the person was erased. The owner goes with the person, and what the
        owner's goals counted stays: the news of both topics may come in any order, and must come to the same."""
        if event.from_ != event.to or event.caused_by is None or event.journey.owner is not None:
            return False
        aliases = [alias for alias in self._kept if self._root(alias) == self._root(key)]
        return event.caused_by in {revision_id(LeadErased.type, lead, 1) for _, lead in [key, *aliases]}

    def _root(self, key: Key) -> Key:
        """The lead that an id stands for: at the end of its merges, however many; in a circle the smallest of it."""
        way = [key]
        while (kept := self._kept.get(way[-1])) is not None:
            following = (key[0], kept)
            if following in way:
                return min(way[way.index(following) :])
            way.append(following)
        return way[-1]

    def _groups(self) -> dict[Key, list[Key]]:
        """All ids by the lead that they stand for."""
        groups: dict[Key, list[Key]] = {}
        for key in self._dossiers:
            groups.setdefault(self._root(key), []).append(key)
        return groups

    def _settle_one(self, key: Key, group: list[Key], now: datetime) -> None:
        """`group`: all ids of this lead; empty for an alias, whose facts count with the lead that it stands for."""
        dossier = self._dossiers[key]
        others = [self._dossiers[member].lead for member in group if member != key]
        signals = [signal for member in group or [key] for signal in self._dossiers[member].signals]
        lead = settled(dossier.lead, others, alias=not group, calendar=fold(signals, now))
        if key in self._erased:
            lead = replace(lead, erased=True, due_on=None)
        dossier.lead = lead

    def _saved_steps(self) -> tuple[list[tuple[Key, Step]], list[tuple[Key, Step]]]:
        new: list[tuple[Key, Step]] = []
        changed: list[tuple[Key, Step]] = []
        for key, taken in self._new_steps.items():
            now = {step.revision: step for step in self._dossiers[key].steps}
            fresh = {step.revision for step in taken}
            new.extend((key, now[revision]) for revision in sorted(fresh))
            changed.extend((key, now[old.revision]) for old in self._steps_before[key] if now[old.revision] != old)
        return new, changed

    def _differences(self) -> Differences:
        found = Differences()
        for key, dossier in self._dossiers.items():
            before, now = self._before[key], dossier.lead
            if now == before and key not in self._new_steps:
                continue
            for lead, steps, sign in ((now, dossier.steps, 1), (before, self._steps_before[key], -1)):
                _add(found.counts, key[0], counted(lead), sign)
                if lead.stands_in is not None:
                    found.stands[StandCount(key[0], lead.stands_in)] += sign
                if lead.counts:
                    _add(found.moves, key[0], Counter(moves(steps)), sign)
        for counter in (found.counts, found.stands, found.moves):
            _drop_zeros(counter)
        return found


def _turn(received: Received[Any]) -> tuple[int, int]:
    if isinstance(received.event, LeadErased):
        return (2, 0)
    return (1, received.event.revision) if isinstance(received.event, StageChanged) else (0, 0)


def _add(total: Counter[Any], tenant: str, part: Counter[Any], sign: int) -> None:
    for item, number in part.items():
        total[tenant, item] += sign * number


def _drop_zeros(counter: Counter[Any]) -> None:
    for item in [item for item, number in counter.items() if not number]:
        del counter[item]
