"""What must be true after leads have gone through, whatever was killed: nothing lost, doubled or out of order.

It needs the standard library only: it also runs in a pod beside the services (tests/kube/load.py).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol


class Record(Protocol):
    """An event as another system reads it."""

    @property
    def id(self) -> str: ...
    @property
    def lead_id(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def data(self) -> dict[str, Any]: ...
    @property
    def headers(self) -> dict[str, str]: ...


def in_order(seen: Sequence[Record]) -> dict[str, list[Record]]:
    """The first occurrence of each event by lead, in the order of the topic."""
    known: set[str] = set()
    leads: dict[str, list[Record]] = defaultdict(list)
    for one in sorted(seen, key=lambda s: (s.partition, s.offset)):
        if one.id not in known:
            known.add(one.id)
            leads[one.lead_id].append(one)
    return leads


def captured_complaints(captured: Mapping[str, Sequence[Record]], emails: set[str]) -> list[str]:
    """What is wrong with the `lead.captured` of the leads that were submitted with these addresses."""
    found = {events[0].data["email"] for events in captured.values()}
    complaints = [f"{len(events)} times captured: {lead}" for lead, events in captured.items() if len(events) != 1]
    if lost := emails - found:
        complaints.append(f"{len(lost)} of {len(emails)} leads were not captured: {sorted(lost)[:3]}")
    if len(captured) > len(emails):
        complaints.append(f"{len(captured)} leads were captured of {len(emails)} that were submitted")
    return complaints


def journey_complaints(captured: Mapping[str, object], changed: Mapping[str, Sequence[Record]]) -> list[str]:
    """What is wrong with the `stage.changed` of leads that were contacted and answered.

    A move that corrects the one before it begins where that one should have: an answer was read before its message.
    """
    complaints = []
    if captured.keys() != changed.keys():
        complaints.append(f"stages knows {len(changed)} leads, capture {len(captured)}")
    for lead, events in changed.items():
        revisions = [event.data["revision"] for event in events]
        sequences = [int(event.headers["ce_sequence"]) for event in events]
        last = events[-1].data
        if revisions != list(range(1, len(events) + 1)):
            complaints.append(f"revisions of {lead}: {revisions}")
        if any(
            before.data["to"] != after.data["from"] and before.id not in after.data.get("corrects", ())
            for before, after in pairwise(events)
        ):
            complaints.append(f"a step is missing in the journey of {lead}")
        if events[0].data["from"] != "new" or (last["to"], last["journey"]["contacted"]) != ("engaged", True):
            complaints.append(f"{lead} went from {events[0].data['from']} to {last['to']}")
        if sequences != sorted(set(sequences)):
            complaints.append(f"sequence numbers of {lead}: {sequences}")
    return complaints


def score_complaints(
    captured: Mapping[str, object], scored: Mapping[str, Sequence[Record]], shown: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """What is wrong with the `lead.scored`, and with the scores that the queue shows."""
    complaints = []
    if captured.keys() != scored.keys():
        complaints.append(f"scoring knows {len(scored)} leads, capture {len(captured)}")
    for lead, events in scored.items():
        if [event.data["revision"] for event in events] != list(range(1, len(events) + 1)):
            complaints.append(f"revisions of the scores of {lead}: {[event.data['revision'] for event in events]}")
    last = {lead: events[-1].data["total"] for lead, events in scored.items()}
    if different := [lead for lead, total in last.items() if shown.get(lead, {}).get("score_total") != total]:
        complaints.append(f"the queue shows other scores than the last ones for {len(different)} leads")
    return complaints
