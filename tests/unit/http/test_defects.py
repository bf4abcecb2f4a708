import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from structlog.testing import capture_logs

from shared.http import problems, server
from shared.http.defects import Defects
from tests.serving import serving


def an_app() -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(Defects)

    @app.get("/defect")
    async def defect() -> None:
        raise ZeroDivisionError

    @app.get("/torn")
    async def torn() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a part"
            await asyncio.sleep(0)
            raise ZeroDivisionError

        return StreamingResponse(parts())

    return app


async def test_a_defect_is_one_line_with_its_place_and_a_500_that_ends_the_connection() -> None:
    transport = httpx.ASGITransport(an_app())
    with capture_logs() as logs:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.get("/defect")
    assert (answer.status_code, answer.headers["connection"]) == (500, "close")
    assert answer.json()["title"] == "Internal error"
    (line,) = logs
    assert line["event"] == "http.defect"
    assert line["place"].startswith(f"{__file__}:")
    assert line["place"].endswith(" in defect")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    running = uvicorn.Server(server.configuration(an_app(), "127.0.0.1", 0, 1))
    async with serving(running):
        yield running.servers[0].sockets[0].getsockname()[1]


async def answer_of(port: int, path: str) -> bytes:
    """All that the server sends until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


async def test_the_connection_of_a_defect_is_really_closed(port: int) -> None:
    assert (await answer_of(port, "/defect")).startswith(b"HTTP/1.1 500 ")


async def test_an_answer_that_has_begun_is_broken_off(port: int) -> None:
    answer = await answer_of(port, "/torn")
    assert b"a part" in answer
    assert not answer.endswith(b"0\r\n\r\n")
