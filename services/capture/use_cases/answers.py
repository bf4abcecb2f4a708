"""The answer to each `lead.submitted`: which lead it made or was about, or why it was refused."""

from collections.abc import Iterable, Sequence
from typing import Any

from services.capture.rules.errors import FieldError
from services.capture.use_cases.submissions import SubmissionResult
from shared.db import UnitOfWork
from shared.events import FieldNote, LeadSubmitted, Received, SubmissionAnswered
from shared.events.envelope import Envelope
from shared.ids import derived_id, digest
from shared.store import inbox
from shared.store.dead_letters import DeadLetter

_NEW = "no lead had its external id, e-mail or phone"
_MOST_NOTES = 100
_MOST_CHARACTERS = 2_000


def answer_recorded(
    work: UnitOfWork, received: Received[Any], result: SubmissionResult, errors: Iterable[FieldError]
) -> None:
    """Answer a submission that was recorded, with the warnings that HTTP would have answered."""
    notes = _notes((error.field, error.message) for error in (*errors, *result.warnings))
    more: dict[str, Any] = {"warnings": notes} if notes else {}
    work.emit(
        SubmissionAnswered(
            submission_id=received.id,
            submission_source=received.source,
            outcome="new" if result.new else "known",
            lead_id=result.lead.lead_id,
            reason=_NEW if result.new else f"known by its {result.known_by}",
            **more,
        ),
        tenant=received.tenant,
        subject=result.lead.lead_id,
        time=work.now,
        cause=received,
        event_id=_answer_id(received.tenant, received.source, received.id, "recorded"),
    )


async def answer_refused(work: UnitOfWork, letters: Sequence[DeadLetter]) -> None:
    """Answer submissions that became dead letters, each once; not those whose first delivery was recorded."""
    refused = {letter.identity: letter for letter in letters if letter.identity}
    digests = {identity: digest(identity[1], identity[2]) for identity in refused}
    recorded = await inbox.known_among(work, [(key[0], LeadSubmitted.type, digests[key]) for key in refused])
    first = await inbox.first_of(work, [(key[0], SubmissionAnswered.type, digests[key]) for key in refused])
    for identity, letter in refused.items():
        tenant, source, id = identity
        if (tenant, LeadSubmitted.type, digests[identity]) in recorded:
            continue
        if (tenant, SubmissionAnswered.type, digests[identity]) not in first:
            continue
        notes = _notes((error["field"], error["message"]) for error in letter.errors)
        work.emit(
            SubmissionAnswered(
                submission_id=id,
                submission_source=source,
                outcome="refused",
                reason=letter.error[:_MOST_CHARACTERS],
                **({"warnings": notes} if notes else {}),
            ),
            tenant=tenant,
            subject=None,
            time=work.now,
            cause=Envelope(id, LeadSubmitted.type, source, work.now, tenant, None, correlation_id=letter.correlation),
            event_id=_answer_id(tenant, source, id, "refused"),
        )


def _notes(errors: Iterable[tuple[str, str]]) -> list[FieldNote]:
    return [FieldNote(field=field[:_MOST_CHARACTERS], message=message[:_MOST_CHARACTERS]) for field, message in errors][
        :_MOST_NOTES
    ]


def _answer_id(tenant: str, source: str, id: str, outcome: str) -> str:
    """The same for every delivery of one submission, so that readers know a repeated answer."""
    return str(derived_id(SubmissionAnswered.type, tenant, digest(source, id), outcome))
