"""The whole system as processes, started by `leadflow up`."""

from collections.abc import Iterator

import pytest

from shared.testing.bus import Bus
from tests.e2e import mail_server as mail_servers
from tests.local_run import LocalRun, local_run


@pytest.fixture(scope="package")
def mail_server() -> Iterator[mail_servers.MailServer]:
    """A mail server with SMTP and IMAP, whose mails the system reads."""
    with mail_servers.mail_server() as server:
        yield server


@pytest.fixture(scope="package")
def system(mail_server: mail_servers.MailServer) -> Iterator[LocalRun]:
    """One `leadflow up` for all tests of this folder."""
    with local_run() as run, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADFLOW_OUTREACH_IMAP_ACCOUNTS", mail_server.accounts)
        run.up(90)
        yield run


@pytest.fixture(scope="package")
def bus(system: LocalRun) -> Iterator[Bus]:
    """Another system that uses the same Kafka."""
    bus = Bus(system.record.kafka.bootstrap)
    yield bus
    bus.close()
