"""What waits for a sending window follows the clock and the window that count now."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.outreach.sequence_steps import dispatches, enrolled, take_steps, template, written
from tests.integration.outreach.test_new_settings import save

EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
NOON = {"days": EVERY_DAY, "start": "12:00", "end": "13:00"}
TOKYO, ABIDJAN = "Asia/Tokyo", "Africa/Abidjan"  # nine hours before UTC, and UTC; neither changes its clocks


def enriched(zone: str, at: datetime) -> dict:
    fact = {"value": zone, "source": "directory", "fetched_at": at.isoformat()}
    return {"facts": {"timezone": fact}, "providers": [], "complete": True, "enriched_at": at.isoformat()}


@pytest.mark.parametrize(
    "what", ["the tenant's zone", "the tenant's window", "the lead's zone", "a restated lead", "an enriched zone"]
)
async def test_what_waits_for_a_window_follows_another_clock(office, tenant, what):
    now = datetime.now(UTC)
    office.advance(seconds=(now.replace(hour=12, minute=30) - now).total_seconds() + 86_400)
    now += office.database.clock.offset
    own, enriching = what in ("the lead's zone", "a restated lead"), what == "an enriched zone"
    await save(office, tenant, window=NOON, timezone=ABIDJAN if own or enriching else TOKYO)
    email = f"ada.{tenant}@example.com"
    lead = await office.captured(tenant, email=email, **({"timezone": TOKYO} if own else {}))
    if enriching:
        await office.publish(tenant, lead, "lead.enriched", enriched(TOKYO, now))
    approved = await office.approved(tenant, lead)
    await office.send()
    await enrolled(office, tenant, await written(office, tenant, template("PT0S")), lead)
    await take_steps(office)
    assert [each["state"] for each in await dispatches(office, tenant, lead)] == ["queued"]
    match what:
        case "the tenant's zone":
            await save(office, tenant, timezone=ABIDJAN)
        case "the tenant's window":
            await save(office, tenant, window={**NOON, "start": "21:00", "end": "22:00"})
        case "an enriched zone":
            await office.publish(tenant, lead, "lead.enriched", enriched(ABIDJAN, now + timedelta(minutes=1)))
        case _:
            changed = {"changed": ["timezone"]} if what == "the lead's zone" else {}
            details = {"email": email, "first_name": "Ada", "company": "Analytical Ltd"}
            await office.updated(tenant, lead, timezone=ABIDJAN, **details, **changed)
    await office.send()
    assert (await office.dispatch(tenant, approved["dispatch_id"]))["state"] == "sent"
    await take_steps(office)
    await office.send()
    assert [each["state"] for each in await dispatches(office, tenant, lead)] == ["sent", "sent"]


async def test_an_update_of_another_field_lets_what_waits_wait(office, tenant):
    lead = await office.captured(tenant)
    await enrolled(office, tenant, await written(office, tenant, template("P3D")), lead)
    await take_steps(office)
    details = {"email": f"ada.{tenant}@example.com", "company": "Another Ltd", "changed": ["company"]}
    await office.updated(tenant, lead, **details)
    assert await take_steps(office) == 0
