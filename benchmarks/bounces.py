"""How well delivery reports and complaints are recognised, on the mails of real servers in `../shared/data/mail`.

Not a race: `recognised`, `hard` and the like are shares of 1, and `slowest_ms` is the slowest mail.
"""

import csv
import re
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.results import Measurements, print_table
from services.outreach.replies.rules import mail_parsing
from services.outreach.replies.rules.bounces import DeliveryReport, complaint, failures

_ADDRESS = r"<?([^\s<>@\"':;,()\[\]]+@[^\s<>@\"':;,()\[\]]+)"
_NAMING = re.compile(
    rf"(?:recipient: *(?:[\w-]+; *)?|recipients:.{{0,200}}?|rcpt to: ?|^to:.{{0,200}}?|^cc:.{{0,200}}?| for "
    rf"|^[\s<\">*]*|: |to )"
    rf"{_ADDRESS}",
    re.I | re.M,
)
_TEMPORARY = frozenset(
    "expired exceedlimit mailboxfull mailererror mesgtoobig networkerror onhold speeding systemerror systemfull"
    " toomanyconn".split()
)
_NO_REPORT = frozenset({"vacation"})


@dataclass(slots=True)
class Counts:
    """What was counted over some of the mails; `failed` has the files with what is wrong."""

    mails: int = 0
    recognised: int = 0
    right_address: int = 0
    hard: int = 0
    hard_found: int = 0
    temporary: int = 0
    temporary_hard: int = 0
    others: int = 0
    others_taken: int = 0
    slowest: float = 0.0
    failed: list[str] = field(default_factory=list)

    def shares(self) -> dict[str, float]:
        """The shares, with 0 of nothing."""

        def share(part: int, whole: int) -> float:
            return round(part / whole, 3) if whole else 0.0

        return {
            "recognised": share(self.recognised, self.mails),
            "address": share(self.right_address, self.mails),
            "hard": share(self.hard_found, self.hard),
            "temp_hard": share(self.temporary_hard, self.temporary),
            "others": share(self.others_taken, self.others),
            "slowest_ms": round(self.slowest * 1000, 1),
        }


def measure(folder: Path) -> Measurements:
    """The shares over all mails, and over every family of servers with at least eight mails."""
    labels = folder / "bounces.tsv"
    if not labels.is_file():
        print(f"No mails to measure on: {labels} is not there. Give the folder above theirs with --data.", flush=True)
        return {}
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with labels.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            rows[row["file"]].append(row)
    counts: dict[str, Counts] = defaultdict(Counts)
    for name in sorted(rows):
        raw = (folder / "bounces" / name).read_bytes()
        family = name.rsplit("-", 1)[0]
        _count(name, raw, rows[name], (counts["all"], counts[family]))
    shown = {name: each.shares() for name, each in sorted(counts.items()) if name == "all" or each.mails >= 8}
    goals = {"all": "recognised 0.97, address 0.95, hard 0.95, temp_hard at most 0.03, others 0, under 100 ms"}
    print_table("delivery reports and complaints", shown, goals)
    print(
        "The labels name no addresses: `address` is the share of the mails with as many recipients as there are labels,"
        " each of which the mail names as a recipient.\n" + "\n".join(counts["all"].failed)
    )
    return {"bounces": shown}


def _count(name: str, raw: bytes, rows: list[dict[str, str]], into: Iterable[Counts]) -> None:
    start = time.perf_counter()
    mail = mail_parsing.parse(raw)
    reports, complained = failures(mail), complaint(mail)
    took = time.perf_counter() - start
    found = bool(reports) or complained is not None
    wrong = "" if found else "not recognised"
    for counts in into:
        counts.slowest = max(counts.slowest, took)
        if rows[0]["reason"] in _NO_REPORT:
            counts.others += 1
            counts.others_taken += found
            wrong = "taken for a report" if found else ""
            continue
        counts.mails += 1
        counts.recognised += found
        addresses = complained.recipients if complained else [each.recipient for each in reports]
        right = found and len(addresses) == len({row["recipient"] for row in rows}) and _named(raw, addresses)
        counts.right_address += right
        wrong = wrong or ("" if right else f"addresses: {addresses}")
        for row, report in zip(rows, reports, strict=False):
            wrong = _severity(row, report, counts) or wrong
        if wrong:
            counts.failed.append(f"  {name}: {wrong}")


def _severity(row: dict[str, str], report: DeliveryReport, counts: Counts) -> str:
    """Count one recipient; what is wrong about it."""
    is_hard = report.severity == "hard"
    if row["hard"] == "true":
        counts.hard += 1
        counts.hard_found += is_hard
        return "" if is_hard else f"hard was missed ({row['status']} {row['reason']}): {report.detail[:80]}"
    if row["reason"] in _TEMPORARY or row["status"].startswith("4"):
        counts.temporary += 1
        counts.temporary_hard += is_hard
        return f"temporary taken for hard ({row['status']} {row['reason']}): {report.detail[:80]}" if is_hard else ""
    return ""


def _named(raw: bytes, addresses: Iterable[str | None]) -> bool:
    text = raw.decode("latin-1").lower()
    named = {hit.group(1).strip(".") for hit in _NAMING.finditer(text)}
    return all(address is not None and (address in named or address not in text) for address in addresses)
