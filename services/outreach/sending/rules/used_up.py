"""When a channel is used up, and when all channels of a mode are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.outreach.rules import MODES


@dataclass(frozen=True, slots=True)
class ChannelUse:
    """Messages to the lead's present address since its last reply or meeting; those in nurture do not count.

    `sequence_done`: a sequence that sent some of them is done.
    """

    channel: str
    sent: int
    last_sent_at: datetime | None
    sequence_done: bool = False


def used_up_at(
    use: ChannelUse, last_contact_at: datetime | None, after_messages: int, after_days: float
) -> datetime | None:
    """From when the channel is used up: so many messages were sent, or the lead's sequence is done on it, and so many
    days pass without a reply.

    None as long as fewer were sent and no sequence is done. `last_contact_at`: the lead's last reply or meeting.
    """
    if use.last_sent_at is None or (use.sent < after_messages and not use.sequence_done):
        return None
    since = max(use.last_sent_at, last_contact_at) if last_contact_at else use.last_sent_at
    return since + timedelta(days=after_days)


def exhausted(mode: str, usable: Iterable[str], used: Iterable[str]) -> list[str] | None:
    """The usable channels of the mode, when every one of them is used up; None otherwise."""
    channels = [channel for channel in MODES[mode] if channel in set(usable)]
    return channels if channels and set(channels) <= set(used) else None
