"""SQL is written in stores and migrations only, and a store never widens the tenants that it may write."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.architecture.tree import sources

STATEMENT = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+(\w+\s+)?SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s|LOCK\s+TABLE\s"
    r"|(CREATE|ALTER|DROP|TRUNCATE)\s+(TABLE|INDEX|ROLE|DATABASE|FUNCTION|TRIGGER|POLICY)\s|GRANT\s|REVOKE\s)"
)
PLACES = ("store", "migrations")
"""Where a file or a folder of this name is, SQL may be written."""
BESIDES = {
    "shared/db/columns.py": "builds whole-row inserts for the stores",
    "shared/db/database.py": "opens the transaction: its time, its tenants, its lock",
    "deploy/databases.py": "creates databases and logins, as the administrator",
    "deploy/local/postgres.py": "gives the superuser a password before the server listens",
}


def texts(module: ast.Module) -> Iterator[ast.Constant]:
    """The text constants of a module, the parts of f-strings too, but no docstrings."""
    documentation = {
        id(node.value)
        for parent in ast.walk(module)
        if isinstance(parent, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for node in parent.body
        if isinstance(node, ast.Expr)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node


def misplaced(modules: Iterable[tuple[Path, ast.Module]]) -> list[str]:
    """`file:line` of each SQL statement outside of stores and migrations."""
    return sorted(
        f"{path.as_posix()}:{node.lineno}"
        for path, module in modules
        if path.as_posix() not in BESIDES and not any(part.removesuffix(".py") in PLACES for part in path.parts)
        for node in texts(module)
        if STATEMENT.match(str(node.value))
    )


def widening(modules: Iterable[tuple[Path, ast.Module]]) -> list[str]:
    """`file:line` of each text in a store that sets the tenants of its own transaction."""
    return [
        f"{path.as_posix()}:{node.lineno}"
        for path, module in modules
        if "migrations" not in path.parts and path.as_posix() not in BESIDES
        for node in texts(module)
        if re.search(r"set_config\(\s*'leadflow\.tenant", str(node.value))
    ]


def test_sql_is_written_in_stores_and_migrations_only() -> None:
    assert misplaced(sources()) == []


def test_a_planted_statement_is_found() -> None:
    planted = ast.parse('await work.run(f"UPDATE lead SET {name} = 1")\nrow = "WITH a AS (SELECT 1) SELECT * FROM a"')
    assert misplaced([(Path("services/goals/use_cases/goals.py"), planted)]) == [
        "services/goals/use_cases/goals.py:1",
        "services/goals/use_cases/goals.py:2",
    ]
    assert misplaced([(Path("services/goals/store/goals.py"), planted)]) == []
    assert misplaced([(Path("a.py"), ast.parse('"""UPDATE lead SET x"""\nx = "Select a lead, or update one."'))]) == []


def test_a_store_never_widens_its_own_tenants() -> None:
    assert widening(sources()) == []
    planted = ast.parse("await work.run(\"SELECT set_config('leadflow.tenants', :t, true)\", t=t)")
    assert widening([(Path("services/goals/store/goals.py"), planted)]) == ["services/goals/store/goals.py:1"]
