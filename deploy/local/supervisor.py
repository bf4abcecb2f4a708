"""`leadflow up`: starts everything in order, keeps it running, and stops it in order."""

import asyncio
import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from pydantic import ValidationError

from deploy import databases, migrate, topics
from deploy.local.identity import Identity
from deploy.local.jars import Progress
from deploy.local.kafka import Kafka
from deploy.local.mailbox import SmtpMailbox
from deploy.local.options import GRACE_SECONDS, Options, describe, identity_of
from deploy.local.postgres import Postgres
from deploy.local.process import StartError, end_stray
from deploy.local.run import NoRun, Run, ServiceRun
from deploy.local.service import ServiceProcess
from shared.names import SERVICES

_SLOW_START = 60.0
_LOOK = 0.2


class AlreadyRunning(RuntimeError):
    """Another `leadflow up` holds this data folder."""


Report = Callable[[str], None]


class Supervisor:
    """Owns every process of a local run. Make it, `start` it, `watch` it, and always `stop` it, on the main thread."""

    def __init__(self, options: Options, report: Report, progress: Progress | None = None) -> None:
        self._options = options
        self._report = report
        self._progress = progress
        self._data = options.data.resolve()
        ports, data = options.ports, self._data
        self._kafka = None if options.kafka else Kafka(data / "kafka", ports.kafka, ports.kafka_controller)
        self._postgres = None if options.postgres else Postgres(data / "postgres", ports.postgres)
        self._mailbox: SmtpMailbox | None = None
        self._services: dict[str, ServiceProcess] = {}
        self._client = httpx.AsyncClient(timeout=2, trust_env=False)
        self._run: Run | None = None

    @property
    def run(self) -> Run:
        """What runs where; valid once `start` has begun."""
        if self._run is None:
            raise RuntimeError("not started")
        return self._run

    async def start(self) -> None:
        """Return once all six services are ready. Raises PortTaken, StartError, FetchError, MigrationError."""
        await asyncio.to_thread(self._end_leftovers)
        self._options.ports.require_free(kafka=self._kafka is not None, postgres=self._postgres is not None)
        self._data.mkdir(parents=True, exist_ok=True)
        (self._data / "logs").mkdir(exist_ok=True)
        shutil.rmtree(self._data / "paused", ignore_errors=True)
        identity = identity_of(self._options)
        self._run = describe(self._options, identity)
        for name, service in self.run.services.items():
            child = ServiceProcess(name, service.environment, self._data / "logs" / f"{name}.log")
            self._services[name] = child
            child.launch(on_your_marks=True)
        await self._start_servers()
        self._mailbox = SmtpMailbox(self.run.smtp.maildir, self.run.smtp.port)
        await self._mailbox.start()
        self.run.smtp.pid = os.getpid()
        await self._migrate(identity)
        for child in self._services.values():
            child.go()
        self._save()
        await self._wait_for_services()

    async def watch(self, stopped: asyncio.Event) -> None:
        """Restart whatever dies, naming it, until `stopped` is set."""
        while not stopped.is_set():
            await self._keep_servers()
            await self._look_at_services()
            try:
                await asyncio.wait_for(stopped.wait(), _LOOK)
            except TimeoutError:
                continue

    async def stop(self, hurry: asyncio.Event | None = None) -> None:
        """Services first, with 15 s to finish what is under way; then mailbox, Kafka, Postgres. `hurry` shortens it."""
        for child in self._services.values():
            child.ask_to_stop()
        deadline = time.monotonic() + GRACE_SECONDS
        while any(child.pid for child in self._services.values()):
            if time.monotonic() > deadline or (hurry is not None and hurry.is_set()):
                break
            await asyncio.sleep(0.05)
        for child in self._services.values():
            if child.pid is not None:
                self._report(f"{child.name} did not stop in time and was killed; its work goes on at the next start")
                child.kill()
        if self._mailbox is not None:
            await self._mailbox.stop()
        for server in (self._kafka, self._postgres):
            if server is not None:
                await asyncio.to_thread(server.stop)
        await self._client.aclose()
        if self._run is not None:
            self._run.pid = self._run.smtp.pid = None
            for service in self._run.services.values():
                service.state = "stopped"
            self._save()

    # Starting

    def _end_leftovers(self) -> None:
        """A killed run's children end by themselves, but not at once; we own the folder, so they are nobody else's."""
        try:
            before = Run.load(self._data)
        except (NoRun, ValidationError):
            return
        for name, service in before.services.items():
            if service.pid is not None:
                end_stray(service.pid, f"services run {name}", signal.SIGTERM, GRACE_SECONDS)
        for server in (self._kafka, self._postgres):
            if server is not None:
                server.end_leftover()

    async def _start_servers(self) -> None:
        servers = {"Kafka": self._kafka, "Postgres": self._postgres}
        ours = {name: server for name, server in servers.items() if server is not None}
        if self._kafka is not None:
            self._report("starting Kafka" + (" and Postgres" if self._postgres is not None else ""))
        preparing = [
            asyncio.to_thread(server.prepare, self._progress)
            if isinstance(server, Kafka)
            else asyncio.to_thread(server.prepare)
            for server in ours.values()
        ]
        await asyncio.gather(*preparing)
        for server in ours.values():
            server.launch()
        self._save()
        await asyncio.gather(*(asyncio.to_thread(server.wait) for server in ours.values()))

    async def _migrate(self, identity: Identity) -> None:
        self._report("bringing databases and topics up to date")
        admin = self.run.postgres.url

        async def each_database() -> None:
            for name in SERVICES:
                await databases.create_database(admin, name)
                await migrate.upgrade(name, databases.address(admin, databases.database_name(name)))
                await databases.create_login(admin, name, identity.database_password(databases.database_name(name)))

        await asyncio.gather(each_database(), topics.create_topics(self.run.kafka.bootstrap))

    async def _wait_for_services(self) -> None:
        self._report("starting the services")
        begun, told = time.monotonic(), False
        while waiting := [name for name, service in self.run.services.items() if service.state != "ready"]:
            await self._keep_servers()
            await self._look_at_services()
            if not told and time.monotonic() - begun > _SLOW_START:
                told = True
                self._report(f"still not ready: {', '.join(waiting)}; their logs are in {self._data / 'logs'}")
            await asyncio.sleep(_LOOK)

    # Watching

    async def _look_at_services(self) -> None:
        changed = False
        for name, child in self._services.items():
            entry = self.run.services[name]
            before = entry.model_copy()
            if reason := child.died():
                entry.state = "restarting"
                told = f"{name} {reason}; it is started again in {child.back_off:.1f} s\n{child.last_words}"
                self._report(told.rstrip())
            child.restart_if_due()
            if self._is_paused(name):
                if child.hold() and entry.state != "paused":
                    entry.state = "paused"
                    self._report(f"{name} is stopped while its consumer group is rewound")
            elif child.release():
                entry.state = "restarting"
            elif entry.state != "ready" and child.pid is not None and await self._is_ready(entry):
                entry.state = "ready"
                if before.state in ("restarting", "paused"):
                    self._report(f"{name} is back")
            entry.pid, entry.restarts = child.pid, child.restarts
            changed |= entry != before
        if changed:
            self._save()

    def _is_paused(self, name: str) -> bool:
        return (self._data / "paused" / name).exists()

    async def _is_ready(self, service: ServiceRun) -> bool:
        try:
            return (await self._client.get(f"{service.url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def _keep_servers(self) -> None:
        for name, server in (("Kafka", self._kafka), ("Postgres", self._postgres)):
            if server is None or server.pid is not None:
                continue
            self._report(f"{name} died; it is started again (its log is {server.log})")
            try:
                await asyncio.to_thread(server.prepare)
                server.launch()
                await asyncio.to_thread(server.wait)
                self._report(f"{name} is back")
            except StartError as error:
                self._report(str(error))
                await asyncio.sleep(1)
            self._save()

    def _save(self) -> None:
        self.run.kafka.pid = self._kafka.pid if self._kafka else None
        self.run.postgres.pid = self._postgres.pid if self._postgres else None
        for name, child in self._services.items():
            self.run.services[name].pid = child.pid
        self.run.save(self._data)


@contextmanager
def hold(data: Path) -> Iterator[None]:
    """Keep the data folder for this process alone. Raises AlreadyRunning."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "up.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"`leadflow up` runs already on {data}; name another folder with --data") from None
        yield
