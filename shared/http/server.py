"""Serves an application by uvicorn, with a limit on the time that a connection may take to send its headers."""

import asyncio
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.limits import HEADER_SECONDS, KEEP_ALIVE_SECONDS


class _TimedProtocol(HttpToolsProtocol):
    """Closes a connection whose next request line and headers do not arrive in time. Uvicorn has no such limit."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_timer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timer()

    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def configuration(application: FastAPI, host: str, port: int, grace_seconds: float) -> uvicorn.Config:
    """How every service is served."""
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        http=_TimedProtocol,
        loop="uvloop",
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(grace_seconds),
    )


class DrainingServer(uvicorn.Server):
    """At the first SIGTERM or SIGINT calls `drain`, and serves on for `drain_seconds` before it stops.

    Proxies and Kubernetes' endpoints learn late that a process stops: what they still send is answered. A second signal
    stops at once.
    """

    def __init__(self, config: uvicorn.Config, drain: Callable[[], None], drain_seconds: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._drain_seconds = drain_seconds
        self._draining = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._draining or not self._drain_seconds:
            super().handle_exit(sig, frame)
            return
        self._draining = True
        # A signal handler runs between any two instructions: the loop does the work.
        asyncio.get_event_loop().call_soon_threadsafe(self._begin, sig, frame)

    def _begin(self, sig: int, frame: FrameType | None) -> None:
        self._drain()
        asyncio.get_running_loop().call_later(self._drain_seconds, super().handle_exit, sig, frame)


def serve(
    application: FastAPI, host: str, port: int, grace_seconds: float, drain: Callable[[], None], drain_seconds: float
) -> None:
    """Serve until SIGTERM or SIGINT; then drain for `drain_seconds`, and finish within `grace_seconds`."""
    DrainingServer(configuration(application, host, port, grace_seconds), drain, drain_seconds).run()
