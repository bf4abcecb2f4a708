"""The deterministic rules that label a reply by its new text. Where no rule is sure, the label is `other`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.outreach.replies.rules import automatic_replies, new_text, opt_outs, short_answers

Label = Literal[
    "interested",
    "question",
    "meeting_request",
    "later",
    "declined",
    "opt_out",
    "moved_company",
    "wrong_person",
    "out_of_office",
    "auto_reply",
    "bounce",
    "other",
]

WRONG_ADDRESS_LABELS = frozenset({"wrong_person", "moved_company"})
"""Labels with which "this is not their number" makes the address invalid."""


@dataclass(frozen=True, slots=True)
class Classification:
    """The label of a reply, how sure it is (0 to 1), and the words that it relies on (`because`).

    `needs_human`: a person has to label the reply. `stop_word`: an SMS that is only a STOP word, which no later label
    retracts. `wrong_address`: the writer says that the address is not the lead's.
    """

    label: str
    confidence: float
    because: str
    needs_human: bool = False
    stop_word: bool = False
    wrong_address: bool = False


def classify(channel: str, headers: Mapping[str, str], read: new_text.NewText) -> Classification:
    """Label a reply. `headers`: names in lower case. An opt-out wins over every other reading."""
    subject = headers.get("subject", "")
    opt_out = opt_outs.opt_out_words(read, subject)
    if opt_out:
        stop_word = channel == "sms" and bool(opt_outs.stop_word(read))
        return Classification("opt_out", 0.95, opt_out, stop_word=stop_word)
    wrong_address = short_answers.names_wrong_address(read.own)
    automatic = automatic_replies.label(headers, read.own)
    if automatic:
        label, because = automatic
        return Classification(label, 0.9, because, wrong_address=wrong_address and label == "moved_company")
    answer = short_answers.label(read.newest)
    if answer:
        label, because = answer
        return Classification(label, 0.8, because, wrong_address=wrong_address and label == "wrong_person")
    return Classification("other", 0.0, "no rule is sure", needs_human=True)
