"""The journey: what the signals of a lead add up to, and all that the fold needs to go on from there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .signals import Order
from .stages import NEW, Stage, status_of

RULES_VERSION = 1

EMAIL, SMS = "email", "sms"
CHANNELS = (EMAIL, SMS)

BOOKED, PASSED, CANCELLED = "booked", "passed", "cancelled"
VALID, SOFT, INVALID = "valid", "soft", "invalid"

# A fired timer comes after every signal of its instant: no UTF-8 text is greater than this byte.
AFTER_ALL = b"\xff"


@dataclass(slots=True)
class Meeting:
    starts_at: datetime
    ends_at: datetime
    state: str = BOOKED
    title: str | None = None


@dataclass(slots=True)
class Tick:
    """One checklist item: `by` is an actor, `reply` or `score`; `evidence` the sentence it relied on."""

    ticked: bool
    by: str
    at: datetime
    evidence: str | None = None


@dataclass(slots=True)
class Address:
    """What is known of one address the lead ever had; it is kept by its digest only."""

    channel: str
    state: str = VALID
    suppressed: bool = False
    used_up: bool = False
    known: bool = True  # False: something was said of it before it was in the contact details

    @property
    def works(self) -> bool:
        return self.state != INVALID and not self.suppressed


@dataclass(slots=True)
class Contact:
    """The addresses in use of one lead id (a merged lead has several), as digests, and whose version said so."""

    email: str | None = None
    sms: str | None = None
    version: int = 0


@dataclass(slots=True)
class Journey:
    """Where a lead stands and why. `created_on` is None until `lead.captured` was folded.

    `last_order` is the place of the newest signal or timer folded; `because`, `rule`, `caused_by` tell of the last
    move.
    """

    stage: Stage = NEW
    entered_at: datetime | None = None
    created_on: datetime | None = None
    contacted: bool = False
    first_qualified_on: datetime | None = None
    won_on: datetime | None = None
    disqualification_reason: str | None = None
    because: str | None = None
    rule: str | None = None
    caused_by: str | None = None
    owner: str | None = None
    assigned: bool = False
    score: int | None = None
    hot: bool = False
    opted_out: bool = False
    revived: bool = False
    unanswered: bool = False
    erased: bool = False
    later_until: str | None = None
    last_word_at: datetime | None = None
    sequence_ended_at: datetime | None = None
    mode: str = "blended"
    ticks: dict[str, Tick] = field(default_factory=dict)
    meetings: dict[str, Meeting] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)
    sequences: dict[str, bool] = field(default_factory=dict)  # enrolment -> still active
    replies: dict[str, str] = field(default_factory=dict)  # reply -> the label that counts
    trusted: dict[str, str] = field(default_factory=dict)  # opt-outs by a reply that is not known yet -> event id
    last_order: Order | None = None
    rules_version: int = RULES_VERSION

    @property
    def status(self) -> str:
        return status_of(self.stage, self.contacted)

    @property
    def meetings_held(self) -> int:
        """How many meetings came to their end without being cancelled; a meeting moved afterwards is held again."""
        return sum(meeting.state == PASSED for meeting in self.meetings.values())

    def facts(self) -> dict[str, Any]:
        """The `journey` of a `stage.changed`."""
        return {
            "contacted": self.contacted,
            "first_qualified_on": self.first_qualified_on,
            "won_on": self.won_on,
            "meetings_held": self.meetings_held,
            "owner": self.owner,
            "created_on": self.created_on,
        }

    def to_json(self) -> dict[str, Any]:
        """A compact dict for orjson, which writes the times, that says only what differs from a new journey."""
        out: dict[str, Any] = {"v": self.rules_version, "stage": self.stage.value}
        for name in _TIMES:
            time = getattr(self, name)
            if time is not None:
                out[name] = time
        for name in _PLAIN:
            value = getattr(self, name)
            if value:
                out[name] = value
        if self.score is not None:
            out["score"] = self.score
        if self.mode != "blended":
            out["mode"] = self.mode
        if self.ticks:
            out["ticks"] = {item: [tick.ticked, tick.by, tick.at, tick.evidence] for item, tick in self.ticks.items()}
        if self.meetings:
            out["meetings"] = {
                id: [each.starts_at, each.ends_at, each.state, each.title] for id, each in self.meetings.items()
            }
        if self.contacts:
            out["contacts"] = {id: [each.email, each.sms, each.version] for id, each in self.contacts.items()}
        if self.addresses:
            out["addresses"] = {
                key: [each.channel, each.state, each.suppressed, each.used_up, each.known]
                for key, each in self.addresses.items()
            }
        if self.last_order is not None:
            at, id, source = self.last_order
            out["last"] = [at] if id == AFTER_ALL else [at, id.decode(), source.decode()]
        return out

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Journey":
        """The journey in what `to_json` gave, once it was written and parsed."""
        read = datetime.fromisoformat
        journey = cls(stage=Stage(stored["stage"]), rules_version=stored["v"])
        for name, value in stored.items():
            if name in _TIMES:
                setattr(journey, name, read(value))
            elif name in _AS_IS:
                setattr(journey, name, value)
        if "ticks" in stored:
            journey.ticks = {
                item: Tick(ticked, by, read(at), evidence)
                for item, (ticked, by, at, evidence) in stored["ticks"].items()
            }
        if "meetings" in stored:
            journey.meetings = {
                id: Meeting(read(starts), read(ends), state, title)
                for id, (starts, ends, state, title) in stored["meetings"].items()
            }
        if "contacts" in stored:
            journey.contacts = {id: Contact(*values) for id, values in stored["contacts"].items()}
        if "addresses" in stored:
            journey.addresses = {key: Address(*values) for key, values in stored["addresses"].items()}
        if "last" in stored:
            at, *rest = stored["last"]
            journey.last_order = (read(at), rest[0].encode(), rest[1].encode()) if rest else (read(at), AFTER_ALL, b"")
        return journey


_TIMES = ("entered_at", "created_on", "first_qualified_on", "won_on", "last_word_at", "sequence_ended_at")
_PLAIN = (
    "contacted",
    "disqualification_reason",
    "because",
    "rule",
    "caused_by",
    "owner",
    "assigned",
    "hot",
    "opted_out",
    "revived",
    "unanswered",
    "erased",
    "later_until",
    "sequences",
    "replies",
    "trusted",
)
_AS_IS = frozenset({*_PLAIN, "score", "mode"})
