"""Signals, rules and models with defaults."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.scoring.rules import DEFAULT_MODEL, Model, Signal, compile_model

LEAD = UUID("01890000-0000-7000-8000-000000000001")
ALIAS = UUID("01890000-0000-7000-8000-000000000002")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEFAULT = compile_model(1, DEFAULT_MODEL)


def a_signal(type: str, days: float = 0, id: str | None = None, lead: UUID = LEAD, **data: Any) -> Signal:
    at = START + timedelta(days=days)
    return Signal(lead, type, at, id or f"{type}/{days}/{sorted(data.items())}", "urn:test", data)


def captured(days: float = 0, **fields: Any) -> Signal:
    return a_signal("lead.captured", days, **{"source": "import", "version": 1} | fields)


def updated(days: float, version: int, **fields: Any) -> Signal:
    return a_signal("lead.updated", days, version=version, **{"source": "import"} | fields)


def enriched(days: float = 0, by: str = "urn:test", /, **facts: Any) -> Signal:
    values = {name: {"value": value, "source": "test"} for name, value in facts.items()}
    return a_signal("lead.enriched", days, facts=values)._replace(source=by)


def engagement(kind: str, days: float, id: str | None = None, **details: Any) -> Signal:
    return a_signal("engagement.recorded", days, id, kind=kind, **details)


def reply(
    label: str, days: float, reply_id: str = "r1", labelled: float | None = None, id: str | None = None
) -> Signal:
    at = START + timedelta(days=days if labelled is None else labelled)
    return a_signal(
        "reply.received", days, id, reply_id=reply_id, label=label, channel="email", labelled_at=at.isoformat()
    )


def booked(days: float, ends: float, meeting_id: str = "m1") -> Signal:
    return a_signal("meeting.booked", days, meeting_id=meeting_id, ends_at=(START + timedelta(days=ends)).isoformat())


def cancelled(days: float, meeting_id: str = "m1") -> Signal:
    return a_signal("meeting.cancelled", days, meeting_id=meeting_id)


def sent(days: float, kind: str = "first") -> Signal:
    return a_signal("message.sent", days, kind=kind, channel="email")


def day(days: float) -> datetime:
    return START + timedelta(days=days)


def a_rule(
    id: str = "r", score: str = "intent", points: float = 5, half_life_days: float | None = None, **when: Any
) -> dict[str, Any]:
    return {"id": id, "score": score, "when": when or {"field": "source", "op": "exists"}, "points": points} | (
        {"half_life_days": half_life_days} if half_life_days else {}
    )


def a_model(*rules: Mapping[str, Any], **parts: Any) -> Model:
    return compile_model(2, {"rules": list(rules), **parts})


_DAYS = st.floats(0, 120, allow_nan=False).map(lambda days: round(days, 4))

SIGNALS = st.lists(
    st.one_of(
        st.builds(engagement, st.sampled_from(["visit", "form", "open", "click", "webinar"]), _DAYS),
        st.builds(lambda days: engagement("visit", days, page="/pricing"), _DAYS),
        st.builds(
            lambda label, days, n, late: reply(label, days, f"r{n}", days + late, f"{label}{n}{late}"),
            st.sampled_from(["interested", "other", "declined", "later", "question"]),
            _DAYS,
            st.integers(1, 3),
            st.floats(0, 5),
        ),
        st.builds(booked, _DAYS, _DAYS, st.sampled_from(["m1", "m2"])),
        st.builds(cancelled, _DAYS, st.sampled_from(["m1", "m2"])),
        st.builds(sent, _DAYS),
        st.builds(
            lambda days, free, seniority: enriched(days, email_free=free, seniority=seniority),
            _DAYS,
            st.booleans(),
            st.sampled_from(["head", "student", None]),
        ),
        st.builds(
            lambda days, version, source: updated(days, version, source=source),
            _DAYS,
            st.integers(2, 5),
            st.sampled_from(["website", "referral", "import"]),
        ),
    ),
    max_size=25,
    unique_by=lambda signal: signal.id,
).map(lambda signals: [captured(), *signals])
