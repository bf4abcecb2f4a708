"""Routes of leads, one by one and in batches, and of their engagement."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import ValidationError

from services.capture.rules.contact import Contact, ContactNormaliser, normalise
from services.capture.rules.errors import FieldError
from services.capture.rules.lead import Lead
from services.capture.schemas.bodies import errors_out, sentence_of
from services.capture.schemas.lead_views import BatchOut, EngagementOut, FoundLead, LeadOut, SubmittedLead
from services.capture.schemas.leads import BatchIn, EngagementIn, LeadEdit, LeadIn
from services.capture.store import merges
from services.capture.use_cases import leads as use_cases
from services.capture.use_cases.engagements import record_engagement
from services.capture.use_cases.lead_events import captured_event
from services.capture.use_cases.micro_batching import MicroBatcher
from services.capture.use_cases.submissions import Submission, SubmissionResult, record_submissions
from shared.db.retries import retry_in_savepoint
from shared.errors import Invalid
from shared.events.envelope import errors_of
from shared.http import (
    IfMatch,
    Limit,
    Once,
    Operator,
    OperatorOrService,
    Page,
    Router,
    TenantWork,
    ViewerOrService,
    checks_depth,
    decode_cursor,
    encode_cursor,
    etag,
    large_body,
)
from shared.http.idempotency import Idempotency, Key
from shared.service import Service
from shared.text import clean

router = Router(tags=["leads"])


def _normaliser(request: Request) -> ContactNormaliser:
    normaliser: ContactNormaliser = request.app.state.normaliser
    return normaliser


Normaliser = Annotated[ContactNormaliser, Depends(_normaliser)]


def lead_out(lead: Lead, **more: Any) -> dict[str, Any]:
    """The body of a lead: the data of `lead.captured` with its present state, `updated_on`, and `more`."""
    updated_on = lead.updated_on.isoformat().replace("+00:00", "Z")
    return {**captured_event(lead).data(), "updated_on": updated_on, **more}


@router.post(
    "/leads",
    dependencies=[Depends(large_body)],
    status_code=201,
    response_model=SubmittedLead,
    responses={200: {"model": SubmittedLead, "description": "The lead was known"}},
)
@checks_depth
async def create_lead(
    request: Request, principal: OperatorOrService, body: LeadIn, normaliser: Normaliser, key: Key = None
) -> Response:
    """Submit a lead: 201 for a new one, 200 for one that is known by external id, e-mail or phone.

    A bad phone beside a good e-mail (or the other way round) is left out and named in `warnings`.
    """
    contact, errors = normalise(body.raw(), normaliser)
    if contact is None:
        raise Invalid(sentence_of(errors), errors_out(errors))
    if key is None:
        micro_batcher: MicroBatcher = request.app.state.micro_batcher
        status, content, headers = _answer(await micro_batcher.record(principal.tenant, contact), errors)
        return Response(orjson.dumps(content), status, headers, media_type="application/json")
    service: Service = request.app.state.service
    async with service.database.tenant(principal.tenant) as work:

        async def run() -> Any:
            submissions = [Submission(principal.tenant, contact)]
            (result,) = await retry_in_savepoint(work, lambda: record_submissions(work, submissions))
            return _answer(result, errors)

        return await Idempotency(request, work, key)(run)


def _answer(result: SubmissionResult, errors: list[FieldError]) -> tuple[int, dict[str, Any], dict[str, str]]:
    found = errors_out([*errors, *result.warnings])
    warnings: dict[str, Any] = {"warnings": found} if found else {}
    headers = {"ETag": etag(result.lead.version), "Location": f"/v1/leads/{result.lead.lead_id}"}
    return 201 if result.new else 200, lead_out(result.lead, **warnings), headers


@router.post("/leads/batch", response_model=BatchOut, dependencies=[Depends(large_body)])
@checks_depth
async def create_leads(
    principal: OperatorOrService, work: TenantWork, body: BatchIn, once: Once, normaliser: Normaliser
) -> Response:
    """Submit up to 1,000 leads: a result for each, in order. An invalid one does not affect the others."""
    results: list[dict[str, Any]] = []
    warnings: list[list[dict[str, str]]] = []
    submissions: list[Submission] = []
    places: list[int] = []
    for item in body.leads:
        contact, errors = _read(item, normaliser)
        if contact is None:
            results.append({"status": 422, "errors": errors})
            continue
        places.append(len(results))
        submissions.append(Submission(principal.tenant, contact))
        warnings.append(errors)
        results.append({})

    async def run() -> Any:
        recorded = await retry_in_savepoint(work, lambda: record_submissions(work, submissions))
        for place, result, found in zip(places, recorded, warnings, strict=True):
            all_warnings = [*found, *errors_out(result.warnings)]
            results[place] = {"status": 201 if result.new else 200, "lead_id": result.lead.lead_id}
            results[place] |= {"warnings": all_warnings} if all_warnings else {}
        return {"results": results}

    return await once(run, status=200)


def _read(item: Any, normaliser: ContactNormaliser) -> tuple[Contact | None, list[dict[str, Any]]]:
    try:
        body = LeadIn.model_validate(item)
    except ValidationError as error:
        return None, errors_of(error)
    contact, field_errors = normalise(body.raw(), normaliser)
    return contact, errors_out(field_errors)


Searched = Annotated[str, Query(max_length=2_000)]


@router.get("/leads", response_model=Page[FoundLead], response_model_exclude_unset=True)
async def find_leads(
    principal: ViewerOrService,
    work: TenantWork,
    normaliser: Normaliser,
    source: Searched = "",
    external_id: Searched = "",
    email: Searched = "",
    phone: Searched = "",
    limit: Limit = 50,
    cursor: str | None = None,
) -> Any:
    """The lead with this external id of a source, this e-mail or this phone, or none; several may share a phone.

    Several of them together find the leads that have all. What an alias had finds the lead that was kept.
    """
    if phone[:1] == " " and phone[1:2] in tuple("123456789"):
        phone = f"+{phone[1:]}"  # in a query, a plus that is not written as %2B is a blank
    wanted = {"source": source, "external_id": external_id, "email": email, "phone": phone}
    found = await use_cases.find_leads(
        work, principal.tenant, normaliser, **{name: clean(text) for name, text in wanted.items()}
    )
    after = decode_cursor(cursor, after=UUID)["after"] if cursor else None
    left = [lead for lead in found if after is None or lead.lead_id > after]
    leads = left[:limit]
    aliases = await merges.aliases_of_all(work, principal.tenant, [lead.lead_id for lead in leads])
    return {
        "items": [lead_out(lead, aliases=aliases.get(lead.lead_id, [])) for lead in leads],
        "next_cursor": encode_cursor({"after": str(leads[-1].lead_id)}) if len(left) > limit else None,
    }


@router.get("/leads/{lead_id}", response_model=FoundLead, response_model_exclude_unset=True)
async def get_lead(principal: ViewerOrService, work: TenantWork, lead_id: UUID, response: Response) -> Any:
    """The lead with this id; for the id of an alias, the lead that was kept."""
    lead, aliases = await use_cases.get_lead(work, principal.tenant, lead_id)
    response.headers["ETag"] = etag(lead.version)
    return lead_out(lead, aliases=aliases)


@router.patch(
    "/leads/{lead_id}",
    dependencies=[Depends(large_body)],
    response_model=LeadOut,
    response_model_exclude_unset=True,
)
@checks_depth
async def edit_lead(
    principal: Operator,
    work: TenantWork,
    lead_id: UUID,
    body: LeadEdit,
    response: Response,
    normaliser: Normaliser,
    if_match: IfMatch = None,
) -> Any:
    """Change fields by hand, based on the ETag in `If-Match`. A human's edit outranks every import."""
    edit = body.raw()
    lead = await retry_in_savepoint(
        work, lambda: use_cases.edit_lead(work, principal.tenant, lead_id, edit, if_match, normaliser)
    )
    response.headers["ETag"] = etag(lead.version)
    return lead_out(lead)


@router.delete("/leads/{lead_id}", status_code=204)
async def erase_lead(principal: Operator, work: TenantWork, lead_id: UUID, normaliser: Normaliser) -> None:
    """Erase the person, here and in every other service. It cannot be undone."""
    await use_cases.erase_lead(work, principal.tenant, lead_id, normaliser)


@router.post(
    "/engagements",
    dependencies=[Depends(large_body)],
    status_code=201,
    response_model=EngagementOut,
    responses={404: {"description": "There is no such lead"}},
)
@checks_depth
async def create_engagement(principal: OperatorOrService, work: TenantWork, body: EngagementIn, once: Once) -> Response:
    """Record what a lead did (visit, form, open, click, download, webinar, trial, or a kind of your own)."""

    async def run() -> Any:
        data = body.model_dump(exclude_none=True, exclude={"lead_id", "occurred_at"})
        event_id = await record_engagement(work, principal.tenant, body.lead_id, data, body.occurred_at)
        return {"event_id": event_id, "lead_id": body.lead_id}

    return await once(run)
