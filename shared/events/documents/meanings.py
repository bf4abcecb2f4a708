"""What each field means. The same name means the same in every event, unless `_THERE` has a meaning for the event."""

from collections.abc import Mapping

_EVERYWHERE: Mapping[str, str] = {
    "actor": "Who did it: `human:<subject>`, `agent:<name>` or `system:<rule id>`.",
    "attributes": "What else the source knows about the lead, by name; readable by scoring models. Values keep their "
    "type and lose control characters; names become one line of at most 200 characters.",
    "campaign": "The campaign that the lead came from.",
    "channel": "The channel: email or sms.",
    "company": "The company's name.",
    "consent": "What the lead allowed.",
    "country": "The country, as an ISO 3166 alpha-2 code once it is normalised.",
    "created_on": "When the lead was first captured.",
    "current_value": "What the goal counts now. It may fall again.",
    "draft_id": "The draft.",
    "email": "The e-mail address; from capture on with its domain in lower case.",
    "engagement": "Points for what the lead did; they fade with time.",
    "enrolment_id": "One lead in one sequence.",
    "external_id": "The lead's id in the source's own system: the same source and external id are the same lead.",
    "first_name": "The first name.",
    "fit": "Points for how well the lead's person and company fit.",
    "full_name": "The whole name, where the source does not know its parts.",
    "goal_id": "The goal; also the subject of the event.",
    "intent": "Points for how strongly the lead seems to want to buy.",
    "job_title": "The job title as written.",
    "kind": "What the message is for.",
    "last_name": "The last name.",
    "lead_id": "The lead; also the subject of the event.",
    "meeting_id": "The meeting, as its publisher names it.",
    "message_id": "The Message-ID without angle brackets, or the SMS provider's id.",
    "mode": "The outreach mode: which channels may be used.",
    "owner": "Who looks after the lead.",
    "period_start": "When the period that is counted began, in the goal's time zone.",
    "phone": "The phone number; from capture on in E.164.",
    "reason": "Why, for people.",
    "revision": "Counts up for each lead: the highest counts.",
    "sequence_id": "The sequence.",
    "sha256": "The SHA-256 of the exact message (RFC 8785 JSON of channel, from, to, subject, body, headers), in hex.",
    "source": "The source that the lead was captured from.",
    "target": "The value that is to be reached in the period.",
    "timezone": "The time zone, as an IANA name.",
    "total": "The sum of fit, intent and engagement.",
    "version": "The version of the lead's details; it counts up with every change.",
    "website": "The company's website.",
}

_THERE: Mapping[str, Mapping[str, str]] = {
    "lead.submitted": {
        "owner": "Who looks after the lead; counts at its capture only. One of more than 200 characters is left out.",
    },
    "lead.captured": {
        "owner": "Who looks after the lead at capture; afterwards `lead.assigned` counts.",
    },
    "lead.updated": {
        "changed": "The names of the fields that differ from the version before.",
        "before": "The values that were replaced or cleared, by field; of `attributes` and `consent` only those parts.",
        "owner": "Who looks after the lead at capture; afterwards `lead.assigned` counts.",
    },
    "lead.merged": {
        "lead_id": "The lead that stays; also the subject of the event.",
        "alias_id": "The lead that became an alias (with `undone`: that is a lead again).",
        "merge_id": "The merge; undoing it has the same id.",
        "undone": "True when the merge is taken back.",
        "version": "Counts up with each merge and undoing of this alias: the greatest counts.",
    },
    "submission.answered": {
        "submission_id": "The `ce_id` of the `lead.submitted`; also the `ce_causationid` of the answer.",
        "submission_source": "The `ce_source` of the `lead.submitted`; empty where it had none.",
        "outcome": "new: a lead was made; known: the submission was about a lead that exists; refused: neither.",
        "lead_id": "The new or known lead.",
        "warnings": "What was left out or is in doubt, by field; of a refused submission what is wrong with it.",
        "reason": "Why the lead is new, what a known one was found by, or why the submission was refused.",
    },
    "FieldNote": {
        "field": "The name of the field; empty for the submission as a whole.",
        "message": "What is wrong or doubtful about it, without the value.",
    },
    "engagement.recorded": {
        "kind": "visit, form, open, click, download, webinar, trial, or a tenant's own.",
        "page": "A name for the place where it happened.",
        "url": "The address where it happened.",
        "properties": "What else the publisher knows about it; readable by scoring models.",
    },
    "lead.enriched": {
        "facts": "All facts known now, by their name.",
        "providers": "The providers of the chain, in order, with their outcomes.",
    },
    "lead.scored": {
        "band": "The total as a letter; A is best.",
        "model_version": "The version of the tenant's scoring model.",
        "scored_at": "The moment that the score was computed for.",
        "reasons": "The rules that weigh most in the total, at most three, the heaviest first.",
    },
    "stage.changed": {
        "from": "The stage before: the `to` of the revision before.",
        "to": "The stage now: new, contacted, engaged, qualified, scheduled, meeting_completed, nurture, exhausted, "
        "won, lost, bad_phone, bad_contact, moved_company or dead.",
        "from_status": "The status before.",
        "status": "The status: new, contacted, qualified, disqualified or converted.",
        "rule": "The id of the rule that moved the lead; `manual` for people, `fact` where the stage stays.",
        "caused_by": "The id of the event that caused it, or the name of the timer.",
        "occurred_at": "When it happened; also the time of the event.",
        "recorded_at": "When the stage service recorded it.",
        "journey": "The journey's facts after the change.",
        "disqualification_reason": "Why the lead is disqualified; set whenever the status is.",
        "corrects": "The ids of the events that are superseded. Present on corrections only.",
    },
    "lead.became_hot": {
        "threshold": "The tenant's threshold that the total reached.",
    },
    "lead.assigned": {
        "owner": "Who looks after the lead from now on; null: nobody.",
        "previous": "Who did before; null: nobody.",
    },
    "meeting.booked": {
        "starts_at": "When it begins.",
        "ends_at": "When it ends: from then on it has been held, unless it was cancelled.",
        "title": "What it is about.",
    },
    "draft.decided": {
        "decision": "What the human decided.",
        "actor": "The human who decided.",
        "acknowledged_unsupported": "The sentences that nothing known supports, and that the human acknowledged.",
    },
    "message.sent": {
        "draft_id": "The draft that was approved.",
        "sequence_id": "The sequence, for a message of a sequence.",
        "step": "The number of that step, from 1.",
    },
    "message.bounced": {
        "severity": "hard: the address does not work; soft: this attempt failed.",
        "code": "The code that the mail server or the SMS provider gave.",
        "detail": "The text of the report.",
        "address": "The address that the message was sent to. A later address is not affected.",
        "address_state": "The state of the address from now on; the stage rules read only this.",
    },
    "reply.received": {
        "reply_id": "The reply; the same when its label changes.",
        "label": "The label of the reply.",
        "confidence": "How sure the label is, from 0 to 1.",
        "method": "What labelled it: rules, a model, or a human.",
        "labelled_at": "When it was labelled: of two labels the later counts, at the reply's own time.",
        "evidence": "Sentences that are evidence for items of the qualification checklist.",
        "message_id": "The message that it answers.",
        "later_until": "When the lead wants to be asked again, as it was understood: a date or a date-time.",
        "return_date": "When an absent lead is back, as it was understood.",
        "successor": "Who took over from a lead that left its company, as it was written.",
        "wrong_address": "True when the writer says that the address or number is not the lead's.",
        "excerpt": "The beginning of what was written, without quotes and signature.",
    },
    "contact.opted_out": {
        "channel": "The channel that is closed.",
        "how": "Who closed it, and how.",
        "reply_id": "The reply that caused it: it counts only while that reply is labelled `opt_out`.",
    },
    "outreach.exhausted": {
        "channels": "The channels that are used up.",
    },
    "outreach.mode_changed": {
        "previous": "The mode before.",
    },
    "sequence.enrolled": {
        "note": "What the person wrote who enrolled the lead.",
    },
    "sequence.exited": {
        "reason": "Why it ended: a reply, a meeting, an opt-out, its end, a human.",
        "note": "What the person wrote who ended it.",
    },
    "sequence.changed": {
        "change": "What happened to the enrolment.",
        "note": "What the person wrote who changed it.",
    },
    "Consent": {
        "email": "Whether e-mail is allowed.",
        "sms": "Whether SMS is allowed.",
        "basis": "The lawful basis, as the source names it.",
        "source": "Where the consent was given.",
        "at": "When it was given.",
    },
    "Fact": {
        "value": "Any JSON value.",
        "source": "The provider that found it.",
        "fetched_at": "When it was found.",
        "confidence": "How sure it is, from 0 to 1; below 0.5 it is a guess.",
    },
    "ProviderRun": {
        "name": "The provider.",
        "outcome": "found, nothing, failed, timeout, skipped or cached.",
        "ms": "How long it took, in milliseconds.",
    },
    "ScoreReason": {
        "rule": "The id of the rule in the tenant's scoring model.",
        "score": "The score that it counts in: fit, intent or engagement.",
        "points": "The points that it gives now, all occurrences together; negative where it takes some away.",
        "times": "How often it applies.",
        "fact": "The fact that the rule looks at, if it is one.",
        "field": "The contact field that the rule looks at, if it is one.",
    },
    "Evidence": {
        "item": "The id of the checklist item.",
        "sentence": "The sentence of the reply that is evidence for it.",
    },
    "JourneySummary": {
        "contacted": "Whether a message was ever sent to the lead.",
        "first_qualified_on": "When it first reached qualified, or a stage beyond.",
        "won_on": "When it was won.",
        "meetings_held": "How many meetings have passed.",
    },
}


_SAME = {"SubmittedConsent": "Consent"}
"""Parts whose fields mean what those of another part mean."""


def meaning(where: str, field: str) -> str:
    """What `field` of an event type, or of a part such as `Consent`, means. KeyError: it has no meaning here."""
    found = _THERE.get(_SAME.get(where, where), {}).get(field) or _EVERYWHERE.get(field)
    if found is None:
        raise KeyError(f"write in {__name__} what the field {field!r} of {where} means")
    return found


def unused(fields: Mapping[str, frozenset[str]]) -> list[str]:
    """What is explained here though no event has it. `fields`: those of every event type and part."""
    everywhere = frozenset[str]().union(*fields.values())
    return sorted(field for field in _EVERYWHERE if field not in everywhere) + sorted(
        f"{where}.{field}"
        for where, meanings in _THERE.items()
        for field in meanings
        if field not in fields.get(where, ())
    )
