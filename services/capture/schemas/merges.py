"""HTTP bodies of merges and of pairs for review."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.capture.schemas.bodies import Body


class MergeIn(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"alias_id": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e02"}]})

    alias_id: UUID


class DecisionIn(Body):
    """`keep` names the lead that stays; by default the older one."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"decision": "merge", "keep": "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01"}]}
    )

    decision: Literal["merge", "distinct"]
    keep: UUID | None = None


class MergeOut(BaseModel):
    """A merge that was made. `lead_id` is the lead that was kept."""

    merge_id: UUID
    lead_id: UUID
    alias_id: UUID


class UndoneMerge(BaseModel):
    """A merge that was undone: both leads are there again."""

    merge_id: UUID
    undone: bool


class DecisionOut(BaseModel):
    """The decision on a pair, with the merge that it made."""

    id: UUID
    decision: Literal["merge", "distinct"]
    merge_id: UUID | None = None


class DuplicatePairOut(BaseModel):
    """Two leads that may be one person. `score`: how likely, from 0 to 1."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01935a72-33cc-7cde-8f01-23456789ab03",
                    "lead_ids": ["01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e01", "01935a6e-7c1d-7b3a-9f5e-2d8c4b6a1e02"],
                    "score": 0.9,
                    "reasons": ["same phone"],
                    "found_on": "2026-03-02T09:30:00Z",
                }
            ]
        }
    )

    id: UUID
    lead_ids: list[UUID]
    score: float
    reasons: list[str]
    found_on: AwareDatetime


class FailedSearchOut(BaseModel):
    """A lead whose likely duplicates could not be searched for.

    `next_try_on`: null where it is set aside, and while it is tried.
    """

    lead_id: UUID
    state: Literal["waiting", "set_aside"]
    attempts: int
    reason: str
    failed_on: AwareDatetime
    next_try_on: AwareDatetime | None


class SearchRequested(BaseModel):
    """The lead whose duplicates are searched for once more."""

    lead_id: UUID
