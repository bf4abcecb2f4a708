"""A real Chromium, driven over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import websockets

MISSING = "These tests need Chromium: `apt-get install chromium`, or LEADFLOW_CHROMIUM with a browser of its kind."


class ProtocolError(Exception):
    """The browser refuses a call: often because the page has just become another one."""


class Tab:
    """One page. Elements are named by CSS selectors."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._number = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of one call of the protocol; events that arrive meanwhile are passed over."""
        self._number += 1
        await self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(await asyncio.wait_for(self._connection.recv(), 60))
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise ProtocolError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    async def without_javascript(self) -> None:
        await self.call("Emulation.setScriptExecutionDisabled", value=True)

    async def open(self, url: str, *, until: str) -> None:
        await self.call("Page.navigate", url=url)
        await self.wait_for(until)

    async def text(self) -> str:
        """The source of the page as it is now; "" while one page takes the place of another."""
        try:
            root = (await self.call("DOM.getDocument", depth=-1))["root"]["nodeId"]
            html: str = (await self.call("DOM.getOuterHTML", nodeId=root))["outerHTML"]
        except ProtocolError:
            return ""
        return html

    async def wait_for(self, text: str) -> str:
        """The page, once this text is in it."""
        deadline = time.monotonic() + 60
        while text not in (page := await self.text()):
            assert time.monotonic() < deadline, f"there is no {text!r} in {page}"
            await asyncio.sleep(0.05)
        return page

    async def _node(self, selector: str) -> int:
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        node: int = (await self.call("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        assert node, f"the page has no {selector}"
        return node

    async def type(self, selector: str, text: str) -> None:
        """Type into a field, as a person does."""
        await self.call("DOM.focus", nodeId=await self._node(selector))
        await self.call("Input.insertText", text=text)

    async def click(self, selector: str) -> None:
        node = await self._node(selector)
        await self.call("DOM.scrollIntoViewIfNeeded", nodeId=node)
        quad = (await self.call("DOM.getBoxModel", nodeId=node))["model"]["content"]
        at = {"x": (quad[0] + quad[4]) / 2, "y": (quad[1] + quad[5]) / 2, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, **at)

    async def is_shown(self, selector: str) -> bool:
        """Whether an element is inside of the window, where a person can see it."""
        quad = (await self.call("DOM.getBoxModel", nodeId=await self._node(selector)))["model"]["content"]
        return bool(quad[4] > 0 and quad[5] > 0)


@asynccontextmanager
async def tab() -> AsyncIterator[Tab]:
    """A new tab of a new browser, which has never been anywhere."""
    program = os.environ.get("LEADFLOW_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert program, MISSING
    with TemporaryDirectory(prefix="leadflow-browser-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            address = await asyncio.to_thread(_address, Path(profile) / "DevToolsActivePort", process)
            async with httpx.AsyncClient() as client:
                opened = (await client.put(f"http://{address}/json/new?about:blank")).json()
            async with websockets.connect(opened["webSocketDebuggerUrl"], max_size=None) as connection:
                made = Tab(connection)
                await made.call("DOM.enable")
                yield made
        finally:
            process.terminate()
            await process.wait()


def _address(file: Path, process: asyncio.subprocess.Process) -> str:
    """Where the browser listens, which it writes into its profile."""
    deadline = time.monotonic() + 90
    while True:
        lines = file.read_text().splitlines() if file.exists() else []
        if lines:
            return f"127.0.0.1:{lines[0]}"
        assert process.returncode is None and time.monotonic() < deadline, "Chromium does not start"
        time.sleep(0.05)
