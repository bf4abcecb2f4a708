"""When a step falls due: delays in days, working days and hours, counted by the clocks of the lead's time zone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.outreach.rules import Window, is_working_day, local_moment, morning_of, open_in_all, zone_of
from services.outreach.sequences.rules.definition import Step


@dataclass(frozen=True, slots=True)
class Calendar:
    """The clocks, windows and holidays by which the steps of one lead fall due."""

    zone: str
    windows: tuple[Window, ...] = ()
    """All of them have to be open: the sequence's and the tenant's."""
    holidays: str | None = None

    def after(self, step: Step, left_at: datetime) -> datetime:
        """When the delay of a step is over, of which the one before left at that moment.

        A day is the same time on the next day, whatever the clocks did in between.
        """
        days, rest = step.delay.days, step.delay - timedelta(days=step.delay.days)
        if days == 0:
            return left_at + rest
        zone = zone_of(self.zone)
        local = left_at.astimezone(zone).replace(tzinfo=None)
        day = local.date()
        if step.working_days:
            for _ in range(days):
                day += timedelta(days=1)
                while not is_working_day(day, self.holidays):
                    day += timedelta(days=1)
        else:
            day += timedelta(days=days)
        return local_moment(datetime.combine(day, local.time()), zone) + rest

    def opening(self, at: datetime) -> datetime:
        """The moment, `at` or later, at which messages may be sent.

        Where the tenant's and the sequence's windows are never open together, the first one counts: the sender refuses
        the message then, with the reason.
        """
        together = open_in_all(self.windows, at, self.zone)
        return together if together is not None else self.windows[0].next_open(at, self.zone)

    def return_of(self, day: datetime) -> datetime:
        """When a lead is back that returns on that day: in the morning of its time zone."""
        return morning_of(day.date(), self.zone)
