import json

from cli.demo.board import Board
from cli.demo.steps import FILES


def moved(board: Board, lead: str, from_: str, to: str, revision: int) -> str | None:
    data = {"from": from_, "to": to, "revision": revision, "rule": "reply", "actor": "system:reply"}
    return board.take("stage.changed", f"{lead}-{revision}", lead, data)


def test_the_board_counts_leads_not_events():
    board = Board("demo")
    for event in ("a", "b"):
        board.take("lead.captured", event, "lead-1", {"full_name": "Ann"})
        board.take("lead.scored", event, "lead-1", {})
    assert board.line() == "captured 1, enriched 0, scored 1 | stages: new 1"


def test_the_board_keeps_the_highest_revision():
    board = Board("demo")
    board.take("lead.captured", "a", "lead-1", {"full_name": "Ann"})
    assert moved(board, "lead-1", "contacted", "engaged", 2) == "Ann: contacted -> engaged (reply, system:reply)"
    assert moved(board, "lead-1", "new", "contacted", 1) is None
    assert board.stages() == {"engaged": 1}


def test_a_correction_that_moves_nobody_is_no_news():
    board = Board("demo")
    assert moved(board, "lead-1", "engaged", "engaged", 3) is None


def test_the_demo_has_rows_that_cannot_be_taken_in_each_of_its_files():
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
