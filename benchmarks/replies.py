"""How well replies are understood, on the development data beside the repository: own words, dates, and labels.

What was tuned on is no measure; the figures show whether a change made something worse.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import reply_labels
from services.outreach.replies.rules import label_details, new_text

Record = Mapping[str, Any]

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SEVEN = frozenset({"en", "de", "fr", "es", "pt", "nl", "it", "english or not named"}) | frozenset(
    {"german", "french", "spanish", "portuguese", "dutch", "italian"}
)
_CLOSING = re.compile(
    r"\s*((with|best|kind|warm|many|mit|met|con|avec|com os|un|cordiali)\s+){0,2}"
    r"(regards|wishes|thanks|thank you|cheers|best|freundlichen grüßen|gruß|groet|cordialement|saludos?|saluti|abraço"
    r"|merci|pozdrawiam|hilsen)\b[^.?!]{0,40}[.!,]?\s*",
    re.I,
)
"""A sign-off: where a corpus keeps it, it is taken away on both sides. Not our own rule, which is what is measured."""


@dataclass(slots=True)
class Tally:
    """How many of how many were right, by group."""

    right: dict[str, int] = field(default_factory=dict)
    all: dict[str, int] = field(default_factory=dict)

    def count(self, right: bool, groups: Iterable[str]) -> None:
        for group in groups:
            self.all[group] = self.all.get(group, 0) + 1
            self.right[group] = self.right.get(group, 0) + right

    def lines(self) -> list[str]:
        """One line for each group: its name, the share, and the numbers."""
        return [
            f"  {group:24}{self.right[group] / count:6.2f}  {self.right[group]}/{count}"
            for group, count in sorted(self.all.items(), key=lambda item: (item[0] != "all", item[0]))
        ]


def measure(data: Path = DATA) -> None:
    """Print own words exact (all, by language, hard), dates exact, with those that are too early, and labels."""
    replies, quoted = data / "replies-dev.jsonl", data / "mail" / "stripping.jsonl"
    if not replies.exists():
        print(f"The development data is not there: {replies}")
        return
    records = _read(replies)
    _print_own_words("own words exact, replies", records, _collapsed)
    if quoted.exists():
        _print_own_words("own words exact, quoted mails", _read(quoted), _without_closing)
    _print_dates(records)
    reply_labels.print_labels(records)
    reply_labels.print_cross_validated()


def own_words(records: Iterable[Record], compared: Callable[[str], str]) -> Tally:
    """How often `newest` is exactly what the data says, by language. `compared`: what is compared on both sides."""
    tally = Tally()
    for record in records:
        language = record.get("lang") or record["language"]
        right = compared(new_text.extract(record["body"]).newest) == compared(record["newest_text"])
        hard = ["hard"] if record.get("hard") else []
        tally.count(right, ["all", language, "seven languages" if language in SEVEN else "other languages", *hard])
    return tally


def dates(records: Iterable[Record]) -> tuple[Tally, list[str]]:
    """How often a date is exactly what the data says (null is null), and the ids of those that are too early."""
    tally, early = Tally(), []
    for record in records:
        read = _READERS.get(record["label"])
        if read is None:
            continue
        name, reader = read
        wanted = date.fromisoformat(record[name]) if record[name] else None
        text = new_text.extract(record["body"]).own
        found = reader(text, date.fromisoformat(record["sent_at"][:10]))
        tally.count(found == wanted, ["all", name, record["lang"]])
        if found and wanted and found < wanted:
            early.append(record["id"])
    return tally, early


_READERS: dict[str, tuple[str, Callable[[str, date], date | None]]] = {
    "later": ("later_until", label_details.later_until),
    "out_of_office": ("return_date", label_details.return_date),
}


def _print_own_words(title: str, records: list[Record], compared: Callable[[str], str]) -> None:
    slowest = max((_seconds(record["body"]), str(record.get("id"))) for record in records)
    print(f"\n{title} (slowest {slowest[0] * 1000:.0f} ms, {slowest[1]})")
    print("\n".join(own_words(records, compared).lines()))


def _print_dates(records: list[Record]) -> None:
    tally, early = dates(records)
    print("\ndates exact")
    print("\n".join(tally.lines()))
    print(f"  too early: {', '.join(early) or 'none'}")


def _seconds(body: str) -> float:
    start = time.perf_counter()
    new_text.extract(body)
    return time.perf_counter() - start


def _read(path: Path) -> list[Record]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _without_closing(text: str) -> str:
    """A text, with white space collapsed, up to a sign-off among its last lines."""
    lines = [line for line in text.split("\n") if line.strip()]
    end = next((at for at in range(max(1, len(lines) - 6), len(lines)) if _CLOSING.fullmatch(lines[at])), len(lines))
    return _collapsed("\n".join(lines[:end]))
