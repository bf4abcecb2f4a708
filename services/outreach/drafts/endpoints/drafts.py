"""The HTTP API of drafts: lists, requests, and one draft with all that a decision needs."""

from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request, Response

from services.outreach.context import context_of
from services.outreach.drafts.schemas import NewDraftBody
from services.outreach.drafts.schemas.background_views import DraftInFullView, draft_in_full
from services.outreach.drafts.schemas.views import (
    LIST_FIELDS,
    MADE_FROM,
    SUMMARY,
    ComposingView,
    DraftPage,
    DraftView,
    PartialDraftPage,
    draft_item,
    draft_view,
)
from services.outreach.drafts.store.lists import ORDERS, Leases
from services.outreach.drafts.use_cases import lists, requests, review
from services.outreach.drafts.use_cases.addressing import sender_addresses
from services.outreach.drafts.use_cases.background import background_of
from services.outreach.drafts.use_cases.composer import not_followed
from services.outreach.schemas import Channel, Kind
from services.outreach.store import all_ids_of, lead_of
from shared.errors import Invalid
from shared.http import (
    Limit,
    Once,
    Reviewer,
    Router,
    TenantWork,
    Viewer,
    decode_cursor,
    encode_cursor,
    etag,
    large_body,
    unknown_name,
)
from shared.http.pages import moment, number

router = Router(tags=["drafts"])

State = Literal["pending", "approved", "rejected", "superseded", "expired"]
Sort = Literal["oldest", "at_risk", "hottest"]


@router.get("/drafts", response_model=DraftPage | PartialDraftPage)
async def list_drafts(
    principal: Viewer,
    work: TenantWork,
    state: State | None = None,
    kind: Kind | None = None,
    channel: Channel | None = None,
    lead_id: UUID | None = None,
    claimed: Annotated[
        bool | None, Query(description="Pending drafts that somebody works on; false: those that nobody works on")
    ] = None,
    unclaimed: Annotated[bool | None, Query(description="The same as `claimed=false`")] = None,
    mine: Annotated[
        bool | None, Query(description="Pending drafts that you work on; false: those that you do not work on")
    ] = None,
    sort: Sort = "oldest",
    snoozed: Annotated[
        bool | None, Query(description="Pending lists leave snoozed drafts out unless this is true")
    ] = None,
    fields: Annotated[
        str | None,
        Query(
            max_length=1_000,
            description="Only these fields of each draft, separated by commas; `summary` stands for the few by which "
            "the next draft is chosen, and `made_from` is there only where it is named",
        ),
    ] = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Any:
    """Drafts: the oldest first, those that expire soonest (`at_risk`), or those of the hottest leads.

    Only pending drafts are worked on: `claimed`, `unclaimed` and `mine` list no others. `total` and `counts` are of all
    drafts, whatever page is shown.
    """
    wanted = _fields(fields)
    leases = _leases(claimed, unclaimed, mine, principal.actor)
    if leases.claimed is not None or leases.mine is not None:
        if state not in (None, "pending"):
            raise _contradiction("state", f"nobody works on drafts that are {state}")
        state = "pending"
    filters: dict[str, Any] = {"state": state, "kind": kind, "channel": channel}
    if lead_id is not None:
        filters["lead_id"] = await all_ids_of(work, principal.tenant, lead_id)
    found = await lists.page(
        work,
        principal.tenant,
        {name: value for name, value in filters.items() if value is not None},
        leases=leases,
        snoozed=snoozed if snoozed is not None else state != "pending",
        sort=sort,
        after=_position(cursor, sort),
        limit=limit,
        actor=principal.actor,
        made_from=wanted is not None and MADE_FROM in wanted,
    )
    items = [draft_item(row, work.now, found.leads.get(row["lead_id"])) for row in found.rows]
    answer = DraftPage(
        items=items,
        next_cursor=_cursor(found.last, sort) if found.last else None,
        total=found.total,
        counts=found.counts,
    )
    if wanted is None:
        return answer
    content = answer.model_dump(mode="json", by_alias=True)
    for item, row in zip(content["items"], found.rows, strict=True):
        item |= {MADE_FROM: row[MADE_FROM]} if MADE_FROM in wanted else {}
    content["items"] = [{name: item[name] for name in wanted} for item in content["items"]]
    return Response(orjson.dumps(content), media_type="application/json")


def _fields(given: str | None) -> list[str] | None:
    """The names of fields in `fields`, each once; None for all. Raises Invalid for a name that no draft has."""
    if given is None:
        return None
    names = [name.strip() for name in given.split(",") if name.strip()]
    known = (*LIST_FIELDS, MADE_FROM)
    wrong = [{"field": "fields", "message": unknown_name(name, known, "field")} for name in names if name not in known]
    if wrong or not names:
        raise Invalid(wrong[0]["message"] if wrong else "fields names no field", wrong)
    return list(dict.fromkeys(each for name in names for each in (SUMMARY if name == "summary" else (name,))))


def _leases(claimed: bool | None, unclaimed: bool | None, mine: bool | None, actor: str) -> Leases:
    if unclaimed is not None:
        if claimed is not None and claimed == unclaimed:
            raise _contradiction("unclaimed", "claimed says the opposite")
        claimed = not unclaimed
    if mine and claimed is False:
        raise _contradiction("mine", "what you work on is claimed")
    return Leases(claimed, mine, actor)


def _contradiction(field: str, message: str) -> Invalid:
    return Invalid("the filters contradict each other", [{"field": field, "message": message}])


def _position(cursor: str | None, sort: Sort) -> tuple[Any, UUID] | None:
    """Where the page begins: the value that is sorted by, and the id, of the draft before it."""
    if not cursor:
        return None
    position = decode_cursor(cursor, **{sort: number if sort == "hottest" else moment, "id": UUID})
    return position[sort], position["id"]


def _cursor(row: Any, sort: Sort) -> str:
    value = row[ORDERS[sort][0]]
    return encode_cursor({sort: value if sort == "hottest" else value.isoformat(), "id": str(row["draft_id"])})


@router.post(
    "/drafts",
    dependencies=[Depends(large_body)],
    status_code=201,
    response_model=DraftView,
    responses={
        202: {"model": ComposingView, "description": "The agent writes it"},
        404: {"description": "There is no such lead"},
    },
)
async def create_draft(
    body: NewDraftBody, principal: Reviewer, work: TenantWork, request: Request, once: Once
) -> Response:
    """Ask the agent for a draft (202), or give your own text (201). Either waits for review."""
    actor = review.person(principal)
    context = context_of(request)
    asked = requests.DraftRequest(principal.tenant, actor, body.lead_id, body.kind, body.channel)

    async def run() -> tuple[int, Any, dict[str, str]]:
        if body.body is None:
            draft_id = await requests.request_draft(work, asked, body.instruction)
            context.wake_after(work, "composer")
            content: dict[str, Any] = {"draft_id": draft_id, "state": "composing"}
            if body.instruction and not context.settings.has_language_model:
                warnings = await not_followed(work, principal.tenant, body.lead_id, body.instruction)
                content["warnings"] = [{"kind": "instruction", "message": message} for message in warnings]
            return 202, content, {"Location": f"/v1/drafts/{draft_id}"}
        sender = sender_addresses(context.settings)
        draft_id = await requests.add_draft(work, asked, sender, body.subject, body.body)
        row = await review.get(work, principal.tenant, draft_id)
        lead = await lead_of(work, principal.tenant, row["lead_id"])
        view = draft_view(row, work.now, lead).model_dump(mode="json", by_alias=True)
        return 201, view, {"Location": f"/v1/drafts/{draft_id}", "ETag": etag(row["version"])}

    return await once(run)


@router.get("/drafts/{draft_id}")
async def read_draft(draft_id: UUID, principal: Viewer, work: TenantWork, response: Response) -> DraftInFullView:
    """A draft with all that a decision needs: the lead, its words, the conversation, claims, and other messages."""
    row = await review.get(work, principal.tenant, draft_id)
    response.headers["ETag"] = etag(row["version"])
    return draft_in_full(row, work.now, await background_of(work, row))
