"""The fields of delivery reports (RFC 3464): in their own part, or wherever a server or a person put them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.outreach.replies.rules import mail_headers

MAX_TEXT = 400_000
MAX_LINES = 5_000
MAX_RECIPIENTS = 50

_FIELD = re.compile(r"([A-Za-z][A-Za-z-]{1,60})[ \t]{0,5}:[ \t]{0,20}(.*)", re.S)
_RECIPIENT_FIELDS = ("final-recipient", "original-recipient", "x-actual-recipient")
_START = re.compile(
    r"^[> \t]{0,20}(Reporting-MTA|Final-Recipient|Original-Recipient|Action|Diagnostic-Code)[ \t]{0,5}:", re.I | re.M
)


@dataclass(slots=True)
class StatusBlock:
    """What a report says about one recipient, with the fields that hold for all of them. Names in lower case."""

    fields: dict[str, str] = field(default_factory=dict)

    def recipient(self) -> str | None:
        final = self._address("final-recipient") or self._address("x-actual-recipient")
        # A name inside of the server's own network is nothing that we wrote to.
        return final if final and "." in final.partition("@")[2] else self.original() or final

    def original(self) -> str | None:
        return self._address("original-recipient")

    def _address(self, name: str) -> str | None:
        value = self.fields.get(name, "")
        kind, semicolon, text = value.partition(";")
        found = mail_headers.addresses(text if semicolon and "@" not in kind else value)
        return found[0] if found else None

    @property
    def status(self) -> str:
        hit = re.search(r"\b[245]\.\d{1,3}\.\d{1,3}\b", self.fields.get("status", ""))
        return hit.group(0) if hit else ""

    @property
    def action(self) -> str:
        """`failed`, `delayed`, `delivered`, `relayed` or `expanded`: as named, or else by the status."""
        hit = re.search(r"[a-z]+", self.fields.get("action", "").lower())
        word: str = hit.group(0) if hit else ""
        if word in ("failed", "delayed", "delivered", "relayed", "expanded"):
            return word
        if word.startswith(("fail", "error", "undeliver", "reject")):
            return "failed"
        by_status = {"2": "delivered", "4": "delayed", "5": "failed"}
        return by_status.get(self.status[:1], "failed")

    @property
    def diagnostic(self) -> str:
        value = " ".join(self.fields.get("diagnostic-code", "").split())
        kind, semicolon, text = value.partition(";")
        return text.strip() if semicolon and len(kind) < 20 and " " not in kind.strip() else value


def blocks(text: str) -> list[StatusBlock]:
    """One block for each recipient in the text of a message/delivery-status part, in order."""
    common: dict[str, str] = {}
    found: list[StatusBlock] = []
    for group in _groups(text[:MAX_TEXT].splitlines()[:MAX_LINES]):
        if any(name in group for name in _RECIPIENT_FIELDS):
            found.append(StatusBlock(group))
        elif (
            found
            and "reporting-mta" not in group
            and ("action" in group or "status" in group or "diagnostic-code" in group)
        ):
            # A block that was torn by an empty line.
            found[-1].fields = group | found[-1].fields
        else:
            common |= group
    if not found and ("action" in common or "status" in common):
        found = [StatusBlock()]
    return [StatusBlock(common | block.fields) for block in found[:MAX_RECIPIENTS]]


def _groups(lines: Iterable[str]) -> list[dict[str, str]]:
    """Fields between empty lines; a field that comes again begins a group, too."""
    groups: list[dict[str, str]] = [{}]
    name = ""
    for line in lines:
        if not line.strip():
            groups.append({})
            name = ""
        elif line[:1] in " \t" and name:
            groups[-1][name] = (groups[-1][name] + " " + line.strip())[:2_000]
        elif hit := _FIELD.match(line.strip()):
            name = hit.group(1).lower()
            if name in groups[-1] and name in (*_RECIPIENT_FIELDS, "action"):
                groups.append({})
            groups[-1].setdefault(name, hit.group(2).strip()[:2_000])
    return [group for group in groups if group]


def embedded(text: str) -> str:
    """The fields of a report inside of a text, also behind `> ` in one that was forwarded; "" where there are none."""
    text = text[:MAX_TEXT]
    if "-recipient" not in text.lower():
        return ""
    names = {hit.group(1).lower() for hit in _START.finditer(text)}
    if not {"final-recipient", "original-recipient"} & names or not {"action", "diagnostic-code"} & names:
        return ""
    first = _START.search(text)
    lines = text[first.start() if first else 0 :].splitlines()[:MAX_LINES]
    return "\n".join(re.sub(r"^\s{0,10}(>\s?){1,10}", "", line) for line in lines)
