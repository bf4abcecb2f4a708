"""Models: which one counts, new ones, and the rescore that an activation starts."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from services.scoring import store
from services.scoring.rules import DEFAULT_MODEL, DEFAULT_VERSION, Model, compile_model
from services.scoring.rules.model import problems
from shared.db import UnitOfWork
from shared.errors import Invalid, NotFound
from shared.ids import uuid7

_REMEMBERED = 1_000


class Models:
    """Compiled models by (tenant, version). A version never changes, so what is known stays right."""

    def __init__(self) -> None:
        self._default = compile_model(DEFAULT_VERSION, DEFAULT_MODEL)
        self._known: OrderedDict[tuple[str, int], Model] = OrderedDict()

    def __getitem__(self, key: tuple[str, int]) -> Model:
        """A model that `active` or `load` has brought here in this transaction."""
        return self._default if key[1] == DEFAULT_VERSION else self._known[key]

    async def active(self, work: UnitOfWork, tenants: Iterable[str]) -> dict[str, int]:
        """The version that counts for each tenant, compiled."""
        versions = await store.active_versions(work, tenants)
        await self._load(work, versions.items())
        return versions

    async def load(self, work: UnitOfWork, tenant: str, version: int) -> Model:
        """A tenant's model; NotFound if there is no such version."""
        await self._load(work, [(tenant, version)])
        if version != DEFAULT_VERSION and (tenant, version) not in self._known:
            raise NotFound(f"there is no model of version {version}")
        return self[tenant, version]

    async def _load(self, work: UnitOfWork, versions: Iterable[tuple[str, int]]) -> None:
        wanted = [key for key in versions if key[1] != DEFAULT_VERSION]
        missing = [key for key in wanted if key not in self._known]
        if missing:
            for key, definition in (await store.definitions(work, missing)).items():
                self._known[key] = compile_model(key[1], definition)
        for key in wanted:
            if key in self._known:
                self._known.move_to_end(key)
        while len(self._known) > max(_REMEMBERED, len(wanted)):
            self._known.popitem(last=False)


async def create_model(work: UnitOfWork, tenant: str, definition: dict[str, Any], actor: str) -> dict[str, Any]:
    """Store a new version; it counts only once it is activated. Invalid, with the places, if it makes no sense."""
    wrong = problems(definition)
    if wrong:
        raise Invalid("; ".join(f"{one['field']}: {one['message']}" for one in wrong[:5]), wrong)
    return _body(dict(await store.add_model(work, tenant, definition, actor)), active=False)


async def models_page(
    work: UnitOfWork, tenant: str, before: int | None, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Models of a tenant, newest first and the built-in one last; the version to go on below, if there are more."""
    active = (await store.active_versions(work, [tenant]))[tenant]
    rows = await store.list_models(work, tenant, before, limit + 1)
    items = [_body(dict(row), active=row["version"] == active) for row in rows]
    if len(items) <= limit and (before is None or before > DEFAULT_VERSION):
        items.append(_built_in(active))
    return items[:limit], items[limit - 1]["version"] if len(items) > limit else None


async def definition_of(work: UnitOfWork, tenant: str, version: int) -> dict[str, Any]:
    """One model as data; NotFound if there is no such version."""
    active = (await store.active_versions(work, [tenant]))[tenant]
    if version == DEFAULT_VERSION:
        return _built_in(active)
    row = await store.read_model(work, tenant, version)
    if row is None:
        raise NotFound(f"there is no model of version {version}")
    return _body(dict(row), active=version == active)


async def activate_model(work: UnitOfWork, models: Models, tenant: str, version: int, actor: str) -> UUID:
    """Let a version count from now on, and begin to rescore all leads; the rescore's id."""
    await models.load(work, tenant, version)
    await store.hold_models(work, [tenant], change=True)
    await store.set_active(work, tenant, version, actor)
    rescore_id = uuid7()
    await store.add_rescore(work, tenant, rescore_id, version)
    return rescore_id


async def rescore_progress(work: UnitOfWork, tenant: str, rescore_id: UUID) -> dict[str, Any]:
    row = await store.read_rescore(work, tenant, rescore_id)
    if row is None:
        raise NotFound("there is no such rescore")
    return dict(row)


def _built_in(active: int) -> dict[str, Any]:
    row = {"version": DEFAULT_VERSION, "definition": DEFAULT_MODEL, "created_at": None, "created_by": "system:default"}
    return _body(row, active=active == DEFAULT_VERSION)


def _body(row: dict[str, Any], *, active: bool) -> dict[str, Any]:
    return {"version": row["version"], "active": active, **row["definition"]} | {
        name: row[name] for name in ("created_at", "created_by")
    }
