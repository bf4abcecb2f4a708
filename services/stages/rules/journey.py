"""The journey: what the signals of a lead add up to, with all that the fold needs to continue from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.limits import MAX_OWNER

from .signals import Order
from .stages import NEW, Stage, status_of

RULES_VERSION = 5
"""Greater with each change after which a stored journey may differ from the fold of its signals.

A journey of another version is folded again when its next signal or timer is due.
"""

EMAIL, SMS = "email", "sms"
CHANNELS = (EMAIL, SMS)

BOOKED, PASSED, CANCELLED = "booked", "passed", "cancelled"
VALID, SOFT, INVALID = "valid", "soft", "invalid"

AFTER_ALL = b"\xff"
"""The event id of a fired timer: greater than any UTF-8 text, so a timer is after all signals of its instant."""


def owner_of(name: str | None) -> str | None:
    """An owner as a lead has it, whoever published it: cut to the length that a person may enter and an index takes."""
    return name[:MAX_OWNER] if name else None


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
    """One address that the lead has or had. It is stored under its digest, never as text."""

    channel: str
    state: str = VALID
    suppressed: bool = False
    used_up: bool = False
    known: bool = True
    """False for an address that was never in the contact details, but that an event has named."""

    @property
    def works(self) -> bool:
        return self.state != INVALID and not self.suppressed


@dataclass(slots=True)
class Contact:
    """The addresses in use of one lead id, as digests, and the version of the contact details that named them.

    A merged lead has the contacts of several lead ids.
    """

    email: str | None = None
    sms: str | None = None
    version: int = 0


@dataclass(slots=True)
class Journey:
    """The stage of a lead, why it is there, and all facts that the rules read.

    `created_on` is None until `lead.captured` is folded. `because`, `rule` and `caused_by` are the reason, the rule and
    the cause of the last move. `alerted`: the lead was hot since its score was last below the lower threshold, whatever
    its stage is now. `last_order` is the position of the newest signal or timer that was folded.
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
    alerted: bool = False
    opted_out: bool = False
    revived: bool = False
    unanswered: bool = False
    erased: bool = False
    later_until: str | None = None
    last_reply_at: datetime | None = None
    sequence_ended_at: datetime | None = None
    mode: str = "blended"
    ticks: dict[str, Tick] = field(default_factory=dict)
    meetings: dict[str, Meeting] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)
    sequences: dict[str, bool] = field(default_factory=dict)
    """Whether each enrolment is still active."""
    replies: dict[str, str] = field(default_factory=dict)
    """The label that counts of each reply."""
    trusted: dict[str, str] = field(default_factory=dict)
    """The opt-outs that are believed until the reply that they name is received: reply id -> event id."""
    last_order: Order | None = None
    rules_version: int = RULES_VERSION

    @property
    def status(self) -> str:
        return status_of(self.stage, self.contacted)

    @property
    def meetings_held(self) -> int:
        """How many meetings have passed without being cancelled; a meeting that is moved afterwards does not count."""
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
        """A compact dict for orjson, which writes the times: only what differs from a new journey."""
        out: dict[str, Any] = {"v": self.rules_version, "stage": self.stage.value}
        for key, name in _TIMES.items():
            time = getattr(self, name)
            if time is not None:
                out[key] = time
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
        """The journey from the JSON that `to_json` gave, parsed."""
        read = datetime.fromisoformat
        journey = cls(stage=Stage(stored["stage"]), rules_version=stored["v"])
        for key, value in stored.items():
            if key in _TIMES:
                setattr(journey, _TIMES[key], read(value))
            elif key in _AS_IS:
                setattr(journey, key, value)
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


_TIMES = {
    "entered_at": "entered_at",
    "created_on": "created_on",
    "first_qualified_on": "first_qualified_on",
    "won_on": "won_on",
    "last_word_at": "last_reply_at",
    "sequence_ended_at": "sequence_ended_at",
}
"""The times of a journey: key in the stored JSON -> attribute."""

_PLAIN = (
    "contacted",
    "disqualification_reason",
    "because",
    "rule",
    "caused_by",
    "owner",
    "assigned",
    "hot",
    "alerted",
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
