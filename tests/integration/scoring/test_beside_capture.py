"""A lead is processed by capture, enrichment and scoring together."""

from typing import Any


async def test_a_lead_posted_to_capture_is_enriched_and_scored(
    start: Any, bus: Any, tenant: str, eventually: Any
) -> None:
    capture, _, scoring = [await start(name) for name in ("capture", "enrichment", "scoring")]
    lead = {
        "source": "website",
        "email": "eva.kern@acme-tools.de",
        "phone": "+491701234567",
        "company": "Acme Tools GmbH",
        "job_title": "Leiterin Einkauf",
    }
    async with capture.client(tenant, "operator") as client:
        answer = await client.post("/v1/leads", json=lead)
        assert answer.status_code == 201
        lead_id = answer.json()["lead_id"]
        engaged = await client.post(
            "/v1/engagements", json={"lead_id": lead_id, "kind": "form", "page": "/demo", "properties": {"seats": 20}}
        )
        assert engaged.is_success, engaged.text
    async with scoring.client(tenant, "viewer") as client:

        async def scored() -> Any:
            body = (await client.get(f"/v1/leads/{lead_id}/score")).json()
            return body if body.get("total") == 69 else None

        score = await eventually(scored)
        assert (score["fit"], score["intent"], score["engagement"], score["band"]) == (37, 26, 6, "B")
    seen = await bus.read("lead.scored", tenant=tenant, where=lambda s: s.data["total"] == 69)
    assert seen[-1].headers["ce_correlationid"]
