"""Models: create, list, read and activate them."""

from typing import Any
from uuid import UUID

from services.scoring import store
from services.scoring.rules import DEFAULT_MODEL, DEFAULT_VERSION, compile_model
from services.scoring.rules.model import definition_errors
from services.scoring.use_cases.model_cache import ModelCache
from shared.db import UnitOfWork
from shared.errors import Invalid, NotFound
from shared.ids import uuid7


async def create_model(work: UnitOfWork, tenant: str, definition: dict[str, Any], actor: str) -> dict[str, Any]:
    """Store a model as a new version, which is not active yet. Raises Invalid with the fields that are wrong."""
    errors = definition_errors(definition)
    if errors:
        raise Invalid("; ".join(f"{one['field']}: {one['message']}" for one in errors[:5]), errors)
    row = await store.add_model(work, tenant, definition, actor)
    # As it is read from the database: a model that cannot be compiled is never stored.
    compile_model(row["version"], row["definition"])
    return _body(dict(row), active=False)


async def list_models(
    work: UnitOfWork, tenant: str, before: int | None, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """A page of a tenant's models, newest first and the built-in one last.

    Also the version to continue below, None at the end of the list.
    """
    active = (await store.active_versions(work, [tenant]))[tenant]
    rows = await store.list_models(work, tenant, before, limit + 1)
    items = [_body(dict(row), active=row["version"] == active) for row in rows]
    if len(items) <= limit and (before is None or before > DEFAULT_VERSION):
        items.append(_built_in(active))
    return items[:limit], items[limit - 1]["version"] if len(items) > limit else None


async def read_model(work: UnitOfWork, tenant: str, version: int) -> dict[str, Any]:
    """One model. Raises NotFound if there is no such version."""
    active = (await store.active_versions(work, [tenant]))[tenant]
    if version == DEFAULT_VERSION:
        return _built_in(active)
    row = await store.read_model(work, tenant, version)
    if row is None:
        raise NotFound(f"there is no model of version {version}")
    return _body(dict(row), active=version == active)


async def activate_model(work: UnitOfWork, models: ModelCache, tenant: str, version: int, actor: str) -> UUID:
    """Score all leads by this version from now on, and start a rescore; its id. Raises NotFound."""
    await models.load(work, tenant, version)
    await store.lock_models(work, [tenant], exclusive=True)
    await store.set_active_model(work, tenant, version, actor)
    rescore_id = uuid7()
    await store.add_rescore(work, tenant, rescore_id, version)
    return rescore_id


def _built_in(active: int) -> dict[str, Any]:
    row = {"version": DEFAULT_VERSION, "definition": DEFAULT_MODEL, "created_at": None, "created_by": "system:default"}
    return _body(row, active=active == DEFAULT_VERSION)


def _body(row: dict[str, Any], *, active: bool) -> dict[str, Any]:
    return {"version": row["version"], "active": active, **row["definition"]} | {
        name: row[name] for name in ("created_at", "created_by")
    }
