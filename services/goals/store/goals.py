"""Goals as they are defined now."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.goals.tables import GoalRow
from shared.db import Row, UnitOfWork
from shared.db.columns import column_types

_COLUMNS = tuple(column_types(GoalRow))
_FIXED = ("tenant_id", "goal_id", "version", "created_on", "created_by")
_CHANGEABLE = [name for name in _COLUMNS if name not in _FIXED]


async def add_goal(work: UnitOfWork, goal: Mapping[str, Any]) -> None:
    """Store a new goal: all columns of the table but `version`, which begins at 1."""
    await work.run(
        f"INSERT INTO goal ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})",
        **{**goal, "version": 1},
    )


async def change_goal(work: UnitOfWork, goal: Mapping[str, Any]) -> None:
    """Store a changed goal under the next version."""
    await work.run(
        f"""
        UPDATE goal SET {", ".join(f"{name} = :{name}" for name in _CHANGEABLE)}, version = version + 1
        WHERE tenant_id = :tenant_id AND goal_id = :goal_id
        """,
        tenant_id=goal["tenant_id"],
        goal_id=goal["goal_id"],
        **{name: goal[name] for name in _CHANGEABLE},
    )


async def find_goal(work: UnitOfWork, tenant: str, goal_id: UUID, *, lock: bool = False) -> Row | None:
    return await work.fetch_one(
        f"SELECT * FROM goal WHERE tenant_id = :tenant AND goal_id = :goal {'FOR UPDATE' if lock else ''}",
        tenant=tenant,
        goal=goal_id,
    )


async def list_goals(work: UnitOfWork, tenant: str, *, after: UUID | None, limit: int) -> list[Row]:
    """Goals in the order of their creation."""
    return list(
        await work.fetch(
            """
            SELECT * FROM goal WHERE tenant_id = :tenant AND goal_id > :after ORDER BY goal_id LIMIT :limit
            """,
            tenant=tenant,
            after=after or UUID(int=0),
            limit=limit,
        )
    )
