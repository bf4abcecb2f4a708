"""What endpoints and consumers need of the process besides the transaction: settings, keys, and workers to wake."""

from dataclasses import dataclass

from fastapi import Request

from services.outreach import store
from services.outreach.keys import Keys
from services.outreach.settings import Settings
from shared.db import Database, UnitOfWork
from shared.errors import Transient
from shared.service import Service


async def keys_of(database: Database, secret: str) -> Keys:
    """The keys of this secret, or where it is empty of the one that migration 0001 made."""
    if not secret:
        async with database.worker() as work:
            secret = await store.service_key(work)
    return Keys(secret.encode())


@dataclass(slots=True)
class Context:
    """One for each app. `keys` can be used once the service has started: their secret may be in the database."""

    service: Service
    settings: Settings
    loaded_keys: Keys | None = None

    @property
    def keys(self) -> Keys:
        """The keys. Transient before the service has started: it waits for its database."""
        if self.loaded_keys is None:
            raise Transient("the service is still starting: it waits for its database")
        return self.loaded_keys

    async def load_keys(self) -> None:
        """Load the secret of the settings, or else the one that migration 0001 made."""
        self.loaded_keys = await keys_of(self.service.database, self.settings.secret.get_secret_value())

    def wake_after(self, work: UnitOfWork, *workers: str) -> None:
        """Wake these workers as soon as the transaction has committed, before their next poll."""

        def wake() -> None:
            for name in (name for worker in workers for name in self._names(worker)):
                self.service.wake(name)

        work.after_commit.append(wake)

    def _names(self, worker: str) -> list[str]:
        return [f"sender-{n}" for n in range(self.settings.senders)] if worker == "sender" else [worker]


def context_of(request: Request) -> Context:
    """The context of the app that serves the request."""
    context: Context = request.app.state.outreach
    return context
