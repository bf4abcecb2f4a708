"""The model that every tenant starts with, as the data that a tenant may replace. It is version 1, and stays as it is.

Read against what a seller sees: a student with a free mail address lands at 10 to 20, a manager from a bought list in
band C, the head of a department who asked for a demo and looked at the prices in band A.
"""

from typing import Any

DEFAULT_VERSION = 1

_CHIEFS = ["owner", "c_level"]
_BUYERS = ["management", "sales", "marketing", "it", "operations", "procurement"]


def _state(id: str, on: str, name: str, op: str, value: Any, points: float) -> dict[str, Any]:
    return {"id": id, "score": "fit", "when": {on: name, "op": op, "value": value}, "points": points}


def _event(
    id: str, score: str, on: str, name: str, points: float, half_life_days: float, op: str = "exists", value: Any = True
) -> dict[str, Any]:
    when = {on: name, "op": op, "value": value}
    return {"id": id, "score": score, "when": when, "points": points, "half_life_days": half_life_days}


_FIT = [
    _state("company-mail", "fact", "email_free", "eq", False, 10),
    _state("free-mail", "fact", "email_free", "eq", True, -4),
    _state("disposable-mail", "fact", "email_disposable", "eq", True, -20),
    _state("company-known", "field", "company", "exists", True, 4),
    _state("phone-known", "field", "phone", "exists", True, 3),
    _state("chief", "fact", "seniority", "in", _CHIEFS, 16),
    _state("leader", "fact", "seniority", "in", ["vp", "director", "head"], 14),
    _state("manager", "fact", "seniority", "eq", "manager", 10),
    _state("senior", "fact", "seniority", "eq", "senior", 6),
    _state("staff", "fact", "seniority", "in", ["staff", "junior"], 3),
    _state("student", "fact", "seniority", "in", ["student", "intern"], -8),
    _state("buying-department", "fact", "department", "in", _BUYERS, 6),
    _state("other-department", "fact", "department", "in", ["finance", "hr", "legal", "engineering", "support"], 3),
    _state("fifty-people", "fact", "employees", "gte", 50, 5),
    _state("five-hundred-people", "fact", "employees", "gte", 500, 3),
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
    _event("demo-asked", "intent", "engagement", "form", 14, 45, "contains", "demo"),
    _event("form-sent", "intent", "engagement", "form", 6, 30),
    _event("prices-seen", "intent", "engagement", "visit", 5, 14, "contains", "pric"),
    _event("trial-started", "intent", "engagement", "trial", 16, 30),
    _event("interested", "intent", "reply", "interested", 14, 45),
    _event("meeting-asked", "intent", "reply", "meeting_request", 18, 45),
    _event("question-asked", "intent", "reply", "question", 10, 30),
    _event("not-now", "intent", "reply", "later", -6, 60),
    _event("declined", "intent", "reply", "declined", -25, 180),
    _event("meeting-booked", "intent", "meeting", "booked", 15, 60),
    _event("meeting-cancelled", "intent", "meeting", "cancelled", -5, 30),
]

_ENGAGEMENT = [
    _event("visit", "engagement", "engagement", "visit", 3, 14),
    _event("form", "engagement", "engagement", "form", 6, 21),
    _event("open", "engagement", "engagement", "open", 1, 7),
    _event("click", "engagement", "engagement", "click", 4, 14),
    _event("download", "engagement", "engagement", "download", 6, 21),
    _event("webinar", "engagement", "engagement", "webinar", 8, 30),
    _event("trial", "engagement", "engagement", "trial", 10, 30),
    _event(
        "reply",
        "engagement",
        "reply",
        "label",
        10,
        30,
        "in",
        ["interested", "question", "meeting_request", "later", "other"],
    ),
    _event("meeting-held", "engagement", "meeting", "held", 12, 45),
    _event("no-answer", "engagement", "message", "unanswered", -6, 30, "gte", 4),
]

DEFAULT_MODEL: dict[str, Any] = {
    "rules": [*_FIT, *_INTENT, *_ENGAGEMENT],
    "caps": {"fit": 40, "intent": 30, "engagement": 30},
    "bands": {"A": 75, "B": 50, "C": 25},
}
