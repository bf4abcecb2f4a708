"""Strategies as data: how each kind of message is written in each stage. A tenant's own versions replace these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Strategy:
    """How to write one kind of message in one stage. `version` 0 is built in; a tenant's own versions count from 1."""

    kind: str
    stage: str
    version: int
    aim: str
    tone: str
    length: str
    call_to_action: str
    forbidden_claims: tuple[str, ...] = ()
    templates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The Jinja templates by channel and part: email {subject, body}, sms {body}."""

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.stage}@{self.version}"


_FORBIDDEN = ("guarantee", "risk-free", "100%", "best in the world", "act now", "last chance")
_GREETING = "{% if first_name %}Hi {{ first_name }},{% else %}Hello,{% endif %}\n\n"
_CLOSING = "\n\nBest regards\n{{ sender }}\n"
_SMS_GREETING = "{% if first_name %}Hi {{ first_name }}, {% else %}Hello, {% endif %}this is {{ sender }}. "
_SMS_OPT_OUT = " Reply STOP to opt out."


def _strategy(
    kind: str, stage: str, aim: str, tone: str, length: str, action: str, *, subject: str, body: str, sms: str
) -> Strategy:
    """A built-in strategy: the e-mail body gets greeting and closing, the SMS the way to opt out."""
    return Strategy(
        kind,
        stage,
        0,
        aim,
        tone,
        length,
        action,
        _FORBIDDEN,
        {
            "email": {"subject": subject, "body": _GREETING + body + _CLOSING},
            "sms": {"body": sms + _SMS_OPT_OUT},
        },
    )


_FIRST = _strategy(
    "first",
    "new",
    "start a conversation with somebody who has shown interest and knows little about us",
    "friendly, plain, no pressure",
    "under 90 words",
    "ask one open question that is easy to answer",
    subject="{% if company %}A question about {{ company }}{% else %}A short question{% endif %}",
    body=(
        "Thank you for your interest in our work."
        "{% if industry %} I understand that you work in {{ industry }}.{% endif %}\n\n"
        "What would you most like to improve{% if company %} at {{ company }}{% endif %} in the next three months?\n\n"
        "A line or two is plenty, and I will answer you personally."
    ),
    sms=_SMS_GREETING + "Thank you for your interest. What are you looking for? A short answer is plenty.",
)

_FOLLOW_UP = _strategy(
    "follow_up",
    "qualified",
    "agree on a first meeting with somebody who meets the criteria",
    "warm, concrete, brief",
    "under 110 words",
    "offer a half-hour call and ask for two times that suit",
    subject="{% if company %}Next step for {{ company }}{% else %}Next step{% endif %}",
    body=(
        "Thank you for everything you have shared with us so far."
        "{% if job_title and company %} As {{ job_title }} at {{ company }}, you will want to know quickly whether we "
        "are a good fit."
        "{% elif company %} I would like to find out with you whether we are a good fit for {{ company }}.{% endif %}"
        "{% if industry %} I will prepare examples from your industry ({{ industry }}).{% endif %}\n\n"
        "Would a half-hour call in the next few days suit you? Please send me two times that work for you"
        "{% if timezone %} (in your time zone, {{ timezone }}){% endif %}, and I will send you an invitation."
    ),
    sms=_SMS_GREETING + "Shall we talk for half an hour in the next few days? Please send me two times that suit you.",
)

_REVIVED = _strategy(
    "follow_up",
    "contacted",
    "resume contact on a channel that works now, with somebody whom we could not reach before",
    "light, no reproach for the silence",
    "under 80 words",
    "ask whether the topic still matters",
    subject="{% if company %}Still of interest to {{ company }}?{% else %}Still of interest?{% endif %}",
    body=(
        "I tried to reach you a while ago and may have missed you.\n\n"
        "Is the topic still of interest to you{% if company %} at {{ company }}{% endif %}? If so, a line about what "
        "matters most to you now is enough. If not, please let me know, and I will leave it there."
    ),
    sms=_SMS_GREETING + "I may have missed you before. Is the topic still of interest to you?",
)

_NURTURE = _strategy(
    "nurture",
    "nurture",
    "stay in touch with somebody for whom it was too early",
    "helpful, unhurried",
    "under 80 words",
    "invite an answer whenever it suits, ask nothing else",
    subject="{% if company %}Checking in with {{ company }}{% else %}Checking in{% endif %}",
    body=(
        "I just wanted to check in briefly.\n\n"
        "Has anything changed{% if company %} at {{ company }}{% endif %} since we were last in touch? Whether now is "
        "a good time or it is still too early, a short reply is all I need."
    ),
    sms=_SMS_GREETING + "I just wanted to check in. Has anything changed on your side? A short reply is enough.",
)

_ANSWERS = {
    "contacted": ("answer a first reaction and learn what they need", "Could you tell me briefly what you need?"),
    "engaged": (
        "answer, and bring the conversation one step further",
        "Shall we go through it together in a short call?",
    ),
    "qualified": (
        "answer, and agree on a time for the meeting",
        "Which two times this week or next would suit you for a call?",
    ),
    "meeting_completed": (
        "answer what was left open after the meeting",
        "Is there anything else you need for your decision?",
    ),
    "nurture": (
        "answer without pressing, because it was too early for them",
        "Is now a good time, or shall I get back to you later?",
    ),
}
"""For each stage the aim of an answer and the question that it ends with."""


def _answer(stage: str) -> Strategy:
    aim, question = _ANSWERS[stage]
    return _strategy(
        "answer",
        stage,
        aim,
        "attentive, direct",
        "under 100 words",
        question,
        subject="{{ reply_subject }}",
        body=(
            "Thank you for your reply."
            "{% if label == 'meeting_request' %} I would be glad to find a time with you."
            "{% elif label == 'question' %} I will gladly answer your question in detail, in writing or in a call."
            "{% endif %}\n\n" + question
        ),
        sms="{% if first_name %}Hi {{ first_name }}, thank{% else %}Thank{% endif %} you for your reply. " + question,
    )


BUILT_IN: Mapping[tuple[str, str], Strategy] = {
    (strategy.kind, strategy.stage): strategy
    for strategy in (_FIRST, _FOLLOW_UP, _REVIVED, _NURTURE, *(_answer(stage) for stage in _ANSWERS))
}
"""The strategies of a tenant that has saved none of its own, by (kind, stage)."""


def from_body(kind: str, stage: str, version: int, body: Mapping[str, Any]) -> Strategy:
    """A tenant's strategy as it is stored."""
    return Strategy(
        kind,
        stage,
        version,
        body["aim"],
        body["tone"],
        body["length"],
        body["call_to_action"],
        tuple(body.get("forbidden_claims", ())),
        body.get("templates", {}),
    )


def to_body(strategy: Strategy) -> dict[str, Any]:
    """The strategy as it is stored and shown by the API, without kind, stage and version."""
    return {
        "aim": strategy.aim,
        "tone": strategy.tone,
        "length": strategy.length,
        "call_to_action": strategy.call_to_action,
        "forbidden_claims": list(strategy.forbidden_claims),
        "templates": {channel: dict(parts) for channel, parts in strategy.templates.items()},
    }
