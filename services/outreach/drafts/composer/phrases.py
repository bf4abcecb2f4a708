"""The phrases with which a text is changed by a reviewer's hints. They state nothing that the composer cannot know."""

from collections.abc import Mapping

MENTIONS: Mapping[str, str] = {
    "first_name": "",
    "company": "I am writing to you about {value} in particular.",
    "industry": "I have the situation of companies in your industry ({value}) in mind.",
    "job_title": "I am writing to you because of your role ({value}).",
    "department": "I am thinking above all of the work of your department ({value}).",
    "employees": "I have in mind how a company of your size ({value} people) works.",
    "timezone": "We can choose a time that suits your time zone ({value}).",
}
"""For each fact that can be mentioned the sentence that does; a first name is mentioned by the greeting."""

MORE: Mapping[str, tuple[str, str]] = {
    "first": (
        "If it is easier for you, a few keywords are enough, and I will ask where something is unclear.",
        "There is no hurry: an answer whenever it suits you helps me to prepare what matters to you.",
    ),
    "follow_up": (
        "Before we talk I will send you a short agenda, so that you can decide who should join.",
        "If a call does not suit you, we can also settle the first questions in writing.",
    ),
    "answer": (
        "If I have missed a part of your message, please tell me, and I will come back to it.",
        "You can also simply answer with whatever else you would like to know.",
    ),
    "nurture": (
        "If your plans have moved, a date is enough, and I will write to you again then.",
        "If somebody else looks after this topic now, I would be grateful for a name.",
    ),
    "sequence": (
        "If it is easier for you, a few keywords are enough.",
        "An answer whenever it suits you is fine.",
    ),
}
"""For each kind of message the sentences that make it longer, step by step."""

GREETINGS: Mapping[str, str] = {"formal": "Dear", "informal": "Hi"}
NAMELESS: Mapping[str, str] = {"formal": "Dear Sir or Madam,", "informal": "Hi,"}
CLOSINGS: Mapping[str, str] = {"formal": "Yours sincerely", "informal": "Cheers"}
OPENING_WORDS = ("Hi", "Hello", "Hey", "Dear", "Good morning", "Good day")
CLOSING_WORDS = (
    *("Best regards", "Kind regards", "Warm regards", "Regards", "Best wishes", "All the best", "Best", "Cheers"),
    *("Thanks", "Many thanks", "Yours sincerely", "Yours faithfully", "Sincerely", "Yours truly"),
)

_SHORT_FORMS = (
    *(("I am", "I'm"), ("I will", "I'll"), ("I would", "I'd"), ("I have", "I've"), ("we are", "we're")),
    *(
        ("we will", "we'll"),
        ("we would", "we'd"),
        ("you are", "you're"),
        ("you will", "you'll"),
        ("you would", "you'd"),
    ),
    *(("it is", "it's"), ("that is", "that's"), ("there is", "there's"), ("do not", "don't"), ("does not", "doesn't")),
    *(("cannot", "can't"), ("is not", "isn't"), ("are not", "aren't"), ("have not", "haven't"), ("let us", "let's")),
)
INFORMAL_WORDS: Mapping[str, str] = dict(_SHORT_FORMS) | {"Thank you for": "Thanks for"}
FORMAL_WORDS: Mapping[str, str] = {short: full for full, short in _SHORT_FORMS} | {
    "Thanks for": "Thank you for",
    "Thanks": "Thank you",
    "a line or two": "a short answer",
    "A line or two": "A short answer",
}
