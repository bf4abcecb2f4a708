"""The conversation: messages sent and bounced, replies, opt-outs."""

from collections.abc import Mapping
from typing import Any

from .. import channels, checklist, replies
from ..folding import Folding
from ..journey import CHANNELS, EMAIL, INVALID, SMS, SOFT, VALID
from ..signals import Signal
from ..stages import NURTURE
from ..table import Trigger


def sent(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    journey = folding.journey
    first = not journey.contacted
    journey.contacted = True
    journey.unanswered = journey.revived = False
    if first and journey.stage is NURTURE:
        folding.contacted_first(signal)
    else:
        folding.fire_or_ignore(Trigger.MESSAGE_SENT, signal)


def replied(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    """First what the label says, then the items that the reply ticks, then what it says of its own address."""
    journey = folding.journey
    reply_id = data["reply_id"]
    label = replies.known_label(data.get("label"))
    journey.replies[reply_id] = label
    journey.trusted.pop(reply_id, None)
    trigger = replies.TRIGGERS.get(label)
    if trigger is not None:
        journey.last_word_at = signal.occurred_at
        journey.unanswered = trigger is Trigger.REPLIED
        journey.later_until = data.get("later_until") if label == replies.LATER else None
        journey.opted_out = journey.opted_out or label == replies.OPT_OUT
        channels.clear_used_up(journey)
        folding.fire_or_ignore(trigger, signal)
        if data.get("evidence"):
            _tick(folding, signal, data["evidence"], completes=trigger is Trigger.REPLIED)
    elif not data.get("wrong_address"):
        folding.ignore(signal, replies.SILENT[label])
    if data.get("wrong_address"):
        channel = _channel(data)
        _learn_state(folding, signal, channel, list(channels.in_use(journey, channel, signal.lead_id)), INVALID)


def _tick(folding: Folding, signal: Signal, evidence: list[dict[str, str]], completes: bool) -> None:
    """Ticks what the reply says; "later" or "no" in the same breath qualifies nobody."""
    journey, at, settings = folding.journey, signal.occurred_at, folding.settings_of(signal)
    checklist.follow_score(journey, settings, at)
    complete = checklist.is_complete(journey, settings)
    for entry in evidence:
        if not checklist.follows_score(settings, entry["item"]):
            checklist.tick(journey, entry["item"], True, checklist.BY_REPLY, at, entry.get("sentence"))
    if completes and not complete and checklist.is_complete(journey, settings):
        folding.fire(Trigger.CHECKLIST_COMPLETED, signal)


def opted_out(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    journey = folding.journey
    how, reply_id = data.get("how"), data.get("reply_id")
    if how == "operator" and data.get("channel") in CHANNELS:
        _suppressed(folding, signal, data["channel"])
        return
    if reply_id and how not in replies.STANDING:
        label = folding.labels.get(reply_id) or journey.replies.get(reply_id)
        if label is None:
            journey.trusted[reply_id] = signal.id
        elif label != replies.OPT_OUT:
            folding.ignore(signal, f'the reply it rests on is labelled "{label}"')
            return
    journey.opted_out = True
    folding.fire_or_ignore(Trigger.OPTED_OUT, signal)


def _suppressed(folding: Folding, signal: Signal, channel: str) -> None:
    journey = folding.journey
    worked = channels.works(journey, channel)
    changed = channels.suppress(journey, channel, signal.lead_id)
    if worked and not channels.works(journey, channel):
        folding.fire_or_ignore(Trigger.SUPPRESSED, signal)
    elif not changed:
        folding.ignore(signal, "no address is in use on this channel, or it was suppressed before")


def bounced(folding: Folding, signal: Signal, data: Mapping[str, Any]) -> None:
    """A bounce speaks of one address; of one that is not in use it says nothing about the lead's channels."""
    journey = folding.journey
    channel, key, state = _channel(data), data.get("address_key"), data.get("address_state")
    if state not in (VALID, INVALID):
        state = SOFT
    if key is None:
        _learn_state(folding, signal, channel, list(channels.in_use(journey, channel, signal.lead_id)), state)
    elif key in channels.in_use(journey, channel):
        _learn_state(folding, signal, channel, [key], state)
    else:
        channels.learn_state(journey, channel, [key], state)
        folding.ignore(signal, "the address is not in use")


def _learn_state(folding: Folding, signal: Signal, channel: str, keys: list[str], state: str) -> None:
    changed, failed = channels.learn_state(folding.journey, channel, keys, state)
    if failed:
        folding.fire_or_ignore(Trigger.FAILED, signal)
    elif not changed:
        folding.ignore(signal, "it says nothing new about the address", routine=True)


def _channel(data: Mapping[str, Any]) -> str:
    return SMS if data.get("channel") == SMS else EMAIL
