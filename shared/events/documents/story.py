"""The story behind the golden samples: Marta asks, gets a message, books a meeting, and declines in the end.

Every optional field of every event is used once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.ids import revision_id

LEAD = "019cadd4-669a-7c41-9a55-0d2f8a6b7c10"
ALIAS = "019cadd2-91b0-7e03-8f7c-52be4419d3aa"
GOAL = "019c8e00-64aa-7b12-b3c4-7f0e11d29c55"
DRAFT = "019cade8-9300-7d90-a1b6-38cf4b2e6d71"
MERGE = "019cadd5-7d10-7a2c-b0f3-91c8e25a4f06"
_SUBMISSION = "019cadd4-669a-7776-acac-8844fc9c57de"
_HASH = "9b0c7e0d3f0a6f5d8f4f8b6c6a5b1e2d7c9a4e3f2b1d0c9e8f7a6b5c4d3e2f1a"
_MESSAGE = "019cadf9.6e40@acme.leadflow.example"
_ENROLMENT = "019cade8-8b40-7f55-8a02-c45d8e90b3f1"
_REPLY = "019cfad6-3453-7b88-9c1e-6a20f4d7b935"

_CONTACT: Mapping[str, Any] = {
    "external_id": "WEB-20417",
    "email": "marta.lindqvist@nordlicht-solar.example",
    "phone": "+4915735980001",
    "first_name": "Marta",
    "last_name": "Lindqvist",
    "full_name": "Marta Lindqvist",
    "company": "Nordlicht Solar GmbH",
    "job_title": "Head of Procurement",
    "website": "https://nordlicht-solar.example",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "campaign": "intersolar-2026",
    "owner": "jonas.weber",
    "consent": {
        "email": "granted",
        "sms": "unknown",
        "basis": "legitimate interest",
        "source": "trade fair form",
        "at": "2026-03-02T09:14:51Z",
    },
    "attributes": {"newsletter": True, "interest": ["inverters", "storage"]},
}
_WHO: Mapping[str, Any] = {"source": "website", "lead_id": LEAD, "created_on": "2026-03-02T09:15:04.218331Z"}


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the story: so long after the one before it, caused by the latest event of the type `cause`."""

    type: str
    after: timedelta
    data: Mapping[str, Any]
    cause: str | None = None


def _later(type: str, data: Mapping[str, Any], *, cause: str | None = None, **after: float) -> Step:
    return Step(type, timedelta(**after), data, cause)


STORY: tuple[Step, ...] = (
    _later(
        "lead.submitted",
        {
            **_CONTACT,
            "email": "Marta.Lindqvist@Nordlicht-Solar.example",
            "phone": "01573 5980001",
            "country": "Deutschland",
            "source": "website",
        },
    ),
    _later("lead.captured", {**_CONTACT, **_WHO, "version": 1}, cause="lead.submitted"),
    _later(
        "submission.answered",
        {
            "submission_id": _SUBMISSION,
            "submission_source": "urn:example:website",
            "outcome": "new",
            "lead_id": LEAD,
            "warnings": [{"field": "website", "message": "is not a web address"}],
            "reason": "no lead had its external id, e-mail or phone",
        },
        cause="lead.submitted",
    ),
    _later(
        "lead.enriched",
        {
            "lead_id": LEAD,
            "facts": {
                "email_free": {"value": False, "source": "local", "fetched_at": "2026-03-02T09:15:04.301772Z"},
                "industry": {
                    "value": "Solar energy",
                    "source": "directory",
                    "fetched_at": "2026-03-02T09:15:04.301772Z",
                },
                "employees": {
                    "value": 240,
                    "source": "directory",
                    "fetched_at": "2026-03-02T09:15:04.301772Z",
                    "confidence": 0.9,
                },
                "seniority": {"value": "head", "source": "local", "fetched_at": "2026-03-02T09:15:04.301772Z"},
            },
            "providers": [
                {"name": "local", "outcome": "found", "ms": 1},
                {"name": "directory", "outcome": "found", "ms": 4},
                {"name": "website", "outcome": "timeout", "ms": 3000},
            ],
        },
        cause="lead.captured",
        milliseconds=84,
    ),
    _later(
        "lead.scored",
        {
            "lead_id": LEAD,
            "fit": 36,
            "intent": 21,
            "engagement": 25,
            "total": 82,
            "band": "A",
            "model_version": 3,
            "scored_at": "2026-03-02T09:15:04.341208Z",
            "revision": 2,
            "reasons": [
                {"rule": "leader", "score": "fit", "points": 14.0, "times": 1, "fact": "seniority"},
                {"rule": "demo-asked", "score": "intent", "points": 13.87, "times": 1},
                {"rule": "came-by-itself", "score": "intent", "points": 6.0, "times": 1, "field": "source"},
            ],
        },
        cause="lead.enriched",
        microseconds=38_877,
    ),
    _later("lead.became_hot", {"total": 82, "threshold": 80}, cause="lead.scored"),
    _later(
        "lead.merged",
        {"lead_id": LEAD, "alias_id": ALIAS, "merge_id": MERGE, "version": 2, "undone": True},
        minutes=7,
    ),
    _later(
        "lead.updated",
        {
            **_CONTACT,
            **_WHO,
            "job_title": "Chief Procurement Officer",
            "changed": ["job_title"],
            "version": 2,
            "before": {"job_title": _CONTACT["job_title"]},
        },
        minutes=1,
    ),
    _later(
        "lead.assigned",
        {"owner": "lea.brandt", "previous": "jonas.weber", "actor": "human:lea.brandt"},
        minutes=2,
    ),
    _later(
        "engagement.recorded",
        {
            "kind": "download",
            "page": "Storage price list",
            "url": "https://www.acme.example/downloads/storage-2026.pdf",
            "properties": {"pages": 12, "seconds": 95.5},
        },
        minutes=11,
    ),
    _later(
        "sequence.enrolled",
        {
            "enrolment_id": _ENROLMENT,
            "sequence_id": "fair",
            "reason": "an operator enrolled the lead",
            "actor": "human:lea.brandt",
            "note": "met her at the fair",
        },
        minutes=1,
    ),
    _later(
        "draft.created",
        {"draft_id": DRAFT, "kind": "sequence", "channel": "email", "sha256": _HASH},
        cause="sequence.enrolled",
        seconds=2,
    ),
    _later(
        "draft.decided",
        {
            "draft_id": DRAFT,
            "decision": "approved",
            "actor": "human:lea.brandt",
            "sha256": _HASH,
            "reason": "names the price list that she downloaded",
            "acknowledged_unsupported": ["We have helped forty workshops like yours."],
        },
        minutes=18,
    ),
    _later(
        "message.sent",
        {
            "message_id": _MESSAGE,
            "draft_id": DRAFT,
            "channel": "email",
            "kind": "sequence",
            "sequence_id": "fair",
            "step": 1,
        },
        cause="draft.decided",
        seconds=1.5,
    ),
    _later(
        "message.bounced",
        {
            "message_id": _MESSAGE,
            "channel": "email",
            "severity": "soft",
            "code": "4.2.2",
            "detail": "mailbox full",
            "address": "marta.lindqvist@nordlicht-solar.example",
            "address_state": "soft",
        },
        cause="message.sent",
        seconds=40,
    ),
    _later(
        "sequence.changed",
        {
            "enrolment_id": _ENROLMENT,
            "sequence_id": "fair",
            "change": "paused",
            "actor": "human:lea.brandt",
            "reason": "until 2026-03-09T08:00:00Z",
            "note": "she is at another fair this week",
        },
        minutes=5,
    ),
    _later("outreach.exhausted", {"mode": "email_only", "channels": ["email"]}, days=13, hours=23, minutes=55),
    _later("outreach.mode_changed", {"mode": "blended", "previous": "email_only"}, hours=2),
    _later(
        "meeting.booked",
        {
            "meeting_id": "cal-7731",
            "starts_at": "2026-03-18T13:00:00Z",
            "ends_at": "2026-03-18T13:30:00Z",
            "title": "Storage for the Rostock plant",
        },
        hours=1,
    ),
    _later(
        "sequence.exited",
        {
            "enrolment_id": _ENROLMENT,
            "sequence_id": "fair",
            "reason": "meeting",
            "actor": "system:sequences",
            "note": "the lead is in stage scheduled",
        },
        cause="meeting.booked",
        milliseconds=210,
    ),
    _later("meeting.cancelled", {"meeting_id": "cal-7731"}, hours=3),
    _later(
        "reply.received",
        {
            "reply_id": _REPLY,
            "channel": "email",
            "label": "declined",
            "confidence": 1.0,
            "method": "human",
            "labelled_at": "2026-03-17T09:40:11.400512Z",
            "evidence": [{"item": "budget", "sentence": "The budget for this year is spent."}],
            "message_id": _MESSAGE,
            "later_until": "2027-01-15",
            "return_date": "2026-03-30",
            "successor": "Pia Holm, pia.holm@nordlicht-solar.example",
            "wrong_address": False,
            "excerpt": "We went with another supplier. The budget for this year is spent. Ask Pia again in January.",
        },
        cause="message.sent",
        hours=16.2,
    ),
    _later(
        "stage.changed",
        {
            "lead_id": LEAD,
            "from": "nurture",
            "to": "lost",
            "from_status": "contacted",
            "status": "disqualified",
            "rule": "declined",
            "actor": "system:declined",
            "reason": "the lead said no or chose someone else",
            "caused_by": "019cfad6-3453-70b9-8278-3f51b07f4a71",
            "occurred_at": "2026-03-17T08:07:48.051208Z",
            "recorded_at": "2026-03-17T09:40:11.462090Z",
            "revision": 9,
            "journey": {
                "contacted": True,
                "first_qualified_on": "2026-03-16T12:55:47.841208Z",
                "won_on": None,
                "meetings_held": 0,
                "owner": "lea.brandt",
                "created_on": "2026-03-02T09:15:04.218331Z",
            },
            "disqualification_reason": "declined",
            "corrects": [revision_id("stage.changed", LEAD, 8)],
        },
        cause="reply.received",
    ),
    _later(
        "contact.opted_out",
        {"channel": "email", "how": "reply", "reply_id": "019d0522-ec50-70da-8e94-1f6a0c3d7b28"},
        days=2,
    ),
    _later(
        "goal.progressed",
        {"goal_id": GOAL, "period_start": "2026-02-28T23:00:00Z", "current_value": 50, "target": 50},
        days=9,
    ),
    _later(
        "goal.achieved",
        {"goal_id": GOAL, "period_start": "2026-02-28T23:00:00Z", "current_value": 50, "target": 50},
    ),
    _later("lead.erased", {"lead_id": LEAD}, days=3),
)
