"""Channels: which addresses of a lead are known, which work, and whether the outreach mode has a channel left."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .journey import CHANNELS, EMAIL, INVALID, SMS, Address, Contact, Journey

MODES: dict[str, tuple[str, ...]] = {"email_only": (EMAIL,), "sms_only": (SMS,), "blended": CHANNELS}


def channels_of_mode(mode: str) -> tuple[str, ...]:
    """The channels that a mode may use; a mode that this version does not know may use all."""
    return MODES.get(mode, CHANNELS)


def addresses_in_use(journey: Journey, channel: str, lead_id: str = "") -> Iterator[str]:
    """The digests of the addresses in use on a channel.

    With the `lead_id` of a lead that has an address on the channel, only the address of that lead: a merged lead has
    the addresses of several.
    """
    contacts: Iterable[Contact] = journey.contacts.values()
    own = journey.contacts.get(lead_id)
    if own is not None and (own.email if channel == EMAIL else own.sms):
        contacts = (own,)
    for contact in contacts:
        key = contact.email if channel == EMAIL else contact.sms
        if key:
            yield key


def works(journey: Journey, channel: str) -> bool:
    """Whether an address in use on the channel is neither invalid nor suppressed; a used-up address still works."""
    return any(journey.addresses[key].works for key in addresses_in_use(journey, channel))


def mode_works(journey: Journey) -> bool:
    """Whether any channel of the lead's mode works."""
    return any(works(journey, channel) for channel in channels_of_mode(journey.mode))


def mode_is_usable(journey: Journey) -> bool:
    """Whether a channel of the mode is known, works and is not used up."""
    return any(
        address.works and not address.used_up
        for channel in channels_of_mode(journey.mode)
        for address in (journey.addresses[key] for key in addresses_in_use(journey, channel))
    )


def every_known_is_invalid(journey: Journey) -> bool:
    """Whether all addresses in use are invalid; False when there is none."""
    states = [journey.addresses[key].state for channel in CHANNELS for key in addresses_in_use(journey, channel)]
    return bool(states) and all(state == INVALID for state in states)


def only_a_phone_was_ever_known(journey: Journey) -> bool:
    """Whether no e-mail address was ever among the lead's contact details."""
    return all(address.channel == SMS for address in journey.addresses.values() if address.known)


def covers_mode(journey: Journey, used_up: Iterable[str]) -> bool:
    """Whether these channels, with those used up before, are all working channels of the mode."""
    named = set(used_up)
    return all(
        channel in named or journey.addresses[key].used_up
        for channel in channels_of_mode(journey.mode)
        for key in addresses_in_use(journey, channel)
        if journey.addresses[key].works
    )


def mark_used_up(journey: Journey, channels: Iterable[str]) -> None:
    """Mark every address ever known on these channels, so that only a new address can revive the lead."""
    named = set(channels)
    for address in journey.addresses.values():
        if address.known and address.channel in named:
            address.used_up = True


def clear_used_up(journey: Journey) -> None:
    """After a contact from the lead no address is used up."""
    for address in journey.addresses.values():
        address.used_up = False


def update_contact(journey: Journey, lead_id: str, data: Mapping[str, Any], version: int) -> bool:
    """Store contact details; True when an address is in use now that was not in use before.

    Each event carries all details, so one with an older version than the stored version is ignored.
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
        fresh = _use_address(journey, EMAIL, contact.email, key)
        contact.email = key
    if "phone_key" in data:
        key = data["phone_key"]
        fresh = _use_address(journey, SMS, contact.sms, key) or fresh
        contact.sms = key
    return fresh


def _use_address(journey: Journey, channel: str, before: str | None, key: str | None) -> bool:
    if key is None or key == before:
        return False
    if key in addresses_in_use(journey, channel):
        return False
    address = journey.addresses.get(key)
    if address is None:
        journey.addresses[key] = Address(channel)
    else:
        address.known = True
    return True


def update_state(journey: Journey, channel: str, keys: Iterable[str], state: str) -> tuple[bool, bool]:
    """Set the state of addresses; an invalid address stays invalid.

    Returns whether anything changed, and whether it is a failure: the channel worked and does not work any more.
    The state of an address that is not in use is kept, and counts when the address comes into use.
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
    """Make the addresses in use unusable; True when that changed one."""
    changed = False
    for key in addresses_in_use(journey, channel, lead_id):
        address = journey.addresses[key]
        changed = changed or not address.suppressed
        address.suppressed = True
    return changed
