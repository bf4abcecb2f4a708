"""A service as visitors see it behind the chart's routes: below a path, which the proxy takes off again."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.testing.running import Running


class BelowAPath:
    """Passes what is below `path` on, without it; there is nothing else on this host."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(f"{self._path}/"):
            await PlainTextResponse("the proxy knows no such path", 404)(scope, receive, send)
            return
        path = scope["path"].removeprefix(self._path)
        await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, send)


def outside(run: Running, path: str, like: httpx.AsyncClient | None = None) -> httpx.AsyncClient:
    """A client that reaches a service through the proxy, with the token of another client."""
    app = BelowAPath(run.app, path)
    headers = like.headers if like else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://sales.example.com", headers=headers)


class Targets(HTMLParser):
    """Where a page sends its form, and where its scripts are: addresses as a browser resolves them."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self._url = str(page.url)
        self.forms: list[str] = []
        self.scripts: list[str] = []
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(urljoin(self._url, given.get("action", "")))
        if tag == "script" and "src" in given:
            self.scripts.append(urljoin(self._url, given["src"]))


def location(answer: httpx.Response) -> str:
    """The address that an answer names (RFC 9110, 10.2.2)."""
    return urljoin(str(answer.url), answer.headers["location"])
