"""Strategies of steps as data: how a composer writes each kind of step, wherever the lead is in its journey."""

from collections.abc import Mapping
from typing import Any

_GREETING = "{% if first_name %}Hi {{ first_name }},{% else %}Hello,{% endif %}\n\n"
_CLOSING = "\n\nBest regards\n{{ sender }}\n"
_SMS = "{% if first_name %}Hi {{ first_name }}, {% else %}Hello, {% endif %}this is {{ sender }}. "
_STOP = " Reply STOP to opt out."
_FORBIDDEN = ["guarantee", "risk-free", "100%", "best in the world", "act now", "last chance"]


def _strategy(aim: str, tone: str, length: str, action: str, *, subject: str, body: str, sms: str) -> dict[str, Any]:
    return {
        "aim": aim,
        "tone": tone,
        "length": length,
        "call_to_action": action,
        "forbidden_claims": _FORBIDDEN,
        "templates": {
            "email": {"subject": subject, "body": _GREETING + body + _CLOSING},
            "sms": {"body": _SMS + sms + _STOP},
        },
    }


STRATEGIES: Mapping[str, dict[str, Any]] = {
    "introduction": _strategy(
        "open a conversation with somebody who has shown interest",
        "friendly, plain, no pressure",
        "under 90 words",
        "ask one open question that is easy to answer",
        subject="{% if company %}A question about {{ company }}{% else %}A short question{% endif %}",
        body="Thank you for your interest."
        "{% if industry %} I understand that you work in {{ industry }}.{% endif %}\n\n"
        "What would you most like to improve{% if company %} at {{ company }}{% endif %} in the next few months? "
        "A line or two is plenty.",
        sms="Thank you for your interest. What are you looking for? A short answer is plenty.",
    ),
    "follow_up": _strategy(
        "bring the earlier message back to mind, with one new thought",
        "light, no reproach for the silence",
        "under 70 words",
        "ask whether the topic matters now or later",
        subject="{% if company %}Following up with {{ company }}{% else %}Following up{% endif %}",
        body="I wrote to you a few days ago and know how full a week gets.\n\n"
        "Is this a topic for you{% if company %} at {{ company }}{% endif %} now, or rather later in the year? "
        "Either answer helps me.",
        sms="I wrote to you a few days ago. Is the topic one for now, or rather for later?",
    ),
    "useful": _strategy(
        "give something useful without asking for anything",
        "helpful, concrete",
        "under 90 words",
        "offer to send an example that fits",
        subject="{% if industry %}An example from {{ industry }}{% else %}An example that may help{% endif %}",
        body="Others{% if industry %} in {{ industry }}{% endif %} often ask us where to begin. The answer is usually: "
        "with the one step that costs the most time today.\n\n"
        "If you name yours, I will send you an example that fits.",
        sms="Which step costs you the most time today? I will gladly send you an example that fits.",
    ),
    "last_word": _strategy(
        "close the sequence politely and leave the door open",
        "calm, appreciative",
        "under 60 words",
        "invite an answer at any time, promise not to write again for now",
        subject="{% if company %}Closing my notes on {{ company }}{% else %}Closing my notes{% endif %}",
        body="I have not heard from you, so I take it that now is not the time, and will not write again for now.\n\n"
        "Should that change, an answer to this mail always reaches me.",
        sms="I take it that now is not the time and will not write again for now. An answer always reaches me.",
    ),
    "check_in": _strategy(
        "stay in touch with somebody for whom it was too early",
        "helpful, unhurried",
        "under 80 words",
        "invite an answer whenever it suits, ask nothing else",
        subject="{% if company %}Checking in with {{ company }}{% else %}Checking in{% endif %}",
        body="I just wanted to check in briefly.\n\n"
        "Has anything changed{% if company %} at {{ company }}{% endif %} since we were last in touch? Whether now is "
        "a good time or it is still too early, a short reply is all I need.",
        sms="I just wanted to check in. Has anything changed on your side? A short reply is enough.",
    ),
}
"""The strategies that a step may name."""

WRITTEN_BY_HAND: Mapping[str, Any] = {
    "aim": "say what the text of the step says",
    "tone": "as the text",
    "length": "as the text",
    "call_to_action": "as in the text",
    "forbidden_claims": _FORBIDDEN,
}
"""The strategy of a step with a text of its own, for a reviewer who asks the agent for another version."""


def with_aim(aim: str) -> dict[str, Any]:
    """A strategy with an aim of one's own; for the rest it is like a follow-up."""
    return {**STRATEGIES["follow_up"], "aim": aim}
