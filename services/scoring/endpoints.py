"""The scoring API."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.scoring import use_cases
from services.scoring.schemas import (
    ActivationOut,
    ContributionOut,
    ExplanationOut,
    ModelBody,
    ModelOut,
    RescoreOut,
    ScoreOut,
    TestBody,
)
from services.scoring.use_cases import Models
from shared.events.envelope import parse_time
from shared.http import Admin, Limit, Once, Page, TenantWork, Viewer, decode_cursor, encode_cursor
from shared.http.pages import number

router = APIRouter(tags=["scoring"])


def _models(request: Request) -> Models:
    models: Models = request.app.state.models
    return models


def _as_of(
    as_of: Annotated[str | None, Query(description="RFC 3339, past or ahead; now when absent")] = None,
) -> datetime | None:
    """A plus sign that nobody escaped arrives as a space."""
    return parse_time(as_of[:-6] + as_of[-6:].replace(" ", "+"), "as_of") if as_of else None


Version = Annotated[int, Path(ge=1, le=2_147_483_647)]
AsOf = Annotated[datetime | None, Depends(_as_of)]
Known = Annotated[Models, Depends(_models)]


@router.get("/leads/{lead_id}/score", response_model=ScoreOut)
async def get_score(lead_id: UUID, as_of: AsOf, principal: Viewer, work: TenantWork, models: Known) -> Any:
    answer = await use_cases.score_of(work, models, principal.tenant, lead_id, as_of=as_of)
    return ScoreOut.of(answer.lead_id, answer.score)


@router.get("/leads/{lead_id}/score/explanation", response_model=ExplanationOut, response_model_exclude_none=True)
async def explain_score(lead_id: UUID, as_of: AsOf, principal: Viewer, work: TenantWork, models: Known) -> Any:
    answer = await use_cases.score_of(work, models, principal.tenant, lead_id, as_of=as_of)
    return {
        **ScoreOut.of(answer.lead_id, answer.score),
        "contributions": [ContributionOut.of(one) for one in answer.contributions],
    }


@router.get("/models", response_model=Page[ModelOut])
async def list_models(principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None) -> Any:
    before = decode_cursor(cursor, before=number)["before"] if cursor else None
    items, more = await use_cases.models_page(work, principal.tenant, before, limit)
    return {"items": items, "next_cursor": encode_cursor({"before": more}) if more is not None else None}


@router.post("/models", status_code=201, response_model=ModelOut)
async def create_model(body: ModelBody, principal: Admin, work: TenantWork, once: Once) -> Response:
    return await once(
        lambda: use_cases.create_model(work, principal.tenant, body.definition(), principal.actor), status=201
    )


@router.get("/models/{version}", response_model=ModelOut)
async def get_model(version: Version, principal: Viewer, work: TenantWork) -> Any:
    return await use_cases.definition_of(work, principal.tenant, version)


@router.post("/models/{version}/test", response_model=ExplanationOut, response_model_exclude_none=True)
async def test_model(version: Version, body: TestBody, principal: Viewer, work: TenantWork, models: Known) -> Any:
    """The score that the lead would have now if this version counted, and why. Nothing is stored."""
    answer = await use_cases.score_of(work, models, principal.tenant, body.lead_id, version=version)
    return {
        **ScoreOut.of(answer.lead_id, answer.score),
        "contributions": [ContributionOut.of(one) for one in answer.contributions],
    }


@router.post("/models/{version}/activate", status_code=202, response_model=ActivationOut)
async def activate_model(
    version: Version, request: Request, principal: Admin, work: TenantWork, models: Known, once: Once
) -> Response:
    service = request.app.state.service
    work.after_commit.append(lambda: service.wake("rescorer"))

    async def activate() -> dict[str, Any]:
        rescore_id = await use_cases.activate_model(work, models, principal.tenant, version, principal.actor)
        return {"rescore_id": rescore_id}

    return await once(activate, status=202)


@router.get("/rescores/{rescore_id}", response_model=RescoreOut)
async def get_rescore(rescore_id: UUID, principal: Viewer, work: TenantWork) -> Any:
    return await use_cases.rescore_progress(work, principal.tenant, rescore_id)
