"""The page docs/stages.md, which is generated from the rules."""

from pathlib import Path

from services.stages.rules import RULES, Stage, from_text, title_of, transition_diagram
from services.stages.rules.diagram import journey_diagram
from services.stages.rules.stages_page import FAQ, stages_page

CHECKED_IN = Path(__file__).parents[3] / "docs" / "stages.md"


def test_the_page_is_generated_from_the_rules() -> None:
    assert CHECKED_IN.read_text(encoding="utf-8") == stages_page(), "python -m services.stages.rules > docs/stages.md"


def test_the_page_names_every_stage_rule_and_question() -> None:
    text = stages_page()
    assert all(title_of(stage) in text for stage in Stage)
    assert all(f"`{rule.id}`" in text and rule.signal[1:] in text for rule in RULES)
    assert all(question in text for question in FAQ)


def test_the_picture_shows_every_rule_from_every_stage() -> None:
    picture = transition_diagram()
    for rule in RULES:
        assert rule.id in picture
    assert "scheduled --> engaged : meeting-cancelled" in picture
    assert "open --> dead : opted-out" in picture
    assert "open --> nurture" not in picture  # an arrow from the box into itself is drawn by no renderer


def test_the_journey_is_the_one_of_the_page_for_users() -> None:
    assert "exhausted --> contacted" in journey_diagram()
    assert "meeting_completed --> won : you mark it" in journey_diagram()


def test_groups_of_stages_are_named() -> None:
    assert {from_text(rule) for rule in RULES if len(rule.from_) > 7} == {
        "any active or paused",
        "any but Dead and Won",
    }
