"""Builds the signals of a lead in a line: `a_lead().sent().replied("later").stage`. Times are days after `START`."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Self
from uuid import NAMESPACE_URL, uuid5

from services.stages.rules import (
    CHECKLIST_TICK,
    MANUAL_MOVE,
    Item,
    Journey,
    Outcome,
    SettingsHistory,
    Signal,
    Stage,
    TenantSettings,
    fold,
    signal_data,
)

START = datetime(2025, 3, 3, 9, tzinfo=UTC)
LEAD = "01956c5a-0000-7000-8000-000000000001"
ALIAS = "01956c5a-0000-7000-8000-000000000002"
ANNA = "human:anna"
EMAIL, PHONE = "lee@example.com", "+1 415 555 0100"
ONE_ITEM = TenantSettings(checklist=(Item("need", "Need"),))


def day(number: float) -> datetime:
    """So many days after the start."""
    return START + timedelta(days=number)


def a_signal(type: str, at: float, id: str, actor: str | None = None, lead_id: str = LEAD, **data: Any) -> Signal:
    digest = str(uuid5(NAMESPACE_URL, id))
    return Signal(digest, id, "urn:test", type, day(at), day(at), signal_data(type, data), actor, lead_id)


class Lead:
    """The signals of one lead. Each call adds one; without `at` it happens a quarter of an hour after the last."""

    def __init__(self, *settings: TenantSettings) -> None:
        self.signals: list[Signal] = []
        self.history = SettingsHistory.of(*settings)
        self._clock = 0.0
        self._ids = count(1)

    def numbered_from(self, number: int) -> Self:
        """Let the ids of the next events differ from those of another lead."""
        self._ids = count(number)
        return self

    def add(self, type: str, at: float | None = None, id: str | None = None, **data: Any) -> Self:
        self._clock = self._clock + 1 / 96 if at is None else at
        self.signals.append(a_signal(type, self._clock, id or f"event-{next(self._ids):03}", **data))
        return self

    def captured(self, at: float | None = 0, lead_id: str = LEAD, **data: Any) -> Self:
        data.setdefault("email", EMAIL)
        data.setdefault("phone", None)
        created_on = data.pop("created_on", day(at or 0))
        return self.add("lead.captured", at, lead_id=lead_id, created_on=created_on, **data)

    def updated(self, at: float | None = None, **data: Any) -> Self:
        return self.add("lead.updated", at, **data)

    def scored(self, total: int, at: float | None = None) -> Self:
        return self.add("lead.scored", at, total=total)

    def sent(self, at: float | None = None, channel: str = "email") -> Self:
        return self.add("message.sent", at, channel=channel, kind="first")

    def bounced(
        self, state: str = "invalid", address: str | None = EMAIL, channel: str = "email", at: float | None = None
    ) -> Self:
        return self.add("message.bounced", at, channel=channel, address_state=state, address=address)

    def sms_failed(self, at: float | None = None) -> Self:
        return self.bounced(channel="sms", address=PHONE, at=at)

    def replied(self, label: str = "interested", at: float | None = None, reply_id: str = "", **data: Any) -> Self:
        data.setdefault("channel", "email")
        reply_id = reply_id or f"reply-{len(self.signals)}"
        return self.add("reply.received", at, label=label, reply_id=reply_id, **data)

    def opted_out(self, how: str = "unsubscribe", channel: str = "email", at: float | None = None, **data: Any) -> Self:
        return self.add("contact.opted_out", at, how=how, channel=channel, **data)

    def used_up(self, *channels: str, mode: str = "blended", at: float | None = None) -> Self:
        return self.add("outreach.exhausted", at, mode=mode, channels=list(channels))

    def mode(self, mode: str, at: float | None = None) -> Self:
        return self.add("outreach.mode_changed", at, mode=mode, previous="blended")

    def booked(
        self, meeting: str = "m1", at: float | None = None, starts: float | None = None, ends: float = 3
    ) -> Self:
        starts_at = day(ends - 1 / 24 if starts is None else starts)
        return self.add("meeting.booked", at, meeting_id=meeting, starts_at=starts_at, ends_at=day(ends))

    def cancelled(self, meeting: str = "m1", at: float | None = None) -> Self:
        return self.add("meeting.cancelled", at, meeting_id=meeting)

    def ticked(self, item: str = "need", ticked: bool = True, at: float | None = None, actor: str = ANNA) -> Self:
        return self.add(CHECKLIST_TICK, at, actor=actor, item=item, ticked=ticked)

    def moved(
        self, to: Stage | str, at: float | None = None, reason: str | None = None, note: str | None = None
    ) -> Self:
        return self.add(MANUAL_MOVE, at, actor=ANNA, to=str(to), disqualification_reason=reason, note=note)

    def in_stage(self, stage: Stage | str) -> Self:
        """A person moved the lead to this stage."""
        return self if stage == Stage.NEW else self.moved(stage, reason="for the test")

    def fold(self, until: float | None = None) -> Outcome:
        return fold(self.signals, self.history, day(self._clock if until is None else until), LEAD)

    def at(self, until: float) -> Journey:
        return self.fold(until).journey

    @property
    def journey(self) -> Journey:
        return self.fold().journey

    @property
    def stage(self) -> Stage:
        return self.journey.stage

    @property
    def ignored(self) -> str:
        """Why the last signal was ignored."""
        last = max(self.signals, key=lambda signal: signal.order)
        reasons = [each.reason for each in self.fold().ignored if each.event_id == last.id]
        assert len(reasons) == 1, reasons
        return reasons[0]

    @property
    def rules(self) -> list[str]:
        """The rules that moved the lead so far."""
        return [transition.rule for transition in self.fold().transitions]


def a_lead(*settings: TenantSettings, email: str | None = EMAIL, phone: str | None = None, **data: Any) -> Lead:
    """A captured lead with an e-mail address and no phone."""
    return Lead(*settings).captured(email=email, phone=phone, **data)
