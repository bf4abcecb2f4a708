"""HTTP bodies of merges and of pairs for review."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from services.capture.schemas.bodies import Body


class MergeIn(Body):
    alias_id: UUID


class DecisionIn(Body):
    """`keep` names the lead that stays; by default the older one."""

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

    id: UUID
    lead_ids: list[UUID]
    score: float
    reasons: list[str]
    found_on: AwareDatetime
