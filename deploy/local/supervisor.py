"""`leadflow up`: starts everything in order, keeps it running, and stops it in order."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

import httpx

from deploy import databases, migrate, topics
from deploy.local.data_folder import pause_file, remove_pause_files
from deploy.local.identity import Identity
from deploy.local.jars import Progress
from deploy.local.kafka import Kafka
from deploy.local.mailbox import SmtpMailbox
from deploy.local.options import GRACE_SECONDS, Options, identity_of, new_run_record
from deploy.local.postgres import Postgres
from deploy.local.process import StartError, stop_if_marked
from deploy.local.run_record import NotRunning, RunRecord, ServiceEntry
from deploy.local.server import LocalServer
from deploy.local.service_process import ServiceProcess
from shared.events.topics import LOCAL_PARTITIONS
from shared.messaging import connection as messaging
from shared.names import SERVICES

_SLOW_START_SECONDS = 60.0
_CHECK_SECONDS = 0.2

Report = Callable[[str], None]
"""Shows one message to the person at the terminal."""


class Supervisor:
    """Owns every process of a local run. Create, `start`, `watch` and always `stop` it, on the main thread."""

    def __init__(self, options: Options, report: Report, progress: Progress | None = None) -> None:
        self._options = options
        self._report = report
        self._data = options.data.resolve()
        ports, data = options.ports, self._data
        self._servers: list[LocalServer] = []
        if not options.kafka:
            self._servers.append(Kafka(data / "kafka", ports.kafka, ports.kafka_controller, progress=progress))
        if not options.postgres:
            self._servers.append(Postgres(data / "postgres", ports.postgres))
        self._mailbox: SmtpMailbox | None = None
        self._services: dict[str, ServiceProcess] = {}
        self._client = httpx.AsyncClient(timeout=2, trust_env=False)
        self._record: RunRecord | None = None

    @property
    def record(self) -> RunRecord:
        """Ports, addresses and process ids; available once `start` has begun."""
        if self._record is None:
            raise RuntimeError("the supervisor was not started")
        return self._record

    async def start(self) -> None:
        """Return once all six services are ready. Raises PortTaken, StartError, FetchError, MigrationError."""
        await asyncio.to_thread(self._stop_leftovers)
        self._options.ports.require_free(kafka=not self._options.kafka, postgres=not self._options.postgres)
        self._data.mkdir(parents=True, exist_ok=True)
        (self._data / "logs").mkdir(exist_ok=True)
        remove_pause_files(self._data)
        identity = identity_of(self._options)
        self._record = new_run_record(self._options, identity)
        for name, entry in self.record.services.items():
            service = ServiceProcess(name, entry.environment, self._data / "logs" / f"{name}.log")
            self._services[name] = service
        loading = asyncio.create_task(asyncio.to_thread(self._load_services))
        try:
            await self._start_servers()
        finally:
            await loading
        self._mailbox = SmtpMailbox(self.record.smtp.maildir, self.record.smtp.port)
        await self._mailbox.start()
        self.record.smtp.pid = os.getpid()
        await self._migrate(identity)
        for service in self._services.values():
            service.begin()
        self._save()
        await self._wait_for_services()

    async def watch(self, stopped: asyncio.Event) -> None:
        """Restart and report every process that dies, until `stopped` is set."""
        while not stopped.is_set():
            await self._restart_dead_servers()
            await self._check_services()
            try:
                await asyncio.wait_for(stopped.wait(), _CHECK_SECONDS)
            except TimeoutError:
                continue

    async def stop(self, hurry: asyncio.Event | None = None) -> None:
        """Stop the services first (within 15 s, or at once when `hurry` is set), then mailbox, Kafka and Postgres."""
        for service in self._services.values():
            service.request_stop()
        deadline = time.monotonic() + GRACE_SECONDS
        while any(service.pid for service in self._services.values()):
            if time.monotonic() > deadline or (hurry is not None and hurry.is_set()):
                break
            await asyncio.sleep(0.05)
        for service in self._services.values():
            if service.pid is not None:
                self._report(
                    f"{service.name} did not stop in time and was killed. Its work continues at the next start."
                )
                service.kill()
        if self._mailbox is not None:
            await self._mailbox.stop()
        for server in self._servers:
            await asyncio.to_thread(server.stop)
        await self._client.aclose()
        if self._record is not None:
            self._record.pid = self._record.smtp.pid = None
            for entry in self._record.services.values():
                entry.state = "stopped"
            self._save()

    # Starting

    def _stop_leftovers(self) -> None:
        """Stop what a killed `leadflow up` has left. Its children end without this too, but not at once."""
        try:
            earlier = RunRecord.load(self._data)
        except NotRunning:
            return
        for name, entry in earlier.services.items():
            if entry.pid is not None:
                stop_if_marked(entry.pid, f"services run {name}", signal.SIGTERM, GRACE_SECONDS)
        for server in self._servers:
            server.stop_leftover()

    def _load_services(self) -> None:
        """Launch the services, which load their code while Kafka and Postgres start."""
        for service in self._services.values():
            service.launch(preload=True)

    async def _start_servers(self) -> None:
        if self._servers:
            self._report(f"Starting {' and '.join(server.name for server in self._servers)} ...")
        await asyncio.gather(*(asyncio.to_thread(server.prepare) for server in self._servers))
        for server in self._servers:
            server.launch()
        self._save()
        await asyncio.gather(*(asyncio.to_thread(server.wait) for server in self._servers))

    async def _migrate(self, identity: Identity) -> None:
        self._report("Migrating the databases and creating missing topics ...")
        admin = self.record.postgres.url

        async def each_database() -> None:
            for name in SERVICES:
                password = identity.database_password(databases.database_name(name))
                await migrate.prepare_database(admin, name, password)

        kafka = messaging.Kafka(self.record.kafka.bootstrap)
        await asyncio.gather(each_database(), topics.create_topics(kafka, LOCAL_PARTITIONS))

    async def _wait_for_services(self) -> None:
        self._report("Starting the services ...")
        begun, reported = time.monotonic(), False
        while waiting := [name for name, entry in self.record.services.items() if entry.state != "ready"]:
            await self._restart_dead_servers()
            await self._check_services()
            if not reported and time.monotonic() - begun > _SLOW_START_SECONDS:
                reported = True
                self._report(f"Not ready yet: {', '.join(waiting)}. Their logs are in {self._data / 'logs'}.")
            await asyncio.sleep(_CHECK_SECONDS)

    # Watching

    async def _check_services(self) -> None:
        """Restart services that have ended, pause those that shall be, and record the state of each."""
        changed = False
        for name, service in self._services.items():
            entry = self.record.services[name]
            before = replace(entry)
            if reason := service.notice_exit():
                entry.state = "restarting"
                self._report(
                    f"{name} {reason}. It restarts in {service.back_off:.1f} s.\n{service.error_lines}".rstrip()
                )
            service.restart_if_due()
            if pause_file(self._data, name).exists():
                if service.pause() and entry.state != "paused":
                    entry.state = "paused"
                    self._report(f"{name} is stopped while its consumer group is rewound.")
            elif service.resume():
                entry.state = "restarting"
            elif entry.state != "ready" and service.pid is not None and await self._is_ready(entry):
                entry.state = "ready"
                if before.state in ("restarting", "paused"):
                    self._report(f"{name} is back.")
            entry.pid, entry.restarts = service.pid, service.restarts
            changed |= entry != before
        if changed:
            self._save()

    async def _is_ready(self, entry: ServiceEntry) -> bool:
        try:
            return (await self._client.get(f"{entry.url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def _restart_dead_servers(self) -> None:
        for server in self._servers:
            if server.pid is not None:
                continue
            self._report(f"{server.name} died and is restarted. Its log is {server.log}.")
            try:
                await asyncio.to_thread(server.prepare)
                server.launch()
                await asyncio.to_thread(server.wait)
                self._report(f"{server.name} is back.")
            except StartError as error:
                self._report(str(error))
                await asyncio.sleep(1)
            self._save()

    def _save(self) -> None:
        pids = {server.name: server.pid for server in self._servers}
        self.record.kafka.pid, self.record.postgres.pid = pids.get(Kafka.name), pids.get(Postgres.name)
        for name, service in self._services.items():
            self.record.services[name].pid = service.pid
        self.record.save(self._data)
