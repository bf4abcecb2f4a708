"""The conversation: messages sent and bounced, replies, opt-outs."""

from collections.abc import Mapping
from typing import Any

from .. import channels, checklist, replies
from ..fold_state import FoldState
from ..journey import CHANNELS, EMAIL, INVALID, SOFT, VALID
from ..signals import Signal
from ..stages import NURTURE
from ..transitions import Trigger


def sent(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    journey = fold.journey
    first = not journey.contacted
    journey.contacted = True
    journey.unanswered = journey.revived = False
    if first and journey.stage is NURTURE:
        fold.change_status_in_nurture(signal)
    else:
        fold.fire_or_ignore(Trigger.MESSAGE_SENT, signal)


def replied(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    """Apply the label first, then the ticks that the reply is evidence for, then a wrong address."""
    journey = fold.journey
    reply_id = data["reply_id"]
    label = replies.known_label(data.get("label"))
    journey.replies[reply_id] = label
    journey.trusted.pop(reply_id, None)
    trigger = replies.TRIGGERS.get(label)
    if trigger is not None:
        journey.last_reply_at = signal.occurred_at
        journey.unanswered = trigger is Trigger.REPLIED
        journey.later_until = data.get("later_until") if label == replies.LATER else None
        journey.opted_out = journey.opted_out or label == replies.OPT_OUT
        channels.clear_used_up(journey)
        fold.fire_or_ignore(trigger, signal)
        if data.get("evidence"):
            _tick_by_reply(fold, signal, data["evidence"], qualifies=trigger is Trigger.REPLIED)
    elif not data.get("wrong_address"):
        fold.ignore(signal, replies.NOT_BY_THE_LEAD[label])
    channel = data.get("channel", EMAIL)
    if data.get("wrong_address") and channel in CHANNELS:
        in_use = list(channels.addresses_in_use(journey, channel, signal.lead_id))
        _update_state(fold, signal, channel, in_use, INVALID)


def _tick_by_reply(fold: FoldState, signal: Signal, evidence: list[dict[str, str]], qualifies: bool) -> None:
    """Tick the items that the reply is evidence for; a reply that says "later" or "no" does not qualify the lead."""
    journey, at, settings = fold.journey, signal.occurred_at, fold.settings_of(signal)
    checklist.follow_score(journey, settings, at)
    complete = checklist.is_complete(journey, settings)
    for entry in evidence:
        if not checklist.follows_score(settings, entry["item"]):
            checklist.set_tick(journey, entry["item"], True, checklist.BY_REPLY, at, entry.get("sentence"))
    if qualifies and not complete and checklist.is_complete(journey, settings):
        fold.fire(Trigger.CHECKLIST_COMPLETED, signal)


def opted_out(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    """Close the lead; an operator's suppression of one channel only makes the addresses of that channel unusable.

    An opt-out that names a reply counts while the label of that reply is `opt_out`, and until the reply is received.
    """
    journey = fold.journey
    how, reply_id = data.get("how"), data.get("reply_id")
    if how == "operator" and data.get("channel") in CHANNELS:
        _suppress(fold, signal, data["channel"])
        return
    if reply_id and how not in replies.INDEPENDENT_OF_LABEL:
        label = fold.labels.get(reply_id) or journey.replies.get(reply_id)
        if label is None:
            journey.trusted[reply_id] = signal.id
        elif label != replies.OPT_OUT:
            fold.ignore(signal, f'the reply it rests on is labelled "{label}"')
            return
    journey.opted_out = True
    fold.fire_or_ignore(Trigger.OPTED_OUT, signal)


def _suppress(fold: FoldState, signal: Signal, channel: str) -> None:
    journey = fold.journey
    worked = channels.works(journey, channel)
    changed = channels.suppress(journey, channel, signal.lead_id)
    if worked and not channels.works(journey, channel):
        fold.fire_or_ignore(Trigger.CHANNEL_SUPPRESSED, signal)
    elif not changed:
        fold.ignore(signal, "no address is in use on this channel, or it was suppressed before")


def bounced(fold: FoldState, signal: Signal, data: Mapping[str, Any]) -> None:
    """Store the state of the bounced address; only the state of an address in use can move the lead."""
    journey = fold.journey
    channel, key, state = data.get("channel", EMAIL), data.get("address_key"), data.get("address_state")
    if channel not in CHANNELS:
        fold.ignore(signal, "it is about a channel that is not known here")
        return
    if state not in (VALID, INVALID):
        state = SOFT
    if key is None:
        in_use = list(channels.addresses_in_use(journey, channel, signal.lead_id))
        _update_state(fold, signal, channel, in_use, state)
    elif key in channels.addresses_in_use(journey, channel):
        _update_state(fold, signal, channel, [key], state)
    else:
        channels.update_state(journey, channel, [key], state)
        fold.ignore(signal, "the address is not in use")


def _update_state(fold: FoldState, signal: Signal, channel: str, keys: list[str], state: str) -> None:
    changed, failed = channels.update_state(fold.journey, channel, keys, state)
    if failed:
        fold.fire_or_ignore(Trigger.CHANNEL_FAILED, signal)
    elif not changed:
        fold.ignore(signal, "it says nothing new about the address", routine=True)
