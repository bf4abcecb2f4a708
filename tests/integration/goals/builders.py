"""What many tests of goals begin with: a goal, and a lead that it counts."""

from datetime import UTC, datetime

from tests.unit.goals.builders import captured, moved


async def a_goal(client, **fields):
    """A new goal as the API shows it: of two qualified leads a week, unless `fields` say otherwise."""
    answer = await client.post("/v1/goals", json={"name": "g", "target": 2, "period": "week", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def path_of_a_goal(client, **fields):
    """The path of such a goal."""
    return f"/v1/goals/{(await a_goal(client, **fields))['goal_id']}"


def qualified(number, at=None, *, owner=None, **details):
    """The events of a lead that qualified at once, now by default. `owner` is the journey's; capture has `details`."""
    at = at or datetime.now(UTC)
    move = moved(number, "qualified", created=at, qualified=at, time=at, owner=owner)
    return captured(number, created=at, **details), move
