"""The compiled models of a process."""

from collections import OrderedDict
from collections.abc import Iterable

from services.scoring import store
from services.scoring.rules import DEFAULT_MODEL, DEFAULT_VERSION, Model, compile_model
from shared.db import UnitOfWork
from shared.errors import NotFound

_CAPACITY = 1_000


class ModelCache:
    """Compiled models by (tenant, version), the least recently used dropped first. A version never changes."""

    def __init__(self) -> None:
        self._default = compile_model(DEFAULT_VERSION, DEFAULT_MODEL)
        self._compiled: OrderedDict[tuple[str, int], Model] = OrderedDict()

    def __getitem__(self, key: tuple[str, int]) -> Model:
        """A model that `load_active` or `load` has loaded in the same transaction."""
        return self._default if key[1] == DEFAULT_VERSION else self._compiled[key]

    async def load_active(self, work: UnitOfWork, tenants: Iterable[str]) -> dict[str, int]:
        """Load the active model of each tenant; its version by tenant."""
        versions = await store.active_versions(work, tenants)
        await self._load(work, versions.items())
        return versions

    async def load(self, work: UnitOfWork, tenant: str, version: int) -> Model:
        """A tenant's model. Raises NotFound if there is no such version."""
        await self._load(work, [(tenant, version)])
        if version != DEFAULT_VERSION and (tenant, version) not in self._compiled:
            raise NotFound(f"there is no model of version {version}")
        return self[tenant, version]

    async def _load(self, work: UnitOfWork, versions: Iterable[tuple[str, int]]) -> None:
        wanted = [key for key in versions if key[1] != DEFAULT_VERSION]
        missing = [key for key in wanted if key not in self._compiled]
        if missing:
            for key, definition in (await store.definitions(work, missing)).items():
                self._compiled[key] = compile_model(key[1], definition)
        for key in wanted:
            if key in self._compiled:
                self._compiled.move_to_end(key)
        while len(self._compiled) > max(_CAPACITY, len(wanted)):
            self._compiled.popitem(last=False)
