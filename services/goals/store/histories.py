"""The transitions and meeting signals of leads: everything that was received of them and may have to be read again."""

from collections.abc import Collection, Sequence
from operator import attrgetter
from uuid import UUID

from services.goals.rules.meetings import MeetingSignal
from services.goals.rules.moves import Transition
from services.goals.store.statements import KEYS, array_text, attributes_of, key_parameters
from services.goals.tables import MeetingSignalRow, TransitionRow
from shared.db import UnitOfWork, by_column
from shared.db.columns import column_types, insert_rows, rows_of
from shared.ids import LeadKey, digest

_TYPES = {**column_types(TransitionRow), "corrects": "text"}
_VALUES = ", ".join(f"CAST(v.{name} AS text[])" if name == "corrects" else f"v.{name}" for name in _TYPES)
_INSERT_TRANSITIONS = f"INSERT INTO step ({', '.join(_TYPES)}) SELECT {_VALUES} FROM {rows_of(_TYPES)}"

_PLAIN = tuple(name for name in _TYPES if name not in ("tenant_id", "lead_id", "corrects"))
"""The columns that are stored as they are in the transition."""
_ATTRIBUTES = {name: attributes_of(TransitionRow)[name] for name in _PLAIN}
_plain_values = attrgetter(*_ATTRIBUTES.values())

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
        plain = {attribute: row[name] for name, attribute in _ATTRIBUTES.items()}
        found[row["tenant_id"], row["lead_id"]].append(Transition(corrects=tuple(row["corrects"]), **plain))
    return found


async def add_transitions(work: UnitOfWork, transitions: Sequence[tuple[LeadKey, Transition]]) -> None:
    if not transitions:
        return
    rows = [(*key, *_plain_values(transition)) for key, transition in transitions]
    await work.run(
        _INSERT_TRANSITIONS,
        **by_column(("tenant_id", "lead_id", *_PLAIN), rows),
        corrects=[array_text(transition.corrects) for _, transition in transitions],
    )


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
