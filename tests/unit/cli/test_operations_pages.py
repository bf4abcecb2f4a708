"""The commands in docs/operations exist, with the options that the pages give them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app

PAGES = sorted((Path(__file__).resolve().parents[3] / "docs" / "operations").glob("*.md"))
_COMMAND = re.compile(r"(?:^|(?<=-- ))leadflow ((?:[a-z-]+ ?)+)([^`\n|]*)")


def commands(text: str) -> Iterator[tuple[str, str]]:
    """(words, the rest) of every command line that begins with `leadflow` in code."""
    for code in re.findall(r"`([^`]+)`", text) + re.findall(r"^ +(leadflow .*)$", text, re.M):
        for found in _COMMAND.finditer(" ".join(code.split())):
            yield found.group(1).strip(), found.group(2)


def unknown(words: str, rest: str) -> str | None:
    """What of a command line `leadflow` does not know."""
    command: Any = typer.main.get_command(app)
    for word in words.split():
        group = getattr(command, "commands", None)
        if group is None:
            break
        if word not in group:
            return f"leadflow {words}: there is no command {word}"
        command = group[word]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    wrong = [option for option in re.findall(r"(?<!\S)--[a-z-]+", f"{words} {rest}") if option not in options]
    return f"leadflow {words}: there is no option {', '.join(wrong)}" if wrong else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_the_page_exists(page: Path) -> None:
    assert [reason for words, rest in commands(page.read_text()) if (reason := unknown(words, rest))] == []


def test_the_pages_have_commands_and_a_wrong_one_is_found() -> None:
    assert sum(1 for page in PAGES for _ in commands(page.read_text())) > 10
    found = [unknown(*command) for command in commands("`leadflow gossip`, `leadflow migrate --everything`")]
    assert found[0] == "leadflow gossip: there is no command gossip"
    assert found[1] is not None
    assert found[1].endswith("there is no option --everything")
