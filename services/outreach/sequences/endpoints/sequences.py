"""The HTTP API of sequences: writing them, switching them on and off, enrolling leads, trying them out, figures."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from services.outreach.context import context_of
from services.outreach.drafts.use_cases.review import person
from services.outreach.sequences import schemas
from services.outreach.sequences.rules import Happening
from services.outreach.sequences.schemas import views
from services.outreach.sequences.store import enrolments, figures, jobs, sequences
from services.outreach.sequences.use_cases import changes, definitions, enrolling, preview
from services.outreach.sequences.use_cases import jobs as bulk
from services.outreach.store import settings_of
from shared.db import UnitOfWork
from shared.errors import Forbidden, Invalid, NotFound
from shared.http import (
    Admin,
    IfMatch,
    Limit,
    Once,
    Operator,
    Page,
    Reviewer,
    Router,
    TenantWork,
    Viewer,
    decode_cursor,
    encode_cursor,
    etag,
    large_body,
)
from shared.http.pages import number
from shared.ids import uuid7

router = Router(tags=["sequences"])


async def _view(work: UnitOfWork, tenant: str, sequence_id: UUID, version: int | None = None) -> dict[str, Any]:
    stored = await definitions.get(work, tenant, sequence_id, version)
    return views.sequence_view(stored, await sequences.approved_templates(work, tenant, [sequence_id]))


@router.get("/sequences", response_model=Page[views.SequenceView])
async def list_sequences(principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None) -> Any:
    """The tenant's sequences with their newest versions; the built-in ones stand ready, switched off."""
    await definitions.ensure_built_in(work, principal.tenant)
    after = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    found = await sequences.page(work, principal.tenant, after, limit + 1)
    ids = [each.sequence_id for each in found]
    approved = await sequences.approved_templates(work, principal.tenant, ids)
    more = encode_cursor({"id": str(found[limit - 1].sequence_id)}) if len(found) > limit else None
    return {"items": [views.sequence_view(each, approved) for each in found[:limit]], "next_cursor": more}


@router.post("/sequences", dependencies=[Depends(large_body)], status_code=201, response_model=views.SequenceView)
async def create_sequence(body: schemas.SequenceBody, principal: Admin, work: TenantWork, once: Once) -> Response:
    """Write a sequence. It is switched off until somebody activates it."""

    async def run() -> tuple[int, Any, dict[str, str]]:
        sequence_id = await definitions.create(work, principal.tenant, body.given(), principal.actor)
        view = await _view(work, principal.tenant, sequence_id)
        return 201, view, {"Location": f"/v1/sequences/{sequence_id}", "ETag": etag(1)}

    return await once(run)


@router.get("/sequences/{sequence_id}", response_model=views.SequenceView)
async def read_sequence(
    sequence_id: UUID,
    principal: Viewer,
    work: TenantWork,
    response: Response,
    version: Annotated[int | None, Query(ge=1, le=schemas.MOST_VERSIONS)] = None,
) -> Any:
    """A sequence with its newest version, or with another one."""
    view = await _view(work, principal.tenant, sequence_id, version)
    response.headers["ETag"] = etag(view["newest_version"])
    return view


@router.put("/sequences/{sequence_id}", dependencies=[Depends(large_body)], response_model=views.SequenceView)
async def change_sequence(
    sequence_id: UUID,
    body: schemas.SequenceBody,
    principal: Admin,
    work: TenantWork,
    response: Response,
    if_match: IfMatch = None,
) -> Any:
    """Write another version. Enrolments that run keep theirs until somebody moves them.

    While the new version has a template that is not approved yet, no lead is enrolled.
    """
    await definitions.change(work, principal.tenant, sequence_id, body.given(), principal.actor, if_match)
    view = await _view(work, principal.tenant, sequence_id)
    response.headers["ETag"] = etag(view["newest_version"])
    return view


@router.post("/sequences/{sequence_id}/activate", response_model=views.SequenceView)
async def activate_sequence(
    sequence_id: UUID,
    principal: Reviewer,
    work: TenantWork,
    request: Request,
    body: schemas.Activate | None = None,
) -> Any:
    """Switch a sequence on, and approve the templates with these hashes. Any other hash: 409.

    409 too while a template that nobody reviews each time is not approved.
    """
    hashes = body.template_sha256s if body else []
    if hashes and principal.is_service:
        raise Forbidden("only people approve templates")
    actor = None if principal.is_service else principal.actor
    await definitions.activate(work, principal.tenant, sequence_id, actor, hashes)
    context_of(request).wake_after(work, "sequences", "sender")
    return await _view(work, principal.tenant, sequence_id)


@router.post("/sequences/{sequence_id}/pause", response_model=views.SequenceView)
async def pause_sequence(sequence_id: UUID, principal: Reviewer, work: TenantWork) -> Any:
    """Switch a sequence off: its enrolments stay where they are, and nothing of them is sent."""
    await definitions.pause(work, principal.tenant, sequence_id)
    return await _view(work, principal.tenant, sequence_id)


@router.post(
    "/sequences/{sequence_id}/enrolments",
    status_code=201,
    response_model=views.EnrolmentView,
    responses={202: {"model": views.StartedJob, "description": "A job enrols many leads"}},
)
async def enrol_leads(
    sequence_id: UUID, body: schemas.Enrol, principal: Reviewer, work: TenantWork, request: Request, once: Once
) -> Response:
    """Enrol a lead (201), or many as a job (202, role operator). 409 while another enrolment of the lead runs."""
    actor, tenant = person(principal), principal.tenant

    async def run() -> tuple[int, Any, dict[str, str]]:
        if body.lead_id is None:
            if not principal.at_least("operator"):
                raise Forbidden("enrolling many leads at once needs the role operator")
            filters = body.filter.model_dump(exclude_none=True) if body.filter else None
            job_id = await bulk.start_enrolling(work, tenant, sequence_id, actor, body.note, body.lead_ids, filters)
            context_of(request).wake_after(work, "enrolment-jobs")
            return 202, {"job_id": job_id}, {"Location": f"/v1/enrolment-jobs/{job_id}"}
        sequence = await enrolling.active_sequence(work, tenant, sequence_id)
        cause = enrolling.Cause("manual", f"manual:{uuid7()}", actor, body.note)
        enrolment_id = await enrolling.enrol(work, tenant, body.lead_id, sequence, cause)
        context_of(request).wake_after(work, "sequences")
        view = views.enrolment_view(await changes.get(work, tenant, enrolment_id))
        return 201, view.model_dump(mode="json"), {"Location": f"/v1/enrolments/{enrolment_id}"}

    return await once(run)


@router.get("/sequences/{sequence_id}/enrolments")
async def list_enrolments(
    sequence_id: UUID,
    principal: Viewer,
    work: TenantWork,
    state: schemas.EnrolmentState | None = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[views.EnrolmentView]:
    """The enrolments in a sequence, the newest first."""
    await definitions.get(work, principal.tenant, sequence_id)
    before = decode_cursor(cursor, id=UUID)["id"] if cursor else None
    found = await enrolments.page(
        work, principal.tenant, sequence_id=sequence_id, state=state, before=before, limit=limit + 1
    )
    more = encode_cursor({"id": str(found[limit - 1].enrolment_id)}) if len(found) > limit else None
    return Page(items=[views.enrolment_view(each) for each in found[:limit]], next_cursor=more)


@router.post(
    "/sequences/{sequence_id}/moves",
    status_code=202,
    response_model=views.StartedJob,
    responses={200: {"model": views.PlannedMoves, "description": "With `dry_run`: who would move where"}},
)
async def move_enrolments(
    sequence_id: UUID,
    body: schemas.MoveMany,
    principal: Operator,
    work: TenantWork,
    request: Request,
    response: Response,
) -> Any:
    """Move enrolments of older versions to the newest one, as a job; with `dry_run` only show who moves where (200).

    An enrolment in another sequence has the result 404.
    """
    if body.dry_run:
        moves = views.PlannedMoves(**await bulk.preview_moves(work, principal.tenant, sequence_id, 1_000))
        return Response(moves.model_dump_json(), media_type="application/json")
    job_id = await bulk.start_moving(
        work, principal.tenant, sequence_id, person(principal), body.note, body.enrolment_ids
    )
    context_of(request).wake_after(work, "enrolment-jobs")
    response.headers["Location"] = f"/v1/enrolment-jobs/{job_id}"
    return views.StartedJob(job_id=job_id)


@router.get("/enrolment-jobs/{job_id}")
async def read_enrolment_job(job_id: UUID, principal: Viewer, work: TenantWork) -> views.JobView:
    """A job with its progress."""
    row = await jobs.get(work, principal.tenant, job_id)
    if row is None:
        raise NotFound("no such job")
    return views.job_view(row)


@router.get("/enrolment-jobs/{job_id}/results", response_model=Page[views.JobResult], response_model_exclude_unset=True)
async def list_enrolment_job_results(
    job_id: UUID, principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None
) -> Any:
    """The items of a job in order, each with its result: `status` null as long as it was not done."""
    job = await jobs.get(work, principal.tenant, job_id)
    if job is None:
        raise NotFound("no such job")
    after = decode_cursor(cursor, after=number)["after"] if cursor else None
    rows = await jobs.results(work, principal.tenant, job_id, after, limit + 1)
    more = encode_cursor({"after": rows[limit - 1]["position"]}) if len(rows) > limit else None
    subject = "lead_id" if job["kind"] == "enrol" else "enrolment_id"
    items = [
        {
            "enrolment_id": row["enrolment_id"],
            subject: row["subject_id"],
            "status": row["status"],
            "error": row["error"],
        }
        for row in rows[:limit]
    ]
    return {"items": items, "next_cursor": more}


@router.post(
    "/sequences/{sequence_id}/simulate", response_model=views.SimulationView, response_model_exclude_unset=True
)
async def simulate_sequence(
    sequence_id: UUID, principal: Viewer, work: TenantWork, body: schemas.Simulate | None = None
) -> Any:
    """What would happen to a made-up lead with a script of events: the whole story at once. Nothing is stored."""
    body = body or schemas.Simulate()
    stored = await definitions.get(work, principal.tenant, sequence_id)
    starts_at = body.starts_at or work.now

    def at(day: float) -> Any:
        return starts_at + timedelta(days=day)

    try:
        script = [
            Happening(at(each.day), each.kind, each.value, None if each.until_day is None else at(each.until_day))
            for each in body.events
        ]
        settings = await settings_of(work, principal.tenant)
        story = preview.simulated(
            stored, body.lead.model_dump(), script, starts_at, timedelta(hours=body.review_hours), settings
        )
    except OverflowError:
        raise Invalid("the simulation leaves the calendar: begin it earlier") from None
    return {"sequence_id": sequence_id, "version": stored.version, "starts_at": starts_at, "story": story}


@router.get("/sequences/{sequence_id}/report", response_model=views.SequenceReport)
async def read_sequence_report(sequence_id: UUID, principal: Viewer, work: TenantWork) -> Any:
    """The figures of a sequence and of its steps, counted from what happened."""
    stored = await definitions.get(work, principal.tenant, sequence_id)
    of_all = dict(await figures.of_sequence(work, principal.tenant, sequence_id))
    by_reason = of_all.pop("by_reason")
    of_steps = [dict(row) for row in await figures.of_steps(work, principal.tenant, sequence_id)]
    sums = ("drafted", "approved", "edited", "rejected", "expired", "sent", "skipped", "replied")
    return {
        "sequence_id": sequence_id,
        "name": stored.name,
        **of_all,
        "exited_by_reason": by_reason,
        **{name: sum(each[name] for each in of_steps) for name in sums},
        "steps": [{**each, "median_wait_seconds": each.pop("median_wait")} for each in of_steps],
    }
