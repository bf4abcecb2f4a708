"""Builders with defaults, so that a test names only what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.ids import uuid7
from shared.testing.bus import Bus


def ago(**parts: float) -> datetime:
    """A moment before now."""
    return datetime.now(UTC) - timedelta(**parts)


class ALead:
    """A lead of a tenant, as other systems publish events about it."""

    def __init__(self, bus: Bus, tenant: str, lead_id: UUID | None = None) -> None:
        self.bus = bus
        self.tenant = tenant
        self.id = lead_id or uuid7()
        self.versions = 1

    def publish(self, type: str, data: dict[str, Any], *, time: datetime | None = None, id: str | None = None) -> str:
        """Publish an event about this lead; its id."""
        return self.bus.publish(type, data, tenant=self.tenant, subject=self.id, time=time, id=id)

    def captured(self, *, time: datetime | None = None, **details: Any) -> str:
        at = time or datetime.now(UTC)
        contact = {"email": f"ada.{uuid4().hex[:8]}@example.com", "first_name": "Ada", "company": "Analytical Ltd"}
        data = {"lead_id": str(self.id), "source": "web", "created_on": at.isoformat(), **contact, **details}
        return self.publish("lead.captured", data, time=at)

    def updated(self, changed: list[str], *, time: datetime | None = None, **details: Any) -> str:
        self.versions += 1
        at = time or datetime.now(UTC)
        data = {"lead_id": str(self.id), "source": "web", "created_on": at.isoformat(), "changed": changed}
        return self.publish("lead.updated", {**data, "version": self.versions, **details}, time=at)

    def scored(self, total: int, *, band: str | None = None, time: datetime | None = None, **details: Any) -> str:
        at = time or datetime.now(UTC)
        letter = band or ("A" if total >= 75 else "B" if total >= 50 else "C" if total >= 25 else "D")
        data = {"fit": total, "intent": 0, "engagement": 0, "total": total, "band": letter, "model_version": 1}
        return self.publish("lead.scored", {**data, "scored_at": at.isoformat(), **details}, time=at)

    def sent(self, kind: str = "first", *, channel: str = "email", time: datetime | None = None) -> str:
        data = {"message_id": f"{uuid4()}@example.com", "draft_id": str(uuid4()), "channel": channel, "kind": kind}
        return self.publish("message.sent", data, time=time)

    def replied(
        self, label: str = "interested", *, time: datetime | None = None, reply_id: str | None = None, **details: Any
    ) -> str:
        at = time or datetime.now(UTC)
        data = {"reply_id": reply_id or str(uuid4()), "channel": "email", "label": label, "confidence": 0.9}
        return self.publish(
            "reply.received", {**data, "method": "rule", "labelled_at": at.isoformat(), **details}, time=at
        )

    def bounced(self, *, channel: str = "email", state: str = "invalid", time: datetime | None = None) -> str:
        data = {"message_id": f"{uuid4()}@example.com", "channel": channel, "severity": "hard", "code": "5.1.1"}
        return self.publish("message.bounced", {**data, "detail": "no such user", "address_state": state}, time=time)

    def moved(self, to: str, *, rule: str = "manual", status: str = "new", time: datetime | None = None) -> str:
        """The lead's first move, from the stage `new`, by a human."""
        at = (time or datetime.now(UTC)).isoformat()
        data = {"from": "new", "to": to, "from_status": "new", "status": status, "rule": rule, "actor": "human:ann"}
        times = {"occurred_at": at, "recorded_at": at}
        return self.publish(
            "stage.changed", {**data, **times, "revision": 1, "journey": {"contacted": False}}, time=time
        )

    def met(self, starts_at: datetime, ends_at: datetime, *, id: str = "m1", time: datetime | None = None) -> str:
        data = {"meeting_id": id, "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
        return self.publish("meeting.booked", data, time=time)
