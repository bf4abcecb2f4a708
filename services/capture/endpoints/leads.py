"""Leads one by one and in batches, and what they do."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from services.capture.rules.contact import Contact, Readers, normalise
from services.capture.rules.lead import Lead
from services.capture.schemas import BatchIn, EngagementIn, LeadEdit, LeadIn, said_wrong
from services.capture.use_cases import leads as use_cases
from services.capture.use_cases.again import again
from services.capture.use_cases.engagements import record_engagement
from services.capture.use_cases.events import captured
from services.capture.use_cases.gathering import Gathering
from services.capture.use_cases.submissions import Outcome, Submission, submit
from shared.errors import Invalid
from shared.events.envelope import errors_of
from shared.http import IfMatch, Once, Operator, OperatorOrService, TenantWork, ViewerOrService, etag
from shared.http.idempotency import Key, _Once
from shared.service import Service

router = APIRouter(tags=["leads"])


def _readers(request: Request) -> Readers:
    readers: Readers = request.app.state.readers
    return readers


AddressReaders = Annotated[Readers, Depends(_readers)]


def lead_out(lead: Lead, **more: Any) -> dict[str, Any]:
    """The data of `lead.captured` as it is now."""
    updated_on = lead.updated_on.isoformat().replace("+00:00", "Z")
    return {**captured(lead).data(), "updated_on": updated_on, **more}


@router.post("/leads", status_code=201, responses={200: {"description": "The lead was known"}})
async def create_lead(
    request: Request, principal: OperatorOrService, body: LeadIn, readers: AddressReaders, key: Key = None
) -> Response:
    """Submit a lead: 201 for a new one, 200 for one that is known by external id, e-mail or phone.

    A bad phone beside a good e-mail (or the other way round) is left out and named in `warnings`.
    """
    contact, problems = normalise(body.given(), readers)
    if contact is None:
        raise Invalid("; ".join(f"{p.field}: {p.message}" for p in problems), said_wrong(problems))
    warnings = {"warnings": said_wrong(problems)} if problems else {}
    if key is None:
        gathering: Gathering = request.app.state.gathering
        status, content, headers = _answer(await gathering.submit(principal.tenant, contact), warnings)
        return Response(orjson.dumps(content), status, headers, media_type="application/json")
    service: Service = request.app.state.service
    async with service.database.tenant(principal.tenant) as work:

        async def run() -> Any:
            (outcome,) = await again(work, lambda: submit(work, [Submission(principal.tenant, contact)]))
            return _answer(outcome, warnings)

        return await _Once(request, work, key)(run)


def _answer(outcome: Outcome, warnings: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {"ETag": etag(outcome.lead.version), "Location": f"/v1/leads/{outcome.lead.lead_id}"}
    return 201 if outcome.new else 200, lead_out(outcome.lead, **warnings), headers


@router.post("/leads/batch")
async def create_leads(
    principal: OperatorOrService, work: TenantWork, body: BatchIn, once: Once, readers: AddressReaders
) -> Response:
    """Submit up to 1,000 leads: a result for each, in order. A bad one does not hold up the others."""
    results: list[dict[str, Any]] = []
    submissions: list[Submission] = []
    places: list[int] = []
    for item in body.leads:
        contact, wrong = _read(item, readers)
        if contact is None:
            results.append({"status": 422, "errors": wrong})
            continue
        places.append(len(results))
        submissions.append(Submission(principal.tenant, contact))
        results.append({"warnings": wrong} if wrong else {})

    async def run() -> Any:
        outcomes = await again(work, lambda: submit(work, submissions))
        for place, outcome in zip(places, outcomes, strict=True):
            results[place] = {"status": 201 if outcome.new else 200, "lead_id": outcome.lead.lead_id} | results[place]
        return {"results": results}

    return await once(run, status=200)


def _read(item: Any, readers: Readers) -> tuple[Contact | None, list[dict[str, Any]]]:
    try:
        body = LeadIn.model_validate(item)
    except ValidationError as error:
        return None, errors_of(error)
    contact, problems = normalise(body.given(), readers)
    return contact, said_wrong(problems)


@router.get("/leads/{lead_id}")
async def get_lead(principal: ViewerOrService, work: TenantWork, lead_id: UUID, response: Response) -> dict[str, Any]:
    """The lead that this id stands for; the id of a merged lead answers with the lead that was kept."""
    lead, aliases = await use_cases.get_lead(work, principal.tenant, lead_id)
    response.headers["ETag"] = etag(lead.version)
    return lead_out(lead, aliases=aliases)


@router.patch("/leads/{lead_id}")
async def edit_lead(
    principal: Operator,
    work: TenantWork,
    lead_id: UUID,
    body: LeadEdit,
    response: Response,
    readers: AddressReaders,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change fields by hand, based on the ETag in `If-Match`. What a person wrote outranks every import."""
    given = body.model_dump(exclude_unset=True)
    lead = await again(work, lambda: use_cases.edit_lead(work, principal.tenant, lead_id, given, if_match, readers))
    response.headers["ETag"] = etag(lead.version)
    return lead_out(lead)


@router.delete("/leads/{lead_id}", status_code=204)
async def erase_lead(principal: Operator, work: TenantWork, lead_id: UUID) -> None:
    """Forget the person, here and in every other service. It cannot be undone."""
    await use_cases.erase_lead(work, principal.tenant, lead_id)


@router.post("/engagements", status_code=201)
async def create_engagement(principal: OperatorOrService, work: TenantWork, body: EngagementIn, once: Once) -> Response:
    """Say what a lead did (visit, form, open, click, download, webinar, trial, or a kind of your own)."""

    async def run() -> Any:
        said = body.model_dump(exclude_none=True, exclude={"lead_id", "occurred_at"})
        event_id = await record_engagement(work, principal.tenant, body.lead_id, said, body.occurred_at)
        return {"event_id": event_id, "lead_id": body.lead_id}

    return await once(run)
