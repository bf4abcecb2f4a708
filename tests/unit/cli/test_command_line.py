from pathlib import Path

from cli.command_line import command_line, program, with_data
from cli.options import DEFAULT_DATA


def test_a_command_names_the_data_folder_unless_it_is_the_default():
    assert with_data(["status"], DEFAULT_DATA) == ["status"]
    assert with_data(["status"], Path("other")) == ["status", "--data", "other"]


def test_a_command_line_is_quoted_for_the_shell():
    assert command_line(["mailbox", "answer", "last", "Yes, on Monday."], DEFAULT_DATA) == (
        f"{program()} mailbox answer last 'Yes, on Monday.'"
    )
