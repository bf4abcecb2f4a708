"""Which of a lead's addresses are known, which of them work, and what that says about the mode."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .journey import CHANNELS, EMAIL, INVALID, SMS, Address, Contact, Journey

MODES: dict[str, tuple[str, ...]] = {"email_only": (EMAIL,), "sms_only": (SMS,), "blended": CHANNELS}


def of_mode(mode: str) -> tuple[str, ...]:
    """The channels that a mode may use; an unknown mode may use all."""
    return MODES.get(mode, CHANNELS)


def in_use(journey: Journey, channel: str, lead_id: str = "") -> Iterator[str]:
    """The digests of the addresses in use on a channel; of one lead id alone, if that one is known and has any."""
    contacts: Iterable[Contact] = journey.contacts.values()
    own = journey.contacts.get(lead_id)
    if own is not None and (own.email if channel == EMAIL else own.sms):
        contacts = (own,)
    for contact in contacts:
        key = contact.email if channel == EMAIL else contact.sms
        if key:
            yield key


def is_known(journey: Journey, channel: str) -> bool:
    """Whether the lead's contact details have an address for the channel."""
    return any(True for _ in in_use(journey, channel))


def works(journey: Journey, channel: str) -> bool:
    """Whether a known address of the channel is neither invalid nor suppressed; a used-up one still works."""
    return any(journey.addresses[key].works for key in in_use(journey, channel))


def mode_works(journey: Journey) -> bool:
    """Whether any channel of the lead's mode works."""
    return any(works(journey, channel) for channel in of_mode(journey.mode))


def mode_is_usable(journey: Journey) -> bool:
    """Whether a channel of the mode is known, works and is not used up."""
    return any(
        address.works and not address.used_up
        for channel in of_mode(journey.mode)
        for address in (journey.addresses[key] for key in in_use(journey, channel))
    )


def every_known_is_invalid(journey: Journey) -> bool:
    """Whether all addresses in use are invalid; False when none is in use."""
    states = [journey.addresses[key].state for channel in CHANNELS for key in in_use(journey, channel)]
    return bool(states) and all(state == INVALID for state in states)


def only_a_phone_was_ever_known(journey: Journey) -> bool:
    return all(address.channel == SMS for address in journey.addresses.values() if address.known)


def covers_mode(journey: Journey, used_up: Iterable[str]) -> bool:
    """Whether these channels, with those used up before, are all of the mode that are known and work."""
    named = set(used_up)
    return all(
        channel in named or journey.addresses[key].used_up
        for channel in of_mode(journey.mode)
        for key in in_use(journey, channel)
        if journey.addresses[key].works
    )


def mark_used_up(journey: Journey, channels: Iterable[str]) -> None:
    """Marks every address ever known on these channels, so that only one never known before is fresh."""
    named = set(channels)
    for address in journey.addresses.values():
        if address.known and address.channel in named:
            address.used_up = True


def clear_used_up(journey: Journey) -> None:
    for address in journey.addresses.values():
        address.used_up = False


def learn_contact(journey: Journey, lead_id: str, data: Mapping[str, Any], version: int) -> bool:
    """Takes over contact details; True when an address comes into use that was not in use before.

    Details of an older version than the one known say nothing: each event carries all of them.
    """
    contact = journey.contacts.get(lead_id)
    if contact is None:
        contact = journey.contacts[lead_id] = Contact()
    if version and version < contact.version:
        return False
    contact.version = version or contact.version
    fresh = False
    if "email_key" in data:
        key = data["email_key"]
        fresh = _take(journey, EMAIL, contact.email, key)
        contact.email = key
    if "phone_key" in data:
        key = data["phone_key"]
        fresh = _take(journey, SMS, contact.sms, key) or fresh
        contact.sms = key
    return fresh


def _take(journey: Journey, channel: str, before: str | None, key: str | None) -> bool:
    if key is None or key == before:
        return False
    if key in in_use(journey, channel):
        return False
    address = journey.addresses.get(key)
    if address is None:
        journey.addresses[key] = Address(channel)
    else:
        address.known = True
    return True


def learn_state(journey: Journey, channel: str, keys: Iterable[str], state: str) -> tuple[bool, bool]:
    """Sets the state of addresses; `invalid` stays.

    Answers whether anything changed, and whether it is a failure: a channel that worked does so no longer.
    An address that is not in use keeps what was said of it, for the day it comes into use.
    """
    worked = works(journey, channel)
    changed = False
    for key in keys:
        address = journey.addresses.get(key)
        if address is None:
            address = journey.addresses[key] = Address(channel, known=False)
        if address.state != INVALID and address.state != state:
            address.state = state
            changed = True
    return changed, changed and worked and not works(journey, channel)


def suppress(journey: Journey, channel: str, lead_id: str) -> bool:
    """Makes the addresses in use unusable; True when that changed one."""
    changed = False
    for key in in_use(journey, channel, lead_id):
        address = journey.addresses[key]
        changed = changed or not address.suppressed
        address.suppressed = True
    return changed
