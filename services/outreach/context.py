"""What use cases need of this process, besides the transaction: settings, keys, and who to wake."""

from dataclasses import dataclass

from fastapi import Request

from services.outreach.keys import Keys
from services.outreach.settings import Settings
from shared.db import UnitOfWork
from shared.service import Service


@dataclass(slots=True)
class Context:
    """One for each app. `keys` is there once the service has started: its secret may lie in the database."""

    service: Service
    settings: Settings
    held: Keys | None = None

    @property
    def keys(self) -> Keys:
        if self.held is None:
            raise RuntimeError("the service has not started")
        return self.held

    async def load_keys(self) -> None:
        """The secret of the settings, or the one that the migration made."""
        given = self.settings.secret.get_secret_value()
        if given:
            self.held = Keys(given.encode())
            return
        async with self.service.database.worker() as work:
            row = await work.fetch_one("SELECT key FROM service_key")
        assert row is not None, "the migration makes a key"
        self.held = Keys(row["key"].encode())

    def wake_after(self, work: UnitOfWork, *workers: str) -> None:
        """Let these workers look as soon as the transaction has committed."""

        def wake() -> None:
            for name in (name for worker in workers for name in self._named(worker)):
                self.service.wake(name)

        work.after_commit.append(wake)

    def _named(self, worker: str) -> list[str]:
        return [f"sender-{n}" for n in range(self.settings.senders)] if worker == "sender" else [worker]


def context_of(request: Request) -> Context:
    """The context of the app that serves the request."""
    context: Context = request.app.state.outreach
    return context
