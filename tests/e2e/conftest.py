"""The whole system as processes, started by the command that people start it with."""

from collections.abc import Iterator

import pytest

from shared.testing.bus import Bus
from tests.local_run import LocalRun, local_run


@pytest.fixture(scope="package")
def system() -> Iterator[LocalRun]:
    """`leadflow up` on a folder of its own."""
    with local_run() as run:
        run.up(90)
        yield run


@pytest.fixture(scope="package")
def bus(system: LocalRun) -> Iterator[Bus]:
    """Another system on its Kafka."""
    bus = Bus(system.run.kafka.bootstrap)
    yield bus
    bus.close()
