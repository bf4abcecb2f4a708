"""A defect of our own in a request: one line in the log with the place, and a 500 that ends the connection."""

import traceback

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import problem

log = structlog.get_logger()


class Defects:
    """Answers 500 for whatever no handler of errors knows. The connection closes: its state is not known either."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if started:  # too late for an answer: the server logs it, and breaks the connection off
                raise
            log.error("http.defect", path=scope["path"], place=place_of(error), exc_info=error)
            detail = "something went wrong here; it was logged"
            await problem(500, "Internal error", detail, headers={"Connection": "close"})(scope, receive, send)


def place_of(error: BaseException) -> str:
    """`file:line in function`, where the error was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else "unknown"
