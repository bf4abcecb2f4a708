"""A tenant's settings for the rules, versioned by time: the settings of its time decide about an old signal."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
"""Before all signals: the moment from which the default settings hold."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the qualification checklist; with `score_at_least` the score ticks it."""

    id: str
    label: str
    required: bool = True
    score_at_least: int | None = None


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """The settings that a tenant chose for the rules, from `valid_from` on. Durations may be fractions."""

    checklist: tuple[Item, ...] = (
        Item("budget", "Budget"),
        Item("authority", "Authority"),
        Item("need", "Need"),
        Item("timing", "Timing"),
    )
    hot_up: int = 80
    hot_down: int = 70
    quiet_days: float = 30
    react_within_hours: float = 48
    valid_from: datetime = ALWAYS

    @property
    def quiet_period(self) -> timedelta:
        return timedelta(days=self.quiet_days)

    def reacts_to(self, occurred_at: datetime, now: datetime) -> bool:
        """Whether something that happened then is recent enough to raise an alert now."""
        return now - occurred_at <= timedelta(hours=self.react_within_hours)

    def to_json(self) -> dict[str, Any]:
        """The body of `PUT /settings`."""
        return {
            "checklist": [
                {"id": item.id, "label": item.label, "required": item.required}
                | ({} if item.score_at_least is None else {"rule": {"score_at_least": item.score_at_least}})
                for item in self.checklist
            ],
            "thresholds": {"hot": {"up": self.hot_up, "down": self.hot_down}},
            "quiet_days": self.quiet_days,
            "react_within_hours": self.react_within_hours,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any], valid_from: datetime = ALWAYS) -> "TenantSettings":
        """The settings in the body of `PUT /settings`, already validated; a name that is absent has its default."""
        known = DEFAULT_SETTINGS
        hot = (body.get("thresholds") or {}).get("hot") or {}
        items = body.get("checklist")
        return cls(
            checklist=known.checklist if items is None else tuple(_item(each) for each in items),
            hot_up=hot.get("up", known.hot_up),
            hot_down=hot.get("down", known.hot_down),
            quiet_days=body.get("quiet_days", known.quiet_days),
            react_within_hours=body.get("react_within_hours", known.react_within_hours),
            valid_from=valid_from,
        )


def _item(entry: Mapping[str, Any]) -> Item:
    rule = entry.get("rule") or {}
    return Item(
        id=entry["id"],
        label=entry.get("label") or entry["id"],
        required=entry.get("required", True),
        score_at_least=rule.get("score_at_least"),
    )


DEFAULT_SETTINGS = TenantSettings()


@dataclass(slots=True)
class SettingsHistory:
    """All versions of a tenant's settings, oldest first; the defaults hold before the first."""

    versions: list[TenantSettings] = field(default_factory=list)
    quiet_periods: list[tuple[TenantSettings, timedelta, datetime, datetime | None]] = field(init=False, repr=False)
    """Each version with its quiet period, and the moments from which and until which it holds."""
    _starts: list[datetime] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        versions = sorted(self.versions, key=lambda version: version.valid_from)
        if not versions or versions[0].valid_from > ALWAYS:
            versions.insert(0, DEFAULT_SETTINGS)
        self.versions = versions
        self._starts = [version.valid_from for version in versions]
        ends = [*self._starts[1:], None]
        self.quiet_periods = [
            (version, version.quiet_period, version.valid_from, end)
            for version, end in zip(versions, ends, strict=True)
        ]

    @classmethod
    def of(cls, *versions: TenantSettings) -> "SettingsHistory":
        return cls(list(versions))

    def at(self, moment: datetime) -> TenantSettings:
        """The settings that held at a moment; a version holds from its own instant on."""
        if len(self.versions) == 1:
            return self.versions[0]
        return self.versions[bisect_right(self._starts, moment) - 1]

    def followed_by(self, settings: TenantSettings) -> "SettingsHistory":
        """A copy of the history with one more version."""
        return SettingsHistory([*self.versions, settings])
