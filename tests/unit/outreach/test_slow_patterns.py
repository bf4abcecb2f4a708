"""No pattern of the service takes a time that grows with the square of a text. Patterns are found by introspection.

Python's engine tells no steps, so it is the growth that counts: each pattern is searched in marks and in its own words,
repeated, at two sizes. In a text four times as long a linear search takes four times as long, a quadratic one sixteen
times; both are on the same machine at the same moment.
"""

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import services.outreach

ROOT = Path(__file__).parents[3]
MARKS = [
    " ",
    "-",
    "_",
    "1.2.",
    "3 may 2020 ",
    "(",
    "[",
    "<",
    ">",
    "&",
    "\n",
    "=",
    '"',
    "'",
    "a",
    "aaaa ",
    ".",
    ",",
    "@",
]
MARKS += ["a@", "a.", "a@b.", "<a", "&a", "1", "12 ", "1/", "=20", "你", "a, a, ", "a:", "/", "\t", "*"]
SMALL, GROWTH = 1_500, 4
LINEAR, QUADRATIC = GROWTH, GROWTH**2
LIMIT = (LINEAR + QUADRATIC) / 2
LONG_ENOUGH = 0.0008
"""Seconds below which a search of the larger size is fast, whatever the rate at which it grows."""
SECONDS = 120


def patterns_in(value: object, depth: int = 0) -> Iterator[re.Pattern[str]]:
    """The patterns of a module's attribute, in tuples, lists, sets and dicts too."""
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, dict) and depth < 4:
        yield from patterns_in(list(value.values()), depth + 1)
    elif isinstance(value, (list, tuple, set, frozenset)) and depth < 4:
        for each in value:
            yield from patterns_in(each, depth + 1)


def patterns_of(package: object) -> dict[str, re.Pattern[str]]:
    """Each pattern of each module below a package, by where it stands."""
    found: dict[str, re.Pattern[str]] = {}
    seen: set[re.Pattern[str]] = set()
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".migrations" in module.name:
            continue
        loaded = importlib.import_module(module.name)
        for name, value in {
            **vars(loaded),
            "inline": list(inline_patterns(Path(str(loaded.__file__)).read_text())),
        }.items():
            for index, pattern in enumerate(patterns_in(value)):
                if pattern not in seen:
                    seen.add(pattern)
                    found[f"{module.name}.{name}[{index}]"] = pattern
    return found


def inline_patterns(source: str) -> Iterator[re.Pattern[str]]:
    """The patterns that stand where they are used: `re.sub("...", ...)`."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            yield re.compile(node.args[0].value)


def own_words(pattern: re.Pattern[str]) -> list[str]:
    """Some words of a pattern itself: a repeated word of its own gets it furthest."""
    words = dict.fromkeys(word for word in re.findall(r"[^\W\d_]{2,20}", re.sub(r"\\[A-Za-z]", " ", pattern.pattern)))
    return [f"{word} " for word in list(words)[:: max(1, len(words) // 12)]]


def seconds(pattern: re.Pattern[str], text: str) -> float:
    start = time.thread_time()
    pattern.search(text)
    return time.thread_time() - start


def grows(pattern: re.Pattern[str], unit: str) -> bool:
    """Whether a search takes much more than GROWTH times longer in a text that is GROWTH times longer, four times in
    a row; not where it is fast in the longer one."""
    small, large = ((unit * size)[:size] for size in (SMALL, GROWTH * SMALL))
    for _ in range(4):
        taken = seconds(pattern, large)
        if taken < LONG_ENOUGH or taken <= LIMIT * seconds(pattern, small):
            return False
    return True


def slow(patterns: dict[str, re.Pattern[str]]) -> dict[str, str]:
    """The patterns whose time grows faster than the text, each with what it was searched in."""
    return {
        name: unit
        for name, pattern in patterns.items()
        for unit in (*MARKS, *own_words(pattern))
        if grows(pattern, unit)
    }


def test_no_pattern_of_the_service_is_quadratic():
    # In a process of its own, because a search cannot be interrupted.
    code = f"import json; from {__name__} import *; print(json.dumps(slow(patterns_of(services.outreach))))"
    command = [sys.executable, "-c", code.replace(__name__, "tests.unit.outreach.test_slow_patterns")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=True)
    assert json.loads(done.stdout) == {}


def test_the_patterns_of_the_rules_are_found_by_introspection():
    names = patterns_of(services.outreach)
    for part in ("replies.rules.opt_outs", "replies.rules.new_text", "replies.rules.date_patterns", "sending.message"):
        assert any(f".{part}." in name for name in names)
    assert len(names) > 100


def test_patterns_in_tables_are_found_too():
    assert [each.pattern for each in inline_patterns('re.sub("a+", "", "b")')] == ["a+"]
    assert len(list(patterns_in({"a": [(re.compile("1"), "x")], "b": (re.compile("2"),)}))) == 2


def test_a_quadratic_pattern_is_recognised():
    assert "bad" in slow({"bad": re.compile(r"\w*-\w*-!")}) and "bad" in slow({"bad": re.compile(r"\s+x")})
    assert slow({"good": re.compile(r"\s{0,20}x")}) == {}
