"""The whole system as processes, started by `leadflow up`."""

from collections.abc import Iterator

import pytest

from shared.testing.bus import Bus
from tests.local_run import LocalRun, local_run


@pytest.fixture(scope="package")
def system() -> Iterator[LocalRun]:
    """One `leadflow up` for all tests of this folder."""
    with local_run() as run:
        run.up(90)
        yield run


@pytest.fixture(scope="package")
def bus(system: LocalRun) -> Iterator[Bus]:
    """Another system that uses the same Kafka."""
    bus = Bus(system.record.kafka.bootstrap)
    yield bus
    bus.close()
