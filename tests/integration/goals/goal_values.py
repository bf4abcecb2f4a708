"""What a goals service answers about a tenant, in a form in which two services can be compared."""

from shared.testing.running import Running


async def goal_values(run: Running, tenant: str, goals: list[dict]) -> tuple[list, list, dict[str, int]]:
    """The value of each goal, those of its reports, and the leads in each stage; creates the goals if there are none.

    Every goal is recounted as well: its counters must agree with the records of leads.
    """
    async with run.client(tenant) as client:
        listed = (await client.get("/v1/goals")).json()["items"]
        if not listed:
            for goal in goals:
                answer = await client.post("/v1/goals", json={"name": goal["metric"], "target": 9, **goal})
                assert answer.status_code == 201, answer.text
            listed = (await client.get("/v1/goals")).json()["items"]
        values = [(goal["metric"], goal["period_start"], goal["current_value"]) for goal in listed]
        reports = []
        for goal in listed:
            items = (await client.get(f"/v1/goals/{goal['goal_id']}/reports")).json()["items"]
            reports.append([item["value"] if item["restated"] is None else item["restated"] for item in items])
            assert (await client.post(f"/v1/goals/{goal['goal_id']}/recount")).json()["equal"]
        stages = (await client.get("/v1/pipeline")).json()["stages"]
        return values, reports, {stage: number for stage, number in stages.items() if number}
