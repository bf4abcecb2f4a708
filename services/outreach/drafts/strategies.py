"""What a message aims at in each stage, as data: built in, and replaced by a tenant's own versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Strategy:
    """How to write one kind of message in one stage. `version` 0 is built in; a tenant's own count from 1."""

    kind: str
    stage: str
    version: int
    aim: str
    tone: str
    length: str
    call_to_action: str
    forbidden_claims: tuple[str, ...] = ()
    templates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For each channel the Jinja templates of the parts: email {subject, body}, sms {body}."""

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.stage}@{self.version}"


_FORBIDDEN = ("guarantee", "risk-free", "100%", "best in the world", "act now", "last chance")
_HELLO = "{% if first_name %}Hi {{ first_name }},{% else %}Hello,{% endif %}\n\n"
_BYE = "\n\nBest regards\n{{ sender }}\n"
_STOP = " Reply STOP to opt out."


def _strategy(
    kind: str, stage: str, aim: str, tone: str, length: str, action: str, *, subject: str, body: str, sms: str
) -> Strategy:
    return Strategy(
        kind,
        stage,
        0,
        aim,
        tone,
        length,
        action,
        _FORBIDDEN,
        {"email": {"subject": subject, "body": _HELLO + body + _BYE}, "sms": {"body": sms + _STOP}},
    )


_FIRST = _strategy(
    "first",
    "new",
    "start a conversation with somebody who has shown interest and knows little of us",
    "friendly, plain, no pressure",
    "under 90 words",
    "ask one open question that is easy to answer",
    subject="{% if company %}A question about {{ company }}{% else %}A short question{% endif %}",
    body=(
        "{% if campaign %}you found us through {{ campaign }}, thank you for that.{% else %}thank you for your "
        "interest in "
        "us.{% endif %}{% if industry %} I understand that you work in {{ industry }}.{% endif %}\n\n"
        "What would have to be different for you in three months for this to have been worth your time"
        "{% if company %} at {{ company }}{% endif %}?\n\n"
        "A line or two is plenty; I will answer myself."
    ),
    sms=(
        "{% if first_name %}Hi {{ first_name }}, {% else %}Hello, {% endif %}{{ sender }} here. Thank you for your "
        "interest. "
        "What are you looking for? A short answer is plenty."
    ),
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
        "thank you for what you have told us so far."
        "{% if job_title and company %} As {{ job_title }} at {{ company }} you will want to see quickly whether this "
        "fits."
        "{% elif company %} I would like to see with you whether this fits {{ company }}.{% endif %}"
        "{% if industry %} I will prepare examples for {{ industry }}.{% endif %}\n\n"
        "Would half an hour in the next few days suit you? Send me two times that work"
        "{% if timezone %} (your time, {{ timezone }}){% endif %}, and I will send the invitation."
    ),
    sms=(
        "{% if first_name %}Hi {{ first_name }}, {% else %}Hello, {% endif %}{{ sender }} here. Shall we talk for half "
        "an hour in "
        "the next few days? Two times that suit you are enough."
    ),
)

_REVIVED = _strategy(
    "follow_up",
    "contacted",
    "take up contact again on a way that works now, with somebody whom we could not reach before",
    "light, respectful of silence",
    "under 80 words",
    "ask whether the subject still matters",
    subject="{% if company %}{{ company }}: still of interest?{% else %}Still of interest?{% endif %}",
    body=(
        "I wrote to you a while ago and may have missed you.\n\n"
        "Is the subject still of interest{% if company %} at {{ company }}{% endif %}? If so, one line with what "
        "matters most to "
        "you now is enough. If not, tell me, and I will leave it there."
    ),
    sms=(
        "{% if first_name %}Hi {{ first_name }}, {% else %}Hello, {% endif %}{{ sender }} here, I may have missed you "
        "before. Is the "
        "subject still of interest?"
    ),
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
        "when we last spoke it was not the right moment, so this is only a short sign of life.\n\n"
        "Has anything changed{% if company %} at {{ company }}{% endif %} since? If the time has come, or is still far "
        "off, a line "
        "is enough and I will act on it."
    ),
    sms=(
        "{% if first_name %}Hi {{ first_name }}, {% else %}Hello, {% endif %}{{ sender }} here, just checking in. Has "
        "anything "
        "changed on your side? A word is enough."
    ),
)

_ANSWERS = {
    "contacted": (
        "answer a first reaction and learn what they need",
        "Could you tell me in a line what you need it for?",
    ),
    "engaged": ("answer, and bring the conversation one step further", "Shall we look at it together in a short call?"),
    "qualified": ("answer, and settle the meeting", "Which two times this week or next would suit you for a call?"),
    "meeting_completed": (
        "answer what was left open after the meeting",
        "Is there anything else you need for your decision?",
    ),
    "nurture": (
        "answer without pressing; they said it was early",
        "Is it the right time now, or shall I come back later?",
    ),
}


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
            "thank you for your answer.{% if label == 'meeting_request' %} I am glad to find a time with you."
            "{% elif label == 'question' %} I will gladly go through your question in detail, in writing or in a short "
            "call."
            "{% endif %}\n\n" + question
        ),
        sms="{% if first_name %}Hi {{ first_name }}, {% endif %}thank you for your answer. " + question,
    )


BUILT_IN: Mapping[tuple[str, str], Strategy] = {
    (strategy.kind, strategy.stage): strategy
    for strategy in (_FIRST, _FOLLOW_UP, _REVIVED, _NURTURE, *(_answer(stage) for stage in _ANSWERS))
}
"""The strategies that every tenant begins with, by (kind, stage)."""


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
    """What is stored, and shown by the API, besides kind, stage and version."""
    return {
        "aim": strategy.aim,
        "tone": strategy.tone,
        "length": strategy.length,
        "call_to_action": strategy.call_to_action,
        "forbidden_claims": list(strategy.forbidden_claims),
        "templates": {channel: dict(parts) for channel, parts in strategy.templates.items()},
    }
