"""A tenant's strategies: built in until the tenant saves its own, and every save another version."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from services.outreach.drafts.composer.trial import try_out
from services.outreach.drafts.strategies import BUILT_IN, Strategy, from_body, to_body
from shared.db import UnitOfWork
from shared.errors import Invalid
from shared.ids import derived_id


async def strategy_for(work: UnitOfWork, tenant: str, kind: str, stage: str) -> Strategy:
    """The tenant's strategy for a kind in a stage, or the built-in one."""
    row = await work.fetch_one(
        "SELECT * FROM strategy WHERE tenant_id = :tenant AND kind = :kind AND stage = :stage AND active",
        tenant=tenant,
        kind=kind,
        stage=stage,
    )
    if row is not None:
        return from_body(kind, stage, row["version"], row["body"])
    return BUILT_IN[kind, stage]


def strategy_id(tenant: str, kind: str, stage: str) -> UUID:
    """The id of the strategy for a kind in a stage, whatever its version."""
    return derived_id("strategy", tenant, kind, stage)


async def all_strategies(work: UnitOfWork, tenant: str) -> list[dict[str, Any]]:
    """One strategy for each kind and stage in which it makes sense, as it counts now."""
    rows = await work.fetch("SELECT * FROM strategy WHERE tenant_id = :tenant AND active", tenant=tenant)
    own = {
        (row["kind"], row["stage"]): from_body(row["kind"], row["stage"], row["version"], row["body"]) for row in rows
    }
    return [view(tenant, own.get(key, built_in)) for key, built_in in BUILT_IN.items()]


def view(tenant: str, strategy: Strategy) -> dict[str, Any]:
    """A strategy as the API shows it."""
    return {
        "strategy_id": strategy_id(tenant, strategy.kind, strategy.stage),
        "kind": strategy.kind,
        "stage": strategy.stage,
        "version": strategy.version,
        "built_in": strategy.version == 0,
        **to_body(strategy),
    }


async def save_strategy(
    work: UnitOfWork, tenant: str, kind: str, stage: str, given: Mapping[str, Any], actor: str
) -> dict[str, Any]:
    """Another version of the strategy for a kind in a stage; drafts keep the version that they were made by."""
    if (kind, stage) not in BUILT_IN:
        raise Invalid(f"a message of kind {kind} makes no sense in stage {stage}")
    built_in = BUILT_IN[kind, stage]
    body = {**to_body(built_in), **given}
    own = given.get("templates") or {}
    body["templates"] = {
        channel: {**parts, **own.get(channel, {})} for channel, parts in to_body(built_in)["templates"].items()
    }
    try_out(from_body(kind, stage, 0, body))
    id_ = strategy_id(tenant, kind, stage)
    # two admins at once: the second waits, and saves the version after
    await work.run("SELECT pg_advisory_xact_lock(:key)", key=int.from_bytes(id_.bytes[:8], "big", signed=True))
    row = await work.fetch_one(
        "SELECT max(version) AS version FROM strategy WHERE tenant_id = :tenant AND strategy_id = :id",
        tenant=tenant,
        id=id_,
    )
    version = ((row["version"] if row else None) or 0) + 1
    await work.run(
        "UPDATE strategy SET active = false WHERE tenant_id = :tenant AND strategy_id = :id AND active",
        tenant=tenant,
        id=id_,
    )
    await work.run(
        """
        INSERT INTO strategy (tenant_id, strategy_id, version, kind, stage, body, author, created_at)
        VALUES (:tenant, :id, :version, :kind, :stage, CAST(:body AS jsonb), :author, :now)
        """,
        tenant=tenant,
        id=id_,
        version=version,
        kind=kind,
        stage=stage,
        body=orjson.dumps(body).decode(),
        author=actor,
        now=work.now,
    )
    return view(tenant, from_body(kind, stage, version, body))
