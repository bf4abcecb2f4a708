"""The model that every tenant starts with: version 1, which never changes. A tenant may replace it by its own.

It is tuned so that a student with a free mail address scores 10 to 20, a manager from a bought list is in band C, and
the head of a department who asked for a demo and looked at the prices is in band A.
"""

from typing import Any

DEFAULT_VERSION = 1

DEFAULT_CAPS = {"fit": 40, "intent": 30, "engagement": 30}
DEFAULT_BANDS = {"A": 75, "B": 50, "C": 25}
"""The lowest total of each band; below C is D."""

_CHIEFS = ["owner", "c_level"]
_BUYERS = ["management", "sales", "marketing", "it", "operations", "procurement"]


def _value_rule(id: str, subject: str, name: str, op: str, value: Any, points: float) -> dict[str, Any]:
    return {"id": id, "score": "fit", "when": {subject: name, "op": op, "value": value}, "points": points}


def _event_rule(
    id: str,
    score: str,
    subject: str,
    name: str,
    points: float,
    half_life_days: float,
    op: str = "exists",
    value: Any = True,
    *,
    once_a_day: bool = False,
) -> dict[str, Any]:
    when = {subject: name, "op": op, "value": value}
    rule = {"id": id, "score": score, "when": when, "points": points, "half_life_days": half_life_days}
    return rule | ({"once_a_day": True} if once_a_day else {})


_FIT = [
    _value_rule("company-mail", "fact", "email_free", "eq", False, 10),
    _value_rule("free-mail", "fact", "email_free", "eq", True, -4),
    _value_rule("disposable-mail", "fact", "email_disposable", "eq", True, -20),
    _value_rule("company-known", "field", "company", "exists", True, 4),
    _value_rule("phone-known", "field", "phone", "exists", True, 3),
    _value_rule("chief", "fact", "seniority", "in", _CHIEFS, 16),
    _value_rule("leader", "fact", "seniority", "in", ["vp", "director", "head"], 14),
    _value_rule("manager", "fact", "seniority", "eq", "manager", 10),
    _value_rule("senior", "fact", "seniority", "eq", "senior", 6),
    _value_rule("staff", "fact", "seniority", "in", ["staff", "junior"], 3),
    _value_rule("student", "fact", "seniority", "in", ["student", "intern"], -8),
    _value_rule("buying-department", "fact", "department", "in", _BUYERS, 6),
    _value_rule(
        "other-department", "fact", "department", "in", ["finance", "hr", "legal", "engineering", "support"], 3
    ),
    _value_rule("fifty-people", "fact", "employees", "gte", 50, 5),
    _value_rule("five-hundred-people", "fact", "employees", "gte", 500, 3),
]

_SOURCES = [
    ("referred", ["referral", "referrals", "partner", "partners"], 8),
    ("came-by-itself", ["website", "web", "web-form", "form", "demo", "inbound", "chat", "webhook"], 6),
    ("met", ["event", "trade-fair", "trade-show", "fair", "expo", "conference", "webinar"], 5),
    ("answered-an-ad", ["ads", "ad", "google-ads", "linkedin", "social", "newsletter"], 3),
]

_INTENT = [
    *(
        {"id": id, "score": "intent", "when": {"field": "source", "op": "in", "value": names}, "points": points}
        for id, names, points in _SOURCES
    ),
    _event_rule("demo-asked", "intent", "engagement", "form", 14, 45, "contains", "demo"),
    _event_rule("form-sent", "intent", "engagement", "form", 6, 30),
    _event_rule("prices-seen", "intent", "engagement", "visit", 5, 14, "contains", "pric"),
    _event_rule("trial-started", "intent", "engagement", "trial", 16, 30),
    _event_rule("interested", "intent", "reply", "interested", 14, 45),
    _event_rule("meeting-asked", "intent", "reply", "meeting_request", 18, 45),
    _event_rule("question-asked", "intent", "reply", "question", 10, 30),
    _event_rule("not-now", "intent", "reply", "later", -6, 60),
    _event_rule("declined", "intent", "reply", "declined", -25, 180),
    _event_rule("meeting-booked", "intent", "meeting", "booked", 15, 60),
    _event_rule("meeting-cancelled", "intent", "meeting", "cancelled", -5, 30),
]

_ENGAGEMENT = [
    _event_rule("visit", "engagement", "engagement", "visit", 3, 14),
    _event_rule("form", "engagement", "engagement", "form", 6, 21),
    _event_rule("open", "engagement", "engagement", "open", 1, 7, once_a_day=True),
    _event_rule("click", "engagement", "engagement", "click", 4, 14, once_a_day=True),
    _event_rule("download", "engagement", "engagement", "download", 6, 21),
    _event_rule("webinar", "engagement", "engagement", "webinar", 8, 30),
    _event_rule("trial", "engagement", "engagement", "trial", 10, 30),
    _event_rule(
        "reply",
        "engagement",
        "reply",
        "label",
        10,
        30,
        "in",
        ["interested", "question", "meeting_request", "later", "other"],
    ),
    _event_rule("meeting-held", "engagement", "meeting", "held", 12, 45),
    _event_rule("no-answer", "engagement", "message", "unanswered", -6, 30, "gte", 4),
]

DEFAULT_MODEL: dict[str, Any] = {
    "rules": [*_FIT, *_INTENT, *_ENGAGEMENT],
    "caps": DEFAULT_CAPS,
    "bands": DEFAULT_BANDS,
}
