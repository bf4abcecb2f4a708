"""The limit of a request's body, counted while it streams in, so that no request can fill the memory."""

import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import TooLarge
from shared.http.problems import problem
from shared.limits import MAX_BODY_BYTES


class BodyLimit:
    """413 for a body over 10 MB, except on the paths that stream (imports)."""

    def __init__(self, app: ASGIApp, *, streaming: list[re.Pattern[str]]) -> None:
        self.app = app
        self.streaming = streaming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or any(pattern.fullmatch(scope["path"]) for pattern in self.streaming):
            await self.app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
            refusal = problem(413, TooLarge.title, f"a body may have {MAX_BODY_BYTES} bytes", kind="too-large")
            await refusal(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY_BYTES:
                # While a body is read, the framework lets only this kind of exception through.
                raise HTTPException(413, f"a body may have {MAX_BODY_BYTES} bytes")
            return message

        await self.app(scope, counted, send)
