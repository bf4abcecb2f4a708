"""Web forms in a real browser: the hosted page without JavaScript, and the snippet in a page of another origin."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import uvicorn

from services.capture.rules import form_guards
from tests.below_a_path import BelowAPath
from tests.browser.chromium import tab
from tests.serving import serving


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """An application on a free port; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        server.config.load()
        original = server.startup
        server.startup = lambda sockets=None: original(sockets=[listener])  # type: ignore[method-assign]
        async with serving(server):
            yield f"http://127.0.0.1:{port}"


async def a_form(service: Any, tenant: str, **more: Any) -> dict[str, Any]:
    fields = ["full_name", {"name": "email", "required": True}, {"name": "message", "type": "textarea"}]
    body = {"name": "Contact us", "source": "website", "fields": fields, **more}
    async with service.client(tenant, "admin") as admin:
        answer = await admin.post("/v1/forms", json=body)
    assert answer.status_code == 201, answer.text
    form: dict[str, Any] = answer.json()
    return form


async def test_the_page_is_sent_without_javascript(start: Any, bus: Any, tenant: str) -> None:
    service = await start("capture")
    consent = {"text": "You may write to me.", "required": True}
    form = await a_form(service, tenant, consent=consent)
    async with served(service.app) as address, tab() as page:
        await page.without_javascript()
        await page.open(f"{address}/v1/forms/{form['token']}", until="Contact us")
        assert not await page.is_shown(f"input[name={form['honeypot']}]")
        await page.type("input[name=full_name]", "Ada King")
        await page.type("input[name=email]", "ada@acme")  # the browser lets it pass, the service does not
        await page.click("input[name=consent]")
        await page.click("button")
        await page.wait_for('class="wrong"')
        await page.call("DOM.focus", nodeId=await page._node("input[name=email]"))
        for key in ("Home", "End"):
            await page.call("Input.dispatchKeyEvent", type="keyDown", key=key)
        await page.call("Input.dispatchKeyEvent", type="keyDown", commands=["selectAll"])
        await page.call("Input.insertText", text="ada@acme.example")
        await page.click("button")
        await page.wait_for("Thank you. We have received your details.")
    (captured,) = await bus.read("lead.captured", tenant=tenant)
    assert (captured.data["email"], captured.data["full_name"]) == ("ada@acme.example", "Ada King")
    assert captured.data["consent"]["email"] == "granted"


async def test_the_page_is_sent_behind_a_proxy_that_puts_capture_below_a_path(start: Any, tenant: str) -> None:
    service = await start("capture", public_url="https://sales.example.com/capture")
    plain, guarded = await a_form(service, tenant), await a_form(service, tenant, proof_of_work_bits=6)
    async with served(BelowAPath(service.app, "/capture")) as address, tab() as page:
        for form, button in ((plain, "<button>"), (guarded, 'class="leadflow-form"')):
            await page.open(f"{address}/capture/v1/forms/{form['token']}", until=button)
            await page.wait_for("<button>")
            await page.type("input[name=email]", "ada@acme.example")
            await page.click("button")
            await page.wait_for("Thank you. We have received your details.")


async def test_the_snippet_is_sent_from_a_page_of_another_origin(start: Any, bus: Any, tenant: str) -> None:
    service = await start("capture")
    content = b""

    async def shop(scope: Any, receive: Any, send: Any) -> None:
        """A page of the tenant's own site, with the snippet in it."""
        headers = [(b"content-type", b"text/html; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async with served(service.app) as address, served(shop) as origin, tab() as page:
        form = await a_form(service, tenant, allowed_origins=[origin], proof_of_work_bits=6, min_fill_seconds=0.1)
        snippet = form["snippet"].replace("http://capture", address)
        content = f"<!doctype html><title>Shop</title><h1>Our shop</h1>{snippet}".encode()
        await page.open(origin, until="leadflow-form")
        await page.wait_for("<button>")
        await page.type("input[name=email]", "eve@acme.example")
        await page.type("textarea[name=message]", "Call me")
        await page.click("button")
        await page.wait_for("Thank you. We have received your details.")
    (engaged,) = await bus.read("engagement.recorded", tenant=tenant)
    (captured,) = await bus.read("lead.captured", tenant=tenant)
    assert captured.data["attributes"] == {"message": "Call me"}
    assert engaged.data["url"] == f"{origin}/"


async def test_a_snippet_that_was_open_for_too_long_is_sent_without_loading_its_page_again(
    start: Any, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form_guards, "STARTED_LASTS", timedelta(seconds=3))
    service = await start("capture")
    consent = {"text": "You may write to me.", "required": True}
    form = await a_form(service, tenant, proof_of_work_bits=6, consent=consent)
    async with served(service.app) as address, tab() as page:
        await page.open(f"{address}/v1/forms/{form['token']}", until="<button>")
        await page.type("input[name=email]", "ada@acme.example")
        await page.click("input[name=consent]")
        await asyncio.sleep(4)
        await page.click("button")
        await page.wait_for("open for too long")
        await page.click("button")
        await page.wait_for("Thank you. We have received your details.")
