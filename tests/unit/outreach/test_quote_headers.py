"""Introductions of quotes that carry marks of their own, or a name and a time in brackets."""

import pytest

from services.outreach.replies.rules import new_text

OURS = "Hi Dana,\nplease look at Acme. Unsubscribe: https://x.example/u"
MARKED = "\n".join(f"> {line}" for line in OURS.split("\n"))
INTRODUCTIONS = [
    ">>> Sam Reed <sales@acme.example> 3/9/2026 10:12 AM >>>",
    ">>> Sam Reed <sales@acme.example> 09.03.26 10.12 >>>",
    ">>> <sales@acme.example> 09/03/2026 10:12 >>>",
    '>>> "Sam Reed" <sales@acme.example> schrieb am Montag, 9. März 2026 um 10:12 in Nachricht\n<abc@acme.example>:',
    ">>> Sam Reed <sales@acme.example> schrieb am 09.03.2026 um 10:12 in Nachricht <abc@mail.acme.example>:",
    ">>> On 3/9/2026 at 10:12 AM, in message <abc@mail.acme.example>, Sam Reed\n<sales@acme.example> wrote:",
    "* Sam Reed (sales@acme.example) [2026-03-09 10:12]:",
    "* Sam Reed <sales@acme.example> [2026-03-09 10:12:30 +0100]:",
]


@pytest.mark.parametrize("quote", [OURS, MARKED])
@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_what_follows_such_an_introduction_is_ours(introduction: str, quote: str):
    assert new_text.extract(f"What does it cost?\n\n{introduction}\n{quote}\n").own == "What does it cost?"


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_below_a_quote_with_marks_the_writer_goes_on(introduction: str):
    assert new_text.extract(f"{introduction}\n{MARKED}\n\nWhat does it cost?\n").own == "What does it cost?"


@pytest.mark.parametrize(
    "text",
    [
        "Look here:\n\n>>> the price <<<\n\nIs that right?",
        "> Hi Dana,\n>>> Ann Lee <ann@mail.example> 3/9/2026 10:12 AM >>>\nWhat does it cost?",
    ],
)
def test_other_marks_introduce_nothing(text: str):
    assert new_text.extract(text).own.endswith("?")
