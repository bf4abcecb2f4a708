"""What a batch of events changes: the records of its leads, and by how much that changes the counters."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.goals.rules.counters import CounterChanges
from services.goals.rules.leads import LeadRecord, with_counted_facts, with_details, with_journey
from services.goals.rules.meetings import MeetingSignal, meetings_at
from services.goals.rules.merges import Merges, groups_of, kept_lead
from services.goals.rules.moves import Transition, append, is_next, rebuild
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
from shared.ids import LeadKey


@dataclass(slots=True)
class LeadHistory:
    """A lead id with its transitions and meeting signals, which are loaded only where the batch needs them."""

    lead: LeadRecord
    transitions: list[Transition] = field(default_factory=list)
    signals: list[MeetingSignal] = field(default_factory=list)


@dataclass(slots=True)
class BatchChanges:
    """What has to be stored."""

    leads: dict[LeadKey, LeadRecord]
    """The records that are new or changed."""
    new_transitions: list[tuple[LeadKey, Transition]]
    corrected_transitions: list[tuple[LeadKey, Transition]]
    """Stored transitions that are another move now."""
    new_signals: list[tuple[LeadKey, MeetingSignal]]
    erased: list[LeadKey]
    """The lead ids of erased people, aliases included."""
    counters: CounterChanges


def needs_transitions(lead: LeadRecord, events: Iterable[Received[Any]]) -> bool:
    """Whether these events need the lead's earlier transitions: one is late or corrects, or makes the lead counted.

    Otherwise its current stage is enough.
    """
    if lead.revision == 0:
        return False
    if not lead.is_counted:
        return True
    revision = lead.revision
    for event in sorted((r.event for r in events if isinstance(r.event, StageChanged)), key=lambda e: e.revision):
        if event.revision != revision + 1 or event.corrects:
            return True
        revision = event.revision
    return False


class LeadBatch:
    """The leads that a batch of events concerns: apply its merges, then its other events, then read `changes`.

    `histories` holds every lead id of the batch and all ids that are merged with one of them; `merges` as they were
    before the batch.
    """

    def __init__(self, histories: dict[LeadKey, LeadHistory], merges: Merges) -> None:
        self._histories = histories
        self._leads_before = {key: history.lead for key, history in histories.items()}
        self._transitions_before = {key: list(history.transitions) for key, history in histories.items()}
        self._merges = dict(merges)
        self._concerned: set[LeadKey] = set()
        self._erased: list[LeadKey] = []
        self._new_revisions: dict[LeadKey, set[int]] = {}
        self._new_signals: list[tuple[LeadKey, MeetingSignal]] = []

    def apply_merge(self, merged: Received[LeadMerged]) -> None:
        """Apply a merge or its undo. The caller leaves out those of which a later version is known."""
        tenant, event = merged.tenant, merged.event
        alias = (tenant, event.alias_id)
        self._concerned.update({alias, (tenant, merged.lead_id)})
        if alias in self._merges:
            self._concerned.add((tenant, self._merges[alias]))
        if event.undone:
            self._merges.pop(alias, None)
        else:
            self._merges[alias] = merged.lead_id

    def apply_events(self, events: Iterable[Received[Any]]) -> None:
        """Apply all events but merges: transitions in the order of their revisions, erasures at the end."""
        for received in sorted(events, key=_application_order):
            self._apply(received)

    def apply_time(self, key: LeadKey) -> None:
        """Recompute a lead for which no event was received: a meeting has passed."""
        self._concerned.add(key)

    def changes(self, now: datetime) -> BatchChanges:
        """What has to be stored, and by how much the counters change."""
        groups = groups_of(self._merges, self._histories)
        for kept in {kept_lead(self._merges, key) for key in self._concerned}:
            for key in groups[kept]:
                self._recompute(key, groups[kept] if key == kept else [], now)
        changed = {
            key: history.lead for key, history in self._histories.items() if history.lead != self._leads_before[key]
        }
        new, corrected = self._changed_transitions()
        return BatchChanges(changed, new, corrected, self._new_signals, self._erased, self._counter_changes())

    def _apply(self, received: Received[Any]) -> None:
        key = (received.tenant, received.lead_id)
        event = received.event
        if key in self._erased:
            return
        self._concerned.add(key)
        history = self._histories[key]
        if isinstance(event, LeadCaptured | LeadUpdated):
            history.lead = with_details(history.lead, event)
        elif isinstance(event, StageChanged):
            self._apply_transition(key, received.id, event)
        elif isinstance(event, MeetingBooked | MeetingCancelled):
            ends_at = event.ends_at if isinstance(event, MeetingBooked) else None
            signal = MeetingSignal(received.occurred_at, received.id, received.source, event.meeting_id, ends_at)
            history.signals.append(signal)
            self._new_signals.append((key, signal))
        elif isinstance(event, LeadErased):
            # With a lead its aliases; with an alias nobody else, for the undo of its merge may not be read yet.
            is_alias = kept_lead(self._merges, key) != key
            group = [key] if is_alias else groups_of(self._merges, self._histories)[key]
            self._erased.extend(member for member in group if member not in self._erased)

    def _apply_transition(self, key: LeadKey, event_id: str, event: StageChanged) -> None:
        if self._is_answer_to_erasure(key, event):
            return
        history = self._histories[key]
        if event.revision <= history.lead.revision and any(t.revision == event.revision for t in history.transitions):
            return
        transition = Transition(
            event.revision,
            event_id,
            event.from_,
            event.to,
            event.occurred_at,
            event.journey.created_on,
            tuple(event.corrects or ()),
        )
        if is_next(history.lead.current_stage, transition):
            current, transition = append(history.lead.current_stage, transition)
            history.transitions.append(transition)
        else:
            current, history.transitions = rebuild([*history.transitions, transition])
        history.lead = replace(with_journey(history.lead, event), entered_on=current.entered_on)
        self._new_revisions.setdefault(key, set()).add(transition.revision)

    def _is_answer_to_erasure(self, key: LeadKey, event: StageChanged) -> bool:
        """Whether the stage service published this event only because the person was erased.

        It is recognised by its cause: the id of capture's `lead.erased` for this lead or one of its aliases. All that
        it changes is the owner, which is removed. It is not applied, so the owner's goals keep their counts, whichever
        of the two events is received first.
        """
        if event.from_ != event.to or event.caused_by is None or event.journey.owner is not None:
            return False
        kept = kept_lead(self._merges, key)
        aliases = [alias for alias in self._merges if kept_lead(self._merges, alias) == kept]
        return event.caused_by in {revision_id(LeadErased.type, lead, 1) for _, lead in [key, *aliases]}

    def _recompute(self, key: LeadKey, group: list[LeadKey], now: datetime) -> None:
        """`group`: all ids of this lead; empty for an alias, whose facts count with the lead that was kept."""
        history = self._histories[key]
        others = [self._histories[member].lead for member in group if member != key]
        signals = [signal for member in group or [key] for signal in self._histories[member].signals]
        lead = with_counted_facts(history.lead, others, is_alias=not group, meetings=meetings_at(signals, now))
        if key in self._erased:
            lead = replace(lead, erased=True, due_on=None)
        history.lead = lead

    def _changed_transitions(self) -> tuple[list[tuple[LeadKey, Transition]], list[tuple[LeadKey, Transition]]]:
        """Those that are new, and those that were stored and are another move now."""
        new: list[tuple[LeadKey, Transition]] = []
        corrected: list[tuple[LeadKey, Transition]] = []
        for key, revisions in self._new_revisions.items():
            now = {transition.revision: transition for transition in self._histories[key].transitions}
            new.extend((key, now[revision]) for revision in sorted(revisions))
            corrected.extend((key, now[t.revision]) for t in self._transitions_before[key] if now[t.revision] != t)
        return new, corrected

    def _counter_changes(self) -> CounterChanges:
        changes = CounterChanges()
        for key, history in self._histories.items():
            before = self._leads_before[key]
            if history.lead != before or key in self._new_revisions:
                changes.add(key[0], history.lead, history.transitions, 1)
                changes.add(key[0], before, self._transitions_before[key], -1)
        changes.drop_zeros()
        return changes


def _application_order(received: Received[Any]) -> tuple[int, int]:
    if isinstance(received.event, LeadErased):
        return (2, 0)
    return (1, received.event.revision) if isinstance(received.event, StageChanged) else (0, 0)
