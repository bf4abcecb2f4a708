"""The part of the demo that follows up by itself: a sequence with delays of seconds, through outreach's public API."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.client import http_client
from cli.demo.steps import all_items
from cli.errors import Refused

_CLOSING = "\n\nBest regards\n{{ sender }}"
_GREETING = 'Hi {{ first_name | default("there") }},\n\n'
SEQUENCE: Mapping[str, Any] = {
    "name": "After the fair (demo, in seconds)",
    "steps": [
        {
            "delay": "PT0S",
            "template": True,
            "subject": "Good to meet you at the fair",
            "body": f"{_GREETING}You asked about our prices. Shall I send them?{_CLOSING}",
        },
        {
            "delay": "PT12S",
            "template": True,
            "subject": "Our prices",
            "body": f"{_GREETING}Is this a topic for you now, or rather later in the year?{_CLOSING}",
        },
        {
            "delay": "PT12S",
            "template": True,
            "subject": "Closing my notes",
            "body": f"{_GREETING}I will not write again for now. An answer always reaches me.{_CLOSING}",
        },
    ],
}


def start(data: Path, tenant: str, lead_id: str) -> dict[str, Any]:
    """Write the demo's sequence once, approve its templates as a reviewer, enrol the lead; the enrolment."""
    with http_client(data, "outreach", tenant, "admin") as http:
        items = all_items(http, "/v1/sequences")
        sequence = next((item for item in items if item["name"] == SEQUENCE["name"]), None)
        if sequence is None:
            sequence = http.post("/v1/sequences", json=SEQUENCE).raise_for_status().json()
    hashes = [step["template_sha256"] for step in sequence["steps"]]
    with http_client(data, "outreach", tenant, "reviewer") as http:
        url = f"/v1/sequences/{sequence['sequence_id']}"
        http.post(f"{url}/activate", json={"template_sha256s": hashes}).raise_for_status()
        answer = http.post(f"{url}/enrolments", json={"lead_id": lead_id})
        if answer.status_code == 409:
            raise Refused(str(answer.json()["detail"]))
        enrolment: dict[str, Any] = answer.raise_for_status().json()
        return enrolment


def newest(data: Path, tenant: str, lead_id: str) -> dict[str, Any]:
    """The lead's newest enrolment, with its steps and its history. Raises Refused."""
    with http_client(data, "outreach", tenant, "viewer") as http:
        items = http.get(f"/v1/leads/{lead_id}/enrolments").raise_for_status().json()["items"]
        if not items:
            raise Refused("the lead was never enrolled in a sequence")
        enrolment: dict[str, Any] = http.get(f"/v1/enrolments/{items[0]['enrolment_id']}").raise_for_status().json()
        return enrolment


def resume(data: Path, tenant: str, lead_id: str) -> dict[str, Any]:
    """Go on with the lead's paused enrolment; the enrolment."""
    enrolment_id = newest(data, tenant, lead_id)["enrolment_id"]
    with http_client(data, "outreach", tenant, "reviewer") as http:
        body = {"note": "the lead is back"}
        answer = http.post(f"/v1/enrolments/{enrolment_id}/resume", json=body)
        enrolment: dict[str, Any] = answer.raise_for_status().json()
        return enrolment


def described(enrolment: Mapping[str, Any]) -> list[str]:
    """An enrolment in lines for people: how it stands, what became of its steps, what happened besides."""
    state = " ".join(filter(None, (enrolment["state"], enrolment["reason"] and f"({enrolment['reason']})")))
    lines = [f"enrolment {enrolment['enrolment_id']}: {state}"]
    if enrolment["next_at"]:
        lines.append(f"  next: step {enrolment['step']} at {enrolment['next_at'][:19]} ({enrolment['why']})")
    for step in enrolment["steps"]:
        lines.append(
            f"  step {step['step']} by {step['channel'] or '-'}: {step['state']} {step['reason'] or ''}".rstrip()
        )
    for change in enrolment["history"]:
        text = change["note"] or change["detail"] or ""
        lines.append(f"  {change['at'][:19]}  {change['change']:9} {change['actor']:24} {text}".rstrip())
    return lines
