import io
import json

from rich.console import Console

from cli.demo.board import Board
from cli.demo.steps import FILES
from cli.demo.walkthrough import Walkthrough


def count_move(board: Board, lead: str, from_: str, to: str, revision: int) -> str | None:
    data = {"from": from_, "to": to, "revision": revision, "rule": "reply", "actor": "system:reply"}
    return board.count("stage.changed", f"{lead}-{revision}", lead, data)


def test_the_board_counts_leads_not_events():
    board = Board("demo")
    for event in ("a", "b"):
        board.count("lead.captured", event, "lead-1", {"full_name": "Ann"})
        board.count("lead.scored", event, "lead-1", {})
    assert board.line() == "captured 1, enriched 0, scored 1 | stages: new 1"


def test_the_board_keeps_the_highest_revision():
    board = Board("demo")
    board.count("lead.captured", "a", "lead-1", {"full_name": "Ann"})
    assert count_move(board, "lead-1", "contacted", "engaged", 2) == "Ann: contacted -> engaged (reply, system:reply)"
    assert count_move(board, "lead-1", "new", "contacted", 1) is None
    assert board.stages() == {"engaged": 1}


def test_a_correction_without_a_move_prints_nothing():
    board = Board("demo")
    assert count_move(board, "lead-1", "engaged", "engaged", 3) is None


def test_each_demo_file_has_an_invalid_row():
    fair = (FILES / "trade-fair.csv").read_text().splitlines()
    assert any("n/a" in row for row in fair)
    broken = 0
    for line in (FILES / "partners.ndjson").read_text().splitlines():
        try:
            json.loads(line)
        except ValueError:
            broken += 1
    assert broken == 1
    website = json.loads((FILES / "website.json").read_text())
    assert any("email" not in lead and "phone" not in lead for lead in website)


def test_the_walkthrough_prints_each_command_before_it_runs_it(tmp_path):
    commands: list[list[str]] = []

    def run_command(words):
        assert "$ " in console.file.getvalue() and words[0] in console.file.getvalue()
        commands.append(list(words))

    console = Console(file=io.StringIO(), highlight=False)
    walkthrough = Walkthrough(tmp_path, console, run_command, stopped=lambda: len(commands) == 2)
    walkthrough.run()
    assert [words[0] for words in commands] == ["import", "import"]
    assert all(words[-2:] == ["--data", str(tmp_path)] for words in commands)
    assert not walkthrough.is_done, "it was stopped before its end"
