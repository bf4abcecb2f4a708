"""Makes values from outside safe to put into a message. Templates mark those values with the characters below."""

import re

from services.outreach.drafts.composer.links import links_in
from services.outreach.sending.message import BREAK, header_fault

MARK_START = "\ue000"
MARK_END = "\ue001"
"""Private-use characters of Unicode: a template puts them around a lead's value, so that its sentence is found."""

_BARE_DOMAIN = re.compile(r"(?!www\.)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,20}")
_MARKS = re.compile(f"[{MARK_START}{MARK_END}]")


def one_line(value: object, limit: int = 200) -> str:
    """The value as one line of at most `limit` printable characters."""
    text = _MARKS.sub("", " ".join(str(value).split()))
    return "".join(character for character in text if character.isprintable())[:limit]


def plain_value(value: object, limit: int = 200) -> str:
    """A lead's value as one line that brings no link into a message.

    A value that is just a domain, like the company Example.com, is kept with an invisible break after each dot, so that
    no mail client makes a link of it. Any other value with a link or an e-mail address in it becomes '', and so does
    one that no header can carry, like an encoded word.
    """
    text = one_line(value, limit)
    if header_fault(text):
        return ""
    if not links_in(text):
        return text
    return text.replace(".", f".{BREAK}") if _BARE_DOMAIN.fullmatch(text) else ""
