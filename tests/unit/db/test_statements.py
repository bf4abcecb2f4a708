"""How a statement with named parameters becomes one for the driver."""

import pytest

from shared.db.statements import array_text, positional


@pytest.mark.parametrize(
    ("statement", "text", "names"),
    [
        ("SELECT :a, :b", "SELECT $1, $2", ("a", "b")),
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT CAST(:ids AS uuid[])", "SELECT CAST($1 AS uuid[])", ("ids",)),
        ("SELECT now()::date, :day", "SELECT now()::date, $1", ("day",)),
        ("SELECT path[1:2], to_char(at, 'HH24:MI')", "SELECT path[1:2], to_char(at, 'HH24:MI')", ()),
    ],
)
def test_each_name_has_one_number(statement: str, text: str, names: tuple[str, ...]) -> None:
    assert positional(statement) == (text, names)


def test_an_array_is_text_that_postgresql_reads() -> None:
    assert array_text(["a", "", 'say "b"', "c\\d", "e,f"]) == r"""{"a","","say \"b\"","c\\d","e,f"}"""
