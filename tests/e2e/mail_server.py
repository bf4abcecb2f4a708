"""The tenant's mail server: what is sent to it by SMTP lies in an IMAP folder, where Leadflow reads it."""

import imaplib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiosmtpd.controller import Controller

from deploy.local.ports import free_port

TENANT, USER, PASSWORD = "talk", "sales", "secret"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Its ports on 127.0.0.1."""

    smtp_port: int
    imap_port: int

    @property
    def accounts(self) -> str:
        """The setting `LEADFLOW_OUTREACH_IMAP_ACCOUNTS` with which Leadflow reads it."""
        account = {"name": "talk", "tenant": TENANT, "host": "127.0.0.1", "port": self.imap_port, "security": "none"}
        return json.dumps([account | {"user": USER, "password": PASSWORD}])


class _Deliver:
    """Puts each mail that arrives by SMTP into the IMAP folder."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        with imaplib.IMAP4("127.0.0.1", self._port, timeout=10) as client:
            client.login(USER, PASSWORD)
            client.append("INBOX", "", None, envelope.content)
        return "250 kept"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """pymap for IMAP and aiosmtpd for SMTP."""
    imap_port, smtp_port = free_port(), free_port()
    program = [sys.executable, "-c", "from pymap.main import main; main()", "--no-tls", "--host", "127.0.0.1"]
    program += ["--port", str(imap_port), "dict", "--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    smtp = Controller(_Deliver(imap_port), hostname="127.0.0.1", port=smtp_port)
    try:
        _wait_for(imap_port)
        smtp.start()
        yield MailServer(smtp_port, imap_port)
    finally:
        if smtp.server is not None:
            smtp.stop()
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            imaplib.IMAP4("127.0.0.1", port, timeout=5).logout()
            return
        except OSError:
            assert time.monotonic() < deadline, "the IMAP server does not start"
            time.sleep(0.1)
