"""Addresses that a service gives of itself, also where a proxy puts it below a path and takes that path off again."""

from posixpath import dirname, relpath
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def relative(here: str, path: str) -> str:
    """A reference from `here`, the path of a request, to another path of the service (RFC 3986, 4.2)."""
    return relpath(path, dirname(here))


class Locations:
    """Makes the header Location relative to the request (RFC 9110, 10.2.2) where the public address has a path.

    Without one it stays an absolute path. Relative, and not with the public path before it, because then it is right
    as well for those who call the service directly.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        self._is_below_a_path = urlsplit(public_url).path.strip("/") != ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._is_below_a_path:
            await self._app(scope, receive, send)
            return

        async def relatively(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (name, _relative_location(scope["path"], value) if name == b"location" else value)
                    for name, value in message["headers"]
                ]
            await send(message)

        await self._app(scope, receive, relatively)


def _relative_location(here: str, value: bytes) -> bytes:
    """A path of this service, relative; any other address as it is."""
    if not value.startswith(b"/") or value.startswith(b"//"):
        return value
    return relative(here, value.decode("latin-1")).encode("latin-1")
