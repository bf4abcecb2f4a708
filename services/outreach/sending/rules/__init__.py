"""Decisions about one dispatch. Pure."""

from services.outreach.sending.rules.conditions import (
    LEAD_SPACING,
    SPACING,
    WRITTEN_SINCE,
    Go,
    Refuse,
    SendConditions,
    SendLimits,
    Wait,
    decide,
    delay,
    end_of_day,
)
from services.outreach.sending.rules.outcomes import (
    GIVE_UP_AFTER,
    LONGEST_BACK_OFF,
    NOT_SENT_STEPS,
    Outcome,
    retry_at,
    sms_outcome,
    smtp_outcome,
)
from services.outreach.sending.rules.sender_domain import default_domain, domain_fault, is_own_domain
from services.outreach.sending.rules.transitions import (
    MAY_HAVE_LEFT,
    TRANSITIONS,
    ForbiddenTransition,
    State,
    check_transition,
)
from services.outreach.sending.rules.used_up import ChannelUse, exhausted, used_up_at

__all__ = [
    "GIVE_UP_AFTER",
    "LEAD_SPACING",
    "LONGEST_BACK_OFF",
    "MAY_HAVE_LEFT",
    "NOT_SENT_STEPS",
    "SPACING",
    "TRANSITIONS",
    "WRITTEN_SINCE",
    "ChannelUse",
    "ForbiddenTransition",
    "Go",
    "Outcome",
    "Refuse",
    "SendConditions",
    "SendLimits",
    "State",
    "Wait",
    "check_transition",
    "decide",
    "default_domain",
    "delay",
    "domain_fault",
    "end_of_day",
    "exhausted",
    "is_own_domain",
    "retry_at",
    "sms_outcome",
    "smtp_outcome",
    "used_up_at",
]
