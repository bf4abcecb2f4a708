"""Evidence for the checklist: which sentences say that money, a decision, a need or a time is there."""

from datetime import date

import pytest

from services.outreach.replies.rules.checklist_evidence import evidence_of

TODAY = date(2026, 11, 27)


def items(text: str, label: str = "interested") -> dict[str, str]:
    return {entry["item"]: entry["sentence"] for entry in evidence_of(label, text, TODAY)}


@pytest.mark.parametrize(
    "text",
    [
        "The budget is approved. I decide. We need a new oven and want to go live by 15 January.",
        "Das Budget steht fest. Die Entscheidung liegt bei mir. Wir brauchen Ersatz. Starten wollen wir im Januar.",
        "Le budget est validé. C'est moi qui décide. Nous avons besoin d'un four. On veut démarrer en janvier.",
        "Tenemos presupuesto. Decido yo. Necesitamos un horno. Queremos empezar en enero.",
        "A verba foi aprovada. Quem decide sou eu. Precisamos de um forno. Queremos começar em janeiro.",
        "Het budget is goedgekeurd. Ik beslis. Wij zoeken een oven. We willen in januari van start.",
        "Abbiamo il budget. Decido io. Ci serve un forno. Vorremmo partire a gennaio.",
    ],
)
def test_four_items_are_found_in_seven_languages(text: str):
    assert set(items(text)) == {"budget", "authority", "need", "timing"}


def test_the_sentence_that_says_so_is_given():
    assert items("Hello Ann. The money for it is signed off. Send the quote!") == {
        "budget": "The money for it is signed off."
    }


@pytest.mark.parametrize(
    "text",
    [
        "There is no budget for this.",
        "The budget is frozen and was approved for others.",
        "Once the budget is approved I'll write.",
        "If the board has approved it, we need a plan.",
        "Is the budget approved on your side?",
        "We don't need anything new.",
        "Wir brauchen das nicht.",
        "We met in January.",
    ],
)
def test_what_is_denied_asked_or_on_a_condition_is_no_evidence(text: str):
    assert items(text) == {}


@pytest.mark.parametrize("label", ["declined", "later", "opt_out", "auto_reply", "other"])
def test_only_who_goes_on_gives_evidence(label: str):
    assert items("The budget is approved and I decide.", label) == {}
