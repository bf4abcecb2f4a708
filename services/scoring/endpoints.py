"""The scoring API."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

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
from services.scoring.use_cases import ModelCache
from shared.events.envelope import parse_time
from shared.http import Admin, Limit, Once, Page, Router, TenantWork, Viewer, decode_cursor, encode_cursor, large_body
from shared.http.pages import number

router = Router(tags=["scoring"])


def _models(request: Request) -> ModelCache:
    models: ModelCache = request.app.state.models
    return models


def _as_of(
    as_of: Annotated[str | None, Query(description="RFC 3339, in the past or the future; now if absent")] = None,
) -> datetime | None:
    """The moment asked for. In a query a `+` that is not escaped is read as a space, so the offset is repaired."""
    return parse_time(as_of[:-6] + as_of[-6:].replace(" ", "+"), "as_of") if as_of else None


Version = Annotated[int, Path(ge=1, le=2_147_483_647)]
AsOf = Annotated[datetime | None, Depends(_as_of)]
Models = Annotated[ModelCache, Depends(_models)]


@router.get("/leads/{lead_id}/score", response_model=ScoreOut)
async def get_score(lead_id: UUID, as_of: AsOf, principal: Viewer, work: TenantWork, models: Models) -> Any:
    """The score of a lead now, or as of another moment."""
    explained = await use_cases.explain_score(work, models, principal.tenant, lead_id, as_of=as_of)
    return ScoreOut.of(explained.lead_id, explained.score)


@router.get("/leads/{lead_id}/score/explanation", response_model=ExplanationOut, response_model_exclude_none=True)
async def explain_score(lead_id: UUID, as_of: AsOf, principal: Viewer, work: TenantWork, models: Models) -> Any:
    """The score with every contribution to it; the points sum exactly to the score."""
    explained = await use_cases.explain_score(work, models, principal.tenant, lead_id, as_of=as_of)
    return {
        **ScoreOut.of(explained.lead_id, explained.score),
        "contributions": [ContributionOut.of(one) for one in explained.contributions],
    }


@router.get("/models", response_model=Page[ModelOut])
async def list_models(principal: Viewer, work: TenantWork, limit: Limit = 50, cursor: str | None = None) -> Any:
    """The versions of the tenant's model, the newest first."""
    before = decode_cursor(cursor, before=number)["before"] if cursor else None
    items, below = await use_cases.list_models(work, principal.tenant, before, limit)
    return {"items": items, "next_cursor": encode_cursor({"before": below}) if below is not None else None}


@router.post("/models", status_code=201, response_model=ModelOut, dependencies=[Depends(large_body)])
async def create_model(body: ModelBody, principal: Admin, work: TenantWork, once: Once) -> Response:
    """Store a new version of the model. It scores nobody until it is activated."""
    return await once(
        lambda: use_cases.create_model(work, principal.tenant, body.definition(), principal.actor), status=201
    )


@router.get("/models/{version}", response_model=ModelOut)
async def get_model(version: Version, principal: Viewer, work: TenantWork) -> Any:
    """One version of the model."""
    return await use_cases.read_model(work, principal.tenant, version)


@router.post("/models/{version}/test", response_model=ExplanationOut, response_model_exclude_none=True)
async def test_model(version: Version, body: TestBody, principal: Viewer, work: TenantWork, models: Models) -> Any:
    """The score that the lead would have now with this version, with its contributions. Nothing is stored."""
    explained = await use_cases.explain_score(work, models, principal.tenant, body.lead_id, version=version)
    return {
        **ScoreOut.of(explained.lead_id, explained.score),
        "contributions": [ContributionOut.of(one) for one in explained.contributions],
    }


@router.post("/models/{version}/activate", status_code=202, response_model=ActivationOut)
async def activate_model(
    version: Version, request: Request, principal: Admin, work: TenantWork, models: Models, once: Once
) -> Response:
    """Score with this version from now on, and all leads anew; answers with the rescore to follow."""
    service = request.app.state.service
    work.after_commit.append(lambda: service.wake("rescorer"))

    async def activate() -> dict[str, Any]:
        rescore_id = await use_cases.activate_model(work, models, principal.tenant, version, principal.actor)
        return {"rescore_id": rescore_id}

    return await once(activate, status=202)


@router.get("/rescores/{rescore_id}", response_model=RescoreOut)
async def get_rescore(rescore_id: UUID, principal: Viewer, work: TenantWork) -> Any:
    """How far the scoring of all leads with a new version is."""
    return await use_cases.read_rescore(work, principal.tenant, rescore_id)
