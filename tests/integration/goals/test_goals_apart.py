"""The parts of the service in processes of their own, as on Kubernetes: closing waits for what the consumers read."""

from datetime import UTC, datetime, timedelta

from tests.integration.goals.builders import path_of_a_goal, qualified


async def over(run, tenant, moment):
    """Whether a moment has passed on the database's clock."""
    async with run.database.tenant(tenant) as work:
        return work.now > moment


async def test_a_period_is_closed_once_the_consumers_of_another_process_have_read_its_events(
    own_goals, tenant, publish, bus, eventually
):
    api = await own_goals.start(only="api")
    await own_goals.start(only="workers", close_after_seconds=0.1)
    now = datetime.now(UTC)
    end = now + timedelta(seconds=1)
    async with api.client(tenant) as client:
        ends = {"from": (now - timedelta(hours=1)).isoformat(), "to": end.isoformat()}
        path = await path_of_a_goal(client, period="custom", **ends)
        publish(*qualified(0, now), *qualified(1, now))
        await eventually(lambda: over(api, tenant, end + timedelta(seconds=3)))
        assert (await client.get(f"{path}/reports")).json()["items"] == []
        renamed = await client.patch(path, json={"name": "another"})
        assert renamed.status_code == 200, renamed.text
        refused = await client.patch(path, json={"target": 1})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5"), refused.text
        assert "not counted yet" in refused.json()["detail"]

        await own_goals.start(only="consumers")

        async def reports():
            return (await client.get(f"{path}/reports")).json()["items"]

        (report,) = await eventually(reports, within=60)
        assert (report["value"], report["target"], report["restated"]) == (2, 2, None)
        assert report["achieved_on"] is not None
        (achieved,) = await bus.read("goal.achieved", tenant=tenant)
        assert achieved.data["current_value"] == 2
        assert (await client.patch(path, json={"target": 1})).status_code == 200
