"""What the tests of inbound webhooks share: a mail of bytes that are no text, the request, and what was stored."""

import base64
from typing import Any

import httpx

RAW = b"From: ada@lead.example\r\nSubject: \xff\xfe\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xfc\xdfe, Goats.\r\n"


async def post(office: Any, provider: str, tenant: str, **request: Any) -> httpx.Response:
    async with office.run.client() as http:
        return await http.post(f"/v1/inbound/{provider}", params={"tenant": tenant}, **request)


async def stored(office: Any, tenant: str) -> list[bytes]:
    async with office.database.worker() as work:
        rows = await work.fetch("SELECT raw FROM inbound_mail WHERE tenant_id = :t ORDER BY mail_id", t=tenant)
    return [bytes(row["raw"]) for row in rows]


def basic(login: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
