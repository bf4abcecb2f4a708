"""What each type of signal changes in a journey, and which triggers of the table it brings about."""

from collections.abc import Callable, Mapping
from typing import Any

from ..folding import Folding
from ..signals import CHECKLIST_TICK, MANUAL_MOVE, Signal
from . import conversation, lead, outreach, people

Handler = Callable[[Folding, Signal, Mapping[str, Any]], None]

HANDLERS: dict[str, Handler] = {
    "lead.captured": lead.captured,
    "lead.updated": lead.updated,
    "lead.erased": lead.erased,
    "lead.scored": lead.scored,
    "lead.assigned": lead.assigned,
    "message.sent": conversation.sent,
    "message.bounced": conversation.bounced,
    "reply.received": conversation.replied,
    "contact.opted_out": conversation.opted_out,
    "outreach.exhausted": outreach.used_up,
    "outreach.mode_changed": outreach.mode_changed,
    "sequence.enrolled": outreach.enrolled,
    "sequence.exited": outreach.exited,
    "meeting.booked": people.booked,
    "meeting.cancelled": people.cancelled,
    CHECKLIST_TICK: people.ticked,
    MANUAL_MOVE: people.moved,
}
