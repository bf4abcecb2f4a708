"""Lines that a mail program broke are read as one: for sentences, dates, labels. Invented sentences."""

import textwrap
from datetime import date

import pytest

from services.outreach.replies.rules import classify, label_details, line_wraps, new_text
from services.outreach.replies.rules.checklist_evidence import evidence_of

TODAY = date(2026, 2, 2)
LETTERS = {
    "declined": "Thank you for the offer that you sent us last week, and for all the work that went into it; we have "
    "talked about it with the board, and we have decided not to go on with it.",
    "opt_out": "I have asked twice by now, and will not ask for a third time in such a friendly way as this: do not "
    "ever write to me or to anybody else here again.",
    "out_of_office": "Thank you for your message, which will be read with the attention that it deserves, but I am on "
    "leave with my family at the seaside until the 20th and will answer then.",
}


def test_broken_lines_are_joined_and_ended_ones_are_not():
    long = "x" * line_wraps.WRAPPED
    assert line_wraps.unwrapped(f"{long}\ngoes on") == f"{long} goes on"
    for text in (
        f"{long}.\nNew",
        f"{long}:\nNew",
        "short\nNew",
        f"{long}\n- item",
        f"{long}\n\nNew",
        f"{long}\n1. item",
    ):
        assert line_wraps.unwrapped(text) == text


@pytest.mark.parametrize("width", [60, 65, 72, 78])
@pytest.mark.parametrize("label", LETTERS)
def test_a_label_is_the_same_however_wide_the_window_was(label, width):
    text = LETTERS[label]
    for body in (text, "\n".join(textwrap.wrap(text, width))):
        assert classify("email", {}, new_text.extract(body)).label == label


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Our budget for this year is fixed, so please ask us again on 3\nMarch when we know more.", date(2026, 3, 3)),
        (
            "Das Thema ist bei uns leider erst im Herbst dran, also bitte Mitte\nOktober noch einmal.",
            date(2026, 10, 15),
        ),
        ("Nous en reparlerons avec plaisir mais pas avant la fin du mois de\njuin, merci.", date(2026, 6, 1)),
    ],
)
def test_a_date_may_be_broken(text, expected):
    assert label_details.later_until(text, TODAY) == expected


def test_a_return_is_in_the_sentence_of_its_date_also_on_the_next_line():
    text = "I am away at a trade fair in Lyon, then on holiday, and will be\nback at my desk on 16 February."
    assert label_details.return_date(text, TODAY) == date(2026, 2, 16)


def test_evidence_is_a_whole_sentence():
    text = "As I said on the telephone to your colleague, the budget for it has\nbeen approved by now."
    [evidence] = evidence_of("interested", text, TODAY)
    assert evidence == {"item": "budget", "sentence": text.replace("\n", " ")}
