"""Which sentences of a text state something that nothing known supports."""

import pytest

from services.outreach.drafts.composer.claims import check_claims
from tests.unit.outreach.test_drafts import FACTS, some_facts


@pytest.mark.parametrize(
    ("sentence", "marked"),
    [
        ("Would Tuesday at 10:30 suit you?", False),
        ("Shall we say 3 December, 2 pm, for 30 minutes?", False),
        ("Shall we have a 30-minute call on 2026-12-03?", False),
        ("Our reference is 8f3a2b and t-20b.", False),
        ("We saved them 30 minutes a day.", True),
        ("Did you know that 40 firms use it?", True),
        ("It is 10x faster than before.", True),
        ("Prices rose by 4.5 points in 2025.", True),
    ],
)
def test_a_question_about_a_meeting_states_nothing_and_a_figure_does(sentence, marked):
    assert bool(check_claims(sentence, [], {})) == marked


def test_a_fact_of_the_lead_supports_neither_another_figure_nor_what_is_said_of_us():
    facts = {**FACTS, **some_facts(company="Firm 92 Ltd", department="sales")}
    marked = {
        row["sentence"]
        for row in check_claims(
            "Next step for Firm 92 Ltd. Firm 92 Ltd grew by 40 points. We helped Firm 92 Ltd. We sell for sales.",
            [],
            facts,
        )
        if row.get("unsupported")
    }
    assert marked == {"Firm 92 Ltd grew by 40 points.", "We helped Firm 92 Ltd."}
    assert check_claims("Best regards\nSales\n", [], facts) == []
