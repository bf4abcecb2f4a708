"""The deterministic rules for replies: what is new in the text, and what it says. No rule sure: `other`."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.outreach.replies.rules import automatic, human, opt_out, text

NO_WORD_FROM_THE_LEAD = frozenset({"out_of_office", "auto_reply", "bounce"})
"""Labels of what no human wrote about the matter: they neither engage the lead nor hold back a message."""

SPEAK_OF_THE_ADDRESS = frozenset({"wrong_person", "moved_company"})
"""Labels under which the words "this is not their number" count."""

LABELS = (
    "interested question meeting_request later declined opt_out moved_company wrong_person out_of_office auto_reply "
    "bounce other"
).split()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A label with how sure (0 to 1) and by which words; `needs_human` when a person has to look."""

    label: str
    confidence: float
    because: str
    needs_human: bool = False
    stop_word: bool = False
    wrong_address: bool = False


def classify(channel: str, headers: Mapping[str, str], read: text.Text) -> Verdict:
    """What a reply says. `headers`: names in lower case. Opt-out words win over everything else."""
    subject = headers.get("subject", "")
    silence = opt_out.wants_silence(read, subject)
    if silence:
        return Verdict("opt_out", 0.95, silence, stop_word=channel == "sms" and bool(opt_out.stop_word(read)))
    wrong_address = human.says_wrong_address(read.own)
    machine = automatic.kind(headers, read.own)
    if machine:
        return Verdict(machine[0], 0.9, machine[1], wrong_address=wrong_address and machine[0] == "moved_company")
    said = human.label(read.newest)
    if said:
        return Verdict(said[0], 0.8, said[1], wrong_address=wrong_address and said[0] == "wrong_person")
    return Verdict("other", 0.0, "no rule is sure", needs_human=True)
