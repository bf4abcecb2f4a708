"""Expressions: which are taken, and that none makes a large value of a small document."""

import pytest

from services.capture.rules.webhook_mapping import MAX_EXPRESSION
from services.capture.rules.webhook_presets import PRESETS
from shared.expressions import check_expression, evaluate


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("a[", "is not JMESPath"),
        ("(", "is not JMESPath"),
        ("(" * 900 + "a" + ")" * 900, "nested too deeply"),
        ("!" * 1_900 + "a", "nested too deeply"),
        ("a" * 2_001, "more than 2000 characters"),
        ("shout(a)", "the function shout"),
        ("[@,@][]|" * 200 + "@", "lists into lists"),
        ("{a: @, b: @}.*|" * 5 + "@", "lists into lists"),
        ("[*].[`[" + "1," * 40 + "1]`][][]", "lists into lists"),
        ("[" + "@," * 16 + "@][]", "lists into lists"),
        ("abs(" * 9 + "a" + ")" * 9, "more than 8 functions"),
        ("join(to_string(@), @)", "joins by something else"),
        (f"join('{'x' * 21}', @)", "joins by something else"),
        (f"[*].['{'x' * 201}']", "a text of more than 200"),
        ("a == '\ud83d'", "half of a surrogate pair"),
        ("\ud83d", "half of a surrogate pair"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_expression_or_could_grow_what_it_reads_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_expression(expression, longest=2_000)


@pytest.mark.parametrize(
    "expression",
    [
        "a.b[0].c",
        "items[?kind=='x'].name | [0]",
        "join(', ', [a, b])",
        "map(&a, b)",
        "(join(' ', [a, b])) || (join(' ', [c, d]))",
        "not_null(a, to_string(b))",
        "sort_by(a, &b)[1:2].{c: c, d: `[1, 2]`}",
        "find(answers, 'question.id', id).text",
    ],
)
def test_ordinary_expressions_are_taken(expression: str) -> None:
    check_expression(expression, longest=2_000)


def test_the_expressions_of_every_known_sender_are_taken() -> None:
    for preset in PRESETS.values():
        mapping = preset.mapping
        for expression in (*mapping.lead.values(), *mapping.meeting.values(), mapping.items, mapping.when):
            if expression:
                check_expression(expression, longest=MAX_EXPRESSION)


@pytest.mark.parametrize("document", [None, 5, "x", [], {"a": 5}, {"a": [None]}, {"a": {"b": []}}])
def test_a_document_of_another_form_gives_nothing_or_a_reason(document: object) -> None:
    for expression in ("length(a)", "find(a, 'x', `1`)", "a[0].b", "sort(a)", "join('', a)"):
        try:
            evaluate(expression, document)
        except ValueError as error:
            assert "body" in str(error)


def test_nothing_as_a_text_is_nothing() -> None:
    """JMESPath makes the text `null` of it, which would be the same value for every lead that has none."""
    assert evaluate("to_string(vid || id)", {}) is None
    assert evaluate("to_string(id)", {"id": 7}) == "7"
    assert evaluate("to_string(@)", {"id": None}) == '{"id":null}'
