"""A tenant's strategies: the built-in ones until it saves its own, each save as another version."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.outreach.drafts.composer.strategy_check import check_strategy
from services.outreach.drafts.store import strategies as store
from services.outreach.drafts.strategies import BUILT_IN, Strategy, from_body, to_body
from shared.db import UnitOfWork
from shared.errors import Invalid
from shared.ids import derived_id


async def strategy_for(work: UnitOfWork, tenant: str, kind: str, stage: str) -> Strategy:
    """The tenant's strategy for a kind in a stage, or the built-in one."""
    row = await store.active(work, tenant, kind, stage)
    return from_body(kind, stage, row["version"], row["body"]) if row is not None else BUILT_IN[kind, stage]


async def all_strategies(work: UnitOfWork, tenant: str) -> list[dict[str, Any]]:
    """The present strategy for each kind and stage in which it makes sense, as the API shows it."""
    own = {
        (row["kind"], row["stage"]): from_body(row["kind"], row["stage"], row["version"], row["body"])
        for row in await store.all_active(work, tenant)
    }
    return [_view(tenant, own.get(key, built_in)) for key, built_in in BUILT_IN.items()]


async def save_strategy(
    work: UnitOfWork, tenant: str, kind: str, stage: str, given: Mapping[str, Any], actor: str
) -> dict[str, Any]:
    """Save another version of the strategy for a kind in a stage; parts not given are as built in.

    Raises Invalid for a kind that makes no sense in the stage, and for templates that fail.
    """
    if (kind, stage) not in BUILT_IN:
        raise Invalid(f"a message of kind {kind} makes no sense in stage {stage}")
    built_in = to_body(BUILT_IN[kind, stage])
    own = given.get("templates") or {}
    templates = {channel: {**parts, **own.get(channel, {})} for channel, parts in built_in["templates"].items()}
    body = {**built_in, **given, "templates": templates}
    check_strategy(from_body(kind, stage, 0, body))
    version = await store.add_version(work, tenant, _strategy_id(tenant, kind, stage), kind, stage, body, actor)
    return _view(tenant, from_body(kind, stage, version, body))


def _strategy_id(tenant: str, kind: str, stage: str) -> UUID:
    """The id of the strategy for a kind in a stage: the same for all its versions."""
    return derived_id("strategy", tenant, kind, stage)


def _view(tenant: str, strategy: Strategy) -> dict[str, Any]:
    return {
        "strategy_id": _strategy_id(tenant, strategy.kind, strategy.stage),
        "kind": strategy.kind,
        "stage": strategy.stage,
        "version": strategy.version,
        "built_in": strategy.version == 0,
        **to_body(strategy),
    }
