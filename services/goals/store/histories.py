"""The transitions and meeting signals of leads: everything that was received of them and may have to be read again."""

from collections.abc import Collection, Sequence
from operator import attrgetter
from uuid import UUID

from services.goals.rules.meetings import MeetingSignal
from services.goals.rules.moves import Transition
from services.goals.store.statements import KEYS, attributes_of, key_parameters
from services.goals.tables import MeetingSignalRow, TransitionRow
from shared.db import UnitOfWork, array_text, by_column, rows_of
from shared.db.columns import column_types, insert_rows
from shared.ids import LeadKey, digest

_KEY = ("tenant_id", "lead_id")
_ATTRIBUTES = {name: attribute for name, attribute in attributes_of(TransitionRow).items() if name not in _KEY}
_values = attrgetter(*_ATTRIBUTES.values())
_INSERT_TRANSITIONS = insert_rows(TransitionRow)

_CORRECTED = column_types(TransitionRow, ("tenant_id", "lead_id", "revision", "moved_from", "seconds"))
_UPDATE_TRANSITIONS = f"""
    UPDATE step AS s SET moved_from = v.moved_from, seconds = v.seconds FROM {rows_of(_CORRECTED)}
    WHERE s.tenant_id = v.tenant_id AND s.lead_id = v.lead_id AND s.revision = v.revision
"""


async def transitions_of(work: UnitOfWork, keys: Collection[LeadKey]) -> dict[LeadKey, list[Transition]]:
    """All transitions of these leads, by revision."""
    found: dict[LeadKey, list[Transition]] = {key: [] for key in keys}
    if not keys:
        return found
    rows = await work.fetch(
        f"""
        SELECT s.* FROM unnest({KEYS}) AS w (tenant_id, lead_id)
        JOIN step s ON s.tenant_id = w.tenant_id AND s.lead_id = w.lead_id
        ORDER BY s.tenant_id, s.lead_id, s.revision
        """,
        **key_parameters(keys),
    )
    for row in rows:
        attributes = {attribute: row[name] for name, attribute in _ATTRIBUTES.items()}
        attributes["corrects"] = tuple(row["corrects"])
        found[row["tenant_id"], row["lead_id"]].append(Transition(**attributes))
    return found


async def add_transitions(work: UnitOfWork, transitions: Sequence[tuple[LeadKey, Transition]]) -> None:
    if not transitions:
        return
    values = by_column((*_KEY, *_ATTRIBUTES), [(*key, *_values(transition)) for key, transition in transitions])
    values["corrects"] = list(map(array_text, values["corrects"]))
    await work.run(_INSERT_TRANSITIONS, **values)


async def correct_transitions(work: UnitOfWork, transitions: Sequence[tuple[LeadKey, Transition]]) -> None:
    """Store which moves these transitions are now, after an event that was late or that corrects."""
    if transitions:
        rows = [(*key, t.revision, t.moved_from, t.seconds) for key, t in transitions]
        await work.run(_UPDATE_TRANSITIONS, **by_column(_CORRECTED, rows))


async def meeting_signals_of(work: UnitOfWork, keys: Collection[LeadKey]) -> dict[LeadKey, list[MeetingSignal]]:
    """All meeting signals of these leads."""
    found: dict[LeadKey, list[MeetingSignal]] = {key: [] for key in keys}
    rows = await work.fetch(
        f"""
        SELECT s.* FROM unnest({KEYS}) AS w (tenant_id, lead_id)
        JOIN meeting_signal s ON s.tenant_id = w.tenant_id AND s.lead_id = w.lead_id
        """,
        **key_parameters(keys),
    )
    for row in rows:
        found[row["tenant_id"], row["lead_id"]].append(
            MeetingSignal(row["occurred_at"], row["event_id"], row["source"], row["meeting_id"], row["ends_at"])
        )
    return found


_SIGNAL = ("tenant_id", "lead_id", "digest", "occurred_at", "event_id", "source", "meeting_id", "ends_at")
_INSERT_SIGNALS = f"{insert_rows(MeetingSignalRow, _SIGNAL)} ON CONFLICT DO NOTHING"


def _digest(signal: MeetingSignal) -> UUID:
    """What a meeting signal is known by: a booking and a cancellation may have the same source and id."""
    kind = "meeting.cancelled" if signal.ends_at is None else "meeting.booked"
    return digest(f"{kind} {signal.source}", signal.event_id)


async def add_meeting_signals(work: UnitOfWork, signals: Sequence[tuple[LeadKey, MeetingSignal]]) -> None:
    if signals:
        rows = [(*key, _digest(s), s.occurred_at, s.event_id, s.source, s.meeting_id, s.ends_at) for key, s in signals]
        await work.run(_INSERT_SIGNALS, **by_column(_SIGNAL, rows))
