"""The handlers of the fold: what each type of signal changes in a journey, and which triggers it causes."""

from collections.abc import Callable, Mapping
from typing import Any

from ..fold_state import FoldState
from ..signals import CHECKLIST_TICK, MANUAL_MOVE, Signal
from . import conversation, lead, manual, meetings, outreach

Handler = Callable[[FoldState, Signal, Mapping[str, Any]], None]

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
    "outreach.exhausted": outreach.exhausted,
    "outreach.mode_changed": outreach.mode_changed,
    "sequence.enrolled": outreach.enrolled,
    "sequence.exited": outreach.exited,
    "sequence.changed": outreach.enrolment_changed,
    "meeting.booked": meetings.booked,
    "meeting.cancelled": meetings.cancelled,
    CHECKLIST_TICK: manual.ticked,
    MANUAL_MOVE: manual.moved,
}
