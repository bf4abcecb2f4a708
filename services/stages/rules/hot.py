"""The hot flag: whether a score makes a lead hot."""

from .settings import TenantSettings
from .stages import OPEN, Stage


def is_hot(was_hot: bool, total: int, settings: TenantSettings, stage: Stage) -> bool:
    """Whether a lead with this total score is hot: from `hot_up` on, until it falls below `hot_down`; open stages only.

    The two thresholds keep a score that varies a little from raising one alert after the other.
    """
    if stage not in OPEN:
        return False
    return total >= (settings.hot_down if was_hot else settings.hot_up)
