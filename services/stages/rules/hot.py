"""The hot flag: whether a score makes a lead hot."""

from .settings import TenantSettings
from .stages import OPEN, Stage


def is_hot(alerted: bool, total: int, settings: TenantSettings, stage: Stage) -> bool:
    """Whether a lead with this total score is hot: from `hot_up` on, until it falls below `hot_down`; open stages only.

    The two thresholds keep a score that varies a little from raising one alert after the other. `alerted`: whether the
    lead was hot since its score was last below `hot_down`, and so has had its alert.
    """
    if stage not in OPEN:
        return False
    return total >= (settings.hot_down if alerted else settings.hot_up)
